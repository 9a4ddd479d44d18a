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
