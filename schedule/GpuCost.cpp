// What a call takes on a GPU: instructions of each pipe of the busiest multiprocessor, latencies where too few warps
// hide them, memory, and launches.

#include "schedule/CostModel.h"
#include "schedule/Machine.h"
#include "schedule/ScannedTensors.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace ssm;

namespace {
/// Registers of a thread beside what it keeps: addresses, counters, a step's own values.
constexpr double baseRegisters = 30;
constexpr double warp = PeerLevel::warpSize;

/// Operations of one thread in one turn of its loop over steps; a turn may hold several.
struct Operations {
  double arithmetic = 0, special = 0, shuffle = 0, shared = 0, global = 0, local = 0, integer = 0, barriers = 0;
  double all() const { return arithmetic + special + shuffle + shared + global + local + integer; }
};

class GpuCost : public CostModel {
public:
  GpuCost(const SpaceSource &source, const SizeHints &hints, unsigned capability)
      : work(source.sequential, hints), machine(gpuMachine(capability)), limits(multiprocessor(capability)),
        gpu(gpuParameters(capability)) {
    for (const ScannedTensor &tensor : tensorsAlongScan(work.recurrence))
      (tensor.isInput ? inputsAlong : outputsAlong).insert(tensor.name);
    for (auto input : work.recurrence.getBody().front().getOps<InputOp>())
      if (work.dims.variesInTime(input) && !isa<ComplexType>(input.getStored().value_or(input.getType())))
        inputsStageable.insert(input.getName());
    hasExponentials = work.decaysByExponentials();
    for (Operation &op : work.recurrence.getBody().front())
      if (isa<PreviousOp>(op) ||
          llvm::any_of(op.getOperands(), [&](Value value) { return ofStates.contains(value.getDefiningOp()); }))
        ofStates.insert(&op);
    for (Operation &op : llvm::reverse(work.recurrence.getBody().front()))
      if (isa<NextOp>(op) || llvm::any_of(op.getUsers(), [&](Operation *user) { return intoStates.contains(user); }))
        intoStates.insert(&op);
  }

  Prediction predict(const Candidate &candidate) const override {
    return predict(candidate,
                   {static_cast<int64_t>(registersOf(candidate.placement)), sharedBytes(candidate.placement)});
  }
  Prediction predict(const Candidate &candidate, const Compiled &compiled) const override;

private:
  Operations count(const Placement &placement) const;
  void addSum(const Placement &placement, const ValueWork &value, Operations &operations) const;
  void addAccess(const Placement &placement, bool isInput, StringRef name, LayoutAttr layout, double bytes, double rows,
                 double times, Operations &operations) const;
  double registersOf(const Placement &placement) const;
  int64_t sharedBytes(const Placement &placement) const;
  double chain(const Placement &placement) const;
  double memoryBytes(const Placement &placement, double &again) const;
  void addPipes(const Operations &turn, double onBusiest, Prediction &prediction) const;
  double warpClocks(const Placement &placement, const Operations &turn) const;
  double waitingClocks(const Placement &placement, double blocks, double clocks) const;
  double registersAhead(const Placement &placement) const;
  static bool isAhead(const Placement &placement) { return placement.loadsAhead || placement.copyStages > 0; }
  double launchSeconds(const Placement &placement, double rounds, Prediction &prediction) const;
  /// Threads of a block that hold one and the same coordinate of a value: those along dimensions that it lacks.
  double sharers(const Placement &placement, DimSet set) const {
    double count = 1;
    for (unsigned dim = 0; dim < work.dims.count(); ++dim)
      if (dim != work.dims.scan() && !set.contains(dim))
        count *= placement.places[dim].parts();
    return count;
  }
  /// Whether threads leave their parts of a sum to those that store what follows from it.
  bool leavesParts(const Placement &placement, Operation *op) const {
    return placement.stagesBlocks && !placement.storesApart.empty() && isa<SumOp, MaxOp>(op) &&
           !intoStates.contains(op);
  }
  bool isStaged(const Placement &placement, StringRef name, LayoutAttr layout, bool isInput) const {
    if (!placement.stagesBlocks || !(isInput ? inputsStageable : outputsAlong).contains(name))
      return false;
    if (!isInput)
      return placement.stagesFree || placement.storesStaged(name) || placement.storesApart.contains(name);
    return placement.loadsStaged(name) ||
           (placement.stagesFree && (inputsAlong.contains(name) || sharers(placement, work.dims.of(layout)) > 1));
  }

  StepWork work;
  Machine machine;
  Multiprocessor limits;
  GpuParameters gpu;
  llvm::StringSet<> inputsAlong, outputsAlong, inputsStageable;
  /// What states go into, and what goes into states.
  llvm::DenseSet<Operation *> ofStates, intoStates;
  bool hasExponentials = false;
};
} // namespace

/// A thread adds what it holds up in a chain, into which products go. Lanes exchange by shuffles. Of several steps in a
/// row each exchange hands over half of the sums and keeps the other half, until one is left: m values over n lanes
/// take about m exchanges where m is large, log2 n where it is 1. Threads of other warps go through shared memory,
/// between two barriers.
void GpuCost::addSum(const Placement &placement, const ValueWork &value, Operations &operations) const {
  DimSet result = work.dims.of(value.op->getResult(0)), over = work.dims.of(value.op->getOperand(0)) - result;
  Operation *from = value.op->getOperand(0).getDefiningOp();
  bool ofProducts = isa_and_present<arith::MulFOp>(from) && from->hasOneUse();
  operations.arithmetic += ofProducts ? 0 : value.rows * value.times;
  double rows = work.rows(placement, result) * work.turns(placement, result, value.around);
  for (unsigned dim = 0; dim < work.dims.count(); ++dim) {
    if (!over.contains(dim))
      continue;
    for (PeerLevel level : placement.peersOf(dim))
      if (leavesParts(placement, value.op)) {
        // Steps are written and read four at a time; each thread adds the parts of its share of the results.
        operations.shared += rows / 2;
        operations.arithmetic += rows * static_cast<double>(level.count - 1) / static_cast<double>(level.count);
      } else if (level.inWarp()) {
        double steps = static_cast<double>(placement.copies()), left = rows * steps, exchanges = 0;
        for (int64_t lanes = level.count; lanes > 1; lanes /= 2) {
          left = std::max(1.0, std::ceil(left / 2));
          exchanges += left;
        }
        operations.shuffle += exchanges / steps;
        operations.arithmetic += exchanges / steps;
        // What is handed over and what is kept are selected first.
        operations.integer += 3 * exchanges / steps;
      } else {
        operations.shared += rows * (1 + level.count);
        operations.barriers += 2;
      }
  }
}

/// A staged tensor is moved 16 bytes a thread, and read from shared memory as wide; another one as wide as its steps in
/// a row are.
void GpuCost::addAccess(const Placement &placement, bool isInput, StringRef name, LayoutAttr layout, double bytes,
                        double rows, double times, Operations &operations) const {
  DimSet set = work.dims.of(layout);
  bool isAlong = (isInput ? inputsAlong : outputsAlong).contains(name);
  if (isStaged(placement, name, layout, isInput)) {
    // Along other dimensions than time, shared memory has them in 4 bytes, and so many are moved at once.
    double width = isAlong ? bytes : 4, moved = rows * width / placement.accessBytes / sharers(placement, set);
    operations.global += moved;
    operations.shared += moved + (isAlong ? rows / 4 : std::max(1.0, rows / 4));
    operations.integer += 4 * moved;
    return;
  }
  double together = isAlong ? std::min<double>(placement.copies(), placement.accessBytes / bytes) : 1;
  operations.global += rows * times / std::max(1.0, together);
  operations.integer += 2 * rows * times / std::max(1.0, together);
}

Operations GpuCost::count(const Placement &placement) const {
  Operations operations;
  for (const ValueWork &value : work.count(placement)) {
    if (auto input = dyn_cast<InputOp>(value.op)) {
      addAccess(placement, true, input.getName(), input.getLayout(), storedBytes(input.getStored(), input.getType()),
                value.rows, value.times, operations);
      continue;
    }
    if (isa<PreviousOp>(value.op) || value.fused)
      continue;
    if (isa<SumOp, MaxOp, MeanOp>(value.op)) {
      addSum(placement, value, operations);
      continue;
    }
    GpuOperation cost = gpuOperation(value.op->getName().getStringRef());
    // What no state is in is computed once for all threads that share it, where it is staged.
    bool isOnce = placement.stagesFree && !ofStates.contains(value.op);
    double times = value.rows * value.times / (isOnce ? sharers(placement, value.dims) : 1);
    operations.arithmetic += cost.arithmetic * times;
    operations.special += cost.special * times;
  }
  for (auto output : work.recurrence.getBody().front().getOps<OutputOp>()) {
    DimSet set = work.dims.of(output.getLayout());
    // Of threads that hold the same element, one stores it.
    addAccess(placement, false, output.getName(), output.getLayout(),
              storedBytes(output.getStored(), output.getValue().getType()),
              work.rows(placement, set) / sharers(placement, set), work.turns(placement, set, set), operations);
  }
  DimSet loops = placement.loopSet(LoopPlace::Inside);
  for (const State &state : work.states)
    if (DimSet set = work.dims.of(state.layout); !(set & loops).empty())
      operations.local += 2 * work.rows(placement, set) * work.turns(placement, set, set);
  operations.integer += 4.0 / static_cast<double>(placement.copies());
  const DimPlace &scan = placement.places[work.dims.scan()];
  if (placement.blockSteps() > 1) {
    // A turn holds several steps of each thread, whose states are scans.
    double regs = scan.regs, rounds = std::log2(std::max<double>(scan.warpLanes, 1));
    for (double *pipe : {&operations.arithmetic, &operations.special, &operations.shuffle, &operations.shared,
                         &operations.global, &operations.integer})
      *pipe *= regs;
    for (const State &state : work.states) {
      double rows = work.rows(placement, work.dims.of(state.layout));
      operations.arithmetic += rows * (4 * regs + 3 * rounds);
      operations.shuffle += rows * (2 * rounds + 1);
      // Logs of decays are added, and what a lane takes from another decays by an exponential of its own.
      operations.special += hasExponentials ? rows * (rounds + regs - 1) : 0;
    }
    if (scan.threads > 1)
      operations.barriers += 2;
  }
  return operations;
}

double GpuCost::registersOf(const Placement &placement) const {
  double kept = 0, widest = 0;
  DimSet loops = placement.loopSet(LoopPlace::Inside);
  for (const State &state : work.states)
    if (DimSet set = work.dims.of(state.layout); (set & loops).empty())
      kept += work.rows(placement, set) * std::max<int64_t>(state.depth, 0);
  for (const ValueWork &value : work.countOnce(placement))
    if (llvm::any_of(value.op->getUsers(), [&](Operation *user) {
          return user->getNumResults() && work.dims.variesInTime(user->getResult(0));
        }))
      kept += value.rows;
  for (const ValueWork &value : work.count(placement))
    widest = std::max(widest, value.rows);
  double steps = placement.blockSteps() > 1 ? placement.places[work.dims.scan()].regs : 1;
  return std::min<double>(Multiprocessor::registersPerThread,
                          baseRegisters + kept * (placement.blockSteps() > 1 ? 1 + steps : 1) +
                              2.0 * static_cast<double>(placement.copies()) + std::min(16.0, widest) +
                              (placement.loadsAhead ? registersAhead(placement) : 0));
}

/// A thread's share of what its block reads of a time tile, and what it reads alone of two turns' steps with an address
/// each.
double GpuCost::registersAhead(const Placement &placement) const {
  double bytes = 0;
  for (auto input : work.recurrence.getBody().front().getOps<InputOp>()) {
    if (!isStaged(placement, input.getName(), input.getLayout(), /*isInput=*/true)) {
      if (work.dims.variesInTime(input))
        bytes += 16 * work.rows(placement, work.dims.of(input.getLayout())) *
                 static_cast<double>(placement.copies() * placement.threads());
      continue;
    }
    double elements = static_cast<double>(placement.timeTile);
    for (unsigned dim = 0; dim < work.dims.count(); ++dim)
      if (dim != work.dims.scan() && work.dims.of(input.getLayout()).contains(dim))
        elements *= static_cast<double>(placement.places[dim].extent());
    bytes += elements * storedBytes(input.getStored(), input.getType());
  }
  return bytes / 4 / static_cast<double>(placement.threads());
}

int64_t GpuCost::sharedBytes(const Placement &placement) const {
  double bytes = 0;
  auto add = [&](StringRef name, LayoutAttr layout, bool isInput) {
    if (!isStaged(placement, name, layout, isInput))
      return;
    double rows = 1;
    for (unsigned dim = 0; dim < work.dims.count(); ++dim)
      if (dim != work.dims.scan() && work.dims.of(layout).contains(dim))
        rows *= static_cast<double>(placement.places[dim].extent());
    bytes += rows * (static_cast<double>(placement.timeTile) * 4.0 + 16);
  };
  for (auto input : work.recurrence.getBody().front().getOps<InputOp>())
    add(input.getName(), input.getLayout(), /*isInput=*/true);
  for (auto output : work.recurrence.getBody().front().getOps<OutputOp>())
    add(output.getName(), output.getLayout(), /*isInput=*/false);
  for (Operation &op : work.recurrence.getBody().front())
    if (leavesParts(placement, &op))
      bytes += work.rows(placement, work.dims.of(op.getResult(0))) *
               static_cast<double>(placement.threads() * placement.timeTile) * 4;
  return static_cast<int64_t>(std::min(bytes, 1e9));
}

/// Clocks from a step's previous states to its next ones.
double GpuCost::chain(const Placement &placement) const {
  llvm::DenseMap<Value, double> ready;
  double longest = 0;
  for (Operation &op : work.recurrence.getBody().front()) {
    double begin = isa<PreviousOp>(op) ? 0 : -1;
    for (Value operand : op.getOperands())
      if (auto it = ready.find(operand); it != ready.end())
        begin = std::max(begin, it->second);
    if (begin < 0)
      continue;
    if (isa<NextOp>(op))
      longest = std::max(longest, begin);
    if (op.getNumResults() == 0)
      continue;
    GpuOperation cost = gpuOperation(op.getName().getStringRef());
    double own = isa<PreviousOp>(op) ? 0 : cost.arithmetic * gpu.arithmeticLatency + cost.special * gpu.specialLatency;
    if (isa<SumOp, MaxOp, MeanOp>(op)) {
      DimSet over = work.dims.of(op.getOperand(0)) - work.dims.of(op.getResult(0));
      own = gpu.arithmeticLatency * std::log2(std::max(1.0, work.rows(placement, over)));
      for (unsigned dim = 0; dim < work.dims.count(); ++dim)
        if (over.contains(dim)) {
          own += gpu.arithmeticLatency * work.tilesOf(placement, dim);
          for (PeerLevel level : placement.peersOf(dim))
            own += level.inWarp() ? gpu.shuffleLatency * std::log2(level.count)
                                  : 2 * gpu.barrierLatency + gpu.sharedLatency;
        }
    }
    ready[op.getResult(0)] = begin + own;
  }
  return longest;
}

/// Bytes of DRAM; `again` are those that blocks read after others did, from the second cache.
double GpuCost::memoryBytes(const Placement &placement, double &again) const {
  double bytes = 0;
  auto add = [&](StringRef name, LayoutAttr layout, double size, bool isInput) {
    DimSet set = work.dims.of(layout);
    double all = work.elements(set) * size, repeats = 1;
    for (unsigned dim = 0; dim < work.dims.count(); ++dim)
      if (dim != work.dims.scan() && placement.places[dim].grid && !set.contains(dim))
        repeats *= placement.places[dim].gridTiles(work.sizeOf(dim));
    // Threads that read along time each for itself use a part of a sector at a time, and find the rest in the first
    // cache as long as it is there.
    bool isApart = (isInput ? inputsAlong : outputsAlong).contains(name) &&
                   !isStaged(placement, name, layout, isInput) && placement.blockSteps() == 1;
    double used = std::min(1.0, size * static_cast<double>(placement.copies()) / 32);
    bytes += all * (isApart ? std::sqrt(1 / used) : 1);
    if (isInput)
      again += all * (repeats - 1);
  };
  for (auto input : work.recurrence.getBody().front().getOps<InputOp>())
    add(input.getName(), input.getLayout(), storedBytes(input.getStored(), input.getType()), true);
  for (auto output : work.recurrence.getBody().front().getOps<OutputOp>())
    add(output.getName(), output.getLayout(), storedBytes(output.getStored(), output.getValue().getType()), false);
  return bytes;
}

/// What a turn takes of each pipe, for the threads of the busiest multiprocessor one after another.
void GpuCost::addPipes(const Operations &turn, double onBusiest, Prediction &prediction) const {
  auto pipe = [&](const char *name, double operations, double throughput) {
    prediction.add(name, onBusiest * operations / throughput / machine.clock,
                   oneDecimal(operations) + " a thread and turn, " + oneDecimal(throughput) + " a clock");
  };
  pipe("arithmetic", turn.arithmetic, machine.arithmetic);
  pipe("special functions", turn.special, machine.special);
  pipe("shuffles", turn.shuffle, gpu.shuffle);
  pipe("shared memory", turn.shared, gpu.shared);
  pipe("global accesses", turn.global, gpu.global);
  pipe("local memory", turn.local, gpu.global);
  pipe("integers", turn.integer, gpu.integer);
  pipe("issue slots", turn.all(), Multiprocessor::schedulers * warp);
}

/// Clocks that a warp takes for a turn by itself.
double GpuCost::warpClocks(const Placement &placement, const Operations &turn) const {
  double clocks = placement.blockSteps() > 1 ? gpu.shuffleLatency * 10 : chain(placement);
  // However few warps there are, each of them waits between its own instructions.
  clocks = std::max(clocks, turn.all() * gpu.warpInterval);
  return clocks + turn.barriers * gpu.barrierLatency + (placement.stagesBlocks ? gpu.sharedLatency / 4 : 0);
}

/// A thread waits for memory once a tile or a few steps, less the clocks of a tile's steps where it is loaded that long
/// before; loads of other warps fill the time.
double GpuCost::waitingClocks(const Placement &placement, double blocks, double clocks) const {
  double steps = static_cast<double>(
      std::max({placement.copies(), placement.stagesBlocks ? placement.timeTile : 1, placement.blockSteps()}));
  double latency = gpu.globalLatency - (isAhead(placement) ? clocks * steps : 0);
  double warps = std::ceil(static_cast<double>(placement.threads()) / warp);
  return std::max(0.0, latency) / steps / std::max(1.0, blocks * warps / 4);
}

double GpuCost::launchSeconds(const Placement &placement, double rounds, Prediction &prediction) const {
  double launches = placement.chunk && !placement.inTicketOrder ? 3 : 1;
  double chunks = placement.inTicketOrder ? std::ceil(work.steps() / static_cast<double>(placement.chunk)) : 0;
  double seconds = launches * gpu.launch + gpu.block * rounds + chunks * gpu.lookBack;
  prediction.add("launches", seconds,
                 oneDecimal(launches) + " launches, " + oneDecimal(chunks) + " chunks that wait in turn");
  return seconds;
}

Prediction GpuCost::predict(const Candidate &candidate, const Compiled &compiled) const {
  const Placement &placement = candidate.placement;
  Prediction prediction;
  Operations turn = count(placement);
  double threads = static_cast<double>(placement.threads()), blocks = work.tasks(placement);
  Occupancy resident =
      occupancy(limits, placement.threads(), std::max<int64_t>(compiled.registers, 1), compiled.sharedBytes);
  prediction.threads = placement.threads();
  prediction.tasks = blocks;
  prediction.registers = static_cast<double>(compiled.registers);
  prediction.residentBlocks = resident.blocks;
  double units = static_cast<double>(machine.units), held = std::max<double>(1, static_cast<double>(resident.blocks));
  double ofBusiest = std::ceil(blocks / units);
  prediction.waves = static_cast<int64_t>(std::ceil(blocks / (units * held)));
  double steps = placement.chunk ? std::min<double>(static_cast<double>(placement.chunk), work.steps()) : work.steps();
  double turns = std::ceil(steps / static_cast<double>(placement.blockSteps())) * (placement.chunk ? 2 : 1);
  for (unsigned dim : placement.loops(LoopPlace::Outside))
    turns *= work.tilesOf(placement, dim);

  // Threads of a warp that are not there take its slots all the same.
  addPipes(turn, ofBusiest * threads * turns * (std::ceil(threads / warp) * warp / threads), prediction);
  double clocks = warpClocks(placement, turn), waiting = waitingClocks(placement, std::min(ofBusiest, held), clocks);
  // A block that ends makes room for the next.
  double rounds = std::max(1.0, ofBusiest / held);
  const double chained = rounds * turns * (clocks + waiting) / machine.clock;
  prediction.add("chain", chained,
                 oneDecimal(clocks) + " clocks of a warp for a step, " + oneDecimal(rounds) + " times over");
  double again = 0;
  prediction.bytes = memoryBytes(placement, again);
  prediction.add("memory", prediction.bytes / machine.bandwidth, oneDecimal(prediction.bytes / 1e6) + " MB of DRAM");
  prediction.add("second cache", again / (machine.bandwidth * gpu.l2Ratio),
                 oneDecimal(again / 1e6) + " MB read again by other blocks");
  prediction.sortTerms();
  // The busiest pipe, and what a warp takes by itself: it is not hidden where a block's warps wait for each other at
  // the ends of time tiles. With all pipes added in part, times of an H100 are ranked worse
  // (test/unit/GpuCostTest.cpp).
  for (const CostTerm &term : prediction.terms)
    if (term.name != "chain")
      prediction.seconds = std::max(prediction.seconds, term.seconds);
  prediction.seconds += chained;
  prediction.seconds += launchSeconds(placement, rounds, prediction);
  double calls = blocks * threads * turns;
  prediction.operations = {{"arithmetic", turn.arithmetic * calls},
                           {"special", turn.special * calls},
                           {"shuffle", turn.shuffle * calls},
                           {"shared", turn.shared * calls},
                           {"global", turn.global * calls}};
  return prediction;
}

std::unique_ptr<CostModel> ssm::makeGpuCostModel(const SpaceSource &source, const Target &target,
                                                 const SizeHints &hints, unsigned capability) {
  return std::make_unique<GpuCost>(source, hints, capability);
}
