// RUN: ssm-opt %s --split-input-file --ssm-pack=arrays=slots_in,has_state=i64 | FileCheck %s
// RUN: ssm-opt %s --split-input-file --ssm-pack="arrays=cu_seqlens=i64 in-place" | FileCheck %s --check-prefix=PACKED

// The first axis of every state is that of rows; how many there are is the call's to say.
// CHECK-LABEL: ssm.recurrence @batched dims [batch, channel, time = 8] scan time attributes
// CHECK-SAME:    {ssm.rows = {arrays = {has_state = i64, slots_in = i32}, dim = "batch"}}
// CHECK:         ssm.previous "h" [batch, channel]
// So is how many steps packed rows have together. Their layouts stay: a batch of one.
// PACKED-LABEL: ssm.recurrence @batched dims [batch, channel, time] scan time attributes
// PACKED-SAME:    {ssm.rows = {arrays = {cu_seqlens = i64}, dim = "batch", in_place}}
// PACKED:         ssm.output "y" %{{.*}} [batch, channel, time]
ssm.recurrence @batched dims [batch = 4, channel, time = 8] scan time {
  %u = ssm.input "u" [batch, channel, time] : f64
  %r = ssm.input "r" [channel] : f64
  %hp = ssm.previous "h" [batch, channel] : f64
  %k = arith.mulf %r, %hp : f64
  %h = arith.addf %k, %u : f64
  ssm.next "h" %h : f64
  ssm.output "y" %h [batch, channel, time] : f64
}
