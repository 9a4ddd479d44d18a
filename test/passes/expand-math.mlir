// RUN: ssm-opt %s --ssm-expand-math --canonicalize --cse | FileCheck %s
// RUN: ssm-opt %s --ssm-expand-math=target=nvptx --canonicalize --cse | FileCheck %s --check-prefix=GPU
// RUN: ssm-opt %s --ssm-expand-math=contract=false | FileCheck %s --check-prefix=STRICT
// STRICT-NOT: contract>

// Thirteen operations on x86, where a comparison and a selection are one maximum: two bounds, a rounding by adding
// 1.5 * 2^23 + 126, two steps of reduction, degree 5, and the power of two from the rounded number's lowest bits.
// CHECK-LABEL: func @exp
// CHECK:         %[[LOW:.*]] = arith.cmpf ogt
// CHECK-NEXT:    %[[ATLEAST:.*]] = arith.select %[[LOW]]
// CHECK-NEXT:    %[[HIGH:.*]] = arith.cmpf olt
// CHECK-NEXT:    %[[X:.*]] = arith.select %[[HIGH]]
// CHECK-NEXT:    %[[SHIFTED:.*]] = math.fma %[[X]]
// CHECK-NEXT:    %[[N:.*]] = arith.subf %[[SHIFTED]]
// CHECK-NEXT:    %[[R1:.*]] = math.fma %[[N]], %{{.*}}, %[[X]]
// CHECK-NEXT:    %[[R:.*]] = math.fma %[[N]], %{{.*}}, %[[R1]]
// CHECK-COUNT-5: math.fma {{.*}}%[[R]]
// CHECK-NEXT:    %[[BITS:.*]] = arith.bitcast %[[SHIFTED]]
// CHECK-NEXT:    %[[FIELD:.*]] = arith.shli %[[BITS]]
// CHECK-NEXT:    %[[SCALE:.*]] = arith.bitcast %[[FIELD]]
// CHECK-NEXT:    %[[RESULT:.*]] = arith.mulf %{{.*}}, %[[SCALE]] fastmath<contract>
// CHECK-NEXT:    return %[[RESULT]]
// GPU-LABEL:   func @exp
// GPU:           %[[Y:.*]] = arith.mulf
// GPU-NEXT:      %[[E:.*]] = vector.extract %[[Y]][0]
// GPU-NEXT:      llvm.call_intrinsic "llvm.nvvm.ex2.approx.ftz"(%[[E]]) : (f32) -> f32
// GPU-COUNT-3:   llvm.call_intrinsic "llvm.nvvm.ex2.approx.ftz"
// GPU-NOT:       fma
// GPU:           vector.from_elements
func.func @exp(%x: vector<4xf32>) -> vector<4xf32> {
  %r = math.exp %x : vector<4xf32>
  return %r : vector<4xf32>
}

// A base of two needs no rounding of a product.
// CHECK-LABEL: func @exp2_of_a_scalar
// CHECK-COUNT-5: math.fma
// CHECK-NOT:     math.fma
// CHECK:         return
// GPU-LABEL:   func @exp2_of_a_scalar
// GPU-SAME:      (%[[X:.*]]: f32)
// GPU-NEXT:      %[[R:.*]] = llvm.call_intrinsic "llvm.nvvm.ex2.approx.ftz"(%[[X]])
// GPU-NEXT:      return %[[R]]
func.func @exp2_of_a_scalar(%x: f32) -> f32 {
  %r = math.exp2 %x : f32
  return %r : f32
}

// Two bounds are all that is selected: no branch for large arguments, no second polynomial, no division.
// CHECK-LABEL: func @softplus
// CHECK-NOT:     scf.if
// CHECK-NOT:     arith.divf
// CHECK-COUNT-2: arith.select
// CHECK-NOT:     arith.select
// CHECK-NOT:     arith.divf
// CHECK:         return
// GPU-LABEL:   func @softplus
// GPU-NOT:       arith.select
// GPU:           llvm.call_intrinsic "llvm.nvvm.ex2.approx.ftz"
// GPU-NOT:       arith.select
// GPU-COUNT-8:   llvm.intr.fma
// GPU-NEXT:      return
func.func @softplus(%x: f32) -> f32 {
  %r = ssm.softplus %x : f32
  return %r : f32
}

// One division, and the negation is in the constants.
// CHECK-LABEL: func @silu
// CHECK-NOT:     arith.negf
// CHECK-COUNT-1: arith.divf
// CHECK-NOT:     arith.divf
// CHECK:         return
// GPU-LABEL:   func @silu
// GPU:           arith.maximumf
// GPU-NEXT:      arith.mulf
// GPU-NEXT:      llvm.call_intrinsic "llvm.nvvm.ex2.approx.ftz"
// GPU-NEXT:      arith.addf
// GPU-NEXT:      nvvm.rcp.approx.ftz.f
// GPU-NEXT:      arith.mulf
// GPU-NEXT:      return
func.func @silu(%x: f32) -> f32 {
  %r = ssm.silu %x : f32
  return %r : f32
}

// f64 has no special functions.
// GPU-LABEL:   func @wide
// GPU-NOT:       nvvm
// GPU:           return
func.func @wide(%x: vector<2x4xf64>) -> vector<2x4xf64> {
  %0 = math.exp %x : vector<2x4xf64>
  %1 = ssm.sigmoid %0 : vector<2x4xf64>
  return %1 : vector<2x4xf64>
}

// Upstream's conversion to NVVM calls a library for each of these.
// CHECK-LABEL: func @primitives
// CHECK-NEXT:    math.fma
// CHECK-NEXT:    math.roundeven
// CHECK-NEXT:    math.sqrt
// CHECK-NEXT:    math.absf
// CHECK-NEXT:    math.floor
// CHECK-NEXT:    math.copysign
// GPU-LABEL:   func @primitives
// GPU-NEXT:      llvm.intr.fma
// GPU-NEXT:      llvm.call_intrinsic "llvm.roundeven"
// GPU-NEXT:      llvm.call_intrinsic "llvm.sqrt"
// GPU-NEXT:      llvm.call_intrinsic "llvm.fabs"
// GPU-NEXT:      llvm.call_intrinsic "llvm.floor"
// GPU-NEXT:      llvm.call_intrinsic "llvm.copysign"
func.func @primitives(%x: f32) -> f32 {
  %0 = math.fma %x, %x, %x : f32
  %1 = math.roundeven %0 : f32
  %2 = math.sqrt %1 : f32
  %3 = math.absf %2 : f32
  %4 = math.floor %3 : f32
  %5 = math.copysign %4, %x : f32
  return %5 : f32
}

// What does not round is left alone, integer operations too; flags that were there stay.
// CHECK-LABEL: func @contract
// CHECK-NEXT:    arith.mulf {{.*}} fastmath<contract>
// CHECK-NEXT:    arith.addf {{.*}} fastmath<reassoc,contract>
// CHECK-NEXT:    arith.maximumf %{{.*}}, %{{.*}} : f32
// CHECK-NEXT:    math.ctpop
func.func @contract(%x: f32, %i: i32) -> (f32, i32) {
  %0 = arith.mulf %x, %x : f32
  %1 = arith.addf %0, %x fastmath<reassoc> : f32
  %2 = arith.maximumf %1, %x : f32
  %3 = math.ctpop %i : i32
  return %2, %3 : f32, i32
}
