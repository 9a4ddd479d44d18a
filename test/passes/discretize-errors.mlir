// RUN: ssm-opt %s --split-input-file --verify-diagnostics --ssm-discretize
// RUN: ssm-opt %s --split-input-file --ssm-discretize=method=euler | FileCheck %s --implicit-check-not=ssm.derivative
// What a method other than euler refuses; euler takes all of it.

// CHECK-LABEL: @dense
ssm.recurrence @dense dims [time, state, col like state] scan time {
  %A = ssm.input "A" [state, col] : f64
  %dt = ssm.input "dt" [] : f64
  %hp = ssm.previous "h" [state] : f64
  %hc = ssm.rename %hp state to col : f64 // expected-note {{here, in ssm.rename}}
  %0 = arith.mulf %A, %hc : f64
  %rate = ssm.sum %0 over [col] : f64
  // expected-error@+1 {{'ssm.derivative' op by 'zoh' needs a rate of the form a * h + b with an elementwise a; its coefficient is dense over [state]; use euler, or discretize outside and write the difference equation}}
  %h = ssm.derivative "h" of %hp is %rate step %dt by "zoh" : f64, f64
}

// -----
// CHECK-LABEL: @mean_field
ssm.recurrence @mean_field dims [time, channel] scan time {
  %dt = ssm.input "dt" [] : f64
  %hp = ssm.previous "h" [channel] : f64
  %mean = ssm.mean %hp over [channel] : f64 // expected-note {{here, in ssm.mean}}
  %rate = arith.subf %mean, %hp : f64
  // expected-error@+1 {{its coefficient is dense over [channel]}}
  %h = ssm.derivative "h" of %hp is %rate step %dt by "bilinear" : f64, f64
}

// -----
// CHECK-LABEL: @nonlinear
ssm.recurrence @nonlinear dims [time] scan time {
  %dt = ssm.input "dt" [] : f64
  %hp = ssm.previous "h" [] : f64
  %rate = math.tanh %hp : f64 // expected-note {{here, in math.tanh}}
  // expected-error@+1 {{it is not affine in the state}}
  %h = ssm.derivative "h" of %hp is %rate step %dt by "exp_euler" : f64, f64
}

// -----
// CHECK-LABEL: @squared
ssm.recurrence @squared dims [time] scan time {
  %dt = ssm.input "dt" [] : f64
  %hp = ssm.previous "h" [] : f64
  %again = ssm.previous "h" [] : f64
  %rate = arith.mulf %hp, %again : f64 // expected-note {{here, in arith.mulf}}
  // expected-error@+1 {{it multiplies the state by itself}}
  %h = ssm.derivative "h" of %hp is %rate step %dt by "zoh" : f64, f64
}

// -----
// CHECK-LABEL: @reciprocal
ssm.recurrence @reciprocal dims [time] scan time {
  %dt = ssm.input "dt" [] : f64
  %hp = ssm.previous "h" [] : f64
  %rate = arith.divf %dt, %hp : f64 // expected-note {{here, in arith.divf}}
  // expected-error@+1 {{it divides by the state}}
  %h = ssm.derivative "h" of %hp is %rate step %dt by "zoh" : f64, f64
}

// -----
// CHECK-LABEL: @switched_by_the_state
ssm.recurrence @switched_by_the_state dims [time] scan time {
  %dt = ssm.input "dt" [] : f64
  %hp = ssm.previous "h" [] : f64
  %positive = arith.cmpf ogt, %hp, %dt : f64 // expected-note {{here, in arith.cmpf}}
  %rate = arith.select %positive, %dt, %hp : f64
  // expected-error@+1 {{it is not affine in the state}}
  %h = ssm.derivative "h" of %hp is %rate step %dt by "zoh" : f64, f64
}

// -----
// CHECK-LABEL: @conjugated
ssm.recurrence @conjugated dims [time] scan time {
  %dt = ssm.input "dt" [] : f64
  %hp = ssm.previous "h" [] : complex<f64>
  %rate = complex.conj %hp : complex<f64> // expected-note {{here, in complex.conj}}
  // expected-error@+1 {{it takes the complex state apart or conjugates it}}
  %h = ssm.derivative "h" of %hp is %rate step %dt by "zoh" : complex<f64>, f64
}

// -----
// CHECK-LABEL: @oscillator
ssm.recurrence @oscillator dims [time] scan time {
  %dt = ssm.input "dt" [] : f64
  %x = ssm.previous "x" [] : f64
  %v = ssm.previous "v" [] : f64
  // expected-error@+1 {{'ssm.derivative' op by 'zoh' cannot discretize 'x' alone: its rate and that of 'v' need each other; use euler, or discretize outside and write the difference equations}}
  %xn = ssm.derivative "x" of %x is %v step %dt by "zoh" : f64, f64
  %back = arith.negf %x : f64
  // expected-error@+1 {{'ssm.derivative' op by 'zoh' cannot discretize 'v' alone: its rate and that of 'x' need each other}}
  %vn = ssm.derivative "v" of %v is %back step %dt by "zoh" : f64, f64
}
