// Writes down the schedules of a recurrence, and keeps those that are legal, each kernel once.
//
// A decision is what one dimension is placed on, a knob, or the order of loops; an option is what may be decided. The
// options of a decision follow from what the dimension is (scanned, held whole, parallel) and from its size, so that
// nothing here knows a recurrence by name. Options are joined depth first, and a branch ends where registers or lanes
// are used up.

#include "schedule/ScheduleSpace.h"
#include "schedule/ScannedTensors.h"
#include "schedule/SpaceOptions.h"
#include "llvm/ADT/StringSet.h"

using namespace mlir;
using namespace ssm;
using llvm::Expected;

std::string ssm::kernelKey(const PlacementFacts &facts, const Placement &placement, int64_t blockSteps) {
  std::string key;
  auto add = [&](std::initializer_list<int64_t> numbers) {
    for (int64_t number : numbers)
      key.append(reinterpret_cast<const char *>(&number), sizeof(number));
  };
  for (const DimPlace &place : placement.places)
    add({place.grid, static_cast<int>(place.loop), place.threads, place.lanes, place.regs, place.copies,
         place.warpLanes, place.gridTile});
  for (LoopPlace side : {LoopPlace::Outside, LoopPlace::Inside})
    for (unsigned dim : placement.loops(side))
      add({'l', dim});
  // Threads of several dimensions are numbered in the order in which they are named.
  for (unsigned dim : placement.order)
    if (placement.places[dim].parts() > 1)
      add({'t', dim});
  bool isStaged = placement.stagesBlocks;
  for (const PlacementFacts::AlongScan &tensor : facts.alongScan) {
    // On a CPU a tile of one element needs no scratch.
    bool hasTile =
        llvm::any_of(placement.axes, [&](const TileAxis &axis) { return axis.dim && tensor.dims.contains(*axis.dim); });
    bool wanted = tensor.isInput ? placement.loadsStaged(tensor.name) : placement.storesStaged(tensor.name);
    if (wanted && (placement.stagesBlocks || hasTile)) {
      isStaged = true;
      add({'s', &tensor - facts.alongScan.begin()});
    }
    if (!tensor.isInput && placement.storesApart.contains(tensor.name))
      add({'a', &tensor - facts.alongScan.begin()});
  }
  // On a GPU, of memory that runs elsewhere as well.
  int64_t number = 0;
  for (auto input : facts.recurrence.getBody().front().getOps<InputOp>())
    if (++number; placement.stagesBlocks && placement.loadsStaged(input.getName()))
      add({'i', number});
  add({placement.accessBytes, placement.padding.value_or(-1), placement.residentBlocks,
       placement.polynomials.value_or(-1), placement.stagesFree, placement.inTicketOrder, placement.chunk, blockSteps,
       placement.copyStages, placement.loadsAhead, isStaged ? placement.timeTile : 0});
  return key;
}

Expected<Candidate> ssm::placeCandidate(const SpaceSource &source, const Target &target, const Schedule &schedule) {
  const PlacementFacts *facts = source.sequentialFacts.get();
  StringRef scanned = facts->dims.name(facts->dims.scan());
  Candidate candidate;
  candidate.schedule = schedule;
  if (std::optional<int64_t> steps = blockedSteps(*facts, schedule, target)) {
    std::optional<int64_t> tile = schedule.lookup(scanned)->countWritten(Level::Loop);
    if (!source.blocks || (tile && *tile % *steps))
      return llvm::createStringError("steps of '" + scanned + "' cannot run as one");
    candidate.blockSteps = *steps;
  } else if (chunkSteps(schedule, scanned) && !source.chunks) {
    return llvm::createStringError("'" + scanned + "' cannot be cut into chunks");
  } else if (runsStepsAtOnce(schedule, scanned, target)) {
    if (!source.composed)
      return llvm::createStringError("steps of '" + scanned + "' do not compose");
    facts = source.composedFacts.get();
  }
  Expected<Placement> placement = placeSchedule(
      *facts, candidate.blockSteps > 1 ? scheduleOfBlocks(schedule, scanned, candidate.blockSteps) : schedule, target);
  if (!placement)
    return placement.takeError();
  candidate.placement = std::move(*placement);
  candidate.key = kernelKey(*facts, candidate.placement, candidate.blockSteps);
  return candidate;
}

namespace {
class Joiner {
public:
  Joiner(const SpaceSource &source, const Target &target, const SizeHints &hints, const SpaceLimits &limits)
      : source(source), target(target), limits(limits), options(source, target, hints, limits) {}

  ScheduleSpace join() {
    taken.resize(options.decisions.size());
    choose(0, Used{});
    return std::move(space);
  }

private:
  struct Used {
    int64_t rows = 1, lanes = 1, threads = 1;
    bool hasSteps = false;
  };

  /// What a decision leaves of registers, lanes and threads; nothing where it asks for more than there is.
  std::optional<Used> use(const Used &used, const SpaceOption &option) {
    Used next{used.rows * option.rows, used.lanes * option.lanes, used.threads * option.threads,
              used.hasSteps || option.atOnce};
    // One dimension's threads are enough beside those of time.
    if (used.threads > 1 && option.threads > 1 && !option.atOnce && !used.hasSteps)
      return std::nullopt;
    bool hasLanes = target.gpu ? next.lanes <= PeerLevel::warpSize : option.lanes == 1 || used.lanes == 1;
    if (next.rows > limits.rows || !hasLanes || next.threads * next.lanes > 1024)
      return std::nullopt;
    return next;
  }

  void choose(size_t decision, const Used &used) {
    if (decision == options.decisions.size())
      return write();
    for (auto [number, option] : llvm::enumerate(options.decisions[decision]))
      if (std::optional<Used> next = use(used, option)) {
        taken[decision] = number;
        choose(decision + 1, *next);
      }
  }

  void write() {
    std::optional<Schedule> schedule = options.write(taken);
    if (!schedule)
      return;
    ++space.counts.written;
    Expected<Candidate> candidate = placeCandidate(source, target, *schedule);
    if (!candidate) {
      llvm::consumeError(candidate.takeError());
      return;
    }
    ++space.counts.legal;
    if (!keys.insert(candidate->key).second)
      return;
    candidate->choices = taken;
    space.candidates.push_back(std::move(*candidate));
    ++space.counts.distinct;
  }

  const SpaceSource &source;
  const Target &target;
  const SpaceLimits &limits;
  SpaceOptions options;
  SmallVector<uint16_t> taken;
  llvm::StringSet<> keys;
  ScheduleSpace space;
};
} // namespace

ScheduleSpace ssm::makeScheduleSpace(const SpaceSource &source, const Target &target, const SizeHints &hints,
                                     const SpaceLimits &limits) {
  return Joiner(source, target, hints, limits).join();
}
