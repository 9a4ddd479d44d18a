// RUN: ssm-opt %s --verify-diagnostics --ssm-discretize
// RUN: ssm-opt %s --verify-diagnostics --ssm-discretize=method=euler

ssm.recurrence @complex_step dims [time] scan time {
  %dt = ssm.input "dt" [] : complex<f64>
  %hp = ssm.previous "h" [] : f64
  // expected-error@+1 {{'ssm.derivative' op has a complex step for a real state}}
  %h = ssm.derivative "h" of %hp is %hp step %dt by "zoh" : f64, complex<f64>
}
