// What a call takes on a CPU: instructions of each pipe, latencies of the chain through the states, and memory.

#include "schedule/CostModel.h"
#include "schedule/CpuProfile.h"

using namespace mlir;
using namespace ssm;

namespace {
/// Registers that a row's temporaries and constants take beside the states.
constexpr double otherRegisters = 10;

/// Bytes of a line of a cache.
constexpr double lineBytes = 64;

/// Instructions of a step of one task, by what executes them.
struct Pipes {
  double vector = 0, shuffle = 0, load = 0, store = 0, spill = 0;
  /// Elements that are loaded or stored one by one, and clocks of a time tile's copies through scratch.
  double apart = 0, copies = 0;
  /// Bytes of a task's own memory, and those of them that a step reads and writes.
  double ownBytes = 0, movedBytes = 0;
};

/// What a call does, and the time of each part by itself.
struct Call {
  Pipes pipes;
  double stepsAtOnce = 1, loopTurns = 0, chain = 0, tasks = 0, calls = 0, bytes = 0, registers = 0;
  unsigned phases = 1;
  std::array<double, numCpuTerms> terms{};
  double &operator[](CpuTerm term) { return terms[static_cast<unsigned>(term)]; }
};

/// A placement, and what is asked of it again and again.
class Placed {
public:
  Placed(const StepWork &work, const CpuStep &step, const Candidate &candidate, const Target &target)
      : placement(candidate.placement), candidate(candidate), profile(step.profile(placement)), work(work),
        laneDim(placement.axes.back().dim), lanes(placement.axes.back().extent),
        registers(std::max(1.0, std::ceil(lanes * elementBytes / target.vectorBytes))) {
    for (unsigned dim : placement.loops(LoopPlace::Inside)) {
      loops = loops.with(dim);
      inside.push_back({dim, work.tilesOf(placement, dim)});
    }
  }

  double rows(DimSet set) const { return work.rows(placement, set); }
  /// As StepWork's.
  double turns(DimSet set, DimSet around) const {
    double turns = 1, sinceLast = 1;
    for (auto [dim, tiles] : inside) {
      if (around.contains(dim))
        sinceLast *= tiles;
      if (set.contains(dim))
        turns = sinceLast;
    }
    return turns;
  }
  /// Tiles of what has no loops around it but its own.
  double tiles(DimSet set) const { return turns(set, set); }
  double rows(const CpuProfile::Repeated &at) const { return rows(at.repeated); }
  double times(const CpuProfile::Repeated &at) const { return turns(at.repeated, at.around) * at.phases; }
  bool isWide(DimSet set) const { return laneDim && set.contains(*laneDim); }
  /// Registers of the scanned dimension, each with steps of its own.
  double stepRegisters() const {
    return placement.blockSteps() > 1 ? static_cast<double>(placement.places[work.dims.scan()].regs) : 1;
  }

  static constexpr double elementBytes = 4;
  const Placement &placement;
  const Candidate &candidate;
  const CpuProfile &profile;
  const StepWork &work;
  std::optional<unsigned> laneDim;
  double lanes;
  /// SIMD registers that the lanes of a tile are spread over: lanes beyond a register take several.
  double registers;
  DimSet loops;
  llvm::SmallVector<std::pair<unsigned, double>> inside;
};

class CpuCost : public CostModel {
public:
  CpuCost(const SpaceSource &source, const Target &target, const SizeHints &hints, int64_t threads)
      : work(source.sequential, hints), step(work), target(target), cpu(cpuParameters(target.vectorBytes)),
        threads(std::max<int64_t>(threads, 1)) {}

  Estimate estimate(const Candidate &candidate) const override;
  Prediction predict(const Candidate &candidate) const override;

private:
  Call count(const Candidate &candidate) const;
  Estimate sum(const Call &call) const;
  Pipes countPipes(const Placed &placed) const;
  void addOperations(const Placed &placed, Pipes &pipes) const;
  void addReduction(const Placed &placed, const CpuProfile::Reduced &reduced, Pipes &pipes) const;
  void addAccess(const Placed &placed, const CpuTensor &tensor, double rows, double times, Pipes &pipes) const;
  void addStates(const Placed &placed, Pipes &pipes) const;
  void addScan(const Placed &placed, Pipes &pipes) const;
  double onceClocks(const Placed &placed) const;
  double latency(const Placed &placed) const;
  double memorySeconds(const Placed &placed, double &bytes) const;
  bool isStaged(const Placed &placed, const CpuTensor &tensor) const;

  StepWork work;
  CpuStep step;
  Target target;
  CpuParameters cpu;
  int64_t threads;
};
} // namespace

bool CpuCost::isStaged(const Placed &placed, const CpuTensor &tensor) const {
  const Placement &placement = placed.placement;
  return tensor.isAlong && placement.timeTile > 1 && placement.blockSteps() == 1 &&
         (tensor.isInput ? placement.loadsStaged(tensor.name) : placement.storesStaged(tensor.name)) &&
         llvm::any_of(placement.axes,
                      [&](const TileAxis &axis) { return axis.dim && tensor.dims.contains(*axis.dim); });
}

/// A sum over registers adds rows, over a loop too, and one over lanes exchanges halves of what is there: m values over
/// n lanes take about m shuffles where m is large, log2 n where it is 1.
void CpuCost::addReduction(const Placed &placed, const CpuProfile::Reduced &reduced, Pipes &pipes) const {
  pipes.vector += reduced.count * placed.rows(reduced.at) * placed.times(reduced.at) * placed.registers;
  if (!placed.isWide(reduced.at.repeated) || placed.isWide(reduced.result))
    return;
  double exchanges = 0, left = placed.rows(reduced.result);
  for (double lanes = placed.lanes; lanes > 1; lanes /= 2) {
    left = std::max(1.0, std::ceil(left / 2));
    exchanges += left;
  }
  pipes.shuffle += reduced.count * exchanges * placed.turns(reduced.result, reduced.at.around);
  pipes.vector += reduced.count * exchanges * placed.turns(reduced.result, reduced.at.around);
}

void CpuCost::addOperations(const Placed &placed, Pipes &pipes) const {
  for (const CpuProfile::Computed &computed : placed.profile.computed) {
    double rows = placed.rows(computed.at), times = placed.times(computed.at);
    // A scalar that no state is in is computed for several steps at once, outside of loops or alone in one.
    bool isAhead = !computed.ofStates && (rows == 1 || times == 1);
    pipes.vector += computed.pipe * rows * times *
                    (placed.isWide(computed.at.repeated) ? placed.registers
                     : isAhead                           ? cpu.scalar
                                                         : 1);
    // Comparisons make masks on the port that shuffles.
    pipes.shuffle += computed.compares * rows * times;
  }
  // A computed scalar that meets vectors is spread over the lanes first.
  for (const CpuProfile::Spread &spread : placed.profile.spread)
    if (placed.isWide(spread.at.repeated) && !placed.isWide(spread.from))
      pipes.shuffle += spread.count * placed.rows(spread.from) * placed.turns(spread.from, spread.at.around);
  // What does not vary in time comes from memory, where registers hold states.
  for (const CpuProfile::Fetched &fetched : placed.profile.fetched)
    if (placed.rows(fetched.from) > 1)
      pipes.load += fetched.count * placed.rows(fetched.at) * placed.times(fetched.at);
  for (const CpuProfile::Reduced &reduced : placed.profile.reduced)
    addReduction(placed, reduced, pipes);
}

void CpuCost::addAccess(const Placed &placed, const CpuTensor &tensor, double rows, double times, Pipes &pipes) const {
  const Placement &placement = placed.placement;
  bool isWide = placed.isWide(tensor.dims);
  double &moved = tensor.isInput ? pipes.load : pipes.store;
  if (isStaged(placed, tensor)) {
    double elements = rows * (isWide ? placed.lanes : 1), tile = static_cast<double>(placement.timeTile);
    int64_t inner = 1;
    for (const TileAxis &axis : llvm::reverse(placement.axes))
      if (axis.dim && tensor.dims.contains(*axis.dim) && axis.extent > 1) {
        inner = axis.extent;
        break;
      }
    bool isSquare = placement.timeTile >= 16 && inner % 16 == 0;
    double turns = placed.tiles(tensor.dims);
    pipes.copies +=
        tile * elements * turns * (isSquare ? cpu.transposeElement : cpu.copyElement) + turns * cpu.turn * 4;
    pipes.ownBytes += tile * elements * turns * Placed::elementBytes;
    if (!(tensor.dims & placed.loops).empty())
      pipes.movedBytes += elements * turns * Placed::elementBytes;
    moved += rows * times * placed.registers;
    return;
  }
  bool isContiguous = isWide && tensor.last() == placed.laneDim, isScanned = placed.laneDim == work.dims.scan();
  double regs = isScanned ? static_cast<double>(placement.places[work.dims.scan()].regs) : 1;
  if (isContiguous && isScanned) {
    moved += rows * times * regs;
    if (regs > 1)
      pipes.shuffle += rows * times * regs * std::log2(regs);
  } else if (!isWide || isContiguous) {
    moved += rows * times * placed.registers;
  } else {
    double elements = rows * times * regs * placed.lanes;
    pipes.apart += elements * (tensor.isInput ? cpu.gatherElement : cpu.scatterElement);
    // Each lies in a line of its own, which the next steps read as well, if it is still near.
    pipes.ownBytes += elements * lineBytes;
    pipes.movedBytes += elements * lineBytes / 4;
  }
}

/// States on loops are read in each phase that needs them and written once; others stay in registers, as far as there
/// are any.
void CpuCost::addStates(const Placed &placed, Pipes &pipes) const {
  double kept = 0;
  for (const StepWork::StateWork &state : work.stateWork) {
    double turns = placed.tiles(state.dims), rows = placed.rows(state.dims) * placed.registers * state.depth;
    if ((state.dims & placed.loops).empty()) {
      // Steps at once keep the transition and the drive of each.
      double steps = placed.placement.blockSteps() > 1 ? placed.stepRegisters() : 0;
      kept += rows * (1 + 2 * steps);
      continue;
    }
    double bytes = rows * placed.lanes * Placed::elementBytes * turns;
    pipes.store += rows * turns;
    pipes.ownBytes += bytes;
    pipes.movedBytes += 2 * bytes;
    // A tile's rows are loaded ahead of their sums, and wait in registers.
    pipes.spill += std::max(0.0, rows * static_cast<double>(placed.candidate.blockSteps) + otherRegisters -
                                     static_cast<double>(target.vectorRegisters)) *
                   turns;
  }
  // What does not vary in time is kept for every turn of the loops.
  for (const CpuProfile::Kept &one : placed.profile.kept)
    if (!(one.dims & placed.loops).empty()) {
      double bytes = one.count * placed.rows(one.repeated) * placed.tiles(one.dims) *
                     (placed.isWide(one.repeated) ? placed.lanes : 1) * Placed::elementBytes;
      pipes.ownBytes += bytes;
      pipes.movedBytes += bytes;
    }
  for (const CpuProfile::Carried &carried : placed.profile.carried)
    if (!(carried.at.repeated & placed.loops).empty())
      pipes.load += carried.count * placed.rows(carried.at) * placed.times(carried.at) * placed.registers;
  pipes.spill += std::max(0.0, kept + otherRegisters - static_cast<double>(target.vectorRegisters));
}

/// Steps on lanes and registers: each is joined with the one before it, lanes are combined in rounds, and each runs
/// through its steps again. Everything else has been counted once for a vector of steps, and is repeated for each
/// register.
void CpuCost::addScan(const Placed &placed, Pipes &pipes) const {
  if (placed.placement.blockSteps() == 1)
    return;
  const DimPlace &scan = placed.placement.places[work.dims.scan()];
  double rounds = std::log2(std::max<double>(scan.lanes, 1)), round = 3;
  if (work.decaysByExponentials())
    round += cpuOperation("math.exp2").pipe;
  for (const StepWork::StateWork &state : work.stateWork) {
    double rows = placed.rows(state.dims) * placed.registers;
    pipes.vector += rows * (placed.stepRegisters() * 4 + rounds * round);
    pipes.shuffle += rows * rounds * 2;
  }
}

/// Clocks of a task before its first step: values that do not vary in time, and their loads.
double CpuCost::onceClocks(const Placed &placed) const {
  double clocks = cpu.task;
  auto rowsOf = [&](const CpuProfile::Repeated &at) {
    return placed.rows(at) * placed.times(at) * (placed.isWide(at.repeated) ? placed.registers : 1);
  };
  for (const CpuProfile::Read &read : placed.profile.readOnce) {
    const CpuTensor &tensor = step.tensors()[read.tensor];
    bool isGathered = placed.isWide(read.at.repeated) && tensor.last() && tensor.last() != placed.laneDim;
    clocks += rowsOf(read.at) * (isGathered ? placed.lanes * cpu.gatherElement : 1);
  }
  for (const CpuProfile::Once &once : placed.profile.once)
    clocks += rowsOf(once.at) * once.pipe / cpu.pipes;
  for (const StepWork::StateWork &state : work.stateWork) {
    // Read before the first step and written after the last, gathered as a rule.
    double gathered = placed.isWide(state.dims) && state.last != placed.laneDim ? placed.lanes : 1;
    clocks += placed.rows(state.dims) * placed.tiles(state.dims) * state.depth * 2 * gathered;
  }
  return clocks;
}

/// Clocks from a step's previous states to its next ones: no step begins them before the one before it has ended.
double CpuCost::latency(const Placed &placed) const {
  using Link = CpuChain::Link;
  llvm::SmallVector<double, 64> ready;
  double longest = 0;
  for (const Link &link : step.chain().links) {
    double at = 0;
    for (unsigned operand : link.operands)
      at = std::max(at, ready[operand]);
    switch (link.kind) {
    case Link::Previous:
      at = (link.dims & placed.loops).empty() ? 0 : 5;
      break;
    case Link::Next:
      longest = std::max(longest, at);
      break;
    case Link::Reduction:
      at += 4 * std::log2(std::max(1.0, placed.rows(link.over)));
      for (auto [dim, tiles] : placed.inside)
        if (link.over.contains(dim))
          at += 4 * tiles + cpu.phase;
      if (placed.isWide(link.over))
        at += 8 * std::log2(placed.lanes);
      break;
    case Link::Other:
      at += link.latency;
    }
    ready.push_back(at);
  }
  return longest;
}

/// Each tensor is read by every task that needs it; what other tasks have read before comes from the second cache, if
/// it is still there.
double CpuCost::memorySeconds(const Placed &placed, double &bytes) const {
  double footprint = 0, seconds = 0;
  for (const CpuTensor &tensor : step.tensors())
    footprint += work.elements(tensor.dims) * tensor.bytes;
  bool isNear = footprint <= static_cast<double>(cpu.l2Bytes);
  for (const CpuTensor &tensor : step.tensors()) {
    double all = work.elements(tensor.dims) * tensor.bytes, repeats = 1, piece = tensor.bytes;
    for (unsigned dim = 0; dim < work.dims.count(); ++dim)
      if (const DimPlace &place = placed.placement.places[dim];
          dim != work.dims.scan() && place.grid && !tensor.dims.contains(dim))
        repeats *= static_cast<double>(place.gridTiles(work.sizeOf(dim)));
    // How much of memory a step reads in one piece: along the last axis, as far as a task's tile goes.
    if (tensor.inTime)
      for (unsigned dim : llvm::reverse(tensor.order)) {
        const DimPlace &place = placed.placement.places[dim];
        int64_t size = work.sizeOf(dim), held = dim != work.dims.scan() && place.grid ? place.span() : size;
        piece *= static_cast<double>(std::min(held, size));
        if (held < size)
          break;
      }
    // Short pieces far apart are found late by the processor's prefetchers.
    double slow = isNear ? 1 : std::max(1.0, std::pow(cpu.pieceBytes / piece, 0.35));
    seconds += all * slow / (isNear ? cpu.l2Bandwidth : cpu.memoryBandwidth);
    bool staysNear = all <= static_cast<double>(cpu.l2Bytes) / 2;
    seconds += all * (repeats - 1) / (staysNear ? 4 * cpu.l2Bandwidth : cpu.memoryBandwidth);
    bytes += all * (staysNear ? 1 : repeats);
  }
  return seconds;
}

/// Instructions of a turn of the loop over steps.
Pipes CpuCost::countPipes(const Placed &placed) const {
  Pipes pipes;
  addOperations(placed, pipes);
  for (const CpuProfile::Read &read : placed.profile.read)
    addAccess(placed, step.tensors()[read.tensor], placed.rows(read.at), placed.times(read.at), pipes);
  for (const CpuTensor &tensor : step.tensors())
    if (!tensor.isInput)
      addAccess(placed, tensor, placed.rows(tensor.dims), placed.tiles(tensor.dims), pipes);
  // A vector of steps has been counted once: each register holds another.
  pipes.vector *= placed.stepRegisters();
  pipes.shuffle *= placed.stepRegisters();
  addStates(placed, pipes);
  addScan(placed, pipes);
  if (double steps = static_cast<double>(placed.candidate.blockSteps); steps > 1) {
    // One pass over the states for several steps. Matrix states decay once for all of them, and what steps read of each
    // other is small sums, more of them with each step: by count 0.67 + 0.33 / steps + 0.015 (steps - 1). The time
    // falls by less, as sums and drives of all steps fill the registers.
    pipes.vector *= steps * (step.hasMatrices() ? 0.8 + 0.05 * (steps - 1) : 1 + 0.1 * (steps - 1));
    pipes.shuffle *= steps;
    pipes.apart *= steps;
    pipes.load *= 1 + 0.4 * (steps - 1);
  }
  return pipes;
}

Call CpuCost::count(const Candidate &candidate) const {
  Placed placed(work, step, candidate, target);
  const Placement &placement = candidate.placement;
  Call call;
  call.pipes = countPipes(placed);
  const Pipes &pipes = call.pipes;
  call.stepsAtOnce = static_cast<double>(std::max<int64_t>(placement.blockSteps(), candidate.blockSteps));
  call.phases = placed.profile.phases;
  for (DimSet around : placed.profile.runs)
    for (auto [dim, tiles] : placed.inside)
      if (around.contains(dim))
        call.loopTurns += placed.turns(DimSet().with(dim), around);
  double overhead = cpu.step + (call.loopTurns ? call.loopTurns * cpu.turn + cpu.phase * call.phases : 0);
  call.chain = placement.blockSteps() > 1
                   ? 4 * placed.stepRegisters() * 2 +
                         10 * std::log2(std::max<double>(placement.places[work.dims.scan()].lanes, 1))
                   : latency(placed) * static_cast<double>(candidate.blockSteps);
  double issued = std::max((pipes.vector + 0.5 * pipes.shuffle) / cpu.pipes, pipes.shuffle / cpu.shuffles);
  // Half of the first cache is others'.
  double beyond = std::clamp(2 * pipes.ownBytes / static_cast<double>(cpu.l1Bytes) - 1, 0.0, 1.0);

  double outside = 1;
  for (unsigned dim : placement.loops(LoopPlace::Outside))
    outside *= work.tilesOf(placement, dim);
  call.tasks = work.tasks(placement);
  double steps = static_cast<double>(placement.chunk ? std::min(placement.chunk, work.steps()) : work.steps());
  double turnsOfTime = std::ceil(steps / call.stepsAtOnce);
  double tiles = std::ceil(steps / std::max(static_cast<double>(placement.timeTile), call.stepsAtOnce));
  double passes = placement.chunk ? 2 : 1;
  // The busiest thread has the last of the tasks that are dealt out.
  double rounds = std::ceil(call.tasks / static_cast<double>(threads)) * passes * outside;
  double turn = rounds * turnsOfTime / cpu.clock, once = rounds / cpu.clock;
  call[CpuTerm::Arithmetic] = turn * issued;
  call[CpuTerm::Accesses] = turn * std::max(pipes.load / cpu.loads, pipes.store / cpu.stores);
  call[CpuTerm::Apart] = turn * pipes.apart;
  call[CpuTerm::Spills] = turn * pipes.spill;
  call[CpuTerm::Loops] = turn * overhead;
  call[CpuTerm::Chain] = turn * std::max(0.0, call.chain - issued);
  call[CpuTerm::Own] = turn * beyond * pipes.movedBytes / cpu.l2Bandwidth * cpu.clock;
  call[CpuTerm::Copies] = once * tiles * (pipes.copies ? pipes.copies + cpu.tile : 0);
  call[CpuTerm::Tasks] = once * onceClocks(placed);
  call[CpuTerm::Memory] =
      memorySeconds(placed, call.bytes) * passes / std::min(static_cast<double>(threads), std::max(1.0, call.tasks));
  for (const StepWork::StateWork &state : work.stateWork)
    if ((state.dims & placed.loops).empty())
      call.registers += placed.rows(state.dims) * placed.registers;
  call.calls = call.tasks * passes * outside * turnsOfTime;
  return call;
}

Estimate CpuCost::sum(const Call &call) const {
  Estimate estimate;
  for (auto [weight, seconds] : llvm::zip_equal(cpu.weights, call.terms))
    estimate.seconds += weight * seconds;
  estimate.registers = call.registers;
  estimate.ownBytes = call.pipes.ownBytes;
  return estimate;
}

Estimate CpuCost::estimate(const Candidate &candidate) const { return sum(count(candidate)); }

Prediction CpuCost::predict(const Candidate &candidate) const {
  Call call = count(candidate);
  const Pipes &pipes = call.pipes;
  Prediction prediction;
  static_cast<Estimate &>(prediction) = sum(call);
  auto add = [&](CpuTerm term, const std::string &why) { prediction.add(nameOf(term).str(), call[term], why); };
  add(CpuTerm::Arithmetic, oneDecimal(pipes.vector / call.stepsAtOnce) + " vector operations and " +
                               oneDecimal(pipes.shuffle / call.stepsAtOnce) + " shuffles a step");
  add(CpuTerm::Accesses, oneDecimal(pipes.load / call.stepsAtOnce) + " loads and " +
                             oneDecimal(pipes.store / call.stepsAtOnce) + " stores a step");
  add(CpuTerm::Apart, "elements that lie apart in memory, one by one");
  add(CpuTerm::Spills, oneDecimal(pipes.spill) + " registers too few");
  add(CpuTerm::Loops,
      oneDecimal(call.loopTurns) + " turns inside a step, in " + std::to_string(call.phases) + " phases");
  add(CpuTerm::Chain, oneDecimal(call.chain / call.stepsAtOnce) +
                          " clocks from one step's states to the next one's, and not enough to do meanwhile");
  add(CpuTerm::Own, oneDecimal(pipes.ownBytes / 1024) + " KiB of a task's own memory, beyond the first cache");
  add(CpuTerm::Copies, "time tiles of " + std::to_string(candidate.placement.timeTile) + " steps through scratch");
  add(CpuTerm::Tasks, oneDecimal(call.tasks) + " tasks on " + std::to_string(threads) + " threads");
  add(CpuTerm::Memory, oneDecimal(call.bytes / 1e6) + " MB from beyond the second cache");
  prediction.sortTerms();
  prediction.tasks = call.tasks;
  prediction.bytes = call.bytes;
  prediction.operations = {{"vector", pipes.vector * call.calls},
                           {"shuffle", pipes.shuffle * call.calls},
                           {"load", pipes.load * call.calls},
                           {"store", pipes.store * call.calls}};
  return prediction;
}

std::unique_ptr<CostModel> ssm::makeCpuCostModel(const SpaceSource &source, const Target &target,
                                                 const SizeHints &hints, int64_t threads) {
  return std::make_unique<CpuCost>(source, target, hints, threads);
}
