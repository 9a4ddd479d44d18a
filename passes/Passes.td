#ifndef SSM_PASSES_TD
#define SSM_PASSES_TD

include "mlir/Pass/PassBase.td"

// The compiler's table of contents: passes in the order in which Pipeline.cpp runs them.

// Each description has a Before: and an After: block of whole operations, which test/passes/examples.test runs through the
// pass (with the options named in `Before, with …:`) and compares.

def Pack : Pass<"ssm-pack", "::ssm::RecurrenceOp"> {
  let summary = "Give a recurrence rows, with their own steps and their own places in a pool of states";
  let description = [{
    One dimension becomes that of rows: the first axis, alone, of every state, an axis of its own of every output (the first
    where sequences are packed) and of those inputs that have it, which vary in time; nothing is summed or moved along it. `arrays` names what calls give of
    the rows (dialect/RowPlan.h has their meaning), each an array of i32, or i64 where `NAME=i64` says so. `in-place`: each
    state goes back to where it came from (decoding).

    With `cu_seqlens` sequences are packed: the steps of all rows stand one after another along the scanned dimension, and
    the axis of rows has extent 1 in inputs and outputs. There, a recurrence without a dimension of rows gets one,
    `sequence`, in front of states and outputs; inputs and outputs have no axis of it in memory. A value computed from the
    extent or the coordinate of time is the row's own.

    Kernels look up where a row begins, ends, and has its state, so the recurrence itself does not change but for that
    dimension: the plan is the attribute `ssm.rows`. No scan runs across the beginning of a sequence, since a row is a task
    of its own. ssm-pack comes before ssm-specialize: sizes of rows, and of packed steps, are open.

    Before, with `arrays=cu_seqlens,slots_at=i64`:
    ```mlir
    ssm.recurrence @leak dims [time, channel] scan time {
      %u = ssm.input "u" [time, channel] : f64
      %rate = ssm.input "rate" [channel] : f64
      %hp = ssm.previous "h" [channel] : f64
      %kept = arith.mulf %rate, %hp : f64
      %h = arith.addf %kept, %u : f64
      ssm.next "h" %h : f64
      ssm.output "y" %h [time, channel] : f64
    }
    ```
    After:
    ```mlir
    ssm.recurrence @leak dims [sequence, time, channel] scan time
        attributes {ssm.rows = {added, arrays = {cu_seqlens = i32, slots_at = i64}, dim = "sequence"}} {
      %u = ssm.input "u" [time, channel] : f64
      %rate = ssm.input "rate" [channel] : f64
      %hp = ssm.previous "h" [sequence, channel] : f64
      %kept = arith.mulf %rate, %hp : f64
      %h = arith.addf %kept, %u : f64
      ssm.next "h" %h : f64
      ssm.output "y" %h [sequence, time, channel] : f64
    }
    ```
  }];
  let options = [
    ListOption<"arrays", "arrays", "std::string", "What calls give: cu_seqlens, slots_in, slots_out, has_state, slots_at, each alone or with =i32 or =i64">,
    Option<"inPlace", "in-place", "bool", "false", "States go back to where they came from">,
  ];
}

def Specialize : Pass<"ssm-specialize", "::ssm::RecurrenceOp"> {
  let summary = "Bind sizes, options, optional inputs and stored types, and fold what they decide";
  let description = [{
    Afterwards no option, given, optional input or reverse_if is left, every tensor has a stored type, and what the
    decisions made constant is folded.

    - Sizes: those named in `dims`, else defaults; others stay open. A size for a dimension that is `like` another binds both.
      A sum over a dimension of size 0 is 0, a maximum -infinity, a mean NaN.
    - Optional inputs: those in `without` are left out, as are those not in `given` where that is set (`given=none` gives
      none); a hidden state that only they needed, or that a folded branch read, goes too. Others become ordinary inputs.
    - Stored types, where none is declared: an input or output has the type in `dtype` that stands without a name; a complex
      one the complex of it, at least of f32. A state, hidden ones included, has the type of the arithmetic. `NAME=TYPE` in
      `dtype` sets the type of one input or output, or of a state where neither has that name; `state.NAME` is the state.
    - Arithmetic is f64 if any input or state is stored as f64 or complex<f64>, else f32; ssm-narrow acts on that.

    What does not fit the recurrence is an error, which lists what does.

    Before, with `dims=channel=2 options=decay=0.5 without=z`:
    ```mlir
    ssm.recurrence @leak dims [time, channel] options {decay = 1.000000e+00 : f64} scan time {
      %u = ssm.input "u" [time, channel] : f64
      %z = ssm.input "z" [time, channel] optional : f64
      %given = ssm.given "z" : i1
      %decay = ssm.option "decay" : f64
      %hp = ssm.previous "h" [channel] : f64
      %0 = arith.mulf %decay, %hp : f64
      %h = arith.addf %0, %u : f64
      ssm.next "h" %h : f64
      %gated = arith.mulf %h, %z : f64
      %y = arith.select %given, %gated, %h : f64
      ssm.output "y" %y [time, channel] : f64
    }
    ```
    After:
    ```mlir
    ssm.recurrence @leak dims [time, channel = 2] scan time {
      %decay = arith.constant 5.000000e-01 : f64
      %u = ssm.input "u" [time, channel] stored f32 : f64
      %hp = ssm.previous "h" [channel] stored f32 : f64
      %0 = arith.mulf %hp, %decay : f64
      %h = arith.addf %0, %u : f64
      ssm.next "h" %h : f64
      ssm.output "y" %h [time, channel] stored f32 : f64
    }
    ```
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::complex::ComplexDialect", "::mlir::math::MathDialect"];
  let options = [
    ListOption<"dims", "dims", "std::string", "Sizes, as state=64,batch=2">,
    ListOption<"optionValues", "options", "std::string", "Values of options, as softplus=false,activation=identity,scale=0.5">,
    ListOption<"without", "without", "std::string", "Optional inputs that are left out, as z,D">,
    ListOption<"given", "given", "std::string", "The inputs that are given, or none: optional ones not named are left out">,
    ListOption<"dtype", "dtype", "std::string", "Stored types, as bf16,delta=f32,h=bf16 (default f32)">,
  ];
}

def Discretize : Pass<"ssm-discretize", "::ssm::RecurrenceOp"> {
  let summary = "Turn derivatives into difference equations";
  let description = [{
    Each ssm.derivative becomes the next value that its method's formula gives (the table is ssm.derivative's) and an
    ssm.next. `euler` takes any rate. The others need a rate a * h + b whose coefficient a is elementwise; it is found
    symbolically, through sums, differences, products with and quotients by what does not depend on h, selects on such
    conditions, and complex arithmetic. A dense coefficient, or states whose rates need each other, are refused.

    φ₁(z) = (eᶻ-1)/z of `zoh` is a polynomial where |re z| + |im z| < 1/16, so that a = 0 is fine, and is free of
    cancellation elsewhere: its relative error is a few units in the last place, in f64 as in f32.

    Before, with `method=bilinear`:
    ```mlir
    ssm.recurrence @leak dims [time, channel] scan time {
      %u = ssm.input "u" [time, channel] : f64
      %A = ssm.input "A" [channel] : f64
      %dt = ssm.input "dt" [channel] : f64
      %hp = ssm.previous "h" [channel] : f64
      %Ah = arith.mulf %A, %hp : f64
      %rate = arith.addf %Ah, %u : f64
      %h = ssm.derivative "h" of %hp is %rate step %dt by "zoh" : f64, f64
      ssm.output "y" %h [time, channel] : f64
    }
    ```
    After:
    ```mlir
    ssm.recurrence @leak dims [time, channel] scan time {
      %u = ssm.input "u" [time, channel] : f64
      %A = ssm.input "A" [channel] : f64
      %dt = ssm.input "dt" [channel] : f64
      %hp = ssm.previous "h" [channel] : f64
      %c = arith.constant 5.000000e-01 : f64
      %0 = arith.mulf %dt, %c : f64
      %half = arith.mulf %A, %0 : f64
      %one = arith.constant 1.000000e+00 : f64
      %less = arith.subf %one, %half : f64
      %inverse = arith.divf %one, %less : f64
      %more = arith.addf %half, %one : f64
      %decay = arith.mulf %more, %inverse : f64
      %1 = arith.mulf %decay, %hp : f64
      %2 = arith.mulf %inverse, %dt : f64
      %3 = arith.mulf %2, %u : f64
      %h = arith.addf %1, %3 : f64
      ssm.next "h" %h : f64
      ssm.output "y" %h [time, channel] : f64
    }
    ```
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::complex::ComplexDialect", "::mlir::math::MathDialect"];
  let options = [
    Option<"method", "method", "std::string", "", "The method, for every derivative: zoh, bilinear, euler or exp_euler">,
  ];
}

def Linearize : Pass<"ssm-linearize", "::ssm::RecurrenceOp"> {
  let summary = "Prove states affine in their previous values, and make scans of them";
  let description = [{
    States that need each other's previous values are one component. Each value that a component's next values need is
    followed as a sum of terms, a coefficient times a previous value, and a rest: dialect/AffineAnalysis.h has the rules.
    A component whose terms have one of the forms of ssm.scan becomes one: `previous` becomes ssm.before, `next` ssm.final,
    and what read the new value reads the stream. A decay that has a real logarithm without taking one (exp, sigmoid, what
    is made of such by products, quotients, selections and powers, constants) is kept as that. What follows from no
    previous value of its own (a delayed input, the window of a delay) stays as it is.

    A component that is not affine, or of no form that can be scanned, keeps `previous` and `next` beside the scans of
    others; a remark at the operation that breaks the form says why.

    It takes a recurrence that is specialized and discretized, before or after ssm-narrow and ssm-split-complex; of a
    complex state whose arithmetic has been split, elementwise transitions are recognized, others are not.

    Before:
    ```mlir
    ssm.recurrence @decay dims [time, channel] scan time {
      %u = ssm.input "u" [time, channel] : f64
      %rate = ssm.input "rate" [time, channel] : f64
      %hp = ssm.previous "h" [channel] : f64
      %a = math.exp %rate : f64
      %kept = arith.mulf %a, %hp : f64
      %h = arith.addf %kept, %u : f64
      ssm.next "h" %h : f64
      ssm.output "y" %h [time, channel] : f64
    }
    ```
    After:
    ```mlir
    ssm.recurrence @decay dims [time, channel] scan time {
      %u = ssm.input "u" [time, channel] : f64
      %rate = ssm.input "rate" [time, channel] : f64
      %h = ssm.scan "h" [channel] log_decay(%rate) drive(%u) : f64
      ssm.final "h" %h : f64
      ssm.output "y" %h [time, channel] : f64
    }
    ```
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::complex::ComplexDialect", "::mlir::math::MathDialect"];
}

def RegroupProducts : Pass<"ssm-regroup-products", "::ssm::RecurrenceOp"> {
  let summary = "Multiply first what varies along little, and outside the loop what does not vary in time";
  let description = [{
    Products of three factors and more are multiplied two factors at a time, those first whose product has the fewest
    elements a step: of dt·B·u, where B alone varies along the state, dt·u comes first. Where that saves nothing the
    product stays as written. exp of a product with a factor that does not vary in time becomes exp2, with log2(e) in that
    factor: x·(A·log2(e)) costs what x·A does, and exp2 costs less than exp.

    Where rows update states in place (ssm-pack's `in-place`), calls have few steps: what does not vary in time costs as much as
    what does, and log2(e) goes into the factor that varies along least.

    Only rounding changes. The interpreter runs recurrences as they are written, without this pass.

    Before:
    ```mlir
    ssm.recurrence @leak dims [time, channel, state] scan time {
      %dt = ssm.input "dt" [time, channel] : f64
      %u = ssm.input "u" [time, channel] : f64
      %A = ssm.input "A" [channel, state] : f64
      %B = ssm.input "B" [time, state] : f64
      %hp = ssm.previous "h" [channel, state] : f64
      %0 = arith.mulf %dt, %A : f64
      %decay = math.exp %0 : f64
      %1 = arith.mulf %decay, %hp : f64
      %2 = arith.mulf %dt, %B : f64
      %3 = arith.mulf %2, %u : f64
      %h = arith.addf %1, %3 : f64
      ssm.next "h" %h : f64
      %y = ssm.sum %h over [state] : f64
      ssm.output "y" %y [time, channel] : f64
    }
    ```
    After:
    ```mlir
    ssm.recurrence @leak dims [time, channel, state] scan time {
      %dt = ssm.input "dt" [time, channel] : f64
      %u = ssm.input "u" [time, channel] : f64
      %A = ssm.input "A" [channel, state] : f64
      %B = ssm.input "B" [time, state] : f64
      %hp = ssm.previous "h" [channel, state] : f64
      %log2e = arith.constant 1.4426950408889634 : f64
      %A2 = arith.mulf %A, %log2e : f64
      %0 = arith.mulf %A2, %dt : f64
      %decay = math.exp2 %0 : f64
      %1 = arith.mulf %decay, %hp : f64
      %2 = arith.mulf %dt, %u : f64
      %3 = arith.mulf %2, %B : f64
      %h = arith.addf %1, %3 : f64
      ssm.next "h" %h : f64
      %y = ssm.sum %h over [state] : f64
      ssm.output "y" %y [time, channel] : f64
    }
    ```
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::math::MathDialect"];
}

def Narrow : Pass<"ssm-narrow", "::ssm::RecurrenceOp"> {
  let summary = "Turn f64 arithmetic into the type in which the kernels compute";
  let description = [{
    That is f64 if an input or a state is stored as f64 or complex<f64>, and then nothing changes; else f32. What varies in
    time becomes of that type, states among it: the dialect converts between it and the stored type where it loads and
    stores. What does not vary in time stays f64 and is rounded where something that varies reads it: it is computed once,
    before the loop, and an error in a decay that is fixed in time grows with every step. An input that only what varies
    reads, be it through renames and flips, becomes f32 itself. Constants are rounded once; one that f32 cannot hold is an
    error.

    Before:
    ```mlir
    ssm.recurrence @leak dims [time] scan time {
      %u = ssm.input "u" [time] stored bf16 : f64
      %hp = ssm.previous "h" [] stored f32 : f64
      %c = arith.constant 1.000000e-01 : f64
      %0 = arith.mulf %hp, %c : f64
      %h = arith.addf %0, %u : f64
      ssm.next "h" %h : f64
      ssm.output "y" %h [time] stored bf16 : f64
    }
    ```
    After:
    ```mlir
    ssm.recurrence @leak dims [time] scan time {
      %u = ssm.input "u" [time] stored bf16 : f32
      %hp = ssm.previous "h" [] stored f32 : f32
      %c = arith.constant 1.000000e-01 : f32
      %0 = arith.mulf %hp, %c : f32
      %h = arith.addf %0, %u : f32
      ssm.next "h" %h : f32
      ssm.output "y" %h [time] stored bf16 : f32
    }
    ```
  }];
}

def SplitComplex : Pass<"ssm-split-complex", "::ssm::RecurrenceOp"> {
  let summary = "Replace complex arithmetic by real arithmetic on its parts";
  let description = [{
    A product with a real number that was widened to a complex one scales both parts, and a sum with one leaves the
    imaginary part alone; the rest is upstream's convert-complex-to-standard. Only complex.create, re, im and constant are
    left, which `ssm-tile` takes as pairs.

    Before:
    ```mlir
    ssm.recurrence @scale dims [time] scan time {
      %x = ssm.input "x" [time] : f32
      %a = ssm.input "a" [] stored complex<f32> : complex<f32>
      %zero = arith.constant 0.000000e+00 : f32
      %wide = complex.create %x, %zero : complex<f32>
      %p = complex.mul %a, %wide : complex<f32>
      %re = complex.re %p : complex<f32>
      ssm.output "y" %re [time] : f32
    }
    ```
    After:
    ```mlir
    ssm.recurrence @scale dims [time] scan time {
      %x = ssm.input "x" [time] : f32
      %a = ssm.input "a" [] stored complex<f32> : complex<f32>
      %re = complex.re %a : complex<f32>
      %y = arith.mulf %re, %x : f32
      ssm.output "y" %y [time] : f32
    }
    ```
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::complex::ComplexDialect", "::mlir::math::MathDialect"];
}

def ChunkScan : Pass<"ssm-chunk-scan", "::mlir::ModuleOp"> {
  let summary = "Cut a scan into chunks that run side by side";
  let description = [{
    A recurrence whose states' transitions are closed under composition becomes several, in the order in which their
    kernels run:

    - `NAME_total0` runs each chunk on its own: the first from the initial state, the others from zero. It hands on, for
      each chunk, the states after it and the product of its transitions (or the sum of their logs, from which no
      distant decay can underflow on the way).
    - `NAME_join0` runs over chunks, and combines what each does: h = product · h + total.
    - `NAME` itself, last, runs each chunk from the state before it, writes the outputs and hands the final state back.

    A state that another's step reads (a stabilizer, a delayed input) must be right before the other's totals are: it is a
    level below, and each level has a total and, where there is something to combine, a join of its own. A delay's past is
    what its chunk's last steps were.

    The attribute `ssm.chunk` tells a recurrence's part: `steps` a chunk, what its states start from in later chunks
    (`starts`; where absent, from what the join left in `after.STATE`), the buffers that it fills (`hands_on`), or `join`.
    With `in-ticket-order`, the parts are for one kernel (ssm-ticket-order): a join runs one step a chunk then, from what
    the chunk before it left.

    Refused: transitions that are not affine, or whose composition has no fixed form (diagonal plus rank one); a state
    that takes part with several past steps; a delay longer than a chunk.

    Before, with `steps=64`:
    ```mlir
    ssm.recurrence @leak dims [time, channel] scan time {
      %u = ssm.input "u" [time, channel] stored f32 : f64
      %a = ssm.input "a" [time, channel] stored f32 : f64
      %hp = ssm.previous "h" [channel] stored f32 : f64
      %ah = arith.mulf %a, %hp : f64
      %h = arith.addf %ah, %u : f64
      ssm.next "h" %h : f64
      ssm.output "y" %h [time, channel] stored f32 : f64
    }
    ```
    After:
    ```mlir
    ssm.recurrence @leak_total0 dims [time, channel] scan time
        attributes {ssm.chunk = {hands_on = {h = "total.h", h.decay = "total.h.decay"}, starts = {h = 0.0, h.decay = 1.0},
                                 steps = 64 : i64}} {
      %u = ssm.input "u" [time, channel] stored f32 : f64
      %a = ssm.input "a" [time, channel] stored f32 : f64
      %hp = ssm.previous "h" [channel] stored f32 : f64
      %ah = arith.mulf %a, %hp : f64
      %h = arith.addf %ah, %u : f64
      ssm.next "h" %h : f64
      %p = ssm.previous "h.decay" [channel] stored f32 : f64
      %q = arith.mulf %p, %a : f64
      ssm.next "h.decay" %q : f64
    }
    ssm.recurrence @leak_join0 dims [time, channel] scan time attributes {ssm.chunk = {join}} {
      %h = ssm.previous "after.h" [channel] stored f32 : f64
      %t = ssm.input "total.h" [time, channel] stored f32 : f64
      %p = ssm.input "total.h.decay" [time, channel] stored f32 : f64
      %0 = arith.mulf %h, %p : f64
      %1 = arith.addf %0, %t : f64
      ssm.next "after.h" %1 : f64
      ssm.output "after.h" %1 [time, channel] stored f32 : f64
    }
    ssm.recurrence @leak dims [time, channel] scan time attributes {ssm.chunk = {steps = 64 : i64}} {
      %u = ssm.input "u" [time, channel] stored f32 : f64
      %a = ssm.input "a" [time, channel] stored f32 : f64
      %hp = ssm.previous "h" [channel] stored f32 : f64
      %ah = arith.mulf %a, %hp : f64
      %h = arith.addf %ah, %u : f64
      ssm.next "h" %h : f64
      ssm.output "y" %h [time, channel] stored f32 : f64
    }
    ```
  }];
  let options = [
    Option<"steps", "steps", "int64_t", "64", "Steps of a chunk">,
    Option<"inTicketOrder", "in-ticket-order", "bool", "false", "For one kernel, which runs all parts for a chunk at a time">,
  ];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::complex::ComplexDialect", "::mlir::math::MathDialect"];
}

def BlockSteps : Pass<"ssm-block-steps", "::mlir::ModuleOp"> {
  let summary = "Run several steps as one step of another recurrence";
  let description = [{
    A recurrence becomes two: `NAME_blocks`, each of whose steps is `steps` of the description's, and `NAME` itself, which
    runs what is left of the sequence. An input or output of step i in a block is `x.i`; the attribute `ssm.block` tells
    of which array, and at a launch the two get the array from there on, with its stride along the scanned dimension.
    States go from the one to the other.

    A real state that is multiplied by what does not vary along some of its dimensions, its rows, that takes up products
    of a factor along rows and a factor along the others, and that is read in sums over those others alone, with
    coefficients that do not vary along rows, takes up all products of a block at once. What a step reads is what it reads
    of the state before the block, and for each product since, its factor along rows times a small sum over the others;
    the last step reads the state that the block leaves. So a state whose products are made of what is read of it (the
    delta rule) moves through registers twice a block, and one whose products are made of inputs once, whatever the number
    of steps. Of any other state the steps are written one after another.

    Refused: states that are remembered for more than a step, steps that compute with their coordinate, states stored in
    fewer bits than they are computed in (they would be rounded where the blocks end), arrays whose memory runs along the
    scanned dimension, or in which it is a part of an axis.

    Before, with `steps=2`:
    ```mlir
    ssm.recurrence @retention dims [time = 9, key, value] scan time {
      %q = ssm.input "q" [time, key] stored f32 : f64
      %k = ssm.input "k" [time, key] stored f32 : f64
      %v = ssm.input "v" [time, value] stored f32 : f64
      %a = ssm.input "a" [] stored f32 : f64
      %Sp = ssm.previous "S" [key, value] stored f32 : f64
      %aS = arith.mulf %a, %Sp : f64
      %kv = arith.mulf %k, %v : f64
      %S = arith.addf %aS, %kv : f64
      ssm.next "S" %S : f64
      %qS = arith.mulf %q, %S : f64
      %y = ssm.sum %qS over [key] : f64
      ssm.output "y" %y [time, value] stored f32 : f64
    }
    ```
    After:
    ```mlir
    ssm.recurrence @retention_blocks dims [time = 4, key, value] scan time
        attributes {ssm.block = {arrays = {k.0 = ["k", 0], k.1 = ["k", 1], q.0 = ["q", 0], q.1 = ["q", 1],
                                           v.0 = ["v", 0], v.1 = ["v", 1], y.0 = ["y", 0], y.1 = ["y", 1]},
                                 steps = 2 : i64}} {
      %q0 = ssm.input "q.0" [time, key] stored f32 : f64
      %k0 = ssm.input "k.0" [time, key] stored f32 : f64
      %v0 = ssm.input "v.0" [time, value] stored f32 : f64
      %a = ssm.input "a" [] stored f32 : f64
      %Sp = ssm.previous "S" [key, value] stored f32 : f64
      %0 = arith.mulf %q0, %Sp : f64
      %1 = ssm.sum %0 over [key] : f64
      %2 = arith.mulf %a, %1 : f64
      %3 = arith.mulf %q0, %k0 : f64
      %4 = ssm.sum %3 over [key] : f64
      %5 = arith.mulf %4, %v0 : f64
      %y0 = arith.addf %2, %5 : f64
      ssm.output "y.0" %y0 [time, value] stored f32 : f64
      %q1 = ssm.input "q.1" [time, key] stored f32 : f64
      %k1 = ssm.input "k.1" [time, key] stored f32 : f64
      %v1 = ssm.input "v.1" [time, value] stored f32 : f64
      %aa = arith.mulf %a, %a : f64
      %6 = arith.mulf %aa, %Sp : f64
      %7 = arith.mulf %a, %v0 : f64
      %8 = arith.mulf %k0, %7 : f64
      %9 = arith.addf %6, %8 : f64
      %10 = arith.mulf %k1, %v1 : f64
      %S = arith.addf %9, %10 : f64
      %11 = arith.mulf %q1, %S : f64
      %y1 = ssm.sum %11 over [key] : f64
      ssm.output "y.1" %y1 [time, value] stored f32 : f64
      ssm.next "S" %S : f64
    }
    ssm.recurrence @retention dims [time = 1, key, value] scan time attributes {ssm.block = {rest_of = 2 : i64}} {
      %q = ssm.input "q" [time, key] stored f32 : f64
      %k = ssm.input "k" [time, key] stored f32 : f64
      %v = ssm.input "v" [time, value] stored f32 : f64
      %a = ssm.input "a" [] stored f32 : f64
      %Sp = ssm.previous "S" [key, value] stored f32 : f64
      %aS = arith.mulf %a, %Sp : f64
      %kv = arith.mulf %k, %v : f64
      %S = arith.addf %aS, %kv : f64
      ssm.next "S" %S : f64
      %qS = arith.mulf %q, %S : f64
      %y = ssm.sum %qS over [key] : f64
      ssm.output "y" %y [time, value] stored f32 : f64
    }
    ```
  }];
  let options = [Option<"steps", "steps", "int64_t", "2", "Steps that become one">];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::complex::ComplexDialect", "::mlir::math::MathDialect"];
}

def Tile : Pass<"ssm-tile", "::mlir::ModuleOp"> {
  let summary = "Apply a schedule: recurrences become functions over register tiles";
  let description = [{
    Each ssm.recurrence (specialized, discretized, narrowed, its complex arithmetic split) becomes a func.func that does the
    work of one task (`ssm.tile_place grid`) and, on a GPU, one thread of it. Its arguments are, for each input, output,
    initial state and final state: a pointer and a stride an axis, in elements; then the parameters (f64) and the sizes
    (i64) of the dimensions that are not like another. Initial and final states may be null.

    With the scanned dimension on lanes or registers, a step is a block of steps: tiles of what varies in time have those
    axes too, each ssm.scan becomes `ssm.tile_scan`, ssm.before and what reads the past of inputs `ssm.tile_shift`, and the
    last step of the block is carried. What is left of the sequence is one more block, masked. It takes a recurrence
    after `ssm-linearize` then; without blocks, before or after it.

    Values that do not vary in time stand before the loop over time, which carries the states. Where a task's tile may pass
    the end of a dimension, the body is there twice: for full tiles, and masked. `packed` takes the last axis of every
    tensor to have stride 1. With `load=staged` (CPU), inputs whose last axis is time are copied a time tile at a time into
    scratch, where a step's tile is contiguous; `store=staged` does the same for outputs.

    On a GPU, staged values go through memory that a block's threads share: before a time tile's steps, the threads, spread
    over it in another way, compute or copy them there, and after its steps they store outputs. With `copy=cp.async; stages=n`,
    rows of inputs come there by `ssm.tile_copy`, into one of n slots, n - 1 tiles ahead of the steps.

    A dimension on a loop outside the one over time repeats the task's whole body. Dimensions on loops inside it cut the
    step into phases: a sum over such a dimension ends one, each phase runs through the tiles of the loops that its roots
    (sums, next states, outputs) have, and computes what they need from inputs, states and what earlier phases left. States
    with such a dimension, or renamed or flipped along one, stand in two slots of a task's buffer (a state of depth k in
    k + 1; in one where each element is made of its own past in the last phase that reads it) and are loaded and stored a tile at a time, with `changing`; so do sums that have loops left. Sums are kept
    element by element in registers where their loops are innermost, and reduced after them. Values that do not vary in
    time are computed once into buffers, and inputs that do not, whose lanes are strided, are copied. Full tiles run
    without masks, one in part after them.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::func::FuncDialect", "::mlir::scf::SCFDialect",
                           "::mlir::vector::VectorDialect", "::mlir::LLVM::LLVMDialect", "::mlir::gpu::GPUDialect",
                           "::mlir::NVVM::NVVMDialect"];
  let options = [
    Option<"schedule", "schedule", "std::string", "", "Schedule; empty for the default">,
    Option<"gpu", "gpu", "bool", "false", "For a GPU rather than a CPU">,
    Option<"packed", "packed", "bool", "true", "The last axis of every tensor has stride 1">,
    Option<"vectorBytes", "vector-bytes", "int64_t", "64", "Bytes of a SIMD register">,
    Option<"vectorRegisters", "vector-registers", "int64_t", "32", "Number of SIMD registers">,
  ];
}

def ParallelizeScan : Pass<"ssm-parallelize-scan", "::mlir::func::FuncOp"> {
  let summary = "Run blocks of steps of scans over lanes and registers";
  let description = [{
    A step is a transition A and a drive b, h becoming A·h + b. Two steps are one of the same kind, A₂·A₁ and A₂·b₁ + b₂:
    by that each `ssm.tile_scan` runs on several steps at once. Each lane runs through its own steps, one a register,
    from nothing; then lanes combine what they did by Kogge and Stone's prefix sum, log2 of their number rounds in each of which a lane
    takes what the lane 1, 2, 4, … before it has (`ssm.tile_shift`, the identity before the first); then the state before the
    block is applied, and each lane runs through its steps again from the state that it begins with.

    - Identity, decay (real or complex), a matrix of several states, a dense matrix of one (unrolled), over sums or maxima.
    - Logs of decays are added, and exp is taken where a decay meets a state; a log below -104 (in f64 -750), exp of which is
      0, counts as that, so that sums of logs are finite.
    - A transition is composed for the elements it has: a decay that all coordinates share is composed once for all.
    - Steps from `below` on are identities.
    - Registers without lanes are steps one after another.
    - With `peers`, threads take the place of lanes: in a warp by the same prefix sum over `ssm.tile_exchange`; beyond, each
      thread reads what all others did and runs through it in their order. A thread then has what the threads before it
      did, applies it to the state before the block, and runs through its own steps from there.

    Before:
    ```mlir
    func.func @two_lanes(%a: vector<2xf32>, %b: vector<2xf32>, %h: vector<1xf32>) -> vector<2xf32> {
      %s = ssm.tile_scan transition(%a) drive(%b) carry(%h) along [0]
          : (vector<2xf32>, vector<2xf32>, vector<1xf32>) -> vector<2xf32>
      return %s : vector<2xf32>
    }
    ```
    After:
    ```mlir
    func.func @two_lanes(%arg0: vector<2xf32>, %arg1: vector<2xf32>, %arg2: vector<1xf32>) -> vector<2xf32> {
      %cst = arith.constant dense<0.000000e+00> : vector<1xf32>
      %cst_0 = arith.constant dense<1.000000e+00> : vector<1xf32>
      %0 = ssm.tile_shift %arg0 by 1 along [0] fill(%cst_0) : vector<2xf32>, vector<1xf32>
      %1 = ssm.tile_shift %arg1 by 1 along [0] fill(%cst) : vector<2xf32>, vector<1xf32>
      %2 = arith.mulf %arg0, %1 : vector<2xf32>
      %3 = arith.addf %2, %arg1 : vector<2xf32>
      %4 = arith.mulf %arg0, %0 : vector<2xf32>
      %5 = vector.broadcast %arg2 : vector<1xf32> to vector<2xf32>
      %6 = arith.mulf %4, %5 : vector<2xf32>
      %7 = arith.addf %6, %3 : vector<2xf32>
      return %7 : vector<2xf32>
    }
    ```
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::math::MathDialect", "::mlir::vector::VectorDialect"];
}

def CombineThreads : Pass<"ssm-combine-threads", "::mlir::func::FuncOp"> {
  let summary = "Make exchanges between threads of sums and shifts over them";
  let description = [{
    An `ssm.tile_combine` over lanes of a warp is a butterfly: log2 of their number exchanges with the lane whose place differs
    in one bit, each followed by one addition, after which all lanes have the same bits. Over warps, each thread reads what the
    others have and adds neighbours first. An `ssm.tile_share` halves what a lane has with each exchange: m elements over n
    lanes take about m of them, not m·log2 n. An `ssm.tile_shift` over threads takes a step from the thread that holds it, or
    from the fill.

    Before:
    ```mlir
    func.func @four_lanes(%x: vector<1xf32>) -> vector<1xf32> {
      %s = ssm.tile_combine add %x peers [4, 1] : vector<1xf32>
      return %s : vector<1xf32>
    }
    ```
    After:
    ```mlir
    func.func @four_lanes(%arg0: vector<1xf32>) -> vector<1xf32> {
      %0 = ssm.tile_place thread : i64
      %c1_i64 = arith.constant 1 : i64
      %1 = arith.xori %0, %c1_i64 : i64
      %2 = ssm.tile_exchange warp %arg0 from %1 : (vector<1xf32>, i64) -> vector<1xf32>
      %3 = arith.addf %arg0, %2 : vector<1xf32>
      %c2_i64 = arith.constant 2 : i64
      %4 = arith.xori %0, %c2_i64 : i64
      %5 = ssm.tile_exchange warp %3 from %4 : (vector<1xf32>, i64) -> vector<1xf32>
      %6 = arith.addf %3, %5 : vector<1xf32>
      return %6 : vector<1xf32>
    }
    ```
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::vector::VectorDialect"];
}

def ExpandMath : Pass<"ssm-expand-math"> {
  let summary = "Replace elementary functions and activations by arithmetic, without branches or calls";
  let description = [{
    Of math, only fma, roundeven, sqrt, absf, floor, copysign and the integer operations are left; ssm's activations are
    gone. Operations on other types than f32, f64 and fixed vectors of them are refused. docs/math.md has each function's
    error, its values at the edges and what it costs.

    With `target=nvptx` exponentials of f32 are `ex2.approx.ftz` and reciprocals in activations `rcp.approx.ftz`, element by
    element; everything else is the same polynomial as on a CPU. What is left of math then becomes LLVM's intrinsics, where
    they take the type: upstream's conversion to NVVM makes library calls of math. The attribute `ssm.polynomials` of a
    kernel says how many of each sixteen exponentials of a block of code are polynomials there as well; how many
    it has of both kinds, special functions first, is left in `ssm.exponentials`.

    With `target=avx512` vectors that fill registers are scaled by powers of 2 with `vscalefps`, and exp2 takes its argument
    apart with `vreduceps`, instead of by arithmetic on bits and bounds.

    On processors, a sigmoid of x and one of -x in one block are both made of one exponential and one division.

    Additions, subtractions, multiplications, divisions and negations get the fast-math flag `contract`, so that a product
    and a sum may become one fma; never another flag. What must not be contracted is written with math.fma.

    Before, with `contract=false`:
    ```mlir
    func.func @gate(%x: vector<16xf32>) -> vector<16xf32> {
      %r = ssm.relu %x : vector<16xf32>
      return %r : vector<16xf32>
    }
    ```
    After:
    ```mlir
    func.func @gate(%x: vector<16xf32>) -> vector<16xf32> {
      %zero = arith.constant dense<0.000000e+00> : vector<16xf32>
      %negative = arith.cmpf ogt, %zero, %x : vector<16xf32>
      %r = arith.select %negative, %zero, %x : vector<16xi1>, vector<16xf32>
      return %r : vector<16xf32>
    }
    ```
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::math::MathDialect", "::mlir::vector::VectorDialect",
                           "::mlir::LLVM::LLVMDialect", "::mlir::NVVM::NVVMDialect"];
  let options = [
    Option<"target", "target", "std::string", "\"cpu\"", "What computes: cpu, avx512 (F, DQ and VL), or nvptx with its special functions">,
    Option<"contract", "contract", "bool", "true", "Allow products and sums to become one fma">,
  ];
}

def UnrollTiles : Pass<"ssm-unroll-tiles", "::mlir::func::FuncOp"> {
  let summary = "Cut n-D tiles into rows along their last axis, depth first";
  let description = [{
    A row of extent 1 becomes a scalar. Rows are made where they are needed: each store, reduction and carried state asks
    for its rows one after another, and a row's whole chain, from its loads on, stands before the next row's, so that the
    live registers are the states and one row's temporaries. Sums over register axes add into two partial sums, or, of at
    most 16 registers, into `partial-sums`: a GPU has other warps while a sum waits for itself, and adding up partial sums
    takes an instruction; but where it adds pairs, two are what one was.
    Memory that goes through 2ⁿ registers before the next lane is accessed by rows of consecutive elements, which are taken
    apart, or put together, by halves.
    Afterwards tile operations take rows and scalars alone, and tile_delay and moves between registers are gone.

    Before:
    ```mlir
    func.func @two_rows(%p: !llvm.ptr, %o: i64) {
      %c0 = arith.constant 0 : i64
      %c1 = arith.constant 1 : i64
      %c4 = arith.constant 4 : i64
      %x = ssm.tile_load f32 %p[%o] strides(%c4, %c1) : !llvm.ptr, vector<2x4xf32>
      %y = arith.addf %x, %x : vector<2x4xf32>
      %s = ssm.tile_reduce add %y over [0] : vector<2x4xf32> to vector<1x4xf32>
      ssm.tile_store %s, f32 %p[%c0] strides(%c0, %c1) : !llvm.ptr, vector<1x4xf32>
      return
    }
    ```
    After:
    ```mlir
    func.func @two_rows(%p: !llvm.ptr, %o: i64) {
      %c0 = arith.constant 0 : i64
      %c1 = arith.constant 1 : i64
      %c4 = arith.constant 4 : i64
      %x0 = ssm.tile_load f32 %p[%o] strides(%c1) : !llvm.ptr, vector<4xf32>
      %y0 = arith.addf %x0, %x0 : vector<4xf32>
      %o1 = arith.addi %o, %c4 : i64
      %x1 = ssm.tile_load f32 %p[%o1] strides(%c1) : !llvm.ptr, vector<4xf32>
      %y1 = arith.addf %x1, %x1 : vector<4xf32>
      %s = arith.addf %y0, %y1 fastmath<contract> : vector<4xf32>
      ssm.tile_store %s, f32 %p[%c0] strides(%c1) : !llvm.ptr, vector<4xf32>
      return
    }
    ```
  }];
  let options = [Option<"partialSums", "partial-sums", "int64_t", /*default=*/"2",
                        "Partial sums that a sum over at most 16 registers adds into">];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::math::MathDialect", "::mlir::scf::SCFDialect",
                           "::mlir::vector::VectorDialect"];
}

def Prefetch : Pass<"ssm-prefetch", "::mlir::func::FuncOp"> {
  let summary = "Ask for memory some steps ahead";
  let description = [{
    In a loop over steps that keeps its states in memory and runs through them in loops inside, the rows that a step reads
    and writes of the kernel's tensors are prefetched `distance` steps ahead, and of what the loops go along element after
    element each line, where these are up to four. A step of other loops is short enough for a
    processor to see the next ones' accesses itself. Tensors of which a step takes more than eight rows outside these loops are
    left alone: they are neighbours, as a rule, and found without help.

    Prefetches stand before the longest innermost loop, of 32 turns or more; it is cut in up to four pieces, with as many
    parts of them between. In a loop around it, each turn asks for its share. Where there is no such loop they stand at
    the end of the step.

    Before, with `distance=4`:
    ```mlir
    func.func @kernel(%x: !llvm.ptr, %stride: i64, %state: !llvm.ptr, %steps: i64) {
      %zero = arith.constant 0 : i64
      %one = arith.constant 1 : i64
      %rows = arith.constant 64 : i64
      scf.for %t = %zero to %steps step %one : i64 {
        %at = arith.muli %t, %stride : i64
        %u = ssm.tile_load f32 %x[%at] strides(%one) : !llvm.ptr, vector<16xf32>
        scf.for %r = %zero to %rows step %one : i64 {
          ssm.tile_store %u, f32 %state[%r] strides(%one) : !llvm.ptr, vector<16xf32>
        }
      }
      return
    }
    ```
    After:
    ```mlir
    func.func @kernel(%x: !llvm.ptr, %stride: i64, %state: !llvm.ptr, %steps: i64) {
      %zero = arith.constant 0 : i64
      %one = arith.constant 1 : i64
      %rows = arith.constant 64 : i64
      scf.for %t = %zero to %steps step %one : i64 {
        %at = arith.muli %t, %stride : i64
        %u = ssm.tile_load f32 %x[%at] strides(%one) : !llvm.ptr, vector<16xf32>
        %four = arith.constant 4 : i64
        %later = arith.addi %t, %four : i64
        %ahead = arith.muli %later, %stride : i64
        %line = llvm.getelementptr %x[%ahead] : (!llvm.ptr, i64) -> !llvm.ptr, f32
        "llvm.intr.prefetch"(%line) <{cache = 1 : i32, hint = 3 : i32, rw = 0 : i32}> : (!llvm.ptr) -> ()
        scf.for %r = %zero to %rows step %one : i64 {
          ssm.tile_store %u, f32 %state[%r] strides(%one) : !llvm.ptr, vector<16xf32>
        }
      }
      return
    }
    ```
  }];
  let options = [Option<"distance", "distance", "int64_t", "2", "Steps ahead">];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::LLVM::LLVMDialect"];
}

def SplitSteps : Pass<"ssm-split-steps", "::mlir::func::FuncOp"> {
  let summary = "Compute what many rows of a step wait for some steps ahead";
  let description = [{
    In each loop over steps, and in each innermost loop that carries sums, values that depend on no state, that four or more
    operations wait for, and that take four or more
    to compute, are computed before the loop and kept in scratch: scalars sixteen steps as one vector, rows eight steps
    side by side. Scalars that a loop of sixteen turns or more computes of consecutive elements are worth it whatever they take.
    A loop that may have many steps runs in chunks of 32. Values are the same; where a step is a chain of
    softplus and exp before any state can move, the chains of several steps overlap. Scalars that are the same at every turn
    of a loop around are computed before that.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::scf::SCFDialect", "::mlir::vector::VectorDialect",
                           "::mlir::LLVM::LLVMDialect"];
}

def OverlapRows : Pass<"ssm-overlap-rows", "::mlir::func::FuncOp"> {
  let summary = "Put operations of several rows between each other, as many as registers take";
  let description = [{
    In the bodies of loops, operations are taken in the order in which their operands are there, if two may begin in a
    clock and results take four: the first that is ready of the next 96. Rows that stand one after another, a chain of
    operations each, come to overlap. No more rows are begun than `registers` hold beside what the loop carries and up
    to eight constants. Addresses and constants go where they are first used. Accesses to one array stay in order where
    one of two writes; different arguments, and memory that the function sets aside, are taken to be different memory.

    Before:
    ```mlir
    func.func @two_rows(%n: i64, %p: !llvm.ptr, %q: !llvm.ptr) {
      %c0 = arith.constant 0 : i64
      %c1 = arith.constant 1 : i64
      %c16 = arith.constant 16 : i64
      scf.for %t = %c0 to %n step %c1 : i64 {
        %a = ssm.tile_load f32 %p[%c0] strides(%c1) : !llvm.ptr, vector<16xf32>
        %a2 = arith.mulf %a, %a : vector<16xf32>
        %a3 = arith.addf %a2, %a : vector<16xf32>
        ssm.tile_store %a3, f32 %q[%c0] strides(%c1) : !llvm.ptr, vector<16xf32>
        %b = ssm.tile_load f32 %p[%c16] strides(%c1) : !llvm.ptr, vector<16xf32>
        %b2 = arith.mulf %b, %b : vector<16xf32>
        %b3 = arith.addf %b2, %b : vector<16xf32>
        ssm.tile_store %b3, f32 %q[%c16] strides(%c1) : !llvm.ptr, vector<16xf32>
      }
      return
    }
    ```
    After:
    ```mlir
    func.func @two_rows(%n: i64, %p: !llvm.ptr, %q: !llvm.ptr) {
      %c0 = arith.constant 0 : i64
      %c1 = arith.constant 1 : i64
      %c16 = arith.constant 16 : i64
      scf.for %t = %c0 to %n step %c1 : i64 {
        %a = ssm.tile_load f32 %p[%c0] strides(%c1) : !llvm.ptr, vector<16xf32>
        %b = ssm.tile_load f32 %p[%c16] strides(%c1) : !llvm.ptr, vector<16xf32>
        %a2 = arith.mulf %a, %a : vector<16xf32>
        %b2 = arith.mulf %b, %b : vector<16xf32>
        %a3 = arith.addf %a2, %a : vector<16xf32>
        %b3 = arith.addf %b2, %b : vector<16xf32>
        ssm.tile_store %a3, f32 %q[%c0] strides(%c1) : !llvm.ptr, vector<16xf32>
        ssm.tile_store %b3, f32 %q[%c16] strides(%c1) : !llvm.ptr, vector<16xf32>
      }
      return
    }
    ```
  }];
  let options = [Option<"registers", "registers", "int64_t", "32", "SIMD registers">];
}

def Stage : Pass<"ssm-stage", "::mlir::func::FuncOp"> {
  let summary = "Expand copies between tensors and scratch";
  let description = [{
    `ssm.stage_load` and `ssm.stage_store` become loops over the tile's coordinates and time: square blocks of lanes and
    steps are read as vectors along time and transposed in registers, what is left goes element by element. Elements outside
    the limits are 0 after a load and untouched by a store.

    Where a loop computes with 8 steps at a turn (`ssm-split-steps`), squares are moved at its turns: shuffling and
    multiplying are different parts of a core. What that loop reads is moved a square ahead of it; a store at a time tile's end
    waits for the next tile's, and the last tile's stands behind the loop over tiles. The rows of the next tile are fetched at
    the steps, one a step, so that loads need not wait for lines that only the next tile needs.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::scf::SCFDialect", "::mlir::vector::VectorDialect",
                           "::mlir::LLVM::LLVMDialect"];
}

def ParkStates : Pass<"ssm-park-states", "::mlir::func::FuncOp"> {
  let summary = "Keep states in memory between two loops over steps";
  let description = [{
    Where a loop over time tiles holds several loops and hands the rows that it carries to one of them, the loop over steps,
    these rows are loaded before that one and stored after it, so that they take registers there and nowhere else.

    Before:
    ```mlir
    func.func @tiles(%n: i64, %h: vector<16xf32>, %p: !llvm.ptr) -> vector<16xf32> {
      %c0 = arith.constant 0 : i64
      %c1 = arith.constant 1 : i64
      %last = scf.for %t = %c0 to %n step %c1 iter_args(%outer = %h) -> (vector<16xf32>) : i64 {
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
    ```
    After:
    ```mlir
    func.func @tiles(%n: i64, %h: vector<16xf32>, %p: !llvm.ptr) -> vector<16xf32> {
      %c1 = arith.constant 1 : i64
      %place = llvm.alloca %c1 x vector<16xf32> {alignment = 64 : i64} : (i64) -> !llvm.ptr
      %c0 = arith.constant 0 : i64
      llvm.store volatile %h, %place {alignment = 64 : i64} : vector<16xf32>, !llvm.ptr
      scf.for %t = %c0 to %n step %c1 : i64 {
        scf.for %i = %c0 to %n step %c1 : i64 {
          llvm.store %i, %p : i64, !llvm.ptr
        }
        %before = llvm.load volatile %place {alignment = 64 : i64} : !llvm.ptr -> vector<16xf32>
        %after = scf.for %s = %c0 to %n step %c1 iter_args(%inner = %before) -> (vector<16xf32>) : i64 {
          %next = arith.addf %inner, %inner : vector<16xf32>
          scf.yield %next : vector<16xf32>
        }
        llvm.store volatile %after, %place {alignment = 64 : i64} : vector<16xf32>, !llvm.ptr
      }
      %last = llvm.load volatile %place {alignment = 64 : i64} : !llvm.ptr -> vector<16xf32>
      return %last : vector<16xf32>
    }
    ```
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::scf::SCFDialect", "::mlir::LLVM::LLVMDialect"];
}

def VectorizeSums : Pass<"ssm-vectorize-sums", "::mlir::func::FuncOp"> {
  let summary = "Sum numbers over a loop a vector at a time";
  let description = [{
    In a loop that goes by ones, a sum of tiles of one element, made elementwise of loads of consecutive elements and of what is
    the same at every turn, leaves the loop: a vector loop before it adds up as many turns at once as a register of
    `vector-bytes` has lanes, the lanes are summed, and turns that fill no vector follow one after another. Other results of
    the loop stay.

    Before, with `vector-bytes=64`:
    ```mlir
    func.func @dot(%q: !llvm.ptr, %k: !llvm.ptr) -> vector<1x1xf32> {
      %c0 = arith.constant 0 : i64
      %c1 = arith.constant 1 : i64
      %c64 = arith.constant 64 : i64
      %zero = arith.constant dense<0.0> : vector<1x1xf32>
      %sum = scf.for %i = %c0 to %c64 step %c1 iter_args(%s = %zero) -> (vector<1x1xf32>) : i64 {
        %a = ssm.tile_load f32 %q[%i] strides(%c0, %c0) : !llvm.ptr, vector<1x1xf32>
        %b = ssm.tile_load f32 %k[%i] strides(%c0, %c0) : !llvm.ptr, vector<1x1xf32>
        %ab = arith.mulf %a, %b : vector<1x1xf32>
        %next = arith.addf %s, %ab : vector<1x1xf32>
        scf.yield %next : vector<1x1xf32>
      }
      return %sum : vector<1x1xf32>
    }
    ```
    After:
    ```mlir
    func.func @dot(%q: !llvm.ptr, %k: !llvm.ptr) -> vector<1x1xf32> {
      %c0 = arith.constant 0 : i64
      %c16 = arith.constant 16 : i64
      %c64 = arith.constant 64 : i64
      %zero = arith.constant dense<0.0> : vector<1x16xf32>
      %sums = scf.for %i = %c0 to %c64 step %c16 iter_args(%s = %zero) -> (vector<1x16xf32>) : i64 {
        %c1 = arith.constant 1 : i64
        %a = ssm.tile_load f32 %q[%i] strides(%c0, %c1) : !llvm.ptr, vector<1x16xf32>
        %b = ssm.tile_load f32 %k[%i] strides(%c0, %c1) : !llvm.ptr, vector<1x16xf32>
        %ab = arith.mulf %a, %b : vector<1x16xf32>
        %next = arith.addf %s, %ab : vector<1x16xf32>
        scf.yield %next : vector<1x16xf32>
      }
      %sum = ssm.tile_reduce add %sums over [1] : vector<1x16xf32> to vector<1x1xf32>
      return %sum : vector<1x1xf32>
    }
    ```
  }];
  let options = [Option<"vectorBytes", "vector-bytes", "int64_t", "64", "Bytes of a SIMD register">];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::scf::SCFDialect", "::mlir::vector::VectorDialect"];
}

def LowerReductions : Pass<"ssm-lower-reductions", "::mlir::func::FuncOp"> {
  let summary = "Sum rows over their lanes, by one fixed tree";
  let description = [{
    Halves of the row are added, then halves of that, down to a scalar: the order is the same on every machine.

    Before:
    ```mlir
    func.func @lanes(%x: vector<2xf32>) -> f32 {
      %s = ssm.tile_reduce add %x over [0] : vector<2xf32> to f32
      return %s : f32
    }
    ```
    After:
    ```mlir
    func.func @lanes(%x: vector<2xf32>) -> f32 {
      %low = vector.extract %x[0] : f32 from vector<2xf32>
      %high = vector.extract %x[1] : f32 from vector<2xf32>
      %s = arith.addf %low, %high : f32
      return %s : f32
    }
    ```
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::vector::VectorDialect"];
}

def NarrowBounds : Pass<"ssm-narrow-bounds", "::mlir::func::FuncOp"> {
  let summary = "Bound rows of numbers of 16 bits before they are widened, two by an instruction";
  let description = [{
    Where all uses of a row that is loaded are its elements' maximum with one constant, or their minimum, and the type in
    memory has that constant, the row is loaded as it is, bounded, and widened then. The numbers are the same, and
    NaN is NaN. Registers are words, of which two such numbers are one: for a GPU, which bounds both at once.

    Before:
    ```mlir
    func.func @pair(%p: !llvm.ptr, %o: i64) -> (f32, f32) {
      %c1 = arith.constant 1 : i64
      %low = arith.constant -8.950000e+01 : f32
      %x = ssm.tile_load f16 %p[%o] strides(%c1) aligned 4 : !llvm.ptr, vector<2xf32>
      %x0 = vector.extract %x[0] : f32 from vector<2xf32>
      %x1 = vector.extract %x[1] : f32 from vector<2xf32>
      %y0 = arith.maximumf %x0, %low : f32
      %y1 = arith.maximumf %x1, %low : f32
      return %y0, %y1 : f32, f32
    }
    ```
    After:
    ```mlir
    func.func @pair(%p: !llvm.ptr, %o: i64) -> (f32, f32) {
      %c1 = arith.constant 1 : i64
      %x = ssm.tile_load f16 %p[%o] strides(%c1) aligned 4 : !llvm.ptr, vector<2xf16>
      %low = arith.constant dense<-8.950000e+01> : vector<2xf16>
      %y = arith.maximumf %x, %low : vector<2xf16>
      %wide = arith.extf %y : vector<2xf16> to vector<2xf32>
      %y0 = vector.extract %wide[0] : f32 from vector<2xf32>
      %y1 = vector.extract %wide[1] : f32 from vector<2xf32>
      return %y0, %y1 : f32, f32
    }
    ```
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::vector::VectorDialect"];
}

def LoadAhead : Pass<"ssm-load-ahead", "::mlir::func::FuncOp"> {
  let summary = "Load what the next time tile or turn of a loop needs while the steps of this one run";
  let description = [{
    In a function with `ssm.load_ahead`, in each loop whose turns have barriers: what is loaded before the first barrier of
    a turn is loaded behind that barrier for the turn after, and carried to it, the first turn's before the loop; what is
    loaded behind the last barrier is loaded behind the first. In a loop of several steps a turn, without barriers or loops
    inside, all is loaded a turn before, where the turn begins. A load moves with the conditions around it, if these and
    its address follow from the loop's counter, and if its array is an argument that the function does not write and
    no other argument overlaps (`llvm.noalias`). Nothing is loaded for a turn that there is not.

    Before:
    ```mlir
    func.func @tiles(%x: !llvm.ptr {llvm.noalias}, %z: !llvm.ptr {llvm.noalias}, %s: !llvm.ptr<3>, %steps: i64) attributes {ssm.load_ahead} {
      %c0 = arith.constant 0 : i64
      %c32 = arith.constant 32 : i64
      scf.for %t = %c0 to %steps step %c32 : i64 {
        %p = llvm.getelementptr %x[%t] : (!llvm.ptr, i64) -> !llvm.ptr, f32
        %v = llvm.load %p : !llvm.ptr -> f32
        llvm.store %v, %s : f32, !llvm.ptr<3>
        gpu.barrier
        %h = llvm.load %s : !llvm.ptr<3> -> f32
        gpu.barrier
        %q = llvm.getelementptr %z[%t] : (!llvm.ptr, i64) -> !llvm.ptr, f32
        %w = llvm.load %q : !llvm.ptr -> f32
        %y = arith.mulf %h, %w : f32
        llvm.store %y, %s : f32, !llvm.ptr<3>
      }
      return
    }
    ```
    After:
    ```mlir
    func.func @tiles(%x: !llvm.ptr {llvm.noalias}, %z: !llvm.ptr {llvm.noalias}, %s: !llvm.ptr<3>, %steps: i64) {
      %c0 = arith.constant 0 : i64
      %c32 = arith.constant 32 : i64
      %any = arith.cmpi slt, %c0, %steps : i64
      %first = scf.if %any -> (f32) {
        %p = llvm.getelementptr %x[%c0] : (!llvm.ptr, i64) -> !llvm.ptr, f32
        %v = llvm.load %p : !llvm.ptr -> f32
        scf.yield %v : f32
      } else {
        %none = ub.poison : f32
        scf.yield %none : f32
      }
      %last = scf.for %t = %c0 to %steps step %c32 iter_args(%v = %first) -> (f32) : i64 {
        %unused = llvm.getelementptr %x[%t] : (!llvm.ptr, i64) -> !llvm.ptr, f32
        llvm.store %v, %s : f32, !llvm.ptr<3>
        gpu.barrier
        %q = llvm.getelementptr %z[%t] : (!llvm.ptr, i64) -> !llvm.ptr, f32
        %w = llvm.load %q : !llvm.ptr -> f32
        %next = arith.addi %t, %c32 : i64
        %isThere = arith.cmpi slt, %next, %steps : i64
        %later = scf.if %isThere -> (f32) {
          %p = llvm.getelementptr %x[%next] : (!llvm.ptr, i64) -> !llvm.ptr, f32
          %n = llvm.load %p : !llvm.ptr -> f32
          scf.yield %n : f32
        } else {
          %none = ub.poison : f32
          scf.yield %none : f32
        }
        %h = llvm.load %s : !llvm.ptr<3> -> f32
        gpu.barrier
        %y = arith.mulf %h, %w : f32
        llvm.store %y, %s : f32, !llvm.ptr<3>
        scf.yield %later : f32
      }
      return
    }
    ```
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::scf::SCFDialect", "::mlir::ub::UBDialect"];
}

def SinkStores : Pass<"ssm-sink-stores", "::mlir::func::FuncOp"> {
  let summary = "Put stores to shared memory behind loads of other shared memory";
  let description = [{
    A store to an array of `ssm.shared` goes behind the last load of another such array that follows in its block, if
    nothing between them accesses its array, may be any other memory effect (a barrier, say), or has a region. ptxas
    does not know arrays from each other and keeps each load behind each store; what such a load begins, the chain of
    another channel of the thread, overlaps with the chain that the store ends.

    Before:
    ```mlir
    func.func @two_channels(%place: i64) {
      %dt = ssm.shared 512 : !llvm.ptr<3>
      %y = ssm.shared 512 : !llvm.ptr<3>
      %p0 = llvm.getelementptr %dt[%place] : (!llvm.ptr<3>, i64) -> !llvm.ptr<3>, f32
      %q0 = llvm.getelementptr %y[%place] : (!llvm.ptr<3>, i64) -> !llvm.ptr<3>, f32
      %a = llvm.load %p0 : !llvm.ptr<3> -> f32
      %b = math.exp2 %a : f32
      llvm.store %b, %q0 : f32, !llvm.ptr<3>
      %p1 = llvm.getelementptr %p0[64] : (!llvm.ptr<3>) -> !llvm.ptr<3>, f32
      %q1 = llvm.getelementptr %q0[64] : (!llvm.ptr<3>) -> !llvm.ptr<3>, f32
      %c = llvm.load %p1 : !llvm.ptr<3> -> f32
      %d = math.exp2 %c : f32
      llvm.store %d, %q1 : f32, !llvm.ptr<3>
      return
    }
    ```
    After:
    ```mlir
    func.func @two_channels(%place: i64) {
      %dt = ssm.shared 512 : !llvm.ptr<3>
      %y = ssm.shared 512 : !llvm.ptr<3>
      %p0 = llvm.getelementptr %dt[%place] : (!llvm.ptr<3>, i64) -> !llvm.ptr<3>, f32
      %q0 = llvm.getelementptr %y[%place] : (!llvm.ptr<3>, i64) -> !llvm.ptr<3>, f32
      %a = llvm.load %p0 : !llvm.ptr<3> -> f32
      %b = math.exp2 %a : f32
      %p1 = llvm.getelementptr %p0[64] : (!llvm.ptr<3>) -> !llvm.ptr<3>, f32
      %q1 = llvm.getelementptr %q0[64] : (!llvm.ptr<3>) -> !llvm.ptr<3>, f32
      %c = llvm.load %p1 : !llvm.ptr<3> -> f32
      llvm.store %b, %q0 : f32, !llvm.ptr<3>
      %d = math.exp2 %c : f32
      llvm.store %d, %q1 : f32, !llvm.ptr<3>
      return
    }
    ```
  }];
}

def LowerMoves : Pass<"ssm-lower-moves", "::mlir::func::FuncOp"> {
  let summary = "Turn loads and stores of rows into memory operations";
  let description = [{
    A row whose lanes have stride 1 is one vector access, masked where a limit may cut it; other strides are one
    gather or scatter, which a target without them expands. A lane outside its limits becomes 0. bf16 is widened by a
    shift and rounded to nearest even by integer arithmetic, NaN staying NaN. With `gpu` the target has an
    instruction for it, and a row of bf16 is widened a word at a time.

    Before:
    ```mlir
    func.func @row(%p: !llvm.ptr, %o: i64) -> vector<8xf32> {
      %c1 = arith.constant 1 : i64
      %x = ssm.tile_load f32 %p[%o] strides(%c1) : !llvm.ptr, vector<8xf32>
      return %x : vector<8xf32>
    }
    ```
    After:
    ```mlir
    func.func @row(%p: !llvm.ptr, %o: i64) -> vector<8xf32> {
      %q = llvm.getelementptr %p[%o] : (!llvm.ptr, i64) -> !llvm.ptr, f32
      %x = llvm.load %q {alignment = 4 : i64} : !llvm.ptr -> vector<8xf32>
      return %x : vector<8xf32>
    }
    ```
  }];
  let options = [Option<"gpu", "gpu", "bool", "false", "Registers are words, and an instruction rounds to bf16">];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::vector::VectorDialect", "::mlir::LLVM::LLVMDialect",
                           "::mlir::NVVM::NVVMDialect", "::mlir::scf::SCFDialect"];
}

def LowerExchanges : Pass<"ssm-lower-exchanges", "::mlir::func::FuncOp"> {
  let summary = "Exchange scalars between threads by shuffles and shared memory";
  let description = [{
    Exchanges in a warp are `nvvm.shfl.sync idx`, by words of 32 bits, whose mask names the lanes that a last warp has.
    Others go through an `ssm.shared` buffer that holds a value of every thread after another, so that a warp meets all
    banks: barrier, stores, barrier, loads. A kernel has one such buffer, of 32 KiB at most: exchanges of more values are
    several.

    Before:
    ```mlir
    func.func @neighbours(%x: f32, %t: i64) -> f32 attributes {ssm.threads = 64 : i64} {
      %n = ssm.tile_exchange warp %x from %t : (f32, i64) -> f32
      %w = ssm.tile_exchange %n from %t : (f32, i64) -> f32
      return %w : f32
    }
    ```
    After:
    ```mlir
    func.func @neighbours(%arg0: f32, %arg1: i64) -> f32 attributes {ssm.threads = 64 : i64} {
      %0 = ssm.shared 256 : !llvm.ptr<3>
      %1 = ssm.tile_place thread : i64
      %c-1_i32 = arith.constant -1 : i32
      %2 = arith.trunci %arg1 : i64 to i32
      %c31_i32 = arith.constant 31 : i32
      %3 = nvvm.shfl.sync  idx %c-1_i32, %arg0, %2, %c31_i32 : f32 -> f32
      gpu.barrier
      %4 = llvm.getelementptr %0[%1] : (!llvm.ptr<3>, i64) -> !llvm.ptr<3>, f32
      llvm.store %3, %4 : f32, !llvm.ptr<3>
      gpu.barrier
      %5 = llvm.getelementptr %0[%arg1] : (!llvm.ptr<3>, i64) -> !llvm.ptr<3>, f32
      %6 = llvm.load %5 : !llvm.ptr<3> -> f32
      return %6 : f32
    }
    ```
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::gpu::GPUDialect", "::mlir::NVVM::NVVMDialect", "::mlir::vector::VectorDialect",
                           "::mlir::LLVM::LLVMDialect"];
}

def TicketOrder : Pass<"ssm-ticket-order", "::mlir::ModuleOp"> {
  let summary = "Run the parts of a scan over the grid as one kernel, chunks in the order of tickets";
  let description = [{
    Functions with the attribute `ssm.ticket_order`, the parts that ssm-chunk-scan has cut a scan into, become one, which is
    the last of them. For each task a block

    - takes a ticket, by one atomic addition of one thread. Tickets count the tiles of the first chunk, then those of the
      second, and so on; the ticket and not the block's number is the task, so whatever a block waits for is done by blocks
      that run already;
    - runs the total of its chunk;
    - waits for the flag of the chunk before it, acquires what that has left, combines exactly that with its own total,
      stores the result and releases its own flag; the first chunk waits for none. So states are combined in the order of
      chunks, whichever is ready first, and results are the same bits in every run;
    - runs its chunk from the state before it. This waits for nothing more.

    A level of states whose past a chunk fills on its own (delays) hands it on before it waits. Between one part and the
    next stand barriers, since what is between them goes through memory.

    `order` is two words of 64 bits, the ticket that is next and the number of launches before this one, and room for more.
    Of `flags` each task has as many words as there are levels. A flag is set when it is the number of this launch, counted from
    1 and multiplied by an odd constant: what launches before left there is no such number, nor, but by a chance of 1 in
    2^64, what else of a workspace stood there when other sizes were launched; so no launch has to clear flags. The
    block that takes a launch's last ticket sets the ticket back to 0 and adds 1 to the number of launches, which every task
    has read before it took a ticket. All words are 0 before the first launch, and those of `order` no one else's
    afterwards. Nothing of that comes from the host, so a launch that was captured in a graph may be replayed.

    Three kernels in place of one (`scan=passes`) take no flags and no waiting, but chunks are joined by as many threads
    as there are states, one chunk after another, and each kernel waits for all of the one before it.

    Before:
    ```mlir
    func.func @h_total0(%order: !llvm.ptr, %flags: !llvm.ptr, %h: !llvm.ptr, %steps: i64)
        attributes {ssm.threads = 32 : i64, ssm.ticket_order = {chunk = 64 : i64, flags = 1 : i64, order = 0 : i64, part = "total", size = 3 : i64}} {
      %task = ssm.tile_place grid : i64
      llvm.store %task, %h : i64, !llvm.ptr
      return
    }
    func.func @h_forward(%order: !llvm.ptr, %flags: !llvm.ptr, %h: !llvm.ptr, %steps: i64)
        attributes {ssm.threads = 32 : i64, ssm.ticket_order = {chunk = 64 : i64, flags = 1 : i64, order = 0 : i64, part = "last", size = 3 : i64}} {
      %task = ssm.tile_place grid : i64
      llvm.store %task, %h : i64, !llvm.ptr
      return
    }
    ```
    After:
    ```mlir
    func.func @h_forward(%arg0: !llvm.ptr, %arg1: !llvm.ptr, %arg2: !llvm.ptr, %arg3: i64) attributes {ssm.threads = 32 : i64} {
      %0 = ssm.tile_place thread : i64
      %1 = ssm.tile_place tasks : i64
      %2 = ssm.shared 16 : !llvm.ptr<3>
      %c0_i64 = arith.constant 0 : i64
      %3 = arith.cmpi eq, %0, %c0_i64 : i64
      scf.if %3 {
        %17 = llvm.getelementptr %arg0[1] : (!llvm.ptr) -> !llvm.ptr, i64
        %18 = llvm.load %17 atomic syncscope("device") monotonic {alignment = 8 : i64} : !llvm.ptr -> i64
        %c1_i64_0 = arith.constant 1 : i64
        %19 = arith.addi %18, %c1_i64_0 : i64
        llvm.fence syncscope("device") acq_rel
        %20 = llvm.getelementptr %arg0[0] : (!llvm.ptr) -> !llvm.ptr, i64
        %21 = llvm.atomicrmw add %20, %c1_i64_0 syncscope("device") monotonic {alignment = 8 : i64} : !llvm.ptr, i64
        %22 = arith.subi %1, %c1_i64_0 : i64
        %23 = arith.cmpi eq, %21, %22 : i64
        scf.if %23 {
          llvm.fence syncscope("device") acq_rel
          llvm.store %c0_i64, %20 atomic syncscope("device") monotonic {alignment = 8 : i64} : i64, !llvm.ptr
          llvm.store %19, %17 atomic syncscope("device") monotonic {alignment = 8 : i64} : i64, !llvm.ptr
        }
        %24 = llvm.getelementptr %2[0] : (!llvm.ptr<3>) -> !llvm.ptr<3>, i64
        llvm.store %21, %24 : i64, !llvm.ptr<3>
        %c-7046029254386353131_i64 = arith.constant -7046029254386353131 : i64
        %25 = arith.muli %19, %c-7046029254386353131_i64 : i64
        %26 = llvm.getelementptr %2[1] : (!llvm.ptr<3>) -> !llvm.ptr<3>, i64
        llvm.store %25, %26 : i64, !llvm.ptr<3>
      }
      gpu.barrier
      %4 = llvm.getelementptr %2[0] : (!llvm.ptr<3>) -> !llvm.ptr<3>, i64
      %5 = llvm.load %4 : !llvm.ptr<3> -> i64
      %6 = llvm.getelementptr %2[1] : (!llvm.ptr<3>) -> !llvm.ptr<3>, i64
      %7 = llvm.load %6 : !llvm.ptr<3> -> i64
      %c64_i64 = arith.constant 64 : i64
      %8 = arith.ceildivui %arg3, %c64_i64 : i64
      %c1_i64 = arith.constant 1 : i64
      %9 = arith.maxui %8, %c1_i64 : i64
      %10 = arith.divui %1, %9 : i64
      %11 = arith.divui %5, %10 : i64
      %12 = arith.remui %5, %10 : i64
      %13 = arith.muli %12, %9 : i64
      %14 = arith.addi %13, %11 : i64
      llvm.store %14, %arg2 : i64, !llvm.ptr
      gpu.barrier
      scf.if %3 {
        %17 = arith.muli %5, %c1_i64 : i64
        %18 = arith.addi %17, %c0_i64 : i64
        %19 = llvm.getelementptr %arg1[%18] : (!llvm.ptr, i64) -> !llvm.ptr, i64
        llvm.store %7, %19 atomic syncscope("device") release {alignment = 8 : i64} : i64, !llvm.ptr
      }
      %15 = arith.cmpi uge, %5, %10 : i64
      %16 = arith.andi %3, %15 : i1
      scf.if %16 {
        %17 = arith.subi %5, %10 : i64
        %18 = arith.muli %17, %c1_i64 : i64
        %19 = arith.addi %18, %c0_i64 : i64
        %20 = llvm.getelementptr %arg1[%19] : (!llvm.ptr, i64) -> !llvm.ptr, i64
        scf.while : () -> () {
          %21 = llvm.load %20 atomic syncscope("device") acquire {alignment = 8 : i64} : !llvm.ptr -> i64
          %22 = arith.cmpi eq, %21, %7 : i64
          %true = arith.constant true
          %23 = arith.xori %22, %true : i1
          scf.condition(%23)
        } do {
          %c20_i32 = arith.constant 20 : i32
          nvvm.nanosleep %c20_i32
          scf.yield
        }
      }
      gpu.barrier
      llvm.store %14, %arg2 : i64, !llvm.ptr
      return
    }
    ```
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::scf::SCFDialect", "::mlir::gpu::GPUDialect",
                           "::mlir::NVVM::NVVMDialect", "::mlir::LLVM::LLVMDialect"];
}

def LowerToCpu : Pass<"ssm-lower-to-cpu", "::mlir::ModuleOp"> {
  let summary = "Make functions that run a range of tasks";
  let description = [{
    Each kernel gets a second function, with `_tasks` behind its name, that takes the address of its arguments as an array of
    64-bit words (pointers, strides, the bits of parameters, sizes) and a range of tasks, and calls the kernel for each.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::scf::SCFDialect", "::mlir::LLVM::LLVMDialect"];
}

def LowerToGpu : Pass<"ssm-lower-to-gpu", "::mlir::ModuleOp"> {
  let summary = "Move kernels into a gpu.module, blocks over tasks";
  let description = [{
    A block runs tasks blockIdx.x, blockIdx.x + gridDim.x, … below the number of tasks, which is a further argument, so that
    any grid is right and no grid limit binds; the number of threads is fixed by the schedule and stands on the function, and
    so is how many blocks have to fit on a multiprocessor (`ssm.resident_blocks`), where it says. Memory that a block's
    threads share is a global of the module.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::scf::SCFDialect", "::mlir::gpu::GPUDialect",
                           "::mlir::NVVM::NVVMDialect", "::mlir::LLVM::LLVMDialect"];
}

#endif
