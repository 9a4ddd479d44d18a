// RUN: ssm-opt %s --pass-pipeline='builtin.module(func.func(ssm-expand-math{target=nvptx}))' | FileCheck %s

// Three of sixteen exponentials are polynomials: the sixth, the eleventh and the last. Counting begins anew in each block
// of code.
// CHECK-LABEL: func @split
// CHECK-SAME:    ssm.exponentials = array<i64: 10, 2>
// CHECK-COUNT-5: llvm.call_intrinsic "llvm.nvvm.ex2.approx.ftz"
// CHECK-COUNT-5: llvm.intr.fma
// CHECK-COUNT-4: llvm.call_intrinsic "llvm.nvvm.ex2.approx.ftz"
// CHECK-COUNT-5: llvm.intr.fma
// CHECK:         scf.for
// CHECK:           llvm.call_intrinsic "llvm.nvvm.ex2.approx.ftz"
func.func @split(%x: f32, %from: index, %to: index) -> f32 attributes {ssm.polynomials = 3 : i64} {
  %1 = math.exp2 %x : f32
  %2 = math.exp2 %1 : f32
  %3 = math.exp2 %2 : f32
  %4 = math.exp2 %3 : f32
  %5 = math.exp2 %4 : f32
  %6 = math.exp2 %5 : f32
  %7 = math.exp2 %6 : f32
  %8 = math.exp2 %7 : f32
  %9 = math.exp2 %8 : f32
  %10 = math.exp2 %9 : f32
  %11 = math.exp2 %10 : f32
  %one = arith.constant 1 : index
  %r = scf.for %i = %from to %to step %one iter_args(%y = %11) -> f32 {
    %z = math.exp2 %y : f32
    scf.yield %z : f32
  }
  return %r : f32
}

// All of them, and none: what activations are made of counts as well, of f64 there are no special functions.
// CHECK-LABEL: func @all
// CHECK-SAME:    ssm.exponentials = array<i64: 0, 2>
// CHECK-NOT:     ex2.approx
// CHECK:         return
func.func @all(%x: f32, %w: f64) -> (f32, f32, f64) attributes {ssm.polynomials = 16 : i64} {
  %a = math.exp %x : f32
  %b = ssm.silu %x : f32
  %c = math.exp %w : f64
  return %a, %b, %c : f32, f32, f64
}

// CHECK-LABEL: func @none
// CHECK-SAME:    ssm.exponentials = array<i64: 2, 0>
// CHECK-COUNT-2: ex2.approx
func.func @none(%x: f32) -> (f32, f32) attributes {ssm.polynomials = 0 : i64} {
  %a = math.exp %x : f32
  %b = ssm.silu %x : f32
  return %a, %b : f32, f32
}
