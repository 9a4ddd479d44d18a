// Which default schedules give a thread two coordinates.

#include "schedule/ThreadRows.h"
#include "schedule/Machine.h"

using namespace mlir;
using namespace ssm;

namespace {
constexpr int64_t coordinates = 2;
/// Warps of a multiprocessor that are enough, two for each scheduler, and the share of them that has work on average.
constexpr int64_t enoughWarps = 8;
constexpr double leastFilled = 0.9;
/// Registers that states and constants of two coordinates may take.
constexpr int64_t mostKept = 48;
} // namespace

/// Whether steps read something that is the same for all coordinates of a dimension.
bool ThreadRows::sharesReads(unsigned dim) {
  return llvm::any_of(recurrence.getBody().front().getOps<InputOp>(), [&](InputOp input) {
    return dims.variesInTime(input) && !dims.of(input.getResult()).contains(dim);
  });
}

/// Whether tiles are whole. What is left of one has loops of its own, for which there are no registers.
bool ThreadRows::hasWholeTiles(const Schedule &schedule) {
  std::optional<int64_t> steps = sizeOf(dims.scan());
  return steps && *steps % schedule.lookup(dims.name(dims.scan()))->countAt(Level::Loop) == 0;
}

/// Whether as many warps as are enough have room on a multiprocessor, and a call's blocks come in rounds of so many.
bool ThreadRows::fillsWaves(const Schedule &schedule) {
  std::optional<int64_t> blocks = blocksOfCall(schedule);
  if (!blocks || *blocks == 0 || target.cores == 0)
    return false;
  int64_t steps = schedule.lookup(dims.name(dims.scan()))->countAt(Level::Loop);
  int64_t bytes = bytesOfTiles([&](unsigned dim) { return ofBlock(schedule, dim); }, steps);
  Occupancy most =
      occupancy(multiprocessor(target.capability), threadsOf(schedule), Multiprocessor::registersPerThread, bytes);
  if (most.warps < enoughWarps)
    return false;
  int64_t round = target.cores * most.blocks;
  return static_cast<double>(*blocks) >= leastFilled * static_cast<double>(llvm::alignTo(*blocks, round));
}

std::optional<ThreadRows::Result> ThreadRows::choose(const Schedule &given) {
  bool hasTwoLanes = false;
  std::optional<unsigned> along;
  for (unsigned dim = 0; dim < dims.count(); ++dim) {
    const DimPlacement &place = *given.lookup(dims.name(dim));
    hasTwoLanes |= place.countAt(Level::Lane) == 2;
    if (dim != dims.scan() && place.isOn(Level::Grid) && place.isOn(Level::Thread))
      along = dim;
    if (dim == dims.scan() && place.isOn(Level::Grid))
      return std::nullopt;
  }
  bool isStaged =
      llvm::any_of(given.knobs, [](const Knob &knob) { return knob.name == "at" && knob.value == "stage"; });
  if (!hasTwoLanes || !along || !isStaged || !sharesReads(*along) || !hasWholeTiles(given))
    return std::nullopt;
  Result result{given, dims.name(*along).str(), 0};
  for (DimPlacement &place : result.schedule.dims) {
    if (place.dim == result.dim)
      place.levels.push_back({Level::Reg, coordinates});
    // Backwards, what steps read is further from what they write: more of it is on its way.
    if (place.dim == dims.name(dims.scan()) && recurrence.getReverse())
      for (LevelCount &level : place.levels)
        if (level.level == Level::Reg)
          level.count = std::max<int64_t>(1, level.count.value_or(1) / 2);
  }
  // Sums that go before all steps of a turn hold what they read, for both coordinates.
  auto count = [&](unsigned dim) { return ofThread(result.schedule, dim); };
  if (registersKept(count) > mostKept || heldOverSums(count) > 0 || !fillsWaves(result.schedule))
    return std::nullopt;
  std::optional<int64_t> ahead = add(result.schedule, enoughWarps);
  if (!ahead)
    return std::nullopt;
  result.ahead = *ahead;
  return result;
}
