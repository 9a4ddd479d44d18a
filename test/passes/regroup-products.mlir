// RUN: ssm-opt %s --split-input-file --ssm-regroup-products | FileCheck %s

// Two factors that lack `state` are multiplied first: one product a channel and not two a state.
// CHECK-LABEL: ssm.recurrence @grouped
// CHECK:         %[[DTU:.*]] = arith.mulf %[[DT:.*]], %[[U:.*]] : f64
// CHECK:         arith.mulf %[[DTU]], %[[B:.*]] : f64
// CHECK-NOT:     arith.mulf
// CHECK:         ssm.sum
ssm.recurrence @grouped dims [time, channel, state] scan time {
  %dt = ssm.input "dt" [time, channel] : f64
  %u = ssm.input "u" [time, channel] : f64
  %B = ssm.input "B" [time, state] : f64
  %0 = arith.mulf %dt, %B : f64
  %1 = arith.mulf %0, %u : f64
  %y = ssm.sum %1 over [state] : f64
  ssm.output "y" %y [time, channel] : f64
}

// -----
// Nothing is saved: as written.
// CHECK-LABEL: ssm.recurrence @equal
// CHECK:         %[[A:.*]] = ssm.input "a"
// CHECK:         %[[B:.*]] = ssm.input "b"
// CHECK:         %[[C:.*]] = ssm.input "c"
// CHECK:         %[[CB:.*]] = arith.mulf %[[C]], %[[B]] : f64
// CHECK:         arith.mulf %[[CB]], %[[A]] : f64
ssm.recurrence @equal dims [time, channel] scan time {
  %a = ssm.input "a" [time, channel] : f64
  %b = ssm.input "b" [time, channel] : f64
  %c = ssm.input "c" [time, channel] : f64
  %0 = arith.mulf %c, %b : f64
  %1 = arith.mulf %0, %a : f64
  ssm.output "y" %1 [time, channel] : f64
}

// -----
// A product that is read twice is a factor, and is not taken apart.
// CHECK-LABEL: ssm.recurrence @shared
// CHECK:         %[[AB:.*]] = arith.mulf %[[A:.*]], %[[B:.*]] : f64
// CHECK:         arith.mulf %[[AB]], %{{.*}} : f64
// CHECK:         ssm.output "z" %[[AB]]
ssm.recurrence @shared dims [time, channel, state] scan time {
  %a = ssm.input "a" [time, channel] : f64
  %b = ssm.input "b" [time, state] : f64
  %c = ssm.input "c" [time, channel] : f64
  %0 = arith.mulf %a, %b : f64
  %1 = arith.mulf %0, %c : f64
  ssm.output "z" %0 [time, channel, state] : f64
  ssm.output "y" %1 [time, channel, state] : f64
}

// -----
// exp(-x·A), A fixed in time: -log2(e) goes into A, in f64 before A is rounded.
// CHECK-LABEL: ssm.recurrence @base_two
// CHECK:         %[[A:.*]] = ssm.input "A" [channel] : f64
// CHECK:         %[[LOG2E:.*]] = arith.constant -1.442695{{.*}} : f64
// CHECK:         %[[SCALED:.*]] = arith.mulf %{{.*}}, %{{.*}} : f64
// CHECK:         %[[ROUNDED:.*]] = arith.truncf %[[SCALED]] : f64 to f32
// CHECK:         %[[X:.*]] = arith.mulf %{{.*}}, %{{.*}} : f32
// CHECK:         math.exp2 %[[X]] : f32
// CHECK-NOT:     math.exp %
ssm.recurrence @base_two dims [time, channel] scan time {
  %x = ssm.input "x" [time, channel] : f32
  %A = ssm.input "A" [channel] : f64
  %0 = arith.truncf %A : f64 to f32
  %1 = arith.mulf %x, %0 : f32
  %2 = arith.negf %1 : f32
  %3 = math.exp %2 : f32
  ssm.output "y" %3 [time, channel] : f32
}

// -----
// Without a factor that is fixed in time exp stays.
// CHECK-LABEL: ssm.recurrence @varying
// CHECK:         math.exp %
ssm.recurrence @varying dims [time, channel] scan time {
  %x = ssm.input "x" [time, channel] : f64
  %a = ssm.input "a" [time, channel] : f64
  %0 = arith.mulf %x, %a : f64
  %1 = math.exp %0 : f64
  ssm.output "y" %1 [time, channel] : f64
}
