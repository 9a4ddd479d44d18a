// RUN: ssm-opt %s --ssm-tile='schedule=channel=grid,lane:4;state=reg;time=loop:16' | FileCheck %s --check-prefixes=CHECK,DIRECT
// RUN: ssm-opt %s --ssm-tile='schedule=channel=grid,lane:4;state=reg;time=loop:16;load=staged;store=staged' | FileCheck %s --check-prefix=STAGED
// RUN: ssm-opt %s --ssm-tile='schedule=channel=grid;state=lane:4' | FileCheck %s --check-prefix=LANES
// RUN: ssm-opt %s --ssm-tile='packed=false schedule=channel=grid;state=lane:4' | FileCheck %s --check-prefix=ANY
// RUN: ssm-opt %s --ssm-tile='gpu=true schedule=channel=grid,thread:32;state=reg' | FileCheck %s --check-prefix=GPU
// RUN: not ssm-opt %s --ssm-tile='schedule=channel=grid;state=loop;time=loop' 2>&1 | FileCheck %s --check-prefix=ILLEGAL
// RUN: not ssm-opt %s --ssm-tile='schedule=channel' 2>&1 | FileCheck %s --check-prefix=MALFORMED

// A state is carried by the loop over time as a tile of registers by lanes; a sum over registers leaves the lanes.
// CHECK-LABEL: func.func @r_forward
// CHECK-SAME:    ssm.schedule = "channel=grid,lane:4; state=reg; time=loop:16"
// CHECK:         ssm.tile_place grid
// The body is there twice: for full tiles without limits, and for the last one with them.
// CHECK:         scf.if
// CHECK:           scf.for {{.*}} -> (vector<3x4xf32>)
// DIRECT:            ssm.tile_load f32 {{.*}} strides({{[^)]*}}) : !llvm.ptr, vector<1x4xf32>
// CHECK:             ssm.tile_reduce add {{.*}} over [0] : vector<3x4xf32> to vector<1x4xf32>
// CHECK-NOT:         below
// CHECK:             ssm.tile_store
// CHECK:         } else {
// CHECK:           scf.for
// DIRECT:            ssm.tile_load {{.*}} where [array<i64: 0, 1>] below
// CHECK:             ssm.tile_store {{.*}} where [array<i64: 0, 1>] below

// Tensors along time go through scratch, which holds a time tile; within it a step is a row.
// STAGED-COUNT-2: llvm.alloca {{.*}} x f32
// STAGED:        scf.for
// STAGED:          ssm.stage_load
// STAGED:          scf.for
// STAGED-NOT:        where
// STAGED:            ssm.tile_load
// STAGED:            ssm.tile_store
// STAGED:          ssm.stage_store

// 4 lanes hold a state of 3; the one too many does not count. Nothing is left over on the grid, so there is one body.
// LANES:         ssm.tile_reduce add {{.*}} over [0] where [array<i64: 1>] below({{.*}}) : vector<4xf32> to vector<1xf32>
// LANES-NOT:     else {{{$}}
// LANES:         return

// ANY-LABEL:     func.func @r_forward_any
// A thread outside does nothing.
// GPU:           ssm.tile_place thread
// GPU:           arith.cmpi slt
// GPU-NEXT:      scf.if
// ILLEGAL:       error: 'state' is summed over or moved along, so its loop has to stand inside that of 'time'
// MALFORMED:     error: in the schedule, column 1: 'channel' has no '='
ssm.recurrence @r dims [batch, channel, state = 3, time] scan time {
  %u = ssm.input "u" [batch, channel, time] stored f32 : f32
  %h = ssm.previous "h" [batch, channel, state] stored f32 : f32
  %n = arith.addf %u, %h : f32
  ssm.next "h" %n : f32
  %y = ssm.sum %n over [state] : f32
  ssm.output "y" %y [batch, channel, time] stored f32 : f32
}
