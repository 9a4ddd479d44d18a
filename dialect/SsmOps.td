#ifndef SSM_OPS_TD
#define SSM_OPS_TD

include "SsmDialect.td"
include "mlir/IR/OpAsmInterface.td"
include "mlir/IR/SymbolInterfaces.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

class Ssm_Op<string mnemonic, list<Trait> traits = []> : Op<Ssm_Dialect, mnemonic, traits>;

def Ssm_Real : AnyTypeOf<[F32, F64], "f32 or f64">;
def Ssm_Complex : Type<CPred<"::llvm::isa<::mlir::ComplexType>($_self)">, "a complex number", "::mlir::ComplexType">;
def Ssm_Number : AnyTypeOf<[F32, F64, Ssm_Complex], "a real or complex number">;
def Ssm_Value : AnyTypeOf<[F32, F64, Ssm_Complex, I1], "a number or a truth value">;
def Ssm_Names : TypedArrayAttrBase<StrAttr, "names of dimensions">;

//===----------------------------------------------------------------------===//
// The recurrence and its declarations
//===----------------------------------------------------------------------===//

def Ssm_RecurrenceOp : Ssm_Op<"recurrence", [IsolatedFromAbove, SingleBlock, NoTerminator, Symbol, NoRegionArguments]> {
  let summary = "One time step of a recurrence, over named dimensions";
  let description = [{
    The region is straight-line code at one step s = 0 .. T-1 of the dimension `scan`. Coordinates of every other
    dimension are implicit: an operation is evaluated at each coordinate of the dimensions that its value has.
    Step s stands at coordinate s, with `reverse` at T-1-s; `reverse_if` takes that from an option.

    - recurrence_c1: dimension names are unique; `like` names an earlier dimension and excludes a size.
    - recurrence_c2: `scan` names a dimension that is not `like` another.
    - recurrence_c3: the region holds operations of arith, math, complex and of ssm's level 0 alone, without regions.
    - recurrence_c4: every input and output has a name of its own, as has every state among the states.
    - recurrence_c5: every state read by `previous` has one `next` or `derivative`, and no state has two.
    - recurrence_c6: an optional input reaches `next`, `output`, `initial` or `derivative` through the true side of an
      `arith.select` on its own `given` alone.
    - recurrence_c7: `reverse_if` names a declared option that is true or false.
    - recurrence_c8: sizes are not negative.

    Example:
    ```mlir
    ssm.recurrence @decay dims [batch, channel] scan time {
      …
    }
    ```
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, ArrayAttr:$dims, OptionalAttr<DictionaryAttr>:$options,
                       StrAttr:$scan, UnitAttr:$reverse, OptionalAttr<StrAttr>:$reverse_if,
                       OptionalAttr<StrAttr>:$summary_text);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = [{
    $sym_name `dims` custom<Dims>($dims) (`options` $options^)? `scan` custom<Name>($scan) (`reverse` $reverse^)?
    (`reverse_if` $reverse_if^)? (`summary` $summary_text^)? attr-dict-with-keyword $body
  }];
  let hasVerifier = 1;
  let hasRegionVerifier = 1;
  let extraClassDeclaration = [{
    /// The declared dimension `name`, or null.
    DimAttr lookupDim(::llvm::StringRef name);
    /// The dimension whose extent `name` has: itself, or what its `like` leads to.
    ::llvm::StringRef extentOf(::llvm::StringRef name);
    /// Size of `name` (through `like`) where it is known when compiling.
    std::optional<int64_t> sizeOf(::llvm::StringRef name);
  }];
}

def Ssm_InputOp : Ssm_Op<"input"> {
  let summary = "An input tensor's element at this step and coordinate";
  let description = [{
    Dimensions: those of the layout. `stored` is the element type in memory; without it, the one that `--dtype` gives.
    An `optional` input may be left out when the recurrence is specialized.
    Not pure, so that an unused input stays in the argument list.

    - input_c1: the layout's dimensions are declared, each named once.
    - input_c2: `stored` is f32, f64, bf16, f16 or a complex of f32 or f64, complex just where the result is.

    Example: `%u = ssm.input "u" [batch, (group member), time] stored bf16 : f64`
  }];
  let arguments = (ins StrAttr:$name, Ssm_LayoutAttr:$layout, OptionalAttr<TypeAttr>:$stored, UnitAttr:$optional);
  let results = (outs Ssm_Number:$result);
  let assemblyFormat = "$name custom<Layout>($layout) (`stored` $stored^)? (`optional` $optional^)? attr-dict `:` type($result)";
  let hasVerifier = 1;
}

def Ssm_OptionOp : Ssm_Op<"option", [Pure]> {
  let summary = "The value of a compile-time option, or whether it is a certain word";
  let description = [{
    Without `is` the option is a boolean (i1) or a number; with `is` it is a word and the result tells whether it is that
    one. `specialize` folds it.

    - option_c1: the option is declared by the recurrence, with a value of the matching kind.

    Example: `%softplus = ssm.option "delta_softplus" : i1`, `%g = ssm.option "activation" is "g" : i1`
  }];
  let arguments = (ins StrAttr:$name, OptionalAttr<StrAttr>:$is);
  let results = (outs Ssm_Value:$result);
  let assemblyFormat = "$name (`is` $is^)? attr-dict `:` type($result)";
  let hasVerifier = 1;
}

def Ssm_GivenOp : Ssm_Op<"given", [Pure]> {
  let summary = "Whether an optional input is given; decided when compiling";
  let description = [{
    - given_c1: `name` is an optional input of the recurrence.

    Example: `%gz = ssm.given "z" : i1`
  }];
  let arguments = (ins StrAttr:$name);
  let results = (outs I1:$result);
  let assemblyFormat = "$name attr-dict `:` type($result)";
  let hasVerifier = 1;
}

def Ssm_ParamOp : Ssm_Op<"param"> {
  let summary = "A scalar argument of the launch, with a default";
  let description = [{
    Has no dimensions. Not pure, so that an unused one stays in the argument list.

    Example: `%scale = ssm.param "scale" = 1.250000e-01 : f64`
  }];
  let arguments = (ins StrAttr:$name, F64Attr:$default_value);
  let results = (outs Ssm_Real:$result);
  let assemblyFormat = "$name `=` custom<Number>($default_value) attr-dict `:` type($result)";
}

def Ssm_PreviousOp : Ssm_Op<"previous"> {
  let summary = "A state's value exactly `back` steps ago";
  let description = [{
    `back` is 1 unless written. Before the start it is the initial value: the array given at launch, else that of the
    state `seeded_by` (for the older values of a declared state), else `ssm.initial`, else zero.
    The state's depth D is the largest `back` of its `previous` operations; the array that carries it from call to call
    has the layout's axes, and where D > 1 a last axis of D, newest first.
    Dimensions: the layout's and the scanned one. Not pure, so that an unused state stays declared.

    - previous_c1: the layout's dimensions are declared, each named once, the scanned one not among them.
    - previous_c2: `back` is positive.
    - previous_c3: all `previous` of one name agree in layout, stored type, result type and `seeded_by`.
    - previous_c4: `seeded_by` names another state of the same layout and type.
    - previous_c5: `stored` fits the result, as for an input.

    Example: `%hp = ssm.previous "h" [batch, channel, state] stored f32 : f64`
  }];
  let arguments = (ins StrAttr:$name, Ssm_LayoutAttr:$layout, OptionalAttr<TypeAttr>:$stored,
                       DefaultValuedAttr<I64Attr, "1">:$back, OptionalAttr<StrAttr>:$seeded_by);
  let results = (outs Ssm_Number:$result);
  let assemblyFormat = [{
    $name custom<Layout>($layout) (`back` $back^)? (`stored` $stored^)? (`seeded_by` $seeded_by^)? attr-dict `:` type($result)
  }];
  let hasVerifier = 1;
}

def Ssm_NextOp : Ssm_Op<"next"> {
  let summary = "A state's value after this step";
  let description = [{
    The value is broadcast along dimensions of the state's layout that it lacks.

    - next_c1: the value's dimensions are among those of the state's layout, besides the scanned one.
    - next_c2: some `previous` declares the state, with the value's type.

    Example: `ssm.next "h" %h : f64`
  }];
  let arguments = (ins StrAttr:$name, Ssm_Number:$value);
  let assemblyFormat = "$name $value attr-dict `:` type($value)";
  let hasVerifier = 1;
}

def Ssm_InitialOp : Ssm_Op<"initial"> {
  let summary = "A state's value before the first step, where no array is given at launch";
  let description = [{
    - initial_c1: some `previous` declares the state, with the value's type; there is one `initial` a state.
    - initial_c2: the value's dimensions are among those of the state's layout; it does not vary in time.

    Example: `ssm.initial "m" %c : f64`
  }];
  let arguments = (ins StrAttr:$name, Ssm_Number:$value);
  let assemblyFormat = "$name $value attr-dict `:` type($value)";
  let hasVerifier = 1;
}

def Ssm_DerivativeOp : Ssm_Op<"derivative", [AllTypesMatch<["state", "rate", "result"]>]> {
  let summary = "Continuous time: the state's next value from its derivative, by a discretization";
  let description = [{
    `rate` is dh/dt as an expression of `state`, which is the state's `previous` value; `step` is the step size. The
    result is the state's new value, and the operation stands for its `next` too. With rate = a·h + b:

    | method | next value |
    |---|---|
    | `zoh` | `exp(step·a)·h + step·φ₁(step·a)·b`, φ₁(z) = (eᶻ-1)/z: exact for b constant over the step |
    | `bilinear` | `((1 + step·a/2)·h + step·b) / (1 - step·a/2)` (Tustin) |
    | `euler` | `h + step·rate` (explicit) |
    | `exp_euler` | `exp(step·a)·h + step·b` (Gu & Dao 2023, section 3.6: zero-order hold for A, Euler for B) |

    - derivative_c1: `state` is a `previous` of the state named, one step back.
    - derivative_c2: `method` is one of the four.

    Example: `%h = ssm.derivative "h" of %hp is %rate step %dt by "zoh" : complex<f64>, f64`
  }];
  let arguments = (ins StrAttr:$name, Ssm_Number:$state, Ssm_Number:$rate, Ssm_Number:$step, StrAttr:$method);
  let results = (outs Ssm_Number:$result);
  let assemblyFormat = [{
    $name `of` $state `is` $rate `step` $step `by` $method attr-dict `:` type($result) `,` type($step)
  }];
  let hasVerifier = 1;
  let extraClassDeclaration = [{ static bool isMethod(::llvm::StringRef name); }];
}

def Ssm_OutputOp : Ssm_Op<"output"> {
  let summary = "Writes an output tensor's element at this step and coordinate";
  let description = [{
    The value is broadcast along dimensions of the layout that it lacks.

    - output_c1: the layout's dimensions are declared, each named once, the scanned one among them.
    - output_c2: the value's dimensions are among the layout's.
    - output_c3: `stored` fits the value, as for an input.

    Example: `ssm.output "y" %y [batch, (group member), time] : f64`
  }];
  let arguments = (ins StrAttr:$name, Ssm_Number:$value, Ssm_LayoutAttr:$layout, OptionalAttr<TypeAttr>:$stored);
  let assemblyFormat = "$name $value custom<Layout>($layout) (`stored` $stored^)? attr-dict `:` type($value)";
  let hasVerifier = 1;
}

//===----------------------------------------------------------------------===//
// Operations that change dimensions
//===----------------------------------------------------------------------===//

class Ssm_ReductionOp<string mnemonic, string what, Type type> : Ssm_Op<mnemonic, [Pure, SameOperandsAndResultType]> {
  let summary = what # " over named dimensions";
  let arguments = (ins type:$value, Ssm_Names:$over);
  let results = (outs type:$result);
  let assemblyFormat = "$value `over` custom<Names>($over) attr-dict `:` type($result)";
  let hasVerifier = 1;
}
def Ssm_SumOp : Ssm_ReductionOp<"sum", "Sum", Ssm_Number> {
  let description = [{
    Dimensions: the operand's less `over`. Over a dimension d that the operand lacks it is size(d) times the operand.

    - sum_c1: `over` names declared dimensions, each once, the scanned one not among them.

    Example: `%o = ssm.sum %ch over [state] : f64`
  }];
}
def Ssm_MaxOp : Ssm_ReductionOp<"max", "Maximum", Ssm_Real> {
  let description = [{
    Over a dimension that the operand lacks it is the operand; over an empty one it is -infinity. NaN wins.

    - max_c1: as sum_c1.

    Example: `%m = ssm.max %x over [state] : f64`
  }];
}
def Ssm_MeanOp : Ssm_ReductionOp<"mean", "Arithmetic mean", Ssm_Number> {
  let description = [{
    Over a dimension that the operand lacks it is the operand.

    - mean_c1: as sum_c1.

    Example: `%m = ssm.mean %x over [channel] : f64`
  }];
}

def Ssm_IndexOp : Ssm_Op<"index", [Pure]> {
  let summary = "The coordinate along a dimension, as a number";
  let description = [{
    Dimensions: that one. Along the scanned dimension it is the coordinate, not the step: in reverse T-1-s.

    - index_c1: the dimension is declared.

    Example: `%i = ssm.index state : f64`
  }];
  let arguments = (ins StrAttr:$dim);
  let results = (outs Ssm_Real:$result);
  let assemblyFormat = "custom<Name>($dim) attr-dict `:` type($result)";
  let hasVerifier = 1;
}

def Ssm_SizeOp : Ssm_Op<"size", [Pure]> {
  let summary = "The extent of a dimension, as a number";
  let description = [{
    Has no dimensions. `specialize` folds it where the size is known.

    - size_c1: the dimension is declared.

    Example: `%n = ssm.size state : f64`
  }];
  let arguments = (ins StrAttr:$dim);
  let results = (outs Ssm_Real:$result);
  let assemblyFormat = "custom<Name>($dim) attr-dict `:` type($result)";
  let hasVerifier = 1;
}

def Ssm_RenameOp : Ssm_Op<"rename", [Pure, SameOperandsAndResultType]> {
  let summary = "The same values along a dimension of another name and equal extent";
  let description = [{
    The result at `to` = i is the operand at `from` = i. An operand that lacks `from` is the result.

    - rename_c1: both dimensions are declared, differ, share an extent through `like`, and neither is the scanned one.
    - rename_c2: the operand does not have `to`.

    Example: `%hc = ssm.rename %h state to col : f64`
  }];
  let arguments = (ins Ssm_Value:$value, StrAttr:$from, StrAttr:$to);
  let results = (outs Ssm_Value:$result);
  let assemblyFormat = "$value custom<Name>($from) `to` custom<Name>($to) attr-dict `:` type($result)";
  let hasVerifier = 1;
}

def Ssm_FlipOp : Ssm_Op<"flip", [Pure, SameOperandsAndResultType]> {
  let summary = "The values along a dimension in the opposite order";
  let description = [{
    The result at i is the operand at size-1-i. An operand that lacks the dimension is the result.

    - flip_c1: the dimension is declared and is not the scanned one.

    Example: `%wf = ssm.flip %w tap : f64`
  }];
  let arguments = (ins Ssm_Value:$value, StrAttr:$dim);
  let results = (outs Ssm_Value:$result);
  let assemblyFormat = "$value custom<Name>($dim) attr-dict `:` type($result)";
  let hasVerifier = 1;
}

def Ssm_DelayOp : Ssm_Op<"delay", [SameOperandsAndResultType]> {
  let summary = "A value as it was 0, 1, … steps ago, along a new dimension";
  let description = [{
    The result at `tap` = k is the operand k steps ago; before the start, the initial value: the array given at launch,
    else zero. The past is a hidden state `name` of depth D = size(tap) - 1, whose array is as that of `previous`: the
    layout's axes, and where D > 1 a last axis of D, newest first; where D = 0 there is none.
    Dimensions: the layout's, `tap` and the scanned one. Not pure: it carries a state.

    - delay_c1: `tap` is declared, is not the scanned dimension and not one of the operand's.
    - delay_c2: the operand's dimensions are among the layout's, besides the scanned one, which the layout lacks.
    - delay_c3: the layout's dimensions are declared, each named once, `tap` not among them.

    Example: `%w = ssm.delay "u" %u over tap [batch, channel] : f64`
  }];
  let arguments = (ins StrAttr:$name, Ssm_Number:$value, StrAttr:$tap, Ssm_LayoutAttr:$layout,
                       OptionalAttr<TypeAttr>:$stored);
  let results = (outs Ssm_Number:$result);
  let assemblyFormat = [{
    $name $value `over` custom<Name>($tap) custom<Layout>($layout) (`stored` $stored^)? attr-dict `:` type($result)
  }];
  let hasVerifier = 1;
}

//===----------------------------------------------------------------------===//
// Activations: single operations until expand-math
//===----------------------------------------------------------------------===//

class Ssm_Activation<string mnemonic, string formula>
    : Ssm_Op<mnemonic, [Pure, Elementwise, Scalarizable, Vectorizable, SameOperandsAndResultType]> {
  let summary = formula;
  let arguments = (ins FloatLike:$operand);
  let results = (outs FloatLike:$result);
  let assemblyFormat = "$operand attr-dict `:` type($result)";
}
def Ssm_SoftplusOp : Ssm_Activation<"softplus", "log(1 + exp(x)), without a linear branch"> {
  let description = [{ Example: `%dt = ssm.softplus %x : f64` }];
}
def Ssm_SigmoidOp : Ssm_Activation<"sigmoid", "The logistic function 1 / (1 + exp(-x))"> {
  let description = [{ Example: `%s = ssm.sigmoid %x : f64` }];
}
def Ssm_SiluOp : Ssm_Activation<"silu", "x · sigmoid(x)"> {
  let description = [{ Example: `%s = ssm.silu %x : f64` }];
}
def Ssm_ReluOp : Ssm_Activation<"relu", "max(x, 0)"> {
  let description = [{ NaN stays NaN. Example: `%r = ssm.relu %x : f64` }];
}
def Ssm_GeluOp : Ssm_Activation<"gelu", "x · (1 + erf(x/√2)) / 2 (Hendrycks & Gimpel 2016, the exact form)"> {
  let description = [{ Example: `%g = ssm.gelu %x : f64` }];
}

#endif
