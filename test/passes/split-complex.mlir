// RUN: ssm-opt %s --split-input-file --ssm-split-complex --canonicalize | FileCheck %s --implicit-check-not='complex.{{mul|add|sub|div|exp|abs|neg|conj}}'

// Of a product, four real products are left, and no complex operation but the parts.
// CHECK-LABEL: @product
// CHECK-DAG:     %[[AR:.*]] = complex.re %[[A:.*]] : complex<f32>
// CHECK-DAG:     %[[AI:.*]] = complex.im %[[A]] : complex<f32>
// CHECK-DAG:     %[[BR:.*]] = complex.re %[[B:.*]] : complex<f32>
// CHECK-DAG:     %[[BI:.*]] = complex.im %[[B]] : complex<f32>
// CHECK-DAG:     arith.mulf %[[AR]], %[[BR]]
// CHECK-DAG:     arith.mulf %[[AI]], %[[BI]]
// CHECK:         complex.create
ssm.recurrence @product dims [channel, time] scan time {
  %a = ssm.input "a" [channel, time] stored complex<f32> : complex<f32>
  %b = ssm.input "b" [channel, time] stored complex<f32> : complex<f32>
  %p = complex.mul %a, %b : complex<f32>
  ssm.output "y" %p [channel, time] stored complex<f32> : complex<f32>
}

// -----
// A real number that was widened scales both parts: two products, not four.
// CHECK-LABEL: @scaled
// CHECK-COUNT-2: arith.mulf
// CHECK-NOT:     arith.mulf
// CHECK:         ssm.output
ssm.recurrence @scaled dims [channel, time] scan time {
  %a = ssm.input "a" [channel, time] stored complex<f32> : complex<f32>
  %b = ssm.input "b" [channel, time] stored f32 : f32
  %zero = arith.constant 0.0 : f32
  %w = complex.create %b, %zero : complex<f32>
  %p = complex.mul %a, %w : complex<f32>
  ssm.output "y" %p [channel, time] stored complex<f32> : complex<f32>
}

// -----
// Division, exponential and modulus become real arithmetic too.
// CHECK-LABEL: @functions
// CHECK:         math.exp
// CHECK:         arith.divf
// CHECK:         ssm.output
ssm.recurrence @functions dims [channel, time] scan time {
  %a = ssm.input "a" [channel, time] stored complex<f32> : complex<f32>
  %b = ssm.input "b" [channel, time] stored complex<f32> : complex<f32>
  %e = complex.exp %a : complex<f32>
  %q = complex.div %e, %b : complex<f32>
  %m = complex.abs %q : complex<f32>
  ssm.output "y" %m [channel, time] stored f32 : f32
}
