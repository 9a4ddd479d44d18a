// States in strongly connected components of what their next values read, and each component's step followed over
// (+, ×), then over (max, +).

#include "dialect/AffineAnalysis.h"
#include "dialect/AffineStep.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "llvm/ADT/BitVector.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace ssm;
using llvm::BitVector;

Type ComponentState::type() const {
  auto complex = dyn_cast<ComplexType>(state.type);
  return complex && part != Part::Whole ? complex.getElementType() : state.type;
}

namespace {
/// Which states' previous values each value reads, and each state's next value.
class Dependence {
public:
  explicit Dependence(RecurrenceOp recurrence) : recurrence(recurrence) {
    Block &body = recurrence.getBody().front();
    llvm::SmallDenseSet<StringRef> carried;
    for (Operation &op : body)
      if (auto previous = dyn_cast<PreviousOp>(op))
        carried.insert(previous.getName());
      else if (auto delay = dyn_cast<DelayOp>(op))
        carried.insert(delay.getName());
    // A scan has proved its states' steps already.
    for (const State &state : getStates(recurrence))
      if (carried.contains(state.name)) {
        numbers[state.name] = states.size();
        states.push_back(state);
      }
    nexts.assign(states.size(), nullptr);
    reach.assign(states.size(), BitVector(states.size()));
    for (Operation &op : body)
      visit(op);
    close();
  }

  /// States in components, those that another reads before it.
  SmallVector<SmallVector<unsigned>> components() {
    SmallVector<unsigned> order = llvm::to_vector(llvm::seq<unsigned>(0, states.size()));
    // What reaches more comes later; of one component all reach the same.
    llvm::sort(order, [&](unsigned a, unsigned b) { return std::pair(rank(a), a) < std::pair(rank(b), b); });
    SmallVector<SmallVector<unsigned>> result;
    BitVector placed(states.size());
    for (unsigned state : order) {
      if (placed[state])
        continue;
      SmallVector<unsigned> members;
      for (unsigned other = 0; other < states.size(); ++other)
        if (other == state || (reach[state][other] && reach[other][state])) {
          members.push_back(other);
          placed.set(other);
        }
      result.push_back(members);
    }
    return result;
  }

  /// Whether a state's next value needs its previous one.
  bool isRecurrent(unsigned state) const { return reach[state][state]; }

  /// The operations that the next values of `members` need, in order.
  SmallVector<Operation *> slice(ArrayRef<unsigned> members) {
    llvm::DenseSet<Operation *> needed;
    for (unsigned member : members)
      needed.insert(nexts[member]);
    SmallVector<Operation *> result;
    for (Operation &op : llvm::reverse(recurrence.getBody().front()))
      if (needed.contains(&op)) {
        result.push_back(&op);
        for (Value operand : op.getOperands())
          needed.insert(operand.getDefiningOp());
      }
    std::reverse(result.begin(), result.end());
    return result;
  }

  /// Dimensions that sums of what reads one of `members` run over.
  DimSet readout(ArrayRef<unsigned> members, const DimensionAnalysis &dims) {
    DimSet over;
    for (Operation &op : recurrence.getBody().front()) {
      auto names = op.getAttrOfType<ArrayAttr>("over");
      if (isa<SumOp, MeanOp>(op) &&
          llvm::any_of(members, [&](unsigned member) { return reads[op.getOperand(0)].test(member); }))
        over = over | dims.of(names);
    }
    return over;
  }

  RecurrenceOp recurrence;
  SmallVector<State> states;
  llvm::StringMap<unsigned> numbers;
  /// The operation that holds a state's next value as its first operand.
  SmallVector<Operation *> nexts;

private:
  void visit(Operation &op) {
    BitVector read(states.size());
    for (Value operand : op.getOperands())
      read |= reads[operand];
    auto setNext = [&](StringRef name) {
      unsigned state = numbers.at(name);
      nexts[state] = &op;
      reach[state] |= read;
      return state;
    };
    if (auto previous = dyn_cast<PreviousOp>(op))
      read.set(numbers.at(previous.getName()));
    else if (auto next = dyn_cast<NextOp>(op))
      setNext(next.getName());
    else if (auto derivative = dyn_cast<DerivativeOp>(op))
      setNext(derivative.getName());
    else if (auto delay = dyn_cast<DelayOp>(op))
      read.set(setNext(delay.getName()));
    for (Value result : op.getResults())
      reads[result] = read;
  }

  void close() {
    for (unsigned via = 0; via < states.size(); ++via)
      for (unsigned from = 0; from < states.size(); ++from)
        if (reach[from][via])
          reach[from] |= reach[via];
  }

  unsigned rank(unsigned state) const { return reach[state].count() - reach[state][state]; }

  llvm::DenseMap<Value, BitVector> reads;
  SmallVector<BitVector> reach;
};

/// A coupled window or chain of more steps than this is not looked into.
constexpr int64_t mostSteps = 64;

/// The states of a component with as many past steps of each as the slice reads; nothing if those are too many or not
/// known.
std::optional<SmallVector<ComponentState>> statesOf(const Dependence &dependence, ArrayRef<unsigned> members,
                                                    ArrayRef<Operation *> slice) {
  SmallVector<int64_t> depths(dependence.states.size(), 1);
  for (Operation *op : slice)
    if (auto previous = dyn_cast<PreviousOp>(op)) {
      int64_t &depth = depths[dependence.numbers.at(previous.getName())];
      depth = std::max<int64_t>(depth, previous.getBack());
    }
  SmallVector<ComponentState> result;
  for (unsigned member : members) {
    const State &state = dependence.states[member];
    int64_t depth = state.isWindow() ? state.depth : depths[member];
    if (depth < 0 || depth > mostSteps)
      return std::nullopt;
    for (int64_t back = 1; back <= depth; ++back)
      result.push_back({state, back});
  }
  return result;
}
} // namespace

static void followStep(Component &component, RecurrenceOp recurrence, Expressions &expressions,
                       ArrayRef<Operation *> slice, DimSet readout) {
  AffineStep sums(recurrence, expressions, component.states, Algebra::Sum);
  if (succeeded(sums.follow(slice)))
    return classify(component, sums, expressions, readout);
  AffineStep maxima(recurrence, expressions, component.states, Algebra::Max);
  if (succeeded(maxima.follow(slice))) {
    component.algebra = Algebra::Max;
    return classify(component, maxima, expressions, readout);
  }
  component.structure = sums.isOnlyTooLong || maxima.isOnlyTooLong ? Structure::AffineOnly : Structure::Nonlinear;
  // A maximum that (max, +) would take says less than what it would not.
  bool wantsMaximum = maxima.isOnlyTooLong || isa<arith::MaximumFOp, ReluOp, MaxOp>(sums.breaks);
  component.breaks = wantsMaximum && (maxima.isOnlyTooLong || isa<arith::AddFOp, arith::SubFOp>(maxima.breaks))
                         ? maxima.breaks
                         : sums.breaks;
  component.reason = component.breaks == maxima.breaks && wantsMaximum ? maxima.reason : sums.reason;
}

AffineAnalysis::AffineAnalysis(RecurrenceOp recurrence) : expressions(recurrence) {
  Dependence dependence(recurrence);
  for (ArrayRef<unsigned> members : dependence.components()) {
    Component component;
    SmallVector<Operation *> slice = dependence.slice(members);
    bool isRecurrent = dependence.isRecurrent(members[0]);
    auto states = isRecurrent ? statesOf(dependence, members, slice) : std::nullopt;
    if (states) {
      component.states = *states;
      followStep(component, recurrence, expressions, slice, dependence.readout(members, dimensions()));
      if (!component.breaks && component.structure == Structure::AffineOnly)
        component.breaks = dependence.nexts[members[0]];
    } else {
      for (unsigned member : members)
        component.states.push_back({dependence.states[member]});
      component.structure = isRecurrent ? Structure::AffineOnly : Structure::Delay;
      if (isRecurrent) {
        component.reason = "it reads more past steps of itself than one transition can couple";
        component.breaks = dependence.nexts[members[0]];
      }
    }
    all.push_back(std::move(component));
  }
}

const Component *AffineAnalysis::lookup(StringRef name) const {
  for (const Component &component : all)
    for (const ComponentState &state : component.states)
      if (state.state.name == name)
        return &component;
  return nullptr;
}

//===----------------------------------------------------------------------===//
// In words
//===----------------------------------------------------------------------===//

static std::string structureName(const Component &component, const DimensionAnalysis &dims) {
  auto over = [&] { return "[" + llvm::join(dims.list(component.over), ", ") + "]"; };
  switch (component.structure) {
  case Structure::Delay:
    return "delay";
  case Structure::Identity:
    return "identity";
  case Structure::Scalar:
    return "scalar";
  case Structure::Diagonal:
    return "diagonal";
  case Structure::DiagonalPlusRankOne:
    return "diagonal plus rank one over " + over();
  case Structure::Dense:
    return "dense over " + over();
  case Structure::Coupled: {
    std::string count = std::to_string(component.states.size());
    return "coupled " + count + " by " + count;
  }
  case Structure::AffineOnly:
    return "affine of no closed form";
  case Structure::Nonlinear:
    return "nonlinear";
  }
  llvm_unreachable("a structure that is none");
}

std::string AffineAnalysis::describe(const Component &component) const {
  std::string text = structureName(component, dimensions());
  if (component.structure == Structure::Nonlinear || component.structure == Structure::Delay)
    return text;
  // Over (max, +) an elementwise transition is just that.
  bool isElementwise = component.structure >= Structure::Identity && component.structure <= Structure::Diagonal;
  if (component.algebra == Algebra::Max)
    text = isElementwise ? "max-plus" : "max-plus, " + text;
  text += component.variesInTime ? ", time-varying" : ", fixed in time";
  text += component.isComplex ? ", complex" : ", real";
  if (!component.transition.empty())
    text += ", decay over [" + llvm::join(dimensions().list(component.decayDims), ", ") + "]";
  return text;
}

std::string ssm::explainSequential(const Component &component) {
  std::string names;
  SmallVector<StringRef> seen;
  for (const ComponentState &state : component.states)
    if (!llvm::is_contained(seen, state.state.name))
      seen.push_back(state.state.name);
  for (auto [i, name] : llvm::enumerate(seen))
    names += (i == 0 ? "'" : i + 1 == seen.size() ? " and '" : ", '") + name.str() + "'";
  std::string end = "; " + std::string(seen.size() > 1 ? "they run" : "it runs") + " one step after another";
  if (component.structure == Structure::AffineOnly)
    return names + (seen.size() > 1 ? " are" : " is") +
           " affine, but of no form that can be scanned: " + component.reason + end;
  return names + (seen.size() > 1 ? " are" : " is") + " not affine in the previous value: " + component.reason +
         ", where a scan needs h = a * prev(h) + b, or h = max(prev(h) + a, b)" + end;
}

std::string ssm::explainNotClosed(const AffineAnalysis &analysis, const Component &component) {
  std::string what = "the state '" + component.states.front().state.name.str() + "' is " + analysis.describe(component);
  if (component.isScan())
    return what + ": two such steps are no such step, since the rank grows";
  return what + "; " + explainSequential(component);
}
