// RUN: ssm-opt %s --ssm-prefetch=distance=4 | FileCheck %s

// Stores too, before the inner loop, and nothing of what it reads here and there.
// CHECK-LABEL: func.func @through_states
// CHECK:         %[[LATER:.*]] = arith.addi %{{.*}}, %c4_i64
// CHECK:         %[[AHEAD:.*]] = arith.muli %[[LATER]], %arg3
// CHECK:         %[[X:.*]] = llvm.getelementptr %arg0[%[[AHEAD]]]
// CHECK:         "llvm.intr.prefetch"(%[[X]]) <{cache = 1 : i32, hint = 3 : i32, rw = 0 : i32}>
// CHECK:         %[[Y:.*]] = llvm.getelementptr %arg1[%[[AHEAD]]]
// CHECK:         "llvm.intr.prefetch"(%[[Y]]) <{cache = 1 : i32, hint = 3 : i32, rw = 1 : i32}>
// CHECK:         scf.for
// CHECK:         ssm.tile_store {{.*}} %arg1
// CHECK-NOT:     prefetch
// CHECK-LABEL: func.func @carried
func.func @through_states(%x: !llvm.ptr, %y: !llvm.ptr, %k: !llvm.ptr, %stride: i64, %steps: i64) {
  %zero = arith.constant 0 : i64
  %one = arith.constant 1 : i64
  %rows = arith.constant 64 : i64
  scf.for %t = %zero to %steps step %one : i64 {
    %at = arith.muli %t, %stride : i64
    %u = ssm.tile_load f32 %x[%at] strides(%one) : !llvm.ptr, vector<16xf32>
    %sum = scf.for %r = %zero to %rows step %one iter_args(%s = %u) -> (vector<16xf32>) : i64 {
      %from = arith.muli %r, %stride : i64
      %v = ssm.tile_load f32 %k[%from] strides(%one) : !llvm.ptr, vector<16xf32>
      %next = arith.addf %s, %v : vector<16xf32>
      scf.yield %next : vector<16xf32>
    }
    ssm.tile_store %sum, f32 %y[%at] strides(%one) : !llvm.ptr, vector<16xf32>
  }
  return
}

// States in registers: a step is short.
// CHECK-NOT:     prefetch
// CHECK:         return
func.func @carried(%x: !llvm.ptr, %y: !llvm.ptr, %stride: i64, %steps: i64, %h: vector<16xf32>) {
  %zero = arith.constant 0 : i64
  %one = arith.constant 1 : i64
  %last = scf.for %t = %zero to %steps step %one iter_args(%s = %h) -> (vector<16xf32>) : i64 {
    %at = arith.muli %t, %stride : i64
    %u = ssm.tile_load f32 %x[%at] strides(%one) : !llvm.ptr, vector<16xf32>
    %next = arith.addf %s, %u : vector<16xf32>
    ssm.tile_store %next, f32 %y[%at] strides(%one) : !llvm.ptr, vector<16xf32>
    scf.yield %next : vector<16xf32>
  }
  return
}

// What an inner loop reads element after element: 64 floats are four lines, each once, however often it is read. Not
// what it reads in other orders, nor a row that is longer.
// CHECK-LABEL: func.func @lines
// CHECK:         scf.for
// CHECK-COUNT-4: "llvm.intr.prefetch"
// CHECK:         scf.for
// CHECK-NOT:     prefetch
// CHECK-LABEL: func.func @pieces
func.func @lines(%k: !llvm.ptr, %v: !llvm.ptr, %state: !llvm.ptr, %stride: i64, %steps: i64) {
  %zero = arith.constant 0 : i64
  %one = arith.constant 1 : i64
  %rows = arith.constant 64 : i64
  %many = arith.constant 80 : i64
  scf.for %t = %zero to %steps step %one : i64 {
    scf.for %r = %zero to %rows step %one : i64 {
      %at = arith.muli %t, %stride : i64
      %from = arith.addi %at, %r : i64
      %a = ssm.tile_load f32 %k[%from] strides(%zero) : !llvm.ptr, vector<16xf32>
      %b = ssm.tile_load f32 %k[%from] strides(%zero) : !llvm.ptr, vector<16xf32>
      %far = arith.muli %r, %stride : i64
      %c = ssm.tile_load f32 %v[%far] strides(%zero) : !llvm.ptr, vector<16xf32>
      %ab = arith.addf %a, %b : vector<16xf32>
      %abc = arith.addf %ab, %c : vector<16xf32>
      ssm.tile_store %abc, f32 %state[%r] strides(%one) : !llvm.ptr, vector<16xf32>
    }
    scf.for %r = %zero to %many step %one : i64 {
      %at = arith.muli %t, %stride : i64
      %from = arith.addi %at, %r : i64
      %a = ssm.tile_load f32 %v[%from] strides(%zero) : !llvm.ptr, vector<16xf32>
      ssm.tile_store %a, f32 %state[%r] strides(%one) : !llvm.ptr, vector<16xf32>
    }
  }
  return
}

// A loop around goes along v and y, and asks for a line of each at each of its two turns, and for half of the four lines of
// each of the three rows that the loops inside go along: eight, before the two halves of the first of these loops. Of the
// second loop's none is new: k is the first one's.
// CHECK:         scf.for {{.*}} step %c1_i64
// CHECK:           scf.for %[[TILE:.*]] = %c0_i64 to %c32_i64 step %c16_i64
// CHECK:             %[[FROM:.*]] = arith.subi %[[TILE]], %c0_i64
// CHECK:             %[[TURN:.*]] = arith.divsi %[[FROM]], %c16_i64
// CHECK:             arith.muli %[[TURN]], %c32_i64
// CHECK-COUNT-4:     "llvm.intr.prefetch"
// CHECK:             %[[HALF:.*]] = scf.for {{.*}} to %[[MIDDLE:c32_i64.*]] step
// CHECK-COUNT-4:     "llvm.intr.prefetch"
// CHECK:             scf.for {{.*}} = %[[MIDDLE]] to %c64_i64 step {{.*}} iter_args(%{{.*}} = %[[HALF]])
// CHECK-NOT:     prefetch
// CHECK:         return
func.func @pieces(%q: !llvm.ptr, %k: !llvm.ptr, %w: !llvm.ptr, %v: !llvm.ptr, %y: !llvm.ptr, %stride: i64, %steps: i64) {
  %c0 = arith.constant 0 : i64
  %c1 = arith.constant 1 : i64
  %c16 = arith.constant 16 : i64
  %c32 = arith.constant 32 : i64
  %c64 = arith.constant 64 : i64
  scf.for %t = %c0 to %steps step %c1 : i64 {
    scf.for %tile = %c0 to %c32 step %c16 : i64 {
      %at = arith.muli %t, %stride : i64
      %place = arith.addi %at, %tile : i64
      %x = ssm.tile_load f32 %v[%place] strides(%c1) : !llvm.ptr, vector<16xf32>
      %sum = scf.for %r = %c0 to %c64 step %c1 iter_args(%s = %x) -> (vector<16xf32>) : i64 {
        %here = arith.muli %t, %stride : i64
        %from = arith.addi %here, %r : i64
        %a = ssm.tile_load f32 %q[%from] strides(%c0) : !llvm.ptr, vector<16xf32>
        %b = ssm.tile_load f32 %k[%from] strides(%c0) : !llvm.ptr, vector<16xf32>
        %c = ssm.tile_load f32 %w[%from] strides(%c0) : !llvm.ptr, vector<16xf32>
        %ab = arith.mulf %a, %b : vector<16xf32>
        %abc = arith.mulf %ab, %c : vector<16xf32>
        %next = arith.addf %s, %abc : vector<16xf32>
        scf.yield %next : vector<16xf32>
      }
      %more = scf.for %r = %c0 to %c64 step %c1 iter_args(%s = %sum) -> (vector<16xf32>) : i64 {
        %here = arith.muli %t, %stride : i64
        %from = arith.addi %here, %r : i64
        %b = ssm.tile_load f32 %k[%from] strides(%c0) : !llvm.ptr, vector<16xf32>
        %next = arith.addf %s, %b : vector<16xf32>
        scf.yield %next : vector<16xf32>
      }
      ssm.tile_store %more, f32 %y[%place] strides(%c1) : !llvm.ptr, vector<16xf32>
    }
  }
  return
}
