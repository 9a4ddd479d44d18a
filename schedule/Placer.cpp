// Joins a schedule with a recurrence, and refuses what is not legal with its reason.

#include "dialect/RowPlan.h"
#include "schedule/Knobs.h"
#include "schedule/PlacementFacts.h"

using namespace mlir;
using namespace ssm;
using llvm::Error;
using llvm::Expected;

/// A tile beyond this many elements would take minutes to compile; a loop over one of its dimensions does not.
static constexpr int64_t maxTileElements = 1 << 16;
/// Rows of a tile, each an operation of its own in the code: more take minutes to compile.
static constexpr int64_t maxTileRows = 1 << 12;
static constexpr int64_t maxThreads = 1024;
static constexpr int64_t maxCopies = 64;
/// Two dense steps take this many to the third multiplications to compose, each an instruction.
static constexpr int64_t maxMatrix = 8;

static Error refuse(const llvm::Twine &message) {
  return llvm::createStringError(llvm::inconvertibleErrorCode(), message);
}

namespace {
/// Builds the placement dimension by dimension.
class Placer {
public:
  Placer(const PlacementFacts &facts, const Schedule &schedule, const Target &target)
      : facts(facts), recurrence(facts.recurrence), schedule(schedule), target(target), dims(facts.dims),
        held(facts.held), moved(facts.moved) {}

  Expected<Placement> place() {
    for (const DimPlacement &placement : schedule.dims)
      if (!dims.number(placement.dim))
        return refuse("the schedule places '" + placement.dim + "', which is not a dimension of the recurrence");
    result.places.resize(dims.count());
    orderDims();
    for (unsigned dim = 0; dim < dims.count(); ++dim)
      if (Error error = dim == dims.scan() ? placeScanned(dim) : placeOther(dim))
        return std::move(error);
    if (Error error = placeKnobs(facts, schedule, target, result))
      return std::move(error);
    if (Error error = checkBlocks())
      return std::move(error);
    if (Error error = checkMatrices())
      return std::move(error);
    if (Error error = buildAxes())
      return std::move(error);
    if (Error error = checkRows())
      return std::move(error);
    findEmpty();
    return result;
  }

private:
  void orderDims() {
    for (const DimPlacement &placement : schedule.dims)
      result.order.push_back(*dims.number(placement.dim));
    auto add = [&](unsigned dim) {
      if (!llvm::is_contained(result.order, dim))
        result.order.push_back(dim);
    };
    add(dims.scan());
    for (unsigned dim = 0; dim < dims.count(); ++dim)
      add(dim);
  }

  Error placeScanned(unsigned dim) {
    const DimPlacement *placement = schedule.lookup(dims.name(dim));
    result.scan = dim;
    result.timeTile = 1;
    if (!placement)
      return Error::success();
    for (const LevelCount &level : placement->levels) {
      if ((level.level == Level::Thread && !target.gpu) || level.level == Level::Mma)
        return refuse("'" + dims.name(dim) + "' is the scanned dimension and cannot be on " + nameOf(level.level) +
                      ": no pass runs a scan at that level" + (target.gpu ? " of a GPU" : "") +
                      ", so it goes on a loop (" + dims.name(dim) + "=loop:32)");
    }
    if (placement->isOn(Level::Loop))
      result.timeTile = placement->countAt(Level::Loop);
    if (runsStepsAtOnce(schedule, dims.name(dim), target)) {
      if (Error error = placeBlocks(*placement))
        return error;
    } else if (Error error = placeCopies(*placement)) {
      return error;
    }
    if (Error error = placeChunks(*placement))
      return error;
    if (result.timeTile > 4096)
      return refuse("a time tile of " + llvm::Twine(result.timeTile) + " steps; at most 4096 fit in scratch");
    return Error::success();
  }

  /// On a GPU, steps on registers alone are copies of the step.
  Error placeCopies(const DimPlacement &placement) {
    if (!placement.isOn(Level::Reg))
      return Error::success();
    std::optional<int64_t> tile = writtenCount(placement, Level::Loop), count = writtenCount(placement, Level::Reg);
    if (!tile && !count)
      return refuse("'" + placement.dim + "=reg' takes what is left of a loop's tile, and there is none (" +
                    placement.dim + "=loop:64,reg:8)");
    int64_t copies = count.value_or(tile.value_or(1));
    if (copies > maxCopies)
      return refuse("'" + placement.dim + "=reg:" + llvm::Twine(copies) + "': at most " + llvm::Twine(maxCopies) +
                    " copies of the step");
    if (tile.value_or(copies) % copies != 0)
      return refuse("'" + placement.dim + "=loop:" + llvm::Twine(*tile) + "' is not a multiple of the " +
                    llvm::Twine(copies) + " steps inside it");
    result.places[result.scan].copies = copies;
    result.timeTile = tile.value_or(copies);
    return Error::success();
  }

  /// Steps that run at once. What is left of the sequence runs as a block in part, so a loop over blocks needs not be
  /// written.
  Error placeBlocks(const DimPlacement &placement) {
    DimPlace &place = result.places[result.scan];
    std::optional<int64_t> tile = writtenCount(placement, Level::Loop);
    if (Error error = countThreads(placement, place))
      return error;
    place.regs = placement.countAt(Level::Reg);
    if (placement.isOn(Level::Reg) && !writtenCount(placement, Level::Reg)) {
      if (!tile)
        return refuse("'" + placement.dim + "=reg' takes what lanes leave of a loop's tile, and there is none (" +
                      placement.dim + "=loop:64,lane:16,reg)");
      place.regs = std::max<int64_t>(1, *tile / (place.parts() * place.lanes));
    }
    if (place.lanes > maxTileElements || place.regs > maxTileElements / place.lanes)
      return refuse("a block of more than " + llvm::Twine(maxTileElements) + " steps at once");
    if (tile.value_or(place.extent()) % place.extent() != 0)
      return refuse("'" + placement.dim + "=loop:" + llvm::Twine(*tile) + "' is not a multiple of the " +
                    llvm::Twine(place.extent()) + " steps inside it");
    result.timeTile = tile.value_or(place.extent());
    return checkStreams();
  }

  /// Whether every state's stream is a scan whose steps compose.
  Error checkStreams() { return facts.whyNotAtOnce().empty() ? Error::success() : refuse(facts.whyNotAtOnce()); }

  /// Products of dense transitions are unrolled, an instruction a product of two elements.
  Error checkMatrices() {
    for (ScanOp scan : facts.denseScans) {
      StringRef state = scan.getState(0).getName().getValue();
      int64_t rows = 1;
      for (auto name : llvm::concat<const Attribute>(scan.getOver()->getValue(), scan.getFrom()->getValue())) {
        StringRef dim = cast<StringAttr>(name).getValue();
        const DimPlace &place = result.places[*dims.number(dim)];
        if (place.parts() > 1)
          return refuse("'" + dim + "' is on threads, and the scan of '" + state +
                        "' has a dense transition along it; place it on reg");
        if (place.lanes > 1 && place.regs > 1)
          return refuse("'" + dim + "' is on lanes and registers, and the scan of '" + state +
                        "' has a dense transition along it; place it on one of them");
        Expected<int64_t> size = requireSize(recurrence, dim, "products of dense steps are unrolled");
        if (!size)
          return size.takeError();
        if (llvm::is_contained(*scan.getOver(), name))
          rows = llvm::SaturatingMultiply<uint64_t>(rows, *size);
      }
      if (rows > maxMatrix && result.blockSteps() > 1)
        return refuse("'" + dims.name(dims.scan()) + "' cannot be on lane or reg: the state '" + state +
                      "' has a dense transition of " + llvm::Twine(rows) + " rows, and two steps of more than " +
                      llvm::Twine(maxMatrix) + " take too many operations to compose; " + adviseLoop(recurrence));
    }
    return Error::success();
  }

  /// A block of steps has no inside that a loop could run through, and scratch is a step at a time.
  Error checkBlocks() {
    if (result.blockSteps() == 1)
      return Error::success();
    StringRef scanned = dims.name(dims.scan());
    for (unsigned dim : result.loops(LoopPlace::Inside))
      return refuse("'" + dims.name(dim) + "' is on a loop inside that of '" + scanned + "'" +
                    (schedule.lookup(dims.name(dim)) ? "" : ", where it is unless it is named") + ", and '" + scanned +
                    "' runs " + llvm::Twine(result.blockSteps()) + " steps at once; place it on reg" +
                    (held.contains(dim) ? "" : " or grid"));
    if (result.stagedLoads || result.stagedStores)
      return refuse("'" + scanned + "' is on lanes or registers, where nothing is staged: memory that runs along '" +
                    scanned + "' is read as it is; use direct");
    return Error::success();
  }

  Error placeChunks(const DimPlacement &placement) {
    std::optional<int64_t> steps = chunkSteps(schedule, placement.dim);
    if (!steps)
      return Error::success();
    result.chunk = *steps;
    if (result.chunk % result.timeTile != 0)
      return refuse("'" + placement.dim + "=grid:" + llvm::Twine(result.chunk) +
                    "': a chunk's steps must be a multiple of the " + llvm::Twine(result.timeTile) +
                    " of a tile inside it");
    return Error::success();
  }

  Error placeOther(unsigned dim) {
    StringRef name = dims.name(dim);
    const DimPlacement *written = schedule.lookup(name);
    if (!written)
      return placeUnnamed(dim);
    if (Error error = checkLevels(dim, *written))
      return error;
    DimPlace &place = result.places[dim];
    place.grid = written->isOn(Level::Grid);
    if (Error error = countThreads(*written, place))
      return error;
    place.regs = written->countAt(Level::Reg);
    if (Error error = countRegs(dim, *written))
      return error;
    if (written->isOn(Level::Loop))
      return placeLoop(dim, *written);
    if (!place.grid)
      return holdWhole(dim, *written);
    if (std::optional<int64_t> count = writtenCount(*written, Level::Grid); count && *count != place.extent())
      return refuse("'" + name + "=grid:" + llvm::Twine(*count) + "' covers " + llvm::Twine(place.extent()) +
                    " with what is inside it; a loop inside the grid runs over the rest (" + name +
                    "=grid:" + llvm::Twine(*count) + ",loop,…)");
    return Error::success();
  }

  /// Threads and lanes, which on a GPU are those of a warp.
  Error countThreads(const DimPlacement &written, DimPlace &place) {
    place.threads = written.countAt(Level::Thread);
    (target.gpu ? place.warpLanes : place.lanes) = written.countAt(Level::Lane);
    if (place.warpLanes > PeerLevel::warpSize || !llvm::isPowerOf2_64(place.warpLanes))
      return refuse("'" + written.dim + "=lane:" + llvm::Twine(place.warpLanes) +
                    "': of a warp's lanes a dimension takes 2, 4, 8, 16 or 32");
    return Error::success();
  }

  /// The scanned dimension comes before the others that are not named, so a loop here is inside its.
  Error placeUnnamed(unsigned dim) {
    if (isTap(dims.name(dim)))
      return holdWhole(dim, {dims.name(dim).str(), {{Level::Reg, std::nullopt}}});
    result.places[dim].grid = !held.contains(dim);
    if (held.contains(dim))
      result.places[dim].loop = LoopPlace::Inside;
    return Error::success();
  }

  Error checkLevels(unsigned dim, const DimPlacement &written) {
    StringRef name = dims.name(dim);
    bool whole = held.contains(dim);
    for (const LevelCount &level : written.levels) {
      if (level.level == Level::Mma)
        return refuse("'" + name + "' cannot be on mma: no pass implements that level for it; " +
                      (whole ? "place it on loop, lane or reg" : "place it on grid"));
      if (level.level == Level::Thread && !target.gpu)
        return refuse("'" + name + "' is on thread, which a CPU does not have; use grid, lane or reg");
      if (level.level == Level::Thread || (level.level == Level::Lane && target.gpu))
        if (Error error = checkMoves(dim, level.level))
          return error;
      if (level.level == Level::Grid && whole)
        return refuse("'" + name +
                      "' is summed over or moved along and cannot be on grid; place it on loop, lane or reg");
      if (level.level != Level::Reg && isTap(name))
        return refuse("'" + name + "' is the tap dimension of a delay and cannot be on " + nameOf(level.level) +
                      "; place it on reg");
    }
    return Error::success();
  }

  /// Threads hand each other sums and steps, not any element of a tile.
  Error checkMoves(unsigned dim, Level level) {
    if (moved.contains(dim))
      return refuse("'" + dims.name(dim) + "' is moved along and cannot be on " + nameOf(level) +
                    ": no pass moves values between threads; place it on loop or reg");
    return Error::success();
  }

  /// `reg` alone takes what lanes and threads leave of the tile of the loop, or else the grid, above it.
  Error countRegs(unsigned dim, const DimPlacement &written) {
    bool loops = written.isOn(Level::Loop);
    if (!written.isOn(Level::Reg) || writtenCount(written, Level::Reg) || !(loops || written.isOn(Level::Grid)))
      return Error::success();
    DimPlace &place = result.places[dim];
    std::optional<int64_t> tile = writtenCount(written, loops ? Level::Loop : Level::Grid);
    if (!tile)
      return refuse("'" + dims.name(dim) + "' is on reg inside " + (loops ? "loop" : "grid") +
                    ": one of them needs a count, as in '" + dims.name(dim) + "=" + (loops ? "loop" : "grid") +
                    ",reg:4'");
    place.regs = std::max<int64_t>(1, *tile / (place.parts() * place.lanes));
    return Error::success();
  }

  static std::optional<int64_t> writtenCount(const DimPlacement &written, Level level) {
    for (const LevelCount &entry : written.levels)
      if (entry.level == level)
        return entry.count;
    return std::nullopt;
  }

  Error placeLoop(unsigned dim, const DimPlacement &written) {
    StringRef name = dims.name(dim), scanned = dims.name(dims.scan());
    DimPlace &place = result.places[dim];
    bool isInside = llvm::find(result.order, dim) > llvm::find(result.order, dims.scan());
    place.loop = isInside ? LoopPlace::Inside : LoopPlace::Outside;
    if (!isInside && held.contains(dim))
      return refuse("'" + name + "' is summed over or moved along, so its loop has to stand inside that of '" +
                    scanned + "': name it after '" + scanned + "'" +
                    (schedule.lookup(scanned) ? "" : ", which comes after all that are named unless it is too"));
    if (isInside && place.parts() > 1)
      return refuse("'" + name + "' is on a loop inside that of '" + scanned + "' and cannot be on " +
                    (place.threads > 1 ? "thread" : "a warp's lanes") + " there; " +
                    (held.contains(dim) ? "place it on reg or on threads alone"
                                        : "name it before '" + scanned + "', or place it on grid"));
    std::optional<int64_t> tile = writtenCount(written, Level::Loop), covered = writtenCount(written, Level::Grid);
    if (tile && *tile % place.extent() != 0)
      return refuse("'" + name + "=loop:" + llvm::Twine(*tile) + "' is not a multiple of the " +
                    llvm::Twine(place.extent()) + " coordinates inside it");
    if (covered && *covered % tile.value_or(place.extent()) != 0)
      return refuse("'" + name + "=grid:" + llvm::Twine(*covered) + "' is not a multiple of the " +
                    llvm::Twine(tile.value_or(place.extent())) + " coordinates of the loop inside it");
    if (place.grid)
      place.gridTile = covered.value_or(tile.value_or(place.extent()));
    return Error::success();
  }

  /// A window's taps are tiles of their own, so its dimension has one register axis.
  bool isTap(StringRef name) { return !(facts.taps & dims.of(name)).empty(); }

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
        place.regs = std::max<int64_t>(1, llvm::divideCeil(*size, place.parts() * place.lanes));
    if (place.extent() < *size)
      return refuse("'" + name + "' of size " + llvm::Twine(*size) + " does not fit in the " +
                    llvm::Twine(place.extent()) + " coordinates that its levels hold; a loop runs over the rest");
    return Error::success();
  }

  /// Rows have their own steps and states, so that a task has one at a time.
  Error checkRows() {
    RowPlan rows(recurrence);
    if (!rows)
      return Error::success();
    StringRef scanned = dims.name(dims.scan());
    const DimPlace &place = result.places[*dims.number(rows.dim())];
    if (place.extent() > 1 || place.loop == LoopPlace::Inside || (!place.grid && place.loop == LoopPlace::None))
      return refuse("'" + rows.dim() + "' is the dimension of rows, each with its own steps and states; place it on " +
                    "grid, or on a loop named before '" + scanned + "', without reg, lane and thread");
    if (result.chunk)
      return refuse("'" + scanned + "' is cut into chunks over the grid, and rows have their own steps; place it on " +
                    "loop, since rows run beside each other anyway");
    if (rows.has("slots_at") && result.blockSteps() > 1)
      return refuse("'" + scanned + "' is on lanes, threads or registers, where steps run at once, and slots_at asks " +
                    "for the states after each; place it on loop");
    if (rows.isPacked() && result.stagesBlocks)
      return refuse("packed rows begin anywhere in memory, and a GPU's threads stage time tiles from multiples of 16 "
                    "bytes; use direct");
    return Error::success();
  }

  /// Dimensions that may be empty, with results that are there all the same.
  void findEmpty() {
    for (unsigned dim = 0; dim < dims.count(); ++dim) {
      DimPlace &place = result.places[dim];
      bool isEntered = place.grid || place.loop == LoopPlace::Outside || place.parts() > 1;
      place.runsEmpty = isEntered && !facts.ofAllResults.contains(dim) && facts.sizes[dim].value_or(0) == 0;
    }
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
      // Lanes of the scanned dimension hold consecutive steps each, others consecutive coordinates together.
      if (place.regs > 1)
        result.axes.push_back({dim, place.regs, dim == dims.scan() ? 1 : place.lanes});
    }
    bool isScanned = laneDim == dims.scan();
    result.axes.push_back(
        {laneDim, laneDim ? result.places[*laneDim].lanes : 1, isScanned ? result.places[*laneDim].regs : 1});
    if (Error error = checkThreads())
      return error;
    return checkTiles();
  }

  Error checkThreads() {
    int64_t lanes = 1;
    for (unsigned dim = 0; dim < dims.count(); ++dim) {
      const DimPlace &place = result.places[dim];
      if (llvm::MulOverflow(lanes, place.warpLanes, lanes) || lanes > PeerLevel::warpSize)
        return refuse("the schedule takes more than the 32 lanes of a warp");
      if (place.parts() > 1 && (dim == dims.scan() || held.contains(dim) || result.stagesBlocks))
        result.exchanged = result.exchanged.with(dim);
    }
    if (result.threads() > maxThreads)
      return refuse("the block has " + llvm::Twine(result.threads()) + " threads; at most 1024 are allowed");
    return Error::success();
  }

  Error checkTiles() {
    for (DimSet set : facts.valueSets) {
      auto elementsOf = [&](ArrayRef<TileAxis> axes) {
        int64_t elements = 1;
        for (const TileAxis &axis : axes)
          if (axis.dim && set.contains(*axis.dim) && llvm::MulOverflow(elements, axis.extent, elements))
            return maxTileElements + 1;
        return elements;
      };
      const bool hasElements = elementsOf(result.axes) > maxTileElements;
      if (hasElements || elementsOf(ArrayRef(result.axes).drop_back()) > maxTileRows)
        return refuse("a tile over [" + llvm::join(dims.list(set), ", ") + "] has more than " +
                      llvm::Twine(hasElements ? maxTileElements : maxTileRows) +
                      (hasElements ? " elements in registers" : " rows of registers") +
                      "; a loop over one of them, or fewer registers and lanes, is needed");
    }
    return Error::success();
  }

  const PlacementFacts &facts;
  RecurrenceOp recurrence;
  const Schedule &schedule;
  const Target &target;
  const DimensionAnalysis &dims;
  DimSet held, moved;
  Placement result;
};
} // namespace

Expected<Placement> ssm::placeSchedule(const PlacementFacts &facts, const Schedule &schedule, const Target &target) {
  return Placer(facts, schedule, target).place();
}
