// RUN: ssm-opt %s --split-input-file --ssm-stage | FileCheck %s --implicit-check-not=ssm.stage

// 16 elements by 16 steps are read as 16 vectors along time, transposed by shuffles and written as 16 steps; what is left of
// the steps goes element by element.
// CHECK-LABEL: func.func @square
// CHECK:         scf.for
// CHECK-COUNT-16: llvm.load {{.*}} -> vector<16xf32>
// CHECK-COUNT-64: vector.shuffle
// CHECK-COUNT-16: llvm.store {{.*}} : vector<16xf32>, !llvm.ptr
// CHECK:         scf.for
// CHECK:           scf.for
// CHECK:             llvm.load {{.*}} -> f32
// CHECK:             llvm.store {{.*}} : f32, !llvm.ptr
func.func @square(%s: !llvm.ptr, %p: !llvm.ptr, %o: i64, %ld: i64, %n: i64) {
  %c1 = arith.constant 1 : i64
  ssm.stage_load %s f32 [1, 16], f32 %p[%o] strides(%c1, %ld) steps %n stride %c1 : !llvm.ptr, !llvm.ptr
  return
}

// -----
// A store of bf16 rounds in scratch's rows before it writes along time.
// CHECK-LABEL: func.func @rounded
// CHECK:         vector.shuffle
// CHECK:         llvm.store {{.*}} : vector<16xi16>, !llvm.ptr
// CHECK:         llvm.store {{.*}} : i16, !llvm.ptr
func.func @rounded(%s: !llvm.ptr, %p: !llvm.ptr, %o: i64, %ld: i64, %n: i64) {
  %c1 = arith.constant 1 : i64
  ssm.stage_store %s f32 [1, 16], bf16 %p[%o] strides(%c1, %ld) steps %n stride %c1 : !llvm.ptr, !llvm.ptr
  return
}

// -----
// Under a limit nothing is read beyond it, and scratch gets zeros there.
// CHECK-LABEL: func.func @limited
// CHECK-NOT:     vector.shuffle
// CHECK:         %[[INSIDE:.*]] = arith.cmpi slt
// CHECK:         scf.if %[[INSIDE]] {
// CHECK:           llvm.load
// CHECK:         } else {
// CHECK-NOT:       llvm.load
// CHECK:           %[[ZERO:.*]] = arith.constant 0.000000e+00 : f32
// CHECK:           llvm.store %[[ZERO]]
func.func @limited(%s: !llvm.ptr, %p: !llvm.ptr, %o: i64, %ld: i64, %n: i64, %end: i64) {
  %c1 = arith.constant 1 : i64
  ssm.stage_load %s f32 [1, 16], f32 %p[%o] strides(%c1, %ld) steps %n stride %c1
    where [array<i64: 0, 1>] below(%end) : !llvm.ptr, !llvm.ptr
  return
}

// -----
// Steps that are not next to each other are not read as vectors.
// CHECK-LABEL: func.func @strided
// CHECK-NOT:     vector
// CHECK:         return
func.func @strided(%s: !llvm.ptr, %p: !llvm.ptr, %o: i64, %ld: i64, %n: i64) {
  ssm.stage_load %s f32 [1, 16], f32 %p[%o] strides(%ld, %ld) steps %n stride %ld : !llvm.ptr, !llvm.ptr
  return
}

// -----
// Scratch that runs along time takes rows of 16 steps as they are; descending ones are turned around.
// CHECK-LABEL: func.func @along_time
// CHECK:         scf.for
// CHECK:           llvm.load {{.*}} -> vector<16xf32>
// CHECK:           vector.shuffle {{.*}}[15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0]
// CHECK:           llvm.store {{.*}} : vector<16xf32>, !llvm.ptr
// CHECK:         llvm.load {{.*}} -> f32
func.func @along_time(%s: !llvm.ptr, %p: !llvm.ptr, %o: i64, %ld: i64, %n: i64) {
  %back = arith.constant -1 : i64
  ssm.stage_load %s f32 [5, 1] pitch 32, f32 %p[%o] strides(%ld, %ld) steps %n stride %back : !llvm.ptr, !llvm.ptr
  return
}
