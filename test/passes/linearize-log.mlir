// RUN: ssm-opt %s --split-input-file --ssm-linearize --cse | FileCheck %s
// Which decays have a real log without taking one, and what it is.

// exp(x), 2^x
// CHECK-LABEL: @exponentials
// CHECK-DAG:     %[[X:.*]] = ssm.input "x"
// CHECK-DAG:     %[[LN2:.*]] = arith.constant 0.69314718055994529
// CHECK-DAG:     %[[L:.*]] = arith.mulf %[[X]], %[[LN2]]
// CHECK-DAG:     ssm.scan "a" [] scalar log_decay(%[[X]])
// CHECK-DAG:     ssm.scan "b" [] scalar log_decay(%[[L]])
ssm.recurrence @exponentials dims [time] scan time {
  %x = ssm.input "x" [time] : f64
  %a = ssm.previous "a" [] : f64
  %b = ssm.previous "b" [] : f64
  %0 = math.exp %x : f64
  %1 = math.exp2 %x : f64
  %2 = arith.mulf %a, %0 : f64
  %3 = arith.mulf %b, %1 : f64
  ssm.next "a" %2 : f64
  ssm.next "b" %3 : f64
}

// -----
// sigmoid(x) and 1 - sigmoid(x): -softplus of -x and of x.
// CHECK-LABEL: @sigmoids
// CHECK-DAG:     %[[X:.*]] = ssm.input "x"
// CHECK-DAG:     %[[N:.*]] = arith.negf %[[X]]
// CHECK-DAG:     %[[P:.*]] = ssm.softplus %[[N]]
// CHECK-DAG:     %[[Q:.*]] = ssm.softplus %[[X]]
// CHECK-DAG:     %[[LP:.*]] = arith.negf %[[P]]
// CHECK-DAG:     %[[LQ:.*]] = arith.negf %[[Q]]
// CHECK-DAG:     ssm.scan "a" [] scalar log_decay(%[[LP]])
// CHECK-DAG:     ssm.scan "b" [] scalar log_decay(%[[LQ]])
ssm.recurrence @sigmoids dims [time] scan time {
  %x = ssm.input "x" [time] : f64
  %one = arith.constant 1.0 : f64
  %a = ssm.previous "a" [] : f64
  %b = ssm.previous "b" [] : f64
  %0 = ssm.sigmoid %x : f64
  %1 = arith.subf %one, %0 : f64
  %2 = arith.mulf %a, %0 : f64
  %3 = arith.mulf %b, %1 : f64
  ssm.next "a" %2 : f64
  ssm.next "b" %3 : f64
}

// -----
// Products, quotients, roots and powers of what has a log, among them positive constants.
// CHECK-LABEL: @composed
// CHECK-DAG:     %[[X:.*]] = ssm.input "x"
// CHECK-DAG:     %[[Y:.*]] = ssm.input "y"
// CHECK-DAG:     %[[LN:.*]] = arith.constant -0.69314718055994529
// CHECK-DAG:     %[[HALF:.*]] = arith.constant 5.000000e-01
// CHECK-DAG:     %[[XY:.*]] = arith.mulf %[[X]], %[[Y]]
// CHECK-DAG:     %[[ROOT:.*]] = arith.mulf %[[X]], %[[HALF]]
// CHECK-DAG:     %[[INVERSE:.*]] = arith.mulf %[[Y]], %[[HALF]]
// CHECK-DAG:     %[[S:.*]] = arith.addf %[[ROOT]], %[[LN]]
// CHECK-DAG:     %[[T:.*]] = arith.subf %[[S]], %[[XY]]
// CHECK-DAG:     %[[L:.*]] = arith.subf %[[T]], %[[INVERSE]]
// CHECK:         ssm.scan "a" [] scalar log_decay(%[[L]])
ssm.recurrence @composed dims [time] scan time {
  %x = ssm.input "x" [time] : f64
  %y = ssm.input "y" [time] : f64
  %half = arith.constant 0.5 : f64
  %e = math.exp %x : f64
  %0 = math.sqrt %e : f64
  %1 = math.powf %e, %y : f64
  %2 = arith.mulf %0, %half : f64
  %3 = arith.divf %2, %1 : f64
  %f = math.exp %y : f64
  %4 = math.rsqrt %f : f64
  %5 = arith.mulf %3, %4 : f64
  %a = ssm.previous "a" [] : f64
  %6 = arith.mulf %a, %5 : f64
  ssm.next "a" %6 : f64
}

// -----
// A choice between such, a rename and a flip of one.
// CHECK-LABEL: @moved
// CHECK-DAG:     %[[X:.*]] = ssm.input "x"
// CHECK-DAG:     %[[F:.*]] = ssm.flip %[[X]] state
// CHECK-DAG:     %[[R:.*]] = ssm.rename
// CHECK:         %[[L:.*]] = arith.select %{{.*}}, %{{.*}}, %{{.*}} : f64
// CHECK:         ssm.scan "a" [state] log_decay(%[[L]])
ssm.recurrence @moved dims [time, state, col like state] scan time {
  %x = ssm.input "x" [time, state] : f64
  %z = ssm.input "z" [time, col] : f64
  %zero = arith.constant 0.0 : f64
  %0 = math.exp %x : f64
  %1 = ssm.flip %0 state : f64
  %2 = math.exp %z : f64
  %3 = ssm.rename %2 col to state : f64
  %c = arith.cmpf ogt, %x, %zero : f64
  %4 = arith.select %c, %1, %3 : f64
  %a = ssm.previous "a" [state] : f64
  %5 = arith.mulf %a, %4 : f64
  ssm.next "a" %5 : f64
}

// -----
// Not of an input, which may be negative; nor of a negative constant, a choice of zero, a complex exponential.
// CHECK-LABEL: @none
// CHECK-NOT:     log_decay
ssm.recurrence @none dims [time] scan time {
  %x = ssm.input "x" [time] : f64
  %w = ssm.input "w" [time] : complex<f64>
  %minus = arith.constant -0.5 : f64
  %zero = arith.constant 0.0 : f64
  %e = math.exp %x : f64
  %a = ssm.previous "a" [] : f64
  %b = ssm.previous "b" [] : f64
  %c = ssm.previous "c" [] : f64
  %d = ssm.previous "d" [] : complex<f64>
  %0 = arith.mulf %a, %x : f64
  %1 = arith.mulf %e, %minus : f64
  %2 = arith.mulf %b, %1 : f64
  %3 = arith.cmpf ogt, %x, %zero : f64
  %4 = arith.select %3, %e, %zero : f64
  %5 = arith.mulf %c, %4 : f64
  %6 = complex.exp %w : complex<f64>
  %7 = complex.mul %d, %6 : complex<f64>
  ssm.next "a" %0 : f64
  ssm.next "b" %2 : f64
  ssm.next "c" %5 : f64
  ssm.next "d" %7 : complex<f64>
}
