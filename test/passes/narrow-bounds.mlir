// RUN: ssm-opt %s --split-input-file --ssm-narrow-bounds | FileCheck %s

// A pair of bf16 is bounded as it is in memory, within its limits, and widened as a word.
// CHECK-LABEL: func.func @pairs
// CHECK:         %[[ROW:.*]] = ssm.tile_load bf16 %{{.*}} where [array<i64: 0>] below(%{{.*}}) aligned 8 : !llvm.ptr, vector<4xbf16>
// CHECK:         %[[BOUND:.*]] = arith.constant dense<2.500000e+00> : vector<4xbf16>
// CHECK:         %[[BOUNDED:.*]] = arith.minimumf %[[ROW]], %[[BOUND]] : vector<4xbf16>
// CHECK:         vector.bitcast %[[BOUNDED]] : vector<4xbf16> to vector<2xi32>
// CHECK:         %[[WIDE:.*]] = vector.interleave
// CHECK-DAG:     %[[FIRST:.*]] = vector.extract %[[WIDE]][0]
// CHECK-DAG:     %[[LAST:.*]] = vector.extract %[[WIDE]][3]
// CHECK:         return %[[FIRST]], %[[LAST]]
func.func @pairs(%p: !llvm.ptr, %o: i64, %n: i64) -> (f32, f32) {
  %c1 = arith.constant 1 : i64
  %high = arith.constant 2.5 : f32
  %x = ssm.tile_load bf16 %p[%o] strides(%c1) where [array<i64: 0>] below(%n) aligned 8 : !llvm.ptr, vector<4xf32>
  %x0 = vector.extract %x[0] : f32 from vector<4xf32>
  %x3 = vector.extract %x[3] : f32 from vector<4xf32>
  %y0 = arith.minimumf %x0, %high : f32
  %y3 = arith.minimumf %high, %x3 : f32
  return %y0, %y3 : f32, f32
}

// -----
// What the type in memory rounds is not the same bound: f16 has 11 bits.
// CHECK-LABEL: func.func @rounded
// CHECK:         ssm.tile_load f16 {{.*}} vector<2xf32>
// CHECK:         arith.maximumf {{.*}} : f32
func.func @rounded(%p: !llvm.ptr, %o: i64) -> f32 {
  %c1 = arith.constant 1 : i64
  %low = arith.constant -0.1 : f32
  %x = ssm.tile_load f16 %p[%o] strides(%c1) : !llvm.ptr, vector<2xf32>
  %x0 = vector.extract %x[0] : f32 from vector<2xf32>
  %y0 = arith.maximumf %x0, %low : f32
  return %y0 : f32
}

// -----
// Nor is one that the type holds as infinity, or NaN.
// CHECK-LABEL: func.func @outside
// CHECK-COUNT-2: ssm.tile_load f16 {{.*}} vector<2xf32>
func.func @outside(%p: !llvm.ptr, %o: i64) -> (f32, f32) {
  %c1 = arith.constant 1 : i64
  %high = arith.constant 65536.0 : f32
  %nan = arith.constant 0x7FC00000 : f32
  %x = ssm.tile_load f16 %p[%o] strides(%c1) : !llvm.ptr, vector<2xf32>
  %x0 = vector.extract %x[0] : f32 from vector<2xf32>
  %y0 = arith.minimumf %x0, %high : f32
  %z = ssm.tile_load f16 %p[%o] strides(%c1) : !llvm.ptr, vector<2xf32>
  %z0 = vector.extract %z[0] : f32 from vector<2xf32>
  %w0 = arith.minimumf %z0, %nan : f32
  return %y0, %w0 : f32, f32
}

// -----
// An element that is also used as it is would be widened twice; so would a row with two bounds.
// CHECK-LABEL: func.func @also
// CHECK-COUNT-3: ssm.tile_load bf16 {{.*}} vector<2xf32>
func.func @also(%p: !llvm.ptr, %o: i64) -> (f32, f32, f32, f32, f32, f32) {
  %c1 = arith.constant 1 : i64
  %low = arith.constant 0.0 : f32
  %high = arith.constant 1.0 : f32
  %x = ssm.tile_load bf16 %p[%o] strides(%c1) : !llvm.ptr, vector<2xf32>
  %x0 = vector.extract %x[0] : f32 from vector<2xf32>
  %y0 = arith.maximumf %x0, %low : f32
  %z = ssm.tile_load bf16 %p[%o] strides(%c1) : !llvm.ptr, vector<2xf32>
  %z0 = vector.extract %z[0] : f32 from vector<2xf32>
  %z1 = vector.extract %z[1] : f32 from vector<2xf32>
  %w0 = arith.maximumf %z0, %low : f32
  %w1 = arith.maximumf %z1, %high : f32
  %u = ssm.tile_load bf16 %p[%o] strides(%c1) : !llvm.ptr, vector<2xf32>
  %u0 = vector.extract %u[0] : f32 from vector<2xf32>
  %u1 = vector.extract %u[1] : f32 from vector<2xf32>
  %v0 = arith.maximumf %u0, %low : f32
  %v1 = arith.minimumf %u1, %low : f32
  return %x0, %y0, %w0, %w1, %v0, %v1 : f32, f32, f32, f32, f32, f32
}

// -----
// f32 is what it is, and a single number no pair.
// CHECK-LABEL: func.func @others
// CHECK:         ssm.tile_load f32 {{.*}} vector<2xf32>
// CHECK:         ssm.tile_load bf16 {{.*}}, f32
func.func @others(%p: !llvm.ptr, %o: i64) -> (f32, f32) {
  %c1 = arith.constant 1 : i64
  %low = arith.constant 0.0 : f32
  %x = ssm.tile_load f32 %p[%o] strides(%c1) : !llvm.ptr, vector<2xf32>
  %x0 = vector.extract %x[0] : f32 from vector<2xf32>
  %y0 = arith.maximumf %x0, %low : f32
  %z = ssm.tile_load bf16 %p[%o] strides() : !llvm.ptr, f32
  %w = arith.maximumf %z, %low : f32
  return %y0, %w : f32, f32
}
