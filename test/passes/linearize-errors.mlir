// RUN: ssm-opt %s --verify-diagnostics --ssm-linearize

ssm.recurrence @continuous dims [time] scan time {
  %dt = ssm.input "dt" [] : f64
  %h = ssm.previous "h" [] : f64
  // expected-error@+1 {{'ssm.derivative' op is in continuous time; run ssm-discretize before ssm-linearize}}
  %n = ssm.derivative "h" of %h is %h step %dt by "euler" : f64, f64
}
