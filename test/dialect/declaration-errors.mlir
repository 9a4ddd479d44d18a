// RUN: ssm-opt %s --split-input-file --verify-diagnostics
// What makes inputs, options, outputs and states invalid: one case for each constraint in dialect/SsmOps.td, named after it.

ssm.recurrence @input_c1 dims [time] scan time {
  // expected-error@+1 {{'ssm.input' op names the dimension 'channel', which the recurrence does not declare}}
  %u = ssm.input "u" [time, channel] : f64
}

// -----
ssm.recurrence @input_c1_twice dims [time, channel] scan time {
  // expected-error@+1 {{'ssm.input' op names the dimension 'channel' twice in its layout}}
  %u = ssm.input "u" [(channel time), channel] : f64
}

// -----
func.func @input_c1_no_recurrence() {
  // expected-error@+1 {{'ssm.input' op expects to stand in an ssm.recurrence}}
  %u = ssm.input "u" [time] : f64
  return
}

// -----
ssm.recurrence @input_c2 dims [time] scan time {
  // expected-error@+1 {{'ssm.input' op cannot be stored as 'i32'; expected f32, f64, bf16 or f16}}
  %u = ssm.input "u" [time] stored i32 : f64
}

// -----
ssm.recurrence @input_c2_complex dims [time] scan time {
  // expected-error@+1 {{'ssm.input' op cannot be stored as 'complex<bf16>'; expected a complex of f32 or f64}}
  %u = ssm.input "u" [time] stored complex<bf16> : complex<f64>
}

// -----
ssm.recurrence @input_c2_real_as_complex dims [time] scan time {
  // expected-error@+1 {{'ssm.input' op cannot be stored as 'complex<f32>', since its value is of type 'f64'}}
  %u = ssm.input "u" [time] stored complex<f32> : f64
}

// -----
ssm.recurrence @input_c2_complex_as_real dims [time] scan time {
  // expected-error@+1 {{'ssm.input' op cannot be stored as 'f32', since its value is of type 'complex<f64>'}}
  %u = ssm.input "u" [time] stored f32 : complex<f64>
}

// -----
ssm.recurrence @option_c1 dims [time] scan time {
  // expected-error@+1 {{'ssm.option' op names 'fast', which is not an option of the recurrence}}
  %o = ssm.option "fast" : i1
}

// -----
ssm.recurrence @option_c1_number_as_truth dims [time] options {scale = 1.0 : f64} scan time {
  // expected-error@+1 {{'ssm.option' op of type 'i1' does not fit the option's value 1.000000e+00 : f64}}
  %o = ssm.option "scale" : i1
}

// -----
ssm.recurrence @option_c1_truth_as_number dims [time] options {fast = true} scan time {
  // expected-error@+1 {{'ssm.option' op of type 'f64' does not fit the option's value true}}
  %o = ssm.option "fast" : f64
}

// -----
ssm.recurrence @option_c1_truth_as_word dims [time] options {fast = true} scan time {
  // expected-error@+1 {{'ssm.option' op of type 'i1' does not fit the option's value true}}
  %o = ssm.option "fast" is "yes" : i1
}

// -----
ssm.recurrence @given_c1 dims [time] scan time {
  %u = ssm.input "u" [time] : f64
  // expected-error@+1 {{'ssm.given' op names 'u', which is not an optional input}}
  %g = ssm.given "u" : i1
}

// -----
ssm.recurrence @previous_c1 dims [time] scan time {
  // expected-error@+1 {{'ssm.previous' op names the dimension 'channel', which the recurrence does not declare}}
  %h = ssm.previous "h" [channel] : f64
}

// -----
ssm.recurrence @previous_c1_scanned dims [time, channel] scan time {
  // expected-error@+1 {{'ssm.previous' op has the scanned dimension 'time' in its layout}}
  %h = ssm.previous "h" [channel, time] : f64
}

// -----
ssm.recurrence @previous_c2 dims [time] scan time {
  // expected-error@+1 {{'ssm.previous' op looks 0 steps back; expected 1 or more}}
  %h = ssm.previous "h" [] back 0 : f64
}

// -----
ssm.recurrence @previous_c3_layout dims [time, a, b] scan time {
  // expected-error@+1 {{'ssm.previous' op declares the state 'h' otherwise than another previous does}}
  %h = ssm.previous "h" [a, b] : f64
  %g = ssm.previous "h" [b, a] back 2 : f64
  ssm.next "h" %h : f64
}

// -----
ssm.recurrence @previous_c3_stored dims [time] scan time {
  // expected-error@+1 {{'ssm.previous' op declares the state 'h' otherwise than another previous does}}
  %h = ssm.previous "h" [] stored f32 : f64
  %g = ssm.previous "h" [] stored bf16 : f64
  ssm.next "h" %h : f64
}

// -----
ssm.recurrence @previous_c3_type dims [time] scan time {
  // expected-error@+1 {{'ssm.previous' op declares the state 'h' otherwise than another previous does}}
  %h = ssm.previous "h" [] : f64
  %g = ssm.previous "h" [] : f32
  ssm.next "h" %h : f64
}

// -----
ssm.recurrence @previous_c3_seed dims [time] scan time {
  %x = ssm.previous "x" [] : f64
  // expected-error@+1 {{'ssm.previous' op declares the state 'h' otherwise than another previous does}}
  %h = ssm.previous "h" [] seeded_by "x" : f64
  %g = ssm.previous "h" [] : f64
  ssm.next "h" %h : f64
  ssm.next "x" %h : f64
}

// -----
ssm.recurrence @previous_c4 dims [time, channel] scan time {
  %x = ssm.previous "x" [channel] : f64
  // expected-error@+1 {{'ssm.previous' op is seeded by 'x', which is not another state of its layout and type}}
  %h = ssm.previous "h" [] seeded_by "x" : f64
  ssm.next "x" %h : f64
  ssm.next "h" %h : f64
}

// -----
ssm.recurrence @previous_c4_itself dims [time] scan time {
  // expected-error@+1 {{'ssm.previous' op is seeded by 'h', which is not another state of its layout and type}}
  %h = ssm.previous "h" [] seeded_by "h" : f64
  ssm.next "h" %h : f64
}

// -----
ssm.recurrence @previous_c4_window dims [time, tap = 2] scan time {
  %u = ssm.input "u" [time] : f64
  %w = ssm.delay "w" %u over tap [] : f64
  // expected-error@+1 {{'ssm.previous' op is seeded by 'w', which is not another state of its layout and type}}
  %h = ssm.previous "h" [] seeded_by "w" : f64
  ssm.next "h" %h : f64
}

// -----
ssm.recurrence @previous_c5 dims [time] scan time {
  // expected-error@+1 {{'ssm.previous' op cannot be stored as 'i8'; expected f32, f64, bf16 or f16}}
  %h = ssm.previous "h" [] stored i8 : f64
}

// -----
ssm.recurrence @next_c1 dims [time, channel] scan time {
  %u = ssm.input "u" [time, channel] : f64
  %h = ssm.previous "h" [] : f64
  // expected-error@+1 {{'ssm.next' op has a value that varies along 'channel', which its layout lacks; sum over that dimension, or add it to the layout}}
  ssm.next "h" %u : f64
}

// -----
ssm.recurrence @next_c2 dims [time] scan time {
  %u = ssm.input "u" [time] : f64
  // expected-error@+1 {{'ssm.next' op speaks of the state 'h', which no previous declares}}
  ssm.next "h" %u : f64
}

// -----
ssm.recurrence @next_c2_type dims [time] scan time {
  %h = ssm.previous "h" [] : complex<f64>
  %u = ssm.input "u" [time] : f64
  // expected-error@+1 {{'ssm.next' op has a value of type 'f64'; the state's is 'complex<f64>'}}
  ssm.next "h" %u : f64
}

// -----
ssm.recurrence @initial_c1 dims [time] scan time {
  %c = arith.constant 1.0 : f64
  // expected-error@+1 {{'ssm.initial' op speaks of the state 'h', which no previous declares}}
  ssm.initial "h" %c : f64
}

// -----
ssm.recurrence @initial_c1_two dims [time] scan time {
  %c = arith.constant 1.0 : f64
  %h = ssm.previous "h" [] : f64
  ssm.next "h" %h : f64
  ssm.initial "h" %c : f64
  // expected-error@+1 {{'ssm.initial' op is the second initial value of state 'h'}}
  ssm.initial "h" %c : f64
}

// -----
ssm.recurrence @initial_c2 dims [time, channel] scan time {
  %c = ssm.input "c" [channel] : f64
  %h = ssm.previous "h" [] : f64
  // expected-error@+1 {{'ssm.initial' op has a value that varies along 'channel', which its layout lacks}}
  ssm.initial "h" %c : f64
}

// -----
ssm.recurrence @initial_c2_time dims [time] scan time {
  %u = ssm.input "u" [time] : f64
  %h = ssm.previous "h" [] : f64
  // expected-error@+1 {{'ssm.initial' op has a value that varies in time}}
  ssm.initial "h" %u : f64
}

// -----
ssm.recurrence @derivative_c1 dims [time] scan time {
  %u = ssm.input "u" [time] : f64
  %h = ssm.previous "h" [] : f64
  // expected-error@+1 {{'ssm.derivative' op expects its state to be the previous value of 'h'}}
  %n = ssm.derivative "h" of %u is %h step %u by "zoh" : f64, f64
}

// -----
ssm.recurrence @derivative_c1_further_back dims [time] scan time {
  %h = ssm.previous "h" [] back 2 : f64
  // expected-error@+1 {{'ssm.derivative' op expects its state to be the previous value of 'h'}}
  %n = ssm.derivative "h" of %h is %h step %h by "zoh" : f64, f64
}

// -----
ssm.recurrence @derivative_c2 dims [time] scan time {
  %h = ssm.previous "h" [] : f64
  // expected-error@+1 {{'ssm.derivative' op has the unknown method 'rk4'; expected zoh, bilinear, euler or exp_euler}}
  %n = ssm.derivative "h" of %h is %h step %h by "rk4" : f64, f64
}

// -----
ssm.recurrence @output_c1 dims [time] scan time {
  %u = ssm.input "u" [time] : f64
  // expected-error@+1 {{'ssm.output' op names the dimension 'channel', which the recurrence does not declare}}
  ssm.output "y" %u [time, channel] : f64
}

// -----
ssm.recurrence @output_c1_no_time dims [time, channel] scan time {
  %u = ssm.input "u" [channel] : f64
  // expected-error@+1 {{'ssm.output' op lacks the scanned dimension 'time' in its layout}}
  ssm.output "y" %u [channel] : f64
}

// -----
ssm.recurrence @output_c2 dims [time, channel] scan time {
  %u = ssm.input "u" [time, channel] : f64
  // expected-error@+1 {{'ssm.output' op has a value that varies along 'channel', which its layout lacks}}
  ssm.output "y" %u [time] : f64
}

// -----
ssm.recurrence @output_c3 dims [time] scan time {
  %u = ssm.input "u" [time] : f64
  // expected-error@+1 {{'ssm.output' op cannot be stored as 'complex<f32>', since its value is of type 'f64'}}
  ssm.output "y" %u [time] stored complex<f32> : f64
}
