// RUN: ssm-opt %s --split-input-file --verify-diagnostics --ssm-lower-to-cpu | FileCheck %s

// Arguments come from an array of words, one each; every task of the range is one call, and its number the last argument.
// CHECK-LABEL: func.func private @kernel
// CHECK-SAME:    (%{{.*}}: !llvm.ptr, %{{.*}}: f64, %{{.*}}: i64, %[[TASK:.*]]: i64)
// CHECK-NOT:     ssm.tile_place
// CHECK:         llvm.store %[[TASK]]
// CHECK-LABEL: func.func @kernel_tasks
// CHECK-SAME:    (%[[WORDS:.*]]: !llvm.ptr, %[[BEGIN:.*]]: i64, %[[END:.*]]: i64)
// CHECK:         llvm.getelementptr %[[WORDS]][0]
// CHECK-NEXT:    %[[P:.*]] = llvm.load {{.*}} -> !llvm.ptr
// CHECK:         llvm.getelementptr %[[WORDS]][1]
// CHECK-NEXT:    %[[X:.*]] = llvm.load {{.*}} -> f64
// CHECK:         llvm.getelementptr %[[WORDS]][2]
// CHECK-NEXT:    %[[N:.*]] = llvm.load {{.*}} -> i64
// CHECK:         scf.for %[[I:.*]] = %[[BEGIN]] to %[[END]]
// CHECK:           call @kernel(%[[P]], %[[X]], %[[N]], %[[I]])
func.func @kernel(%p: !llvm.ptr, %x: f64, %n: i64) {
  %task = ssm.tile_place grid : i64
  llvm.store %task, %p : i64, !llvm.ptr
  return
}

// -----
func.func @threads(%p: !llvm.ptr) {
  // expected-error@+1 {{a CPU has no level 'thread'}}
  %thread = ssm.tile_place thread : i64
  return
}
