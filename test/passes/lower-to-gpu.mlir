// RUN: ssm-opt %s --ssm-lower-to-gpu | FileCheck %s

// Blocks stride over the tasks, so that any grid is right; the last argument says how many tasks there are.
// CHECK:       module attributes {gpu.container_module}
// CHECK:         gpu.module
// CHECK:           gpu.func @kernel(%[[P:.*]]: !llvm.ptr, %[[TASKS:.*]]: i64) kernel
// CHECK-SAME:        known_block_size = array<i32: 64, 1, 1>
// CHECK-DAG:         %[[BLOCK:.*]] = arith.index_castui %block_id_x
// CHECK-DAG:         %[[GRID:.*]] = arith.index_castui %grid_dim_x
// CHECK-DAG:         %[[THREAD:.*]] = arith.index_castui %thread_id_x
// CHECK:             scf.for %[[TASK:.*]] = %[[BLOCK]] to %[[TASKS]] step %[[GRID]]
// CHECK:               %[[SUM:.*]] = arith.addi %[[TASK]], %[[THREAD]]
// CHECK:               llvm.store %[[SUM]]
// CHECK:             gpu.return
// CHECK-NOT:   func.func
func.func @kernel(%p: !llvm.ptr) attributes {ssm.threads = 64 : i64} {
  %task = ssm.tile_place grid : i64
  %thread = ssm.tile_place thread : i64
  %sum = arith.addi %task, %thread : i64
  llvm.store %sum, %p : i64, !llvm.ptr
  return
}

// As many blocks have to fit on a multiprocessor as the schedule asks for.
// CHECK:           gpu.func @resident(
// CHECK-SAME:        nvvm.minctasm = 3 : i32
func.func @resident() attributes {ssm.threads = 64 : i64, ssm.resident_blocks = 3 : i64} {
  return
}

// What threads share is a global of the module, of the kernel alone.
// CHECK:       llvm.mlir.global internal @sharing_shared0() {addr_space = 3 : i32, alignment = 16 : i64} : !llvm.array<256 x i8>
// CHECK:       gpu.func @sharing
// CHECK:         %[[MEMORY:.*]] = llvm.mlir.addressof @sharing_shared0 : !llvm.ptr<3>
// CHECK:         llvm.getelementptr %[[MEMORY]][%{{.*}}]
func.func @sharing() attributes {ssm.threads = 64 : i64} {
  %memory = ssm.shared 256 : !llvm.ptr<3>
  %thread = ssm.tile_place thread : i64
  %place = llvm.getelementptr %memory[%thread] : (!llvm.ptr<3>, i64) -> !llvm.ptr<3>, f32
  %zero = arith.constant 0.0 : f32
  llvm.store %zero, %place : f32, !llvm.ptr<3>
  return
}

// A loop whose bounds are known counts in 32 bits, one with loops inside in 64.
// CHECK:       gpu.func @counting
// CHECK-DAG:     %[[TO:.*]] = arith.constant 32 : i32
// CHECK-DAG:     %[[STEP:.*]] = arith.constant 8 : i32
// CHECK:         scf.for %[[I:.*]] = %{{.*}} to %[[TO]] step %[[STEP]] iter_args(%[[SUM:.*]] = %{{.*}}) -> (i64)  : i32
// CHECK-NEXT:      %[[WIDE:.*]] = arith.extui %[[I]] : i32 to i64
// CHECK-NEXT:      %[[NEXT:.*]] = arith.addi %[[SUM]], %[[WIDE]] : i64
// CHECK-NEXT:      scf.yield %[[NEXT]]
// CHECK:         scf.for %{{.*}} = %{{.*}} to %arg{{[0-9]+}} step %{{.*}} : i64
// CHECK:         scf.for %{{.*}} = %{{.*}} to %c2048_i64 step %{{.*}} : i64
// CHECK:           scf.for %{{.*}} = %{{.*}} to %{{.*}} step %{{.*}} : i32
func.func @counting(%p: !llvm.ptr, %size: i64) attributes {ssm.threads = 64 : i64} {
  %c0 = arith.constant 0 : i64
  %c8 = arith.constant 8 : i64
  %c32 = arith.constant 32 : i64
  %sum = scf.for %i = %c0 to %c32 step %c8 iter_args(%s = %c0) -> i64 : i64 {
    %next = arith.addi %s, %i : i64
    scf.yield %next : i64
  }
  scf.for %i = %c0 to %size step %c8 : i64 {
    llvm.store %sum, %p : i64, !llvm.ptr
  }
  %c2048 = arith.constant 2048 : i64
  scf.for %tile = %c0 to %c2048 step %c32 : i64 {
    scf.for %i = %c0 to %c32 step %c8 : i64 {
      %step = arith.addi %tile, %i : i64
      llvm.store %step, %p : i64, !llvm.ptr
    }
  }
  return
}
