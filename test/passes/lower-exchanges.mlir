// RUN: ssm-opt %s --ssm-lower-exchanges --cse | FileCheck %s

// The last warp has 8 lanes: it names no more.
// CHECK-LABEL: func.func @part
// CHECK:         %[[THREAD:.*]] = ssm.tile_place thread
// CHECK:         %[[ISLAST:.*]] = arith.cmpi sge, %[[THREAD]], %c32_i64
// CHECK:         %[[MASK:.*]] = arith.select %[[ISLAST]], %c255_i32, %c-1_i32
// CHECK:         nvvm.shfl.sync idx %[[MASK]], %{{.*}} : f32
func.func @part(%x: f32, %t: i64) -> f32 attributes {ssm.threads = 40 : i64} {
  %n = ssm.tile_exchange warp %x from %t : (f32, i64) -> f32
  return %n : f32
}

// f64 goes in two words, bf16 in the low half of one.
// CHECK-LABEL: func.func @words
// CHECK-COUNT-3: nvvm.shfl.sync idx %{{.*}} : i32 -> i32
// CHECK-NOT:     nvvm.shfl.sync
// CHECK:         return
func.func @words(%x: f64, %h: bf16, %t: i64) -> (f64, bf16) attributes {ssm.threads = 32 : i64} {
  %n:2 = ssm.tile_exchange warp %x, %h from %t : (f64, bf16, i64) -> (f64, bf16)
  return %n#0, %n#1 : f64, bf16
}

// 1024 threads fill 32 KiB with 8 values each: nine take two rounds.
// CHECK-LABEL: func.func @many
// CHECK:         ssm.shared 32768
// CHECK-COUNT-4: gpu.barrier
// CHECK-NOT:     gpu.barrier
// CHECK:         return
func.func @many(%x: f32, %t: i64) -> (f32, f32, f32, f32, f32, f32, f32, f32, f32) attributes {ssm.threads = 1024 : i64} {
  %n:9 = ssm.tile_exchange %x, %x, %x, %x, %x, %x, %x, %x, %x from %t
      : (f32, f32, f32, f32, f32, f32, f32, f32, f32, i64) -> (f32, f32, f32, f32, f32, f32, f32, f32, f32)
  return %n#0, %n#1, %n#2, %n#3, %n#4, %n#5, %n#6, %n#7, %n#8 : f32, f32, f32, f32, f32, f32, f32, f32, f32
}
