// RUN: split-file %s %t
// RUN: ssm-opt %t/auto.mlir --split-input-file --ssm-tile --verify-diagnostics
// RUN: ssm-opt %t/loops.mlir --split-input-file --ssm-tile='schedule=time=loop:8;key=loop;value=loop,lane:4;load=staged' --verify-diagnostics

//--- auto.mlir

// expected-error@+1 {{cannot be tiled before it is specialized, discretized and its complex arithmetic is split}}
ssm.recurrence @complex dims [channel, time] scan time {
  %u = ssm.input "u" [channel, time] stored complex<f32> : complex<f32>
  %p = complex.mul %u, %u : complex<f32>
  %y = complex.re %p : complex<f32>
  ssm.output "y" %y [channel, time] stored f32 : f32
}

// -----
// expected-error@+1 {{the size of 'state' must be known when compiling}}
ssm.recurrence @open dims [channel, state, time] scan time {
  %u = ssm.input "u" [channel, state, time] stored f32 : f32
  %y = ssm.sum %u over [state] : f32
  ssm.output "y" %y [channel, time] stored f32 : f32
}

//--- loops.mlir
// expected-error@+1 {{what dimensions on loops inside that of 'time' keep in a task's memory takes 4198400 bytes (the state 'S' 4194304, a value over [value] 4096); at most 1048576 fit; put a dimension on grid, or smaller parts of it}}
ssm.recurrence @large dims [key = 1024, value = 1024, time] scan time {
  %k = ssm.input "k" [time, key] stored f32 : f32
  %s = ssm.previous "S" [key, value] stored f32 : f32
  %n = arith.addf %s, %k : f32
  ssm.next "S" %n : f32
  %y = ssm.sum %n over [key] : f32
  ssm.output "y" %y [time, value] stored f32 : f32
}

// -----
// expected-error@+1 {{the size of 'value' must be known when compiling, since a task keeps the state 'S' for all of its loop, which is inside that of 'time'}}
ssm.recurrence @open dims [key = 4, value, time] scan time {
  %k = ssm.input "k" [time, key] stored f32 : f32
  %s = ssm.previous "S" [key, value] stored f32 : f32
  %n = arith.addf %s, %k : f32
  ssm.next "S" %n : f32
  %y = ssm.sum %n over [key] : f32
  ssm.output "y" %y [time, value] stored f32 : f32
}

// -----
// expected-error@+1 {{the size of 'value' must be known when compiling, since a task keeps a time tile of 'v' for all of its loop}}
ssm.recurrence @openTile dims [key = 4, value, time] scan time {
  %v = ssm.input "v" [value, time] stored f32 : f32
  %k = ssm.input "k" [key] stored f32 : f32
  %y = arith.mulf %v, %v : f32
  ssm.output "y" %y [value, time] stored f32 : f32
}

// -----
// expected-error@+1 {{a comparison's result cannot be renamed or flipped along a dimension on a loop}}
ssm.recurrence @comparison dims [key = 4, value = 4, time] scan time {
  %v = ssm.input "v" [value, time] stored f32 : f32
  %zero = arith.constant 0.0 : f32
  %b = arith.cmpf olt, %v, %zero : f32
  %f = ssm.flip %b value : i1
  %y = arith.select %f, %v, %zero : f32
  ssm.output "y" %y [value, time] stored f32 : f32
}
