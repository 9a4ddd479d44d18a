// RUN: ssm-opt %s --split-input-file --ssm-chunk-scan=steps=64 | FileCheck %s

// The total of a chunk: the states from zero, and the product of decays. The join combines; the recurrence itself
// begins each chunk with what the join left.
// CHECK-LABEL: ssm.recurrence @leak_total0
// CHECK-SAME:    hands_on = {h = "total.h", h.decay = "total.h.decay"}
// CHECK-SAME:    starts = {h = 0.000000e+00 : f64, h.decay = 1.000000e+00 : f64}, steps = 64
// CHECK-DAG:     %[[A:.*]] = ssm.input "a"
// CHECK-DAG:     %[[P:.*]] = ssm.previous "h.decay" [channel] stored f32
// CHECK:         %[[Q:.*]] = arith.mulf %[[P]], %[[A]]
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

// -----
// Over (max, +) products of matrices are maxima of sums: they begin as 0 on the diagonal and -inf beside it.
// CHECK-LABEL: ssm.recurrence @paths_total0
// CHECK-SAME:    starts = {h = 0xFFF0000000000000 : f64, h.decay}
// CHECK:         %[[A:.*]] = ssm.input "A"
// CHECK:         %[[D:.*]] = ssm.previous "h.decay" [state, state.column]
// CHECK-NEXT:    %[[P:.*]] = ssm.rename %[[D]] state to from
// CHECK:         %[[SAME:.*]] = arith.cmpf oeq
// CHECK-NEXT:    %[[SUM:.*]] = arith.addf %[[A]], %[[P]]
// CHECK-NEXT:    %[[M:.*]] = ssm.max %[[SUM]] over [from]
// CHECK-NEXT:    ssm.next "h.decay" %[[M]]
// CHECK-NEXT:    %[[ONE:.*]] = arith.constant 0.000000e+00
// CHECK-NEXT:    %[[ZERO:.*]] = arith.constant 0xFFF0000000000000
// CHECK-NEXT:    %[[I:.*]] = arith.select %[[SAME]], %[[ONE]], %[[ZERO]]
// CHECK-NEXT:    ssm.initial "h.decay" %[[I]]
// CHECK-LABEL: ssm.recurrence @paths_join0
// CHECK:         %[[MOVED:.*]] = ssm.max
// CHECK:         arith.maximumf %[[MOVED]]
ssm.recurrence @paths dims [time, state = 4, from like state] scan time {
  %u = ssm.input "u" [time, state] stored f32 : f64
  %A = ssm.input "A" [state, from] stored f32 : f64
  %hp = ssm.previous "h" [state] stored f32 : f64
  %moved = ssm.rename %hp state to from : f64
  %Ah = arith.addf %A, %moved : f64
  %best = ssm.max %Ah over [from] : f64
  %h = arith.maximumf %best, %u : f64
  ssm.next "h" %h : f64
  ssm.output "y" %h [time, state] stored f32 : f64
}

// -----
// The same for states that are coupled; a state that another one does not read is -inf in its row.
// CHECK-LABEL: ssm.recurrence @ahead_total0
// CHECK-SAME:    h.decay.0 = 0.000000e+00 : f64
// CHECK-SAME:    h.decay.1 = 0xFFF0000000000000 : f64
// CHECK-NOT:     arith.mulf
// CHECK:         arith.maximumf
// CHECK-LABEL: ssm.recurrence @ahead_join0
// CHECK-NOT:     arith.mulf
// CHECK:         arith.maximumf
ssm.recurrence @ahead dims [time] scan time {
  %u = ssm.input "u" [time] stored f32 : f64
  %hp = ssm.previous "h" [] stored f32 : f64
  %gp = ssm.previous "g" [] stored f32 : f64
  %hu = arith.addf %hp, %u : f64
  %gu = arith.addf %gp, %u : f64
  %h = arith.maximumf %hu, %gu : f64
  ssm.next "h" %h : f64
  %g = arith.maximumf %hp, %gp : f64
  ssm.next "g" %g : f64
  ssm.output "y" %h [time] stored f32 : f64
}
