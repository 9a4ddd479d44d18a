// RUN: ssm-opt %s | FileCheck %s
// RUN: ssm-opt %s | ssm-opt | FileCheck %s
// RUN: ssm-opt %s -emit-bytecode | ssm-opt | FileCheck %s
// RUN: ssm-opt %s --mlir-print-op-generic | ssm-opt | FileCheck %s
// Every operation of level 0 is printed as it was written, and what is printed is read again.

// CHECK-LABEL: ssm.recurrence @declarations
// CHECK-SAME:    dims [batch, group, member, state = 16, time, col like state, tap = 0]
// CHECK-SAME:    options {delta_softplus = true, kind = "g", scale = 5.000000e-01 : f64} scan time
// CHECK-SAME:    reverse_if "delta_softplus" summary "What it is."
ssm.recurrence @declarations dims [batch, group, member, state = 16, time, col like state, tap = 0]
    options {delta_softplus = true, kind = "g", scale = 0.5 : f64} scan time reverse_if "delta_softplus"
    summary "What it is." {
  // CHECK: ssm.input "u" [batch, (group member), time] stored bf16 : f64
  %u = ssm.input "u" [batch, (group member), time] stored bf16 : f64
  // CHECK: ssm.input "A" [(group member), state] stored complex<f32> : complex<f64>
  %A = ssm.input "A" [(group member), state] stored complex<f32> : complex<f64>
  // CHECK: ssm.input "s" [] : f64
  %s = ssm.input "s" [] : f64
  // CHECK: ssm.input "z" [time] optional : f64
  %z = ssm.input "z" [time] optional : f64
  // CHECK: ssm.input "w" [time] stored f16 optional : f64
  %w = ssm.input "w" [time] stored f16 optional : f64
  // CHECK: ssm.given "z" : i1
  %gz = ssm.given "z" : i1
  // CHECK: ssm.option "delta_softplus" : i1
  %softplus = ssm.option "delta_softplus" : i1
  // CHECK: ssm.option "scale" : f64
  %scale = ssm.option "scale" : f64
  // CHECK: ssm.option "kind" is "g" : i1
  %g = ssm.option "kind" is "g" : i1
  // CHECK: ssm.param "eps" = 1.250000e-01 : f64
  %eps = ssm.param "eps" = 0.125 : f64
}

// CHECK-LABEL: ssm.recurrence @states
// CHECK-SAME:    dims [time, channel, tap = 4] scan time reverse {
ssm.recurrence @states dims [time, channel, tap = 4] scan time reverse {
  %u = ssm.input "u" [time, channel] : f64
  // CHECK: ssm.previous "h" [channel] stored f32 : f64
  %h = ssm.previous "h" [channel] stored f32 : f64
  // CHECK: ssm.previous "past" [channel] back 3 stored f32 seeded_by "h" : f64
  %past = ssm.previous "past" [channel] back 3 stored f32 seeded_by "h" : f64
  // CHECK: ssm.initial "h" %{{.*}} : f64
  %c = arith.constant 1.0 : f64
  ssm.initial "h" %c : f64
  // CHECK: ssm.next "h" %{{.*}} : f64
  ssm.next "h" %past : f64
  ssm.next "past" %h : f64
  // CHECK: ssm.previous "x" [channel] : complex<f64>
  %x = ssm.previous "x" [channel] : complex<f64>
  // CHECK: ssm.derivative "x" of %{{.*}} is %{{.*}} step %{{.*}} by "zoh" : complex<f64>, f64
  %xn = ssm.derivative "x" of %x is %x step %u by "zoh" : complex<f64>, f64
  // CHECK: ssm.delay "u" %{{.*}} over tap [channel] : f64
  %window = ssm.delay "u" %u over tap [channel] : f64
  // CHECK: ssm.delay "u2" %{{.*}} over tap [channel] stored bf16 : f64
  %window2 = ssm.delay "u2" %u over tap [channel] stored bf16 : f64
  // CHECK: ssm.output "y" %{{.*}} [time, channel] : f64
  ssm.output "y" %h [time, channel] : f64
  // CHECK: ssm.output "yc" %{{.*}} [channel, time] stored complex<f32> : complex<f64>
  ssm.output "yc" %xn [channel, time] stored complex<f32> : complex<f64>
}

// CHECK-LABEL: ssm.recurrence @dimensions
ssm.recurrence @dimensions dims [time, row, col like row] scan time {
  %u = ssm.input "u" [time, row] : f64
  %M = ssm.input "M" [row, col] : f64
  // CHECK: ssm.sum %{{.*}} over [row, col] : f64
  %sum = ssm.sum %M over [row, col] : f64
  // CHECK: ssm.max %{{.*}} over [col] : f64
  %max = ssm.max %M over [col] : f64
  // CHECK: ssm.mean %{{.*}} over [row] : f64
  %mean = ssm.mean %M over [row] : f64
  // CHECK: ssm.index time : f64
  %t = ssm.index time : f64
  // CHECK: ssm.size col : f64
  %n = ssm.size col : f64
  // CHECK: ssm.rename %{{.*}} row to col : f64
  %uc = ssm.rename %u row to col : f64
  // CHECK: ssm.flip %{{.*}} row : f64
  %f = ssm.flip %u row : f64
}

// CHECK-LABEL: ssm.recurrence @activations
ssm.recurrence @activations dims [time] scan time {
  %x = ssm.input "x" [time] : f64
  // CHECK: ssm.softplus %{{.*}} : f64
  %0 = ssm.softplus %x : f64
  // CHECK: ssm.sigmoid %{{.*}} : f64
  %1 = ssm.sigmoid %0 : f64
  // CHECK: ssm.silu %{{.*}} : f64
  %2 = ssm.silu %1 : f64
  // CHECK: ssm.relu %{{.*}} : f64
  %3 = ssm.relu %2 : f64
  // CHECK: ssm.gelu %{{.*}} : f64
  %4 = ssm.gelu %3 : f64
}

// Names that are no identifiers, or that are keywords, are kept by quoting them.
// CHECK-LABEL: ssm.recurrence @"odd names" dims ["a b" = 2, like like "a b", "1"] scan "1" {
ssm.recurrence @"odd names" dims ["a b" = 2, "like" like "a b", "1"] scan "1" {
  // CHECK: ssm.input "x y" [("a b" like), "1"] : f64
  %x = ssm.input "x y" [("a b" "like"), "1"] : f64
  // CHECK: ssm.sum %{{.*}} over ["a b", like] : f64
  %s = ssm.sum %x over ["a b", "like"] : f64
}
