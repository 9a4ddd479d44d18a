// RUN: ssm-opt %s --split-input-file --verify-diagnostics
// What makes scans and what reads them invalid: one case for each constraint in dialect/StreamOps.td, named after it.

ssm.recurrence @scan_c1 dims [time] scan time {
  %u = ssm.input "u" [time] : f64
  // expected-error@+1 {{'ssm.scan' op names the dimension 'channel', which the recurrence does not declare}}
  %h = ssm.scan "h" [channel] identity drive(%u) : f64
}

// -----
ssm.recurrence @scan_c1_scanned dims [time] scan time {
  %u = ssm.input "u" [time] : f64
  // expected-error@+1 {{'ssm.scan' op has the scanned dimension 'time' in its layout}}
  %h = ssm.scan "h" [time] identity drive(%u) : f64
}

// -----
ssm.recurrence @scan_c1_dimensions dims [time, channel] scan time {
  %u = ssm.input "u" [time] : f64
  // expected-error@+1 {{'ssm.scan' op has states of different dimensions, "g" and "h"}}
  %h:2 = ssm.scan "g" [channel], "h" [] matrix(%u, %u, %u, %u) drive(%u, %u) : f64, f64
}

// -----
ssm.recurrence @scan_c1_order dims [time] scan time {
  %u = ssm.input "u" [time] : f64
  // expected-error@+1 {{'ssm.scan' op has step 2 of state "h" out of order}}
  %h:2 = ssm.scan "h" [] back 2, "h" [] matrix(%u, %u, %u, %u) drive(%u, %u) : f64, f64
}

// -----
ssm.recurrence @scan_c1_part_order dims [time] scan time {
  %u = ssm.input "u" [time] : f64
  // expected-error@+1 {{'ssm.scan' op has step 1 of the imaginary part of state "h" out of order}}
  %h:2 = ssm.scan "h" [] part im, "h" [] part re matrix(%u, %u, %u, %u) drive(%u, %u) : f64, f64
}

// -----
ssm.recurrence @scan_c1_part dims [time] scan time {
  %u = ssm.input "u" [time] : f64
  // expected-error@+1 {{'ssm.scan' op has part 'abs' of type 'f64' of a state; expected re or im, of a real type}}
  %h = ssm.scan "h" [] part abs identity drive(%u) : f64
}

// -----
ssm.recurrence @scan_c1_stored dims [time] scan time {
  %u = ssm.input "u" [time] : f64
  // expected-error@+1 {{'ssm.scan' op cannot be stored as 'complex<f32>', since its value is of type 'f64'}}
  %h = ssm.scan "h" [] stored complex<f32> identity drive(%u) : f64
}

// -----
ssm.recurrence @scan_c2 dims [time] scan time {
  %u = ssm.input "u" [time] : f64
  // expected-error@+1 {{'ssm.scan' op of 1 states has 1 results, 2 drives and 0 inits}}
  %h = ssm.scan "h" [] identity drive(%u, %u) : f64
}

// -----
ssm.recurrence @scan_c2_types dims [time] scan time {
  %u = ssm.input "u" [time] : f64
  %v = ssm.input "v" [time] : f32
  // expected-error@+1 {{'ssm.scan' op has streams, drives or inits of different types, 'f64' and 'f32'}}
  %h = ssm.scan "h" [] identity drive(%v : f32) : f64
}

// -----
ssm.recurrence @scan_c3 dims [time] scan time {
  %u = ssm.input "u" [time] : f64
  // expected-error@+1 {{'ssm.scan' op of 2 states has a transition of 3 values; expected 4}}
  %h:2 = ssm.scan "g" [], "h" [] matrix(%u, %u, %u) drive(%u, %u) : f64, f64
}

// -----
ssm.recurrence @scan_c3_over dims [time, key] scan time {
  %u = ssm.input "u" [time] : f64
  // expected-error@+1 {{'ssm.scan' op expects left and right with over, or a matrix with over and from, and one state}}
  %h = ssm.scan "h" [key] identity left(%u) over [key] drive(%u) : f64
}

// -----
ssm.recurrence @scan_c4 dims [time, key, value] scan time {
  %u = ssm.input "u" [time] : f64
  // expected-error@+1 {{'ssm.scan' op is over "value", which is no dimension of its state}}
  %h = ssm.scan "h" [key] identity left(%u) right(%u) over [value] drive(%u) : f64
}

// -----
ssm.recurrence @scan_c4_extent dims [time, key, value] scan time {
  %u = ssm.input "u" [time] : f64
  // expected-error@+1 {{'ssm.scan' op is from "value", which is no other dimension of the extent of "key"}}
  %h = ssm.scan "h" [key] matrix(%u) over [key] from [value] drive(%u) : f64
}

// -----
ssm.recurrence @scan_c5 dims [time, key] scan time {
  %u = ssm.input "u" [time, key] : f64
  // expected-error@+1 {{'ssm.scan' op has a drive that varies along 'key', which its state lacks}}
  %h = ssm.scan "h" [] identity drive(%u) : f64
}

// -----
ssm.recurrence @scan_c5_init dims [time] scan time {
  %u = ssm.input "u" [time] : f64
  // expected-error@+1 {{'ssm.scan' op has an init that varies in time}}
  %h = ssm.scan "h" [] identity drive(%u) init(%u) : f64
}

// -----
ssm.recurrence @scan_c6 dims [time] scan time {
  %u = ssm.input "u" [time] : complex<f64>
  // expected-error@+1 {{'ssm.scan' op has a log_decay that is not one real decay of sums}}
  %h = ssm.scan "h" [] log_decay(%u) drive(%u) : complex<f64>
}

// -----
ssm.recurrence @scan_c6_scalar dims [time, key] scan time {
  %u = ssm.input "u" [time] : f64
  // expected-error@+1 {{'ssm.scan' op is scalar, but has no decay alone}}
  %h = ssm.scan "h" [key] scalar decay(%u) left(%u) right(%u) over [key] drive(%u) : f64
}

// -----
ssm.recurrence @scan_c6_max dims [time] scan time {
  %u = ssm.input "u" [time] : complex<f64>
  // expected-error@+1 {{'ssm.scan' op takes the maximum of complex numbers}}
  %h = ssm.scan "h" [] max identity drive(%u) : complex<f64>
}

// -----
ssm.recurrence @before_c1 dims [time] scan time {
  %u = ssm.input "u" [time] : f64
  %h = ssm.scan "h" [] identity drive(%u) : f64
  // expected-error@+1 {{'ssm.before' op expects the stream of state 'g'}}
  %0 = ssm.before "g" %h : f64
}

// -----
ssm.recurrence @before_c2 dims [time] scan time {
  %u = ssm.input "u" [time] : f64
  %h = ssm.scan "h" [] identity drive(%u) : f64
  // expected-error@+1 {{'ssm.before' op looks 0 steps back; expected 1 or more}}
  %0 = ssm.before "h" %h back 0 : f64
}

// -----
ssm.recurrence @final_c1 dims [time] scan time {
  %u = ssm.input "u" [time] : f64
  // expected-error@+1 {{'ssm.final' op expects the stream of state 'h'}}
  ssm.final "h" %u : f64
}

// -----
ssm.recurrence @final_c1_twice dims [time] scan time {
  %u = ssm.input "u" [time] : f64
  %h = ssm.scan "h" [] identity drive(%u) : f64
  ssm.final "h" %h : f64
  // expected-error@+1 {{'ssm.final' op is the second of state 'h'}}
  ssm.final "h" %h : f64
}

// -----
// A state is computed once, by a scan or by next.
ssm.recurrence @scan_and_next dims [time] scan time {
  %u = ssm.input "u" [time] : f64
  %hp = ssm.previous "h" [] : f64
  ssm.next "h" %u : f64
  // expected-error@+1 {{'ssm.scan' op is the second next value of state "h"}}
  %h = ssm.scan "h" [] identity drive(%u) : f64
}
