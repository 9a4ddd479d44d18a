// RUN: ssm-opt %s --split-input-file --verify-diagnostics --ssm-linearize | FileCheck %s --implicit-check-not=ssm.scan
// What breaks the form: each keeps previous and next, and says why where it does.

// CHECK-LABEL: @product
ssm.recurrence @product dims [time] scan time {
  %h = ssm.previous "h" [] : f64
  // expected-remark@+1 {{'h' is not affine in the previous value: a product of two values that depend on it, where a scan needs h = a * prev(h) + b, or h = max(prev(h) + a, b); it runs one step after another}}
  %0 = arith.mulf %h, %h : f64
  ssm.next "h" %0 : f64
}

// -----
// Of two states that need each other, both.
// CHECK-LABEL: @product_of_two
ssm.recurrence @product_of_two dims [time] scan time {
  %h = ssm.previous "h" [] : f64
  %g = ssm.previous "g" [] : f64
  // expected-remark@+1 {{'h' and 'g' are not affine in the previous value: a product of two values that depend on it, where a scan needs h = a * prev(h) + b, or h = max(prev(h) + a, b); they run one step after another}}
  %0 = arith.mulf %h, %g : f64
  ssm.next "h" %0 : f64
  ssm.next "g" %h : f64
}

// -----
// CHECK-LABEL: @division
ssm.recurrence @division dims [time] scan time {
  %u = ssm.input "u" [time] : f64
  %h = ssm.previous "h" [] : f64
  %0 = arith.divf %u, %h : f64 // expected-remark {{a division by a value that depends on it}}
  ssm.next "h" %0 : f64
}

// -----
// CHECK-LABEL: @function
ssm.recurrence @function dims [time] scan time {
  %h = ssm.previous "h" [] : f64
  %0 = math.exp %h : f64 // expected-remark {{exp of a value that depends on it}}
  ssm.next "h" %0 : f64
}

// -----
// CHECK-LABEL: @comparison
ssm.recurrence @comparison dims [time] scan time {
  %u = ssm.input "u" [time] : f64
  %h = ssm.previous "h" [] : f64
  %0 = arith.cmpf ogt, %h, %u : f64 // expected-remark {{a comparison with a value that depends on it}}
  %1 = arith.select %0, %h, %u : f64
  ssm.next "h" %1 : f64
}

// -----
// A maximum that is not of the state plus something is of neither algebra.
// CHECK-LABEL: @maximum_of_scaled
ssm.recurrence @maximum_of_scaled dims [time] scan time {
  %u = ssm.input "u" [time] : f64
  %h = ssm.previous "h" [] : f64
  %0 = arith.mulf %h, %u : f64
  %1 = arith.maximumf %0, %u : f64 // expected-remark {{max of a value that depends on it}}
  ssm.next "h" %1 : f64
}

// -----
// CHECK-LABEL: @maximum_of_sum
ssm.recurrence @maximum_of_sum dims [time] scan time {
  %u = ssm.input "u" [time] : f64
  %h = ssm.previous "h" [] : f64
  %0 = arith.addf %h, %h : f64 // expected-remark {{a sum of two values that depend on it, where a maximum is taken of it}}
  %1 = arith.maximumf %0, %u : f64
  ssm.next "h" %1 : f64
}

// -----
// CHECK-LABEL: @maximum_of_negative
ssm.recurrence @maximum_of_negative dims [time] scan time {
  %u = ssm.input "u" [time] : f64
  %h = ssm.previous "h" [] : f64
  %0 = arith.subf %u, %h : f64 // expected-remark {{a difference that it is taken from, where a maximum is taken of it}}
  %1 = arith.maximumf %0, %u : f64
  ssm.next "h" %1 : f64
}

// -----
// CHECK-LABEL: @minimum
ssm.recurrence @minimum dims [time] scan time {
  %u = ssm.input "u" [time] : f64
  %h = ssm.previous "h" [] : f64
  %0 = arith.minimumf %h, %u : f64 // expected-remark {{min of a value that depends on it}}
  ssm.next "h" %0 : f64
}

// -----
// CHECK-LABEL: @flipped
ssm.recurrence @flipped dims [time, channel] scan time {
  %h = ssm.previous "h" [channel] : f64
  %0 = ssm.flip %h channel : f64
  // expected-remark@+1 {{'h' is affine, but of no form that can be scanned: it moves the state from coordinates to others; it runs one step after another}}
  ssm.next "h" %0 : f64
}

// -----
// CHECK-LABEL: @two_dimensions
ssm.recurrence @two_dimensions dims [time, key, value] scan time {
  %h = ssm.previous "h" [key, value] : f64
  %0 = ssm.sum %h over [key] : f64
  %1 = ssm.sum %h over [value] : f64
  %2 = arith.addf %0, %1 : f64
  ssm.next "h" %2 : f64 // expected-remark {{it adds products of rank one over different dimensions}}
}

// -----
// CHECK-LABEL: @rank_two
ssm.recurrence @rank_two dims [time, key] scan time {
  %p = ssm.input "p" [key] : f64
  %q = ssm.input "q" [key] : f64
  %h = ssm.previous "h" [key] : f64
  %0 = arith.mulf %h, %q : f64
  %1 = ssm.sum %0 over [key] : f64
  %2 = ssm.sum %h over [key] : f64
  %3 = arith.mulf %1, %p : f64
  %4 = arith.addf %2, %3 : f64
  ssm.next "h" %4 : f64 // expected-remark {{it adds 2 products of rank one over [key]}}
}

// -----
// CHECK-LABEL: @low_rank
ssm.recurrence @low_rank dims [time, key, rank] scan time {
  %p = ssm.input "p" [key, rank] : f64
  %q = ssm.input "q" [key, rank] : f64
  %h = ssm.previous "h" [key] : f64
  %0 = arith.mulf %h, %q : f64
  %1 = ssm.sum %0 over [key] : f64
  %2 = arith.mulf %1, %p : f64
  %3 = ssm.sum %2 over [rank] : f64
  ssm.next "h" %3 : f64 // expected-remark {{it reads the state through several sums, or at other coordinates}}
}

// -----
// CHECK-LABEL: @coupled_through_sum
ssm.recurrence @coupled_through_sum dims [time, key] scan time {
  %h = ssm.previous "h" [key] : f64
  %g = ssm.previous "g" [] : f64
  %0 = ssm.sum %h over [key] : f64
  ssm.next "h" %g : f64 // expected-remark {{'h' and 'g' are affine, but of no form that can be scanned: it couples several states, and reads one of them through a sum or at other coordinates; they run one step after another}}
  ssm.next "g" %0 : f64
}

// -----
// CHECK-LABEL: @nine_steps
ssm.recurrence @nine_steps dims [time] scan time {
  %h = ssm.previous "h" [] back 9 : f64
  ssm.next "h" %h : f64 // expected-remark {{it couples 9 values; at most 8 are one transition}}
}

// -----
// CHECK-LABEL: @echo
ssm.recurrence @echo dims [time] scan time {
  %h = ssm.previous "h" [] back 1000000000 : f64
  ssm.next "h" %h : f64 // expected-remark {{it reads more past steps of itself than one transition can couple}}
}

// -----
// CHECK-LABEL: @open_window
ssm.recurrence @open_window dims [time, tap] scan time {
  %h = ssm.previous "h" [] : f64
  %w = ssm.delay "w" %h over tap [] : f64
  %0 = ssm.sum %w over [tap] : f64
  ssm.next "h" %0 : f64 // expected-remark {{it reads more past steps of itself than one transition can couple}}
}

// -----
// Sums and maxima do not mix on states that need each other,
// CHECK-LABEL: @both_algebras
ssm.recurrence @both_algebras dims [time] scan time {
  %u = ssm.input "u" [time] : f64
  %h = ssm.previous "h" [] : f64
  %g = ssm.previous "g" [] : f64
  %c = arith.constant 0.5 : f64
  %0 = arith.maximumf %g, %u : f64 // expected-remark {{max of a value that depends on it}}
  %1 = arith.mulf %h, %c : f64
  ssm.next "h" %0 : f64
  ssm.next "g" %1 : f64
}

// -----
// nor on one.
// CHECK-LABEL: @both_on_one
ssm.recurrence @both_on_one dims [time] scan time {
  %u = ssm.input "u" [time] : f64
  %h = ssm.previous "h" [] : f64
  %0 = ssm.relu %h : f64
  %1 = arith.addf %h, %0 : f64 // expected-remark {{a sum of two values that depend on it, where a maximum is taken of it}}
  ssm.next "h" %1 : f64
}

// -----
// A mean is no maximum.
// CHECK-LABEL: @mean_of_maximum
ssm.recurrence @mean_of_maximum dims [time, channel] scan time {
  %u = ssm.input "u" [time] : f64
  %h = ssm.previous "h" [channel] : f64
  %0 = arith.maximumf %h, %u : f64 // expected-remark {{max of a value that depends on it}}
  %1 = ssm.mean %0 over [channel] : f64
  ssm.next "h" %1 : f64
}

// -----
// CHECK-LABEL: @maximum_of_negated
ssm.recurrence @maximum_of_negated dims [time] scan time {
  %u = ssm.input "u" [time] : f64
  %h = ssm.previous "h" [] : f64
  %0 = arith.negf %h : f64
  %1 = arith.maximumf %0, %u : f64 // expected-remark {{max of a value that depends on it}}
  ssm.next "h" %1 : f64
}

// -----
// CHECK-LABEL: @fused_product
ssm.recurrence @fused_product dims [time] scan time {
  %u = ssm.input "u" [time] : f64
  %h = ssm.previous "h" [] : f64
  %0 = math.fma %h, %h, %u : f64 // expected-remark {{a product of two values that depend on it}}
  ssm.next "h" %0 : f64
}

// -----
// Both parts are of one state.
// CHECK-LABEL: @product_of_parts
ssm.recurrence @product_of_parts dims [time] scan time {
  %h = ssm.previous "h" [] : complex<f64>
  %re = complex.re %h : complex<f64>
  %im = complex.im %h : complex<f64>
  %0 = arith.mulf %re, %im : f64 // expected-remark {{a product of two values that depend on it}}
  %1 = complex.create %0, %im : complex<f64>
  ssm.next "h" %1 : complex<f64>
}

// -----
// CHECK-LABEL: @modulus
ssm.recurrence @modulus dims [time] scan time {
  %h = ssm.previous "h" [] : complex<f64>
  %0 = complex.abs %h : complex<f64> // expected-remark {{abs of a value that depends on it}}
  %zero = arith.constant 0.0 : f64
  %1 = complex.create %0, %zero : complex<f64>
  ssm.next "h" %1 : complex<f64>
}

// -----
// CHECK-LABEL: @complex_quotient
ssm.recurrence @complex_quotient dims [time] scan time {
  %u = ssm.input "u" [time] : complex<f64>
  %h = ssm.previous "h" [] : complex<f64>
  %0 = complex.div %u, %h : complex<f64> // expected-remark {{a division by a value that depends on it}}
  ssm.next "h" %0 : complex<f64>
}

// -----
// CHECK-LABEL: @power
ssm.recurrence @power dims [time] scan time {
  %u = ssm.input "u" [time] : f64
  %h = ssm.previous "h" [] : f64
  %0 = math.powf %h, %u : f64 // expected-remark {{pow of a value that depends on it}}
  ssm.next "h" %0 : f64
}

// -----
// A window of a state is the state.
// CHECK-LABEL: @in_a_window
ssm.recurrence @in_a_window dims [time, tap = 2] scan time {
  %h = ssm.previous "h" [] : f64
  %w = ssm.delay "w" %h over tap [] : f64
  %0 = arith.mulf %w, %h : f64 // expected-remark {{'h' and 'w' are not affine in the previous value: a product of two values that depend on it}}
  %1 = ssm.sum %0 over [tap] : f64
  ssm.next "h" %1 : f64
}

// -----
// A condition that depends on the state through what is affine in it.
// CHECK-LABEL: @chosen_by_a_product
ssm.recurrence @chosen_by_a_product dims [time] scan time {
  %u = ssm.input "u" [time] : f64
  %zero = arith.constant 0.0 : f64
  %h = ssm.previous "h" [] : f64
  %0 = arith.mulf %h, %u : f64
  %c = arith.cmpf ogt, %0, %zero : f64 // expected-remark {{a comparison with a value that depends on it}}
  %1 = arith.select %c, %u, %zero : f64
  ssm.next "h" %1 : f64
}
