// RUN: ssm-opt %s --ssm-ticket-order --verify-diagnostics

// expected-error @below {{has 2 threads that wait for each other in a kernel of 64}}
func.func @scan_total0(%order: !llvm.ptr, %flags: !llvm.ptr, %steps: i64)
    attributes {ssm.threads = 2 : i64, ssm.ticket_order = {chunk = 16 : i64, flags = 1 : i64, order = 0 : i64, part = "total", size = 2 : i64}} {
  gpu.barrier
  return
}
func.func @scan_forward(%order: !llvm.ptr, %flags: !llvm.ptr, %steps: i64)
    attributes {ssm.threads = 64 : i64, ssm.ticket_order = {chunk = 16 : i64, flags = 1 : i64, order = 0 : i64, part = "last", size = 2 : i64}} {
  return
}
