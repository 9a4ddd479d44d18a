// How often each value of a step is computed under a placement.

#include "schedule/StepWork.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Complex/IR/Complex.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace ssm;

double ssm::storedBytes(std::optional<Type> stored, Type value) {
  Type type = stored.value_or(value);
  if (auto complex = dyn_cast<ComplexType>(type))
    return 2 * storedBytes(std::nullopt, complex.getElementType());
  return type.isIntOrFloat() ? type.getIntOrFloatBitWidth() / 8.0 : 0;
}

StepWork::StepWork(RecurrenceOp recurrence, const SizeHints &hints)
    : recurrence(recurrence), dims(recurrence), states(getStates(recurrence)) {
  for (unsigned dim = 0; dim < dims.count(); ++dim) {
    auto hint = hints.find(recurrence.extentOf(dims.name(dim)));
    // Of an open size nothing is known but that it is worth a kernel.
    int64_t likely = hint != hints.end() ? hint->second : dim == dims.scan() ? 1024 : 256;
    sizes.push_back(std::max<int64_t>(recurrence.sizeOf(dims.name(dim)).value_or(likely), 1));
  }
  for (const State &state : states)
    stateWork.push_back({dims.of(state.layout), static_cast<double>(std::max<int64_t>(state.depth, 0)),
                         state.layout.getRank() ? dims.number(state.layout.getDims().back()) : std::nullopt});
  hasExponentials = llvm::any_of(recurrence.getBody().front(), [&](Operation &op) {
    return isa<math::ExpOp, math::Exp2Op>(op) && dims.variesInTime(op.getResult(0));
  });
}

double StepWork::rows(const Placement &placement, DimSet set) const {
  double rows = 1;
  for (const TileAxis &axis : ArrayRef(placement.axes).drop_back())
    if (axis.dim && *axis.dim != dims.scan() && set.contains(*axis.dim))
      rows *= axis.extent;
  return rows;
}

double StepWork::tilesOf(const Placement &placement, unsigned dim) const {
  const DimPlace &place = placement.places[dim];
  if (place.loop == LoopPlace::None)
    return 1;
  int64_t covered = place.grid ? std::min(place.span(), sizes[dim]) : sizes[dim];
  return llvm::divideCeil(covered, place.extent());
}

double StepWork::turns(const Placement &placement, DimSet set, DimSet around) const {
  double turns = 1, sinceLast = 1;
  // A value that lacks the innermost loops' dimensions is computed outside of them.
  for (unsigned dim : placement.loops(LoopPlace::Inside)) {
    if (around.contains(dim))
      sinceLast *= tilesOf(placement, dim);
    if (set.contains(dim))
      turns = sinceLast;
  }
  return turns;
}

double StepWork::tasks(const Placement &placement) const {
  double tasks = 1;
  for (unsigned dim = 0; dim < dims.count(); ++dim)
    if (dim == dims.scan())
      tasks *= placement.chunk ? llvm::divideCeil(sizes[dim], placement.chunk) : 1;
    else
      tasks *= placement.places[dim].gridTiles(sizes[dim]);
  return tasks;
}

double StepWork::elements(DimSet set) const {
  double count = 1;
  for (unsigned dim = 0; dim < dims.count(); ++dim)
    if (set.contains(dim))
      count *= sizes[dim];
  return count;
}

/// The dimensions that a reduction runs over; none for any other operation.
static DimSet reducedBy(Operation *op, const DimensionAnalysis &dims) {
  if (isa<SumOp, MaxOp, MeanOp>(op))
    return dims.of(op->getOperand(0)) - dims.of(op->getResult(0));
  return DimSet();
}

/// What an operation that ends a phase goes through: all that a reduction reads, or what is handed out or carried has.
static DimSet reachOf(Operation *op, const DimensionAnalysis &dims) {
  if (auto output = dyn_cast<OutputOp>(op))
    return dims.of(output.getLayout());
  return op->getNumOperands() ? dims.of(op->getOperand(0)) : DimSet();
}

StepWork::StepPhases StepWork::findPhases(const Placement &placement) const {
  DimSet loops = placement.loopSet(LoopPlace::Inside);
  llvm::DenseMap<Operation *, unsigned> depths;
  Block &body = recurrence.getBody().front();
  auto endsPhase = [&](Operation *op) { return !(reducedBy(op, dims) & loops).empty(); };
  auto depthOf = [&](Value value) { return value.getDefiningOp() ? depths.lookup(value.getDefiningOp()) : 0; };
  StepPhases phases;
  for (Operation &op : body) {
    unsigned depth = 0;
    for (Value operand : op.getOperands())
      depth = std::max(depth, depthOf(operand));
    depths[&op] = depth + endsPhase(&op);
    if (endsPhase(&op) || isa<OutputOp, NextOp>(op))
      if (std::pair run(depth, reachOf(&op, dims) & loops); !llvm::is_contained(phases.runs, run))
        phases.runs.push_back(run);
  }
  for (Operation &op : llvm::reverse(body)) {
    Phases own;
    for (Operation *user : op.getUsers())
      if (endsPhase(user) || user->getNumResults() == 0) {
        own.bits |= uint64_t(1) << std::min(63u, depths.lookup(&op));
        own.around = own.around | (reachOf(user, dims) & loops);
      } else {
        own.bits |= phases.of[user].bits;
        own.around = own.around | phases.of[user].around;
      }
    // A sum is computed in the phase that it ends.
    if (endsPhase(&op))
      own = {uint64_t(1) << std::min(63u, depths.lookup(&op) - 1), reachOf(&op, dims) & loops};
    if (own.bits == 0)
      own.bits = 1;
    phases.of[&op] = own;
  }
  return phases;
}

unsigned StepWork::phases(const Placement &placement) const {
  if (placement.loopSet(LoopPlace::Inside).empty())
    return 1;
  uint64_t all = 0;
  for (auto [op, phases] : findPhases(placement).of)
    all |= phases.bits;
  return llvm::popcount(all);
}

llvm::SmallVector<DimSet> StepWork::loopsOfPhases(const Placement &placement) const {
  return llvm::map_to_vector(findPhases(placement).runs, [](const auto &run) { return run.second; });
}

std::vector<ValueWork> StepWork::gather(const Placement &placement, bool inTime) const {
  std::optional<unsigned> laneDim = placement.axes.back().dim;
  bool hasLoops = !placement.loopSet(LoopPlace::Inside).empty();
  StepPhases phases;
  if (hasLoops)
    phases = findPhases(placement);
  std::vector<ValueWork> values;
  for (Operation &op : recurrence.getBody().front()) {
    if (op.getNumResults() == 0 || isa<arith::ConstantOp, complex::ConstantOp>(op) ||
        dims.variesInTime(op.getResult(0)) != inTime)
      continue;
    DimSet set = dims.of(op.getResult(0));
    // What a reduction does, it does for each element that it reads.
    ValueWork work{&op, set, set | reducedBy(&op, dims)};
    work.rows = rows(placement, work.repeated);
    work.wide = laneDim && work.repeated.contains(*laneDim);
    work.phases = hasLoops ? std::max(1, llvm::popcount(phases.of.lookup(&op).bits)) : 1;
    // Loops of its own are around a value wherever it is asked for; before the first step, no others.
    work.around = work.repeated & placement.loopSet(LoopPlace::Inside);
    if (inTime)
      work.around = work.around | phases.of.lookup(&op).around;
    work.times = turns(placement, work.repeated, work.around) * work.phases;
    work.fused = isa<arith::MulFOp>(op) && op.getResult(0).hasOneUse() &&
                 isa<arith::AddFOp, arith::SubFOp>(*op.getUsers().begin());
    values.push_back(work);
  }
  return values;
}

std::vector<ValueWork> StepWork::count(const Placement &placement) const { return gather(placement, true); }
std::vector<ValueWork> StepWork::countOnce(const Placement &placement) const { return gather(placement, false); }
