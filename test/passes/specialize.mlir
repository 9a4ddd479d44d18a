// RUN: ssm-opt %s --split-input-file --ssm-specialize | FileCheck %s
// RUN: ssm-opt %s --split-input-file --ssm-specialize | FileCheck %s --check-prefix=LEFT
// No declaration of a choice is left, whatever the recurrence.
// LEFT-NOT: ssm.option
// LEFT-NOT: ssm.given
// LEFT-NOT: optional
// LEFT-NOT: reverse_if
// LEFT-NOT: options {

// A default size is bound, what is like it has it too, and an open size stays open.
// CHECK-LABEL: @sizes dims [time, batch, state = 16, col like state]
// CHECK-DAG:     %[[STATE:.*]] = arith.constant 1.600000e+01
// CHECK-DAG:     %[[BATCH:.*]] = ssm.size batch
// CHECK-DAG:     ssm.index batch
// CHECK:         arith.mulf %[[BATCH]], %[[STATE]]
ssm.recurrence @sizes dims [time, batch, state = 16, col like state] scan time {
  %n = ssm.size col : f64
  %b = ssm.size batch : f64
  %i = ssm.index batch : f64
  %0 = arith.mulf %b, %n : f64
  %y = arith.addf %0, %i : f64
  ssm.output "y" %y [time, batch] : f64
}

// -----
// Reductions of nothing are numbers; one over a dimension that the value lacks is not of nothing.
// CHECK-LABEL: @nothing
// CHECK-NOT:     ssm.max
// CHECK-NOT:     ssm.mean
// CHECK-DAG:     %[[ZERO:.*]] = arith.constant 0.000000e+00 : f64
// CHECK-DAG:     %[[LOWEST:.*]] = arith.constant 0xFFF0000000000000 : f64
// CHECK-DAG:     %[[NAN:.*]] = arith.constant 0x7FF8000000000000 : f64
// CHECK-DAG:     %[[SUM:.*]] = ssm.sum %{{.*}} over [state]
// CHECK-DAG:     ssm.output "a" %[[ZERO]] [time]
// CHECK-DAG:     ssm.output "b" %[[LOWEST]] [time]
// CHECK-DAG:     ssm.output "c" %[[NAN]] [time]
// CHECK-DAG:     ssm.output "d" %[[SUM]] [time]
ssm.recurrence @nothing dims [time, state = 0, batch] scan time {
  %w = ssm.input "w" [state, batch, time] : f64
  %u = ssm.input "u" [time] : f64
  %a = ssm.sum %w over [batch, state] : f64
  %b = ssm.max %w over [batch, state] : f64
  %c = ssm.mean %w over [batch, state] : f64
  %d = ssm.sum %u over [state] : f64
  ssm.output "a" %a [time] : f64
  ssm.output "b" %b [time] : f64
  ssm.output "c" %c [time] : f64
  ssm.output "d" %d [time] : f64
}

// -----
// Options are their defaults, and what they decide is folded.
// CHECK-LABEL: @options dims [time] scan time {
// CHECK:         %[[SCALE:.*]] = arith.constant 5.000000e-01
// CHECK:         %[[U:.*]] = ssm.input
// CHECK-NEXT:    %[[E:.*]] = math.exp %[[U]]
// CHECK-NEXT:    %[[Y:.*]] = arith.mulf %[[E]], %[[SCALE]]
// CHECK-NEXT:    ssm.output "y" %[[Y]]
ssm.recurrence @options dims [time] options {activation = "exp", fast = false, scale = 0.5 : f64} scan time
    reverse_if "fast" {
  %u = ssm.input "u" [time] : f64
  %isExp = ssm.option "activation" is "exp" : i1
  %fast = ssm.option "fast" : i1
  %scale = ssm.option "scale" : f64
  %e = math.exp %u : f64
  %t = math.tanh %u : f64
  %0 = arith.select %isExp, %e, %t : f64
  %1 = arith.select %fast, %u, %0 : f64
  %y = arith.mulf %1, %scale : f64
  ssm.output "y" %y [time] : f64
}

// -----
// An optional input that is given is like any other.
// CHECK-LABEL: @given
// CHECK:         %[[U:.*]] = ssm.input "u" [time] stored f32 : f64
// CHECK:         %[[Z:.*]] = ssm.input "z" [time] stored f32 : f64
// CHECK:         %[[D:.*]] = ssm.input "D" [] stored f32 : f64
// CHECK:         %[[UZ:.*]] = arith.mulf %[[U]], %[[Z]]
// CHECK:         arith.addf %[[UZ]], %[[D]]
ssm.recurrence @given dims [time] scan time {
  %u = ssm.input "u" [time] : f64
  %z = ssm.input "z" [time] optional : f64
  %D = ssm.input "D" [] optional : f64
  %hasZ = ssm.given "z" : i1
  %hasD = ssm.given "D" : i1
  %uz = arith.mulf %u, %z : f64
  %0 = arith.select %hasZ, %uz, %u : f64
  %1 = arith.addf %0, %D : f64
  %y = arith.select %hasD, %1, %0 : f64
  ssm.output "y" %y [time] : f64
}

// -----
// A tensor keeps the stored type that it has; others are f32, states the type of the arithmetic, which f64 in an input makes
// f64. An output does not decide.
// CHECK-LABEL: @stored
// CHECK:         ssm.input "u" [time] stored bf16
// CHECK:         ssm.input "v" [time] stored f32
// CHECK:         ssm.input "c" [time] stored complex<f32>
// CHECK:         ssm.previous "h" [] stored bf16
// CHECK:         ssm.previous "g" [] stored f32
// CHECK:         ssm.previous "x" [] stored complex<f32>
// CHECK:         ssm.delay "u" {{.*}} stored f32
// CHECK:         ssm.output "y" {{.*}} stored f64
// CHECK:         ssm.output "z" {{.*}} stored f32
// CHECK:         ssm.output "yc" {{.*}} stored complex<f32>
ssm.recurrence @stored dims [time, tap = 3] scan time {
  %u = ssm.input "u" [time] stored bf16 : f64
  %v = ssm.input "v" [time] : f64
  %c = ssm.input "c" [time] : complex<f64>
  %h = ssm.previous "h" [] stored bf16 : f64
  %g = ssm.previous "g" [] : f64
  %x = ssm.previous "x" [] : complex<f64>
  %w = ssm.delay "u" %u over tap [] : f64
  %sum = ssm.sum %w over [tap] : f64
  ssm.next "h" %u : f64
  ssm.next "g" %v : f64
  ssm.next "x" %c : complex<f64>
  ssm.output "y" %sum [time] stored f64 : f64
  ssm.output "z" %sum [time] : f64
  ssm.output "yc" %x [time] : complex<f64>
}

// -----
// CHECK-LABEL: @f64_state
// CHECK:         ssm.input "u" [time] stored f32
// CHECK:         ssm.previous "h" [] stored complex<f64>
// CHECK:         ssm.previous "g" [] stored f64
// CHECK:         ssm.previous "x" [] stored complex<f64>
// CHECK:         ssm.output "y" {{.*}} stored f32
ssm.recurrence @f64_state dims [time] scan time {
  %u = ssm.input "u" [time] : f64
  %h = ssm.previous "h" [] stored complex<f64> : complex<f64>
  %g = ssm.previous "g" [] : f64
  %x = ssm.previous "x" [] : complex<f64>
  ssm.next "h" %h : complex<f64>
  ssm.next "g" %u : f64
  ssm.next "x" %x : complex<f64>
  ssm.output "y" %g [time] : f64
}

// -----
// A window that only a folded branch read is gone, as is a hidden state; an input and a declared state stay, read or not.
// CHECK-LABEL: @unread
// CHECK-NOT:     ssm.delay
// CHECK:         ssm.input "u"
// CHECK-NOT:     ssm.previous "u"
// CHECK-NOT:     ssm.previous "older"
// CHECK:         ssm.previous "h"
// CHECK-NOT:     ssm.next "u"
// CHECK:         ssm.next "h"
// CHECK-NOT:     ssm.next
// CHECK:         ssm.output
ssm.recurrence @unread dims [time, tap = 4] options {smooth = false} scan time {
  %u = ssm.input "u" [time] : f64
  %smooth = ssm.option "smooth" : i1
  %w = ssm.delay "window" %u over tap [] : f64
  %mean = ssm.mean %w over [tap] : f64
  %up = ssm.previous "u" [] : f64
  %h = ssm.previous "h" [] : f64
  %older = ssm.previous "older" [] seeded_by "h" : f64
  %0 = arith.addf %mean, %up : f64
  %1 = arith.addf %0, %older : f64
  %y = arith.select %smooth, %1, %u : f64
  ssm.next "u" %u : f64
  ssm.next "h" %u : f64
  ssm.next "older" %h : f64
  ssm.output "y" %y [time] : f64
}
