// RUN: ssm-opt %s --split-input-file --ssm-lower-moves | FileCheck %s --implicit-check-not=ssm.tile
// RUN: ssm-opt %s --split-input-file --ssm-lower-moves=gpu | FileCheck %s --check-prefix=GPU

// Lanes of stride 1 under a limit are one masked access, aligned to an element and no more.
// CHECK-LABEL: func.func @contiguous
// CHECK:         %[[MASK:.*]] = arith.cmpi slt
// CHECK:         llvm.intr.masked.load %{{.*}}, %[[MASK]], %{{.*}} {alignment = 4 : i32}
// CHECK:         llvm.intr.masked.store {{.*}} {alignment = 4 : i32}
func.func @contiguous(%p: !llvm.ptr, %o: i64, %n: i64) {
  %c1 = arith.constant 1 : i64
  %x = ssm.tile_load f32 %p[%o] strides(%c1) where [array<i64: 1>] below(%n) : !llvm.ptr, vector<4xf32>
  ssm.tile_store %x, f32 %p[%o] strides(%c1) where [array<i64: 1>] below(%n) : !llvm.ptr, vector<4xf32>
  return
}

// -----
// Lanes of another stride are one gather or scatter, and a lane beyond the limit becomes 0.
// CHECK-LABEL: func.func @strided
// CHECK-SAME:    (%[[P:.*]]: !llvm.ptr, %[[O:.*]]: i64, %[[LD:.*]]: i64, %[[N:.*]]: i64)
// CHECK-DAG:     %[[MASK:.*]] = arith.cmpi slt
// CHECK-DAG:     %[[LDS:.*]] = vector.broadcast %[[LD]]
// CHECK-DAG:     %[[STEPS:.*]] = arith.muli %{{.*}}, %[[LDS]]
// CHECK-DAG:     %[[BASE:.*]] = llvm.getelementptr %[[P]][%[[O]]]
// CHECK:         %[[LANES:.*]] = llvm.getelementptr %[[BASE]][%[[STEPS]]]
// CHECK:         llvm.intr.masked.gather %[[LANES]], %[[MASK]], %{{.*}} {alignment = 4 : i32}
// CHECK:         llvm.intr.masked.scatter {{.*}} {alignment = 4 : i32}
func.func @strided(%p: !llvm.ptr, %o: i64, %ld: i64, %n: i64) {
  %x = ssm.tile_load f32 %p[%o] strides(%ld) where [array<i64: 1>] below(%n) : !llvm.ptr, vector<2xf32>
  ssm.tile_store %x, f32 %p[%o] strides(%ld) where [array<i64: 1>] below(%n) : !llvm.ptr, vector<2xf32>
  return
}

// -----
// bf16 is the upper half of an f32: shifted up, and down again rounded to nearest even with NaN kept.
// CHECK-LABEL: func.func @bf16
// CHECK:         llvm.load {{.*}} -> vector<4xi16>
// CHECK:         arith.shli {{.*}} : vector<4xi32>
// CHECK:         arith.cmpf uno
// CHECK:         arith.trunci {{.*}} : vector<4xi32> to vector<4xi16>
// CHECK:         llvm.store {{.*}} : vector<4xi16>, !llvm.ptr
func.func @bf16(%p: !llvm.ptr, %o: i64) {
  %c1 = arith.constant 1 : i64
  %x = ssm.tile_load bf16 %p[%o] strides(%c1) : !llvm.ptr, vector<4xf32>
  ssm.tile_store %x, bf16 %p[%o] strides(%c1) : !llvm.ptr, vector<4xf32>
  return
}

// -----
// On a GPU a row of bf16 is words: the lower half is shifted up, the upper one masked. An instruction rounds.
// GPU-LABEL: func.func @pairs
// GPU:         %[[WORDS:.*]] = vector.bitcast %{{.*}} : vector<4xbf16> to vector<2xi32>
// GPU-DAG:     %[[LOW:.*]] = arith.shli %[[WORDS]], %{{.*}} : vector<2xi32>
// GPU-DAG:     %[[HIGH:.*]] = arith.andi %[[WORDS]], %{{.*}} : vector<2xi32>
// GPU:         vector.interleave
// GPU:         arith.truncf
func.func @pairs(%p: !llvm.ptr, %o: i64) {
  %c1 = arith.constant 1 : i64
  %x = ssm.tile_load bf16 %p[%o] strides(%c1) : !llvm.ptr, vector<4xf32>
  ssm.tile_store %x, bf16 %p[%o] strides(%c1) : !llvm.ptr, vector<4xf32>
  return
}

// -----
// f16 and f64 have instructions of their own.
// CHECK-LABEL: func.func @converted
// CHECK:         arith.extf {{.*}} : vector<4xf16> to vector<4xf32>
// CHECK:         arith.extf {{.*}} : vector<4xf32> to vector<4xf64>
func.func @converted(%p: !llvm.ptr, %o: i64) {
  %c1 = arith.constant 1 : i64
  %x = ssm.tile_load f16 %p[%o] strides(%c1) : !llvm.ptr, vector<4xf32>
  ssm.tile_store %x, f64 %p[%o] strides(%c1) : !llvm.ptr, vector<4xf32>
  return
}

// -----
// A copy is an asynchronous one for each 16 bytes, which leaves the first-level cache out, or for fewer, which does not.
// CHECK-LABEL: func.func @copy
// CHECK-SAME:    (%[[P:.*]]: !llvm.ptr, %[[T:.*]]: !llvm.ptr<3>, %[[O:.*]]: i64, %[[N:.*]]: i64)
// CHECK:         %[[FROM:.*]] = llvm.getelementptr %[[P]][%[[O]]] : (!llvm.ptr, i64) -> !llvm.ptr, bf16
// CHECK:         %[[GLOBAL:.*]] = llvm.addrspacecast %[[FROM]] : !llvm.ptr to !llvm.ptr<1>
// CHECK:         %[[TO:.*]] = llvm.getelementptr %[[T]][%[[N]]] : (!llvm.ptr<3>, i64) -> !llvm.ptr<3>, bf16
// CHECK:         nvvm.cp.async.shared.global %[[TO]], %[[GLOBAL]], 16, cache = cg :
// CHECK:         %[[NEXT:.*]] = llvm.getelementptr %[[TO]]
// CHECK:         nvvm.cp.async.shared.global %[[NEXT]], %{{.*}}, 16, cache = cg :
// CHECK:         nvvm.cp.async.shared.global %{{.*}}, %{{.*}}, 4, cache = ca :
func.func @copy(%p: !llvm.ptr, %t: !llvm.ptr<3>, %o: i64, %n: i64) {
  ssm.tile_copy bf16 [16] from %p[%o] strides() to %t[%n] strides() aligned 16 : !llvm.ptr, !llvm.ptr<3>
  ssm.tile_copy f32 [1] from %p[%o] strides() to %t[%n] strides() aligned 4 : !llvm.ptr, !llvm.ptr<3>
  return
}

// -----
// Of an access that a limit cuts, so many bytes are read; of one outside a row's limits none.
// CHECK-LABEL: func.func @copy_in_part
// CHECK-SAME:    (%{{.*}}: !llvm.ptr, %{{.*}}: !llvm.ptr<3>, %{{.*}}: i64, %[[ROWS:.*]]: i64, %[[LEFT:.*]]: i64)
// CHECK:         %[[IS:.*]] = arith.cmpi slt, %{{.*}}, %[[ROWS]]
// CHECK:         %[[OFROW:.*]] = arith.select %[[IS]], %c4
// CHECK:         arith.subi %[[LEFT]], %c0
// CHECK:         %[[OFSTEPS:.*]] = arith.minsi %{{.*}}, %c4
// CHECK:         %[[COUNT:.*]] = arith.minsi %[[OFROW]], %[[OFSTEPS]]
// CHECK:         %[[BYTES:.*]] = arith.muli %[[COUNT]], %c4
// CHECK:         %[[SIZE:.*]] = arith.trunci %[[BYTES]]
// CHECK:         nvvm.cp.async.shared.global %{{.*}}, %{{.*}}, 16, cache = cg, %[[SIZE]]
// CHECK:         arith.subi %[[LEFT]], %c4
// CHECK:         nvvm.cp.async.shared.global
// CHECK-NOT:     nvvm
// CHECK:         return
func.func @copy_in_part(%p: !llvm.ptr, %t: !llvm.ptr<3>, %o: i64, %rows: i64, %left: i64) {
  ssm.tile_copy f32 [8] from %p[%o] strides() to %t[%o] strides()
      where [array<i64: 0>, array<i64: 1>] below(%rows, %left) aligned 16 : !llvm.ptr, !llvm.ptr<3>
  return
}
