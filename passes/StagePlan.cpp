// What goes through shared memory, and how threads are spread over it.

#include "passes/StagePlan.h"
#include "mlir/Dialect/Complex/IR/Complex.h"
#include "passes/ComputeType.h"
#include "passes/StageBuffer.h"

using namespace mlir;
using namespace ssm;

/// Coordinates that a thread may hold of a value whose steps are read as rows.
static constexpr int64_t fewRows = 2;
/// Bytes of the shortest access that threads are spread over rows for.
static constexpr int64_t fewestBytes = 4;

StagePlan::StagePlan(RecurrenceOp recurrence, const DimensionAnalysis &dims, const Placement &placement,
                     const KernelInterface &interface)
    : recurrence(recurrence), dims(dims), placement(placement), interface(interface),
      chunk(stagedSteps(recurrence, placement)) {
  if (!placement.stagesBlocks)
    return;
  chooseAfter();
  chooseBefore();
}

const KernelTensor *StagePlan::tensorOf(Operation *op) const {
  using Role = KernelTensor::Role;
  auto input = dyn_cast<InputOp>(op);
  auto output = dyn_cast<OutputOp>(op);
  for (const KernelTensor &tensor : interface.tensors)
    if ((input && tensor.role == Role::Input && tensor.name == input.getName()) ||
        (output && tensor.role == Role::Output && tensor.name == output.getName()))
      return &tensor;
  return nullptr;
}

/// Whether an input's or output's memory runs along time, in whole accesses.
bool StagePlan::runsAlongSteps(Operation *op) const {
  const KernelTensor *tensor = tensorOf(op);
  return tensor && tensor->alignment > 1 && ssm::runsAlongSteps(recurrence, *tensor);
}

/// What memory runs along of the inputs that a value is computed from: nothing where it is time for any of them, or
/// where a block has one coordinate of it.
std::optional<unsigned> StagePlan::memoryOf(Value value) const {
  DimSet set = dims.of(value).without(dims.scan());
  std::optional<unsigned> along;
  DenseSet<Value> seen;
  SmallVector<Value> open = {value};
  while (!open.empty()) {
    Value next = open.pop_back_val();
    if (!dims.variesInTime(next) || !seen.insert(next).second)
      continue;
    auto input = next.getDefiningOp<InputOp>();
    if (!input) {
      llvm::append_range(open, next.getDefiningOp()->getOperands());
      continue;
    }
    if (ssm::runsAlongSteps(recurrence, *tensorOf(input)))
      return std::nullopt;
    if (LayoutAttr layout = input.getLayout(); layout.getRank())
      if (unsigned last = *dims.number(layout.getDims().back());
          set.contains(last) && placement.places[last].extent() > (along ? placement.places[*along].extent() : 1))
        along = last;
  }
  return along;
}

bool StagePlan::isStageable(Operation &op) {
  if (op.getNumResults() != 1 || !dims.variesInTime(op.getResult(0)) || !computable.contains(op.getResult(0)))
    return false;
  if (auto input = dyn_cast<InputOp>(op)) {
    bool isWhole = !ssm::runsAlongSteps(recurrence, *tensorOf(input)) || tensorOf(input)->alignment > 1;
    return isWhole && isStagedInput(placement, dims, input);
  }
  return placement.stagesFree && isHeldTwice(placement, dims, dims.of(op.getResult(0)));
}

bool StagePlan::isByStep(DimSet set) const {
  int64_t own = 1;
  for (const TileAxis &axis : placement.axes)
    if (axis.dim && set.contains(*axis.dim))
      own *= axis.extent;
  return own > fewRows;
}

unsigned StagePlan::addValue(Value value, Type element) {
  for (auto [number, known] : llvm::enumerate(staged))
    if (known.value == value)
      return number;
  DimSet set = dims.of(value).without(dims.scan());
  staged.push_back({value, set, element, isByStep(set)});
  return staged.size() - 1;
}

/// Has an input's rows copied, where there are copies and rows; whether they are. `readers`: what the threads that read
/// them are spread over; nothing for those that run the steps.
bool StagePlan::copyInput(Value value, std::optional<DimSet> readers) {
  auto input = value.getDefiningOp<InputOp>();
  const KernelTensor *tensor = input ? tensorOf(input) : nullptr;
  if (!placement.copyStages || !tensor || !runsAlongSteps(input))
    return false;
  DimSet set = dims.of(value).without(dims.scan());
  areHandedOver |= readers && *readers != set;
  if (llvm::any_of(rows, [&](const StagedValue &known) { return known.value == value; }))
    return true;
  groupOf(groupsOfCopies, set, std::nullopt).values.push_back(rows.size());
  rows.push_back({value, set, tensor->stored});
  return true;
}

/// The same for all inputs that a value is computed from, beside those that are given; whether there are any.
bool StagePlan::copyInputsOf(Value value, DimSet readers, ArrayRef<Value> given) {
  bool isAny = false;
  DenseSet<Value> seen(given.begin(), given.end());
  SmallVector<Value> open = {value};
  while (!open.empty()) {
    Value next = open.pop_back_val();
    if (!dims.variesInTime(next) || !seen.insert(next).second)
      continue;
    if (next.getDefiningOp<InputOp>())
      isAny |= copyInput(next, readers);
    else
      llvm::append_range(open, next.getDefiningOp()->getOperands());
  }
  return isAny;
}

StageGroup &StagePlan::groupOf(std::vector<StageGroup> &groups, DimSet set, std::optional<unsigned> along) {
  for (StageGroup &group : groups)
    if (group.set == set && group.along == along)
      return group;
  groups.push_back({set, along, spread(set, along), {}, {}});
  return groups.back();
}

/// Whether steps read a value that is computed before them.
bool StagePlan::isReadBySteps(Value value) {
  return llvm::any_of(value.getUsers(), [&](Operation *user) {
    return !late.contains(user) && !(user->getNumResults() == 1 && early.contains(user->getResult(0)));
  });
}

/// Numbers are handed over, conditions are not.
static bool canHandOver(Value value) { return isa<FloatType>(value.getType()); }

void StagePlan::chooseBefore() {
  Block &body = recurrence.getBody().front();
  for (Operation &op : body)
    if (isStageable(op))
      early.insert(op.getResult(0));
  for (Operation &op : llvm::reverse(body))
    if (op.getNumResults() == 1 && !canHandOver(op.getResult(0)) && isReadBySteps(op.getResult(0)))
      early.erase(op.getResult(0));
  for (Operation &op : body) {
    if (op.getNumResults() != 1 || !early.contains(op.getResult(0)))
      continue;
    Value value = op.getResult(0);
    if (!isReadBySteps(value))
      continue;
    DimSet set = dims.of(value).without(dims.scan());
    if (isa<InputOp>(op) && !isByStep(set) && copyInput(value, std::nullopt)) {
      ofSteps.insert(value);
      continue;
    }
    copyInputsOf(value, set, {});
    unsigned number = addValue(value, isa<InputOp>(op) ? tensorOf(&op)->stored : computeType(recurrence));
    StageGroup &group = groupOf(groupsBefore, set, memoryOf(value));
    group.values.push_back(number);
    staged[number].along = group.along;
    staged[number].byStep |= group.along.has_value();
    // Each thread reads several of them at each step: they are converted once.
    if (staged[number].byStep)
      staged[number].element = computeType(recurrence);
    if (group.along)
      staged[number].together = togetherAlong(*group.along, group.placement, staged[number].element);
    staged[number].chunk = group.along ? 1 : std::min(chunk, group.placement.copies());
  }
}

/// The dimensions over which threads can leave parts of a value for what is left to a store, and nothing else, to add
/// up; none where it is no sum or maximum of what several threads hold.
DimSet StagePlan::sharedOver(Value value) const {
  Operation *op = value.getDefiningOp();
  if (!isa<SumOp, MaxOp>(op) || !isa<FloatType>(value.getType()) ||
      !llvm::all_of(op->getUsers(), [&](Operation *user) { return late.contains(user); }))
    return DimSet();
  DimSet own = dims.of(op->getOperand(0)), over = dims.of(op->getAttrOfType<ArrayAttr>("over")), result;
  for (unsigned dim = 0; dim < dims.count(); ++dim)
    if ((own & over).contains(dim) && placement.places[dim].parts() > 1)
      result = result.with(dim);
  return result;
}

/// Leaves what ends in an output to its store, down to the values that are needed before it.
void StagePlan::findLate(Value value, OutputOp output, SmallVectorImpl<Value> &needed) {
  if (computable.contains(value))
    return;
  Operation *op = value.getDefiningOp();
  // What does not vary in time is handed over whole: the stage computes nothing of it before its steps.
  bool isFree = dims.variesInTime(value) && isElementwise(op) && llvm::all_of(op->getUsers(), [&](Operation *user) {
                  return user == output.getOperation() || late.contains(user);
                });
  if (!isFree) {
    if (!llvm::is_contained(needed, value))
      needed.push_back(value);
    return;
  }
  late.insert(op);
  for (Value operand : op->getOperands())
    findLate(operand, output, needed);
}

void StagePlan::chooseAfter() {
  for (auto output : recurrence.getBody().front().getOps<OutputOp>()) {
    const KernelTensor *tensor = tensorOf(output);
    bool isApart = placement.storesApart.contains(output.getName());
    if (!runsAlongSteps(output) || !(isApart || placement.storesStaged(output.getName())))
      continue;
    SmallVector<Value> needed;
    llvm::DenseSet<Operation *> others = late;
    if (isApart)
      findLate(output.getValue(), output, needed);
    if (!isApart || !llvm::all_of(needed, canHandOver)) {
      late = std::move(others);
      needed = {output.getValue()};
    }
    late.insert(output);
    StageGroup &group = groupOf(groupsAfter, dims.of(output.getLayout()).without(dims.scan()), std::nullopt);
    group.outputs.push_back(output);
    areReadAfter |= copyInputsOf(output.getValue(), group.set, needed);
    for (Value value : needed) {
      if (copyInput(value, group.set)) {
        areReadAfter = true;
        continue;
      }
      bool isAll = value == output.getValue();
      unsigned number = addValue(value, isAll ? tensor->stored : Type(computeType(recurrence)));
      staged[number].byStep = false;
      if (!llvm::is_contained(group.values, number))
        group.values.push_back(number);
    }
  }
  for (StagedValue &value : staged)
    if (value.shared = sharedOver(value.value); !value.shared.empty())
      value.element = computeType(recurrence);
}

static int64_t largestDivisor(int64_t number, int64_t atMost) {
  for (int64_t divisor = std::min(number, atMost); divisor > 1; --divisor)
    if (number % divisor == 0)
      return divisor;
  return 1;
}

/// Steps that a thread moves at once: as many as the widest access, fewer where the block has more threads than runs of
/// these. Asynchronous copies are as wide as can be, and stages read the runs that their threads have copied.
int64_t StagePlan::stepsTogether(DimSet set) const {
  int64_t rows = 1, together = chunk;
  for (unsigned dim = 0; dim < placement.places.size(); ++dim)
    if (set.contains(dim))
      rows *= placement.places[dim].extent();
  int64_t width = placement.accessBytes / chunk;
  while (!placement.copyStages && together > 1 && together * width > fewestBytes &&
         rows * (placement.timeTile / together) < placement.threads())
    together /= 2;
  return together;
}

/// As many as make up all banks, or as a thread reads or writes.
int64_t StagePlan::togetherAlong(unsigned dim, const Placement &writers, Type element) const {
  int64_t read = placement.places[dim].regs, written = writers.places[dim].regs;
  if (placement.padding || !llvm::isPowerOf2_64(read) || !llvm::isPowerOf2_64(written))
    return 0;
  return std::max({StageBuffer::bankBytes * 8 / element.getIntOrFloatBitWidth(), read, written});
}

/// Threads along what memory runs along first, so that they read and write it in runs, then along the other dimensions
/// of the set.
Placement StagePlan::spread(DimSet set, std::optional<unsigned> along) const {
  Placement result;
  result.places.resize(placement.places.size());
  result.timeTile = placement.timeTile;
  result.chunk = placement.chunk;
  result.scan = placement.scan;
  result.exchanged = DimSet().with(placement.scan);
  int64_t left = placement.threads();
  auto spreadSteps = [&](int64_t together, int64_t atMost) {
    DimPlace &time = result.places[placement.scan];
    time.threads = largestDivisor(placement.timeTile / together, std::min(left, atMost));
    time.copies = placement.timeTile / time.threads;
    left /= time.threads;
  };
  auto spreadDim = [&](unsigned dim, int64_t together) {
    DimPlace &place = result.places[dim];
    int64_t extent = placement.places[dim].extent();
    place.threads = largestDivisor(extent / together, left);
    place.regs = extent / place.threads;
    left /= place.threads;
  };
  if (along)
    spreadDim(*along, stagedRun(placement, *along));
  else
    spreadSteps(stepsTogether(set), PeerLevel::warpSize);
  for (unsigned dim = placement.places.size(); dim-- > 0;) {
    if (dim == placement.scan)
      continue;
    const DimPlace &own = placement.places[dim];
    DimPlace &place = result.places[dim];
    place.grid = own.grid;
    place.loop = own.loop;
    place.runsEmpty = own.runsEmpty;
    if (own.grid)
      place.gridTile = own.span();
    if (set.contains(dim) && dim != along)
      spreadDim(dim, 1);
  }
  if (along)
    spreadSteps(1, left);
  for (unsigned dim = 0; dim < placement.places.size(); ++dim)
    // Neighbouring threads have neighbouring rows: every second one would meet half of the banks.
    if (result.places[dim].regs > 1 && dim != along)
      result.axes.push_back({dim, result.places[dim].regs, result.places[dim].threads});
  if (along && result.places[*along].regs > 1)
    result.axes.push_back({*along, result.places[*along].regs, 1});
  result.axes.push_back({std::nullopt, 1, 1});
  unsigned fastest = along.value_or(placement.scan);
  for (unsigned dim : placement.order)
    if (dim != fastest)
      result.order.push_back(dim);
  result.order.push_back(fastest);
  return result;
}
