// RUN: ssm-opt %s --split-input-file --ssm-split-steps | FileCheck %s

// Four rows wait for a chain of four operations that no state is part of: eight steps of it run side by side ahead of the
// loop, what is left of the steps one at a time, and the loop reads the result.
// CHECK-LABEL: func.func @row
// CHECK:         %[[PLACE:.*]] = llvm.alloca
// CHECK:         scf.for
// CHECK-COUNT-8:   ssm.tile_load f32 {{.*}} : !llvm.ptr, vector<16xf32>
// CHECK-COUNT-8:   ssm.tile_store
// CHECK:         scf.for
// CHECK-COUNT-1:   ssm.tile_store
// CHECK:         scf.for
// CHECK:           %[[READ:.*]] = ssm.tile_load f32 %[[PLACE]]
// CHECK-NOT:       math.absf
// CHECK-COUNT-4:   math.fma %{{.*}}, %[[READ]], %{{.*}} : vector<16xf32>
func.func @row(%p: !llvm.ptr, %h: vector<16xf32>) -> vector<16xf32> {
  %c0 = arith.constant 0 : i64
  %c1 = arith.constant 1 : i64
  %c16 = arith.constant 16 : i64
  %c32 = arith.constant 32 : i64
  %r:4 = scf.for %t = %c0 to %c32 step %c1 iter_args(%a = %h, %b = %h, %c = %h, %d = %h)
      -> (vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>) : i64 {
    %o = arith.muli %t, %c16 : i64
    %x = ssm.tile_load f32 %p[%o] strides(%c1) : !llvm.ptr, vector<16xf32>
    %1 = math.absf %x : vector<16xf32>
    %2 = arith.mulf %1, %x : vector<16xf32>
    %3 = arith.addf %2, %1 : vector<16xf32>
    %4 = arith.mulf %3, %x : vector<16xf32>
    %e = math.fma %a, %4, %a : vector<16xf32>
    %f = math.fma %b, %4, %b : vector<16xf32>
    %g = math.fma %c, %4, %c : vector<16xf32>
    %i = math.fma %d, %4, %d : vector<16xf32>
    scf.yield %e, %f, %g, %i : vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>
  }
  return %r#0 : vector<16xf32>
}

// -----
// A scalar's steps are the lanes of a vector. Where the loop does not say how many steps it has, it is cut into chunks.
// CHECK-LABEL: func.func @scalar
// CHECK:         %[[PLACE:.*]] = llvm.alloca
// CHECK:         %[[CHUNK:.*]] = arith.constant 32 : i64
// CHECK:         scf.for %{{.*}} step %[[CHUNK]]
// CHECK:           scf.for
// CHECK:             ssm.tile_load {{.*}} : !llvm.ptr, vector<16xf32>
// CHECK:             math.absf {{.*}} : vector<16xf32>
// CHECK:             ssm.tile_store {{.*}} : !llvm.ptr, vector<16xf32>
// CHECK:           scf.for
// CHECK:             ssm.tile_load f32 %[[PLACE]]{{.*}} : !llvm.ptr, f32
// CHECK-NOT:         math.absf
// CHECK:             vector.broadcast
func.func @scalar(%p: !llvm.ptr, %h: vector<16xf32>, %n: i64) -> vector<16xf32> {
  %c0 = arith.constant 0 : i64
  %c1 = arith.constant 1 : i64
  %r = scf.for %t = %c0 to %n step %c1 iter_args(%a = %h) -> (vector<16xf32>) : i64 {
    %x = ssm.tile_load f32 %p[%t] strides() : !llvm.ptr, f32
    %1 = math.absf %x : f32
    %2 = arith.mulf %1, %x : f32
    %3 = arith.addf %2, %1 : f32
    %4 = arith.mulf %3, %x : f32
    %5 = vector.broadcast %4 : f32 to vector<16xf32>
    %e = math.fma %a, %5, %a : vector<16xf32>
    scf.yield %e : vector<16xf32>
  }
  return %r : vector<16xf32>
}

// -----
// What depends on the state, or is short, stays in the loop.
// CHECK-LABEL: func.func @stays
// CHECK-NOT:     llvm.alloca
// CHECK:         return
func.func @stays(%p: !llvm.ptr, %h: vector<16xf32>, %n: i64) -> vector<16xf32> {
  %c0 = arith.constant 0 : i64
  %c1 = arith.constant 1 : i64
  %c16 = arith.constant 16 : i64
  %r = scf.for %t = %c0 to %n step %c1 iter_args(%a = %h) -> (vector<16xf32>) : i64 {
    %o = arith.muli %t, %c16 : i64
    %x = ssm.tile_load f32 %p[%o] strides(%c1) : !llvm.ptr, vector<16xf32>
    %1 = math.absf %a : vector<16xf32>
    %2 = arith.mulf %1, %x : vector<16xf32>
    %3 = arith.addf %2, %1 : vector<16xf32>
    %4 = arith.mulf %3, %x : vector<16xf32>
    scf.yield %4 : vector<16xf32>
  }
  return %r : vector<16xf32>
}

// -----
// A number made of the step's number stays: its lanes would differ.
// CHECK-LABEL: func.func @numbered
// CHECK-NOT:     vector<16xi1>
// CHECK:         return
func.func @numbered(%p: !llvm.ptr, %h: vector<16xf32>, %n: i64) -> vector<16xf32> {
  %c0 = arith.constant 0 : i64
  %c1 = arith.constant 1 : i64
  %c2 = arith.constant 2 : i64
  %r = scf.for %t = %c0 to %n step %c1 iter_args(%a = %h) -> (vector<16xf32>) : i64 {
    %x = ssm.tile_load f32 %p[%t] strides() : !llvm.ptr, f32
    %early = arith.cmpi slt, %t, %c2 : i64
    %1 = math.absf %x : f32
    %2 = arith.mulf %1, %x : f32
    %3 = arith.select %early, %2, %1 : f32
    %4 = arith.mulf %3, %x : f32
    %5 = vector.broadcast %4 : f32 to vector<16xf32>
    %e = math.fma %a, %5, %a : vector<16xf32>
    scf.yield %e : vector<16xf32>
  }
  return %r : vector<16xf32>
}

// -----
// The tensor may be another one than its pointer says: a stand-in where it is empty.
// CHECK-LABEL: func.func @chosen
// CHECK:         %[[POINTER:.*]] = arith.select {{.*}} : !llvm.ptr
// CHECK:         ssm.tile_load f32 %[[POINTER]]{{.*}} : !llvm.ptr, vector<16xf32>
func.func @chosen(%p: !llvm.ptr, %q: !llvm.ptr, %h: vector<16xf32>, %n: i64) -> vector<16xf32> {
  %c0 = arith.constant 0 : i64
  %c1 = arith.constant 1 : i64
  %r = scf.for %t = %c0 to %n step %c1 iter_args(%a = %h) -> (vector<16xf32>) : i64 {
    %empty = arith.cmpi eq, %n, %c0 : i64
    %source = arith.select %empty, %q, %p : !llvm.ptr
    %x = ssm.tile_load f32 %source[%t] strides() : !llvm.ptr, f32
    %1 = math.absf %x : f32
    %2 = arith.mulf %1, %x : f32
    %3 = arith.addf %2, %1 : f32
    %4 = arith.mulf %3, %x : f32
    %5 = vector.broadcast %4 : f32 to vector<16xf32>
    %e = math.fma %a, %5, %a : vector<16xf32>
    scf.yield %e : vector<16xf32>
  }
  return %r : vector<16xf32>
}

// -----
// Constants of intrinsics, which are integers, hold nothing back.
// CHECK-LABEL: func.func @intrinsic
// CHECK:         llvm.alloca
func.func @intrinsic(%p: !llvm.ptr, %h: vector<16xf32>) -> vector<16xf32> {
  %c0 = arith.constant 0 : i64
  %c1 = arith.constant 1 : i64
  %c16 = arith.constant 16 : i64
  %c32 = arith.constant 32 : i64
  %r:4 = scf.for %t = %c0 to %c32 step %c1 iter_args(%a = %h, %b = %h, %c = %h, %d = %h)
      -> (vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>) : i64 {
    %o = arith.muli %t, %c16 : i64
    %x = ssm.tile_load f32 %p[%o] strides(%c1) : !llvm.ptr, vector<16xf32>
    %power = arith.constant 3 : i32
    %1 = llvm.call_intrinsic "llvm.powi.v16f32.i32"(%x, %power) : (vector<16xf32>, i32) -> vector<16xf32>
    %2 = arith.mulf %1, %x : vector<16xf32>
    %3 = arith.addf %2, %1 : vector<16xf32>
    %4 = arith.mulf %3, %x : vector<16xf32>
    %e = math.fma %a, %4, %a : vector<16xf32>
    %f = math.fma %b, %4, %b : vector<16xf32>
    %g = math.fma %c, %4, %c : vector<16xf32>
    %i = math.fma %d, %4, %d : vector<16xf32>
    scf.yield %e, %f, %g, %i : vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>
  }
  return %r#0 : vector<16xf32>
}

// -----
// One operation of consecutive numbers is worth a vector of them, and as it is the same at every turn of the loop around,
// it is done before that. Of numbers apart from each other it is not.
// CHECK-LABEL: func.func @consecutive
// CHECK:         scf.for %{{.*}} = %c0_i64 to %c8_i64
// CHECK:           scf.for
// CHECK:             arith.mulf %{{.*}}, %{{.*}} : vector<16xf32>
// CHECK:           scf.for %{{.*}} = %c0_i64 to %c64_i64{{.*}} step %c16_i64
// CHECK:             scf.for {{.*}} iter_args
// CHECK-NOT:           arith.mulf {{.*}} : f32
// CHECK:               arith.addf {{.*}} : f32
// CHECK-NOT:           arith.mulf {{.*}} : f32
// CHECK:               scf.yield
func.func @consecutive(%p: !llvm.ptr, %q: !llvm.ptr, %stride: i64, %h: vector<16xf32>, %y: !llvm.ptr) {
  %c0 = arith.constant 0 : i64
  %c1 = arith.constant 1 : i64
  %c8 = arith.constant 8 : i64
  %c16 = arith.constant 16 : i64
  %c64 = arith.constant 64 : i64
  scf.for %t = %c0 to %c8 step %c1 : i64 {
    scf.for %v = %c0 to %c64 step %c16 : i64 {
      %r = scf.for %k = %c0 to %c64 step %c1 iter_args(%a = %h) -> (vector<16xf32>) : i64 {
        %at = arith.addi %t, %k : i64
        %x = ssm.tile_load f32 %p[%at] strides() : !llvm.ptr, f32
        %xx = arith.mulf %x, %x : f32
        %wide = vector.broadcast %xx : f32 to vector<16xf32>
        %b = arith.addf %a, %wide : vector<16xf32>
        %far = arith.muli %k, %stride : i64
        %z = ssm.tile_load f32 %q[%far] strides() : !llvm.ptr, f32
        %zz = arith.addf %z, %z : f32
        %other = vector.broadcast %zz : f32 to vector<16xf32>
        %c = arith.addf %b, %other : vector<16xf32>
        scf.yield %c : vector<16xf32>
      }
      ssm.tile_store %r, f32 %y[%v] strides(%c1) : !llvm.ptr, vector<16xf32>
    }
  }
  return
}

// -----
// A loop over steps whose states are in memory: what all of a step waits for is computed for several steps, too.
// CHECK-LABEL: func.func @through_states
// CHECK:         math.absf {{.*}} : vector<16xf32>
// CHECK:         scf.for
// CHECK-NOT:       math.absf
// CHECK:           vector.broadcast
func.func @through_states(%p: !llvm.ptr, %stride: i64, %y: !llvm.ptr) {
  %c0 = arith.constant 0 : i64
  %c1 = arith.constant 1 : i64
  %c16 = arith.constant 16 : i64
  %c64 = arith.constant 64 : i64
  scf.for %t = %c0 to %c64 step %c1 : i64 {
    %at = arith.muli %t, %stride : i64
    %x = ssm.tile_load f32 %p[%at] strides() : !llvm.ptr, f32
    %1 = math.absf %x : f32
    %2 = arith.mulf %1, %x : f32
    %3 = arith.addf %2, %1 : f32
    %4 = arith.mulf %3, %x : f32
    %wide = vector.broadcast %4 : f32 to vector<16xf32>
    scf.for %k = %c0 to %c64 step %c16 : i64 {
      %s = ssm.tile_load changing f32 %y[%k] strides(%c1) : !llvm.ptr, vector<16xf32>
      %n = arith.mulf %s, %wide : vector<16xf32>
      ssm.tile_store %n, f32 %y[%k] strides(%c1) : !llvm.ptr, vector<16xf32>
    }
  }
  return
}
