// RUN: ssm-opt %s --split-input-file --ssm-narrow | FileCheck %s

// What varies in time becomes of the compute type; what is stored, truth values and integers stay.
// CHECK-LABEL: @to_f32
// CHECK-NOT:     f64
// CHECK:         ssm.input "u" [time] stored bf16 : f32
// CHECK:         ssm.input "c" [time] stored complex<f32> : complex<f32>
// CHECK:         ssm.previous "h" [] stored f16 : f32
// CHECK:         ssm.delay "u" {{.*}} : f32
// CHECK:         arith.cmpf ogt, {{.*}} : f32
// CHECK:         arith.select {{.*}} : f32
// CHECK:         arith.constant 3 : i32
// CHECK:         math.fpowi {{.*}} : f32, i32
// CHECK:         complex.exp {{.*}} : complex<f32>
// CHECK:         ssm.next "h" {{.*}} : f32
// CHECK:         ssm.output "y" {{.*}} : f32
ssm.recurrence @to_f32 dims [time, tap = 2] scan time {
  %u = ssm.input "u" [time] stored bf16 : f64
  %c = ssm.input "c" [time] stored complex<f32> : complex<f64>
  %h = ssm.previous "h" [] stored f16 : f64
  %w = ssm.delay "u" %u over tap [] stored f32 : f64
  %sum = ssm.sum %w over [tap] : f64
  %greater = arith.cmpf ogt, %u, %sum : f64
  %0 = arith.select %greater, %u, %h : f64
  %three = arith.constant 3 : i32
  %1 = math.fpowi %0, %three : f64, i32
  %e = complex.exp %c : complex<f64>
  %re = complex.re %e : complex<f64>
  %y = arith.addf %1, %re : f64
  ssm.next "h" %y : f64
  ssm.output "y" %y [time] stored f32 : f64
}

// -----
// An input stored as f64 keeps all of it in f64.
// CHECK-LABEL: @f64_input
// CHECK:         ssm.input "u" [time] stored f64 : f64
// CHECK:         ssm.previous "h" [] stored f32 : f64
// CHECK:         arith.constant 1.000000e+300 : f64
ssm.recurrence @f64_input dims [time] scan time {
  %u = ssm.input "u" [time] stored f64 : f64
  %h = ssm.previous "h" [] stored f32 : f64
  %large = arith.constant 1.0e300 : f64
  ssm.next "h" %u : f64
}

// -----
// So does a complex state, but an output does not.
// CHECK-LABEL: @f64_state
// CHECK:         ssm.previous "h" [] stored complex<f64> : complex<f64>
ssm.recurrence @f64_state dims [time] scan time {
  %h = ssm.previous "h" [] stored complex<f64> : complex<f64>
  ssm.next "h" %h : complex<f64>
}

// -----
// CHECK-LABEL: @f64_output
// CHECK:         ssm.input "u" [time] stored f32 : f32
// CHECK:         ssm.output "y" {{.*}} stored f64 : f32
ssm.recurrence @f64_output dims [time] scan time {
  %u = ssm.input "u" [time] stored f32 : f64
  ssm.output "y" %u [time] stored f64 : f64
}

// -----
// What does not vary in time is computed in f64, and rounded once where something that varies reads it.
// CHECK-LABEL: @fixed_in_time
// CHECK:         %[[A:.*]] = ssm.input "A" [] stored f32 : f64
// CHECK:         %[[C:.*]] = ssm.input "c" [] stored complex<f32> : complex<f64>
// CHECK:         %[[DECAY:.*]] = math.exp %[[A]] : f64
// CHECK:         %[[ROUNDED:.*]] = arith.truncf %[[DECAY]] : f64 to f32
// CHECK:         %[[E:.*]] = complex.exp %[[C]] : complex<f64>
// CHECK-DAG:     %[[RE:.*]] = complex.re %[[E]] : complex<f64>
// CHECK-DAG:     %[[IM:.*]] = complex.im %[[E]] : complex<f64>
// CHECK-DAG:     %[[RE32:.*]] = arith.truncf %[[RE]] : f64 to f32
// CHECK-DAG:     %[[IM32:.*]] = arith.truncf %[[IM]] : f64 to f32
// CHECK:         complex.create %[[RE32]], %[[IM32]] : complex<f32>
// CHECK:         %[[H:.*]] = arith.mulf %{{.*}}, %[[ROUNDED]] : f32
// CHECK-NOT:     arith.truncf %[[DECAY]]
// CHECK:         ssm.next "h"
ssm.recurrence @fixed_in_time dims [time] scan time {
  %A = ssm.input "A" [] stored f32 : f64
  %c = ssm.input "c" [] stored complex<f32> : complex<f64>
  %hp = ssm.previous "h" [] stored f32 : f64
  %xp = ssm.previous "x" [] stored complex<f32> : complex<f64>
  %decay = math.exp %A : f64
  %rotation = complex.exp %c : complex<f64>
  %0 = arith.mulf %hp, %decay : f64
  %h = arith.addf %0, %decay : f64
  %x = complex.mul %xp, %rotation : complex<f64>
  ssm.next "h" %h : f64
  ssm.next "x" %x : complex<f64>
}

// -----
// An input that does not vary in time is f32 where only what varies reads it, moved or not: there is nothing to compute
// before the loop, and nothing to keep.
// CHECK-LABEL: @inputs_fixed_in_time
// CHECK-NOT:     f64
// CHECK:         %[[A:.*]] = ssm.input "A" [row, col] stored f32 : f32
// CHECK:         %[[C:.*]] = ssm.input "c" [] stored complex<f32> : complex<f32>
// CHECK:         ssm.rename %{{.*}} row to col : f32
// CHECK:         %[[B:.*]] = ssm.input "b" [row] stored bf16 : f32
// CHECK:         ssm.flip %[[B]] row : f32
// CHECK-NOT:     truncf
// CHECK:         ssm.input "d" [row] stored f32 : f64
// CHECK:         math.exp %{{.*}} : f64
// CHECK:         %[[E:.*]] = ssm.flip %{{.*}} row : f64
// CHECK:         arith.truncf %[[E]] : f64 to f32
// CHECK:         ssm.next "h"
ssm.recurrence @inputs_fixed_in_time dims [row = 4, col like row, time] scan time {
  %A = ssm.input "A" [row, col] stored f32 : f64
  %c = ssm.input "c" [] stored complex<f32> : complex<f64>
  %hp = ssm.previous "h" [row] stored f32 : f64
  %xp = ssm.previous "x" [] stored complex<f32> : complex<f64>
  %moved = ssm.rename %hp row to col : f64
  %0 = arith.mulf %A, %moved : f64
  %1 = ssm.sum %0 over [col] : f64
  %b = ssm.input "b" [row] stored bf16 : f64
  %flipped = ssm.flip %b row : f64
  %2 = arith.mulf %1, %flipped : f64
  // One that something else reads stays what it is in all moves, so that loads can absorb them.
  %d = ssm.input "d" [row] stored f32 : f64
  %e = math.exp %d : f64
  %f = ssm.flip %d row : f64
  %3 = arith.mulf %f, %2 : f64
  %h = arith.mulf %e, %3 : f64
  %x = complex.mul %xp, %c : complex<f64>
  ssm.next "h" %h : f64
  ssm.next "x" %x : complex<f64>
}

// -----
// Constants are rounded to the nearest f32; infinities are kept, and what is too small for f32 is 0.
// CHECK-LABEL: @constants
// CHECK:         %[[TENTH:.*]] = arith.constant 1.000000e-01 : f32
// CHECK:         %[[INF:.*]] = arith.constant 0x7F800000 : f32
// CHECK:         %[[TINY:.*]] = arith.constant 0.000000e+00 : f32
// CHECK:         %[[C:.*]] = complex.constant [1.250000e-01 : f32, 0.333333343 : f32] : complex<f32>
// CHECK-NOT:     arith.constant
// CHECK:         %[[EPS:.*]] = ssm.param "eps" = 1.000000e-01 : f64
// CHECK:         %[[EPS32:.*]] = arith.truncf %[[EPS]] : f64 to f32
// CHECK:         arith.mulf %{{.*}}, %[[TENTH]]
// CHECK:         arith.minimumf %{{.*}}, %[[INF]]
// CHECK:         arith.addf %{{.*}}, %[[TINY]]
// CHECK:         arith.addf %{{.*}}, %[[EPS32]]
// CHECK:         complex.mul %{{.*}}, %[[C]]
ssm.recurrence @constants dims [time] scan time {
  %u = ssm.input "u" [time] : f64
  %v = ssm.input "v" [time] : complex<f64>
  %tenth = arith.constant 0.1 : f64
  %inf = arith.constant 0x7FF0000000000000 : f64
  %tiny = arith.constant 1.0e-300 : f64
  %c = complex.constant [0.125 : f64, 0.33333333333333333 : f64] : complex<f64>
  %eps = ssm.param "eps" = 0.1 : f64
  %0 = arith.mulf %u, %tenth : f64
  %1 = arith.minimumf %0, %inf : f64
  %2 = arith.addf %1, %tiny : f64
  %3 = arith.addf %2, %eps : f64
  %4 = complex.mul %v, %c : complex<f64>
  ssm.output "y" %3 [time] : f64
  ssm.output "z" %4 [time] : complex<f64>
}

// -----
// A conversion between what have become equal types goes.
// CHECK-LABEL: @conversions
// CHECK-NEXT:    %[[U:.*]] = ssm.input "u"
// CHECK-NEXT:    ssm.output "y" %[[U]]
ssm.recurrence @conversions dims [time] scan time {
  %u = ssm.input "u" [time] stored f32 : f64
  %0 = arith.truncf %u : f64 to f32
  %1 = arith.extf %0 : f32 to f64
  ssm.output "y" %1 [time] : f64
}
