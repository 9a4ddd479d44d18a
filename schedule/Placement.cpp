// Joins a schedule with a recurrence, and refuses what is not legal with its reason.

#include "schedule/Placement.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace ssm;
using llvm::Error;
using llvm::Expected;

/// A tile beyond this many elements would take minutes to compile; schedules that loop over such a dimension do not
/// exist yet.
static constexpr int64_t maxTileElements = 1 << 16;
static constexpr int64_t maxThreads = 1024;

static Error refuse(const llvm::Twine &message) {
  return llvm::createStringError(llvm::inconvertibleErrorCode(), message);
}

int64_t Placement::threads() const {
  int64_t count = 1;
  for (const DimPlace &place : places)
    if (llvm::MulOverflow(count, place.threads, count))
      return std::numeric_limits<int64_t>::max();
  return count;
}

SmallVector<int64_t> Placement::axesOf(unsigned dim) const {
  SmallVector<int64_t> result;
  for (auto [number, axis] : llvm::enumerate(axes))
    if (axis.dim == dim)
      result.push_back(number);
  return result;
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
  DimSet held;
  for (Operation &op : recurrence.getBody().front())
    held =
        held | llvm::TypeSwitch<Operation *, DimSet>(&op)
                   .Case<SumOp, MaxOp, MeanOp>(
                       [&](auto reduction) { return dims.of(reduction.getOver()) & dims.of(reduction.getValue()); })
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
  return held;
}

Expected<int64_t> ssm::requireSize(RecurrenceOp recurrence, StringRef dim, StringRef why) {
  if (std::optional<int64_t> size = recurrence.sizeOf(dim))
    return *size;
  StringRef extent = recurrence.extentOf(dim);
  return refuse("the size of '" + dim + "' must be known when compiling, since " + why + "; give it with --dim " +
                extent + "=… or a default in the description");
}

namespace {
/// Builds the placement dimension by dimension.
class Placer {
public:
  Placer(RecurrenceOp recurrence, const Schedule &schedule, const Target &target)
      : recurrence(recurrence), schedule(schedule), target(target), dims(recurrence),
        held(dimsHeldWhole(recurrence, dims)) {}

  Expected<Placement> place() {
    for (const DimPlacement &placement : schedule.dims)
      if (!dims.number(placement.dim))
        return refuse("the schedule places '" + placement.dim + "', which is not a dimension of the recurrence");
    result.places.resize(dims.count());
    for (unsigned dim = 0; dim < dims.count(); ++dim)
      if (Error error = dim == dims.scan() ? placeScanned(dim) : placeOther(dim))
        return std::move(error);
    if (Error error = placeKnobs())
      return std::move(error);
    if (Error error = buildAxes())
      return std::move(error);
    return result;
  }

private:
  Error placeScanned(unsigned dim) {
    const DimPlacement *placement = schedule.lookup(dims.name(dim));
    result.timeTile = 1;
    if (!placement)
      return Error::success();
    for (const LevelCount &level : placement->levels) {
      if (level.level != Level::Loop)
        return refuse("'" + dims.name(dim) + "' is the scanned dimension and cannot be on " + nameOf(level.level) +
                      ": no pass runs a scan in parallel, so it goes on a loop (" + dims.name(dim) + "=loop:32)");
      result.timeTile = level.count.value_or(1);
    }
    if (result.timeTile > 4096)
      return refuse("a time tile of " + llvm::Twine(result.timeTile) + " steps; at most 4096 fit in scratch");
    return Error::success();
  }

  Error placeOther(unsigned dim) {
    StringRef name = dims.name(dim);
    const DimPlacement *written = schedule.lookup(name);
    DimPlace &place = result.places[dim];
    bool whole = held.contains(dim);
    if (!written) {
      if (whole)
        return refuse("'" + name +
                      "' is summed over or moved along and is not placed: it would go on a loop, which no " +
                      "pass implements for it; place it on reg or lane (" + name + "=reg:n)");
      place.grid = true;
      return Error::success();
    }
    for (const LevelCount &level : written->levels) {
      if (level.level == Level::Loop || level.level == Level::Mma)
        return refuse("'" + name + "' cannot be on " + nameOf(level.level) +
                      ": no pass implements that level for it; " +
                      (whole ? "place it on reg or lane" : "place it on grid"));
      if (level.level == Level::Thread && !target.gpu)
        return refuse("'" + name + "' is on thread, which a CPU does not have; use grid, lane or reg");
      if (level.level == Level::Lane && target.gpu)
        return refuse("'" + name +
                      "' is on lane: no pass spreads a dimension over the lanes of a warp; use thread or reg");
      if (level.level == Level::Thread && whole)
        return refuse("'" + name +
                      "' is summed over or moved along and cannot be on thread: no pass exchanges values " +
                      "between threads; place it on reg");
      if (level.level == Level::Grid && whole)
        return refuse("'" + name + "' is summed over or moved along and cannot be on grid; place it on reg or lane");
    }
    if (written->isOn(Level::Lane) && isTap(name))
      return refuse("'" + name + "' is the tap dimension of a delay and cannot be on lane; place it on reg");
    place.grid = written->isOn(Level::Grid);
    place.threads = written->countAt(Level::Thread);
    place.lanes = written->countAt(Level::Lane);
    place.regs = written->countAt(Level::Reg);
    if (!place.grid || whole)
      return holdWhole(dim, *written);
    for (const LevelCount &level : written->levels)
      if (level.level == Level::Grid && level.count && *level.count != place.extent())
        return refuse("'" + name + "=grid:" + llvm::Twine(*level.count) + "' covers " + llvm::Twine(place.extent()) +
                      " with what is inside it; no pass loops over the rest");
    return Error::success();
  }

  /// A window's taps are tiles of their own, so its dimension has one register axis.
  bool isTap(StringRef name) {
    return llvm::any_of(recurrence.getBody().front().getOps<DelayOp>(),
                        [&](DelayOp delay) { return delay.getTap() == name; });
  }

  /// Without a grid or loop above it, registers, lanes and threads must hold every coordinate. `reg` alone takes what
  /// is left.
  Error holdWhole(unsigned dim, const DimPlacement &written) {
    StringRef name = dims.name(dim);
    Expected<int64_t> size = requireSize(recurrence, name, "registers, lanes or threads hold all of it");
    if (!size)
      return size.takeError();
    DimPlace &place = result.places[dim];
    for (const LevelCount &level : written.levels)
      if (level.level == Level::Reg && !level.count)
        place.regs = std::max<int64_t>(1, llvm::divideCeil(*size, place.threads * place.lanes));
    if (place.extent() < *size)
      return refuse("'" + name + "' of size " + llvm::Twine(*size) + " does not fit in the " +
                    llvm::Twine(place.extent()) + " coordinates that its levels hold");
    return Error::success();
  }

  Error placeKnobs() {
    for (const Knob &knob : schedule.knobs) {
      bool isAccess = knob.name == "load" || knob.name == "store";
      if (!isAccess || !knob.of.empty())
        return refuse("the knob '" + knob.name + (knob.of.empty() ? "" : "(…)") + "' is not implemented by any pass");
      if (knob.value != "direct" && knob.value != "staged")
        return refuse("'" + knob.name + "=" + knob.value + "': expected direct or staged");
      if (knob.value == "staged" && target.gpu)
        return refuse("'" + knob.name + "=staged' is not implemented by any pass for a GPU; use direct");
      (knob.name == "load" ? result.stagedLoads : result.stagedStores) = knob.value == "staged";
    }
    return Error::success();
  }

  Error buildAxes() {
    std::optional<unsigned> laneDim;
    for (unsigned dim = 0; dim < dims.count(); ++dim) {
      const DimPlace &place = result.places[dim];
      if (place.lanes > 1 && laneDim)
        return refuse("both '" + dims.name(*laneDim) + "' and '" + dims.name(dim) +
                      "' are on lanes; one dimension can be");
      if (place.lanes > 1)
        laneDim = dim;
      if (place.regs > 1)
        result.axes.push_back({dim, place.regs, place.lanes});
    }
    result.axes.push_back({laneDim, laneDim ? result.places[*laneDim].lanes : 1, 1});
    if (result.threads() > maxThreads)
      return refuse("the block has " + llvm::Twine(result.threads()) + " threads; at most 1024 are allowed");
    return checkTiles();
  }

  Error checkTiles() {
    for (Operation &op : recurrence.getBody().front())
      for (Value value : op.getResults()) {
        int64_t elements = 1;
        DimSet set = dims.of(value);
        for (const TileAxis &axis : result.axes)
          if (axis.dim && set.contains(*axis.dim) && llvm::MulOverflow(elements, axis.extent, elements))
            elements = maxTileElements + 1;
        if (elements > maxTileElements)
          return refuse("a tile over [" + llvm::join(dims.list(set), ", ") + "] has more than " +
                        llvm::Twine(maxTileElements) +
                        " elements in registers; a smaller size of a summed dimension, or " +
                        "fewer registers and lanes for another, is needed");
      }
    return Error::success();
  }

  RecurrenceOp recurrence;
  const Schedule &schedule;
  const Target &target;
  DimensionAnalysis dims;
  DimSet held;
  Placement result;
};
} // namespace

Expected<Placement> ssm::placeSchedule(RecurrenceOp recurrence, const Schedule &schedule, const Target &target) {
  return Placer(recurrence, schedule, target).place();
}
