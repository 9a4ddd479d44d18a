// RUN: split-file %s %t
// RUN: ssm-opt %t/sum.mlir --ssm-tile='schedule=channel=grid;time=loop;state=loop,lane:4' --cse | FileCheck %t/sum.mlir
// RUN: ssm-opt %t/sum.mlir --ssm-tile='schedule=time=loop;state=loop:4,lane:4;channel=grid:8,loop,reg:2' --cse | FileCheck %t/sum.mlir --check-prefix=PARTS
// RUN: ssm-opt %t/sum.mlir --ssm-tile='schedule=channel=loop,reg:2;time=loop;state=lane:16' --cse | FileCheck %t/sum.mlir --check-prefix=OUTSIDE
// RUN: ssm-opt %t/sum.mlir --ssm-tile='schedule=channel=grid,lane:4;time=loop:8;state=loop,reg:2;load=staged' --cse | FileCheck %t/sum.mlir --check-prefix=STAGED
// RUN: ssm-opt %t/delta.mlir --ssm-tile='schedule=value=grid,lane:4;time=loop;key=loop,reg:2' --cse | FileCheck %t/delta.mlir
// RUN: ssm-opt %t/dense.mlir --ssm-tile='schedule=channel=grid;time=loop;state=lane:4;col=loop' --cse | FileCheck %t/dense.mlir
// RUN: ssm-opt %t/fixed.mlir --ssm-tile='schedule=time=loop;channel=loop' --cse | FileCheck %t/fixed.mlir
// RUN: ssm-opt %t/large.mlir --ssm-tile='schedule=time=loop;channel=loop;tap=loop' --cse | FileCheck %t/large.mlir

//--- sum.mlir
// The state stands in 16 elements, which each step overwrites a tile at a time; the sum over full tiles and the last one
// in part is elementwise, and its lanes are added once.
// CHECK-LABEL: func.func @r_forward
// CHECK:         %[[SIZE:.*]] = arith.constant 16 : i64
// CHECK:         %[[BUFFER:.*]] = llvm.alloca %[[SIZE]] x f32
// The initial state, given or zero, is stored before the first step.
// CHECK:         scf.for
// CHECK:           scf.if {{.*}} -> (vector<4xf32>)
// CHECK:           ssm.tile_store {{.*}}, f32 %[[BUFFER]]
// What has no loop is loaded once a step.
// CHECK:           ssm.tile_load f32 %arg0
// CHECK:           %[[FULL:.*]] = scf.for {{.*}} iter_args(%[[SUM:.*]] = %{{.*}}) -> (vector<4xf32>)
// CHECK:             ssm.tile_load changing f32 %[[BUFFER]][%[[AT:.*]]]
// CHECK:             %[[N:.*]] = arith.addf
// CHECK:             arith.addf %[[SUM]], %[[N]]
// CHECK:             ssm.tile_store %[[N]], f32 %[[BUFFER]]
// CHECK-NEXT:        scf.yield
// CHECK:           arith.cmpi slt, {{.*}} : vector<4xi64>
// CHECK:           arith.select {{.*}} : vector<4xi1>
// CHECK:           arith.addf %[[FULL]]
// CHECK:           ssm.tile_reduce add {{.*}} over [0] : vector<4xf32> to vector<1xf32>
// CHECK-NOT:         below
// CHECK:           ssm.tile_store
// The final state.
// CHECK:         scf.if
// CHECK:           scf.for
// CHECK:             ssm.tile_load changing f32 %[[BUFFER]]

// A loop that is summed over around one that is not: the sum goes on in a buffer from tile to tile.
// PARTS:         scf.for
// PARTS:           scf.for
// PARTS:             scf.for
// PARTS:               %[[TILE:.*]] = ssm.tile_reduce add
// PARTS:               %[[BEFORE:.*]] = ssm.tile_load changing
// PARTS:               %[[BOTH:.*]] = arith.addf %[[BEFORE]], %[[TILE]]
// PARTS:               arith.select %{{.*}}, %[[TILE]], %[[BOTH]]
// PARTS:               ssm.tile_store
// Another run through the channels hands the sum out.
// PARTS:           scf.for
// PARTS-NOT:         arith.addf
// PARTS:             ssm.tile_load changing
// PARTS:             ssm.tile_store

// A loop around time: the whole task once a tile, the state in registers.
// OUTSIDE:       scf.for
// OUTSIDE:         scf.if
// OUTSIDE:           scf.for {{.*}} -> (vector<2x16xf32>)

// Scratch holds a time tile of the whole loop; each tile is a block of its own.
// STAGED:        %[[BLOCKS:.*]] = arith.constant 112 : i64
// STAGED:        llvm.alloca %[[BLOCKS]] x f32
// STAGED:        scf.for
// STAGED:          scf.for
// STAGED:            llvm.getelementptr
// STAGED:            ssm.stage_load
// STAGED:          scf.for
// STAGED:            scf.for
// STAGED:              ssm.tile_load f32
ssm.recurrence @r dims [channel, state = 13, time] scan time {
  %u = ssm.input "u" [channel, time] stored f32 : f32
  %b = ssm.input "b" [state, time] stored f32 : f32
  %h = ssm.previous "h" [channel, state] stored f32 : f32
  %x = arith.mulf %b, %u : f32
  %n = arith.addf %x, %h : f32
  ssm.next "h" %n : f32
  %y = ssm.sum %n over [state] : f32
  ssm.output "y" %y [channel, time] stored f32 : f32
}

//--- delta.mlir
// What the next state waits for is summed in a first phase; the second one computes the state once and sums it again.
// CHECK-LABEL: func.func @delta_forward
// CHECK:         scf.for
// CHECK:           %[[MISSED:.*]] = scf.for {{.*}} -> (vector<2x4xf32>)
// CHECK-NOT:         ssm.tile_store
// CHECK:             scf.yield
// CHECK:           %[[MISS:.*]] = ssm.tile_reduce add %[[MISSED]] over [0]
// CHECK:           %[[OUT:.*]] = scf.for {{.*}} -> (vector<2x4xf32>)
// CHECK-COUNT-1:     ssm.tile_store
// CHECK:             scf.yield
// CHECK:           ssm.tile_reduce add %[[OUT]] over [0]
ssm.recurrence @delta dims [key = 8, value, time] scan time {
  %k = ssm.input "k" [time, key] stored f32 : f32
  %v = ssm.input "v" [time, value] stored f32 : f32
  %s = ssm.previous "S" [key, value] stored f32 : f32
  %ks = arith.mulf %k, %s : f32
  %m = ssm.sum %ks over [key] : f32
  %e = arith.subf %v, %m : f32
  %d = arith.mulf %k, %e : f32
  %n = arith.addf %s, %d : f32
  ssm.next "S" %n : f32
  %q = arith.mulf %k, %n : f32
  %y = ssm.sum %q over [key] : f32
  ssm.output "y" %y [time, value] stored f32 : f32
}

//--- dense.mlir
// The state is held whole by the lanes, and read at one coordinate after another: it stands in memory. The matrix, whose
// lanes are strided, is gathered once.
// CHECK-LABEL: func.func @dense_forward
// CHECK:         %[[C12:.*]] = arith.constant 12 : i64
// CHECK:         %[[MATRIX:.*]] = llvm.alloca %[[C12]] x f32
// CHECK:         %[[STATE:.*]] = llvm.alloca %{{.*}} x f32
// CHECK:         scf.for
// CHECK:           %[[A:.*]] = ssm.tile_load f32 %arg
// CHECK:           ssm.tile_store %[[A]], f32 %[[MATRIX]]
// CHECK:         scf.for
// CHECK:           scf.for {{.*}} -> (vector<4xf32>)
// CHECK-DAG:         ssm.tile_load changing f32 %[[MATRIX]]{{.*}} : !llvm.ptr, vector<4xf32>
// CHECK-DAG:         ssm.tile_load changing f32 %[[STATE]]{{.*}} : !llvm.ptr, vector<1xf32>
// CHECK:             scf.yield
// CHECK:           ssm.tile_store {{.*}}, f32 %[[STATE]]
ssm.recurrence @dense dims [channel, state = 3, col like state, time] scan time {
  %u = ssm.input "u" [channel, time] stored f32 : f32
  %A = ssm.input "A" [channel, state, col] stored f32 : f32
  %h = ssm.previous "h" [channel, state] stored f32 : f32
  %c = ssm.rename %h state to col : f32
  %p = arith.mulf %A, %c : f32
  %s = ssm.sum %p over [col] : f32
  %n = arith.addf %s, %u : f32
  ssm.next "h" %n : f32
  %y = ssm.sum %n over [state] : f32
  ssm.output "y" %y [channel, time] stored f32 : f32
}

//--- fixed.mlir
// What does not vary in time is computed once and kept.
// CHECK-LABEL: func.func @fixed_forward
// CHECK:         scf.for
// CHECK:           %[[E:.*]] = math.exp
// CHECK:           ssm.tile_store %[[E]]
// CHECK:         scf.for
// CHECK-NOT:       math.exp
// CHECK:           return
ssm.recurrence @fixed dims [channel = 5, time] scan time {
  %u = ssm.input "u" [channel, time] stored f32 : f32
  %A = ssm.input "A" [channel] stored f32 : f32
  %a = math.exp %A : f32
  %h = ssm.previous "h" [channel] stored f32 : f32
  %p = arith.mulf %a, %h : f32
  %n = arith.addf %p, %u : f32
  ssm.next "h" %n : f32
  ssm.output "y" %n [channel, time] stored f32 : f32
}

//--- large.mlir
// Of what does not vary in time, as much is computed once as a task can keep: 400 cosines, and not 400,000 products.
// CHECK-LABEL: func.func @large_forward
// CHECK:         scf.for
// CHECK:           %[[E:.*]] = math.cos
// CHECK:           ssm.tile_store %[[E]]
// CHECK:         scf.for
// CHECK-NOT:       math.cos
// CHECK:           ssm.tile_load f32 %arg
// CHECK-NEXT:      arith.mulf
// CHECK-NOT:       math.cos
// CHECK:           return
ssm.recurrence @large dims [channel = 400, tap = 1000, time] scan time {
  %u = ssm.input "u" [tap, time] stored f32 : f32
  %A = ssm.input "A" [channel] stored f32 : f32
  %B = ssm.input "B" [channel, tap] stored f32 : f32
  %a = math.cos %A : f32
  %b = arith.mulf %a, %B : f32
  %bu = arith.mulf %b, %u : f32
  %n = ssm.sum %bu over [tap] : f32
  %h = ssm.previous "h" [channel] stored f32 : f32
  %s = arith.addf %h, %n : f32
  ssm.next "h" %s : f32
  ssm.output "y" %s [channel, time] stored f32 : f32
}
