// RUN: ssm-opt %s --ssm-expand-math > %t.cpu && FileCheck %s < %t.cpu
// RUN: ssm-opt %s --ssm-expand-math=target=nvptx > %t.nvptx && FileCheck %s < %t.nvptx
// RUN: FileCheck %s --check-prefix=GPU < %t.nvptx

// To PTX with neither a call nor an external symbol.
// RUN: ssm-opt %t.nvptx --convert-vector-to-llvm --convert-math-to-llvm --convert-arith-to-llvm --convert-func-to-llvm \
// RUN:   --convert-ub-to-llvm --reconcile-unrealized-casts | mlir-translate --mlir-to-llvmir \
// RUN:   | llc -march=nvptx64 -mcpu=sm_90 -mattr=+ptx80 | FileCheck %s --check-prefix=PTX
// PTX-NOT: {{call|\.extern}}
// PTX:     .target sm_90
// PTX-NOT: {{call|\.extern}}

// Of math, these six alone; without branches.
// CHECK-NOT: {{math\.(acos|asin|atan|cbrt|ceil|cos |cosh|erf|exp|log|pow|is|clamp|round |rsqrt|sin|tan|trunc)}}
// CHECK-NOT: ssm.
// CHECK-NOT: {{scf|cf\.|call @}}
// GPU-NOT:   math.

func.func @exponentials(%x: f32, %y: f64) -> (f32, f32, f32, f32, f32, f64, f64, f64, f64, f64) {
  %0 = math.exp %x : f32
  %1 = math.exp2 %x : f32
  %2 = math.expm1 %x : f32
  %3 = math.sinh %x : f32
  %4 = math.cosh %x : f32
  %5 = math.exp %y : f64
  %6 = math.exp2 %y : f64
  %7 = math.expm1 %y : f64
  %8 = math.sinh %y : f64
  %9 = math.cosh %y : f64
  return %0, %1, %2, %3, %4, %5, %6, %7, %8, %9 : f32, f32, f32, f32, f32, f64, f64, f64, f64, f64
}

func.func @logarithms(%x: vector<4xf32>, %y: vector<2xf64>) -> (vector<4xf32>, vector<2xf64>) {
  %0 = math.log %x : vector<4xf32>
  %1 = math.log2 %0 : vector<4xf32>
  %2 = math.log10 %1 : vector<4xf32>
  %3 = math.log1p %2 : vector<4xf32>
  %4 = math.asinh %3 : vector<4xf32>
  %5 = math.acosh %4 : vector<4xf32>
  %6 = math.atanh %5 : vector<4xf32>
  %7 = math.cbrt %6 : vector<4xf32>
  %8 = math.powf %7, %x : vector<4xf32>
  %9 = math.log %y : vector<2xf64>
  %10 = math.log1p %9 : vector<2xf64>
  %11 = math.powf %10, %y : vector<2xf64>
  return %8, %11 : vector<4xf32>, vector<2xf64>
}

func.func @activations(%x: vector<4xf32>, %y: f64) -> (vector<4xf32>, f64) {
  %0 = ssm.softplus %x : vector<4xf32>
  %1 = ssm.sigmoid %0 : vector<4xf32>
  %2 = ssm.silu %1 : vector<4xf32>
  %3 = ssm.relu %2 : vector<4xf32>
  %4 = ssm.gelu %3 : vector<4xf32>
  %5 = math.tanh %4 : vector<4xf32>
  %6 = math.erf %5 : vector<4xf32>
  %7 = math.erfc %6 : vector<4xf32>
  %8 = math.rsqrt %7 : vector<4xf32>
  %9 = ssm.softplus %y : f64
  %10 = ssm.silu %9 : f64
  %11 = ssm.gelu %10 : f64
  %12 = math.tanh %11 : f64
  %13 = math.rsqrt %12 : f64
  return %8, %13 : vector<4xf32>, f64
}

func.func @trigonometry(%x: f32, %y: f64) -> (f32, f32, f64) {
  %sin, %cos = math.sincos %x : f32
  %0 = math.sin %sin : f32
  %1 = math.cos %0 : f32
  %2 = math.tan %1 : f32
  %3 = math.asin %2 : f32
  %4 = math.acos %3 : f32
  %5 = math.atan %4 : f32
  %6 = math.atan2 %5, %x : f32
  %7 = math.sin %y : f64
  %8 = math.cos %7 : f64
  return %6, %cos, %8 : f32, f32, f64
}

func.func @rounding_and_classes(%x: f32) -> (f32, i1, i1, i1, i1) {
  %0 = math.ceil %x : f32
  %1 = math.trunc %0 : f32
  %2 = math.round %1 : f32
  %3 = math.clampf %2 to [%x, %1] : f32
  %4 = math.isnan %x : f32
  %5 = math.isinf %x : f32
  %6 = math.isfinite %x : f32
  %7 = math.isnormal %x : f32
  return %3, %4, %5, %6, %7 : f32, i1, i1, i1, i1
}
