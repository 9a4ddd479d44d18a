// What is known of a recurrence under a schedule: structure, places, traffic, operations, and the bound they make.

#include "codegen/explain/Explain.h"
#include "codegen/lowering/Lowering.h"
#include "dialect/AffineAnalysis.h"
#include "passes/Pipeline.h"
#include "passes/TileMemory.h"
#include "schedule/Machine.h"
#include "schedule/OperationCounts.h"

using namespace mlir;
using namespace ssm;
using llvm::Error;
using llvm::Expected;

namespace {
class Explainer {
public:
  /// `original` is the recurrence before it was prepared: its arithmetic is still the description's.
  Explainer(RecurrenceOp original, RecurrenceOp recurrence, const CompileTarget &target, const Lowered &lowered)
      : original(original), recurrence(recurrence), target(target), lowered(lowered), dims(recurrence),
        memory(recurrence, lowered.main().placement, lowered.main().interface, /*packed=*/true),
        machine(target.isGpu() ? gpuMachine(target.capability) : cpuMachine(target.machine.vectorBytes)) {}

  Expected<Explanation> build() {
    result.recurrence = recurrence.getSymName().str();
    result.target = target.name;
    result.schedule = lowered.schedule;
    result.reasons = lowered.reasons;
    result.machine = machine.source.str();
    addStructure();
    chooseElement();
    addTensors();
    addValues();
    if (Error error = addCounts())
      return std::move(error);
    addBounds();
    for (unsigned dim = 0; dim < dims.count(); ++dim)
      if (shared.contains(dim))
        result.sharedOver.push_back(dims.name(dim).str());
    return result;
  }

private:
  std::vector<std::string> namesOf(DimSet set) {
    std::vector<std::string> names;
    for (StringRef name : dims.list(set))
      names.push_back(name.str());
    return names;
  }

  void addStructure() {
    AffineAnalysis analysis(original);
    for (const Component &component : analysis.components()) {
      ExplainedStates group;
      for (const ComponentState &state : component.states)
        if (!llvm::is_contained(group.states, state.state.name))
          group.states.push_back(state.state.name.str());
      group.structure = analysis.describe(component);
      if (!component.isScan() && component.structure != Structure::Delay)
        group.reason = locationOf(component.breaks) + ": " + explainSequential(component);
      result.states.push_back(group);
    }
  }

  static std::string locationOf(Operation *op) {
    auto at = op ? op->getLoc()->findInstanceOf<FileLineColLoc>() : FileLineColLoc();
    return at ? (llvm::Twine(at.getLine()) + ":" + llvm::Twine(at.getColumn())).str() : "";
  }

  void chooseElement() {
    for (auto output : recurrence.getBody().front().getOps<OutputOp>()) {
      element = dims.of(output.getLayout());
      break;
    }
    result.element = namesOf(element);
  }

  std::optional<double> countOf(DimSet set) {
    double count = 1;
    for (unsigned dim = 0; dim < dims.count(); ++dim)
      if (set.contains(dim)) {
        std::optional<int64_t> size = recurrence.sizeOf(dims.name(dim));
        if (!size)
          return std::nullopt;
        count *= *size;
      }
    return count;
  }

  /// How often something over `set` happens an element. What elements along an open dimension share is free.
  Expected<double> perElement(DimSet set) {
    std::optional<double> more = countOf(set - element), fewer = countOf(element - set);
    if (!more)
      return llvm::createStringError("the sizes of [" + llvm::join(dims.list(set - element), ", ") +
                                     "] must be known to count what an element takes; give them with --dim");
    if (!fewer)
      shared = shared | (element - set);
    return fewer ? *more / std::max(*fewer, 1.0) : 0.0;
  }

  static double bytesOf(Type type) {
    if (auto complex = dyn_cast<ComplexType>(type))
      return 2 * bytesOf(complex.getElementType());
    return type.getIntOrFloatBitWidth() / 8.0;
  }

  std::string placeOf(unsigned number, const KernelTensor &tensor) {
    using Role = KernelTensor::Role;
    std::string axes;
    VectorType tile =
        memory.tileType(dims.of(tensor.layout).without(dims.scan()), Float32Type::get(recurrence->getContext()));
    int64_t elements = tile.getNumElements();
    llvm::raw_string_ostream stream(axes);
    llvm::interleave(llvm::make_filter_range(tile.getShape(), [](int64_t extent) { return extent > 1; }), stream,
                     " x ");
    std::string shape = elements == 1 ? "one value" : "a tile of " + axes + " values";
    bool isLooped = !(dims.of(tensor.layout) & lowered.main().placement.loopSet(LoopPlace::Inside)).empty();
    if (tensor.role == Role::InitialState && isLooped)
      return "kept in a task's memory, " + shape + " at a time in registers";
    if (tensor.role == Role::InitialState)
      return shape + " a " + (target.isGpu() ? "thread" : "task") + ", carried in registers from step to step";
    if (memory.isStaged(number))
      return "copied through scratch, " + std::to_string(lowered.main().placement.timeTile) + " steps of " + shape +
             " at a time";
    bool varies = dims.of(tensor.layout).contains(dims.scan());
    if (tensor.role == Role::Output)
      return "stored at each step, " + shape + " at a time";
    return varies ? "read at each step, " + shape + " at a time" : "read once a task, " + shape;
  }

  void addTensors() {
    using Role = KernelTensor::Role;
    for (auto [number, tensor] : llvm::enumerate(lowered.main().interface.tensors)) {
      if (tensor.role == Role::FinalState || !tensor.workspace.empty())
        continue;
      DimSet set = dims.of(tensor.layout);
      ExplainedTensor line;
      line.role = tensor.role == Role::Input ? "input" : tensor.role == Role::Output ? "output" : "state";
      line.name = tensor.name;
      llvm::raw_string_ostream(line.type) << tensor.stored;
      for (StringRef name : tensor.layout.getDims())
        line.dims.push_back(name.str());
      line.place = placeOf(number, tensor);
      if (std::optional<double> count = countOf(set))
        line.bytes = *count * bytesOf(tensor.stored) * tensor.depth;
      result.tensors.push_back(line);
    }
  }

  void addValues() {
    for (Operation &op : recurrence.getBody().front()) {
      if (op.getNumResults() != 1 || !dims.variesInTime(op.getResult(0)) || isa<InputOp>(op))
        continue;
      result.values.push_back({op.getName().getStringRef().str(), locationOf(&op), namesOf(dims.of(op.getResult(0)))});
    }
  }

  /// Arrays that vary in time are read and written once, so each of their elements crosses the memory bus once.
  Error addCounts() {
    for (const KernelTensor &tensor : lowered.main().interface.tensors) {
      DimSet set = dims.of(tensor.layout);
      if (tensor.isState() || !tensor.workspace.empty() || !set.contains(dims.scan()))
        continue;
      Expected<double> count = perElement(set);
      if (!count)
        return count.takeError();
      result.bytesPerElement += *count * bytesOf(tensor.stored);
    }
    std::map<OperationKind, double> sums;
    for (const OperationCounts::Entry &entry : countOperations(recurrence, dims).entries) {
      Expected<double> often = perElement(entry.dims);
      if (!often)
        return often.takeError();
      sums[entry.kind] += *often * entry.count;
      bool hasUnit = machine.special > 0 && entry.kind == OperationKind::Special;
      arithmetic += *often * (hasUnit ? 0 : entry.arithmetic);
      special += hasUnit ? *often * entry.count : 0;
    }
    for (auto [kind, count] : sums)
      result.operations.emplace_back(nameOf(kind).str(), count);
    return Error::success();
  }

  void addBounds() {
    std::optional<double> elements = countOf(element);
    auto add = [&](StringRef name, double clocks) {
      ExplainedBound bound{name.str(), clocks, std::nullopt};
      if (elements)
        bound.seconds = *elements * clocks / (machine.clock * machine.units);
      result.bounds.push_back(bound);
    };
    add("memory", result.bytesPerElement / (machine.bandwidth / machine.clock / machine.units));
    add("arithmetic", arithmetic / machine.arithmetic);
    if (machine.special > 0)
      add("special functions", special / machine.special);
    llvm::sort(result.bounds, [](const ExplainedBound &a, const ExplainedBound &b) { return a.clocks > b.clocks; });
  }

  RecurrenceOp original, recurrence;
  const CompileTarget &target;
  const Lowered &lowered;
  DimensionAnalysis dims;
  TileMemory memory;
  Machine machine;
  DimSet element, shared;
  double arithmetic = 0, special = 0;
  Explanation result;
};
} // namespace

/// What a GPU's kernels take, and do; without a toolkit, why that is not known.
static Error addMachineCode(Explanation &explanation, RecurrenceOp recurrence, const CompileTarget &target,
                            const std::string &schedule, bool disassembled) {
  if (!target.isGpu())
    return disassembled ? llvm::createStringError("only a GPU's machine code is read; '" + target.name + "' is none")
                        : Error::success();
  if (Expected<std::string> program = findPtxas(); !program) {
    if (disassembled)
      return program.takeError();
    explanation.noMachineCode = llvm::toString(program.takeError());
    return Error::success();
  }
  Expected<MachineCode> code = inspectMachineCode(recurrence, {target, schedule, /*packed=*/true, {}}, disassembled);
  if (!code)
    return code.takeError();
  explanation.machineCode = std::move(*code);
  return Error::success();
}

Expected<Explanation> ssm::explain(RecurrenceOp recurrence, const CompileTarget &target, const std::string &schedule,
                                   bool disassembled) {
  Expected<Lowered> lowered = lower(recurrence, {target, schedule, /*packed=*/true, {}}, LoweringLevel::Scheduled);
  if (!lowered)
    return lowered.takeError();
  // What a schedule keeps on chip is known, and may not fit, only when there are tiles.
  if (Expected<Lowered> tiled = lower(recurrence, {target, schedule, true, {}}, LoweringLevel::Tiled); !tiled)
    return tiled.takeError();
  // Steps that run as one are explained one by one.
  std::string full = lowered->schedule;
  if (lowered->main().restOf) {
    Expected<Schedule> blocks = parseSchedule(full);
    if (!blocks)
      return blocks.takeError();
    std::string single = printSchedule(scheduleOfBlocks(*blocks, recurrence.getScan(), 1));
    lowered = lower(recurrence, {target, single, /*packed=*/true, {}}, LoweringLevel::Scheduled);
    if (!lowered)
      return lowered.takeError();
    lowered->schedule = full;
  }
  // The last one has the outputs; those before it are parts of its scan.
  RecurrenceOp prepared;
  for (auto part : lowered->module->getOps<RecurrenceOp>())
    prepared = part;
  Expected<Explanation> explanation = Explainer(recurrence, prepared, target, *lowered).build();
  if (!explanation)
    return explanation;
  if (Error error = addMachineCode(*explanation, recurrence, target, schedule, disassembled))
    return std::move(error);
  return explanation;
}
