// RUN: not ssm-opt %s --mlir-print-op-on-diagnostic=false --ssm-specialize="dims=stat=8,state=-3,col=4" 2>&1 | FileCheck %s --check-prefix=SIZES
// RUN: not ssm-opt %s --mlir-print-op-on-diagnostic=false --ssm-specialize="dims=batch=two,batch=1,batch=2,time" 2>&1 | FileCheck %s --check-prefix=NUMBERS
// RUN: not ssm-opt %s --mlir-print-op-on-diagnostic=false --ssm-specialize="options=fst=true,fast=maybe,scale=half" 2>&1 | FileCheck %s --check-prefix=OPTIONS
// RUN: not ssm-opt %s --mlir-print-op-on-diagnostic=false --ssm-specialize="without=z,u given=z,q" 2>&1 | FileCheck %s --check-prefix=INPUTS
// RUN: not ssm-opt %s --mlir-print-op-on-diagnostic=false --ssm-specialize="dtype=i8,A=bf16,u=complex<f32>,x=f32,state.u=f32,h=f8" 2>&1 | FileCheck %s --check-prefix=TYPES
// RUN: not ssm-opt %s --mlir-print-op-on-diagnostic=false --ssm-specialize="options=a=1 without=b" 2>&1 | FileCheck %s --check-prefix=EMPTY
// Every parameter that does not fit is reported at the recurrence, all in one run.

// SIZES-DAG: :[[#@LINE + 23]]:1: error: recurrence 'model': no dimension is named 'stat'; the dimensions are time, batch, state, col
// SIZES-DAG: error: recurrence 'model': dimension 'state' cannot have the negative size -3
// SIZES-DAG: error: recurrence 'model': dimension 'state' cannot have size -3: it has the extent of 'col', which has size 4

// NUMBERS-DAG: error: recurrence 'model': expected an integer as size of 'batch', found 'two'
// NUMBERS-DAG: error: recurrence 'model': two values are given for 'batch'
// NUMBERS-DAG: error: recurrence 'model': expected dimension=value, found 'time'

// OPTIONS-DAG: error: recurrence 'model': no option is named 'fst'; the options are fast, scale
// OPTIONS-DAG: error: recurrence 'model': option 'fast' is true or false, not 'maybe'
// OPTIONS-DAG: error: recurrence 'model': option 'scale' is a number, not 'half'

// INPUTS-DAG: error: recurrence 'model': no optional input is named 'u'; the optional inputs are z
// INPUTS-DAG: error: recurrence 'model': no input is named 'q'; the inputs are u, A, z
// INPUTS-DAG: error: recurrence 'model': input 'z' cannot be both given and left out

// TYPES-DAG: error: recurrence 'model': cannot store tensors as 'i8'; expected f32, f64, bf16 or f16
// TYPES-DAG: error: recurrence 'model': cannot store 'A' as 'bf16'; expected complex<f32> or complex<f64>
// TYPES-DAG: error: recurrence 'model': cannot store 'u' as 'complex<f32>'; expected f32, f64, bf16 or f16
// TYPES-DAG: error: recurrence 'model': no input, output or state is named 'x'; the inputs, outputs and states are u, A, z, y, h
// TYPES-DAG: error: recurrence 'model': no input, output or state is named 'state.u'; the inputs, outputs and states are u, A, z, y, h
// TYPES-DAG: error: recurrence 'model': cannot store 'h' as 'f8'; expected f32, f64, bf16 or f16

ssm.recurrence @model dims [time, batch, state = 16, col like state] options {fast = true, scale = 1.0 : f64} scan time {
  %u = ssm.input "u" [time] : f64
  %A = ssm.input "A" [state] : complex<f64>
  %z = ssm.input "z" [time] optional : f64
  %h = ssm.previous "h" [] : f64
  ssm.next "h" %u : f64
  ssm.output "y" %h [time] : f64
}

// EMPTY-DAG: error: recurrence 'bare': no option is named 'a'; there are no options
// EMPTY-DAG: error: recurrence 'bare': no optional input is named 'b'; there are no optional inputs
ssm.recurrence @bare dims [time] scan time {
}
