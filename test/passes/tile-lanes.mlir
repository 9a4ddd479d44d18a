// RUN: split-file %s %t
// RUN: ssm-opt %t/scan.mlir --ssm-tile='schedule=time=lane:4' --cse | FileCheck %t/scan.mlir
// RUN: ssm-opt %t/scan.mlir --ssm-tile='schedule=time=lane:4,reg:2' --cse | FileCheck %t/scan.mlir --check-prefix=REGS
// RUN: ssm-opt %t/scan.mlir --ssm-tile='schedule=time=loop' --cse | FileCheck %t/scan.mlir --check-prefix=STEP
// RUN: ssm-opt %t/reverse.mlir --ssm-tile='schedule=time=lane:4' --cse | FileCheck %t/reverse.mlir
// RUN: ssm-opt %t/before.mlir --ssm-tile='schedule=time=lane:4' --cse | FileCheck %t/before.mlir
// RUN: ssm-opt %t/chain.mlir --ssm-linearize --ssm-tile='schedule=time=lane:4' --cse | FileCheck %t/chain.mlir
// RUN: not ssm-opt %t/chain.mlir --ssm-tile='schedule=time=lane:4' 2>&1 | FileCheck %t/chain.mlir --check-prefix=LEVEL0
// RUN: not ssm-opt %t/rank.mlir --ssm-tile='schedule=time=lane:4;key=reg' 2>&1 | FileCheck %t/rank.mlir
// RUN: not ssm-opt %t/rank.mlir --ssm-tile='schedule=time=loop;key=reg' 2>&1 | FileCheck %t/rank.mlir
// RUN: not ssm-opt %t/sum.mlir --ssm-tile='schedule=time=lane:4' 2>&1 | FileCheck %t/sum.mlir --check-prefix=INSIDE
// RUN: not ssm-opt %t/sum.mlir --ssm-tile='schedule=time=loop;state=loop' 2>&1 | FileCheck %t/sum.mlir --check-prefix=SCAN
// RUN: not ssm-opt %t/sum.mlir --ssm-tile='schedule=time=lane:4;state=lane:4' 2>&1 | FileCheck %t/sum.mlir --check-prefix=BOTH
// RUN: not ssm-opt %t/sum.mlir --ssm-tile='schedule=time=lane:4;state=reg;load=staged' 2>&1 | FileCheck %t/sum.mlir --check-prefix=LOAD
// RUN: not ssm-opt %t/sum.mlir --ssm-tile='schedule=time=loop:6,lane:4;state=reg' 2>&1 | FileCheck %t/sum.mlir --check-prefix=LOOP
// RUN: not ssm-opt %t/sum.mlir --ssm-tile='schedule=time=grid:6,lane:4;state=reg' 2>&1 | FileCheck %t/sum.mlir --check-prefix=GRID
// RUN: not ssm-opt %t/sum.mlir --ssm-tile='schedule=time=lane:4,reg;state=reg' 2>&1 | FileCheck %t/sum.mlir --check-prefix=REG
// RUN: ssm-opt %t/sum.mlir --ssm-tile='gpu=true schedule=time=lane:4;state=thread:8' | FileCheck %t/sum.mlir --check-prefix=GPU
// RUN: not ssm-opt %t/dense.mlir --ssm-tile='schedule=time=lane:4;state=reg;col=reg' 2>&1 | FileCheck %t/dense.mlir
// RUN: not ssm-opt %t/dense.mlir --ssm-tile='schedule=time=loop;state=lane:4,reg;col=reg' 2>&1 | FileCheck %t/dense.mlir --check-prefix=MATRIX

//--- scan.mlir
// Blocks of four steps; the last lane is carried. What is left is one block in part, whose steps past the end are masked
// where memory is and in the scan.
// CHECK-LABEL: func.func @r_forward
// CHECK:         %[[LEFT:.*]] = arith.remsi %[[T:.*]], %{{.*}}
// CHECK:         %[[FULL:.*]] = arith.subi %[[T]], %[[LEFT]]
// CHECK:         %[[BLOCKS:.*]] = scf.for {{.*}} to %[[FULL]] step {{.*}} iter_args(%[[H:.*]] = %{{.*}}) -> (vector<1xf32>)
// CHECK:           %[[A:.*]] = ssm.tile_load {{.*}} vector<4xf32>
// CHECK:           %[[S:.*]] = ssm.tile_scan log transition(%[[A]]) drive(%{{.*}}) carry(%[[H]]) along [0] :
// CHECK:           ssm.tile_store %[[S]]
// CHECK:           %[[LAST:.*]] = vector.extract_strided_slice %[[S]] {offsets = [3], sizes = [1], strides = [1]}
// CHECK:           scf.yield %[[LAST]]
// CHECK:         scf.if
// CHECK:           ssm.tile_load {{.*}} where [array<i64: 1>] below(%[[LEFT]])
// CHECK:           ssm.tile_scan {{.*}} carry(%[[BLOCKS]]) along [0] below %[[LEFT]]
// CHECK:           ssm.tile_store {{.*}} where [array<i64: 1>] below(%[[LEFT]])

// Lane l of register r holds step 2l + r.
// REGS:         ssm.tile_load {{.*}} strides(%[[ONE:.*]], %[[TWO:.*]]) : !llvm.ptr, vector<2x4xf32>
// REGS:         ssm.tile_scan {{.*}} along [1, 0]
// REGS:         vector.extract_strided_slice {{.*}} {offsets = [1, 3], sizes = [1, 1]
// REGS:         where [array<i64: 1, 2>] below

// A scan runs one step after another, too.
// STEP:         scf.for
// STEP:           %[[S:.*]] = ssm.tile_scan {{.*}} along [] :
// STEP:           scf.yield %[[S]]
// STEP-NOT:     ssm.tile_scan
ssm.recurrence @r dims [time, channel] scan time {
  %l = ssm.input "l" [channel, time] stored f32 : f32
  %b = ssm.input "b" [channel, time] stored f32 : f32
  %h = ssm.scan "h" [channel] stored f32 log_decay(%l) drive(%b) : f32
  ssm.final "h" %h : f32
  ssm.output "y" %h [channel, time] stored f32 : f32
}

//--- reverse.mlir
// Coordinates descend from lane to lane; steps left still count up.
// CHECK:         %[[DOWN:.*]] = arith.constant -1 : i64
// CHECK:         ssm.tile_load {{.*}} strides(%[[DOWN]]) : !llvm.ptr, vector<4xf32>
// CHECK:         ssm.tile_load {{.*}} strides(%[[DOWN]]) where [array<i64: 1>] below
ssm.recurrence @r dims [time] scan time reverse {
  %b = ssm.input "b" [time] stored f32 : f32
  %h = ssm.scan "h" [] stored f32 identity drive(%b) : f32
  ssm.final "h" %h : f32
  ssm.output "y" %h [time] stored f32 : f32
}

//--- before.mlir
// The state before each step is the stream a lane up, and an input's past is the input three lanes up; of both, what is
// carried comes first. In the last block, what was there three steps before its end may stand before it.
// CHECK:         scf.for {{.*}} iter_args(%[[U1:.*]] = %{{.*}}, %[[U2:.*]] = %{{.*}}, %[[U3:.*]] = %{{.*}}, %[[H:.*]] = %{{.*}})
// CHECK:           %[[U:.*]] = ssm.tile_load
// CHECK:           ssm.tile_shift %[[U]] by 3 along [0] fill(%[[U1]], %[[U2]], %[[U3]])
// CHECK:           %[[S:.*]] = ssm.tile_scan
// CHECK:           ssm.tile_shift %[[S]] by 1 along [0] fill(%[[H]])
// CHECK-DAG:       vector.extract_strided_slice %[[U]] {offsets = [3]
// CHECK-DAG:       vector.extract_strided_slice %[[U]] {offsets = [2]
// CHECK-DAG:       vector.extract_strided_slice %[[U]] {offsets = [1]
// CHECK:         scf.if
// CHECK:           %[[PART:.*]] = ssm.tile_load
// CHECK:           %[[ALONE:.*]] = arith.select %{{.*}}, %[[PART]], %{{.*}} : vector<4xi1>, vector<4xf32>
// CHECK:           ssm.tile_reduce add %[[ALONE]] over [0]
ssm.recurrence @r dims [time] scan time {
  %u = ssm.input "u" [time] stored f32 : f32
  %u3 = ssm.previous "u" [] back 3 stored f32 : f32
  ssm.next "u" %u : f32
  %h = ssm.scan "h" [] stored f32 identity drive(%u3) : f32
  ssm.final "h" %h : f32
  %hp = ssm.before "h" %h : f32
  %y = arith.addf %hp, %u : f32
  ssm.output "y" %y [time] stored f32 : f32
}

//--- chain.mlir
// One state's value before the step in another's decay: two scans, the second after the first.
// CHECK:         scf.for
// CHECK:           %[[M:.*]] = ssm.tile_scan max
// CHECK:           %[[BEFORE:.*]] = ssm.tile_shift %[[M]] by 1
// CHECK:           ssm.tile_scan transition(%[[BEFORE]])
// LEVEL0: 'time' is on lanes or registers, and the state 'm' is not a scan yet: run ssm-linearize before
ssm.recurrence @r dims [time] scan time {
  %u = ssm.input "u" [time] stored f32 : f32
  %mp = ssm.previous "m" [] stored f32 : f32
  %0 = arith.addf %mp, %u : f32
  %m = arith.maximumf %0, %u : f32
  ssm.next "m" %m : f32
  %hp = ssm.previous "h" [] stored f32 : f32
  %1 = arith.mulf %mp, %hp : f32
  %h = arith.addf %1, %u : f32
  ssm.next "h" %h : f32
  ssm.output "y" %h [time] stored f32 : f32
}

//--- rank.mlir
// CHECK: is diagonal plus rank one, of which no pass makes tiles: two such steps are no such step; without ssm-linearize it runs one step after another
ssm.recurrence @r dims [time, key = 4] scan time {
  %k = ssm.input "k" [time, key] stored f32 : f32
  %s = ssm.scan "S" [key] stored f32 left(%k) right(%k) over [key] drive(%k) : f32
  ssm.final "S" %s : f32
  ssm.output "y" %s [time, key] stored f32 : f32
}

//--- sum.mlir
// INSIDE: 'state' is on a loop inside that of 'time', where it is unless it is named, and 'time' runs 4 steps at once; place it on reg
// SCAN: has scans, of which no pass runs a part: a dimension on a loop inside that of 'time' cannot be tiled
// BOTH: both 'time' and 'state' are on lanes; one dimension can be
// LOAD: 'time' is on lanes or registers, where nothing is staged
// LOOP: 'time=loop:6' is not a multiple of the 4 steps inside it
// GRID: 'time=grid:6': a chunk's steps must be a multiple of the 4 of a tile inside it
// REG: 'time=reg' takes what lanes leave of a loop's tile, and there is none (time=loop:64,lane:16,reg)
// On a GPU lanes are the low part of a thread's number, and each thread has tiles of its own.
// GPU: ssm.threads = 32
// GPU: ssm.tile_scan {{.*}} along [] peers [4, 1]
// GPU: ssm.tile_combine add %{{.*}} peers [8, 4]
ssm.recurrence @r dims [time, state = 4] scan time {
  %b = ssm.input "b" [state, time] stored f32 : f32
  %h = ssm.scan "h" [state] stored f32 identity drive(%b) : f32
  ssm.final "h" %h : f32
  %y = ssm.sum %h over [state] : f32
  ssm.output "y" %y [time] stored f32 : f32
}

//--- dense.mlir
// CHECK: 'time' cannot be on lane or reg: the state 'h' has a dense transition of 16 rows, and two steps of more than 8 take too many operations to compose
// MATRIX: 'state' is on lanes and registers, and the scan of 'h' has a dense transition along it; place it on one of them
ssm.recurrence @r dims [time, state = 16, col like state] scan time {
  %A = ssm.input "A" [state, col] stored f32 : f32
  %b = ssm.input "b" [time] stored f32 : f32
  %h = ssm.scan "h" [state] stored f32 matrix(%A) over [state] from [col] drive(%b) : f32
  ssm.final "h" %h : f32
  %y = ssm.sum %h over [state] : f32
  ssm.output "y" %y [time] stored f32 : f32
}
