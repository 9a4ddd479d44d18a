// Which default schedules load a time tile ahead.
//
// A thread that loads its part of a tile and waits for it loses the latency of memory once a tile, or twice with what
// is read after the steps. Other warps fill the time if there are enough; where there are few, registers are left.

#include "schedule/LoadsAhead.h"
#include "schedule/Machine.h"
#include "schedule/StepWork.h"

#include <cmath>

using namespace mlir;
using namespace ssm;

namespace {
/// Registers of a thread for addresses, counters and what a stage computes with.
constexpr int64_t workingRegisters = 40;
/// Where additions and products come in pairs, so do the registers that they take: half as many more are in use.
constexpr unsigned firstWithPairs = 100;
constexpr double takenByPairs = 1.5;

int64_t threadsAlong(const DimPlacement &dim) { return dim.countAt(Level::Thread) * dim.countAt(Level::Lane); }

int64_t threadsOf(const Schedule &schedule) {
  int64_t threads = 1;
  for (const DimPlacement &dim : schedule.dims)
    threads *= threadsAlong(dim);
  return threads;
}
} // namespace

/// What a thread holds of the next tile: its share of what the block reads, as it is in memory.
int64_t LoadsAhead::registersAhead(const Schedule &schedule) {
  int64_t steps = schedule.lookup(dims.name(dims.scan()))->countAt(Level::Loop);
  double bytes = 0;
  for (auto input : recurrence.getBody().front().getOps<InputOp>()) {
    Type stored = input.getStored().value_or(input.getType());
    bool isNamed =
        llvm::none_of(schedule.knobs, [](const Knob &knob) { return knob.name == "load"; }) ||
        llvm::any_of(schedule.knobs, [&](const Knob &knob) {
          return knob.name == "load" && (knob.of.empty() || llvm::is_contained(knob.of, input.getName().str()));
        });
    if (!dims.variesInTime(input) || isa<ComplexType>(stored) || !isNamed)
      continue;
    double elements = static_cast<double>(steps);
    for (unsigned dim = 0; dim < dims.count(); ++dim)
      if (dim != dims.scan() && dims.of(input.getResult()).contains(dim)) {
        const DimPlacement &place = *schedule.lookup(dims.name(dim));
        elements *= static_cast<double>(threadsAlong(place) * place.countAt(Level::Reg));
      }
    bytes += elements * storedBytes(input.getStored(), input.getType());
  }
  return static_cast<int64_t>(std::ceil(bytes / 4 / static_cast<double>(threadsOf(schedule))));
}

/// What it holds beside that: states and constants, and values of a step that are as many again, for each of its copies
/// two more.
int64_t LoadsAhead::registersBeside(const Schedule &schedule) {
  auto ofThread = [&](unsigned dim) { return schedule.lookup(dims.name(dim))->countAt(Level::Reg); };
  int64_t rows = 1;
  for (unsigned dim = 0; dim < dims.count(); ++dim)
    if (dim != dims.scan() && !held.contains(dim))
      rows *= ofThread(dim);
  auto registers =
      static_cast<double>(workingRegisters + 2 * registersKept(ofThread) + 2 * rows * ofThread(dims.scan()));
  return static_cast<int64_t>(registers * (target.capability >= firstWithPairs ? takenByPairs : 1));
}

std::optional<int64_t> LoadsAhead::blocksOfCall(const Schedule &schedule) {
  int64_t blocks = 1;
  for (unsigned dim = 0; dim < dims.count(); ++dim) {
    const DimPlacement &place = *schedule.lookup(dims.name(dim));
    if (!place.isOn(Level::Grid))
      continue;
    std::optional<int64_t> size = sizeOf(dim);
    if (!size)
      return std::nullopt;
    int64_t tile = dim == dims.scan() ? place.countAt(Level::Grid) : threadsAlong(place) * place.countAt(Level::Reg);
    blocks = llvm::SaturatingMultiply<uint64_t>(blocks, llvm::divideCeil(*size, tile));
  }
  return blocks;
}

std::optional<int64_t> LoadsAhead::add(Schedule &schedule) {
  bool isStaged = llvm::any_of(schedule.knobs, [](const Knob &knob) {
    return (knob.name == "load" && knob.value == "staged") || (knob.name == "at" && knob.value == "stage");
  });
  std::optional<int64_t> blocks = blocksOfCall(schedule);
  if (!isStaged || !blocks || *blocks == 0 || target.cores == 0)
    return std::nullopt;
  int64_t warps = llvm::divideCeil(threadsOf(schedule), Multiprocessor::warpSize);
  int64_t warpsOfCall = llvm::divideCeil(*blocks, target.cores) * warps;
  int64_t left = Multiprocessor::registers / (warpsOfCall * Multiprocessor::warpSize);
  int64_t ahead = registersAhead(schedule);
  if (ahead == 0 || registersBeside(schedule) + ahead > std::min(left, Multiprocessor::registersPerThread))
    return std::nullopt;
  schedule.knobs.push_back({"stages", {}, "2"});
  return ahead;
}
