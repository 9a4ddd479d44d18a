// RUN: ssm-opt %s --split-input-file --ssm-discretize | FileCheck %s --check-prefixes=CHECK,WRITTEN
// RUN: ssm-opt %s --split-input-file --ssm-discretize=method=euler | FileCheck %s --check-prefixes=CHECK,EULER
// The numbers that the formulas give are in test/unit/DiscretizeTest.cpp; here, which formula is chosen and from which rate.

// No derivative is left, its state has a next value, and who read the new state reads that.
// CHECK-LABEL: @replaced
// CHECK-NOT:     ssm.derivative
// CHECK:         ssm.next "h" %[[NEXT:.*]] : f64
// CHECK:         ssm.output "y" %[[NEXT]]
ssm.recurrence @replaced dims [time, channel] scan time {
  %u = ssm.input "u" [time, channel] : f64
  %A = ssm.input "A" [channel] : f64
  %dt = ssm.input "dt" [channel] : f64
  %hp = ssm.previous "h" [channel] : f64
  %Ah = arith.mulf %A, %hp : f64
  %rate = arith.addf %Ah, %u : f64
  %h = ssm.derivative "h" of %hp is %rate step %dt by "zoh" : f64, f64
  ssm.output "y" %h [time, channel] : f64
}

// -----
// The method given overrides the one written: with euler, h + dt * rate, whatever the rate.
// CHECK-LABEL: @euler
// CHECK-DAG:     %[[DT:.*]] = ssm.input "dt"
// CHECK-DAG:     %[[H:.*]] = ssm.previous "h"
// EULER:         %[[RATE:.*]] = arith.addf
// EULER-NEXT:    %[[STEP:.*]] = arith.mulf %[[RATE]], %[[DT]]
// EULER-NEXT:    %[[NEXT:.*]] = arith.addf %[[H]], %[[STEP]]
// EULER-NEXT:    ssm.next "h" %[[NEXT]]
// exp(dt * A) * h + dt * u
// WRITTEN-DAG:   %[[U:.*]] = ssm.input "u"
// WRITTEN-DAG:   %[[A:.*]] = ssm.input "A"
// WRITTEN:       %[[Z:.*]] = arith.mulf %[[A]], %[[DT]]
// WRITTEN-NEXT:  %[[DECAY:.*]] = math.exp %[[Z]]
// WRITTEN-NEXT:  %[[KEPT:.*]] = arith.mulf %[[DECAY]], %[[H]]
// WRITTEN-NEXT:  %[[DRIVE:.*]] = arith.mulf %[[U]], %[[DT]]
// WRITTEN-NEXT:  %[[NEXT:.*]] = arith.addf %[[KEPT]], %[[DRIVE]]
// WRITTEN-NEXT:  ssm.next "h" %[[NEXT]]
ssm.recurrence @euler dims [time, channel] scan time {
  %u = ssm.input "u" [time, channel] : f64
  %A = ssm.input "A" [channel] : f64
  %dt = ssm.input "dt" [channel] : f64
  %hp = ssm.previous "h" [channel] : f64
  %Ah = arith.mulf %A, %hp : f64
  %rate = arith.addf %Ah, %u : f64
  %h = ssm.derivative "h" of %hp is %rate step %dt by "exp_euler" : f64, f64
}

// -----
// A rate that does not read its state is integrated: h + dt * u by any method.
// CHECK-LABEL: @integrator
// CHECK-DAG:     %[[U:.*]] = ssm.input "u"
// CHECK-DAG:     %[[DT:.*]] = ssm.input "dt"
// CHECK-DAG:     %[[H:.*]] = ssm.previous "h"
// CHECK:         %[[STEP:.*]] = arith.mulf %[[U]], %[[DT]]
// CHECK-NEXT:    %[[NEXT:.*]] = arith.addf %[[H]], %[[STEP]]
// CHECK-NEXT:    ssm.next "h" %[[NEXT]]
ssm.recurrence @integrator dims [time] scan time {
  %u = ssm.input "u" [time] : f64
  %dt = ssm.input "dt" [] : f64
  %hp = ssm.previous "h" [] : f64
  %h = ssm.derivative "h" of %hp is %u step %dt by "bilinear" : f64, f64
}

// -----
// A real step scales the two parts of a complex coefficient, without a complex product.
// CHECK-LABEL: @complex
// WRITTEN-DAG:   %[[DT:.*]] = ssm.input "dt"
// WRITTEN-DAG:   %[[A:.*]] = ssm.input "A"
// WRITTEN-DAG:   %[[H:.*]] = ssm.previous "h"
// WRITTEN:       %[[RE:.*]] = complex.re %[[A]]
// WRITTEN-NEXT:  %[[ZRE:.*]] = arith.mulf %[[RE]], %[[DT]]
// WRITTEN-NEXT:  %[[IM:.*]] = complex.im %[[A]]
// WRITTEN-NEXT:  %[[ZIM:.*]] = arith.mulf %[[IM]], %[[DT]]
// WRITTEN-NEXT:  %[[Z:.*]] = complex.create %[[ZRE]], %[[ZIM]]
// WRITTEN-NEXT:  %[[DECAY:.*]] = complex.exp %[[Z]]
// WRITTEN-NEXT:  complex.mul %[[DECAY]], %[[H]]
ssm.recurrence @complex dims [time, state] scan time {
  %u = ssm.input "u" [time] : f64
  %A = ssm.input "A" [state] : complex<f64>
  %dt = ssm.input "dt" [] : f64
  %hp = ssm.previous "h" [state] : complex<f64>
  %zero = arith.constant 0.0 : f64
  %uc = complex.create %u, %zero : complex<f64>
  %Ah = complex.mul %A, %hp : complex<f64>
  %rate = complex.add %Ah, %uc : complex<f64>
  %h = ssm.derivative "h" of %hp is %rate step %dt by "exp_euler" : complex<f64>, f64
}

// -----
// The coefficient is found through every affine form: -(h - u) / tau, a select, a sum over a dimension that h lacks.
// With step 1 and exp_euler, the decay is exp of it.
// CHECK-LABEL: @forms
// WRITTEN-DAG:   %[[ONE:.*]] = arith.constant 1.0
// WRITTEN-DAG:   %[[MINUS:.*]] = arith.constant -1.0
// WRITTEN-DAG:   %[[ZERO:.*]] = arith.constant 0.0
// WRITTEN-DAG:   %[[TAU:.*]] = ssm.input "tau"
// WRITTEN-DAG:   %[[W:.*]] = ssm.input "w"
// WRITTEN-DAG:   %[[LEAKS:.*]] = arith.cmpf
// WRITTEN-DAG:   %[[LEAK:.*]] = arith.divf %[[MINUS]], %[[TAU]]
// WRITTEN-DAG:   %[[CHOSEN:.*]] = arith.select %[[LEAKS]], %[[LEAK]], %[[ZERO]]
// WRITTEN-DAG:   %[[SUM:.*]] = ssm.sum %[[W]] over [tap]
// WRITTEN:       %[[A:.*]] = arith.addf %[[CHOSEN]], %[[SUM]]
// WRITTEN:       math.exp %[[A]]
ssm.recurrence @forms dims [time, channel, tap] scan time {
  %u = ssm.input "u" [time, channel] : f64
  %tau = ssm.input "tau" [channel] : f64
  %w = ssm.input "w" [tap] : f64
  %one = arith.constant 1.0 : f64
  %hp = ssm.previous "h" [channel] : f64
  %leaks = arith.cmpf ogt, %tau, %one : f64
  %0 = arith.subf %hp, %u : f64
  %1 = arith.negf %0 : f64
  %2 = arith.divf %1, %tau : f64
  %3 = arith.select %leaks, %2, %u : f64
  %4 = arith.mulf %w, %hp : f64
  %5 = ssm.sum %4 over [tap] : f64
  %rate = arith.addf %3, %5 : f64
  %h = ssm.derivative "h" of %hp is %rate step %one by "exp_euler" : f64, f64
}

// -----
// Of a real state, real and imaginary parts are linear: re((a + ib) h) = a h.
// CHECK-LABEL: @real_parts
// WRITTEN:       %[[A:.*]] = ssm.input "A"
// WRITTEN:       %[[RE:.*]] = complex.re %[[A]]
// WRITTEN:       math.exp %[[RE]]
ssm.recurrence @real_parts dims [time] scan time {
  %A = ssm.input "A" [] : complex<f64>
  %one = arith.constant 1.0 : f64
  %zero = arith.constant 0.0 : f64
  %hp = ssm.previous "h" [] : f64
  %hc = complex.create %hp, %zero : complex<f64>
  %Ah = complex.mul %A, %hc : complex<f64>
  %rate = complex.re %Ah : complex<f64>
  %h = ssm.derivative "h" of %hp is %rate step %one by "exp_euler" : f64, f64
}

// -----
// A cascade: the second state's rate reads the first one's new value, which is a stream to it.
// CHECK-LABEL: @cascade
// CHECK:         ssm.next "first" %[[FIRST:.*]] : f64
// CHECK:         %{{.*}} = arith.{{.*}} %[[FIRST]]
// CHECK:         ssm.next "second"
ssm.recurrence @cascade dims [time] scan time {
  %u = ssm.input "u" [time] : f64
  %dt = ssm.input "dt" [] : f64
  %p = ssm.previous "first" [] : f64
  %q = ssm.previous "second" [] : f64
  %0 = arith.subf %u, %p : f64
  %first = ssm.derivative "first" of %p is %0 step %dt by "bilinear" : f64, f64
  %1 = arith.subf %first, %q : f64
  %second = ssm.derivative "second" of %q is %1 step %dt by "bilinear" : f64, f64
}

// -----
// A recurrence without a derivative stays as it is, whatever the method.
// CHECK-LABEL: @difference
// CHECK-NEXT:    %[[H:.*]] = ssm.previous "h" [] : f64
// CHECK-NEXT:    %[[E:.*]] = math.exp %[[H]] : f64
// CHECK-NEXT:    ssm.next "h" %[[E]] : f64
// CHECK-NEXT:  }
ssm.recurrence @difference dims [time] scan time {
  %hp = ssm.previous "h" [] : f64
  %h = math.exp %hp : f64
  ssm.next "h" %h : f64
}
