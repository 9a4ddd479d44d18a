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

// -----
// Where a loop computes with several steps at a turn, squares are moved at its turns: what it reads a square ahead of it,
// what others read beside it, and each copy at a turn of its own. The loop over single steps fetches the next tile's rows.
// CHECK-LABEL: func.func @beside
// CHECK:         scf.if
// CHECK-COUNT-64: vector.shuffle
// CHECK:         scf.for %[[TURN:.*]] = %{{.*}} to %{{.*}} step %{{.*}} : i64 {
// CHECK:           %[[OTHER:.*]] = arith.addi %[[TURN]], %[[BACK:.*]] : i64
// CHECK:           %[[IN_BLOCK:.*]] = arith.remui %[[TURN]]
// CHECK:           arith.cmpi eq, %[[IN_BLOCK]], %c8
// CHECK:           scf.if
// CHECK-COUNT-64:  vector.shuffle
// CHECK:           %[[AHEAD:.*]] = arith.addi %[[TURN]], %c16
// CHECK:           arith.cmpi slt, %[[AHEAD]]
// CHECK:           scf.if
// CHECK-COUNT-64:  vector.shuffle
// CHECK:           math.absf
// CHECK:         scf.for {{.*}} iter_args
// CHECK-COUNT-2:   llvm.intr.prefetch
// CHECK-NOT:     llvm.intr.prefetch
func.func @beside(%s: !llvm.ptr, %t: !llvm.ptr, %p: !llvm.ptr, %q: !llvm.ptr, %o: i64, %ld: i64, %n: i64, %h: vector<16xf32>) -> vector<16xf32> {
  %c0 = arith.constant 0 : i64
  %c1 = arith.constant 1 : i64
  %c8 = arith.constant 8 : i64
  ssm.stage_load %s f32 [1, 16], f32 %p[%o] strides(%c1, %ld) steps %n stride %c1 : !llvm.ptr, !llvm.ptr
  ssm.stage_load %t f32 [1, 16], f32 %q[%o] strides(%c1, %ld) steps %n stride %c1 : !llvm.ptr, !llvm.ptr
  %groups = arith.divui %n, %c8 : i64
  %whole = arith.muli %groups, %c8 : i64
  scf.for %i = %c0 to %whole step %c8 : i64 {
    %x = llvm.load %s : !llvm.ptr -> vector<16xf32>
    %y = math.absf %x : vector<16xf32>
    llvm.store %y, %s : vector<16xf32>, !llvm.ptr
  }
  %last = scf.for %i = %c0 to %n step %c1 iter_args(%g = %h) -> (vector<16xf32>) : i64 {
    %x = llvm.load %t : !llvm.ptr -> vector<16xf32>
    %next = arith.addf %g, %x : vector<16xf32>
    scf.yield %next : vector<16xf32>
  }
  return %last : vector<16xf32>
}

// -----
// A store at a tile's end is moved at such a loop's turns in the next tile, which has nothing to store before the first and
// may have fewer turns; the last tile's is behind the loop over tiles.
// CHECK-LABEL: func.func @delayed
// CHECK:         scf.for %[[TILE:.*]] = %[[FIRST:.*]] to %[[END:.*]] step %[[SIZE:.*]] : i64 {
// CHECK:           %[[BEFORE:.*]] = arith.subi %[[TILE]], %[[SIZE]] : i64
// CHECK:           %[[IS_THERE:.*]] = arith.cmpi sgt, %[[TILE]], %[[FIRST]] : i64
// CHECK:           arith.select %[[IS_THERE]], %{{.*}}, %{{.*}} : i64
// CHECK:           scf.for
// CHECK:             scf.if
// CHECK-COUNT-64:    vector.shuffle
// CHECK:             math.absf
// CHECK:           scf.for
// CHECK-COUNT-64:    vector.shuffle
// CHECK-NOT:       vector.shuffle
// CHECK:         %[[LAST:.*]] = arith.subi %{{.*}}, %{{.*}} : i64
// CHECK:         %[[IS_ANY:.*]] = arith.cmpi sgt, %[[END]], %[[FIRST]] : i64
// CHECK:         arith.select %[[IS_ANY]]
// CHECK:         scf.for
// CHECK-COUNT-64:  vector.shuffle
func.func @delayed(%s: !llvm.ptr, %t: !llvm.ptr, %p: !llvm.ptr, %ld: i64, %from: i64, %to: i64) {
  %c0 = arith.constant 0 : i64
  %c1 = arith.constant 1 : i64
  %c8 = arith.constant 8 : i64
  %c32 = arith.constant 32 : i64
  scf.for %tile = %from to %to step %c32 : i64 {
    %left = arith.subi %to, %tile : i64
    %n = arith.minsi %left, %c32 : i64
    %groups = arith.divui %n, %c8 : i64
    %whole = arith.muli %groups, %c8 : i64
    scf.for %i = %c0 to %whole step %c8 : i64 {
      %x = llvm.load %t : !llvm.ptr -> vector<16xf32>
      %y = math.absf %x : vector<16xf32>
      llvm.store %y, %t : vector<16xf32>, !llvm.ptr
    }
    %z = llvm.load %t : !llvm.ptr -> vector<16xf32>
    llvm.store %z, %s : vector<16xf32>, !llvm.ptr
    ssm.stage_store %s f32 [1, 16], f32 %p[%tile] strides(%c1, %ld) steps %n stride %c1 : !llvm.ptr, !llvm.ptr
  }
  return
}

// -----
// A loop that uses what is stored keeps the store where it is.
// CHECK-LABEL: func.func @in_use
// CHECK-NOT:     arith.select
// CHECK:         scf.for
// CHECK:           scf.for
// CHECK-NOT:         vector.shuffle
// CHECK:             math.absf
// CHECK:           scf.for
// CHECK-COUNT-64:    vector.shuffle
// CHECK-NOT:     vector.shuffle
func.func @in_use(%s: !llvm.ptr, %p: !llvm.ptr, %ld: i64, %to: i64) {
  %c0 = arith.constant 0 : i64
  %c1 = arith.constant 1 : i64
  %c8 = arith.constant 8 : i64
  %c32 = arith.constant 32 : i64
  scf.for %tile = %c0 to %to step %c32 : i64 {
    %groups = arith.divui %c32, %c8 : i64
    %whole = arith.muli %groups, %c8 : i64
    scf.for %i = %c0 to %whole step %c8 : i64 {
      %x = llvm.load %s : !llvm.ptr -> vector<16xf32>
      %y = math.absf %x : vector<16xf32>
      llvm.store %y, %s : vector<16xf32>, !llvm.ptr
    }
    ssm.stage_store %s f32 [1, 16], f32 %p[%tile] strides(%c1, %ld) steps %c32 stride %c1 : !llvm.ptr, !llvm.ptr
  }
  return
}
