// RUN: ssm-opt %s --split-input-file --verify-diagnostics --ssm-lower-reductions | FileCheck %s

// Halves onto halves, the same on every machine.
// CHECK-LABEL: func.func @sum
// CHECK:         vector.extract_strided_slice {{.*}}offsets = [0], sizes = [2]
// CHECK:         vector.extract_strided_slice {{.*}}offsets = [2], sizes = [2]
// CHECK:         arith.addf {{.*}} : vector<2xf32>
// CHECK:         %[[SUM:.*]] = arith.addf {{.*}} : f32
// CHECK-NEXT:    return %[[SUM]]
func.func @sum(%x: vector<4xf32>) -> f32 {
  %s = ssm.tile_reduce add %x over [0] : vector<4xf32> to f32
  return %s : f32
}

// -----
// An odd lane is kept until the end; NaN wins a maximum.
// CHECK-LABEL: func.func @odd
// CHECK:         %[[ODD:.*]] = vector.extract %{{.*}}[6] : f32 from vector<7xf32>
// CHECK:         arith.maximumf {{.*}} : vector<3xf32>
// CHECK:         %[[LAST:.*]] = vector.extract %{{.*}}[2] : f32 from vector<3xf32>
// CHECK:         %[[REST:.*]] = arith.maximumf %[[ODD]], %[[LAST]] : f32
// CHECK:         %[[MAX:.*]] = arith.maximumf %{{.*}}, %[[REST]] : f32
// CHECK-NEXT:    return %[[MAX]]
func.func @odd(%x: vector<7xf32>) -> f32 {
  %s = ssm.tile_reduce max %x over [0] : vector<7xf32> to f32
  return %s : f32
}

// -----
func.func @tile(%x: vector<2x4xf32>) -> vector<2x1xf32> {
  // expected-error@+1 {{expects a row without limits; run ssm-unroll-tiles first}}
  %s = "ssm.tile_reduce"(%x) {kind = "add", axes = array<i64: 1>} : (vector<2x4xf32>) -> vector<2x1xf32>
  return %s : vector<2x1xf32>
}
