// RUN: ssm-opt %s --split-input-file --verify-diagnostics --ssm-narrow

ssm.recurrence @large_constant dims [time] scan time {
  %u = ssm.input "u" [time] : f64
  // expected-error@+1 {{'arith.constant' op has the value 1.0E+300, which is not finite in 'f32'; store an input or a state as f64 to compute in f64}}
  %large = arith.constant 1.0e300 : f64
  %0 = arith.addf %u, %large : f64
}

// -----
ssm.recurrence @large_complex_constant dims [time] scan time {
  %u = ssm.input "u" [time] : complex<f64>
  // expected-error@+1 {{'complex.constant' op has the value -1.0E+300, which is not finite in 'f32'}}
  %c = complex.constant [0.0 : f64, -1.0e300 : f64] : complex<f64>
  %0 = complex.add %u, %c : complex<f64>
}

// -----
ssm.recurrence @large_default dims [time] scan time {
  %u = ssm.input "u" [time] : f64
  // expected-error@+1 {{'ssm.param' op has the value 1.0E+40, which is not finite in 'f32'}}
  %p = ssm.param "p" = 1.0e40 : f64
  %0 = arith.addf %u, %p : f64
}

// -----
// Where nothing that varies in time reads it, a large number stays in f64: this is valid.
ssm.recurrence @large_and_fixed dims [time] scan time {
  %u = ssm.input "u" [time] : f64
  %large = arith.constant 1.0e300 : f64
  %small = arith.constant 1.0e-300 : f64
  %one = arith.mulf %large, %small : f64
  %0 = arith.addf %u, %one : f64
}

// -----
ssm.recurrence @bits dims [time] scan time {
  %u = ssm.input "u" [time] : f64
  // expected-error@+1 {{'arith.bitcast' op reads the bits of a number, which ssm-narrow would change}}
  %b = arith.bitcast %u : f64 to i64
}
