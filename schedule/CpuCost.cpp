// What a call takes on a CPU: instructions of each pipe, latencies of the chain through the states, and memory.

#include "dialect/MatrixStates.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "schedule/CostModel.h"
#include "schedule/ScannedTensors.h"
#include "llvm/Support/Format.h"

using namespace mlir;
using namespace ssm;

namespace {
/// Registers that a row's temporaries and constants take beside the states.
constexpr double otherRegisters = 10;

/// Registers that states may take, over those that there are: beyond it every step spills most of them.
constexpr double mostRegisters = 3;
/// Bytes of a task's own memory: within the MiB that it may keep, which passes count more exactly.
constexpr double mostOwnBytes = 768 << 10;
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

class CpuCost : public CostModel {
public:
  CpuCost(const SpaceSource &source, const Target &target, const SizeHints &hints, int64_t threads)
      : work(source.sequential, hints), target(target), cpu(cpuParameters(target.vectorBytes)),
        threads(std::max<int64_t>(threads, 1)) {
    hasMatrices = !findMatrixStates(work.recurrence, work.dims).empty();
    for (const ScannedTensor &tensor : tensorsAlongScan(work.recurrence))
      (tensor.isInput ? inputsAlong : outputsAlong).insert(tensor.name);
    for (Operation &op : work.recurrence.getBody().front()) {
      costs[&op] = cpuOperation(op.getName().getStringRef());
      bool reads =
          llvm::any_of(op.getOperands(), [&](Value value) { return ofStates.contains(value.getDefiningOp()); });
      if (isa<PreviousOp>(op) || reads)
        ofStates.insert(&op);
    }
  }

  Prediction predict(const Candidate &candidate) const override;

private:
  double vectorLanes(const Placement &placement) const { return placement.axes.back().extent; }
  /// SIMD registers that the lanes of a tile are spread over: lanes beyond a register take several.
  double registersALane(const Placement &placement) const {
    return std::max(1.0, std::ceil(vectorLanes(placement) * elementBytes / target.vectorBytes));
  }

  Pipes countPipes(const Candidate &candidate) const;
  void addOperations(const Candidate &candidate, Pipes &pipes) const;
  void addReduction(const Candidate &candidate, const ValueWork &value, Pipes &pipes) const;
  void addAccesses(const Candidate &candidate, Pipes &pipes) const;
  void addStates(const Candidate &candidate, Pipes &pipes) const;
  void addScan(const Candidate &candidate, Pipes &pipes) const;
  double onceClocks(const Candidate &candidate) const;
  double latency(const Candidate &candidate) const;
  double memorySeconds(const Candidate &candidate, Prediction &prediction) const;
  bool isStaged(const Placement &placement, StringRef name, LayoutAttr layout, bool isInput) const;

  StepWork work;
  Target target;
  CpuParameters cpu;
  int64_t threads;
  double elementBytes = 4;
  llvm::DenseMap<Operation *, CpuOperation> costs;
  /// Tensors whose memory runs along the scanned dimension.
  llvm::StringSet<> inputsAlong, outputsAlong;
  /// Operations that depend on states.
  llvm::DenseSet<Operation *> ofStates;
  bool hasMatrices = false;
};
} // namespace

bool CpuCost::isStaged(const Placement &placement, StringRef name, LayoutAttr layout, bool isInput) const {
  bool wanted = isInput ? placement.loadsStaged(name) : placement.storesStaged(name);
  return wanted && placement.timeTile > 1 && placement.blockSteps() == 1 &&
         (isInput ? inputsAlong : outputsAlong).contains(name) &&
         llvm::any_of(placement.axes,
                      [&](const TileAxis &axis) { return axis.dim && work.dims.of(layout).contains(*axis.dim); });
}

/// A sum over registers adds rows, over a loop too, and one over lanes exchanges halves of what is there: m values over
/// n lanes take about m shuffles where m is large, log2 n where it is 1.
void CpuCost::addReduction(const Candidate &candidate, const ValueWork &value, Pipes &pipes) const {
  const Placement &placement = candidate.placement;
  std::optional<unsigned> laneDim = placement.axes.back().dim;
  DimSet result = work.dims.of(value.op->getResult(0));
  pipes.vector += value.rows * value.times * registersALane(placement);
  if (!laneDim || !value.wide || result.contains(*laneDim))
    return;
  double rows = work.rows(placement, result), times = work.turns(placement, result);
  double exchanges = 0, left = rows;
  for (double lanes = vectorLanes(placement); lanes > 1; lanes /= 2) {
    left = std::max(1.0, std::ceil(left / 2));
    exchanges += left;
  }
  pipes.shuffle += exchanges * times;
  pipes.vector += exchanges * times;
}

void CpuCost::addOperations(const Candidate &candidate, Pipes &pipes) const {
  const Placement &placement = candidate.placement;
  for (const ValueWork &value : work.count(placement)) {
    if (isa<InputOp, PreviousOp>(value.op) || value.fused)
      continue;
    if (isa<SumOp, MaxOp, MeanOp>(value.op)) {
      addReduction(candidate, value, pipes);
      continue;
    }
    double cost = costs.lookup(value.op).pipe;
    // A scalar that no state is in is computed for several steps at once, outside of loops or alone in one.
    bool isAhead = !ofStates.contains(value.op) && (value.rows == 1 || value.times == 1);
    pipes.vector += cost * value.rows * value.times *
                    (value.wide ? registersALane(placement)
                     : isAhead  ? cpu.scalar
                                : 1);
    // Comparisons make masks on the port that shuffles.
    if (isa<arith::CmpFOp>(value.op))
      pipes.shuffle += value.rows * value.times;
    // A computed scalar that meets vectors is spread over the lanes first.
    std::optional<unsigned> laneDim = placement.axes.back().dim;
    if (laneDim && value.wide)
      for (Value operand : value.op->getOperands())
        if (Operation *from = operand.getDefiningOp(); from && !isa<InputOp, arith::ConstantOp>(from) &&
                                                       work.dims.variesInTime(operand) &&
                                                       !work.dims.of(operand).contains(*laneDim))
          pipes.shuffle += work.rows(placement, work.dims.of(operand)) * work.turns(placement, work.dims.of(operand));
    // What does not vary in time comes from memory, where registers hold states.
    for (Value operand : value.op->getOperands())
      if (Operation *from = operand.getDefiningOp(); from && !isa<arith::ConstantOp>(from) &&
                                                     !work.dims.variesInTime(operand) &&
                                                     work.rows(placement, work.dims.of(operand)) > 1)
        pipes.load += value.rows * value.times;
  }
}

void CpuCost::addAccesses(const Candidate &candidate, Pipes &pipes) const {
  const Placement &placement = candidate.placement;
  std::optional<unsigned> laneDim = placement.axes.back().dim;
  double lanes = vectorLanes(placement), registers = registersALane(placement);
  auto add = [&](StringRef name, LayoutAttr layout, bool isInput, double rows, double times) {
    DimSet set = work.dims.of(layout);
    bool isWide = laneDim && set.contains(*laneDim);
    double &moved = isInput ? pipes.load : pipes.store;
    if (isStaged(placement, name, layout, isInput)) {
      double elements = rows * (isWide ? lanes : 1);
      int64_t inner = 1;
      for (const TileAxis &axis : llvm::reverse(placement.axes))
        if (axis.dim && set.contains(*axis.dim) && axis.extent > 1) {
          inner = axis.extent;
          break;
        }
      bool isSquare = placement.timeTile >= 16 && inner % 16 == 0;
      double turns = work.turns(placement, set);
      pipes.copies += placement.timeTile * elements * turns * (isSquare ? cpu.transposeElement : cpu.copyElement) +
                      turns * cpu.turn * 4;
      pipes.ownBytes += placement.timeTile * elements * turns * elementBytes;
      if (!(set & placement.loopSet(LoopPlace::Inside)).empty())
        pipes.movedBytes += elements * turns * elementBytes;
      moved += rows * times * registers;
      return;
    }
    StringRef last = layout.getRank() ? layout.getDims().back() : StringRef();
    bool isContiguous = isWide && layout.getRank() && last == work.dims.name(*laneDim);
    if (isWide && *laneDim == work.dims.scan() && isContiguous) {
      double regs = placement.places[work.dims.scan()].regs;
      moved += rows * times * regs;
      if (regs > 1)
        pipes.shuffle += rows * times * regs * std::log2(regs);
    } else if (!isWide || isContiguous) {
      moved += rows * times * registers;
    } else {
      double regs = *laneDim == work.dims.scan() ? placement.places[work.dims.scan()].regs : 1;
      double elements = rows * times * regs * lanes;
      pipes.apart += elements * (isInput ? cpu.gatherElement : cpu.scatterElement);
      // Each lies in a line of its own, which the next steps read as well, if it is still near.
      pipes.ownBytes += elements * lineBytes;
      pipes.movedBytes += elements * lineBytes / 4;
    }
  };
  for (const ValueWork &value : work.count(placement))
    if (auto input = dyn_cast<InputOp>(value.op))
      add(input.getName(), input.getLayout(), true, value.rows, value.times);
  for (auto output : work.recurrence.getBody().front().getOps<OutputOp>())
    add(output.getName(), output.getLayout(), false, work.rows(placement, work.dims.of(output.getLayout())),
        work.turns(placement, work.dims.of(output.getLayout())));
}

/// States on loops are read in each phase that needs them and written once; others stay in registers, as far as there
/// are any.
void CpuCost::addStates(const Candidate &candidate, Pipes &pipes) const {
  const Placement &placement = candidate.placement;
  DimSet loops = placement.loopSet(LoopPlace::Inside);
  double registers = registersALane(placement), kept = 0;
  for (const State &state : work.states) {
    DimSet set = work.dims.of(state.layout);
    double rows = work.rows(placement, set) * registers * std::max<int64_t>(state.depth, 0);
    if ((set & loops).empty()) {
      // Steps at once keep the transition and the drive of each.
      double steps = placement.blockSteps() > 1 ? placement.places[work.dims.scan()].regs : 0;
      kept += rows * (1 + 2 * steps);
      continue;
    }
    double bytes = rows * vectorLanes(placement) * elementBytes * work.turns(placement, set);
    pipes.store += rows * work.turns(placement, set);
    pipes.ownBytes += bytes;
    pipes.movedBytes += 2 * bytes;
    // A tile's rows are loaded ahead of their sums, and wait in registers.
    pipes.spill += std::max(0.0, rows * candidate.blockSteps + otherRegisters - target.vectorRegisters) *
                   work.turns(placement, set);
  }
  // What does not vary in time is kept for every turn of the loops.
  if (!loops.empty())
    for (const ValueWork &value : work.countOnce(placement))
      if (!(value.dims & loops).empty() && llvm::any_of(value.op->getUsers(), [&](Operation *user) {
            return user->getNumResults() && work.dims.variesInTime(user->getResult(0));
          })) {
        double bytes =
            value.rows * work.turns(placement, value.dims) * (value.wide ? vectorLanes(placement) : 1) * elementBytes;
        pipes.ownBytes += bytes;
        pipes.movedBytes += bytes;
      }
  for (const ValueWork &value : work.count(placement))
    if (auto previous = dyn_cast<PreviousOp>(value.op); previous && !(value.dims & loops).empty())
      pipes.load += value.rows * value.times * registers;
  pipes.spill += std::max(0.0, kept + otherRegisters - target.vectorRegisters);
}

/// Steps on lanes and registers: each is joined with the one before it, lanes are combined in rounds, and each runs
/// through its steps again. Everything else has been counted once for a vector of steps, and is repeated for each
/// register.
void CpuCost::addScan(const Candidate &candidate, Pipes &pipes) const {
  const Placement &placement = candidate.placement;
  const DimPlace &scan = placement.places[work.dims.scan()];
  if (placement.blockSteps() == 1)
    return;
  double regs = scan.regs, registers = registersALane(placement);
  for (const State &state : work.states) {
    double rows = work.rows(placement, work.dims.of(state.layout)) * registers;
    pipes.vector += rows * regs * 4;
    double rounds = std::log2(std::max<double>(scan.lanes, 1));
    pipes.vector += rows * rounds * (work.decaysByExponentials() ? 3 + cpuOperation("math.exp2").pipe : 3);
    pipes.shuffle += rows * rounds * 2;
  }
}

/// Clocks of a task before its first step: values that do not vary in time, and their loads.
double CpuCost::onceClocks(const Candidate &candidate) const {
  const Placement &placement = candidate.placement;
  std::optional<unsigned> laneDim = placement.axes.back().dim;
  double clocks = cpu.task;
  for (const ValueWork &value : work.countOnce(placement)) {
    double rows = value.rows * value.times * (value.wide ? registersALane(placement) : 1);
    if (auto input = dyn_cast<InputOp>(value.op)) {
      LayoutAttr layout = input.getLayout();
      bool isGathered = value.wide && layout.getRank() && layout.getDims().back() != work.dims.name(*laneDim);
      clocks += rows * (isGathered ? vectorLanes(placement) * cpu.gatherElement : 1);
    } else if (auto cost = costs.find(value.op); cost != costs.end()) {
      clocks += rows * cost->second.pipe / cpu.pipes;
    }
  }
  for (const State &state : work.states) {
    DimSet set = work.dims.of(state.layout);
    // Read before the first step and written after the last, gathered as a rule.
    double gathered = laneDim && set.contains(*laneDim) && state.layout.getDims().back() != work.dims.name(*laneDim)
                          ? vectorLanes(placement)
                          : 1;
    clocks += work.rows(placement, set) * work.turns(placement, set) * std::max<int64_t>(state.depth, 0) * 2 * gathered;
  }
  return clocks;
}

/// Clocks from a step's previous states to its next ones: no step begins them before the one before it has ended.
double CpuCost::latency(const Candidate &candidate) const {
  const Placement &placement = candidate.placement;
  std::optional<unsigned> laneDim = placement.axes.back().dim;
  DimSet loops = placement.loopSet(LoopPlace::Inside);
  llvm::DenseMap<Value, double> ready;
  double longest = 0;
  for (Operation &op : work.recurrence.getBody().front()) {
    double begin = -1;
    for (Value operand : op.getOperands())
      if (auto it = ready.find(operand); it != ready.end())
        begin = std::max(begin, it->second);
    if (isa<PreviousOp>(op))
      begin = (work.dims.of(op.getResult(0)) & loops).empty() ? 0 : 5;
    if (begin < 0)
      continue;
    if (isa<NextOp>(op)) {
      longest = std::max(longest, begin);
      continue;
    }
    if (op.getNumResults() == 0)
      continue;
    double own = isa<PreviousOp>(op) ? 0 : costs.lookup(&op).latency;
    if (isa<SumOp, MaxOp, MeanOp>(op)) {
      DimSet over = work.dims.of(op.getOperand(0)) - work.dims.of(op.getResult(0));
      own = 4 * std::log2(std::max(1.0, work.rows(placement, over)));
      for (unsigned dim : placement.loops(LoopPlace::Inside))
        if (over.contains(dim))
          own += 4 * work.tilesOf(placement, dim) + cpu.phase;
      if (laneDim && over.contains(*laneDim))
        own += 8 * std::log2(vectorLanes(placement));
    }
    ready[op.getResult(0)] = begin + own;
  }
  return longest;
}

/// Each tensor is read by every task that needs it; what other tasks have read before comes from the second cache, if
/// it is still there.
double CpuCost::memorySeconds(const Candidate &candidate, Prediction &prediction) const {
  const Placement &placement = candidate.placement;
  double footprint = 0, seconds = 0;
  struct Access {
    double bytes, piece, repeats;
  };
  SmallVector<Access> accesses;
  auto add = [&](LayoutAttr layout, double bytes, bool inTime) {
    DimSet set = work.dims.of(layout);
    double all = work.elements(set) * bytes, repeats = 1, piece = bytes;
    for (unsigned dim = 0; dim < work.dims.count(); ++dim)
      if (dim != work.dims.scan() && placement.places[dim].grid && !set.contains(dim))
        repeats *= placement.places[dim].gridTiles(work.sizeOf(dim));
    // How much of memory a step reads in one piece: along the last axis, as far as a task's tile goes.
    SmallVector<StringRef> names(layout.getDims());
    if (inTime)
      for (StringRef name : llvm::reverse(names)) {
        unsigned dim = *work.dims.number(name);
        const DimPlace &place = placement.places[dim];
        double held = dim == work.dims.scan() ? work.steps() : place.grid ? place.span() : work.sizeOf(dim);
        piece *= std::min<double>(held, work.sizeOf(dim));
        if (held < work.sizeOf(dim))
          break;
      }
    footprint += all;
    accesses.push_back({all, piece, repeats});
  };
  for (auto input : work.recurrence.getBody().front().getOps<InputOp>())
    add(input.getLayout(), storedBytes(input.getStored(), input.getType()), work.dims.variesInTime(input.getResult()));
  for (auto output : work.recurrence.getBody().front().getOps<OutputOp>())
    add(output.getLayout(), storedBytes(output.getStored(), output.getValue().getType()), true);
  double near = footprint <= cpu.l2Bytes ? cpu.l2Bandwidth : cpu.memoryBandwidth;
  for (const Access &access : accesses) {
    // Short pieces far apart are found late by the processor's prefetchers.
    double slow = near == cpu.l2Bandwidth ? 1 : std::max(1.0, std::pow(cpu.pieceBytes / access.piece, 0.35));
    seconds += access.bytes * slow / near;
    bool staysNear = access.bytes <= cpu.l2Bytes / 2;
    seconds += access.bytes * (access.repeats - 1) / (staysNear ? 4 * cpu.l2Bandwidth : cpu.memoryBandwidth);
    prediction.bytes += access.bytes * (staysNear ? 1 : access.repeats);
  }
  return seconds;
}

/// Instructions of a turn of the loop over steps.
Pipes CpuCost::countPipes(const Candidate &candidate) const {
  const Placement &placement = candidate.placement;
  Pipes pipes;
  addOperations(candidate, pipes);
  addAccesses(candidate, pipes);
  // A vector of steps has been counted once: each register holds another.
  double regs = placement.blockSteps() > 1 ? placement.places[work.dims.scan()].regs : 1;
  pipes.vector *= regs;
  pipes.shuffle *= regs;
  addStates(candidate, pipes);
  addScan(candidate, pipes);
  if (double steps = candidate.blockSteps; steps > 1) {
    // One pass over the states for several steps. Matrix states decay once for all of them, and what steps read of each
    // other is small sums, more of them with each step.
    pipes.vector *= steps * (hasMatrices ? 0.8 + 0.05 * (steps - 1) : 1 + 0.1 * (steps - 1));
    pipes.shuffle *= steps;
    pipes.apart *= steps;
    pipes.load *= 1 + 0.4 * (steps - 1);
  }
  return pipes;
}

Prediction CpuCost::predict(const Candidate &candidate) const {
  const Placement &placement = candidate.placement;
  Prediction prediction;
  Pipes pipes = countPipes(candidate);
  double regs = placement.blockSteps() > 1 ? placement.places[work.dims.scan()].regs : 1;
  double stepsAtOnce = std::max<int64_t>(placement.blockSteps(), candidate.blockSteps);
  double loopTurns = 0;
  for (unsigned dim : placement.loops(LoopPlace::Inside))
    loopTurns += work.turns(placement, DimSet().with(dim));
  unsigned phases = work.phases(placement);
  double overhead = cpu.step + (loopTurns ? loopTurns * cpu.turn * phases + cpu.phase * phases : 0);
  double chain = latency(candidate) * candidate.blockSteps;
  if (placement.blockSteps() > 1)
    chain = 4 * regs * 2 + 10 * std::log2(std::max<double>(placement.places[work.dims.scan()].lanes, 1));
  double issued = std::max((pipes.vector + 0.5 * pipes.shuffle) / cpu.pipes, pipes.shuffle / cpu.shuffles);
  // Half of the first cache is others'.
  double beyond = std::clamp(2 * pipes.ownBytes / cpu.l1Bytes - 1, 0.0, 1.0);

  double outside = 1;
  for (unsigned dim : placement.loops(LoopPlace::Outside))
    outside *= work.tilesOf(placement, dim);
  double tasks = work.tasks(placement);
  double steps = placement.chunk ? std::min<double>(placement.chunk, work.steps()) : work.steps();
  double turnsOfTime = std::ceil(steps / stepsAtOnce);
  double tiles = std::ceil(steps / std::max<double>(placement.timeTile, stepsAtOnce));
  double passes = placement.chunk ? 2 : 1;
  // The busiest thread has the last of the tasks that are dealt out.
  double rounds = std::ceil(tasks / static_cast<double>(threads)) * passes * outside;
  double memory = memorySeconds(candidate, prediction) * passes / std::min<double>(threads, std::max(1.0, tasks));

  auto add = [&](CpuTerm term, double seconds, const std::string &why) {
    prediction.terms.push_back({nameOf(term).str(), seconds, why});
    prediction.seconds += cpu.weights[static_cast<unsigned>(term)] * seconds;
  };
  auto number = [](double value) {
    std::string text;
    llvm::raw_string_ostream(text) << llvm::format("%.1f", value);
    return text;
  };
  double turn = rounds * turnsOfTime / cpu.clock, once = rounds / cpu.clock;
  add(CpuTerm::Arithmetic, turn * issued,
      number(pipes.vector / stepsAtOnce) + " vector operations and " + number(pipes.shuffle / stepsAtOnce) +
          " shuffles a step");
  add(CpuTerm::Accesses, turn * std::max(pipes.load / cpu.loads, pipes.store / cpu.stores),
      number(pipes.load / stepsAtOnce) + " loads and " + number(pipes.store / stepsAtOnce) + " stores a step");
  add(CpuTerm::Apart, turn * pipes.apart, "elements that lie apart in memory, one by one");
  add(CpuTerm::Spills, turn * pipes.spill, number(pipes.spill) + " registers too few");
  add(CpuTerm::Loops, turn * overhead,
      number(loopTurns) + " turns inside a step, in " + std::to_string(phases) + " phases");
  add(CpuTerm::Chain, turn * std::max(0.0, chain - issued),
      number(chain / stepsAtOnce) + " clocks from one step's states to the next one's, and not enough to do meanwhile");
  add(CpuTerm::Own, turn * beyond * pipes.movedBytes / cpu.l2Bandwidth * cpu.clock,
      number(pipes.ownBytes / 1024) + " KiB of a task's own memory, beyond the first cache");
  add(CpuTerm::Copies, once * tiles * (pipes.copies ? pipes.copies + cpu.tile : 0),
      "time tiles of " + std::to_string(placement.timeTile) + " steps through scratch");
  add(CpuTerm::Tasks, once * onceClocks(candidate),
      number(tasks) + " tasks on " + std::to_string(threads) + " threads");
  add(CpuTerm::Memory, memory, number(prediction.bytes / 1e6) + " MB from beyond the second cache");
  llvm::sort(prediction.terms, [](const CostTerm &a, const CostTerm &b) { return a.seconds > b.seconds; });
  prediction.tasks = tasks;
  prediction.ownBytes = pipes.ownBytes;
  for (const State &state : work.states)
    if ((work.dims.of(state.layout) & placement.loopSet(LoopPlace::Inside)).empty())
      prediction.registers += work.rows(placement, work.dims.of(state.layout)) * registersALane(placement);
  double calls = tasks * passes * outside * turnsOfTime;
  prediction.operations = {{"vector", pipes.vector * calls},
                           {"shuffle", pipes.shuffle * calls},
                           {"load", pipes.load * calls},
                           {"store", pipes.store * calls}};
  return prediction;
}

std::unique_ptr<CostModel> ssm::makeCpuCostModel(const SpaceSource &source, const Target &target,
                                                 const SizeHints &hints, int64_t threads) {
  return std::make_unique<CpuCost>(source, target, hints, threads);
}

bool ssm::fitsMachine(const Prediction &prediction, const Target &target) {
  if (target.gpu)
    return prediction.residentBlocks > 0;
  return prediction.registers <= mostRegisters * target.vectorRegisters && prediction.ownBytes <= mostOwnBytes;
}

std::vector<std::string> ssm::predictionTexts(const Prediction &prediction) {
  std::vector<std::string> lines;
  auto milliseconds = [](double seconds) {
    std::string text;
    llvm::raw_string_ostream(text) << llvm::format("%.3f ms", seconds * 1e3);
    return text;
  };
  lines.push_back(milliseconds(prediction.seconds) + " predicted" +
                  (prediction.terms.empty() ? "" : ", most of it " + prediction.terms.front().name));
  for (const CostTerm &term : prediction.terms)
    if (term.seconds > 0.02 * prediction.seconds)
      lines.push_back(term.name + ": " + milliseconds(term.seconds) + " by itself, " + term.why);
  return lines;
}
