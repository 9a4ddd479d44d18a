// Which default schedules load a time tile, or a turn's steps, ahead.
//
// A thread that loads its part of a tile and waits for it loses the latency of memory once a tile, or twice with what
// is read after the steps. Other warps fill the time if there are enough; where there are few, registers are left.

#include "schedule/LoadsAhead.h"
#include "schedule/Machine.h"
#include "schedule/MachineData.h"
#include "schedule/StepWork.h"

#include <cmath>

using namespace mlir;
using namespace ssm;

namespace {
/// Registers of a thread for addresses, counters and what a stage computes with, at least.
constexpr int64_t workingRegisters = 40;
/// Where additions and products come in pairs, so do the registers that they take: half as many more are in use.
constexpr double takenByPairs = 1.5;
/// Turns of a loop of which all but the first find what they need.
constexpr int64_t fewestTurns = 4;
/// Instructions of an elementary function that is made of polynomials, at least; and of all of them in a turn, at most:
/// ptxas runs those of several steps side by side, each with numbers of its own.
constexpr double fewestOfFunction = 10, mostOfFunctions = 600;
/// Registers for a number that a thread reads of a step itself: this turn's and the next one's, and an address.
constexpr int64_t ofNumber = 4;

int64_t threadsAlong(const DimPlacement &dim) { return dim.countAt(Level::Thread) * dim.countAt(Level::Lane); }
} // namespace

int64_t LoadsAhead::threadsOf(const Schedule &schedule) {
  int64_t threads = 1;
  for (const DimPlacement &dim : schedule.dims)
    threads *= threadsAlong(dim);
  return threads;
}

bool LoadsAhead::isStaged(const Schedule &schedule, InputOp input) {
  if (isa<ComplexType>(input.getStored().value_or(input.getType())))
    return false;
  return llvm::any_of(schedule.knobs, [&](const Knob &knob) {
    bool isLoad = knob.name == "load" && knob.value == "staged";
    return (isLoad && (knob.of.empty() || llvm::is_contained(knob.of, input.getName().str()))) ||
           (knob.name == "at" && knob.value == "stage");
  });
}

int64_t LoadsAhead::ofThread(const Schedule &schedule, unsigned dim) {
  return dim == dims.scan() ? 1 : schedule.lookup(dims.name(dim))->countAt(Level::Reg);
}

int64_t LoadsAhead::ofBlock(const Schedule &schedule, unsigned dim) {
  return dim == dims.scan() ? 1 : threadsAlong(*schedule.lookup(dims.name(dim))) * ofThread(schedule, dim);
}

/// What a thread holds of the next tile, its share of what the block reads together, as it is in memory; and of the
/// next turn's steps, what it reads alone.
int64_t LoadsAhead::registersAhead(const Schedule &schedule) {
  const DimPlacement &scan = *schedule.lookup(dims.name(dims.scan()));
  double registers = 0;
  for (auto input : recurrence.getBody().front().getOps<InputOp>()) {
    if (!dims.variesInTime(input))
      continue;
    DimSet set = dims.of(input.getResult());
    bool isShared = isStaged(schedule, input);
    auto numbers = static_cast<double>(elementsOf(set, input.getType(), [&](unsigned dim) {
      return isShared ? ofBlock(schedule, dim) : ofThread(schedule, dim);
    }));
    if (isShared)
      registers += numbers * static_cast<double>(scan.countAt(Level::Loop)) *
                   storedBytes(input.getStored(), input.getType()) / 4 / static_cast<double>(threadsOf(schedule));
    else
      registers += numbers * static_cast<double>(ofNumber * scan.countAt(Level::Reg));
  }
  return static_cast<int64_t>(std::ceil(registers));
}

/// What it holds beside that: states and constants, and values of a step that are as many again, for each of its copies
/// two more.
int64_t LoadsAhead::registersBeside(const Schedule &schedule) {
  const DimPlacement &scan = *schedule.lookup(dims.name(dims.scan()));
  auto countOfThread = [&](unsigned dim) { return ofThread(schedule, dim); };
  int64_t rows = 1;
  for (unsigned dim = 0; dim < dims.count(); ++dim)
    if (!held.contains(dim))
      rows *= ofThread(schedule, dim);
  int64_t moved = 0;
  if (llvm::any_of(recurrence.getBody().front().getOps<InputOp>(),
                   [&](InputOp input) { return isStaged(schedule, input); }))
    moved = registersOfTiles([&](unsigned dim) { return ofBlock(schedule, dim); }, countOfThread,
                             scan.countAt(Level::Loop), threadsOf(schedule));
  auto registers = static_cast<double>(std::max(workingRegisters, moved) + 2 * registersKept(countOfThread) +
                                       2 * rows * scan.countAt(Level::Reg));
  return static_cast<int64_t>(registers * (addsPairs(target.capability) ? takenByPairs : 1));
}

/// Instructions of elementary functions in a turn of several steps.
double LoadsAhead::functionsOfTurn(const Schedule &schedule) {
  double count = 0;
  for (Operation &op : recurrence.getBody().front()) {
    double own = gpuOperation(op.getName().getStringRef()).arithmetic;
    if (op.getNumResults() != 1 || own < fewestOfFunction || !dims.variesInTime(op.getResult(0)))
      continue;
    Value value = op.getResult(0);
    count += own * static_cast<double>(elementsOf(dims.of(value), value.getType(),
                                                  [&](unsigned dim) { return ofThread(schedule, dim); }));
  }
  return count * static_cast<double>(schedule.lookup(dims.name(dims.scan()))->countAt(Level::Reg));
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
    int64_t tile = dim == dims.scan() ? place.countAt(Level::Grid) : ofBlock(schedule, dim);
    blocks = llvm::SaturatingMultiply<uint64_t>(blocks, llvm::divideCeil(*size, tile));
  }
  return blocks;
}

std::optional<int64_t> LoadsAhead::add(Schedule &schedule, int64_t enoughWarps) {
  const DimPlacement &scan = *schedule.lookup(dims.name(dims.scan()));
  auto inputs = recurrence.getBody().front().getOps<InputOp>();
  bool isTiled =
      llvm::any_of(inputs, [&](InputOp input) { return isStaged(schedule, input); }) || scan.countAt(Level::Reg) > 1;
  int64_t turn = std::max(scan.countAt(Level::Loop), scan.countAt(Level::Reg));
  if (sizeOf(dims.scan()).value_or(fewestTurns * turn) < fewestTurns * turn)
    return std::nullopt;
  std::optional<int64_t> blocks = blocksOfCall(schedule);
  if (!isTiled || functionsOfTurn(schedule) > mostOfFunctions || !blocks || *blocks == 0 || target.cores == 0)
    return std::nullopt;
  int64_t warps = llvm::divideCeil(threadsOf(schedule), Multiprocessor::warpSize);
  int64_t warpsOfCall =
      std::min<int64_t>(llvm::divideCeil(*blocks, target.cores) * warps, std::max(warps, enoughWarps));
  int64_t left = Multiprocessor::registers / (warpsOfCall * Multiprocessor::warpSize);
  int64_t ahead = registersAhead(schedule);
  if (ahead == 0 || registersBeside(schedule) + ahead > std::min(left, Multiprocessor::registersPerThread))
    return std::nullopt;
  schedule.knobs.push_back({"stages", {}, "2"});
  return ahead;
}
