// RUN: ssm-opt %s --split-input-file --ssm-sink-stores | FileCheck %s

// Each store goes behind the last load that does not read its array, and stays before what does.
// CHECK-LABEL: func.func @channels
// CHECK:         %[[IN:.*]] = ssm.shared 512
// CHECK:         %[[OUT:.*]] = ssm.shared 512
// CHECK:         %[[A:.*]] = llvm.load
// CHECK-NEXT:    %[[FROM:.*]] = llvm.getelementptr %[[IN]]
// CHECK-NEXT:    llvm.load %[[FROM]]
// CHECK-NEXT:    llvm.load %{{.*}} : !llvm.ptr -> f32
// CHECK-NEXT:    llvm.call_intrinsic
// CHECK-NEXT:    llvm.load %[[IN]]
// CHECK-NEXT:    llvm.store %[[A]], %[[OUT]]
// CHECK-NEXT:    llvm.call_intrinsic
// CHECK-NEXT:    llvm.load %[[OUT]]
// CHECK-NEXT:    llvm.load %[[IN]]
func.func @channels(%x: !llvm.ptr) -> (f32, f32, f32) {
  %in = ssm.shared 512 : !llvm.ptr<3>
  %out = ssm.shared 512 : !llvm.ptr<3>
  %a = llvm.load %in : !llvm.ptr<3> -> f32
  llvm.store %a, %out : f32, !llvm.ptr<3>
  %p = llvm.getelementptr %in[64] : (!llvm.ptr<3>) -> !llvm.ptr<3>, f32
  %b = llvm.load %p : !llvm.ptr<3> -> f32
  %w = llvm.load %x : !llvm.ptr -> f32
  %f = llvm.call_intrinsic "llvm.nvvm.ex2.approx.ftz"(%b) : (f32) -> f32
  %c = llvm.load %in : !llvm.ptr<3> -> f32
  %s = llvm.call_intrinsic "llvm.nvvm.ex2.approx.ftz"(%c) : (f32) -> f32
  %d = llvm.load %out : !llvm.ptr<3> -> f32
  %e = llvm.load %in : !llvm.ptr<3> -> f32
  %t = arith.addf %d, %e : f32
  return %s, %t, %f : f32, f32, f32
}

// -----

// Two stores to one array stay in order.
// CHECK-LABEL: func.func @same_array
// CHECK:         %[[A:.*]] = llvm.load
// CHECK-NEXT:    %[[B:.*]] = llvm.load
// CHECK-NEXT:    llvm.load
// CHECK-NEXT:    llvm.store %[[A]]
// CHECK-NEXT:    llvm.store %[[B]]
func.func @same_array() -> (f32, f32, f32) {
  %in = ssm.shared 512 : !llvm.ptr<3>
  %out = ssm.shared 512 : !llvm.ptr<3>
  %a = llvm.load %in : !llvm.ptr<3> -> f32
  llvm.store %a, %out : f32, !llvm.ptr<3>
  %b = llvm.load %in : !llvm.ptr<3> -> f32
  llvm.store %b, %out : f32, !llvm.ptr<3>
  %c = llvm.load %in : !llvm.ptr<3> -> f32
  return %a, %b, %c : f32, f32, f32
}

// -----

// A barrier, a branch, volatile loads, and shared memory of which the array is not known are not passed. Where no load
// of shared memory follows, a store stays.
// CHECK-LABEL: func.func @left
// CHECK:         llvm.store
// CHECK-NEXT:    gpu.barrier
// CHECK-NEXT:    llvm.load
// CHECK-NEXT:    llvm.store
// CHECK-NEXT:    scf.if
// CHECK:         llvm.load
// CHECK-NEXT:    llvm.store
// CHECK-NEXT:    llvm.load volatile
// CHECK-NEXT:    llvm.store
// CHECK-NEXT:    llvm.load %{{.*}} : !llvm.ptr<3>
// CHECK-NEXT:    llvm.store
// CHECK-NEXT:    llvm.load %{{.*}} : !llvm.ptr ->
func.func @left(%x: !llvm.ptr, %any: !llvm.ptr<3>, %is: i1, %v: f32) -> (f32, f32, f32, f32, f32) {
  %in = ssm.shared 512 : !llvm.ptr<3>
  %out = ssm.shared 512 : !llvm.ptr<3>
  llvm.store %v, %out : f32, !llvm.ptr<3>
  gpu.barrier
  %a = llvm.load %in : !llvm.ptr<3> -> f32
  llvm.store %a, %out : f32, !llvm.ptr<3>
  scf.if %is {
    llvm.store %v, %in : f32, !llvm.ptr<3>
  }
  %b = llvm.load %in : !llvm.ptr<3> -> f32
  llvm.store %b, %out : f32, !llvm.ptr<3>
  %c = llvm.load volatile %in : !llvm.ptr<3> -> f32
  llvm.store %c, %out : f32, !llvm.ptr<3>
  %d = llvm.load %any : !llvm.ptr<3> -> f32
  llvm.store %d, %out : f32, !llvm.ptr<3>
  %e = llvm.load %x : !llvm.ptr -> f32
  return %a, %b, %c, %d, %e : f32, f32, f32, f32, f32
}
