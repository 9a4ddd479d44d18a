// RUN: ssm-opt %s --ssm-expand-math=target=avx512 | FileCheck %s
// RUN: ssm-opt %s --ssm-expand-math=target=nvptx | FileCheck %s --check-prefix=GPU

// A gate and one less the gate take one exponential and one division, whichever comes first.
// CHECK-LABEL: func.func @gates
// CHECK-COUNT-1: llvm.x86.avx512.mask.scalef.ps.512
// CHECK-NOT:     llvm.x86.avx512.mask.scalef.ps.512
// CHECK-COUNT-1: arith.divf
// CHECK-NOT:     arith.divf
// CHECK-COUNT-2: arith.select
// CHECK:         return
// A GPU's special functions are cheaper than choosing.
// GPU-LABEL: func.func @gates
// GPU-NOT:     arith.select
// GPU:         return
func.func @gates(%x: vector<16xf32>) -> (vector<16xf32>, vector<16xf32>) {
  %negative = arith.negf %x : vector<16xf32>
  %keep = ssm.sigmoid %negative : vector<16xf32>
  %take = ssm.sigmoid %x : vector<16xf32>
  return %keep, %take : vector<16xf32>, vector<16xf32>
}

// Those of different numbers do not.
// CHECK-LABEL: func.func @different
// CHECK-COUNT-2: llvm.x86.avx512.mask.scalef.ps.512
func.func @different(%x: vector<16xf32>, %y: vector<16xf32>) -> (vector<16xf32>, vector<16xf32>) {
  %negative = arith.negf %y : vector<16xf32>
  %keep = ssm.sigmoid %negative : vector<16xf32>
  %take = ssm.sigmoid %x : vector<16xf32>
  return %keep, %take : vector<16xf32>, vector<16xf32>
}
