// Reads a step once for the CPU's cost model.

#include "schedule/CpuProfile.h"
#include "dialect/MatrixStates.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "schedule/ScannedTensors.h"

using namespace mlir;
using namespace ssm;

CpuStep::CpuStep(const StepWork &work) : work(work) {
  matrices = !findMatrixStates(work.recurrence, work.dims).empty();
  for (Operation &op : work.recurrence.getBody().front()) {
    costs[&op] = cpuOperation(op.getName().getStringRef());
    bool reads = llvm::any_of(op.getOperands(), [&](Value value) { return ofStates.contains(value.getDefiningOp()); });
    if (isa<PreviousOp>(op) || reads)
      ofStates.insert(&op);
  }
  readTensors();
  readChain();
}

void CpuStep::readTensors() {
  llvm::StringSet<> inputsAlong, outputsAlong;
  for (const ScannedTensor &tensor : tensorsAlongScan(work.recurrence))
    (tensor.isInput ? inputsAlong : outputsAlong).insert(tensor.name);
  auto add = [&](Operation *op, StringRef name, bool isInput, LayoutAttr layout, double bytes, bool inTime) {
    CpuTensor tensor;
    tensor.name = name;
    tensor.isInput = isInput;
    tensor.dims = work.dims.of(layout);
    for (StringRef dim : layout.getDims())
      tensor.order.push_back(*work.dims.number(dim));
    tensor.bytes = bytes;
    tensor.isAlong = (isInput ? inputsAlong : outputsAlong).contains(name);
    tensor.inTime = inTime;
    numbers[op] = allTensors.size();
    allTensors.push_back(std::move(tensor));
  };
  Block &body = work.recurrence.getBody().front();
  for (auto input : body.getOps<InputOp>())
    add(input, input.getName(), true, input.getLayout(), storedBytes(input.getStored(), input.getType()),
        work.dims.variesInTime(input.getResult()));
  for (auto output : body.getOps<OutputOp>())
    add(output, output.getName(), false, output.getLayout(),
        storedBytes(output.getStored(), output.getValue().getType()), true);
}

void CpuStep::readChain() {
  llvm::DenseMap<Operation *, unsigned> places;
  for (Operation &op : work.recurrence.getBody().front()) {
    if (!ofStates.contains(&op) || !(op.getNumResults() || isa<NextOp>(op)))
      continue;
    using Link = CpuChain::Link;
    Link link;
    link.kind = isa<PreviousOp>(op)             ? Link::Previous
                : isa<NextOp>(op)               ? Link::Next
                : isa<SumOp, MaxOp, MeanOp>(op) ? Link::Reduction
                                                : Link::Other;
    link.dims = op.getNumResults() ? work.dims.of(op.getResult(0)) : DimSet();
    if (link.kind == Link::Reduction)
      link.over = work.dims.of(op.getOperand(0)) - link.dims;
    link.latency = costs.lookup(&op).latency;
    for (Value operand : op.getOperands())
      if (auto place = places.find(operand.getDefiningOp()); place != places.end())
        link.operands.push_back(place->second);
    places[&op] = theChain.links.size();
    theChain.links.push_back(std::move(link));
  }
}

/// The entry that `isSame` finds, or `added`.
template <typename Entry, typename Same>
static Entry &entryOf(llvm::SmallVector<Entry> &entries, const Same &isSame, const Entry &added) {
  Entry *found = llvm::find_if(entries, isSame);
  return found != entries.end() ? *found : entries.emplace_back(added);
}

void CpuStep::addInTime(const ValueWork &value, CpuProfile &profile) const {
  CpuProfile::Repeated at{value.repeated, value.around, value.phases};
  if (isa<InputOp>(value.op)) {
    profile.read.push_back({at, numbers.lookup(value.op)});
    return;
  }
  if (isa<PreviousOp>(value.op)) {
    entryOf(profile.carried, [&](const auto &one) { return one.at == at; }, {at}).count += 1;
    return;
  }
  if (value.fused)
    return;
  if (isa<SumOp, MaxOp, MeanOp>(value.op)) {
    entryOf(profile.reduced, [&](const auto &one) { return one.at == at && one.result == value.dims; },
            {at, value.dims})
        .count += 1;
    return;
  }
  bool isOfStates = ofStates.contains(value.op);
  CpuProfile::Computed &computed = entryOf(
      profile.computed, [&](const auto &one) { return one.at == at && one.ofStates == isOfStates; }, {at, isOfStates});
  computed.pipe += costs.lookup(value.op).pipe;
  computed.compares += isa<arith::CmpFOp>(value.op);
  for (Value operand : value.op->getOperands()) {
    Operation *from = operand.getDefiningOp();
    if (!from || isa<arith::ConstantOp>(from))
      continue;
    DimSet dims = work.dims.of(operand);
    if (!work.dims.variesInTime(operand))
      entryOf(profile.fetched, [&](const auto &one) { return one.at == at && one.from == dims; }, {at, dims}).count +=
          1;
    else if (!isa<InputOp>(from))
      entryOf(profile.spread, [&](const auto &one) { return one.at == at && one.from == dims; }, {at, dims}).count += 1;
  }
}

void CpuStep::addOnce(const ValueWork &value, CpuProfile &profile) const {
  CpuProfile::Repeated at{value.repeated, value.around, value.phases};
  if (isa<InputOp>(value.op))
    profile.readOnce.push_back({at, numbers.lookup(value.op)});
  else
    entryOf(profile.once, [&](const auto &one) { return one.at == at; }, {at}).pipe += costs.lookup(value.op).pipe;
  if (llvm::any_of(value.op->getUsers(), [&](Operation *user) {
        return user->getNumResults() && work.dims.variesInTime(user->getResult(0));
      }))
    entryOf(profile.kept, [&](const auto &one) { return one.dims == value.dims && one.repeated == value.repeated; },
            {value.dims, value.repeated})
        .count += 1;
}

const CpuProfile &CpuStep::profile(const Placement &placement) const {
  auto [entry, isNew] = profiles.try_emplace(placement.loopSet(LoopPlace::Inside).raw());
  CpuProfile &profile = entry->second;
  if (!isNew)
    return profile;
  for (const ValueWork &value : work.count(placement))
    addInTime(value, profile);
  for (const ValueWork &value : work.countOnce(placement))
    addOnce(value, profile);
  profile.phases = work.phases(placement);
  profile.runs = work.loopsOfPhases(placement);
  return profile;
}
