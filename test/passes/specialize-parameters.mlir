// RUN: ssm-opt %s --ssm-specialize="dims=col=8,batch=0" | FileCheck %s --check-prefix=SIZES
// RUN: ssm-opt %s --ssm-specialize="dims=state=8,col=8" | FileCheck %s --check-prefix=LIKE
// RUN: ssm-opt %s --ssm-specialize="options=scale=0.5,softplus=false,backward=true,activation=identity" | FileCheck %s --check-prefix=OPTIONS
// RUN: ssm-opt %s --ssm-specialize="without=z" | FileCheck %s --check-prefix=WITHOUT
// RUN: ssm-opt %s --ssm-specialize="given=u,z" | FileCheck %s --check-prefix=GIVEN
// RUN: ssm-opt %s --ssm-specialize="given=none" | FileCheck %s --check-prefix=NONE
// RUN: ssm-opt %s --ssm-specialize="dtype=bf16,u=f16,h=bf16,y=f32" | FileCheck %s --check-prefix=DTYPE
// RUN: ssm-opt %s --ssm-specialize="dtype=f64" | FileCheck %s --check-prefix=F64
// RUN: ssm-opt %s --ssm-specialize="dtype=A=f64" | FileCheck %s --check-prefix=COMPLEX64
// RUN: ssm-opt %s --ssm-specialize="dtype=u=bf16" | FileCheck %s --check-prefix=TENSOR
// RUN: ssm-opt %s --ssm-specialize="dtype=state.u=bf16" | FileCheck %s --check-prefix=STATE
// What each parameter of ssm-specialize does to one recurrence.

// A size given through `like` is that of both, and 0 is a size.
// SIZES:      dims [time, batch = 0, state = 8, col like state]
// SIZES-NOT:  ssm.size
// LIKE:       dims [time, batch, state = 8, col like state]

// OPTIONS:       scan time reverse {
// OPTIONS:       %[[HALF:.*]] = arith.constant 5.000000e-01
// OPTIONS:       %[[U:.*]] = ssm.input "u"
// OPTIONS-NOT:   ssm.softplus
// OPTIONS-NOT:   math.tanh
// OPTIONS:       arith.mulf %[[U]], %[[HALF]]

// WITHOUT-NOT:   "z"
// WITHOUT:       ssm.input "D"
// GIVEN-NOT:     "D"
// GIVEN:         ssm.input "z"
// NONE-NOT:      "z"
// NONE-NOT:      "D"

// What is not named has the type without a name, complex ones f32 at least; a state is named by its name.
// DTYPE:         ssm.input "u" [time, batch] stored f16
// DTYPE:         ssm.input "A" [state] stored complex<f32>
// DTYPE:         ssm.input "z" [time] stored bf16
// DTYPE:         ssm.previous "u" [batch] stored f32
// DTYPE:         ssm.previous "h" [batch] stored bf16
// DTYPE:         ssm.output "y" {{.*}} stored f32

// f64 everywhere it is not said otherwise, so the arithmetic and the states with it.
// F64:           ssm.input "u" [time, batch] stored f64
// F64:           ssm.input "A" [state] stored complex<f64>
// F64:           ssm.previous "u" [batch] stored f64
// F64:           ssm.previous "h" [batch] stored f32
// F64:           ssm.output "y" {{.*}} stored f64

// COMPLEX64:     ssm.input "u" [time, batch] stored f32
// COMPLEX64:     ssm.input "A" [state] stored complex<f64>
// COMPLEX64:     ssm.previous "u" [batch] stored f64

// A name is an input's before it is a state's.
// TENSOR:        ssm.input "u" [time, batch] stored bf16
// TENSOR:        ssm.previous "u" [batch] stored f32
// STATE:         ssm.input "u" [time, batch] stored f32
// STATE:         ssm.previous "u" [batch] stored bf16
ssm.recurrence @model dims [time, batch, state = 16, col like state]
    options {activation = "tanh", backward = false, scale = 1.0 : f64, softplus = true} scan time reverse_if "backward" {
  %u = ssm.input "u" [time, batch] : f64
  %A = ssm.input "A" [state] : complex<f64>
  %z = ssm.input "z" [time] optional : f64
  %D = ssm.input "D" [] optional : f64
  %up = ssm.previous "u" [batch] : f64
  %h = ssm.previous "h" [batch] stored f32 : f64
  %hasZ = ssm.given "z" : i1
  %hasD = ssm.given "D" : i1
  %zero = arith.constant 0.0 : f64
  %z0 = arith.select %hasZ, %z, %zero : f64
  %D0 = arith.select %hasD, %D, %zero : f64
  %isTanh = ssm.option "activation" is "tanh" : i1
  %scale = ssm.option "scale" : f64
  %softplus = ssm.option "softplus" : i1
  %sp = ssm.softplus %u : f64
  %0 = arith.select %softplus, %sp, %u : f64
  %th = math.tanh %0 : f64
  %1 = arith.select %isTanh, %th, %0 : f64
  %2 = arith.mulf %1, %scale : f64
  %n = ssm.size state : f64
  %b = ssm.size batch : f64
  %nb = arith.mulf %n, %b : f64
  %3 = arith.addf %2, %nb : f64
  %re = complex.re %A : complex<f64>
  %sum = ssm.sum %re over [state] : f64
  %4 = arith.addf %3, %sum : f64
  %5 = arith.addf %4, %z0 : f64
  %6 = arith.addf %5, %D0 : f64
  %7 = arith.addf %6, %up : f64
  %8 = arith.addf %7, %h : f64
  ssm.next "u" %u : f64
  ssm.next "h" %8 : f64
  ssm.output "y" %8 [time, batch] : f64
}
