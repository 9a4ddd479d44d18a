// What may be decided about each dimension, from what it is and how large it is.

#include "schedule/SpaceOptions.h"
#include "dialect/Ssm.h"
#include "schedule/ScannedTensors.h"

using namespace mlir;
using namespace ssm;

/// Registers beyond which a dimension that is held whole goes on lanes or a loop.
static constexpr int64_t mostHeldRows = 64;
/// Bytes of a task's share of a dimension on a loop inside time's: from a page to an L1 cache and beyond.
static constexpr int64_t leastStream = 1 << 10, mostStream = 64 << 10;

SpaceOption SpaceOption::on(std::vector<LevelCount> outer, int64_t threads, int64_t lanes, int64_t regs) {
  SpaceOption option(std::move(outer));
  const LevelCount inner[] = {{Level::Thread, threads}, {Level::Lane, lanes}, {Level::Reg, regs}};
  llvm::copy_if(inner, std::back_inserter(option.levels), [](const LevelCount &level) { return *level.count > 1; });
  option.threads = threads;
  option.lanes = lanes;
  option.rows = regs;
  return option;
}

SpaceOptions::SpaceOptions(const SpaceSource &source, const Target &target, const SizeHints &hints,
                           const SpaceLimits &limits)
    : recurrence(source.sequential), target(target), hints(hints), limits(limits), dims(recurrence),
      held(dimsHeldWhole(recurrence, dims)), moved(dimsMovedAlong(recurrence, dims)), composes(source.composed),
      blocks(source.blocks), chunks(source.chunks) {
  int64_t elementBytes = 4;
  Block &body = recurrence.getBody().front();
  for (Operation &op : body)
    for (Value value : op.getResults())
      if (dims.variesInTime(value) && value.getType().isF64())
        elementBytes = 8;
  lanes = target.gpu ? PeerLevel::warpSize : target.vectorBytes / elementBytes;
  for (auto delay : body.getOps<DelayOp>())
    taps = taps | dims.of(delay.getTap());
  for (const ScannedTensor &tensor : tensorsAlongScan(recurrence))
    (tensor.isInput ? readsAlong : writesAlong) = true;
  for (auto input : body.getOps<InputOp>())
    for (auto previous : body.getOps<PreviousOp>())
      readsShared |= target.gpu && dims.variesInTime(input) && !isa<ComplexType>(input.getType()) &&
                     !(dims.of(previous.getResult()) - dims.of(input.getResult())).empty();
  for (unsigned dim = 0; dim < dims.count(); ++dim)
    decisions.push_back(taps.contains(dim)   ? Options{SpaceOption({{Level::Reg, std::nullopt}})}
                        : dim == dims.scan() ? ofScanned()
                        : held.contains(dim) ? ofHeld(dim)
                                             : ofParallel(dim));
  SpaceOption reversed;
  reversed.reversed = true;
  decisions.push_back({SpaceOption(), reversed});
  decisions.push_back(ofKnobs());
}

std::optional<int64_t> SpaceOptions::sizeOf(unsigned dim) const {
  if (std::optional<int64_t> size = recurrence.sizeOf(dims.name(dim)))
    return size;
  auto it = hints.find(recurrence.extentOf(dims.name(dim)));
  return it == hints.end() ? std::nullopt : std::optional(it->second);
}

/// Whether at least half of so many coordinates are there.
bool SpaceOptions::fits(unsigned dim, int64_t extent) const { return sizeOf(dim).value_or(extent) * 2 > extent; }

std::vector<int64_t> SpaceOptions::powers(int64_t from, int64_t to) const {
  std::vector<int64_t> result;
  for (int64_t value = from; value <= to; value *= limits.coarse ? 4 : 2)
    result.push_back(value);
  return result;
}

/// Lanes worth a try: on a CPU a whole register, or its half where the dimension does not fill one.
std::vector<int64_t> SpaceOptions::laneCounts(unsigned dim) const {
  std::vector<int64_t> result;
  if (sizeOf(dim).value_or(lanes) < 2 || (target.gpu && moved.contains(dim)))
    return result;
  for (int64_t count = target.gpu ? 2 : lanes / 2; count <= lanes; count *= 2)
    if (count > 1 && (fits(dim, count) || count == 2) && (target.gpu || !fits(dim, 2 * count) || count == lanes))
      result.push_back(count);
  return result;
}

/// A task's share of a dimension along which memory is streamed, on a loop inside time's.
void SpaceOptions::addStreams(Options &options, unsigned dim) const {
  std::optional<int64_t> size = sizeOf(dim);
  if (!size || target.gpu)
    return;
  for (int64_t regs : powers(1, 4)) {
    int64_t tile = lanes * regs, whole = llvm::divideCeil(*size, tile) * tile;
    if (whole <= tile)
      continue;
    for (int64_t parts = 1; parts <= 64; parts *= 2) {
      int64_t share = llvm::divideCeil(llvm::divideCeil(whole, parts), tile) * tile;
      if (share * 4 < leastStream || share <= tile)
        break;
      if (share * 4 > mostStream)
        continue;
      options.push_back(SpaceOption::on({{Level::Grid, share}, {Level::Loop, std::nullopt}}, 1, lanes, regs));
      options.back().inside = true;
    }
  }
}

SpaceOptions::Options SpaceOptions::ofParallel(unsigned dim) const {
  Options options;
  bool isMovable = !moved.contains(dim);
  std::vector<int64_t> spread = target.gpu ? std::vector<int64_t>{} : laneCounts(dim), threads = {1};
  spread.insert(spread.begin(), 1);
  if (target.gpu && isMovable)
    for (int64_t count = 32; count <= 512; count *= limits.coarse ? 4 : 2)
      if (fits(dim, count))
        threads.push_back(count);
  for (int64_t count : threads)
    for (int64_t lane : spread)
      for (int64_t regs : powers(1, target.gpu ? 1 : 8))
        if (count * lane * regs == 1 || fits(dim, count * lane * regs))
          options.push_back(SpaceOption::on({{Level::Grid, std::nullopt}}, count, lane, regs));
  addStreams(options, dim);
  return options;
}

/// Held whole: on registers, on lanes and registers, or on a loop inside time's.
SpaceOptions::Options SpaceOptions::ofHeld(unsigned dim) const {
  Options options;
  int64_t size = std::max<int64_t>(sizeOf(dim).value_or(1), 1);
  auto add = [&](std::vector<LevelCount> outer, int64_t lane, int64_t regs) {
    options.push_back(SpaceOption::on(std::move(outer), 1, lane, regs));
    if (regs == 1)
      options.back().levels.push_back({Level::Reg, regs});
  };
  auto hold = [&](int64_t lane) {
    if (int64_t regs = llvm::divideCeil(size, lane); regs <= mostHeldRows)
      add({}, lane, regs);
  };
  hold(1);
  std::vector<int64_t> counts = laneCounts(dim);
  for (int64_t lane : counts)
    hold(lane);
  if (!target.gpu)
    counts.insert(counts.begin(), 1);
  else
    counts = {1};
  for (int64_t lane : counts)
    for (int64_t regs : powers(1, 16))
      if (lane * regs < size) {
        add({{Level::Loop, std::nullopt}}, lane, regs);
        options.back().inside = true;
      }
  return options;
}

/// Steps on lanes and registers, and steps that run as one beside a loop inside theirs.
void SpaceOptions::addSteps(Options &options) const {
  if (blocks)
    for (int64_t tile : {16, 32})
      for (int64_t steps : {2, 4}) {
        if (!fits(dims.scan(), tile))
          continue;
        SpaceOption option({{Level::Loop, tile}, {Level::Reg, steps}});
        option.tiled = option.blocks = true;
        options.push_back(option);
      }
  if (!composes)
    return;
  for (int64_t lane : {int64_t(1), lanes})
    for (int64_t regs : powers(1, 8)) {
      if (lane * regs == 1 || !fits(dims.scan(), lane * regs))
        continue;
      options.push_back(SpaceOption::on({}, 1, lane, regs));
      options.back().atOnce = true;
    }
}

void SpaceOptions::addGpuSteps(Options &options) const {
  for (int64_t copies : {2, 4, 8}) {
    options.push_back(SpaceOption({{Level::Loop, copies}, {Level::Reg, copies}}));
    for (int64_t tile : {16, 32, 64})
      if (copies > 2 && (tile == 16 ? readsShared && !readsAlong : readsAlong || writesAlong || readsShared)) {
        options.push_back(SpaceOption({{Level::Loop, tile}, {Level::Reg, copies}}));
        options.back().tiled = true;
      }
  }
  if (!composes)
    return;
  for (int64_t threads : {1, 4})
    for (int64_t regs : powers(1, 8)) {
      if (!fits(dims.scan(), threads * lanes * regs))
        continue;
      options.push_back(SpaceOption::on({}, threads, lanes, regs));
      options.back().atOnce = true;
    }
}

/// Each option of sequential steps once more, in chunks over the grid.
void SpaceOptions::addChunks(Options &options) const {
  std::optional<int64_t> steps = sizeOf(dims.scan());
  if (!chunks || !steps || (!target.gpu && limits.threads < 3))
    return;
  size_t count = options.size();
  for (int64_t parts = target.gpu ? 4 : limits.threads; parts <= (target.gpu ? 32 : 4 * limits.threads);
       parts *= limits.coarse ? 4 : 2)
    for (size_t number = 0; number < count; ++number) {
      SpaceOption option = options[number];
      if (option.atOnce)
        continue;
      int64_t tile = 1;
      for (const LevelCount &level : option.levels)
        tile = std::max(tile, level.count.value_or(1));
      int64_t chunk = llvm::alignTo(llvm::divideCeil(*steps, parts), tile);
      if (chunk < 64)
        continue;
      if (tile == 1)
        option.levels.clear();
      option.levels.insert(option.levels.begin(), {Level::Grid, chunk});
      for (const char *way : {"ticket", "passes"}) {
        if (!target.gpu && StringRef(way) == "ticket")
          continue;
        option.knobs = {{"scan", {}, way}};
        options.push_back(option);
      }
    }
}

SpaceOptions::Options SpaceOptions::ofScanned() const {
  Options options{SpaceOption({{Level::Loop, std::nullopt}})};
  if (target.gpu) {
    addGpuSteps(options);
  } else {
    if (readsAlong || writesAlong)
      for (int64_t tile : powers(16, 128))
        if (fits(dims.scan(), tile)) {
          options.push_back(SpaceOption({{Level::Loop, tile}}));
          options.back().tiled = true;
        }
    addSteps(options);
  }
  addChunks(options);
  return options;
}

SpaceOptions::Options SpaceOptions::ofKnobs() const {
  Options options{SpaceOption()};
  auto add = [&](std::vector<Knob> knobs) {
    SpaceOption option;
    option.knobs = std::move(knobs);
    option.staged = true;
    options.push_back(option);
    if (target.gpu && option.knobs.front().name != "store") {
      option.knobs.push_back({"stages", {}, "2"});
      options.push_back(option);
    }
  };
  Knob load{"load", {}, "staged"}, store{"store", {}, "staged"};
  bool isBoth = readsAlong && writesAlong;
  if (readsAlong && !(isBoth && limits.coarse))
    add({load});
  if (writesAlong && !(isBoth && limits.coarse))
    add({store});
  if (isBoth)
    add({load, store});
  if (target.gpu && (readsAlong || readsShared)) {
    std::vector<Knob> knobs{{"at", {"free"}, "stage"}};
    add(knobs);
    for (const ScannedTensor &tensor : tensorsAlongScan(recurrence))
      if (!tensor.isInput)
        knobs.push_back({"at", {tensor.name.str()}, "store"});
    if (knobs.size() > 1)
      add(knobs);
  }
  return options;
}

std::optional<Schedule> SpaceOptions::write(llvm::ArrayRef<uint16_t> taken) const {
  Schedule schedule;
  std::vector<DimPlacement> inside;
  const SpaceOption &order = decisions[dims.count()][taken[dims.count()]];
  for (unsigned dim = 0; dim < dims.count(); ++dim) {
    const SpaceOption &option = decisions[dim][taken[dim]];
    llvm::append_range(schedule.knobs, option.knobs);
    if (dim != dims.scan())
      (option.inside ? inside : schedule.dims).push_back({dims.name(dim).str(), option.levels});
  }
  // A tile is there to be staged, or for steps that run as one; any other gives the kernel without tiles.
  const SpaceOption &steps = decisions[dims.scan()][taken[dims.scan()]];
  bool isStaged = decisions.back()[taken.back()].staged, hasBlocks = steps.blocks;
  if ((isStaged && !steps.tiled) || (steps.tiled && !isStaged && !hasBlocks))
    return std::nullopt;
  if (order.reversed) {
    if (inside.size() < 2)
      return std::nullopt;
    std::reverse(inside.begin(), inside.end());
  }
  schedule.dims.push_back({dims.name(dims.scan()).str(), decisions[dims.scan()][taken[dims.scan()]].levels});
  llvm::append_range(schedule.dims, inside);
  llvm::append_range(schedule.knobs, decisions.back()[taken.back()].knobs);
  return schedule;
}
