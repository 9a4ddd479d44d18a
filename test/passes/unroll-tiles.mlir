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

// Each row's chain is in one piece: its load, its arithmetic, its store, before the next row's load.
// CHECK-LABEL: func.func @depth_first
// CHECK:         %[[X0:.*]] = ssm.tile_load {{.*}} vector<4xf32>
// CHECK-NOT:     ssm.tile_load
// CHECK:         %[[Y0:.*]] = arith.mulf %[[X0]], %[[X0]]
// CHECK:         ssm.tile_store %[[Y0]]
// CHECK:         %[[X1:.*]] = ssm.tile_load {{.*}} vector<4xf32>
// CHECK:         %[[Y1:.*]] = arith.mulf %[[X1]], %[[X1]]
// CHECK:         ssm.tile_store %[[Y1]]
func.func @depth_first(%p: !llvm.ptr, %q: !llvm.ptr, %o: i64, %ld: i64) {
  %c1 = arith.constant 1 : i64
  %x = ssm.tile_load f32 %p[%o] strides(%ld, %c1) : !llvm.ptr, vector<2x4xf32>
  %y = arith.mulf %x, %x : vector<2x4xf32>
  ssm.tile_store %y, f32 %q[%o] strides(%ld, %c1) : !llvm.ptr, vector<2x4xf32>
  return
}

// A row that is known to lie outside its limit is neither loaded nor stored, and does not count in a sum.
// CHECK-LABEL: func.func @outside
// CHECK-COUNT-1: ssm.tile_load
// CHECK-NOT:     ssm.tile_load
// CHECK-NOT:     arith.addf
// CHECK:         ssm.tile_store
// CHECK-NOT:     ssm.tile_store
// CHECK:         return
func.func @outside(%p: !llvm.ptr, %q: !llvm.ptr, %o: i64, %ld: i64) {
  %c0 = arith.constant 0 : i64
  %c1 = arith.constant 1 : i64
  %x = ssm.tile_load f32 %p[%o] strides(%ld, %c1) where [array<i64: 1, 0>] below(%c1) : !llvm.ptr, vector<2x4xf32>
  %s = ssm.tile_reduce add %x over [0] where [array<i64: 1, 0>] below(%c1) : vector<2x4xf32> to vector<1x4xf32>
  ssm.tile_store %s, f32 %q[%o] strides(%c0, %c1) : !llvm.ptr, vector<1x4xf32>
  return
}

// A row that may lie outside reads from the tile's first address then, which always exists.
// CHECK-LABEL: func.func @may_be_outside
// CHECK-SAME:    (%{{.*}}: !llvm.ptr, %{{.*}}: !llvm.ptr, %[[O:.*]]: i64, %[[LD:.*]]: i64, %{{.*}}: i64)
// CHECK:         arith.addi %[[O]], %[[LD]]
// CHECK:         %[[SECOND:.*]] = arith.addi %[[O]], %[[LD]]
// CHECK:         %[[GOOD:.*]] = arith.select %{{.*}}, %[[SECOND]], %[[O]] : i64
// CHECK:         ssm.tile_load f32 %{{.*}}[%[[GOOD]]]
func.func @may_be_outside(%p: !llvm.ptr, %q: !llvm.ptr, %o: i64, %ld: i64, %n: i64) {
  %c1 = arith.constant 1 : i64
  %x = ssm.tile_load f32 %p[%o] strides(%ld, %c1) where [array<i64: 1, 0>] below(%n) : !llvm.ptr, vector<2x4xf32>
  ssm.tile_store %x, f32 %q[%o] strides(%ld, %c1) : !llvm.ptr, vector<2x4xf32>
  return
}

// A maximum counts what is outside as minus infinity.
// CHECK-LABEL: func.func @neutral
// CHECK:         arith.constant dense<0xFF800000> : vector<4xf32>
// CHECK:         arith.select
// CHECK:         ssm.tile_reduce max {{.*}} : vector<4xf32> to f32
func.func @neutral(%p: !llvm.ptr, %o: i64, %n: i64) {
  %c0 = arith.constant 0 : i64
  %c1 = arith.constant 1 : i64
  %x = ssm.tile_load f32 %p[%o] strides(%c1) : !llvm.ptr, vector<4xf32>
  %m = ssm.tile_reduce max %x over [0] where [array<i64: 1>] below(%n) : vector<4xf32> to vector<1xf32>
  ssm.tile_store %m, f32 %p[%o] strides(%c0) : !llvm.ptr, vector<1xf32>
  return
}

// A window is its operands' rows, and a move between registers a renaming: the operations are gone.
// CHECK-LABEL: func.func @renamed
// CHECK-SAME:    (%[[P:.*]]: !llvm.ptr, %[[Q:.*]]: !llvm.ptr, %{{.*}}: !llvm.ptr,
// CHECK-NOT:     ssm.tile_delay
// CHECK-NOT:     ssm.tile_move
// CHECK:         %[[B:.*]] = ssm.tile_load f32 %[[Q]]
// CHECK:         ssm.tile_store %[[B]]
// CHECK:         %[[A:.*]] = ssm.tile_load f32 %[[P]]
// CHECK:         ssm.tile_store %[[A]]
// CHECK-NOT:     ssm.tile
// CHECK:         return
func.func @renamed(%p: !llvm.ptr, %q: !llvm.ptr, %r: !llvm.ptr, %o: i64, %ld: i64) {
  %c0 = arith.constant 0 : i64
  %c1 = arith.constant 1 : i64
  %a = ssm.tile_load f32 %p[%o] strides(%c0, %c1) : !llvm.ptr, vector<1x4xf32>
  %b = ssm.tile_load f32 %q[%o] strides(%c0, %c1) : !llvm.ptr, vector<1x4xf32>
  %w = ssm.tile_delay %a, %b along 0 : vector<1x4xf32>, vector<1x4xf32> to vector<2x4xf32>
  %m = ssm.tile_move %w from [0] to [0] size 2 reversed : vector<2x4xf32> to vector<2x4xf32>
  ssm.tile_store %m, f32 %r[%o] strides(%ld, %c1) : !llvm.ptr, vector<2x4xf32>
  return
}

// Steps are numbered lane by lane, two registers each. One step earlier, register 1 is register 0, and register 0 is
// register 1 a lane up, with what came before in front.
// CHECK-LABEL: func.func @earlier(
// CHECK:         %[[X1:.*]] = ssm.tile_load {{.*}} vector<4xf32>
// CHECK:         %[[FILL:.*]] = vector.broadcast %{{.*}} : f32 to vector<4xf32>
// CHECK:         %[[UP:.*]] = vector.shuffle %[[X1]], %[[FILL]] [4, 0, 1, 2]
// CHECK:         ssm.tile_store %[[UP]]
// CHECK:         %[[X0:.*]] = ssm.tile_load f32 %arg0[%arg1]
// CHECK:         ssm.tile_store %[[X0]]
func.func @earlier(%p: !llvm.ptr, %o: i64) {
  %c0 = arith.constant 0 : i64
  %c3 = arith.constant 3 : i64
  %c7 = arith.constant 7 : i64
  %x = ssm.tile_load f32 %p[%o] strides(%c3, %c7) : !llvm.ptr, vector<2x4xf32>
  %before = ssm.tile_load f32 %p[%c0] strides(%c0, %c0) : !llvm.ptr, vector<1x1xf32>
  %y = ssm.tile_shift %x by 1 along [1, 0] fill(%before) : vector<2x4xf32>, vector<1x1xf32>
  ssm.tile_store %y, f32 %p[%c0] strides(%c3, %c7) : !llvm.ptr, vector<2x4xf32>
  return
}

// Further back than a lane holds, several lanes take what came before, the newest in the last of them.
// CHECK-LABEL: func.func @far_earlier(
// CHECK:         %[[MOVED:.*]] = vector.shuffle %{{.*}}, %{{.*}} [4, 4, 0, 1]
// CHECK:         vector.insert %{{.*}}, %[[MOVED]] [1]
func.func @far_earlier(%p: !llvm.ptr, %o: i64) {
  %c0 = arith.constant 0 : i64
  %c1 = arith.constant 1 : i64
  %x = ssm.tile_load f32 %p[%o] strides(%c1) : !llvm.ptr, vector<4xf32>
  %newer = ssm.tile_load f32 %p[%c0] strides(%c0) : !llvm.ptr, vector<1xf32>
  %older = ssm.tile_load f32 %p[%c1] strides(%c0) : !llvm.ptr, vector<1xf32>
  %y = ssm.tile_shift %x by 2 along [0] fill(%newer, %older) : vector<4xf32>, vector<1xf32>, vector<1xf32>
  ssm.tile_store %y, f32 %p[%c0] strides(%c1) : !llvm.ptr, vector<4xf32>
  return
}

// Registers alone change places.
// CHECK-LABEL: func.func @registers_earlier(
// CHECK-NOT:     vector.shuffle
// CHECK:         return
func.func @registers_earlier(%p: !llvm.ptr, %o: i64) {
  %c0 = arith.constant 0 : i64
  %c1 = arith.constant 1 : i64
  %c4 = arith.constant 4 : i64
  %x = ssm.tile_load f32 %p[%o] strides(%c4, %c1) : !llvm.ptr, vector<2x4xf32>
  %before = ssm.tile_load f32 %p[%c0] strides(%c0, %c1) : !llvm.ptr, vector<1x4xf32>
  %y = ssm.tile_shift %x by 1 along [0] fill(%before) : vector<2x4xf32>, vector<1x4xf32>
  ssm.tile_store %y, f32 %p[%c0] strides(%c4, %c1) : !llvm.ptr, vector<2x4xf32>
  return
}

// One lane of one register is an element.
// CHECK-LABEL: func.func @last_step(
// CHECK:         %[[ROW:.*]] = ssm.tile_load {{.*}} vector<4xf32>
// CHECK:         %[[LAST:.*]] = vector.extract %[[ROW]][3] : f32 from vector<4xf32>
// CHECK:         ssm.tile_store %[[LAST]]
func.func @last_step(%p: !llvm.ptr, %o: i64) {
  %c0 = arith.constant 0 : i64
  %c1 = arith.constant 1 : i64
  %c4 = arith.constant 4 : i64
  %x = ssm.tile_load f32 %p[%o] strides(%c4, %c1) : !llvm.ptr, vector<2x4xf32>
  %y = vector.extract_strided_slice %x {offsets = [1, 3], sizes = [1, 1], strides = [1, 1]} : vector<2x4xf32> to vector<1x1xf32>
  ssm.tile_store %y, f32 %p[%c0] strides(%c0, %c0) : !llvm.ptr, vector<1x1xf32>
  return
}

// Memory that goes through two registers before the next lane is read and written as it is, and taken apart in
// registers; limits follow.
// CHECK-LABEL: func.func @interleaved(
// CHECK:         %[[LOW:.*]] = ssm.tile_load f32 %arg0[%arg1] strides(%[[ONE:.*]]) where [array<i64: 1>] below(%arg2) {{.*}} vector<2xf32>
// CHECK:         %[[REST:.*]] = arith.subi %arg2, %{{.*}}
// CHECK:         %[[HIGH:.*]] = ssm.tile_load f32 {{.*}} where [array<i64: 1>] below(%[[REST]])
// CHECK:         vector.shuffle %[[LOW]], %[[HIGH]] [0, 2]
// CHECK:         vector.shuffle %[[LOW]], %[[HIGH]] [1, 3]
// CHECK:         %[[FIRST:.*]] = vector.shuffle %[[X:.*]], %[[Y:.*]] [0, 2]
// CHECK:         %[[SECOND:.*]] = vector.shuffle %[[X]], %[[Y]] [1, 3]
// CHECK:         ssm.tile_store %[[FIRST]]
// CHECK:         ssm.tile_store %[[SECOND]]
func.func @interleaved(%p: !llvm.ptr, %o: i64, %n: i64) {
  %c0 = arith.constant 0 : i64
  %c1 = arith.constant 1 : i64
  %c2 = arith.constant 2 : i64
  %x = ssm.tile_load f32 %p[%o] strides(%c1, %c2) where [array<i64: 1, 2>] below(%n) : !llvm.ptr, vector<2x2xf32>
  %y = arith.addf %x, %x : vector<2x2xf32>
  ssm.tile_store %y, f32 %p[%c0] strides(%c1, %c2) : !llvm.ptr, vector<2x2xf32>
  return
}

// A copy is one a row, on both sides; rows outside the limits are copied as well, by nothing.
// CHECK-LABEL: func.func @copies
// CHECK-SAME:    (%[[P:.*]]: !llvm.ptr, %[[T:.*]]: !llvm.ptr<3>, %[[LD:.*]]: i64, %[[N:.*]]: i64, %[[LEFT:.*]]: i64)
// CHECK:         ssm.tile_copy bf16 [8] from %[[P]][%[[LD]]] strides() to %[[T]][%[[N]]] strides()
// CHECK-SAME:      below(%[[N]], %[[LEFT]]) aligned 16
// CHECK-DAG:     %[[FROM:.*]] = arith.addi %[[LD]], %[[LD]]
// CHECK-DAG:     %[[TO:.*]] = arith.addi %[[N]], %c24
// CHECK-DAG:     %[[ROWS:.*]] = arith.subi %[[N]], %c1
// CHECK:         ssm.tile_copy bf16 [8] from %[[P]][%[[FROM]]] strides() to %[[T]][%[[TO]]] strides()
// CHECK-SAME:      where [array<i64: 0>, array<i64: 1>] below(%[[ROWS]], %[[LEFT]]) aligned 16
func.func @copies(%p: !llvm.ptr, %t: !llvm.ptr<3>, %ld: i64, %n: i64, %left: i64) {
  %c24 = arith.constant 24 : i64
  ssm.tile_copy bf16 [2, 8] from %p[%ld] strides(%ld) to %t[%n] strides(%c24)
      where [array<i64: 1, 0>, array<i64: 0, 1>] below(%n, %left) aligned 16 : !llvm.ptr, !llvm.ptr<3>
  return
}
