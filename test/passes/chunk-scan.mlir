// RUN: ssm-opt %s --split-input-file --ssm-chunk-scan=steps=64 | FileCheck %s

// The total of a chunk: the states from zero, and the product of decays. The join combines; the recurrence itself
// begins each chunk with what the join left.
// CHECK-LABEL: ssm.recurrence @leak_total0
// CHECK-SAME:    hands_on = {h = "total.h", h.decay = "total.h.decay"}
// CHECK-SAME:    starts = {h = 0.000000e+00 : f64, h.decay = 1.000000e+00 : f64}, steps = 64
// CHECK-DAG:     %[[A:.*]] = ssm.input "a"
// CHECK-DAG:     %[[P:.*]] = ssm.previous "h.decay" [channel] stored f32
// CHECK:         %[[Q:.*]] = arith.mulf %[[A]], %[[P]]
// CHECK:         ssm.next "h.decay" %[[Q]]
// CHECK-NOT:     ssm.output
// CHECK-LABEL: ssm.recurrence @leak_join0
// CHECK-SAME:    ssm.chunk = {join}
// CHECK-DAG:     %[[H:.*]] = ssm.previous "after.h"
// CHECK-DAG:     %[[T:.*]] = ssm.input "total.h" [time, channel]
// CHECK-DAG:     %[[D:.*]] = ssm.input "total.h.decay" [time, channel]
// CHECK:         %[[DH:.*]] = arith.mulf
// CHECK:         %[[NEXT:.*]] = arith.addf %[[DH]], %[[T]]
// CHECK:         ssm.next "after.h" %[[NEXT]]
// CHECK:         ssm.output "after.h" %[[NEXT]] [time, channel]
// CHECK-LABEL: ssm.recurrence @leak dims
// CHECK-SAME:    ssm.chunk = {steps = 64 : i64}
// CHECK:         ssm.output "y"
ssm.recurrence @leak dims [time, channel] scan time {
  %u = ssm.input "u" [time, channel] stored f32 : f64
  %a = ssm.input "a" [time, channel] stored f32 : f64
  %hp = ssm.previous "h" [channel] stored f32 : f64
  %ah = arith.mulf %a, %hp : f64
  %h = arith.addf %ah, %u : f64
  ssm.next "h" %h : f64
  ssm.output "y" %h [time, channel] stored f32 : f64
}

// -----
// Decays that are exponentials are summed as logs, which stay finite, and are exponentiated once a chunk.
// CHECK-LABEL: ssm.recurrence @gated_total0
// CHECK-SAME:    h.decay = 0.000000e+00 : f64
// CHECK-DAG:     %[[L:.*]] = ssm.input "l"
// CHECK-DAG:     %[[P:.*]] = ssm.previous "h.decay"
// CHECK-DAG:     %[[LEAST:.*]] = arith.constant -1.040000e+02
// CHECK:         %[[LOG:.*]] = arith.maximumf %[[L]], %[[LEAST]]
// CHECK:         %[[SUM:.*]] = arith.addf %[[P]], %[[LOG]]
// CHECK:         ssm.next "h.decay" %[[SUM]]
// CHECK-LABEL: ssm.recurrence @gated_join0
// CHECK:         math.exp
ssm.recurrence @gated dims [time, channel] scan time {
  %u = ssm.input "u" [time, channel] stored f32 : f64
  %l = ssm.input "l" [time, channel] stored f32 : f64
  %hp = ssm.previous "h" [channel] stored f32 : f64
  %a = math.exp %l : f64
  %ah = arith.mulf %a, %hp : f64
  %h = arith.addf %ah, %u : f64
  ssm.next "h" %h : f64
  ssm.output "y" %h [time, channel] stored f32 : f64
}

// -----
// A delayed input is a level of its own: its past is known at the end of a chunk, without a join, and the state that
// reads it has its totals after that.
// CHECK-LABEL: ssm.recurrence @shifted_total0
// CHECK-SAME:    hands_on = {u = "after.u"}
// CHECK-NOT:     ssm.previous "h"
// CHECK-NOT:   ssm.recurrence @shifted_join0
// CHECK-LABEL: ssm.recurrence @shifted_total1
// CHECK-SAME:    hands_on = {h = "total.h"}, starts = {h = 0.000000e+00 : f64}
// CHECK:         ssm.previous "u"
// CHECK-LABEL: ssm.recurrence @shifted_join1
// CHECK-NOT:     arith.mulf
// CHECK:         arith.addf
ssm.recurrence @shifted dims [time, channel] scan time {
  %u = ssm.input "u" [time, channel] stored f32 : f64
  %up = ssm.previous "u" [channel] stored f32 : f64
  ssm.next "u" %u : f64
  %hp = ssm.previous "h" [channel] stored f32 : f64
  %h = arith.addf %hp, %up : f64
  ssm.next "h" %h : f64
  ssm.output "y" %h [time, channel] stored f32 : f64
}
