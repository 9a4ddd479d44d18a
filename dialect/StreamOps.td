#ifndef SSM_STREAMOPS_TD
#define SSM_STREAMOPS_TD

include "SsmOps.td"

//===----------------------------------------------------------------------===//
// Level 1: streams
//
// States whose step is affine in their previous values are scans of whole streams; everything else is as on level 0.
//===----------------------------------------------------------------------===//

def Ssm_StateAttr : AttrDef<Ssm_Dialect, "State"> {
  let mnemonic = "state";
  let summary = "A state that a scan computes: its name, layout and stored type";
  let description = [{
    Of a state of which several past steps take part in the recurrence, `back` = k is its value k-1 steps before the
    stream's step, so that what stood `back` k before the step becomes `before` of it. With `part` re or im it is that part
    of a complex state. `seeded_by` is as for `previous`.

    Example: `"h" [batch, channel] stored f32`, `"h.past" [batch, channel] back 2 seeded_by "h"`, `"h" [channel] part im`
  }];
  let parameters = (ins "::mlir::StringAttr":$name, "::ssm::LayoutAttr":$layout, "int64_t":$back,
                        "::mlir::StringAttr":$part, "::mlir::Type":$stored, "::mlir::StringAttr":$seeded_by);
  let hasCustomAssemblyFormat = 1;
}
def Ssm_States : TypedArrayAttrBase<Ssm_StateAttr, "states">;

def Ssm_ScanOp : Ssm_Op<"scan", [Pure, AttrSizedOperandSegments]> {
  let summary = "The streams of states that an affine recurrence computes, each value the one after its step";
  let description = [{
    With h the state's value before the step, the value after it is, by what is written:

    | written | value after the step | structure |
    |---|---|---|
    | `identity drive(b)` | h + b | identity |
    | `scalar decay(a) drive(b)` | a·h + b | scalar |
    | `decay(a) drive(b)` | a·h + b | diagonal |
    | `log_decay(l)` in place of `decay` | exp(l)·h + b | as with decay |
    | `decay(a) left(p) right(q) over [key] drive(b)` | a·h + p · sum[key](q · h) + b | diagonal plus rank one |
    | `matrix(A) over [state] from [col] drive(b)` | sum[col](A·rename(h, state: col)) + b | dense |
    | `matrix(a00, a01, a10, a11) drive(b0, b1)` | a00·h0 + a01·h1 + b0, a10·h0 + a11·h1 + b1 | coupled |

    Without `decay`, a diagonal plus rank one has an identity for its diagonal. `scalar` says that the decay does not vary
    along any dimension that a readout sums over. With `max` before these, products are sums, and sums are maxima:
    `max decay(a) drive(b)` is max(h + a, b), and the absent identity is 0.

    Before the first step a state is the array given at launch, else its `init`, else zero. Operands are broadcast along
    dimensions that they lack. A transition of a complex state may be real.
    Dimensions: the layout's and the scanned one.

    - scan_c1: states have declared, distinct dimensions, the scanned one not among them, and all the same ones; past
      steps of one state are listed newest first; stored types fit, as for an input; a part is re or im and real.
    - scan_c2: results are of one type; there is one a state, as are drives, and inits where there are any.
    - scan_c3: there is no transition, one, or a square matrix with as many rows as states; `left`, `right` and `from`
      stand with `over` and one state, and not the first two with the third.
    - scan_c4: `over` names dimensions of the state; `from` names as many of the same extents that it lacks.
    - scan_c5: operands have no dimensions but the state's and the scanned one; a matrix those of `from` as well; inits do
      not vary in time.
    - scan_c6: `log_decay` is real, for sums; `scalar` stands with a decay alone; `max` with real numbers.

    Example: `%h = ssm.scan "h" [batch, (group member), state] decay(%a) drive(%b) init(%h0) : f64`
  }];
  let arguments = (ins Ssm_States:$states, UnitAttr:$max, UnitAttr:$scalar, UnitAttr:$log, OptionalAttr<Ssm_Names>:$over,
                       OptionalAttr<Ssm_Names>:$from, Variadic<Ssm_Number>:$transition, Optional<Ssm_Number>:$left,
                       Optional<Ssm_Number>:$right, Variadic<Ssm_Number>:$drive, Variadic<Ssm_Number>:$init);
  let results = (outs Variadic<Ssm_Number>:$streams);
  let hasCustomAssemblyFormat = 1;
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    /// The state of the i-th result.
    StateAttr getState(unsigned i) { return ::llvm::cast<StateAttr>(getStates()[i]); }
    /// The decay, or its log; null for an identity, a dense or a coupled transition.
    ::mlir::Value getDecay() {
      return getTransition().size() == 1 && !getFrom() && !isCoupled() ? getTransition().front() : ::mlir::Value();
    }
    bool isRankOne() { return static_cast<bool>(getLeft()); }
    bool isDense() { return getFrom().has_value(); }
    bool isCoupled() { return getStates().size() > 1; }
  }];
}

def Ssm_BeforeOp : Ssm_Op<"before", [SameOperandsAndResultType]> {
  let summary = "A state's stream some steps before: what `previous` read";
  let description = [{
    `back` is 1 unless written. Before the start it is the state's initial value; where several steps are carried, that of
    the state's array. Not pure, so that a state carries as many steps as it did.

    - before_c1: the operand is the stream of that state.
    - before_c2: `back` is positive.

    Example: `%hp = ssm.before "h" %h : f64`
  }];
  let arguments = (ins StrAttr:$name, Ssm_Number:$stream, DefaultValuedAttr<I64Attr, "1">:$back);
  let results = (outs Ssm_Number:$result);
  let assemblyFormat = "$name $stream (`back` $back^)? attr-dict `:` type($result)";
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    /// What the scan says of the state; null where the stream is no scan's.
    StateAttr getState();
  }];
}

def Ssm_FinalOp : Ssm_Op<"final"> {
  let summary = "Hands back a stream's last value as the state's final one";
  let description = [{
    Without steps it is the initial value. A scan is pure, and this is what keeps it.

    - final_c1: the operand is the stream of that state, and not of its past steps; a state has one, or one a part.

    Example: `ssm.final "h" %h : f64`
  }];
  let arguments = (ins StrAttr:$name, Ssm_Number:$stream);
  let assemblyFormat = "$name $stream attr-dict `:` type($stream)";
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    /// What the scan says of the state; null where the stream is no scan's.
    StateAttr getState();
  }];
}

#endif
