// RUN: ssm-opt %s --split-input-file --verify-diagnostics --ssm-pack=in-place
// RUN: not ssm-opt %s --split-input-file --ssm-pack=arrays=slots 2>&1 | FileCheck %s --check-prefix=ARRAY
// RUN: not ssm-opt %s --split-input-file --ssm-pack=arrays=slots_in=f32 2>&1 | FileCheck %s --check-prefix=TYPE
// ARRAY: error: there is no array 'slots' of rows; there are cu_seqlens, slots_in, slots_out, has_state, slots_at
// TYPE: error: the array 'slots_in' is of type f32; expected i32 or i64

// expected-error@+1 {{recurrence 'shared' has no dimension of rows, which would be the first axis of every state and an axis of every output: 'channel' is none: input 'r' has it and does not vary along 'time'}}
ssm.recurrence @shared dims [channel, time] scan time {
  %u = ssm.input "u" [channel, time] : f64
  %r = ssm.input "r" [channel] : f64
  %hp = ssm.previous "h" [channel] : f64
  %k = arith.mulf %r, %hp : f64
  %h = arith.addf %k, %u : f64
  ssm.next "h" %h : f64
  ssm.output "y" %h [channel, time] : f64
}

// -----

// expected-error@+1 {{'channel' is none: it is summed over}}
ssm.recurrence @summed dims [channel, time] scan time {
  %u = ssm.input "u" [channel, time] : f64
  %hp = ssm.previous "h" [channel] : f64
  %h = arith.addf %hp, %u : f64
  ssm.next "h" %h : f64
  %s = ssm.sum %h over [channel] : f64
  ssm.output "y" %s [time, channel] : f64
}

// -----

// expected-error@+1 {{'batch' is none: it is not the first axis of the state 'v'}}
ssm.recurrence @two dims [batch, channel, time] scan time {
  %u = ssm.input "u" [batch, channel, time] : f64
  %hp = ssm.previous "h" [batch, channel] : f64
  %vp = ssm.previous "v" [channel, batch] : f64
  %h = arith.addf %hp, %u : f64
  %v = arith.addf %vp, %u : f64
  ssm.next "h" %h : f64
  ssm.next "v" %v : f64
  ssm.output "y" %h [batch, channel, time] : f64
}

// -----

// expected-error@+1 {{'batch' is none: a value is computed from its coordinate}}
ssm.recurrence @numbered dims [batch, time] scan time {
  %u = ssm.input "u" [batch, time] : f64
  %i = ssm.index batch : f64
  %hp = ssm.previous "h" [batch] : f64
  %s = arith.addf %hp, %i : f64
  %h = arith.addf %s, %u : f64
  ssm.next "h" %h : f64
  ssm.output "y" %h [batch, time] : f64
}
