// RUN: ssm-opt %s --ssm-expand-math --split-input-file --verify-diagnostics
// RUN: not ssm-opt %s --ssm-expand-math=target=arm 2>&1 | FileCheck %s
// CHECK: error: ssm-expand-math: unknown target 'arm', expected cpu, avx512 or nvptx

func.func @storage_type(%x: bf16) -> bf16 {
  // expected-error@+1 {{'math.exp' op cannot be expanded on 'bf16', only on f32, f64 and fixed vectors of them}}
  %r = math.exp %x : bf16
  return %r : bf16
}

// -----

func.func @tensor(%x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error@+1 {{'ssm.silu' op cannot be expanded on 'tensor<4xf32>', only on f32, f64 and fixed vectors of them}}
  %r = ssm.silu %x : tensor<4xf32>
  return %r : tensor<4xf32>
}

// -----

func.func @scalable(%x: vector<[4]xf32>) -> vector<[4]xf32> {
  // expected-error@+1 {{'math.tanh' op cannot be expanded on 'vector<[4]xf32>', only on f32, f64 and fixed vectors of them}}
  %r = math.tanh %x : vector<[4]xf32>
  return %r : vector<[4]xf32>
}

// -----

func.func @unknown(%x: f32, %n: i32) -> f32 {
  // expected-error@+1 {{'math.fpowi' op has no expansion into arithmetic}}
  %r = math.fpowi %x, %n : f32, i32
  return %r : f32
}
