// States that AffineAnalysis has proved affine become scans. Everything is made behind what is there, then the old
// reads and next values are replaced, and the operations are put in an order again.

#include "mlir/Analysis/TopologicalSortUtils.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "passes/ExpressionBuilder.h"
#include "passes/Passes.h"
#include "llvm/Support/DebugLog.h"

#define DEBUG_TYPE "ssm-linearize"

namespace ssm {
#define GEN_PASS_DEF_LINEARIZE
#include "passes/Passes.h.inc"
} // namespace ssm

using namespace mlir;
using namespace ssm;
using Part = ComponentState::Part;

namespace {
class Linearizer {
public:
  explicit Linearizer(RecurrenceOp recurrence)
      : recurrence(recurrence), body(recurrence.getBody().front()), analysis(recurrence),
        make(recurrence.getLoc(), OpBuilder::atBlockEnd(&body)) {}

  void run() {
    for (const Component &component : analysis.components()) {
      LDBG() << component.states[0].state.name << ": " << analysis.describe(component);
      if (component.isScan())
        makeScan(component);
      else if (component.breaks)
        emitRemark(component.breaks->getLoc(), explainSequential(component));
    }
    for (Operation &op : llvm::make_early_inc_range(body))
      replace(op);
    sortTopologically(&body);
    removeDead();
  }

private:
  /// The values by which a scan's states go on: of a state's past steps, each one's stream or pair of streams.
  struct Streams {
    struct Step {
      Value whole, im;
    };
    SmallVector<Step> steps;
  };

  void makeScan(const Component &component) {
    make.setLoc(lookupNextLoc(component));
    StepValues step = buildStep(component, analysis.dimensions(), make);
    SmallVector<Attribute> states;
    SmallVector<Type> types;
    for (const ComponentState &state : component.states) {
      types.push_back(state.type());
      states.push_back(attributeOf(state));
    }
    auto unit = [&](bool is) { return is ? make.getUnitAttr() : UnitAttr(); };
    auto names = [&](DimSet set) {
      return set.empty() ? ArrayAttr() : make.getStrArrayAttr(analysis.dimensions().list(set));
    };
    auto scan =
        ScanOp::create(make, types, make.getArrayAttr(states), unit(component.algebra == Algebra::Max),
                       unit(component.structure == Structure::Scalar), unit(component.logDecay), names(component.over),
                       names(component.from), step.logDecay ? ValueRange(step.logDecay) : ValueRange(step.transition),
                       step.left, step.right, step.drive, initsOf(component));
    for (auto [state, stream] : llvm::zip_equal(component.states, scan.getStreams())) {
      auto &steps = streams[state.state.name].steps;
      if (state.part == Part::Im)
        steps.back().im = stream;
      else
        steps.push_back({stream, {}});
      if (state.back == 1)
        FinalOp::create(make, state.state.name, stream);
    }
  }

  Location lookupNextLoc(const Component &component) {
    Operation *next = lookupNext(recurrence, component.states[0].state.name);
    return next ? next->getLoc() : recurrence.getLoc();
  }

  StateAttr attributeOf(const ComponentState &state) {
    StringAttr part;
    if (state.part != Part::Whole)
      part = make.getStringAttr(state.part == Part::Re ? "re" : "im");
    StringRef seed = state.state.seededBy;
    return StateAttr::get(make.getContext(), make.getStringAttr(state.state.name), state.state.layout, state.back, part,
                          state.state.stored, seed.empty() ? StringAttr() : make.getStringAttr(seed));
  }

  /// The initial values in the text, if any state has one; one that has none begins as what seeds it does, or with
  /// zero.
  SmallVector<Value> initsOf(const Component &component) {
    auto initialOf = [&](StringRef name) {
      for (unsigned chain = 0; !name.empty() && chain <= analysis.components().size(); ++chain) {
        if (Value initial = lookupInitial(recurrence, name))
          return initial;
        const Component *holder = analysis.lookup(name);
        if (!holder)
          break;
        for (const ComponentState &state : holder->states)
          if (state.state.name == name)
            name = state.state.seededBy;
      }
      return Value();
    };
    SmallVector<Value> inits;
    for (const ComponentState &state : component.states) {
      Value initial = initialOf(state.state.name);
      if (initial && state.part != Part::Whole)
        initial = state.part == Part::Re ? make.re(initial) : make.im(initial);
      inits.push_back(initial);
    }
    if (llvm::none_of(inits, [](Value initial) { return bool(initial); }))
      return {};
    for (auto [initial, state] : llvm::zip_equal(inits, component.states))
      if (!initial)
        initial = make.constant(state.type(), 0);
    return inits;
  }

  void replace(Operation &op) {
    if (auto previous = dyn_cast<PreviousOp>(op)) {
      replacePrevious(previous);
    } else if (auto next = dyn_cast<NextOp>(op)) {
      replaceNext(next);
    } else if (auto delay = dyn_cast<DelayOp>(op); delay && streams.contains(delay.getName())) {
      replaceWindow(delay);
    } else if (auto initial = dyn_cast<InitialOp>(op); initial && streams.contains(initial.getName())) {
      op.erase();
    }
  }

  /// The state's value `back` steps before this one. What takes part in the scan is before a stream of its own; older
  /// steps are further before the oldest of those.
  Value before(StringRef name, int64_t back) {
    const auto &steps = streams.find(name)->second.steps;
    int64_t step = std::min<int64_t>(back, steps.size());
    auto of = [&](Value stream) -> Value { return BeforeOp::create(make, name, stream, back - step + 1); };
    Value &whole = reads[{name, back}];
    if (whole)
      return whole;
    whole = of(steps[step - 1].whole);
    if (Value im = steps[step - 1].im)
      whole = make.complex(whole, of(im));
    return whole;
  }

  void replacePrevious(PreviousOp previous) {
    if (!streams.contains(previous.getName()))
      return;
    make.setLoc(previous.getLoc());
    // The name lives as long as the scan does.
    StringRef name = streams.find(previous.getName())->first();
    previous.replaceAllUsesWith(before(name, previous.getBack()));
    previous.erase();
  }

  /// What read the new value reads the stream, if that varies along no more.
  void replaceNext(NextOp next) {
    auto found = streams.find(next.getName());
    if (found == streams.end())
      return;
    make.setLoc(next.getLoc());
    Value value = next.getValue();
    const DimensionAnalysis &dims = analysis.dimensions();
    DimSet state = dims.of(stateOf(next.getName()).layout).with(dims.scan());
    next.erase();
    if (dims.of(value) != state || isa<PreviousOp, BeforeOp, ScanOp>(value.getDefiningOp()))
      return;
    auto [whole, im] = found->second.steps[0];
    Operation *scan = whole.getDefiningOp();
    value.replaceUsesWithIf(im ? make.complex(whole, im) : whole,
                            [&](OpOperand &use) { return use.getOwner() != scan && !isa<FinalOp>(use.getOwner()); });
  }

  /// The delay's own value at tap 0, past steps at the others.
  void replaceWindow(DelayOp delay) {
    make.setLoc(delay.getLoc());
    StringRef name = streams.find(delay.getName())->first();
    Type type = delay.getType();
    auto compute = cast<FloatType>(isa<ComplexType>(type) ? cast<ComplexType>(type).getElementType() : type);
    Value index = IndexOp::create(make, compute, delay.getTapAttr()), window = delay.getValue();
    for (int64_t back = 1, steps = streams.find(delay.getName())->second.steps.size(); back <= steps; ++back) {
      Value isAt = arith::CmpFOp::create(make, arith::CmpFPredicate::OEQ, index, make.constant(compute, double(back)));
      window = make.select(isAt, before(name, back), window);
    }
    delay.replaceAllUsesWith(window);
    delay.erase();
  }

  const State &stateOf(StringRef name) {
    for (const ComponentState &state : analysis.lookup(name)->states)
      if (state.state.name == name)
        return state.state;
    llvm_unreachable("a component without the state it was found by");
  }

  /// An older step that nothing reads must stay: it says how many the state's array holds.
  bool isDead(Operation &op) {
    auto before = dyn_cast<BeforeOp>(op);
    return before ? before.use_empty() && before.getBack() == 1 : isOpTriviallyDead(&op);
  }

  void removeDead() {
    for (Operation &op : llvm::make_early_inc_range(llvm::reverse(body)))
      if (isDead(op))
        op.erase();
  }

  RecurrenceOp recurrence;
  Block &body;
  AffineAnalysis analysis;
  NumberBuilder make;
  llvm::StringMap<Streams> streams;
  /// What has been read of them: a state's name and how many steps ago.
  std::map<std::pair<StringRef, int64_t>, Value> reads;
};

struct Linearize : ssm::impl::LinearizeBase<Linearize> {
  using LinearizeBase::LinearizeBase;

  void runOnOperation() override {
    for (auto derivative : getOperation().getBody().front().getOps<DerivativeOp>()) {
      derivative.emitOpError("is in continuous time; run ssm-discretize before ssm-linearize");
      return signalPassFailure();
    }
    Linearizer(getOperation()).run();
  }
};
} // namespace
