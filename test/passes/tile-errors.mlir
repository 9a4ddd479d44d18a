// RUN: ssm-opt %s --split-input-file --ssm-tile --verify-diagnostics

// expected-error@+1 {{cannot be tiled before it is specialized, discretized and its complex arithmetic is split}}
ssm.recurrence @complex dims [channel, time] scan time {
  %u = ssm.input "u" [channel, time] stored complex<f32> : complex<f32>
  %p = complex.mul %u, %u : complex<f32>
  %y = complex.re %p : complex<f32>
  ssm.output "y" %y [channel, time] stored f32 : f32
}

// -----
// expected-error@+1 {{the size of 'state' must be known when compiling}}
ssm.recurrence @open dims [channel, state, time] scan time {
  %u = ssm.input "u" [channel, state, time] stored f32 : f32
  %y = ssm.sum %u over [state] : f32
  ssm.output "y" %y [channel, time] stored f32 : f32
}
