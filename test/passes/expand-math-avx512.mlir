// RUN: ssm-opt %s --ssm-expand-math=target=avx512 | FileCheck %s

// Fraction and scaling are instructions, and no bound is needed.
// CHECK-LABEL: func.func @exp2
// CHECK:         %[[F:.*]] = llvm.call_intrinsic "llvm.x86.avx512.mask.reduce.ps.512"(%[[X:[^,]*]],
// CHECK-COUNT-5: math.fma
// CHECK:         llvm.call_intrinsic "llvm.x86.avx512.mask.scalef.ps.512"(%{{[^,]*}}, %[[X]],
// CHECK-NOT:     arith.minimumf
func.func @exp2(%x: vector<16xf32>) -> vector<16xf32> {
  %0 = math.exp2 %x : vector<16xf32>
  return %0 : vector<16xf32>
}

// Smaller registers have instructions of their own, larger vectors are taken apart.
// CHECK-LABEL: func.func @other_widths
// CHECK:         llvm.x86.avx512.mask.reduce.ps.256
// CHECK-COUNT-2: llvm.x86.avx512.mask.reduce.pd.512
func.func @other_widths(%x: vector<8xf32>, %y: vector<16xf64>) -> (vector<8xf32>, vector<16xf64>) {
  %0 = math.exp2 %x : vector<8xf32>
  %1 = math.exp2 %y : vector<16xf64>
  return %0, %1 : vector<8xf32>, vector<16xf64>
}

// What fills no register is computed as on any processor.
// CHECK-LABEL: func.func @scalar
// CHECK-NOT:     llvm.call_intrinsic
// CHECK:         return
func.func @scalar(%x: f32, %y: vector<3xf32>) -> (f32, vector<3xf32>) {
  %0 = math.exp2 %x : f32
  %1 = math.exp2 %y : vector<3xf32>
  return %0, %1 : f32, vector<3xf32>
}
