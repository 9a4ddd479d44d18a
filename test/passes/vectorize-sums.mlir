// RUN: ssm-opt %s --ssm-vectorize-sums=vector-bytes=64 | FileCheck %s
// RUN: ssm-opt %s --ssm-vectorize-sums=vector-bytes=32 | FileCheck %s --check-prefix=SHORT

// A sum beside a row's: it leaves the loop, and the row's stays.
// CHECK-LABEL: func.func @beside_a_row
// CHECK:         %[[SUMS:.*]] = scf.for {{.*}} to %c64_i64{{.*}} step %c16_i64
// CHECK:           %[[A:.*]] = ssm.tile_load f32 %arg0[{{.*}}] strides(%c0_i64, %c1_i64{{.*}}) : !llvm.ptr, vector<1x16xf32>
// CHECK:           %[[B:.*]] = ssm.tile_load f32 %arg1[{{.*}}] strides(%c0_i64, %c1_i64{{.*}}) : !llvm.ptr, vector<1x16xf32>
// CHECK:           arith.mulf %[[A]], %[[B]] : vector<1x16xf32>
// CHECK:         %[[SUM:.*]] = ssm.tile_reduce add %[[SUMS]] over [1] : vector<1x16xf32> to vector<1x1xf32>
// CHECK:         %[[ROW:.*]] = scf.for {{.*}} step %c1_i64 iter_args({{.*}}) -> (vector<2x16xf32>)
// CHECK:         return %[[ROW]], %[[SUM]]
// Rows of AVX2.
// SHORT-LABEL: func.func @beside_a_row
// SHORT:         step %c8_i64
func.func @beside_a_row(%q: !llvm.ptr, %k: !llvm.ptr, %v: vector<2x16xf32>) -> (vector<2x16xf32>, vector<1x1xf32>) {
  %c0 = arith.constant 0 : i64
  %c1 = arith.constant 1 : i64
  %c64 = arith.constant 64 : i64
  %zero = arith.constant dense<0.0> : vector<1x1xf32>
  %none = arith.constant dense<0.0> : vector<2x16xf32>
  %row, %sum = scf.for %i = %c0 to %c64 step %c1 iter_args(%r = %none, %s = %zero) -> (vector<2x16xf32>, vector<1x1xf32>) : i64 {
    %a = ssm.tile_load f32 %q[%i] strides(%c0, %c0) : !llvm.ptr, vector<1x1xf32>
    %b = ssm.tile_load f32 %k[%i] strides(%c0, %c0) : !llvm.ptr, vector<1x1xf32>
    %ab = arith.mulf %a, %b : vector<1x1xf32>
    %next = arith.addf %s, %ab : vector<1x1xf32>
    %wide = vector.broadcast %a : vector<1x1xf32> to vector<2x16xf32>
    %av = arith.mulf %wide, %v : vector<2x16xf32>
    %more = arith.addf %r, %av : vector<2x16xf32>
    scf.yield %more, %next : vector<2x16xf32>, vector<1x1xf32>
  }
  return %row, %sum : vector<2x16xf32>, vector<1x1xf32>
}

// Turns that fill no vector follow, and what the sum begins with is added once.
// CHECK-LABEL: func.func @rest
// CHECK:         scf.for {{.*}} to %[[WHOLE:.*]] step %c16_i64
// CHECK:         %[[PART:.*]] = ssm.tile_reduce add
// CHECK:         %[[FROM:.*]] = arith.addf %arg1, %[[PART]]
// CHECK:         %[[ALL:.*]] = scf.for {{.*}} = %[[WHOLE]] to %arg2 step %c1_i64 iter_args(%{{.*}} = %[[FROM]])
// CHECK:         return %[[ALL]]
func.func @rest(%q: !llvm.ptr, %init: vector<1x1xf32>, %count: i64) -> vector<1x1xf32> {
  %c0 = arith.constant 0 : i64
  %c1 = arith.constant 1 : i64
  %sum = scf.for %i = %c0 to %count step %c1 iter_args(%s = %init) -> (vector<1x1xf32>) : i64 {
    %a = ssm.tile_load f32 %q[%i] strides(%c0, %c0) : !llvm.ptr, vector<1x1xf32>
    %aa = arith.mulf %a, %a : vector<1x1xf32>
    %next = arith.addf %s, %aa : vector<1x1xf32>
    scf.yield %next : vector<1x1xf32>
  }
  return %sum : vector<1x1xf32>
}

// Elements apart from each other would be gathered; a product of the sums so far is no sum; few turns fill no vector.
// CHECK-LABEL: func.func @left_alone
// CHECK-NOT:     tile_reduce
// CHECK:         return
func.func @left_alone(%q: !llvm.ptr, %stride: i64) -> (vector<1x1xf32>, vector<1x1xf32>, vector<1x1xf32>) {
  %c0 = arith.constant 0 : i64
  %c1 = arith.constant 1 : i64
  %c4 = arith.constant 4 : i64
  %c64 = arith.constant 64 : i64
  %zero = arith.constant dense<0.0> : vector<1x1xf32>
  %apart, %product = scf.for %i = %c0 to %c64 step %c1 iter_args(%s = %zero, %p = %zero) -> (vector<1x1xf32>, vector<1x1xf32>) : i64 {
    %at = arith.muli %i, %stride : i64
    %a = ssm.tile_load f32 %q[%at] strides(%c0, %c0) : !llvm.ptr, vector<1x1xf32>
    %b = ssm.tile_load f32 %q[%i] strides(%c0, %c0) : !llvm.ptr, vector<1x1xf32>
    %s1 = arith.addf %s, %a : vector<1x1xf32>
    %pb = arith.mulf %p, %b : vector<1x1xf32>
    %p1 = arith.addf %p, %pb : vector<1x1xf32>
    scf.yield %s1, %p1 : vector<1x1xf32>, vector<1x1xf32>
  }
  %few = scf.for %i = %c0 to %c4 step %c1 iter_args(%s = %zero) -> (vector<1x1xf32>) : i64 {
    %b = ssm.tile_load f32 %q[%i] strides(%c0, %c0) : !llvm.ptr, vector<1x1xf32>
    %next = arith.addf %s, %b : vector<1x1xf32>
    scf.yield %next : vector<1x1xf32>
  }
  return %apart, %product, %few : vector<1x1xf32>, vector<1x1xf32>, vector<1x1xf32>
}

// What the loop itself writes is not there before it.
// CHECK-LABEL: func.func @written
// CHECK-NOT:     tile_reduce
// CHECK:         return
func.func @written(%q: !llvm.ptr, %x: vector<1x1xf32>) -> vector<1x1xf32> {
  %c0 = arith.constant 0 : i64
  %c1 = arith.constant 1 : i64
  %c64 = arith.constant 64 : i64
  %zero = arith.constant dense<0.0> : vector<1x1xf32>
  %sum = scf.for %i = %c0 to %c64 step %c1 iter_args(%s = %zero) -> (vector<1x1xf32>) : i64 {
    %a = ssm.tile_load changing f32 %q[%i] strides(%c0, %c0) : !llvm.ptr, vector<1x1xf32>
    %next = arith.addf %s, %a : vector<1x1xf32>
    ssm.tile_store %x, f32 %q[%i] strides(%c0, %c0) : !llvm.ptr, vector<1x1xf32>
    scf.yield %next : vector<1x1xf32>
  }
  return %sum : vector<1x1xf32>
}
