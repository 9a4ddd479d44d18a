// RUN: ssm-opt %s --split-input-file --ssm-block-steps=steps=2 --verify-diagnostics

// expected-error @below {{'u' is remembered for other than one step}}
ssm.recurrence @late dims [time, channel] scan time {
  %u = ssm.input "u" [time, channel] stored f32 : f64
  %up = ssm.previous "u" [channel] back 3 stored f32 : f64
  ssm.next "u" %u : f64
  ssm.output "y" %up [time, channel] stored f32 : f64
}

// -----
// expected-error @below {{the state 'h' is stored in fewer bits than it is computed in}}
ssm.recurrence @short dims [time, channel] scan time {
  %hp = ssm.previous "h" [channel] stored bf16 : f64
  ssm.next "h" %hp : f64
  ssm.output "y" %hp [time, channel] stored f32 : f64
}

// -----
// expected-error @below {{a step computes with its coordinate}}
ssm.recurrence @counts dims [time, channel] scan time {
  %t = ssm.index time : f64
  ssm.output "y" %t [time, channel] stored f32 : f64
}

// -----
// expected-error @below {{memory runs along it}}
ssm.recurrence @along dims [time, channel] scan time {
  %u = ssm.input "u" [channel, time] stored f32 : f64
  ssm.output "y" %u [time, channel] stored f32 : f64
}

// -----
// expected-error @below {{it is a part of an axis in memory}}
ssm.recurrence @part dims [time, group, channel] scan time {
  %u = ssm.input "u" [(group time), channel] stored f32 : f64
  %s = ssm.sum %u over [group] : f64
  ssm.output "y" %s [time, channel] stored f32 : f64
}
