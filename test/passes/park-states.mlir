// RUN: ssm-opt %s --split-input-file --ssm-park-states | FileCheck %s

// A loop that holds nothing but the loop over steps keeps what it carries in registers.
// CHECK-LABEL: func.func @alone
// CHECK-NOT:     llvm.alloca
// CHECK:         return
func.func @alone(%n: i64, %h: vector<16xf32>) -> vector<16xf32> {
  %c0 = arith.constant 0 : i64
  %c1 = arith.constant 1 : i64
  %last = scf.for %t = %c0 to %n step %c1 iter_args(%outer = %h) -> (vector<16xf32>) : i64 {
    %after = scf.for %s = %c0 to %n step %c1 iter_args(%inner = %outer) -> (vector<16xf32>) : i64 {
      %next = arith.addf %inner, %inner : vector<16xf32>
      scf.yield %next : vector<16xf32>
    }
    scf.yield %after : vector<16xf32>
  }
  return %last : vector<16xf32>
}

// -----
// What the outer loop reads itself stays where it can.
// CHECK-LABEL: func.func @read_outside
// CHECK-NOT:     llvm.alloca
// CHECK:         return
func.func @read_outside(%n: i64, %h: vector<16xf32>, %p: !llvm.ptr) -> vector<16xf32> {
  %c0 = arith.constant 0 : i64
  %c1 = arith.constant 1 : i64
  %last = scf.for %t = %c0 to %n step %c1 iter_args(%outer = %h) -> (vector<16xf32>) : i64 {
    llvm.store %outer, %p : vector<16xf32>, !llvm.ptr
    scf.for %i = %c0 to %n step %c1 : i64 {
      llvm.store %i, %p : i64, !llvm.ptr
    }
    %after = scf.for %s = %c0 to %n step %c1 iter_args(%inner = %outer) -> (vector<16xf32>) : i64 {
      %next = arith.addf %inner, %inner : vector<16xf32>
      scf.yield %next : vector<16xf32>
    }
    scf.yield %after : vector<16xf32>
  }
  return %last : vector<16xf32>
}

// -----
// Two states have two places; both are there before the loop over steps begins.
// CHECK-LABEL: func.func @two
// CHECK-COUNT-2: llvm.alloca
// CHECK-COUNT-2: llvm.store volatile
// CHECK:         scf.for
// CHECK:           scf.for
// CHECK-COUNT-2:   llvm.load volatile
// CHECK:           scf.for
// CHECK-COUNT-2:   llvm.store volatile
// CHECK-COUNT-2: llvm.load volatile
func.func @two(%n: i64, %g: vector<8xf32>, %h: vector<16xf32>, %p: !llvm.ptr) -> (vector<8xf32>, vector<16xf32>) {
  %c0 = arith.constant 0 : i64
  %c1 = arith.constant 1 : i64
  %last:2 = scf.for %t = %c0 to %n step %c1 iter_args(%a = %g, %b = %h) -> (vector<8xf32>, vector<16xf32>) : i64 {
    scf.for %i = %c0 to %n step %c1 : i64 {
      llvm.store %i, %p : i64, !llvm.ptr
    }
    %after:2 = scf.for %s = %c0 to %n step %c1 iter_args(%c = %a, %d = %b) -> (vector<8xf32>, vector<16xf32>) : i64 {
      %e = arith.addf %c, %c : vector<8xf32>
      %f = arith.addf %d, %d : vector<16xf32>
      scf.yield %e, %f : vector<8xf32>, vector<16xf32>
    }
    scf.yield %after#0, %after#1 : vector<8xf32>, vector<16xf32>
  }
  return %last#0, %last#1 : vector<8xf32>, vector<16xf32>
}
