// Random schedules, legal by construction: what is drawn for one dimension limits what is drawn for the next.

#include "test/support/RandomSchedule.h"
#include "dialect/AffineAnalysis.h"
#include "passes/ChunkScan.h"
#include "schedule/Placement.h"

using namespace mlir;
using namespace ssm;
using namespace ssm::test;

namespace {
/// Registers of a tile of all dimensions. LLVM takes seconds over hundreds.
constexpr int64_t maxRows = 24;

class ScheduleWriter {
public:
  ScheduleWriter(RecurrenceOp recurrence, const std::map<std::string, int64_t> &sizes, bool gpu, Random &random)
      : recurrence(recurrence), sizes(sizes), gpu(gpu), random(random), dims(recurrence),
        held(dimsHeldWhole(recurrence, dims)), moved(dimsMovedAlong(recurrence, dims)) {}

  Schedule write() {
    for (auto delay : recurrence.getBody().front().getOps<DelayOp>())
      taps = taps | dims.of(delay.getTap());
    for (StringRef tap : dims.list(taps))
      rows *= std::max<int64_t>(sizeOf(tap), 1);
    SmallVector<unsigned> order;
    for (unsigned dim = 0; dim < dims.count(); ++dim)
      if (dim != dims.scan() && !taps.contains(dim))
        order.insert(order.begin() + random.below(order.size() + 1), dim);
    if (random.chance(30) && mayRunAtOnce())
      drawBlock();
    for (unsigned dim : order)
      if (blockSteps > 1 && held.contains(dim))
        holdInBlock(dim);
      else if (!random.chance(10))
        place(dim);
    // What is not named comes after all that is, so with loops inside it the scanned dimension has to be named.
    Schedule schedule;
    schedule.dims = before;
    if (!after.empty() || !random.chance(10))
      schedule.dims.push_back(placeScanned());
    llvm::append_range(schedule.dims, after);
    if (gpu && chunkSteps(schedule, recurrence.getScan()) && random.chance(60))
      schedule.knobs.push_back({"scan", {}, random.chance(50) ? "ticket" : "passes"});
    for (const char *knob : {"load", "store"})
      if (random.chance(60))
        schedule.knobs.push_back({knob, {}, blockSteps == 1 && !gpu && random.chance(60) ? "staged" : "direct"});
    if (gpu && blockSteps == 1 && random.chance(50))
      stageBlocks(schedule);
    return schedule;
  }

private:
  int64_t sizeOf(StringRef dim) { return sizes.at(recurrence.extentOf(dim).str()); }
  bool isKnown(StringRef dim) { return recurrence.sizeOf(dim).has_value(); }

  /// Whether time tiles of all that has a block's coordinates surely fit in its shared memory, thread's parts of sums
  /// among them.
  bool mayFit(const Placement &placement) {
    int64_t coordinates = placement.threads(), values = 0;
    for (const TileAxis &axis : placement.axes)
      coordinates *= axis.extent;
    for (Operation &op : recurrence.getBody().front())
      values += isa<InputOp, OutputOp, SumOp, MaxOp>(op);
    return coordinates * placement.timeTile * values * 8 < (200 << 10);
  }

  /// Time tiles through a block's shared memory, where what the schedule has of dimensions allows them.
  void stageBlocks(Schedule &schedule) {
    Schedule staged = schedule;
    llvm::erase_if(staged.knobs, [](const Knob &knob) { return knob.name != "scan"; });
    std::vector<LevelCount> levels;
    int64_t copies = int64_t(1) << random.below(4), tile = 8 * (1 + random.below(4));
    for (DimPlacement &placement : staged.dims)
      if (placement.dim == recurrence.getScan()) {
        if (std::optional<int64_t> chunk = chunkSteps(schedule, recurrence.getScan()))
          levels.push_back({Level::Grid, llvm::alignTo(*chunk, tile)});
        levels.push_back({Level::Loop, tile});
        if (copies > 1)
          levels.push_back({Level::Reg, copies});
        placement.levels = levels;
      }
    auto draw = [&](int percent, StringRef name, std::vector<std::string> of, std::string value) {
      if (random.chance(percent))
        staged.knobs.push_back({name.str(), std::move(of), std::move(value)});
    };
    Block &body = recurrence.getBody().front();
    draw(60, "at", {"free"}, "stage");
    draw(60, "load", {}, "staged");
    draw(40, "store", {}, "staged");
    for (auto output : body.getOps<OutputOp>())
      draw(30, "at", {output.getName().str()}, "store");
    for (auto input : body.getOps<InputOp>())
      draw(15, "load", {input.getName().str()}, random.chance(50) ? "staged" : "direct");
    draw(25, "copy", {}, "cp.async");
    draw(40, "stages", {}, "2");
    draw(20, "pad", {}, std::to_string(16 * random.below(3)));
    // Which of them go together is the placement's to say.
    for (; !staged.knobs.empty(); staged.knobs.pop_back()) {
      llvm::Expected<Placement> placement = placeSchedule(recurrence, staged, {.gpu = true});
      if (placement && placement->stagesBlocks) {
        if (mayFit(*placement))
          schedule = staged;
        return;
      }
      if (!placement)
        llvm::consumeError(placement.takeError());
    }
  }

  /// Whether steps compose, and what is summed over or moved along fits on registers.
  bool mayRunAtOnce() {
    if (llvm::Error error = checkLanes(recurrence)) {
      llvm::consumeError(std::move(error));
      return false;
    }
    AffineAnalysis analysis(recurrence);
    for (const Component &component : analysis.components()) {
      int64_t matrix = 1;
      for (StringRef dim : dims.list(component.over))
        matrix *= sizeOf(dim);
      if (matrix > 4)
        return false;
      matrices = matrices | component.over;
    }
    int64_t whole = rows;
    for (StringRef dim : dims.list(held - taps))
      whole *= std::max<int64_t>(sizeOf(dim), 1);
    return whole <= maxRows;
  }

  /// Steps of the scanned dimension on its lanes and registers.
  void drawBlock() {
    static const int64_t counts[] = {1, 2, 3, 4, 8, 16};
    int64_t lanes = random.pick(counts), regs = 1 + random.below(3), threads = 1;
    if (gpu) {
      threads = drawThreads(block);
      lanes = drawLanes(block);
    }
    for (StringRef dim : dims.list(held - taps))
      rows *= std::max<int64_t>(sizeOf(dim), 1);
    regs = std::min(regs, maxRows / rows);
    rows *= regs;
    hasLanes = lanes > 1;
    blockSteps = threads * lanes * regs;
    if (lanes > 1 && !gpu)
      block.push_back({Level::Lane, lanes});
    if (regs > 1)
      block.push_back({Level::Reg, regs});
  }

  /// Beside steps at once, what is summed over is on registers, and on threads where no matrix is.
  void holdInBlock(unsigned dim) {
    DimPlacement placement{dims.name(dim).str(), {}};
    if (gpu && !matrices.contains(dim) && isKnown(dims.name(dim)))
      addThreads(placement, dim);
    placement.levels.push_back({Level::Reg, std::nullopt});
    before.push_back(placement);
  }

  /// Threads of a block, and lanes of a warp, that are left; nothing is added for one.
  int64_t drawThreads(std::vector<LevelCount> &levels) {
    static const int64_t counts[] = {1, 1, 2, 3, 4, 32};
    return take(levels, Level::Thread, random.pick(counts), freeThreads);
  }
  int64_t drawLanes(std::vector<LevelCount> &levels) {
    static const int64_t counts[] = {1, 2, 4, 8, 16, 32};
    return take(levels, Level::Lane, random.pick(counts), freeLanes);
  }
  static int64_t take(std::vector<LevelCount> &levels, Level level, int64_t count, int64_t &free) {
    if (count == 1 || count > free)
      return 1;
    free /= count;
    levels.push_back({level, count});
    return count;
  }

  /// How many threads a dimension is spread over; they hand each other no elements of a tile.
  int64_t addThreads(DimPlacement &placement, unsigned dim) {
    if (!gpu || moved.contains(dim) || random.chance(40))
      return 1;
    int64_t threads = drawThreads(placement.levels);
    return threads * drawLanes(placement.levels);
  }

  DimPlacement placeScanned() {
    DimPlacement placement{recurrence.getScan().str(), {}};
    static const int64_t tiles[] = {1, 2, 7, 16, 33};
    int64_t tile = blockSteps * std::min(random.pick(tiles), 4096 / blockSteps), steps = tile * (1 + random.below(4));
    bool isCut = random.chance(50);
    if (llvm::Error error = checkChunks(recurrence, steps)) {
      llvm::consumeError(std::move(error));
      isCut = false;
    }
    if (isCut)
      placement.levels.push_back({Level::Grid, steps});
    if (!isCut || tile > 1 || random.chance(50))
      placement.levels.push_back({Level::Loop, isCut || random.chance(70) ? std::optional(tile) : std::nullopt});
    llvm::append_range(placement.levels, block);
    return placement;
  }

  /// The lanes and registers inside the other levels; `extent` becomes the coordinates that they hold.
  void addTile(DimPlacement &placement, unsigned dim, bool isInside, int64_t &extent) {
    static const int64_t counts[] = {1, 2, 3, 4, 5, 8, 16};
    if (gpu && !isInside)
      extent *= addThreads(placement, dim);
    if (!gpu && !hasLanes && random.chance(40)) {
      placement.levels.push_back({Level::Lane, random.pick(counts)});
      hasLanes = *placement.levels.back().count > 1;
      extent *= *placement.levels.back().count;
    }
    int64_t regs = 1 + random.below(4);
    if (random.chance(40) && rows * regs <= maxRows) {
      placement.levels.push_back({Level::Reg, regs});
      rows *= regs;
      extent *= regs;
    }
  }

  /// Lanes and registers for every coordinate; false where that would be many.
  bool holdWhole(DimPlacement &placement, unsigned dim) {
    static const int64_t counts[] = {2, 4, 8, 16};
    int64_t size = sizeOf(dims.name(dim));
    int64_t lanes = !gpu && !hasLanes && random.chance(50) ? random.pick(counts) : addThreads(placement, dim);
    int64_t regs = std::max<int64_t>(1, (size + lanes - 1) / lanes);
    if (rows * regs > maxRows)
      return false;
    rows *= regs;
    if (lanes > 1 && !gpu) {
      placement.levels.push_back({Level::Lane, lanes});
      hasLanes = true;
    }
    if (lanes == 1 || regs > 1 || random.chance(30))
      placement.levels.push_back(
          {Level::Reg, random.chance(50) ? std::nullopt : std::optional<int64_t>(regs + random.below(2))});
    return true;
  }

  void place(unsigned dim) {
    StringRef name = dims.name(dim);
    DimPlacement placement{name.str(), {}};
    bool isHeld = held.contains(dim);
    bool isInside = isHeld || (blockSteps == 1 && random.chance(50));
    auto free = std::pair(freeThreads, freeLanes);
    if (isKnown(name) && random.chance(40) && holdWhole(placement, dim)) {
      (random.chance(50) ? before : after).push_back(placement);
      return;
    }
    placement.levels.clear();
    std::tie(freeThreads, freeLanes) = free;
    int64_t extent = 1;
    bool hasGrid = !isHeld && random.chance(70);
    bool hasLoop = isHeld || !hasGrid || random.chance(40);
    // For a loop inside the scanned dimension's a task keeps states: the size, or what a task takes of it, is known.
    if (hasLoop && isInside && !hasGrid && !isKnown(name))
      isInside = false;
    DimPlacement tile{name.str(), {}};
    addTile(tile, dim, isInside && hasLoop, extent);
    std::optional<int64_t> loop, grid;
    if (hasLoop && random.chance(40))
      loop = extent *= 1 + random.below(3);
    // Small enough that states and staged tiles of several such dimensions fit in a task's memory.
    if (hasGrid && hasLoop && (isInside || random.chance(60)))
      grid = extent *= extent > 32 ? 1 : 1 + random.below(3);
    else if (hasGrid && random.chance(30))
      grid = extent;
    if (hasGrid)
      placement.levels.push_back({Level::Grid, grid});
    if (hasLoop)
      placement.levels.push_back({Level::Loop, loop});
    llvm::append_range(placement.levels, tile.levels);
    (isInside ? after : before).push_back(placement);
  }

  RecurrenceOp recurrence;
  const std::map<std::string, int64_t> &sizes;
  bool gpu;
  Random &random;
  DimensionAnalysis dims;
  /// `matrices`: over which transitions are dense.
  DimSet held, moved, taps, matrices;
  std::vector<DimPlacement> before, after;
  /// The scanned dimension's lanes and registers, and the steps that they hold.
  std::vector<LevelCount> block;
  int64_t rows = 1, blockSteps = 1, freeThreads = 1024 / 32, freeLanes = 32;
  bool hasLanes = false;
};
} // namespace

Schedule ssm::test::randomSchedule(RecurrenceOp recurrence, const std::map<std::string, int64_t> &sizes, bool gpu,
                                   Random &random) {
  return ScheduleWriter(recurrence, sizes, gpu, random).write();
}
