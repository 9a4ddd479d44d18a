// RUN: ssm-opt %s | ssm-opt | FileCheck %s
// RUN: ssm-opt %s -mlir-print-op-generic | ssm-opt | FileCheck %s
// Every form of ssm.scan's table prints as it is read, and reads what it prints, its generic form as well.

// CHECK-LABEL: ssm.recurrence @elementwise
ssm.recurrence @elementwise dims [batch, group, member, state, time] scan time {
  %a = ssm.input "a" [batch, (group member), state, time] : f64
  %b = ssm.input "b" [batch, (group member), time] : f64
  %c = ssm.input "c" [batch, time] : f64
  %h0 = ssm.input "h0" [state] : f64
  // CHECK: %[[H:.*]] = ssm.scan "h" [batch, (group member), state] stored f32 decay(%{{.*}}) drive(%{{.*}}) init(%{{.*}}) : f64
  %h = ssm.scan "h" [batch, (group member), state] stored f32 decay(%a) drive(%b) init(%h0) : f64
  // CHECK: ssm.scan "l" [batch, (group member), state] log_decay(%{{.*}}) drive(%{{.*}}) : f64
  %l = ssm.scan "l" [batch, (group member), state] log_decay(%a) drive(%b) : f64
  // CHECK: ssm.scan "s" [batch, state] scalar log_decay(%{{.*}}) drive(%{{.*}}) : f64
  %s = ssm.scan "s" [batch, state] scalar log_decay(%c) drive(%c) : f64
  // CHECK: ssm.scan "i" [batch] identity drive(%{{.*}}) : f64
  %i = ssm.scan "i" [batch] identity drive(%c) : f64
  // CHECK: ssm.scan "m" [batch] max decay(%{{.*}}) drive(%{{.*}}) {note = "kept"} : f64
  %m = ssm.scan "m" [batch] max decay(%c) drive(%c) {note = "kept"} : f64
  // CHECK: ssm.before "h" %[[H]] : f64
  %hp = ssm.before "h" %h : f64
  // CHECK: ssm.before "h" %[[H]] back 3 : f64
  %h3 = ssm.before "h" %h back 3 : f64
  // CHECK: ssm.final "h" %[[H]] : f64
  ssm.final "h" %h : f64
}

// CHECK-LABEL: ssm.recurrence @mixing
ssm.recurrence @mixing dims [key, value, "to" like key, time] scan time {
  %p = ssm.input "p" [key] : f64
  %M = ssm.input "M" [key, "to"] : f64
  %u = ssm.input "u" [time] : f64
  // CHECK: ssm.scan "S" [key, value] decay(%{{.*}}) left(%{{.*}}) right(%{{.*}}) over [key] drive(%{{.*}}) : f64
  %S = ssm.scan "S" [key, value] decay(%p) left(%p) right(%p) over [key] drive(%u) : f64
  // CHECK: ssm.scan "T" [key, value] identity left(%{{.*}}) right(%{{.*}}) over [key] drive(%{{.*}}) : f64
  %T = ssm.scan "T" [key, value] identity left(%p) right(%p) over [key] drive(%u) : f64
  // CHECK: ssm.scan "D" [key, value] matrix(%{{.*}}) over [key] from [to] drive(%{{.*}}) : f64
  %D = ssm.scan "D" [key, value] matrix(%M) over [key] from ["to"] drive(%u) : f64
  // CHECK: %{{.*}}:2 = ssm.scan "x" [key], "y" [key] stored bf16 matrix(%{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}) drive(%{{.*}}, %{{.*}}) init(%{{.*}}, %{{.*}}) : f64, f64
  %x:2 = ssm.scan "x" [key], "y" [key] stored bf16 matrix(%p, %p, %p, %p) drive(%u, %u) init(%p, %p) : f64, f64
  // CHECK: %{{.*}}:2 = ssm.scan "h" [key], "h.past" [key] seeded_by "h" matrix(
  %h:2 = ssm.scan "h" [key], "h.past" [key] seeded_by "h" matrix(%p, %p, %p, %p) drive(%u, %u) : f64, f64
  // CHECK: %{{.*}}:2 = ssm.scan "g" [key], "g" [key] back 2 max matrix(
  %g:2 = ssm.scan "g" [key], "g" [key] back 2 max matrix(%p, %p, %p, %p) drive(%u, %u) : f64, f64
}

// A transition of complex states may be real; parts of a complex state are real.
// CHECK-LABEL: ssm.recurrence @complex
ssm.recurrence @complex dims [channel, time] scan time {
  %r = ssm.input "r" [channel] : f64
  %u = ssm.input "u" [time] : complex<f64>
  %v = ssm.input "v" [time] : f64
  // CHECK: ssm.scan "a" [channel] stored complex<f32> decay(%{{.*}} : f64) drive(%{{.*}}) : complex<f64>
  %a = ssm.scan "a" [channel] stored complex<f32> decay(%r : f64) drive(%u) : complex<f64>
  // CHECK: ssm.scan "b" [channel] identity left(%{{.*}}) right(%{{.*}} : f64) over [channel] drive(%{{.*}}) : complex<f64>
  %b = ssm.scan "b" [channel] identity left(%u) right(%r : f64) over [channel] drive(%u) : complex<f64>
  // CHECK: ssm.scan "c" [channel] part re stored complex<f32>, "c" [channel] part im stored complex<f32> matrix(
  %c:2 = ssm.scan "c" [channel] part re stored complex<f32>, "c" [channel] part im stored complex<f32> matrix(%r, %r, %r, %r) drive(%v, %v) : f64, f64
}

// The attribute by itself.
// CHECK: #ssm.state<"h" [batch, (group member)] back 2 part im stored complex<f32> seeded_by "x">
module attributes {test.state = #ssm.state<"h" [batch, (group member)] back 2 part im stored complex<f32> seeded_by "x">} {
}
