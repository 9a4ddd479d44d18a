// RUN: ssm-opt %s --ssm-unroll-tiles | FileCheck %s

// A tile that a loop carries is an argument of the old loop, whose body has moved when its rows are broadcast: the
// broadcast of each row stands in the new loop, before what asks for it.
// CHECK-LABEL: func.func @broadcast_of_carried
// CHECK:         scf.for {{.*}} iter_args(%[[LOW:.*]] = %{{.*}}, %[[HIGH:.*]] = %{{.*}}) -> (f32, f32)
// CHECK:           %[[LOWS:.*]] = vector.broadcast %[[LOW]] : f32 to vector<4xf32>
// CHECK:           ssm.tile_store %[[LOWS]], f32
// CHECK:           %[[HIGHS:.*]] = vector.broadcast %[[HIGH]] : f32 to vector<4xf32>
// CHECK:           ssm.tile_store %[[HIGHS]], f32
// CHECK:           scf.yield
func.func @broadcast_of_carried(%p: !llvm.ptr, %n: index) {
  %i0 = arith.constant 0 : index
  %i1 = arith.constant 1 : index
  %c0 = arith.constant 0 : i64
  %c1 = arith.constant 1 : i64
  %c4 = arith.constant 4 : i64
  %zero = arith.constant dense<0.0> : vector<2x1xf32>
  %end = scf.for %i = %i0 to %n step %i1 iter_args(%h = %zero) -> (vector<2x1xf32>) {
    %wide = vector.broadcast %h : vector<2x1xf32> to vector<2x4xf32>
    ssm.tile_store %wide, f32 %p[%c0] strides(%c4, %c1) : !llvm.ptr, vector<2x4xf32>
    %next = arith.addf %h, %h : vector<2x1xf32>
    scf.yield %next : vector<2x1xf32>
  }
  return
}
