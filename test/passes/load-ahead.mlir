// RUN: ssm-opt %s --split-input-file --ssm-load-ahead | FileCheck %s

// A load moves with the conditions around it; what is there for the first turn is asked before the loop.
// CHECK-LABEL: func.func @guarded
// CHECK-SAME:    (%[[X:.*]]: !llvm.ptr {llvm.noalias}, %{{.*}}: !llvm.ptr<3>, %[[N:.*]]: i64, %[[LIMIT:.*]]: i64)
// CHECK-NOT:     load_ahead
// CHECK:         %[[ANY:.*]] = arith.cmpi slt, %c0_i64, %[[N]]
// CHECK:         %[[INSIDE:.*]] = arith.cmpi slt, %c0_i64, %[[LIMIT]]
// CHECK:         %[[BOTH:.*]] = arith.andi %[[ANY]], %[[INSIDE]]
// CHECK:         %[[FIRST:.*]] = scf.if %[[BOTH]] -> (vector<4xf32>)
// CHECK:           llvm.load
// CHECK:         else
// CHECK:           ub.poison
// CHECK:         scf.for %[[T:.*]] = %c0_i64 to %[[N]] step %c32_i64 iter_args(%[[NOW:.*]] = %[[FIRST]])
// CHECK:           scf.if
// CHECK-NEXT:        llvm.getelementptr
// CHECK-NEXT:        llvm.store %[[NOW]]
// CHECK:           gpu.barrier
// CHECK:           %[[NEXT:.*]] = arith.addi %[[T]], %c32_i64
// CHECK:           %[[IS:.*]] = arith.cmpi slt, %[[NEXT]], %[[N]]
// CHECK:           %[[THERE:.*]] = arith.cmpi slt, %[[NEXT]], %[[LIMIT]]
// CHECK:           arith.andi %[[IS]], %[[THERE]]
// CHECK:           %[[LATER:.*]] = scf.if
// CHECK:             %[[PLACE:.*]] = llvm.getelementptr %[[X]][%[[NEXT]]]
// CHECK:             llvm.load %[[PLACE]] {alignment = 16 : i64}
// CHECK:           scf.yield %[[LATER]]
func.func @guarded(%x: !llvm.ptr {llvm.noalias}, %s: !llvm.ptr<3>, %n: i64, %limit: i64) attributes {ssm.load_ahead} {
  %c0 = arith.constant 0 : i64
  %c32 = arith.constant 32 : i64
  scf.for %t = %c0 to %n step %c32 : i64 {
    %inside = arith.cmpi slt, %t, %limit : i64
    scf.if %inside {
      %p = llvm.getelementptr %x[%t] : (!llvm.ptr, i64) -> !llvm.ptr, f32
      %v = llvm.load %p {alignment = 16 : i64} : !llvm.ptr -> vector<4xf32>
      llvm.store %v, %s : vector<4xf32>, !llvm.ptr<3>
    }
    gpu.barrier
  }
  return
}

// -----

// What the kernel writes, what may be the same memory, what a loaded number says the place of, and turns of one
// step stay as they are.
// CHECK-LABEL: func.func @left
// CHECK:         scf.for %{{.*}} = %c0_i64 to %{{.*}} step %c32_i64  : i64
// CHECK-COUNT-4:   llvm.load
// CHECK:           gpu.barrier
// CHECK:         scf.for
// CHECK-NEXT:      llvm.getelementptr
// CHECK-NEXT:      llvm.load
func.func @left(%x: !llvm.ptr {llvm.noalias}, %state: !llvm.ptr, %y: !llvm.ptr {llvm.noalias}, %s: !llvm.ptr<3>, %n: i64)
    attributes {ssm.load_ahead} {
  %c0 = arith.constant 0 : i64
  %c1 = arith.constant 1 : i64
  %c32 = arith.constant 32 : i64
  scf.for %t = %c0 to %n step %c32 : i64 {
    %p = llvm.getelementptr %state[%t] : (!llvm.ptr, i64) -> !llvm.ptr, i64
    %at = llvm.load %p : !llvm.ptr -> i64
    %q = llvm.getelementptr %x[%at] : (!llvm.ptr, i64) -> !llvm.ptr, f32
    %v = llvm.load %q : !llvm.ptr -> f32
    %r = llvm.getelementptr %y[%t] : (!llvm.ptr, i64) -> !llvm.ptr, f32
    %w = llvm.load %r : !llvm.ptr -> f32
    %h = llvm.load %s : !llvm.ptr<3> -> f32
    llvm.store %h, %r : f32, !llvm.ptr
    llvm.store %v, %s : f32, !llvm.ptr<3>
    llvm.store %w, %s : f32, !llvm.ptr<3>
    gpu.barrier
  }
  scf.for %t = %c0 to %n step %c1 : i64 {
    %p = llvm.getelementptr %x[%t] : (!llvm.ptr, i64) -> !llvm.ptr, f32
    %v = llvm.load %p : !llvm.ptr -> f32
    llvm.store %v, %s : f32, !llvm.ptr<3>
  }
  return
}

// -----

// Nothing is loaded ahead where it is not asked for.
// CHECK-LABEL: func.func @unasked
// CHECK-NOT:     scf.if
func.func @unasked(%x: !llvm.ptr {llvm.noalias}, %s: !llvm.ptr<3>, %n: i64) {
  %c0 = arith.constant 0 : i64
  %c32 = arith.constant 32 : i64
  scf.for %t = %c0 to %n step %c32 : i64 {
    %p = llvm.getelementptr %x[%t] : (!llvm.ptr, i64) -> !llvm.ptr, f32
    %v = llvm.load %p : !llvm.ptr -> f32
    llvm.store %v, %s : f32, !llvm.ptr<3>
    gpu.barrier
  }
  return
}

// -----

// Steps that read memory themselves, several a turn: all of it a turn before. What is left of them goes one by one.
// CHECK-LABEL: func.func @steps
// CHECK:         %[[FIRST:.*]] = scf.if
// CHECK:         scf.for %[[T:.*]] = %c0_i64 to %{{.*}} step %c4_i64 iter_args(%[[NOW:.*]] = %[[FIRST]])
// CHECK-NEXT:      %[[NEXT:.*]] = arith.addi %[[T]], %c4_i64
// CHECK:           %[[LATER:.*]] = scf.if
// CHECK:             llvm.getelementptr %{{.*}}[%[[NEXT]]]
// CHECK:           llvm.store %[[NOW]]
// CHECK:           scf.yield %[[LATER]]
// CHECK:         scf.for %{{.*}} = %{{.*}} to %{{.*}} step %c1_i64  : i64
// CHECK-NEXT:      llvm.getelementptr
// CHECK-NEXT:      llvm.load
func.func @steps(%x: !llvm.ptr {llvm.noalias}, %y: !llvm.ptr {llvm.noalias}, %n: i64) attributes {ssm.load_ahead} {
  %c0 = arith.constant 0 : i64
  %c1 = arith.constant 1 : i64
  %c4 = arith.constant 4 : i64
  %left = arith.remsi %n, %c4 : i64
  %whole = arith.subi %n, %left : i64
  scf.for %t = %c0 to %whole step %c4 : i64 {
    %p = llvm.getelementptr %x[%t] : (!llvm.ptr, i64) -> !llvm.ptr, f32
    %v = llvm.load %p : !llvm.ptr -> vector<4xf32>
    %q = llvm.getelementptr %y[%t] : (!llvm.ptr, i64) -> !llvm.ptr, f32
    llvm.store %v, %q : vector<4xf32>, !llvm.ptr
  }
  scf.for %t = %whole to %n step %c1 : i64 {
    %p = llvm.getelementptr %x[%t] : (!llvm.ptr, i64) -> !llvm.ptr, f32
    %v = llvm.load %p : !llvm.ptr -> f32
    %q = llvm.getelementptr %y[%t] : (!llvm.ptr, i64) -> !llvm.ptr, f32
    llvm.store %v, %q : f32, !llvm.ptr
  }
  return
}
