// RUN: ssm-opt %s --split-input-file --verify-diagnostics
// What makes operations on dimensions invalid: one case for each constraint in dialect/SsmOps.td, named after it.

ssm.recurrence @sum_c1 dims [time] scan time {
  %u = ssm.input "u" [time] : f64
  // expected-error@+1 {{'ssm.sum' op names the dimension 'channel', which the recurrence does not declare}}
  %s = ssm.sum %u over [channel] : f64
}

// -----
ssm.recurrence @sum_c1_scanned dims [time] scan time {
  %u = ssm.input "u" [time] : f64
  // expected-error@+1 {{'ssm.sum' op runs over the scanned dimension 'time'}}
  %s = ssm.sum %u over [time] : f64
}

// -----
ssm.recurrence @sum_c1_twice dims [time, channel] scan time {
  %u = ssm.input "u" [time, channel] : f64
  // expected-error@+1 {{'ssm.sum' op names the dimension 'channel' twice}}
  %s = ssm.sum %u over [channel, channel] : f64
}

// -----
ssm.recurrence @max_c1 dims [time] scan time {
  %u = ssm.input "u" [time] : f64
  // expected-error@+1 {{'ssm.max' op runs over the scanned dimension 'time'}}
  %s = ssm.max %u over [time] : f64
}

// -----
ssm.recurrence @mean_c1 dims [time] scan time {
  %u = ssm.input "u" [time] : f64
  // expected-error@+1 {{'ssm.mean' op names the dimension 'channel', which the recurrence does not declare}}
  %s = ssm.mean %u over [channel] : f64
}

// -----
ssm.recurrence @index_c1 dims [time] scan time {
  // expected-error@+1 {{'ssm.index' op names the dimension 'channel', which the recurrence does not declare}}
  %i = ssm.index channel : f64
}

// -----
ssm.recurrence @size_c1 dims [time] scan time {
  // expected-error@+1 {{'ssm.size' op names the dimension 'channel', which the recurrence does not declare}}
  %n = ssm.size channel : f64
}

// -----
ssm.recurrence @rename_c1 dims [time, row] scan time {
  %u = ssm.input "u" [time, row] : f64
  // expected-error@+1 {{'ssm.rename' op names the dimension 'col', which the recurrence does not declare}}
  %r = ssm.rename %u row to col : f64
}

// -----
ssm.recurrence @rename_c1_same dims [time, row] scan time {
  %u = ssm.input "u" [time, row] : f64
  // expected-error@+1 {{'ssm.rename' op expects two dimensions of one extent, declared by like, neither of them scanned; found 'row' and 'row'}}
  %r = ssm.rename %u row to row : f64
}

// -----
ssm.recurrence @rename_c1_other_extent dims [time, row = 4, col = 4] scan time {
  %u = ssm.input "u" [time, row] : f64
  // expected-error@+1 {{'ssm.rename' op expects two dimensions of one extent, declared by like, neither of them scanned; found 'row' and 'col'}}
  %r = ssm.rename %u row to col : f64
}

// -----
ssm.recurrence @rename_c2 dims [time, row, col like row] scan time {
  %A = ssm.input "A" [row, col] : f64
  // expected-error@+1 {{'ssm.rename' op has an operand that varies along 'col' already}}
  %r = ssm.rename %A row to col : f64
}

// -----
ssm.recurrence @flip_c1 dims [time] scan time {
  %u = ssm.input "u" [time] : f64
  // expected-error@+1 {{'ssm.flip' op names the dimension 'tap', which the recurrence does not declare}}
  %f = ssm.flip %u tap : f64
}

// -----
ssm.recurrence @flip_c1_scanned dims [time] scan time {
  %u = ssm.input "u" [time] : f64
  // expected-error@+1 {{'ssm.flip' op reverses the scanned dimension 'time'}}
  %f = ssm.flip %u time : f64
}

// -----
ssm.recurrence @delay_c1 dims [time] scan time {
  %u = ssm.input "u" [time] : f64
  // expected-error@+1 {{'ssm.delay' op names the dimension 'tap', which the recurrence does not declare}}
  %w = ssm.delay "u" %u over tap [] : f64
}

// -----
ssm.recurrence @delay_c1_scanned dims [time] scan time {
  %u = ssm.input "u" [time] : f64
  // expected-error@+1 {{'ssm.delay' op needs a new dimension for its taps; 'time' is scanned, or its operand varies along it}}
  %w = ssm.delay "u" %u over time [] : f64
}

// -----
ssm.recurrence @delay_c1_operand dims [time, tap = 4] scan time {
  %u = ssm.input "u" [time, tap] : f64
  // expected-error@+1 {{'ssm.delay' op needs a new dimension for its taps; 'tap' is scanned, or its operand varies along it}}
  %w = ssm.delay "u" %u over tap [tap] : f64
}

// -----
ssm.recurrence @delay_c2 dims [time, channel, tap = 4] scan time {
  %u = ssm.input "u" [time, channel] : f64
  // expected-error@+1 {{'ssm.delay' op has a value that varies along 'channel', which its layout lacks}}
  %w = ssm.delay "u" %u over tap [] : f64
}

// -----
ssm.recurrence @delay_c2_scanned dims [time, tap = 4] scan time {
  %u = ssm.input "u" [time] : f64
  // expected-error@+1 {{'ssm.delay' op has the scanned dimension 'time' in its layout}}
  %w = ssm.delay "u" %u over tap [time] : f64
}

// -----
ssm.recurrence @delay_c3 dims [time, tap = 4] scan time {
  %u = ssm.input "u" [time] : f64
  // expected-error@+1 {{'ssm.delay' op names the dimension 'channel', which the recurrence does not declare}}
  %w = ssm.delay "u" %u over tap [channel] : f64
}

// -----
ssm.recurrence @delay_c3_tap dims [time, tap = 4] scan time {
  %u = ssm.input "u" [time] : f64
  // expected-error@+1 {{'ssm.delay' op has its tap dimension 'tap' in its layout}}
  %w = ssm.delay "u" %u over tap [tap] : f64
}
