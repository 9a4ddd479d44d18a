// Where the elements of tiles are, and what a recurrence asks of any placement.

#include "schedule/Placement.h"
#include "dialect/AffineAnalysis.h"
#include "schedule/ScannedTensors.h"
#include "llvm/ADT/TypeSwitch.h"

#include <numeric>

using namespace mlir;
using namespace ssm;
using llvm::Error;
using llvm::Expected;

static Error refuse(const llvm::Twine &message) {
  return llvm::createStringError(llvm::inconvertibleErrorCode(), message);
}

int64_t DimPlace::gridTiles(int64_t size) const {
  return grid ? std::max<int64_t>(llvm::divideCeil(size, span()), runsEmpty) : 1;
}

int64_t Placement::threads() const {
  int64_t count = 1;
  for (const DimPlace &place : places)
    for (int64_t factor : {place.threads, place.warpLanes})
      if (llvm::MulOverflow(count, factor, count))
        return std::numeric_limits<int64_t>::max();
  return count;
}

SmallVector<PeerLevel> Placement::peersOf(unsigned dim) const {
  // Lanes are the low part of a thread's number; within each part the dimension that is named last is fastest.
  int64_t laneStride = 1, threadStride = 1;
  for (const DimPlace &place : places)
    threadStride *= place.warpLanes;
  for (unsigned inner : llvm::reverse(order)) {
    if (inner == dim)
      break;
    laneStride *= places[inner].warpLanes;
    threadStride *= places[inner].threads;
  }
  SmallVector<PeerLevel> levels;
  auto add = [&](int64_t count, int64_t stride) {
    if (count > 1)
      levels.push_back({count, stride});
  };
  add(places[dim].warpLanes, laneStride);
  // As many as stand together in every warp are one level, these groups the next.
  int64_t together =
      PeerLevel::warpSize % threadStride == 0 ? std::gcd(places[dim].threads, PeerLevel::warpSize / threadStride) : 1;
  add(together, threadStride);
  add(places[dim].threads / together, threadStride * together);
  return levels;
}

SmallVector<int64_t> Placement::axesOf(unsigned dim) const {
  SmallVector<int64_t> result;
  for (auto [number, axis] : llvm::enumerate(axes))
    if (axis.dim == dim)
      result.push_back(number);
  return result;
}

SmallVector<unsigned> Placement::loops(LoopPlace place) const {
  SmallVector<unsigned> result;
  for (unsigned dim : order)
    if (places[dim].loop == place)
      result.push_back(dim);
  return result;
}

DimSet Placement::loopSet(LoopPlace place) const {
  DimSet result;
  for (unsigned dim : loops(place))
    result = result.with(dim);
  return result;
}

int64_t Placement::coordinate(unsigned dim, ArrayRef<int64_t> sizes, const TileElement &element) const {
  const DimPlace &place = places[dim];
  int64_t base = element.turn * place.extent();
  if (place.grid) {
    auto tasksOf = [&](unsigned of) { return std::max<int64_t>(1, places[of].gridTiles(sizes[of])); };
    // Chunks of the scanned dimension are fastest, then the dimension that is declared last.
    int64_t task = chunk ? element.task / std::max<int64_t>(1, llvm::divideCeil(sizes[scan], chunk)) : element.task;
    for (unsigned inner = places.size(); --inner > dim;)
      task /= tasksOf(inner);
    base += task % tasksOf(dim) * place.span();
  }
  int64_t inner = place.tile();
  for (PeerLevel level : peersOf(dim)) {
    base += element.thread / level.stride % level.count * inner;
    inner *= level.count;
  }
  for (int64_t axis : axesOf(dim))
    base += (axis + 1 == static_cast<int64_t>(axes.size()) ? element.lane : element.reg) * axes[axis].step;
  return base;
}

/// Whether a value is an input seen through renames and flips alone: its loads take the new coordinates themselves.
static bool readsInput(Value value) {
  while (Operation *op = value.getDefiningOp()) {
    if (isa<InputOp>(op))
      return true;
    if (!isa<RenameOp, FlipOp>(op))
      return false;
    value = op->getOperand(0);
  }
  return false;
}

DimSet ssm::dimsHeldWhole(RecurrenceOp recurrence, const DimensionAnalysis &dims) {
  DimSet held = dimsMovedAlong(recurrence, dims);
  for (Operation &op : recurrence.getBody().front())
    llvm::TypeSwitch<Operation *>(&op).Case<SumOp, MaxOp, MeanOp>(
        [&](auto reduction) { held = held | (dims.of(reduction.getOver()) & dims.of(reduction.getValue())); });
  return held;
}

DimSet ssm::dimsMovedAlong(RecurrenceOp recurrence, const DimensionAnalysis &dims) {
  DimSet moved;
  for (Operation &op : recurrence.getBody().front())
    moved =
        moved | llvm::TypeSwitch<Operation *, DimSet>(&op)
                    .Case([&](RenameOp rename) {
                      DimSet from = dims.of(rename.getFrom());
                      bool moves = !(dims.of(rename.getValue()) & from).empty() && !readsInput(rename.getValue());
                      return moves ? from | dims.of(rename.getTo()) : DimSet();
                    })
                    .Case([&](FlipOp flip) {
                      return readsInput(flip.getValue()) ? DimSet() : dims.of(flip.getDim()) & dims.of(flip.getValue());
                    })
                    .Case([&](DelayOp delay) { return dims.of(delay.getTap()); })
                    .Default(DimSet());
  return moved;
}

std::optional<int64_t> ssm::chunkSteps(const Schedule &schedule, StringRef scanned) {
  const DimPlacement *placement = schedule.lookup(scanned);
  if (!placement || !placement->isOn(Level::Grid))
    return std::nullopt;
  for (const LevelCount &level : placement->levels)
    if (level.level == Level::Grid && level.count)
      return level.count;
  return std::max(placement->countAt(Level::Loop),
                  placement->countAt(Level::Thread) * placement->countAt(Level::Lane) * placement->countAt(Level::Reg));
}

bool ssm::runsInTicketOrder(const Schedule &schedule, StringRef scanned, const Target &target) {
  return target.gpu && chunkSteps(schedule, scanned) && schedule.knob("scan") != "passes";
}

bool ssm::runsStepsAtOnce(const Schedule &schedule, StringRef scanned, const Target &target) {
  const DimPlacement *placement = schedule.lookup(scanned);
  if (!placement)
    return false;
  if (target.gpu)
    return placement->countAt(Level::Thread) > 1 || placement->countAt(Level::Lane) > 1;
  bool isOpen = llvm::any_of(placement->levels,
                             [](const LevelCount &level) { return level.level == Level::Reg && !level.count; });
  return isOpen || placement->countAt(Level::Thread) > 1 || placement->countAt(Level::Lane) > 1 ||
         placement->countAt(Level::Reg) > 1;
}

Schedule ssm::scheduleOfBlocks(const Schedule &schedule, StringRef scanned, int64_t steps) {
  Schedule result = schedule;
  for (DimPlacement &placement : result.dims)
    if (placement.dim == scanned) {
      llvm::erase_if(placement.levels, [](const LevelCount &level) { return level.level == Level::Reg; });
      for (LevelCount &level : placement.levels)
        if (level.count)
          level.count = std::max<int64_t>(1, *level.count / steps);
      if (placement.levels.empty())
        placement.levels.push_back({Level::Loop, std::nullopt});
    }
  return result;
}

std::string ssm::adviseLoop(RecurrenceOp recurrence) {
  DimensionAnalysis dims(recurrence);
  DimSet held = dimsHeldWhole(recurrence, dims);
  std::string beside;
  for (unsigned dim = 0; dim < dims.count(); ++dim)
    if (dim != dims.scan() && !held.contains(dim))
      beside += (beside.empty() ? "'" : ", '") + dims.name(dim).str() + "'";
  return "use '" + recurrence.getScan().str() + "=loop'" +
         (beside.empty() ? "" : ", with grid and lanes for what runs side by side: " + beside);
}

Error ssm::checkLanes(RecurrenceOp recurrence) {
  AffineAnalysis analysis(recurrence);
  for (const Component &component : analysis.components())
    if (component.structure != Structure::Delay && !component.isClosed())
      return refuse("'" + recurrence.getScan() +
                    "' cannot be on lane or reg: " + explainNotClosed(analysis, component) +
                    (component.isScan() ? ", so lanes cannot combine them" : "") + "; " + adviseLoop(recurrence));
  return Error::success();
}

int64_t ssm::stagedSteps(RecurrenceOp recurrence, const Placement &placement) {
  int64_t narrowest = placement.accessBytes;
  for (const ScannedTensor &tensor : tensorsAlongScan(recurrence))
    narrowest = std::min(narrowest, tensor.bytes());
  return placement.accessBytes / narrowest;
}

Expected<int64_t> ssm::requireSize(RecurrenceOp recurrence, StringRef dim, StringRef why) {
  if (std::optional<int64_t> size = recurrence.sizeOf(dim))
    return *size;
  StringRef extent = recurrence.extentOf(dim);
  return refuse("the size of '" + dim + "' must be known when compiling, since " + why + "; give it with --dim " +
                extent + "=… or a default in the description");
}
