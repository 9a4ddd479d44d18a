// RUN: ssm-opt %s --split-input-file --ssm-overlap-rows | FileCheck %s
// RUN: ssm-opt %s --split-input-file --ssm-overlap-rows=registers=4 | FileCheck %s --check-prefix=FEW

// Two chains come to stand in each other, as far as registers hold both.
// CHECK-LABEL: func.func @chains
// CHECK:         %[[A:.*]] = math.fma %{{.*}}, %{{.*}}, %[[C:.*]] : vector<16xf32>
// CHECK-NEXT:    %[[B:.*]] = math.fma
// CHECK-NEXT:    %[[A2:.*]] = math.fma %[[A]], %[[A]]
// CHECK-NEXT:    %[[B2:.*]] = math.fma %[[B]], %[[B]]
// FEW-LABEL:   func.func @chains
// FEW:           %[[A:.*]] = math.fma
// FEW:           %[[A2:.*]] = math.fma %[[A]], %[[A]]
// FEW:           %[[A3:.*]] = math.fma %[[A2]], %[[A2]]
// FEW:           %[[B:.*]] = math.fma
func.func @chains(%n: i64, %p: !llvm.ptr, %q: !llvm.ptr, %s: vector<16xf32>, %t: vector<16xf32>) {
  %c0 = arith.constant 0 : i64
  %c1 = arith.constant 1 : i64
  %c16 = arith.constant 16 : i64
  %k = arith.constant dense<2.0> : vector<16xf32>
  %0:2 = scf.for %i = %c0 to %n step %c1 iter_args(%h = %s, %g = %t) -> (vector<16xf32>, vector<16xf32>) : i64 {
    %a = math.fma %h, %h, %k : vector<16xf32>
    %a2 = math.fma %a, %a, %k : vector<16xf32>
    %a3 = math.fma %a2, %a2, %h : vector<16xf32>
    ssm.tile_store %a3, f32 %q[%c0] strides(%c1) : !llvm.ptr, vector<16xf32>
    %b = math.fma %g, %g, %k : vector<16xf32>
    %b2 = math.fma %b, %b, %k : vector<16xf32>
    %b3 = math.fma %b2, %b2, %g : vector<16xf32>
    ssm.tile_store %b3, f32 %q[%c16] strides(%c1) : !llvm.ptr, vector<16xf32>
    scf.yield %a3, %b3 : vector<16xf32>, vector<16xf32>
  }
  return
}

// -----

// What reads an array waits for what wrote to it before, and what writes waits for what read.
// CHECK-LABEL: func.func @one_array
// CHECK:         ssm.tile_load
// CHECK:         ssm.tile_store
// CHECK:         ssm.tile_load
// CHECK:         ssm.tile_store
func.func @one_array(%n: i64, %p: !llvm.ptr) {
  %c0 = arith.constant 0 : i64
  %c1 = arith.constant 1 : i64
  %c16 = arith.constant 16 : i64
  scf.for %i = %c0 to %n step %c1 : i64 {
    %a = ssm.tile_load f32 %p[%c0] strides(%c1) : !llvm.ptr, vector<16xf32>
    %a2 = arith.mulf %a, %a : vector<16xf32>
    ssm.tile_store %a2, f32 %p[%c0] strides(%c1) : !llvm.ptr, vector<16xf32>
    %b = ssm.tile_load f32 %p[%c16] strides(%c1) : !llvm.ptr, vector<16xf32>
    %b2 = arith.mulf %b, %b : vector<16xf32>
    ssm.tile_store %b2, f32 %p[%c16] strides(%c1) : !llvm.ptr, vector<16xf32>
  }
  return
}

// -----

// So does everything before and after an operation that the pass does not know.
// CHECK-LABEL: func.func @between
// CHECK:         arith.mulf
// CHECK:         arith.addf
// CHECK:         ssm.tile_store
// CHECK:         call @unknown
// CHECK:         arith.mulf
func.func private @unknown()
func.func @between(%n: i64, %p: !llvm.ptr, %q: !llvm.ptr) {
  %c0 = arith.constant 0 : i64
  %c1 = arith.constant 1 : i64
  %c16 = arith.constant 16 : i64
  scf.for %i = %c0 to %n step %c1 : i64 {
    %a = ssm.tile_load f32 %p[%c0] strides(%c1) : !llvm.ptr, vector<16xf32>
    %a2 = arith.mulf %a, %a : vector<16xf32>
    %a3 = arith.addf %a2, %a : vector<16xf32>
    ssm.tile_store %a3, f32 %q[%c0] strides(%c1) : !llvm.ptr, vector<16xf32>
    func.call @unknown() : () -> ()
    %b = ssm.tile_load f32 %p[%c16] strides(%c1) : !llvm.ptr, vector<16xf32>
    %b2 = arith.mulf %b, %b : vector<16xf32>
    ssm.tile_store %b2, f32 %q[%c16] strides(%c1) : !llvm.ptr, vector<16xf32>
  }
  return
}
