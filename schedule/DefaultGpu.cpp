// The default schedule for a GPU.
//
// Blocks of 128 threads over the widest parallel dimension, so that a thread keeps its states in registers and
// sums alone. Where these are too many registers, or threads do not fill the device, the largest dimension that is
// summed over is spread over lanes of a warp, at a shuffle for each doubling; where that is not enough, another one is
// spread over threads of the block, between barriers. States that are too many registers even so, or that move along
// their dimensions, stand in local memory. Where threads do not fill the device, time is cut into chunks over the grid,
// at twice the work.

#include "schedule/GpuRegisters.h"
#include "schedule/MatrixTiles.h"
#include "schedule/ScannedTensors.h"
#include "schedule/ThreadRows.h"

using namespace mlir;
using namespace ssm;

namespace {
/// Registers of a thread for what it keeps from step to step; a step's own values and addresses take as many.
constexpr int64_t keptRegisters = 96;
constexpr int64_t warpLanes = 32, blockThreads = 128;
/// Threads wanted on one core of a GPU, to hide latencies: about 8 warps. Lanes double their number, so that from 6 on
/// no more are taken.
constexpr int64_t threadsPerCore = 6 * warpLanes;
/// Where time tiles are staged, two lanes are better than one up to 16 warps on a core: the registers of a state are
/// half as many, so that there are twice the warps. More lanes take more of shared memory's time, and are taken up to 3
/// warps; beyond a few of them, chunks of time are better. Measured on an H100 (bench/results).
constexpr int64_t warpsStaged = 16, warpsSplit = 3, lanesBeforeChunks = 4;
/// Steps of a staged time tile, and of them those that a thread reads and writes at once.
constexpr int64_t stagedTile = 32, stagedCopies = 8;
/// Threads of a block that has all of a state, and registers of one of them for what it keeps and a step's inputs.
constexpr int64_t mostSharers = 256, mostWithInputs = 128;
/// And of these, so many that it is worth to share.
constexpr int64_t mostAlone = 128;
/// Registers of a thread for what it keeps, and what is on its way from memory meanwhile with its addresses.
constexpr int64_t mostTransient = 215;
/// Values that the copies of a step keep in all, where they read memory themselves.
constexpr int64_t mostCopied = 64;
/// And of one value, where steps read shared memory.
constexpr int64_t mostStagedCopied = 128;
/// Numbers of a staged tile for which a thread computes a value ahead of the steps.
constexpr int64_t mostAhead = 32;
/// Bytes of them that leave room for another block on a multiprocessor.
constexpr int64_t mostStagedBytes = 96 << 10;
/// Cutting time doubles the work, so it has to bring several times the threads; and chunks' own costs need steps.
constexpr int64_t fewestChunks = 4, fewestChunkSteps = 512;

class GpuRules : public GpuRegisters {
public:
  using GpuRegisters::GpuRegisters;

  /// Whether memory runs along time, so that time tiles go through shared memory: blocks read and write it in runs. A
  /// few steps are not worth it.
  bool isStaged() {
    return !rowDim && sizeOf(dims.scan()).value_or(stagedTile) >= stagedTile &&
           llvm::any_of(tensorsAlongScan(recurrence), [](const ScannedTensor &tensor) { return tensor.isInput; });
  }

  Schedule build() {
    if (isStaged())
      return build(/*isStaged=*/true);
    std::optional<MatrixTile> tile = MatrixTiles(recurrence, target, hints).choose(widestParallel());
    return tile ? build(*tile) : build(/*isStaged=*/false);
  }

  /// Why the schedule is what it is.
  GpuReasons reasons;

private:
  /// The dimension that threads run along. One that fills a warp is large enough; among those, the one along which
  /// memory is contiguous coalesces.
  std::optional<unsigned> widestParallel() {
    std::optional<unsigned> widest;
    auto score = [&](unsigned dim) { return std::min<double>(sizeOf(dim).value_or(32), 32) * (1 + weight(dim)); };
    for (unsigned dim = 0; dim < dims.count(); ++dim)
      if (!isAlone(dim) && !held.contains(dim) && (!widest || score(dim) >= score(*widest)))
        widest = dim;
    return widest;
  }

  /// A dimension that is summed over on lanes, and another one on threads.
  struct Sharing {
    std::optional<unsigned> laneDim = std::nullopt, threadDim = std::nullopt;
    int64_t lanes = 1, threads = 1;
    int64_t of(unsigned dim) const { return dim == laneDim ? lanes : dim == threadDim ? threads : 1; }
    int64_t all() const { return lanes * threads; }
  };

  /// How many coordinates a thread has of what is summed over.
  auto countBy(const Sharing &shared) {
    return [this, shared](unsigned dim) -> int64_t {
      return held.contains(dim) ? llvm::divideCeil(std::max<int64_t>(*sizeOf(dim), 1), shared.of(dim)) : 1;
    };
  }
  int64_t keptBy(const Sharing &shared) { return registersKept(countBy(shared)); }

  /// Matrix states in tiles of two dimensions, and what is shared along one of them in shared memory.
  Schedule build(const MatrixTile &tile) {
    std::optional<int64_t> parallel = parallelCoordinates();
    recordReasons(parallel, threadsPerCore * target.cores, {.laneDim = tile.summed, .lanes = tile.lanes},
                  /*onLoops=*/false, /*isStaged=*/false);
    reasons.kept = tile.kept;
    reasons.tile = {{dims.name(tile.summed).str(), tile.regs}, {dims.name(tile.parallel).str(), tile.rows}};
    reasons.threads = tile.threadsOfCall;
    reasons.chunkSteps = chooseChunk(tile.threadsOfCall, reasons.wanted);
    if (reasons.chunkSteps)
      reasons.chunkSteps = llvm::alignTo(*reasons.chunkSteps, tile.steps);
    Schedule schedule;
    for (unsigned dim = 0; dim < dims.count(); ++dim) {
      DimPlacement placement{dims.name(dim).str(), {}};
      auto add = [&](Level level, std::optional<int64_t> count) { placement.levels.push_back({level, count}); };
      if (dim == dims.scan()) {
        if (reasons.chunkSteps)
          add(Level::Grid, reasons.chunkSteps);
        add(Level::Loop, tile.steps);
        add(Level::Reg, tile.copies);
      } else if (held.contains(dim) && dim != tile.parallel) {
        if (dim == tile.summed && tile.lanes > 1)
          add(Level::Lane, tile.lanes);
        add(Level::Reg, dim == tile.summed ? tile.regs : std::max<int64_t>(1, *sizeOf(dim)));
      } else {
        if (!held.contains(dim))
          add(Level::Grid, std::nullopt);
        if (dim == tile.parallel && tile.threads > 1)
          add(Level::Thread, tile.threads);
        if (dim == tile.parallel && tile.rows > 1)
          add(Level::Reg, tile.rows);
      }
      schedule.dims.push_back(placement);
    }
    schedule.knobs = {{"at", {"free"}, "stage"}};
    if (reasons.chunkSteps)
      schedule.knobs.push_back({"scan", {}, "passes"});
    return schedule;
  }

  /// Threads along one dimension, and those that share what is summed over; everything else a thread has for itself.
  struct Spread {
    bool isStaged = false;
    std::optional<unsigned> threadDim = std::nullopt;
    int64_t threads = 1;
    Sharing shared = {};
    /// States are too many registers, and stand in local memory.
    bool isTooMuch = false;
    /// Coordinates of parallel dimensions, and threads wanted for them.
    std::optional<int64_t> parallel = std::nullopt;
    int64_t wanted = 0;
    /// Steps of a time tile, where these are staged.
    int64_t tile = stagedTile;
  };

  Spread spread(bool isStaged) {
    Spread result{.isStaged = isStaged, .threadDim = widestParallel(), .parallel = parallelCoordinates()};
    Sharing &shared = result.shared;
    shared = chooseWarpLanes(result.parallel, isStaged);
    result.wanted = threadsBefore(shared.lanes, isStaged);
    // More than a few lanes cost more than chunks of time do.
    if (Sharing two = {.laneDim = shared.laneDim, .lanes = 2};
        isStaged && shared.lanes > lanesBeforeChunks && result.parallel && keptBy(two) <= keptMost(isStaged) &&
        chooseChunk(2 * *result.parallel, threadsBefore(1, isStaged))) {
      shared = two;
      result.wanted = threadsBefore(1, isStaged);
    }
    // Beyond what lanes bring into registers, a block's threads share; and what only just fits stays a thread's own
    // where they cannot.
    if (keptBy(shared) > keptRegisters || keptBy(shared) + readAtStep(countBy(shared)) > mostAlone) {
      Sharing ofBlock = chooseSharing(result.parallel);
      result.isTooMuch = !ofBlock.threadDim && keptBy(shared) > 2 * keptRegisters;
      if (ofBlock.threadDim || result.isTooMuch) {
        shared = ofBlock;
        result.isStaged = false;
        result.wanted = threadsBefore(1, /*isStaged=*/false);
      }
    }
    result.threads = std::max<int64_t>(1, blockThreads / shared.all());
    while (result.threadDim && result.threads > 1 && result.threads > warpLanes / shared.all() &&
           sizeOf(*result.threadDim).value_or(result.threads) <= result.threads / 2)
      result.threads /= 2;
    result.tile = shared.lanes > 2 ? 2 * stagedTile : stagedTile;
    while (result.isStaged && result.tile > 2 * stagedCopies && !hasRoom(result))
      result.tile /= 2;
    return result;
  }

  /// Whether a block has shared memory for its time tiles, and its threads registers for moving them.
  bool hasRoom(const Spread &spread) {
    auto ofBlock = [&](unsigned dim) -> int64_t {
      return dim == spread.threadDim ? spread.threads : held.contains(dim) ? std::max<int64_t>(1, *sizeOf(dim)) : 1;
    };
    int64_t threads = spread.threads * spread.shared.all();
    int64_t moved = registersOfTiles(ofBlock, countBy(spread.shared), spread.tile, threads);
    // What lanes would compute each for itself is computed ahead of the steps.
    int64_t ahead = spread.shared.lanes > 1 ? widestOfTiles(ofBlock) * spread.tile : 0;
    return keptBy(spread.shared) + moved <= mostTransient && ahead <= mostAhead * threads &&
           bytesOfTiles(ofBlock, spread.tile) <= mostStagedBytes;
  }

  /// Steps of the scanned dimension.
  std::vector<LevelCount> stepsOf(const Spread &spread) {
    int64_t copies = spread.isTooMuch ? 1 : copiesOfStep(spread.shared, spread.isStaged);
    std::optional<int64_t> threads = spread.parallel;
    if (threads)
      threads = llvm::SaturatingMultiply<uint64_t>(*threads, spread.shared.all());
    reasons.chunkSteps = chooseChunk(threads, spread.wanted);
    std::vector<LevelCount> levels;
    if (reasons.chunkSteps) {
      reasons.chunkSteps = llvm::alignTo(*reasons.chunkSteps, spread.isStaged ? spread.tile : copies);
      levels.push_back({Level::Grid, reasons.chunkSteps});
    }
    if (spread.isStaged)
      levels.push_back({Level::Loop, spread.tile});
    else if (copies > 1 || !reasons.chunkSteps)
      levels.push_back({Level::Loop, std::nullopt});
    if (spread.isStaged || copies > 1)
      levels.push_back({Level::Reg, copies});
    return levels;
  }

  Schedule build(bool isStaged) {
    Spread chosen = spread(isStaged);
    bool hasTwo = chosen.isStaged && chosen.shared.lanes == 2;
    recordReasons(chosen.parallel, hasTwo ? threadsBefore(1, /*isStaged=*/true) : chosen.wanted, chosen.shared,
                  chosen.isTooMuch, chosen.isStaged);
    // Threads that share little of what they read leave no room for it.
    if (chosen.isStaged && !hasRoom(chosen)) {
      reasons = {};
      return build(false);
    }
    Schedule schedule;
    SmallVector<DimPlacement> inside;
    for (unsigned dim = 0; dim < dims.count(); ++dim) {
      DimPlacement placement{dims.name(dim).str(), {}};
      if (chosen.isTooMuch && held.contains(dim) && !taps.contains(dim)) {
        inside.push_back({dims.name(dim).str(), {{Level::Loop, std::nullopt}}});
        continue;
      }
      if (dim == dims.scan()) {
        placement.levels = stepsOf(chosen);
      } else if (held.contains(dim)) {
        if (chosen.shared.of(dim) > 1)
          placement.levels.push_back(
              {dim == chosen.shared.laneDim ? Level::Lane : Level::Thread, chosen.shared.of(dim)});
        placement.levels.push_back({Level::Reg, countBy(chosen.shared)(dim)});
      } else {
        placement.levels.push_back({Level::Grid, std::nullopt});
      }
      if (dim == chosen.threadDim && chosen.threads > 1)
        placement.levels.push_back({Level::Thread, chosen.threads});
      schedule.dims.push_back(placement);
    }
    // What the innermost loop reads serves several coordinates of the one around it.
    for (DimPlacement &placement : MutableArrayRef(inside).take_back(2))
      placement.levels.push_back({Level::Reg, 4});
    // Loops named after the scanned dimension are inside its loop.
    if (auto scanned = llvm::find_if(
            schedule.dims, [&](const DimPlacement &placement) { return placement.dim == dims.name(dims.scan()); });
        !inside.empty())
      std::rotate(scanned, scanned + 1, schedule.dims.end());
    llvm::append_range(schedule.dims, inside);
    if (chosen.isStaged)
      addStages(schedule, chosen.shared.lanes, chosen.threadDim);
    // One kernel in ticket order took 1.2 times as long, where there was time to cut (bench/results).
    if (reasons.chunkSteps)
      schedule.knobs.push_back({"scan", {}, "passes"});
    return schedule;
  }

  /// Steps with code of their own. Where nothing is staged, what they read is on its way together: the more a thread
  /// has, the fewer. And fewer where values of as many steps are more registers than there are.
  int64_t copiesOfStep(const Sharing &shared, bool isStaged) {
    std::optional<int64_t> steps = sizeOf(dims.scan());
    auto count = countBy(shared);
    int64_t kept = keptBy(shared), overSums = heldOverSums(count), gathered = gatheredAtStep(count);
    int64_t widest = std::max(widestOfStep(count), isStaged ? 1 : kept);
    auto mayBe = [&](int64_t copies) {
      if (overSums > 0 && kept + copies * overSums > keptRegisters)
        return false;
      if (isStaged)
        return copies * widest <= mostStagedCopied;
      return copies * widest <= mostCopied && kept + gathered * (copies + ofAddress) <= mostTransient && !rowDim &&
             (!steps || 2 * copies <= *steps);
    };
    // Threads that share states over many lanes have few warps beside them to fill a turn's beginning.
    int64_t copies = isStaged && shared.lanes > 2 ? 2 * stagedCopies : stagedCopies;
    while (copies > 1 && !mayBe(copies))
      copies /= 2;
    return copies;
  }

  /// What is said of time tiles in shared memory, where so many lanes share a summed dimension: what lanes would
  /// compute each for itself is computed once, before the steps and after them.
  void addStages(Schedule &schedule, int64_t lanes, std::optional<unsigned> threadDim) {
    if (lanes == 1) {
      schedule.knobs = {{"load", stagedInputs(threadDim), "staged"}, {"store", {}, "staged"}};
      return;
    }
    schedule.knobs = {{"at", {"free"}, "stage"}};
    for (const ScannedTensor &tensor : tensorsAlongScan(recurrence))
      if (!tensor.isInput)
        schedule.knobs.push_back({"at", {tensor.name.str()}, "store"});
  }

  /// The inputs whose memory runs along time, or that all threads read; none are named where these are all.
  std::vector<std::string> stagedInputs(std::optional<unsigned> threadDim) {
    std::vector<std::string> staged;
    bool areAll = true;
    for (auto input : recurrence.getBody().front().getOps<InputOp>()) {
      if (!dims.variesInTime(input) || isa<ComplexType>(input.getStored().value_or(input.getType())))
        continue;
      bool isShared = threadDim && !dims.of(input.getResult()).contains(*threadDim);
      if (isShared || tensorAlongScan(recurrence, input.getName(), /*isInput=*/true))
        staged.push_back(input.getName().str());
      else
        areAll = false;
    }
    return areAll ? std::vector<std::string>() : staged;
  }

  /// What a thread may keep: the copies of a staged step have values of their own.
  static int64_t keptMost(bool isStaged) { return isStaged ? keptRegisters / 2 : keptRegisters; }

  /// Threads below which the number of lanes doubles once more.
  int64_t threadsBefore(int64_t lanes, bool isStaged) {
    int64_t warps = !isStaged ? threadsPerCore / warpLanes : lanes == 1 ? warpsStaged : warpsSplit;
    return target.cores * warps * warpLanes;
  }

  /// A summed dimension that threads can share, beside one: the largest; of several, that of which they exchange least.
  std::optional<unsigned> largestSummed(std::optional<unsigned> beside = std::nullopt) {
    std::optional<unsigned> largest;
    auto rank = [&](unsigned dim) { return std::pair(*sizeOf(dim), -sumsOver(dim, countBy({}))); };
    for (unsigned dim = 0; dim < dims.count(); ++dim)
      if (dim != beside && canShare(dim) && (!largest || rank(dim) > rank(*largest)))
        largest = dim;
    return largest;
  }

  /// Whether threads can share a summed dimension, and each has less for it: of a state, or of sums that are all.
  bool canShare(unsigned dim) {
    bool isOfStates = llvm::any_of(states, [&](const State &state) { return dims.of(state.layout).contains(dim); });
    return held.contains(dim) && !moved.contains(dim) && (isOfStates || !isMovedAlong(dim));
  }

  /// The summed dimension that goes over lanes, and over how many.
  Sharing chooseWarpLanes(std::optional<int64_t> threads, bool isStaged) {
    Sharing shared = {.laneDim = largestSummed()};
    while (shared.laneDim && shared.lanes < warpLanes && 2 * shared.lanes <= *sizeOf(*shared.laneDim) &&
           (keptBy(shared) > keptMost(isStaged) ||
            (threads && *threads * shared.lanes < threadsBefore(shared.lanes, isStaged))))
      shared.lanes *= 2;
    return shared.lanes > 1 ? shared : Sharing();
  }

  /// Lanes along one summed dimension and threads along another, so that a block's registers hold the states: as many
  /// as issue fewest instructions. No threads where none are enough.
  Sharing chooseSharing(std::optional<int64_t> parallel) {
    Sharing best, shared = {.laneDim = largestSummed()};
    shared.threadDim = largestSummed(shared.laneDim);
    if (!shared.threadDim)
      return {};
    double least = 0;
    for (auto [laneDim, threadDim] : {std::pair(shared.laneDim, shared.threadDim), {shared.threadDim, shared.laneDim}})
      for (shared.lanes = 1; shared.lanes <= warpLanes; shared.lanes *= 2)
        for (shared.threads = 2; shared.all() <= mostSharers; shared.threads *= 2) {
          shared.laneDim = laneDim;
          shared.threadDim = threadDim;
          if (keptBy(shared) + readAtStep(countBy(shared)) > mostWithInputs || shared.all() < warpLanes ||
              shared.lanes > *sizeOf(*laneDim) || shared.threads / 2 >= *sizeOf(*threadDim))
            continue;
          double cost = slotsOf(shared) * callWarps(shared, parallel);
          if (!best.threadDim || cost < least) {
            best = shared;
            least = cost;
          }
        }
    return best;
  }

  /// Instructions of a thread at a step, about: an element of a state takes a few, numbers that lanes exchange one for
  /// each doubling, and numbers that threads exchange one for each of these.
  double slotsOf(const Sharing &shared) {
    constexpr double ofElement = 3, ofDoubling = 2, ofBarriers = 20;
    auto count = countBy(shared);
    int64_t overThreads = sumsOver(*shared.threadDim, count);
    return ofElement * keptBy(shared) + ofDoubling * llvm::Log2_64(shared.lanes) * sumsOver(*shared.laneDim, count) +
           (shared.threads + ofBarriers) * overThreads;
  }

  /// Warps of the busiest scheduler; of a state where sizes are open.
  double callWarps(const Sharing &shared, std::optional<int64_t> parallel) {
    constexpr double schedulers = 4, fewest = 1.5;
    double warps = double(shared.all()) / warpLanes;
    if (!parallel || !target.cores)
      return warps;
    return std::max(fewest, double(llvm::divideCeil(*parallel, target.cores)) * warps / schedulers);
  }

  /// Steps of a chunk, where time has to be cut to fill the device.
  std::optional<int64_t> chooseChunk(std::optional<int64_t> threads, int64_t wanted) {
    std::optional<int64_t> steps = sizeOf(dims.scan());
    if (!target.cutsTime || rowDim || !threads || !steps || *threads == 0)
      return std::nullopt;
    int64_t chunks = std::min<int64_t>(llvm::divideCeil(wanted, *threads), *steps / fewestChunkSteps);
    if (chunks < fewestChunks)
      return std::nullopt;
    return llvm::divideCeil(*steps, chunks);
  }

  void recordReasons(std::optional<int64_t> parallel, int64_t wanted, const Sharing &shared, bool onLoops,
                     bool isStaged) {
    for (unsigned dim = 0; dim < dims.count(); ++dim)
      if (dim != dims.scan() && !held.contains(dim))
        reasons.parallelDims.push_back(dims.name(dim).str());
    reasons.parallel = parallel;
    reasons.wanted = wanted;
    reasons.cores = target.cores;
    reasons.warps = target.cores ? wanted / target.cores / warpLanes : 0;
    reasons.keptAlone = keptBy({});
    reasons.kept = keptBy(shared);
    reasons.keptMost = keptMost(isStaged);
    for (std::optional<unsigned> dim : {shared.laneDim, shared.threadDim})
      if (dim && shared.of(*dim) > 1)
        reasons.shared.push_back({dims.name(*dim).str(), shared.of(*dim), dim == shared.laneDim ? "lanes" : "threads"});
    reasons.onLoops = onLoops;
    reasons.scanned = dims.name(dims.scan()).str();
    reasons.steps = sizeOf(dims.scan());
    reasons.fewestChunks = fewestChunks;
    reasons.fewestChunkSteps = fewestChunkSteps;
  }
};
} // namespace

Schedule ssm::defaultForGpu(RecurrenceOp recurrence, const Target &target, const SizeHints &hints,
                            GpuReasons &reasons) {
  GpuRules rules(recurrence, target, hints);
  Schedule schedule = rules.build();
  reasons = rules.reasons;
  if (std::optional<ThreadRows::Result> two = ThreadRows(recurrence, target, hints).choose(schedule)) {
    reasons.ahead = two->ahead;
    reasons.twoOf = two->dim;
    return two->schedule;
  }
  reasons.ahead = LoadsAhead(recurrence, target, hints).add(schedule);
  return schedule;
}
