// The default schedule, by rules. perf-notes' arithmetic in short: the state must stay in registers, SIMD lanes must be
// full, and a sum over lanes costs a tree a step.

#include "dialect/MatrixStates.h"
#include "schedule/DefaultRules.h"

using namespace mlir;
using namespace ssm;
using llvm::Expected;

DefaultRules::DefaultRules(RecurrenceOp recurrence, const Target &target, const SizeHints &hints)
    : recurrence(recurrence), target(target), hints(hints), dims(recurrence), held(dimsHeldWhole(recurrence, dims)),
      moved(dimsMovedAlong(recurrence, dims)), rows(recurrence), states(getStates(recurrence)) {
  if (rows)
    rowDim = dims.number(rows.dim());
  for (auto delay : recurrence.getBody().front().getOps<DelayOp>())
    taps = taps | dims.of(delay.getTap());
  for (Operation &op : recurrence.getBody().front()) {
    LayoutAttr layout;
    if (auto input = dyn_cast<InputOp>(op))
      layout = input.getLayout();
    else if (auto output = dyn_cast<OutputOp>(op))
      layout = output.getLayout();
    if (layout && dims.of(layout).contains(dims.scan()))
      inTime.push_back(layout);
  }
  // What does not vary in time is computed before the loop, in f64; the loop decides.
  for (Operation &op : recurrence.getBody().front())
    for (Value value : op.getResults())
      if (auto complex = dyn_cast<ComplexType>(value.getType());
          dims.variesInTime(value) && (value.getType().isF64() || (complex && complex.getElementType().isF64())))
        elementBytes = 8;
}

llvm::Error DefaultRules::requireSizes() {
  for (unsigned dim = 0; dim < dims.count(); ++dim)
    if (held.contains(dim)) {
      Expected<int64_t> size = requireSize(recurrence, dims.name(dim), "it is summed over or moved along on chip");
      if (!size)
        return size.takeError();
    }
  return llvm::Error::success();
}

std::optional<int64_t> DefaultRules::sizeOf(unsigned dim) {
  if (std::optional<int64_t> size = recurrence.sizeOf(dims.name(dim)))
    return size;
  auto it = hints.find(recurrence.extentOf(dims.name(dim)));
  return it == hints.end() ? std::nullopt : std::optional(it->second);
}

bool DefaultRules::isMovedAlong(unsigned dim) {
  for (Operation &op : recurrence.getBody().front()) {
    if (auto rename = dyn_cast<RenameOp>(op);
        rename && (rename.getFrom() == dims.name(dim) || rename.getTo() == dims.name(dim)))
      return true;
    if (auto flip = dyn_cast<FlipOp>(op); flip && flip.getDim() == dims.name(dim))
      return true;
    if (auto delay = dyn_cast<DelayOp>(op); delay && delay.getTap() == dims.name(dim))
      return true;
  }
  return false;
}

bool DefaultRules::isBatch(unsigned dim) {
  llvm::Expected<StringRef> batch = findRows(recurrence, /*isPacked=*/false);
  if (batch)
    return dims.name(dim) == *batch;
  llvm::consumeError(batch.takeError());
  return false;
}

SmallVector<unsigned> DefaultRules::findReadouts() {
  DimSet ofStates, ofOutputs;
  for (const State &state : states)
    ofStates = ofStates | dims.of(state.layout);
  for (auto output : recurrence.getBody().front().getOps<OutputOp>())
    ofOutputs = ofOutputs | dims.of(output.getLayout());
  SmallVector<unsigned> found;
  for (unsigned dim = 0; dim < dims.count(); ++dim)
    if (!isAlone(dim) && !held.contains(dim) && ofOutputs.contains(dim) && !ofStates.contains(dim))
      found.push_back(dim);
  return found;
}

double DefaultRules::sumsOver(unsigned along) {
  double elements = 0;
  for (Operation &op : recurrence.getBody().front())
    if (isa<SumOp, MaxOp, MeanOp>(op)) {
      auto over = op.getAttrOfType<ArrayAttr>("over").getAsRange<StringAttr>();
      DimSet set = dims.of(op.getOperand(0));
      if (!set.contains(along) || llvm::none_of(over, [&](StringAttr name) { return name == dims.name(along); }))
        continue;
      double count = 1;
      for (unsigned dim = 0; dim < dims.count(); ++dim)
        if (set.contains(dim) && held.contains(dim) && dim != along)
          count *= std::max<int64_t>(*sizeOf(dim), 1);
      elements += count;
    }
  return elements;
}

double DefaultRules::weight(unsigned dim) {
  double ofStates = 0, contiguous = 0, slowPart = 0;
  for (const State &state : states)
    ofStates += dims.of(state.layout).contains(dim);
  for (LayoutAttr layout : inTime) {
    contiguous += layout.getDims().back() == dims.name(dim);
    for (unsigned axis = 0; axis < layout.getRank(); ++axis)
      if (llvm::is_contained(ArrayRef(layout.getAxis(axis)).drop_back(), dims.name(dim)))
        slowPart = 1;
  }
  return ofStates / std::max<double>(1, states.size()) + 0.5 * contiguous / std::max<double>(1, inTime.size()) -
         slowPart;
}

std::optional<int64_t> DefaultRules::parallelCoordinates(std::optional<unsigned> aside) {
  int64_t product = 1;
  for (unsigned dim = 0; dim < dims.count(); ++dim) {
    if (dim == dims.scan() || held.contains(dim) || dim == aside)
      continue;
    std::optional<int64_t> size = sizeOf(dim);
    if (!size)
      return std::nullopt;
    product = llvm::SaturatingMultiply<uint64_t>(product, *size);
  }
  return product;
}

int64_t DefaultRules::elementsOf(DimSet set, Type type, CountOf countOf) {
  int64_t count = isa<ComplexType>(type) ? 2 : 1;
  for (unsigned dim = 0; dim < dims.count(); ++dim)
    if (set.contains(dim))
      count = llvm::SaturatingMultiply<uint64_t>(count, countOf(dim));
  return count;
}

int64_t DefaultRules::registersKept(CountOf countOf) {
  int64_t sum = 0;
  for (const State &state : states)
    sum += elementsOf(dims.of(state.layout), state.type, countOf) * std::max<int64_t>(state.depth, 0);
  auto isInLoop = [&](Operation *op) {
    return llvm::any_of(op->getOperands(), [&](Value operand) { return dims.variesInTime(operand); });
  };
  for (Operation &op : recurrence.getBody().front())
    for (Value value : op.getResults())
      if (!dims.variesInTime(value) && !(dims.of(value) & held).empty() && llvm::any_of(value.getUsers(), isInLoop))
        sum += elementsOf(dims.of(value), value.getType(), countOf);
  return sum;
}

Expected<Schedule> ssm::defaultSchedule(RecurrenceOp recurrence, const Target &target, const SizeHints &hints) {
  std::vector<std::string> reasons;
  return defaultSchedule(recurrence, target, hints, reasons);
}

Expected<Schedule> ssm::defaultSchedule(RecurrenceOp recurrence, const Target &target, const SizeHints &hints,
                                        std::vector<std::string> &reasons) {
  if (llvm::Error error = DefaultRules(recurrence, target, hints).requireSizes())
    return std::move(error);
  if (!target.gpu)
    return defaultForCpu(recurrence, target, hints);
  GpuReasons why;
  Schedule schedule = defaultForGpu(recurrence, target, hints, why);
  reasons = reasonTexts(why);
  return schedule;
}
