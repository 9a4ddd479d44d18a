// RUN: ssm-opt %s --split-input-file --ssm-ticket-order | FileCheck %s

// One thread of the block reads the number of launches, takes a ticket, and with the last one makes both ready for the
// next launch; the others are told.
// CHECK-NOT:   func.func @scan_total0
// CHECK:       func.func @scan_forward(%{{[^:]*}}: !llvm.ptr, %[[ORDER:[^:]*]]: !llvm.ptr, %[[FLAGS:[^:]*]]: !llvm.ptr, %[[STEPS:[^:]*]]: i64)
// CHECK-DAG:     %[[THREAD:.*]] = ssm.tile_place thread
// CHECK-DAG:     %[[TASKS:.*]] = ssm.tile_place tasks
// CHECK-DAG:     %[[TOLD:.*]] = ssm.shared 16
// CHECK:         %[[FIRST:.*]] = arith.cmpi eq, %[[THREAD]], %{{.*}}
// CHECK:         scf.if %[[FIRST]] {
// CHECK:           %[[WORD:.*]] = llvm.getelementptr %[[ORDER]][1]
// CHECK:           %[[LAUNCH:.*]] = llvm.load %[[WORD]] atomic syncscope("device") monotonic
// CHECK:           %[[NEXT:.*]] = arith.addi %[[LAUNCH]]
// CHECK:           llvm.fence syncscope("device") acq_rel
// CHECK:           %[[TAKEN:.*]] = llvm.atomicrmw add %{{.*}} syncscope("device") monotonic
// CHECK:           %[[LAST:.*]] = arith.subi %[[TASKS]]
// CHECK:           %[[IS_LAST:.*]] = arith.cmpi eq, %[[TAKEN]], %[[LAST]]
// CHECK:           scf.if %[[IS_LAST]] {
// CHECK:             llvm.fence syncscope("device") acq_rel
// CHECK:             llvm.store %{{.*}}, %{{.*}} atomic syncscope("device") monotonic
// CHECK:             llvm.store %[[NEXT]], %{{.*}} atomic syncscope("device") monotonic
// CHECK:           llvm.store %[[TAKEN]]
// CHECK:           %[[MARK:.*]] = arith.muli %[[NEXT]], %{{.*}}
// CHECK:           llvm.store %[[MARK]]
// CHECK:         gpu.barrier
// CHECK:         %[[TICKET:.*]] = llvm.load {{.*}} !llvm.ptr<3>
// CHECK:         %[[NUMBER:.*]] = llvm.load {{.*}} !llvm.ptr<3>
// Tiles of one chunk have tickets one after another; the parts number tasks chunk by chunk of a tile.
// CHECK:         %[[CEIL:.*]] = arith.ceildivui %[[STEPS]]
// CHECK:         %[[CHUNKS:.*]] = arith.maxui %[[CEIL]]
// CHECK:         %[[TILES:.*]] = arith.divui %[[TASKS]], %[[CHUNKS]]
// CHECK:         %[[CHUNK:.*]] = arith.divui %[[TICKET]], %[[TILES]]
// CHECK:         %[[TILE:.*]] = arith.remui %[[TICKET]], %[[TILES]]
// CHECK:         %[[ROW:.*]] = arith.muli %[[TILE]], %[[CHUNKS]]
// CHECK:         %[[TASK:.*]] = arith.addi %[[ROW]], %[[CHUNK]]
// The total.
// CHECK:         arith.constant 100
// CHECK:         arith.addi %[[TASK]]
// Later chunks wait for their predecessors, and all threads for the one that looks.
// CHECK:         %[[LATER:.*]] = arith.cmpi uge, %[[TICKET]], %[[TILES]]
// CHECK:         %[[WAITS:.*]] = arith.andi %[[FIRST]], %[[LATER]]
// CHECK:         scf.if %[[WAITS]] {
// CHECK:           arith.subi %[[TICKET]], %[[TILES]]
// CHECK:           llvm.getelementptr %[[FLAGS]]
// CHECK:           scf.while
// CHECK:             %[[FLAG:.*]] = llvm.load %{{.*}} atomic syncscope("device") acquire
// CHECK:             arith.cmpi eq, %[[FLAG]], %[[NUMBER]]
// CHECK:             nvvm.nanosleep
// CHECK:         gpu.barrier
// The join has fewer threads than the kernel.
// CHECK:         %[[JOINS:.*]] = arith.cmpi slt, %[[THREAD]], %{{.*}}
// CHECK:         scf.if %[[JOINS]] {
// CHECK:           arith.constant 200
// CHECK:         gpu.barrier
// CHECK:         scf.if %[[FIRST]] {
// CHECK:           arith.muli %[[TICKET]]
// CHECK:           llvm.store %[[NUMBER]], %{{.*}} atomic syncscope("device") release
// CHECK:         arith.constant 300
// CHECK:         arith.addi %[[TASK]]
// CHECK:         return
// CHECK-NOT:   func.func
func.func @scan_total0(%h: !llvm.ptr, %order: !llvm.ptr, %flags: !llvm.ptr, %steps: i64)
    attributes {ssm.threads = 64 : i64, ssm.ticket_order = {chunk = 16 : i64, flags = 2 : i64, order = 1 : i64, part = "total", size = 3 : i64}} {
  %task = ssm.tile_place grid : i64
  %one = arith.constant 100 : i64
  %sum = arith.addi %task, %one : i64
  llvm.store %sum, %h : i64, !llvm.ptr
  return
}
func.func @scan_join0(%h: !llvm.ptr, %order: !llvm.ptr, %flags: !llvm.ptr, %steps: i64)
    attributes {ssm.threads = 2 : i64, ssm.ticket_order = {chunk = 16 : i64, flags = 2 : i64, order = 1 : i64, part = "join", size = 3 : i64}} {
  %two = arith.constant 200 : i64
  llvm.store %two, %h : i64, !llvm.ptr
  return
}
func.func @scan_forward(%h: !llvm.ptr, %order: !llvm.ptr, %flags: !llvm.ptr, %steps: i64)
    attributes {ssm.threads = 64 : i64, ssm.ticket_order = {chunk = 16 : i64, flags = 2 : i64, order = 1 : i64, part = "last", size = 3 : i64}} {
  %task = ssm.tile_place grid : i64
  %three = arith.constant 300 : i64
  %sum = arith.addi %task, %three : i64
  llvm.store %sum, %h : i64, !llvm.ptr
  return
}

// -----
// States of two levels have a flag each. Those of the first are delays, which a chunk hands on before it waits. What
// parts share of a block's memory is one buffer, and memory of a thread's own the kernel's.
// CHECK-LABEL: func.func @levels_forward
// CHECK:         %[[OWN:.*]] = llvm.alloca
// CHECK:         %[[SHARED:.*]] = ssm.shared 512
// CHECK:         ssm.shared 16
// CHECK-NOT:     ssm.shared
// CHECK:         llvm.getelementptr %[[SHARED]]
// CHECK:         gpu.barrier
// CHECK:         llvm.store %{{.*}} atomic syncscope("device") release
// CHECK:         llvm.load %{{.*}} atomic syncscope("device") acquire
// CHECK:         gpu.barrier
// CHECK:         llvm.getelementptr %[[SHARED]]
// CHECK:         llvm.load %{{.*}} atomic syncscope("device") acquire
// CHECK:         scf.if
// CHECK:           llvm.store %{{.*}}, %[[OWN]]
// CHECK:         llvm.store %{{.*}} atomic syncscope("device") release
func.func @levels_total0(%order: !llvm.ptr, %flags: !llvm.ptr, %steps: i64)
    attributes {ssm.threads = 64 : i64, ssm.ticket_order = {chunk = 16 : i64, flags = 1 : i64, order = 0 : i64, part = "total", size = 2 : i64}} {
  %shared = ssm.shared 256 : !llvm.ptr<3>
  %place = llvm.getelementptr %shared[1] : (!llvm.ptr<3>) -> !llvm.ptr<3>, i64
  llvm.store %steps, %place : i64, !llvm.ptr<3>
  return
}
func.func @levels_total1(%order: !llvm.ptr, %flags: !llvm.ptr, %steps: i64)
    attributes {ssm.threads = 64 : i64, ssm.ticket_order = {chunk = 16 : i64, flags = 1 : i64, order = 0 : i64, part = "total", size = 2 : i64}} {
  %shared = ssm.shared 512 : !llvm.ptr<3>
  %place = llvm.getelementptr %shared[2] : (!llvm.ptr<3>) -> !llvm.ptr<3>, i64
  llvm.store %steps, %place : i64, !llvm.ptr<3>
  return
}
func.func @levels_join1(%order: !llvm.ptr, %flags: !llvm.ptr, %steps: i64)
    attributes {ssm.threads = 1 : i64, ssm.ticket_order = {chunk = 16 : i64, flags = 1 : i64, order = 0 : i64, part = "join", size = 2 : i64}} {
  %count = arith.constant 4 : i64
  %own = llvm.alloca %count x f32 : (i64) -> !llvm.ptr
  llvm.store %steps, %own : i64, !llvm.ptr
  return
}
func.func @levels_forward(%order: !llvm.ptr, %flags: !llvm.ptr, %steps: i64)
    attributes {ssm.threads = 64 : i64, ssm.ticket_order = {chunk = 16 : i64, flags = 1 : i64, order = 0 : i64, part = "last", size = 2 : i64}} {
  %shared = ssm.shared 128 : !llvm.ptr<3>
  %place = llvm.getelementptr %shared[3] : (!llvm.ptr<3>) -> !llvm.ptr<3>, i64
  llvm.store %steps, %place : i64, !llvm.ptr<3>
  return
}

// -----
// Other kernels stay as they are.
// CHECK-LABEL: func.func @alone
// CHECK-NEXT:    %[[TASK:.*]] = ssm.tile_place grid
// CHECK-NEXT:    llvm.store %[[TASK]]
// CHECK-NEXT:    return
func.func @alone(%h: !llvm.ptr) attributes {ssm.threads = 64 : i64} {
  %task = ssm.tile_place grid : i64
  llvm.store %task, %h : i64, !llvm.ptr
  return
}
