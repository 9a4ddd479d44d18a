// RUN: ssm-opt %s --ssm-prefetch=distance=4 | FileCheck %s

// Stores too, and nothing of what the inner loop reads here and there.
// CHECK-LABEL: func.func @through_states
// CHECK:         ssm.tile_store {{.*}} %arg1
// CHECK:         %[[LATER:.*]] = arith.addi %{{.*}}, %c4_i64
// CHECK:         %[[AHEAD:.*]] = arith.muli %[[LATER]], %arg3
// CHECK:         %[[X:.*]] = llvm.getelementptr %arg0[%[[AHEAD]]]
// CHECK:         "llvm.intr.prefetch"(%[[X]]) <{cache = 1 : i32, hint = 3 : i32, rw = 0 : i32}>
// CHECK:         %[[Y:.*]] = llvm.getelementptr %arg1[%[[AHEAD]]]
// CHECK:         "llvm.intr.prefetch"(%[[Y]]) <{cache = 1 : i32, hint = 3 : i32, rw = 1 : i32}>
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
// CHECK:         scf.for
// CHECK-COUNT-4: "llvm.intr.prefetch"
// CHECK-NOT:     prefetch
// CHECK:         return
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
