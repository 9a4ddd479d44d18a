// RUN: ssm-opt %s --split-input-file --ssm-block-steps=steps=2 | FileCheck %s

// What is added is made of what is read: the second step reads of the state before both, and of the first's product by
// its key's product with that of the second. The state takes both products at the end.
// CHECK-LABEL: ssm.recurrence @delta_blocks
// CHECK-SAME:    steps = 2
// CHECK-DAG:     %[[K0:.*]] = ssm.input "k.0"
// CHECK-DAG:     %[[V0:.*]] = ssm.input "v.0"
// CHECK-DAG:     %[[SP:.*]] = ssm.previous "S"
// CHECK:         %[[P0:.*]] = arith.mulf %[[K0]], %[[SP]]
// CHECK:         %[[R0:.*]] = ssm.sum %[[P0]] over [key]
// CHECK:         %[[W0:.*]] = arith.subf %[[V0]], %[[R0]]
// CHECK:         %[[K1:.*]] = ssm.input "k.1"
// CHECK:         %[[P1:.*]] = arith.mulf %[[K1]], %[[SP]]
// CHECK:         %[[R1:.*]] = ssm.sum %[[P1]] over [key]
// CHECK:         %[[KK:.*]] = arith.mulf %[[K1]], %[[K0]]
// CHECK:         %[[SCORE:.*]] = ssm.sum %[[KK]] over [key]
// CHECK:         %[[PART:.*]] = arith.mulf %[[SCORE]], %[[W0]]
// CHECK:         arith.addf %[[R1]], %[[PART]]
// CHECK:         %[[A0:.*]] = arith.mulf %[[K0]], %[[W0]]
// CHECK:         %[[S0:.*]] = arith.addf %[[SP]], %[[A0]]
// CHECK:         ssm.next "S"
// CHECK-LABEL: ssm.recurrence @delta dims
// CHECK-SAME:    ssm.block = {rest_of = 2 : i64}
// CHECK:         ssm.input "k" [time, key]
ssm.recurrence @delta dims [time, key, value] scan time {
  %k = ssm.input "k" [time, key] stored f32 : f64
  %v = ssm.input "v" [time, value] stored f32 : f64
  %sp = ssm.previous "S" [key, value] stored f32 : f64
  %ks = arith.mulf %k, %sp : f64
  %read = ssm.sum %ks over [key] : f64
  %miss = arith.subf %v, %read : f64
  %write = arith.mulf %k, %miss : f64
  %s = arith.addf %sp, %write : f64
  ssm.next "S" %s : f64
  ssm.output "y" %read [time, value] stored f32 : f64
}

// -----

// A decay along what is summed over is inside the sums, and a vector state goes from step to step. The last step reads
// the state that the block leaves.
// CHECK-LABEL: ssm.recurrence @gated_blocks
// CHECK-DAG:     %[[G0:.*]] = ssm.input "g.0"
// CHECK-DAG:     %[[NP:.*]] = ssm.previous "n"
// CHECK:         %[[N0:.*]] = arith.mulf %[[G0]], %[[NP]]
// CHECK:         %[[NG:.*]] = arith.mulf %[[N0]], %[[G0]]
// CHECK:         %[[NGS:.*]] = arith.mulf %[[NG]], %{{.*}}
// CHECK:         ssm.sum %[[NGS]] over [key]
// CHECK:         %[[G1:.*]] = ssm.input "g.1"
// CHECK:         %[[N1:.*]] = arith.mulf %[[G1]], %[[N0]]
// CHECK:         %[[GG:.*]] = arith.mulf %[[G0]], %[[G1]]
// CHECK:         %[[GGS:.*]] = arith.mulf %[[GG]], %{{.*}}
// CHECK:         %[[NS:.*]] = arith.mulf %[[N1]], %[[S:.*]] : f64
// CHECK:         ssm.sum %[[NS]] over [key]
// CHECK-DAG:     ssm.next "n" %[[N1]]
// CHECK-DAG:     ssm.next "S" %[[S]]
// CHECK-LABEL: ssm.recurrence @gated dims
ssm.recurrence @gated dims [time, key, value] scan time {
  %g = ssm.input "g" [time, key] stored f32 : f64
  %v = ssm.input "v" [time, value] stored f32 : f64
  %np = ssm.previous "n" [key] stored f32 : f64
  %n = arith.mulf %g, %np : f64
  ssm.next "n" %n : f64
  %sp = ssm.previous "S" [key, value] stored f32 : f64
  %gs = arith.mulf %g, %sp : f64
  %s = arith.addf %gs, %v : f64
  ssm.next "S" %s : f64
  %ns = arith.mulf %n, %s : f64
  %y = ssm.sum %ns over [key] : f64
  ssm.output "y" %y [time, value] stored f32 : f64
}

// -----

// What is added has no factors: the steps stand one after another.
// CHECK-LABEL: ssm.recurrence @plain_blocks
// CHECK:         %[[SP:.*]] = ssm.previous "S"
// CHECK:         %[[S0:.*]] = arith.addf %[[SP]], %{{.*}}
// CHECK:         %[[X1:.*]] = ssm.input "x.1"
// CHECK:         %[[S1:.*]] = arith.addf %[[S0]], %[[X1]]
// CHECK:         ssm.next "S" %[[S1]]
ssm.recurrence @plain dims [time, key, value] scan time {
  %x = ssm.input "x" [time, key, value] stored f32 : f64
  %sp = ssm.previous "S" [key, value] stored f32 : f64
  %s = arith.addf %sp, %x : f64
  ssm.next "S" %s : f64
  %y = ssm.sum %s over [key] : f64
  ssm.output "y" %y [time, value] stored f32 : f64
}
