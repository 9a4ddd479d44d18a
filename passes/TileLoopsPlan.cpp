// Cuts the time step into phases where dimensions are on loops inside the one over time.
//
// A sum over such a dimension is known only after the loop has run through, so what depends on it waits for the next
// run: a phase. Within a phase each value is computed where it is needed, from inputs, states and what earlier phases
// have left; a root is what the phase leaves itself. What does not vary in time goes through the same machine once,
// before the first step.

#include "passes/TileLoopsPlan.h"
#include "llvm/ADT/StringSet.h"

using namespace mlir;
using namespace ssm;
using llvm::Error;
using llvm::Expected;

/// What all buffers of a task may take together: they live on a core's stack, and beyond an L2 cache they would be
/// slow.
static constexpr int64_t maxBytes = 1 << 20;

Value ssm::movedValue(Value value) {
  while (isa_and_nonnull<RenameOp, FlipOp>(value.getDefiningOp()))
    value = value.getDefiningOp()->getOperand(0);
  return value;
}

Value ssm::nextValue(RecurrenceOp recurrence, StringRef state) {
  for (auto delay : recurrence.getBody().front().getOps<DelayOp>())
    if (delay.getName() == state)
      return delay.getValue();
  auto streams = streamsOf(recurrence, state);
  return streams.empty() ? cast<NextOp>(lookupNext(recurrence, state)).getValue() : streams.front().front();
}

/// By the numbers of a scan's results for a state: one, or two parts, a step.
static SmallVector<SmallVector<unsigned, 2>> resultsOf(ScanOp scan, StringRef state) {
  SmallVector<SmallVector<unsigned, 2>> results;
  for (auto [number, attr] : llvm::enumerate(scan.getStates().getAsRange<StateAttr>()))
    if (attr.getName() == state) {
      if (static_cast<int64_t>(results.size()) < attr.getBack())
        results.emplace_back();
      results.back().push_back(number);
    }
  return results;
}

SmallVector<SmallVector<Value, 2>> ssm::streamsOf(RecurrenceOp recurrence, StringRef state) {
  for (auto scan : recurrence.getBody().front().getOps<ScanOp>())
    if (SmallVector<SmallVector<unsigned, 2>> results = resultsOf(scan, state); !results.empty())
      return llvm::map_to_vector(results, [&](ArrayRef<unsigned> step) {
        return llvm::map_to_vector<2>(step, [&](unsigned number) -> Value { return scan.getStreams()[number]; });
      });
  return {};
}

/// A state's initial value in the text, or nothing: one, or its real and its imaginary part.
static SmallVector<Value, 2> initialOf(RecurrenceOp recurrence, StringRef state) {
  if (Value initial = lookupInitial(recurrence, state))
    return {initial};
  for (auto scan : recurrence.getBody().front().getOps<ScanOp>())
    if (SmallVector<SmallVector<unsigned, 2>> results = resultsOf(scan, state);
        !results.empty() && !scan.getInit().empty())
      return llvm::map_to_vector<2>(results.front(), [&](unsigned number) -> Value { return scan.getInit()[number]; });
  return {};
}

const TileBuffer *TileLoopsPlan::bufferOf(Value value) const {
  auto it = values.find(value);
  return it == values.end() ? nullptr : &it->second;
}

const TileBuffer *TileLoopsPlan::bufferOfState(StringRef name) const {
  auto it = states.find(name);
  return it == states.end() ? nullptr : &it->second;
}

const TileBuffer *TileLoopsPlan::bufferOf(const State &state) const { return bufferOfState(state.name); }

SmallVector<int64_t> TileLoopsPlan::slotCounts() const {
  SmallVector<int64_t> counts;
  for (auto &[name, buffer] : states)
    if (buffer.slots() > 1)
      counts.push_back(buffer.slots());
  llvm::sort(counts);
  counts.erase(llvm::unique(counts), counts.end());
  return counts;
}

void TileLoopsPlan::allocate(OpBuilder &builder) {
  Location loc = builder.getUnknownLoc();
  for (auto &entry : values)
    entry.second.allocate(builder, loc);
  for (auto &entry : states)
    entry.second.allocate(builder, loc);
}

namespace ssm {
class TileLoopsPlanner {
public:
  /// `again` has values that do not vary in time and are computed at each step all the same.
  TileLoopsPlanner(RecurrenceOp recurrence, const Placement &placement, TileMemory &memory,
                   const llvm::DenseSet<Value> &again)
      : recurrence(recurrence), placement(placement), memory(memory), dims(memory.dimensions()),
        loops(placement.loopSet(LoopPlace::Inside)), states(getStates(recurrence)), again(again) {}

  /// Of what is kept only so that it is computed once, the largest; null where all of it has to be kept.
  Value largestOfChoice() {
    Value largest;
    for (Value value : byChoice)
      if (const TileBuffer *buffer = plan.bufferOf(value);
          buffer && (!largest || buffer->bytes() > plan.bufferOf(largest)->bytes()))
        largest = value;
    return largest;
  }

  Expected<TileLoopsPlan> run() {
    Block &body = recurrence.getBody().front();
    for (auto output : body.getOps<OutputOp>()) {
      unsigned depth = visit(output.getValue(), /*inTime=*/true);
      add({PhaseRoot::Kind::Output, output.getValue(), {}, output}, depth, dims.of(output.getLayout()), true);
    }
    for (auto [number, state] : llvm::enumerate(states))
      if (state.depth != 0) {
        Value next = nextValue(recurrence, state.name);
        add({PhaseRoot::Kind::Next, next, {}, {}, static_cast<unsigned>(number)}, visit(next, true),
            dims.of(state.layout), true);
      }
    // Which states are read moved is known now.
    for (bool isSeeded : {false, true})
      for (auto [number, state] : llvm::enumerate(states))
        if (state.depth != 0 && state.seededBy.empty() != isSeeded)
          addState(number);
    if (Error error = makeBuffers())
      return std::move(error);
    return std::move(plan);
  }

private:
  DimSet loopsOf(Value value) const { return dims.of(value) & loops; }

  void add(PhaseRoot root, unsigned depth, DimSet set, bool inTime) {
    SmallVector<Phase> &phases = inTime ? plan.stepPhases : plan.beforePhases;
    auto later = llvm::find_if(phases, [&](const Phase &phase) { return phase.depth > depth; });
    for (Phase &phase : llvm::make_range(phases.begin(), later))
      if (phase.depth == depth && phase.loops == (set & loops)) {
        phase.roots.push_back(root);
        return;
      }
    phases.insert(later, Phase{depth, set & loops, {root}});
  }

  /// How many phases must be over before a value can be had where its loops run.
  unsigned visit(Value value, bool inTime) {
    plan.needed.insert(value);
    if (inTime && !dims.variesInTime(value))
      return visitInvariant(value);
    if (auto it = depths.find(value); it != depths.end())
      return it->second;
    unsigned depth = compute(value, inTime);
    return depths[value] = depth;
  }

  /// A value that does not vary in time, asked for in a step.
  unsigned visitInvariant(Value value) {
    if (loopsOf(value).empty()) {
      visit(value, /*inTime=*/false);
      return 0;
    }
    bool isLeaf = value.getDefiningOp()->getNumOperands() == 0 || isa<InputOp>(movedValue(value).getDefiningOp());
    if (isLeaf) {
      if (isStridedAlongLanes(value))
        copies.push_back(value);
      return 0;
    }
    if (!canBeKept(value))
      return visitOperands(value, /*inTime=*/true);
    if (again.contains(value)) {
      if (visitedAgain.insert(value).second)
        visitOperands(value, /*inTime=*/true);
      return 0;
    }
    if (loopsSummed(value.getDefiningOp()).empty() && !movesAlongLoops(value))
      byChoice.insert(value);
    keep(value, /*inTime=*/false);
    return 0;
  }

  unsigned visitOperands(Value value, bool inTime) {
    unsigned depth = 0;
    for (Value operand : value.getDefiningOp()->getOperands())
      depth = std::max(depth, visit(operand, inTime));
    return depth;
  }

  unsigned compute(Value value, bool inTime) {
    Operation *op = value.getDefiningOp();
    if (DimSet over = loopsSummed(op); !over.empty()) {
      unsigned depth = visitOperands(value, inTime);
      add({PhaseRoot::Kind::Sum, value, {}, op}, depth, dims.of(op->getOperand(0)), inTime);
      if (!loopsOf(value).empty())
        kept.insert(value);
      return depth + 1;
    }
    if (movesAlongLoops(value)) {
      plan.readMoved.insert(value);
      return visitMoved(movedValue(value), inTime);
    }
    return visitOperands(value, inTime);
  }

  /// What is moved along a loop has to be there as a whole.
  unsigned visitMoved(Value value, bool inTime) {
    plan.needed.insert(value);
    if (auto previous = value.getDefiningOp<PreviousOp>()) {
      readMoved.insert(previous.getName());
      return 0;
    }
    if (inTime && !dims.variesInTime(value)) {
      keep(value, false);
      return 0;
    }
    return keep(value, inTime);
  }

  /// Keeps a value in a buffer; returns how many phases are over then.
  unsigned keep(Value value, bool inTime) {
    if (!canBeKept(value))
      refusal = "a comparison's result cannot be renamed or flipped along a dimension on a loop";
    unsigned depth = visit(value, inTime);
    // A sum over loops leaves its result in a buffer itself where that has loops left.
    if (kept.insert(value))
      add({PhaseRoot::Kind::Keep, value}, depth, dims.of(value), inTime);
    else if (!loopsSummed(value.getDefiningOp()).empty() && !loopsOf(value).empty())
      return depth;
    return depth + 1;
  }

  static bool canBeKept(Value value) { return isa<FloatType, ComplexType>(value.getType()); }

  /// The dimensions on loops that an operation sums over.
  DimSet loopsSummed(Operation *op) const {
    if (auto reduction = dyn_cast<SumOp>(op))
      return dims.of(reduction.getOver()) & loopsOf(reduction.getValue());
    if (auto reduction = dyn_cast<MaxOp>(op))
      return dims.of(reduction.getOver()) & loopsOf(reduction.getValue());
    if (auto reduction = dyn_cast<MeanOp>(op))
      return dims.of(reduction.getOver()) & loopsOf(reduction.getValue());
    return DimSet();
  }

  /// Whether a computed value or a state is renamed or flipped along a dimension on a loop on its way to `value`.
  bool movesAlongLoops(Value value) const {
    if (isa<InputOp>(movedValue(value).getDefiningOp()))
      return false;
    for (; isa<RenameOp, FlipOp>(value.getDefiningOp()); value = value.getDefiningOp()->getOperand(0)) {
      DimSet from, to;
      if (auto rename = value.getDefiningOp<RenameOp>()) {
        from = dims.of(rename.getFrom());
        to = dims.of(rename.getTo());
      } else {
        from = to = dims.of(value.getDefiningOp<FlipOp>().getDim());
      }
      if (!(dims.of(value.getDefiningOp()->getOperand(0)) & from).empty() && !((from | to) & loops).empty())
        return true;
    }
    return false;
  }

  /// Whether the lanes of an input, seen through renames and flips, are not consecutive in memory.
  bool isStridedAlongLanes(Value value) {
    std::optional<unsigned> laneDim = placement.axes.back().dim;
    auto input = movedValue(value).getDefiningOp<InputOp>();
    if (!laneDim || !input || !dims.of(value).contains(*laneDim))
      return false;
    SmallVector<SeenAs> seen = memory.plainView(memory.lookup(KernelTensor::Role::Input, input.getName()));
    memory.applyMoves(value, seen);
    SeenAs last = seen.back();
    return last.dim != *laneDim || last.flipped;
  }

  void addState(unsigned number) {
    const State &state = states[number];
    unsigned depth = 0;
    PhaseRoot root{PhaseRoot::Kind::Initial, {}, {}, {}, number};
    if (!state.seededBy.empty()) {
      depth = initialDepths[state.seededBy] + 1;
    } else if (SmallVector<Value, 2> initial = initialOf(recurrence, state.name); !initial.empty()) {
      for (Value part : initial)
        depth = std::max(depth, visit(part, false));
      root.value = initial.front();
      root.imaginary = initial.size() > 1 ? initial.back() : Value();
    }
    initialDepths[state.name] = depth;
    add(root, depth, dims.of(state.layout), false);
  }

  //===--------------------------------------------------------------------===//
  // Buffers
  //===--------------------------------------------------------------------===//

  Error checkSizes(DimSet set, StringRef what) {
    for (unsigned dim = 0; dim < dims.count(); ++dim)
      if ((set & loops).contains(dim) && !placement.places[dim].grid)
        if (Expected<int64_t> size =
                requireSize(recurrence, dims.name(dim),
                            ("a task keeps " + what + " for all of its loop, which is inside that of '" +
                             dims.name(dims.scan()) + "'")
                                .str());
            !size)
          return size.takeError();
    return Error::success();
  }

  /// Whether a step's tile of the state may overwrite that of the step before: each element is made of its own past
  /// one, in a phase that goes once through the state's tiles, and no later phase reads the past.
  bool isUpdatedInPlace(const State &state) const {
    if (state.depth != 1 || readMoved.contains(state.name))
      return false;
    Value next = nextValue(recurrence, state.name);
    auto isNext = [&](const Phase &phase) {
      return llvm::any_of(phase.roots, [&](const PhaseRoot &root) {
        return root.kind == PhaseRoot::Kind::Next && states[root.state].name == state.name;
      });
    };
    auto own = llvm::find_if(plan.stepPhases, isNext);
    if (!dims.of(state.layout).containsAll(own->loops) || !readsPast(next, state.name, /*isElementwise=*/true))
      return false;
    return llvm::none_of(llvm::make_range(std::next(own), plan.stepPhases.end()), [&](const Phase &phase) {
      return llvm::any_of(phase.roots, [&](const PhaseRoot &root) {
        return root.kind == PhaseRoot::Kind::Sum ? readsPast(root.op->getOperand(0), state.name, false)
                                                 : readsPast(root.value, state.name, false);
      });
    });
  }

  /// Whether a phase that computes the value loads the state's past for it; what earlier phases left is not computed.
  bool readsPast(Value value, StringRef state, bool isElementwise) const {
    Operation *op = value.getDefiningOp();
    if (auto previous = dyn_cast<PreviousOp>(op))
      return previous.getName() == state;
    if (kept.contains(value) || !loopsSummed(op).empty() ||
        (isElementwise && isa<SumOp, MaxOp, MeanOp, RenameOp, FlipOp, DelayOp>(op)))
      return false;
    return llvm::any_of(op->getOperands(), [&](Value operand) { return readsPast(operand, state, isElementwise); });
  }

  Error makeBuffers() {
    if (!refusal.empty())
      return llvm::createStringError(llvm::inconvertibleErrorCode(), refusal);
    int64_t total = 0;
    for (const State &state : states) {
      if (state.depth == 0 || ((dims.of(state.layout) & loops).empty() && !readMoved.contains(state.name)))
        continue;
      if (Error error = checkSizes(dims.of(state.layout), ("the state '" + state.name + "'").str()))
        return error;
      TileBuffer buffer(dims.of(state.layout), state.type, isUpdatedInPlace(state) ? 1 : state.depth + 1, placement,
                        memory);
      total += note(("the state '" + state.name + "'").str(), buffer.bytes());
      plan.states.insert({state.name, buffer});
    }
    for (Value value : kept) {
      if (Error error = checkSizes(dims.of(value), "a value of the step"))
        return error;
      TileBuffer buffer(dims.of(value), value.getType(), 1, placement, memory);
      total += note("a value over [" + llvm::join(dims.list(dims.of(value).without(dims.scan())), ", ") + "]",
                    buffer.bytes());
      plan.values.insert({value, buffer});
    }
    for (unsigned tensor = 0; tensor < memory.tensorCount(); ++tensor)
      if (DimSet set = dims.of(memory.tensor(tensor).layout); memory.isStaged(tensor) && !(set & loops).empty()) {
        if (Error error = checkSizes(set, "a time tile of '" + memory.tensor(tensor).name + "'"))
          return error;
        total += note("a time tile of '" + memory.tensor(tensor).name + "'", memory.scratchBytes(tensor));
      }
    if (total > maxBytes)
      return llvm::createStringError(llvm::inconvertibleErrorCode(),
                                     "what dimensions on loops inside that of '" + dims.name(dims.scan()) +
                                         "' keep in a task's memory takes " + llvm::Twine(total) + " bytes (" +
                                         llvm::join(sizes, ", ") + "); at most " + llvm::Twine(maxBytes) +
                                         " fit; put a dimension on grid, or smaller parts of it");
    return copyInputs(total);
  }

  int64_t note(std::string what, int64_t bytes) {
    sizes.push_back(what + " " + std::to_string(bytes));
    return bytes;
  }

  /// Inputs that are the same at every step and whose lanes are strided are gathered once, as long as they fit beside
  /// what has to be kept.
  Error copyInputs(int64_t total) {
    for (Value value : copies) {
      bool isKnown = true;
      for (unsigned dim = 0; dim < dims.count(); ++dim)
        isKnown &= !loopsOf(value).contains(dim) || placement.places[dim].grid ||
                   recurrence.sizeOf(dims.name(dim)).has_value();
      if (!isKnown || plan.values.contains(value))
        continue;
      TileBuffer buffer(dims.of(value), value.getType(), 1, placement, memory);
      if (total + buffer.bytes() > maxBytes)
        continue;
      total += buffer.bytes();
      plan.values.insert({value, buffer});
      add({PhaseRoot::Kind::Keep, value}, 0, dims.of(value), false);
    }
    return Error::success();
  }

  RecurrenceOp recurrence;
  const Placement &placement;
  TileMemory &memory;
  const DimensionAnalysis &dims;
  DimSet loops;
  SmallVector<State> states;
  TileLoopsPlan plan;
  llvm::DenseMap<Value, unsigned> depths;
  llvm::StringMap<unsigned> initialDepths;
  llvm::SetVector<Value> kept;
  llvm::SmallVector<Value> copies;
  const llvm::DenseSet<Value> &again;
  llvm::DenseSet<Value> visitedAgain;
  llvm::SetVector<Value> byChoice;
  /// States that are renamed or flipped along a dimension on a loop.
  llvm::StringSet<> readMoved;
  std::vector<std::string> sizes;
  std::string refusal;
};
} // namespace ssm

Expected<TileLoopsPlan> TileLoopsPlan::make(RecurrenceOp recurrence, const Placement &placement, TileMemory &memory) {
  llvm::DenseSet<Value> again;
  while (true) {
    TileLoopsPlanner planner(recurrence, placement, memory, again);
    Expected<TileLoopsPlan> plan = planner.run();
    Value largest = plan ? Value() : planner.largestOfChoice();
    if (!largest)
      return plan;
    llvm::consumeError(plan.takeError());
    again.insert(largest);
  }
}
