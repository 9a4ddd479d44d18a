// RUN: ssm-opt %s --split-input-file --verify-diagnostics --ssm-linearize | FileCheck %s
// One case for each rule of the analysis (dialect/AffineAnalysis.h) and of what the pass makes of it; that the result
// means the same is shown in test/unit/LinearizeTest.cpp.

// Sums, differences and negations join terms: 3h - (-h) - 2h = 2h.
// CHECK-LABEL: @joined
// CHECK:         %[[A:.*]] = arith.constant 2.000000e+00
// CHECK:         %[[LOG:.*]] = arith.constant 0.69314718055994529
// CHECK:         ssm.scan "h" [] scalar log_decay(%[[LOG]]) drive(%{{.*}}) : f64
ssm.recurrence @joined dims [time] scan time {
  %u = ssm.input "u" [time] : f64
  %c2 = arith.constant 2.0 : f64
  %h = ssm.previous "h" [] : f64
  %0 = arith.addf %h, %h : f64
  %1 = arith.addf %0, %h : f64
  %2 = arith.negf %h : f64
  %3 = arith.subf %1, %2 : f64
  %4 = arith.mulf %h, %c2 : f64
  %5 = arith.subf %3, %4 : f64
  %6 = arith.mulf %c2, %u : f64
  %n = arith.addf %5, %6 : f64
  ssm.next "h" %n : f64
}

// -----
// What cancels is no term: the state depends on nothing, whatever the text says.
// CHECK-LABEL: @cancelled
// CHECK:         %[[ZERO:.*]] = arith.constant 0.000000e+00
// CHECK:         ssm.scan "h" [] scalar decay(%[[ZERO]]) drive(%{{.*}}) : f64
ssm.recurrence @cancelled dims [time] scan time {
  %u = ssm.input "u" [time] : f64
  %h = ssm.previous "h" [] : f64
  %0 = arith.addf %h, %u : f64
  %1 = arith.subf %0, %h : f64
  ssm.next "h" %1 : f64
}

// -----
// Products with and quotients by what no term depends on scale; the smaller factors are multiplied first.
// CHECK-LABEL: @scaled
// CHECK-DAG:     %[[A:.*]] = ssm.input "a" [channel]
// CHECK-DAG:     %[[B:.*]] = ssm.input "b" [time, channel]
// CHECK-DAG:     %[[C:.*]] = ssm.input "c" [time]
// CHECK:         %[[CA:.*]] = arith.mulf %[[C]], %[[A]]
// CHECK:         %[[CAB:.*]] = arith.mulf %[[CA]], %[[B]]
// CHECK:         %[[ONCE:.*]] = arith.divf %[[CAB]], %[[C]]
// CHECK:         %[[DECAY:.*]] = arith.divf %[[ONCE]], %[[C]]
// CHECK:         %[[DRIVE:.*]] = arith.divf %[[A]], %[[C]]
// CHECK:         ssm.scan "h" [channel] decay(%[[DECAY]]) drive(%[[DRIVE]])
ssm.recurrence @scaled dims [time, channel] scan time {
  %a = ssm.input "a" [channel] : f64
  %b = ssm.input "b" [time, channel] : f64
  %c = ssm.input "c" [time] : f64
  %h = ssm.previous "h" [channel] : f64
  %0 = arith.mulf %b, %h : f64
  %1 = arith.divf %0, %c : f64
  %2 = arith.mulf %1, %a : f64
  %3 = math.fma %2, %c, %a : f64
  %4 = arith.divf %3, %c : f64
  ssm.next "h" %4 : f64
}

// -----
// A choice whose condition depends on no state chooses among coefficients, 0 where a side has no such term.
// CHECK-LABEL: @chosen
// CHECK:         %[[A:.*]] = arith.select %{{.*}}, %[[ONE:.*]], %[[ZERO:.*]] : f64
// CHECK:         %[[B:.*]] = arith.select %{{.*}}, %[[ZERO]], %{{.*}} : f64
// CHECK:         ssm.scan "h" [] scalar decay(%[[A]]) drive(%[[B]])
ssm.recurrence @chosen dims [time] scan time {
  %u = ssm.input "u" [time] : f64
  %zero = arith.constant 0.0 : f64
  %h = ssm.previous "h" [] : f64
  %c = arith.cmpf ogt, %u, %zero : f64
  %n = arith.select %c, %h, %u : f64
  ssm.next "h" %n : f64
}

// -----
// A sum makes a reading of what varies along its dimensions; factors that do not vary along them stay outside, so that
// equal readings join.
// CHECK-LABEL: @summed
// CHECK-DAG:     %[[K:.*]] = ssm.input "k" [key]
// CHECK-DAG:     %[[B:.*]] = ssm.input "b" [time]
// CHECK:         %[[LEFT:.*]] = arith.addf
// CHECK:         ssm.scan "h" [key] identity left(%[[LEFT]]) right(%[[K]]) over [key]
ssm.recurrence @summed dims [time, key] scan time {
  %k = ssm.input "k" [key] : f64
  %b = ssm.input "b" [time] : f64
  %h = ssm.previous "h" [key] : f64
  %0 = arith.mulf %h, %k : f64
  %1 = ssm.sum %0 over [key] : f64
  %2 = arith.mulf %0, %b : f64
  %3 = ssm.sum %2 over [key] : f64
  %4 = arith.addf %1, %3 : f64
  %5 = arith.addf %h, %4 : f64
  ssm.next "h" %5 : f64
}

// -----
// A sum over dimensions that the state lacks is one of the coefficient; over those that neither has it is their extent.
// CHECK-LABEL: @summed_beside
// CHECK:         %[[SUM:.*]] = ssm.sum %{{.*}} over [tap] : f64
// CHECK:         ssm.scan "h" [channel] decay(
// CHECK-SAME:    drive(
ssm.recurrence @summed_beside dims [time, channel, tap = 3, head = 5] scan time {
  %w = ssm.input "w" [channel, tap] : f64
  %h = ssm.previous "h" [channel] : f64
  %0 = arith.mulf %h, %w : f64
  %1 = ssm.sum %0 over [tap, head] : f64
  ssm.next "h" %1 : f64
}

// -----
// Sums with one outer factor are one product of rank one.
// CHECK-LABEL: @one_left
// CHECK:         %[[RIGHT:.*]] = arith.addf
// CHECK:         ssm.scan "h" [key] decay(%{{.*}}) left(%{{.*}}) right(%[[RIGHT]]) over [key]
ssm.recurrence @one_left dims [time, key] scan time {
  %p = ssm.input "p" [key] : f64
  %q = ssm.input "q" [key] : f64
  %r = ssm.input "r" [key] : f64
  %h = ssm.previous "h" [key] : f64
  %0 = arith.mulf %h, %q : f64
  %1 = ssm.sum %0 over [key] : f64
  %2 = arith.mulf %h, %r : f64
  %3 = ssm.sum %2 over [key] : f64
  %4 = arith.addf %1, %3 : f64
  %5 = arith.mulf %p, %4 : f64
  ssm.next "h" %5 : f64
}

// -----
// A sum of sums is one sum, over what the state has.
// CHECK-LABEL: @sum_of_sums
// CHECK:         ssm.scan "h" [key, value] decay(%{{.*}}) left(%{{.*}}) right(%{{.*}}) over [key, value]
ssm.recurrence @sum_of_sums dims [time, key, value] scan time {
  %p = ssm.input "p" [value] : f64
  %q = ssm.input "q" [key] : f64
  %h = ssm.previous "h" [key, value] : f64
  %0 = arith.mulf %h, %q : f64
  %1 = ssm.sum %0 over [key] : f64
  %2 = arith.mulf %1, %p : f64
  %3 = ssm.sum %2 over [value] : f64
  ssm.next "h" %3 : f64
}

// -----
// A mean is a sum divided by the extents of what varies.
// CHECK-LABEL: @averaged
// CHECK:         %[[LEFT:.*]] = arith.constant 2.500000e-01
// CHECK:         ssm.scan "h" [channel] decay(%{{.*}}) left(%[[LEFT]]) right(%{{.*}}) over [channel]
ssm.recurrence @averaged dims [time, channel = 4, head = 3] scan time {
  %h = ssm.previous "h" [channel] : f64
  %0 = ssm.mean %h over [channel, head] : f64
  ssm.next "h" %0 : f64
}

// -----
// A renamed state that is summed by its new name against a matrix is a dense transition; what is added to it is part of
// the matrix.
// CHECK-LABEL: @renamed
// CHECK-DAG:     %[[A:.*]] = ssm.input "A"
// CHECK-DAG:     %[[D:.*]] = ssm.input "d"
// CHECK-DAG:     %[[ROW:.*]] = ssm.index state
// CHECK-DAG:     %[[COLUMN:.*]] = ssm.index col
// CHECK:         %[[SAME:.*]] = arith.cmpf oeq, %[[ROW]], %[[COLUMN]]
// CHECK:         %[[DIAGONAL:.*]] = arith.select %[[SAME]], %[[D]], %{{.*}}
// CHECK:         %[[M:.*]] = arith.addf
// CHECK:         ssm.scan "h" [state] matrix(%[[M]]) over [state] from [col]
ssm.recurrence @renamed dims [time, state, col like state] scan time {
  %A = ssm.input "A" [state, col] : f64
  %d = ssm.input "d" [state] : f64
  %h = ssm.previous "h" [state] : f64
  %0 = ssm.rename %h state to col : f64
  %1 = arith.mulf %A, %0 : f64
  %2 = ssm.sum %1 over [col] : f64
  %3 = arith.mulf %h, %d : f64
  %4 = arith.addf %2, %3 : f64
  ssm.next "h" %4 : f64
}

// -----
// A matrix that does not vary along its rows' dimension, but for a factor outside, is a product of rank one.
// CHECK-LABEL: @renamed_rank_one
// CHECK:         %[[Q:.*]] = ssm.rename %{{.*}} col to state : f64
// CHECK:         ssm.scan "h" [state] decay(%{{.*}}) left(%{{.*}}) right(%[[Q]]) over [state]
ssm.recurrence @renamed_rank_one dims [time, state, col like state] scan time {
  %p = ssm.input "p" [state] : f64
  %q = ssm.input "q" [col] : f64
  %h = ssm.previous "h" [state] : f64
  %0 = ssm.rename %h state to col : f64
  %1 = arith.mulf %q, %0 : f64
  %2 = ssm.sum %1 over [col] : f64
  %3 = arith.mulf %p, %2 : f64
  ssm.next "h" %3 : f64
}

// -----
// The order in which a sum runs does not matter: a flip moves to the factor.
// CHECK-LABEL: @flipped
// CHECK:         %[[W:.*]] = ssm.input "w"
// CHECK:         %[[F:.*]] = ssm.flip %[[W]] state : f64
// CHECK:         ssm.scan "h" [state] decay(%{{.*}}) left(%{{.*}}) right(%[[F]]) over [state]
ssm.recurrence @flipped dims [time, state] scan time {
  %w = ssm.input "w" [state] : f64
  %h = ssm.previous "h" [state] : f64
  %0 = ssm.flip %h state : f64
  %1 = arith.mulf %0, %w : f64
  %2 = ssm.sum %1 over [state] : f64
  ssm.next "h" %2 : f64
}

// -----
// A window over what a state depends on, and that it reads, is a chain of states.
// CHECK-LABEL: @window
// CHECK-NOT:     ssm.delay
// CHECK:         %[[H:.*]]:2 = ssm.scan "h" [], "w" [] matrix(
// CHECK:         ssm.final "h" %[[H]]#0
// CHECK:         ssm.final "w" %[[H]]#1
ssm.recurrence @window dims [time, tap = 2] scan time {
  %c = ssm.input "c" [tap] : f64
  %h = ssm.previous "h" [] : f64
  %w = ssm.delay "w" %h over tap [] : f64
  %0 = arith.mulf %w, %c : f64
  %1 = ssm.sum %0 over [tap] : f64
  ssm.next "h" %1 : f64
}

// -----
// Conversions between widths pass through, and a log is looked for behind them.
// CHECK-LABEL: @converted
// CHECK:         %[[L:.*]] = ssm.input "l" [] : f64
// CHECK:         %[[N:.*]] = arith.truncf %[[L]] : f64 to f32
// CHECK:         ssm.scan "h" [] scalar log_decay(%[[N]]) drive(%{{.*}}) : f32
ssm.recurrence @converted dims [time] scan time {
  %l = ssm.input "l" [] : f64
  %u = ssm.input "u" [time] : f32
  %a = math.exp %l : f64
  %a32 = arith.truncf %a : f64 to f32
  %h = ssm.previous "h" [] : f32
  %0 = arith.extf %h : f32 to f64
  %1 = arith.truncf %0 : f64 to f32
  %2 = arith.mulf %1, %a32 : f32
  %3 = arith.addf %2, %u : f32
  ssm.next "h" %3 : f32
}

// -----
// Complex arithmetic is complex-linear; a real coefficient stays real.
// CHECK-LABEL: @complex
// CHECK-DAG:     %[[A:.*]] = ssm.input "a"
// CHECK-DAG:     %[[R:.*]] = ssm.input "r"
// CHECK-DAG:     ssm.scan "h" [] scalar decay(%[[A]]) drive(%{{.*}}) : complex<f64>
// CHECK-DAG:     ssm.scan "g" [] scalar decay(%[[R]] : f64) drive(%{{.*}}) : complex<f64>
ssm.recurrence @complex dims [time] scan time {
  %a = ssm.input "a" [time] : complex<f64>
  %r = ssm.input "r" [time] : f64
  %zero = arith.constant 0.0 : f64
  %w = complex.create %r, %zero : complex<f64>
  %h = ssm.previous "h" [] : complex<f64>
  %0 = complex.mul %a, %h : complex<f64>
  %1 = complex.add %0, %w : complex<f64>
  ssm.next "h" %1 : complex<f64>
  %g = ssm.previous "g" [] : complex<f64>
  %2 = complex.mul %w, %g : complex<f64>
  %3 = complex.sub %2, %1 : complex<f64>
  ssm.next "g" %3 : complex<f64>
}

// -----
// Parts that are put together to a complex product are one complex term.
// CHECK-LABEL: @complex_in_parts
// CHECK:         ssm.scan "h" [] scalar decay(%{{.*}}) drive(%{{.*}}) : complex<f64>
ssm.recurrence @complex_in_parts dims [time] scan time {
  %a = ssm.input "a" [time] : f64
  %b = ssm.input "b" [time] : f64
  %h = ssm.previous "h" [] : complex<f64>
  %re = complex.re %h : complex<f64>
  %im = complex.im %h : complex<f64>
  %0 = arith.mulf %a, %re : f64
  %1 = arith.mulf %b, %im : f64
  %2 = arith.subf %0, %1 : f64
  %3 = arith.mulf %b, %re : f64
  %4 = arith.mulf %a, %im : f64
  %5 = arith.addf %3, %4 : f64
  %n = complex.create %2, %5 : complex<f64>
  ssm.next "h" %n : complex<f64>
}

// -----
// Another map of the parts is a coupled pair of reals.
// CHECK-LABEL: @parts
// CHECK:         %[[H:.*]]:2 = ssm.scan "h" [] part re, "h" [] part im matrix(%[[ZERO:.*]], %[[ONE:.*]], %[[ONE]], %[[ZERO]]) drive(%[[ZERO]], %[[ZERO]]) : f64, f64
// CHECK:         %[[WHOLE:.*]] = complex.create %[[H]]#0, %[[H]]#1
// CHECK:         ssm.output "y" %[[WHOLE]]
ssm.recurrence @parts dims [time] scan time {
  %h = ssm.previous "h" [] : complex<f64>
  %re = complex.re %h : complex<f64>
  %im = complex.im %h : complex<f64>
  %n = complex.create %im, %re : complex<f64>
  ssm.next "h" %n : complex<f64>
  ssm.output "y" %n [time] : complex<f64>
}

// -----
// max(h + a, b), and relu, are affine over (max, +); a choice drops a term by -infinity.
// CHECK-LABEL: @maximum
// CHECK-DAG:     %[[A:.*]] = ssm.input "a"
// CHECK-DAG:     %[[B:.*]] = ssm.input "b"
// CHECK-DAG:     %[[LOW:.*]] = arith.constant 0xFFF0000000000000 : f64
// CHECK:         ssm.scan "m" [] max decay(%{{.*}}) drive(%{{.*}}) : f64
// CHECK:         ssm.scan "r" [] max identity drive(%{{.*}}) : f64
ssm.recurrence @maximum dims [time] scan time {
  %a = ssm.input "a" [time] : f64
  %b = ssm.input "b" [time] : f64
  %m = ssm.previous "m" [] : f64
  %c = arith.cmpf ogt, %a, %b : f64
  %0 = arith.subf %m, %a : f64
  %1 = arith.maximumf %0, %b : f64
  %2 = arith.select %c, %1, %a : f64
  ssm.next "m" %2 : f64
  %r = ssm.previous "r" [] : f64
  %3 = ssm.relu %r : f64
  ssm.next "r" %3 : f64
}

// -----
// The maximum over a dimension is the sum of that algebra.
// CHECK-LABEL: @maximum_over
// CHECK:         ssm.scan "m" [key] max decay(%{{.*}}) left(%[[P:.*]]) right(%{{.*}}) over [key]
ssm.recurrence @maximum_over dims [time, key] scan time {
  %p = ssm.input "p" [key] : f64
  %q = ssm.input "q" [key] : f64
  %m = ssm.previous "m" [key] : f64
  %0 = arith.addf %m, %q : f64
  %1 = ssm.max %0 over [key] : f64
  %2 = arith.addf %1, %p : f64
  ssm.next "m" %2 : f64
}

// -----
// States in components, in the order in which one needs another: `b` reads `a`, whose stream it knows, as a factor.
// CHECK-LABEL: @components
// CHECK:         %[[A:.*]] = ssm.scan "a" [] identity
// CHECK:         %[[PAST:.*]] = ssm.before "a" %[[A]] : f64
// CHECK:         ssm.scan "b" [] scalar decay(%[[PAST]]) drive(%[[A]])
ssm.recurrence @components dims [time] scan time {
  %u = ssm.input "u" [time] : f64
  %b = ssm.previous "b" [] : f64
  %a = ssm.previous "a" [] : f64
  %0 = arith.addf %a, %u : f64
  %1 = arith.mulf %a, %b : f64
  %2 = arith.addf %1, %0 : f64
  ssm.next "a" %0 : f64
  ssm.next "b" %2 : f64
}

// -----
// What does not need its own past is a delay, and stays; of a state that is a scan, older steps are before its stream.
// CHECK-LABEL: @delays
// CHECK:         ssm.previous "u" [] back 2
// CHECK:         ssm.delay "w"
// CHECK:         ssm.next "u"
// CHECK:         %[[H:.*]] = ssm.scan "h" [] identity
// CHECK:         ssm.before "h" %[[H]] back 3 : f64
ssm.recurrence @delays dims [time, tap = 3] scan time {
  %u = ssm.input "u" [time] : f64
  %up = ssm.previous "u" [] back 2 : f64
  %w = ssm.delay "w" %up over tap [] : f64
  %s = ssm.sum %w over [tap] : f64
  %h = ssm.previous "h" [] : f64
  %h3 = ssm.previous "h" [] back 3 : f64
  %0 = arith.addf %h, %s : f64
  ssm.next "h" %0 : f64
  ssm.next "u" %u : f64
  ssm.output "y" %h3 [time] : f64
}

// -----
// Older steps that the recurrence itself reads are states of the scan; still older ones are before the last of those.
// CHECK-LABEL: @older
// CHECK:         %[[H:.*]]:2 = ssm.scan "h" [], "h" [] back 2 matrix(
// CHECK:         ssm.before "h" %[[H]]#1 back 2 : f64
ssm.recurrence @older dims [time] scan time {
  %h2 = ssm.previous "h" [] back 2 : f64
  %h3 = ssm.previous "h" [] back 3 : f64
  %c = arith.constant 0.5 : f64
  %0 = arith.mulf %h2, %c : f64
  ssm.next "h" %0 : f64
  ssm.output "y" %h3 [time] : f64
}

// -----
// Initial values go with the scan; a state without one begins as what seeds it, or with zero.
// CHECK-LABEL: @initial
// CHECK-DAG:     %[[C:.*]] = arith.constant 3.000000e+00
// CHECK:         ssm.scan "h" [], "p" [] seeded_by "h" matrix({{.*}}) drive({{.*}}) init(%[[C]], %[[C]]) : f64, f64
// CHECK-NOT:     ssm.initial
ssm.recurrence @initial dims [time] scan time {
  %c = arith.constant 3.0 : f64
  %h = ssm.previous "h" [] : f64
  %p = ssm.previous "p" [] seeded_by "h" : f64
  ssm.initial "h" %c : f64
  %0 = arith.addf %h, %p : f64
  ssm.next "h" %0 : f64
  ssm.next "p" %h : f64
}

// -----
// A next value that lacks a dimension of its state is broadcast: what reads it reads it as before, not the stream.
// CHECK-LABEL: @broadcast
// CHECK:         %[[H:.*]] = ssm.scan "h" [channel]
// CHECK:         %[[PAST:.*]] = ssm.before "h" %[[H]]
// CHECK:         %[[MEAN:.*]] = ssm.mean %[[PAST]] over [channel]
// CHECK:         ssm.output "y" %[[MEAN]] [time]
ssm.recurrence @broadcast dims [time, channel] scan time {
  %h = ssm.previous "h" [channel] : f64
  %0 = ssm.mean %h over [channel] : f64
  ssm.next "h" %0 : f64
  ssm.output "y" %0 [time] : f64
}

// -----
// A state is `scalar` where no sum of what depends on it runs over a dimension of its decay.
// CHECK-LABEL: @readouts
// CHECK-DAG:     ssm.scan "a" [key, value] scalar decay(
// CHECK-DAG:     ssm.scan "b" [key, value] decay(
// CHECK-DAG:     ssm.scan "c" [key, value] decay(
ssm.recurrence @readouts dims [time, key, value] scan time {
  %x = ssm.input "x" [time, value] : f64
  %a = ssm.previous "a" [key, value] : f64
  %b = ssm.previous "b" [key, value] : f64
  %c = ssm.previous "c" [key, value] : f64
  %0 = arith.mulf %a, %x : f64
  %1 = arith.mulf %b, %x : f64
  %2 = arith.mulf %c, %x : f64
  ssm.next "a" %0 : f64
  ssm.next "b" %1 : f64
  ssm.next "c" %2 : f64
  %3 = ssm.sum %0 over [key] : f64
  %4 = ssm.sum %1 over [value] : f64
  ssm.output "y" %3 [time, value] : f64
  ssm.output "z" %4 [time, key] : f64
  ssm.output "w" %2 [time, key, value] : f64
}

// -----
// Division by a complex number and negation scale too.
// CHECK-LABEL: @complex_scaled
// CHECK-DAG:     %[[A:.*]] = ssm.input "a"
// CHECK-DAG:     %[[B:.*]] = ssm.input "b"
// CHECK:         %[[ONCE:.*]] = complex.div %{{.*}}, %[[A]]
// CHECK:         %[[DECAY:.*]] = complex.neg %[[ONCE]]
// CHECK:         ssm.scan "h" [] scalar decay(%[[DECAY]]) drive(%[[B]]) : complex<f64>
ssm.recurrence @complex_scaled dims [time] scan time {
  %a = ssm.input "a" [time] : complex<f64>
  %b = ssm.input "b" [time] : complex<f64>
  %h = ssm.previous "h" [] : complex<f64>
  %0 = complex.div %h, %a : complex<f64>
  %1 = complex.neg %0 : complex<f64>
  %2 = complex.add %1, %b : complex<f64>
  ssm.next "h" %2 : complex<f64>
}

// -----
// A conjugate makes the state a pair of reals, a * conj(h) = (re(a) re(h) + im(a) im(h), im(a) re(h) - re(a) im(h)); the
// conjugate of that is complex-linear again.
// CHECK-LABEL: @conjugated
// CHECK-DAG:     %[[A:.*]] = ssm.input "a"
// CHECK-DAG:     %[[RE:.*]] = complex.re %[[A]]
// CHECK-DAG:     %[[IM:.*]] = complex.im %[[A]]
// CHECK-DAG:     %[[MINUS:.*]] = arith.negf %[[RE]]
// CHECK:         ssm.scan "h" [] part re, "h" [] part im matrix(%[[RE]], %[[IM]], %[[IM]], %[[MINUS]])
// CHECK:         %[[CONJ:.*]] = complex.conj %[[A]]
// CHECK:         ssm.scan "g" [] scalar decay(%[[CONJ]])
ssm.recurrence @conjugated dims [time] scan time {
  %a = ssm.input "a" [time] : complex<f64>
  %h = ssm.previous "h" [] : complex<f64>
  %g = ssm.previous "g" [] : complex<f64>
  %0 = complex.conj %h : complex<f64>
  %1 = complex.mul %a, %0 : complex<f64>
  ssm.next "h" %1 : complex<f64>
  %2 = complex.conj %g : complex<f64>
  %3 = complex.mul %a, %2 : complex<f64>
  %4 = complex.conj %3 : complex<f64>
  ssm.next "g" %4 : complex<f64>
}

// -----
// A rename and its inverse, a flip and another, leave the state where it was; a factor in between has moved.
// CHECK-LABEL: @moved_back
// CHECK:         %[[A:.*]] = ssm.input "a"
// CHECK:         %[[F:.*]] = ssm.flip %[[A]] state
// CHECK:         ssm.scan "h" [state] decay(%[[F]])
ssm.recurrence @moved_back dims [time, state, col like state] scan time {
  %a = ssm.input "a" [state] : f64
  %h = ssm.previous "h" [state] : f64
  %0 = ssm.rename %h state to col : f64
  %1 = ssm.rename %0 col to state : f64
  %2 = ssm.flip %1 state : f64
  %3 = arith.mulf %2, %a : f64
  %4 = ssm.flip %3 state : f64
  ssm.next "h" %4 : f64
}

// -----
// The same of a sum, along a dimension that it leaves.
// CHECK-LABEL: @sum_moved
// CHECK-DAG:     %[[P:.*]] = ssm.input "p"
// CHECK-DAG:     %[[Q:.*]] = ssm.input "q"
// CHECK:         ssm.scan "h" [key, value] identity left(%[[P]]) right(%[[Q]]) over [key]
ssm.recurrence @sum_moved dims [time, key, value, other like value] scan time {
  %p = ssm.input "p" [key] : f64
  %q = ssm.input "q" [key, value] : f64
  %h = ssm.previous "h" [key, value] : f64
  %0 = arith.mulf %q, %h : f64
  %1 = ssm.sum %0 over [key] : f64
  %2 = ssm.rename %1 value to other : f64
  %3 = ssm.rename %2 other to value : f64
  %4 = ssm.flip %3 value : f64
  %5 = ssm.flip %4 value : f64
  %6 = arith.mulf %5, %p : f64
  %7 = arith.addf %h, %6 : f64
  ssm.next "h" %7 : f64
}

// -----
// Equal products are one coefficient in whatever order they are written, and cancel; other values are other ones, however
// alike they are.
// CHECK-LABEL: @equal_coefficients
// CHECK-DAG:     %[[A:.*]] = ssm.input "a"
// CHECK-DAG:     %[[B:.*]] = ssm.input "b"
// CHECK:         ssm.scan "h" [channel] identity drive(%[[B]])
// CHECK:         %[[D:.*]] = arith.subf %[[A]], %[[B]]
// CHECK:         ssm.scan "g" [channel] decay(%[[D]])
ssm.recurrence @equal_coefficients dims [time, channel] scan time {
  %a = ssm.input "a" [channel] : f64
  %b = ssm.input "b" [channel] : f64
  %h = ssm.previous "h" [channel] : f64
  %g = ssm.previous "g" [channel] : f64
  %0 = arith.mulf %a, %h : f64
  %1 = arith.mulf %h, %a : f64
  %2 = arith.subf %0, %1 : f64
  %3 = arith.addf %2, %h : f64
  %4 = arith.addf %3, %b : f64
  ssm.next "h" %4 : f64
  %5 = arith.mulf %a, %g : f64
  %6 = arith.mulf %b, %g : f64
  %7 = arith.subf %5, %6 : f64
  ssm.next "g" %7 : f64
}

// -----
// Parts whose coefficients are not those of one complex number are a pair of reals.
// CHECK-LABEL: @complex_in_other_parts
// CHECK-DAG:     %[[A:.*]] = ssm.input "a"
// CHECK-DAG:     %[[B:.*]] = ssm.input "b"
// CHECK-DAG:     %[[C:.*]] = ssm.input "c"
// CHECK-DAG:     %[[MINUS:.*]] = arith.negf %[[B]]
// CHECK:         ssm.scan "h" [] part re, "h" [] part im matrix(%[[A]], %[[MINUS]], %[[B]], %[[C]])
ssm.recurrence @complex_in_other_parts dims [time] scan time {
  %a = ssm.input "a" [time] : f64
  %b = ssm.input "b" [time] : f64
  %c = ssm.input "c" [time] : f64
  %h = ssm.previous "h" [] : complex<f64>
  %re = complex.re %h : complex<f64>
  %im = complex.im %h : complex<f64>
  %0 = arith.mulf %a, %re : f64
  %1 = arith.mulf %b, %im : f64
  %2 = arith.subf %0, %1 : f64
  %3 = arith.mulf %b, %re : f64
  %4 = arith.mulf %c, %im : f64
  %5 = arith.addf %3, %4 : f64
  %n = complex.create %2, %5 : complex<f64>
  ssm.next "h" %n : complex<f64>
}

// -----
// Where both sides have the term, the coefficients are chosen between.
// CHECK-LABEL: @chosen_on_both_sides
// CHECK-DAG:     %[[A:.*]] = ssm.input "a"
// CHECK-DAG:     %[[B:.*]] = ssm.input "b"
// CHECK:         %[[DECAY:.*]] = arith.select %[[IS:.*]], %[[A]], %[[B]] : f64
// CHECK:         %[[DRIVE:.*]] = arith.select %[[IS]], %{{.*}}, %[[B]] : f64
// CHECK:         ssm.scan "h" [] scalar decay(%[[DECAY]]) drive(%[[DRIVE]])
ssm.recurrence @chosen_on_both_sides dims [time] scan time {
  %a = ssm.input "a" [time] : f64
  %b = ssm.input "b" [time] : f64
  %h = ssm.previous "h" [] : f64
  %c = arith.cmpf ogt, %a, %b : f64
  %0 = arith.mulf %a, %h : f64
  %1 = arith.mulf %b, %h : f64
  %2 = arith.addf %1, %b : f64
  %n = arith.select %c, %0, %2 : f64
  ssm.next "h" %n : f64
}

// -----
// What another component computes is known, whatever is done to it: a state over (max, +) in an exponent, its past as a
// drive.
// CHECK-LABEL: @known_before
// CHECK:         %[[M:.*]] = ssm.scan "m" [] max identity
// CHECK:         %[[PAST:.*]] = ssm.before "m" %[[M]]
// CHECK:         ssm.scan "g" [] scalar log_decay(%[[M]]) drive(%[[PAST]])
ssm.recurrence @known_before dims [time] scan time {
  %u = ssm.input "u" [time] : f64
  %m = ssm.previous "m" [] : f64
  %g = ssm.previous "g" [] : f64
  %0 = arith.maximumf %m, %u : f64
  %e = math.exp %0 : f64
  %1 = arith.mulf %g, %e : f64
  %2 = arith.addf %1, %m : f64
  ssm.next "m" %0 : f64
  ssm.next "g" %2 : f64
}
