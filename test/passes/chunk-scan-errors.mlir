// RUN: ssm-opt %s --split-input-file --ssm-chunk-scan=steps=2 --verify-diagnostics

// expected-error @below {{'time' cannot be on grid: the state 'h' is nonlinear}}
ssm.recurrence @tanh dims [time, channel] scan time {
  %u = ssm.input "u" [time, channel] stored f32 : f64
  %hp = ssm.previous "h" [channel] stored f32 : f64
  %s = arith.addf %u, %hp : f64
  %h = math.tanh %s : f64
  ssm.next "h" %h : f64
  ssm.output "y" %h [time, channel] stored f32 : f64
}

// -----
// expected-error @below {{two such steps are no such step, since the rank grows}}
ssm.recurrence @rank_one dims [time, key = 3] scan time {
  %k = ssm.input "k" [time, key] stored f32 : f64
  %sp = ssm.previous "S" [key] stored f32 : f64
  %ks = arith.mulf %k, %sp : f64
  %read = ssm.sum %ks over [key] : f64
  %write = arith.mulf %k, %read : f64
  %s = arith.subf %sp, %write : f64
  ssm.next "S" %s : f64
  ssm.output "y" %s [time, key] stored f32 : f64
}

// -----
// expected-error @below {{a chunk of 2 steps is shorter than what 'u' remembers, 3 steps}}
ssm.recurrence @late dims [time, channel] scan time {
  %u = ssm.input "u" [time, channel] stored f32 : f64
  %up = ssm.previous "u" [channel] back 3 stored f32 : f64
  ssm.next "u" %u : f64
  ssm.output "y" %up [time, channel] stored f32 : f64
}

// -----
// expected-error @below {{takes part with several past steps}}
ssm.recurrence @oscillator dims [time, channel] scan time {
  %u = ssm.input "u" [time, channel] stored f32 : f64
  %h1 = ssm.previous "h" [channel] stored f32 : f64
  %h2 = ssm.previous "h.past" [channel] back 2 stored f32 seeded_by "h" : f64
  %d = arith.subf %h1, %h2 : f64
  %h = arith.addf %d, %u : f64
  ssm.next "h" %h : f64
  ssm.next "h.past" %h : f64
  ssm.output "y" %h [time, channel] stored f32 : f64
}
