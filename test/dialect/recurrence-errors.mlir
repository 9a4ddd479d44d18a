// RUN: ssm-opt %s --split-input-file --verify-diagnostics
// What makes an ssm.recurrence invalid: one case for each constraint in dialect/SsmOps.td, named after it.

// expected-error@+1 {{'ssm.recurrence' op declares dimension 'channel' twice}}
ssm.recurrence @recurrence_c1 dims [time, channel, channel] scan time {
}

// -----
// expected-error@+1 {{'ssm.recurrence' op dimension 'col' is like 'row', which is not an earlier dimension}}
ssm.recurrence @recurrence_c1_like_later dims [time, col like row, row] scan time {
}

// -----
// expected-error@+1 {{'ssm.recurrence' op dimension 'col' is like 'col', which is not an earlier dimension}}
ssm.recurrence @recurrence_c1_like_itself dims [time, col like col] scan time {
}

// -----
// expected-error@+1 {{'ssm.recurrence' op dimension 'col' has both a size and a like}}
"ssm.recurrence"() <{sym_name = "recurrence_c1_like_and_size", scan = "time",
    dims = [#ssm.dim<time>, #ssm.dim<row>, #ssm.dim<col = 4 like row>]}> ({
^bb0:
}) : () -> ()

// -----
// expected-error@+1 {{'ssm.recurrence' op expects its dims to be dimensions, found "time"}}
"ssm.recurrence"() <{sym_name = "recurrence_c1_not_a_dimension", scan = "time", dims = ["time"]}> ({
^bb0:
}) : () -> ()

// -----
// expected-error@+1 {{'ssm.recurrence' op has 65 dimensions; at most 64 are supported}}
ssm.recurrence @recurrence_c1_too_many dims [
    d00, d01, d02, d03, d04, d05, d06, d07, d08, d09, d10, d11, d12, d13, d14, d15, d16, d17, d18, d19, d20, d21, d22,
    d23, d24, d25, d26, d27, d28, d29, d30, d31, d32, d33, d34, d35, d36, d37, d38, d39, d40, d41, d42, d43, d44, d45,
    d46, d47, d48, d49, d50, d51, d52, d53, d54, d55, d56, d57, d58, d59, d60, d61, d62, d63, d64] scan d00 {
}

// -----
// expected-error@+1 {{'ssm.recurrence' op scans 'time', which is not among its dimensions}}
ssm.recurrence @recurrence_c2 dims [channel] scan time {
}

// -----
// expected-error@+1 {{'ssm.recurrence' op scans 'time', which is like another dimension}}
ssm.recurrence @recurrence_c2_scan_is_like dims [channel, time like channel] scan time {
}

// -----
// expected-error@+1 {{'ssm.recurrence' op dimension 'lag' is like the scanned one}}
ssm.recurrence @recurrence_c2_like_scan dims [time, lag like time] scan time {
}

// -----
ssm.recurrence @recurrence_c3 dims [time] scan time {
  // expected-error@+1 {{'scf.execute_region' op cannot stand in a recurrence; arith, math, complex and ssm operations on values and streams can}}
  scf.execute_region {
    scf.yield
  }
}

// -----
ssm.recurrence @recurrence_c3_other_dialect dims [time] scan time {
  // expected-error@+1 {{'ub.poison' op cannot stand in a recurrence}}
  %p = ub.poison : f64
}

// -----
ssm.recurrence @recurrence_c4 dims [time] scan time {
  %u = ssm.input "u" [time] : f64
  // expected-error@+1 {{'ssm.input' op is the second tensor named 'u'}}
  %v = ssm.input "u" [time] : f64
}

// -----
ssm.recurrence @recurrence_c4_output dims [time] scan time {
  %u = ssm.input "u" [time] : f64
  // expected-error@+1 {{'ssm.output' op is the second tensor named 'u'}}
  ssm.output "u" %u [time] : f64
}

// -----
ssm.recurrence @recurrence_c4_param dims [time] scan time {
  %u = ssm.input "u" [time] : f64
  // expected-error@+1 {{'ssm.param' op is the second argument named 'u'}}
  %p = ssm.param "u" = 1.0 : f64
}

// -----
ssm.recurrence @recurrence_c4_delays dims [time, tap = 2] scan time {
  %u = ssm.input "u" [time] : f64
  %0 = ssm.delay "u" %u over tap [] : f64
  // expected-error@+1 {{'ssm.delay' op is the second delay that carries state 'u'}}
  %1 = ssm.delay "u" %u over tap [] : f64
}

// -----
// expected-error@+1 {{'ssm.recurrence' op state 'h' is read but has no next value}}
ssm.recurrence @recurrence_c5 dims [time] scan time {
  %h = ssm.previous "h" [] : f64
}

// -----
ssm.recurrence @recurrence_c5_two_nexts dims [time] scan time {
  %h = ssm.previous "h" [] : f64
  ssm.next "h" %h : f64
  // expected-error@+1 {{'ssm.next' op is the second next value of state 'h'}}
  ssm.next "h" %h : f64
}

// -----
ssm.recurrence @recurrence_c5_derivative_and_next dims [time] scan time {
  %h = ssm.previous "h" [] : f64
  %n = ssm.derivative "h" of %h is %h step %h by "euler" : f64, f64
  // expected-error@+1 {{'ssm.next' op is the second next value of state 'h'}}
  ssm.next "h" %h : f64
}

// -----
ssm.recurrence @recurrence_c6 dims [time] scan time {
  %z = ssm.input "z" [time] optional : f64
  // expected-error@+1 {{'ssm.output' op may read the optional input 'z' where it is not given; use it in the true side of a select on ssm.given "z"}}
  ssm.output "y" %z [time] : f64
}

// -----
ssm.recurrence @recurrence_c6_false_side dims [time] scan time {
  %u = ssm.input "u" [time] : f64
  %z = ssm.input "z" [time] optional : f64
  %given = ssm.given "z" : i1
  %e = math.exp %z : f64
  %y = arith.select %given, %u, %e : f64
  // expected-error@+1 {{'ssm.output' op may read the optional input 'z' where it is not given}}
  ssm.output "y" %y [time] : f64
}

// -----
ssm.recurrence @recurrence_c6_other_given dims [time] scan time {
  %u = ssm.input "u" [time] : f64
  %z = ssm.input "z" [time] optional : f64
  %w = ssm.input "w" [time] optional : f64
  %given = ssm.given "w" : i1
  %h = ssm.previous "h" [] : f64
  %y = arith.select %given, %z, %u : f64
  // expected-error@+1 {{'ssm.next' op may read the optional input 'z' where it is not given}}
  ssm.next "h" %y : f64
}

// -----
// What one select settles, another may stand on: this is valid.
ssm.recurrence @recurrence_c6_settled dims [time] scan time {
  %u = ssm.input "u" [time] : f64
  %z = ssm.input "z" [time] optional : f64
  %given = ssm.given "z" : i1
  %e = math.exp %z : f64
  %s = arith.select %given, %e, %u : f64
  %y = arith.mulf %s, %u : f64
  ssm.output "y" %y [time] : f64
}

// -----
// expected-error@+1 {{'ssm.recurrence' op reverse_if names 'backwards', which is not an option that is true or false}}
ssm.recurrence @recurrence_c7 dims [time] scan time reverse_if "backwards" {
}

// -----
// expected-error@+1 {{'ssm.recurrence' op reverse_if names 'scale', which is not an option that is true or false}}
ssm.recurrence @recurrence_c7_not_a_truth dims [time] options {scale = 1.0 : f64} scan time reverse_if "scale" {
}

// -----
// expected-error@+1 {{'ssm.recurrence' op dimension 'channel' has the negative size -1}}
ssm.recurrence @recurrence_c8 dims [time, channel = -1] scan time {
}
