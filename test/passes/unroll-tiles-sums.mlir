// RUN: ssm-opt %s --ssm-unroll-tiles=partial-sums=1 | FileCheck %s --check-prefixes=CHECK,ONE
// RUN: ssm-opt %s --ssm-unroll-tiles | FileCheck %s --check-prefixes=CHECK,TWO

// Few registers add into as many partial sums as the pass is told.
// CHECK-LABEL: func.func @few
// ONE-COUNT-3:   arith.addf
// ONE-NOT:       arith.addf
// TWO:           %[[X:.*]] = ssm.tile_load
// TWO:           %[[Y:.*]] = ssm.tile_load
// TWO:           %[[Z:.*]] = ssm.tile_load
// TWO:           %[[EVEN:.*]] = arith.addf %[[X]], %[[Z]]
// TWO:           %[[V:.*]] = ssm.tile_load
// TWO:           %[[ODD:.*]] = arith.addf %[[Y]], %[[V]]
// TWO:           arith.addf %[[EVEN]], %[[ODD]]
// CHECK:         ssm.tile_store
func.func @few(%p: !llvm.ptr, %o: i64) {
  %c0 = arith.constant 0 : i64
  %c4 = arith.constant 4 : i64
  %x = ssm.tile_load f32 %p[%o] strides(%c4, %c0) : !llvm.ptr, vector<4x1xf32>
  %s = ssm.tile_reduce add %x over [0] : vector<4x1xf32> to vector<1x1xf32>
  ssm.tile_store %s, f32 %p[%c0] strides(%c0, %c0) : !llvm.ptr, vector<1x1xf32>
  return
}
