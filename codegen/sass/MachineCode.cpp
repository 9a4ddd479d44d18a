// From a recurrence to what its machine code takes an element.

#include "codegen/sass/MachineCode.h"
#include "codegen/gpu/Nvdisasm.h"
#include "codegen/lowering/Machine.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/Module.h"

using namespace mlir;
using namespace ssm;
using llvm::Error;
using llvm::Expected;

namespace {
class Inspector {
public:
  Inspector(RecurrenceOp recurrence, const LoweringOptions &options, const Lowered &lowered)
      : recurrence(recurrence), options(options), lowered(lowered) {}

  Expected<MachineCode> run(bool disassembled) {
    llvm::LLVMContext context;
    Expected<std::unique_ptr<llvm::Module>> module = translate(lowered, options.target, context);
    if (!module)
      return module.takeError();
    Expected<std::unique_ptr<llvm::TargetMachine>> machine = createMachine(options.target);
    if (!machine)
      return machine.takeError();
    optimize(**module, **machine);
    std::vector<CodeLines> lines = numberLines(**module, **machine);
    Expected<std::string> ptx = emitCode(**module, **machine, llvm::CodeGenFileType::AssemblyFile);
    if (!ptx)
      return ptx.takeError();
    Expected<Assembled> assembled = assembleKernels(*ptx, recurrence, lowered, options.target, /*withLines=*/true);
    if (!assembled)
      return assembled.takeError();
    MachineCode result;
    result.schedule = lowered.schedule;
    for (const KernelReport &report : reportKernels(recurrence, lowered, options.target, assembled->kernels)) {
      result.kernels.emplace_back();
      result.kernels.back().report = report;
    }
    if (disassembled)
      if (Error error = addSteadyStates(result, assembled->cubin, lines))
        return std::move(error);
    return result;
  }

private:
  Error addSteadyStates(MachineCode &result, StringRef cubin, ArrayRef<CodeLines> lines) {
    Expected<std::string> text = disassemble(cubin);
    if (!text)
      return text.takeError();
    Expected<std::vector<SassFunction>> functions = parseSass(*text);
    if (!functions)
      return functions.takeError();
    for (MachineKernel &kernel : result.kernels) {
      StringRef name = kernel.report.resources.kernel;
      auto lowered = llvm::find_if(this->lowered.kernels, [&](const LoweredKernel &one) { return one.name == name; });
      auto function = llvm::find_if(*functions, [&](const SassFunction &one) { return one.name == name; });
      auto code = llvm::find_if(lines, [&](const CodeLines &one) { return one.kernel == name; });
      if (lowered->overChunks || function == functions->end() || code == lines.end())
        continue;
      Expected<SteadyState> steady = findSteadyState(*function, *code, planOf(*lowered));
      if (!steady)
        return steady.takeError();
      kernel.steady = std::move(*steady);
      kernel.elementsPerStep = elementsOf(*lowered);
      addBounds(kernel);
      addSeconds(kernel, *lowered);
    }
    return Error::success();
  }

  std::optional<int64_t> sizeOf(const LoweredKernel &kernel, unsigned dim) {
    return recurrence.sizeOf(kernel.dims[dim].second);
  }

  /// Coordinates of a dimension on a loop that the loop runs through.
  std::optional<int64_t> loopSize(const LoweredKernel &kernel, unsigned dim) {
    const DimPlace &place = kernel.placement.places[dim];
    return place.gridTile ? std::optional(place.gridTile) : sizeOf(kernel, dim);
  }

  LoopPlan planOf(const LoweredKernel &kernel) {
    const Placement &placement = kernel.placement;
    LoopPlan plan;
    plan.steps = placement.blockSteps() * placement.copies();
    plan.tile = placement.stagesBlocks ? std::max(placement.timeTile, plan.steps) : plan.steps;
    for (unsigned dim : placement.loops(LoopPlace::Inside))
      if (std::optional<int64_t> size = loopSize(kernel, dim))
        plan.inside.push_back(llvm::divideCeil(*size, placement.places[dim].extent()));
    return plan;
  }

  /// Elements of the first output that one block makes at each step.
  double elementsOf(const LoweredKernel &kernel) {
    StringRef scanned = recurrence.getScan();
    double count = 1;
    for (auto output : recurrence.getBody().front().getOps<OutputOp>()) {
      for (auto [number, dim] : llvm::enumerate(kernel.dims)) {
        const DimPlace &place = kernel.placement.places[number];
        if (dim.first == scanned || !llvm::is_contained(output.getLayout().getDims(), dim.first))
          continue;
        bool isInside = place.loop == LoopPlace::Inside;
        count *= isInside ? loopSize(kernel, number).value_or(1) : filled(kernel, number);
      }
      break;
    }
    return count;
  }

  /// Coordinates of a block's tile that exist: a size below it leaves threads without any.
  double filled(const LoweredKernel &kernel, unsigned dim) {
    int64_t extent = kernel.placement.places[dim].extent();
    std::optional<int64_t> size = sizeOf(kernel, dim);
    return size && *size > 0 ? std::min(extent, *size) : extent;
  }

  void addBounds(MachineKernel &kernel) {
    double floats = 0, specials = 0, integers = 0, memory = 0;
    for (const auto &[opcode, count] : kernel.steady->opcodes) {
      PipeClocks clocks = clocksOf(opcode, options.target.capability);
      floats += count * clocks.floats;
      specials += count * clocks.specials;
      integers += count * clocks.integers;
      memory += count * clocks.memory;
    }
    auto add = [&](StringRef name, double clocks) { kernel.bounds.push_back({name.str(), kernel.perElement(clocks)}); };
    add("issue", kernel.steady->total());
    add("f32 arithmetic", floats);
    add("special functions", specials);
    add("integers", integers);
    add("loads and stores", Multiprocessor::schedulers * memory);
    llvm::sort(kernel.bounds, [](const PipeBound &a, const PipeBound &b) {
      return std::tie(b.clocks, a.name) < std::tie(a.clocks, b.name);
    });
  }

  /// The multiprocessor with most blocks decides; a scheduler has whole warps.
  void addSeconds(MachineKernel &kernel, const LoweredKernel &lowered) {
    std::optional<int64_t> steps = recurrence.sizeOf(recurrence.getScan());
    if (!steps || !kernel.report.blocks)
      return;
    if (lowered.placement.chunk)
      steps = std::min(*steps, lowered.placement.chunk);
    Machine machine = gpuMachine(options.target.capability);
    int64_t warps = llvm::divideCeil(kernel.report.threads, Multiprocessor::warpSize);
    int64_t ofBusiest = llvm::divideCeil(*kernel.report.blocks, machine.units) * warps;
    double clocksOfStep = kernel.bounds.front().clocks / kernel.perElement(1);
    // Of what all schedulers share, each has a quarter, however few warps there are.
    double ofScheduler = llvm::divideCeil(ofBusiest, Multiprocessor::schedulers);
    kernel.seconds = ofScheduler * *steps * clocksOfStep / machine.clock;
  }

  RecurrenceOp recurrence;
  const LoweringOptions &options;
  const Lowered &lowered;
};
} // namespace

Expected<MachineCode> ssm::inspectMachineCode(RecurrenceOp recurrence, const LoweringOptions &options,
                                              bool disassembled) {
  Expected<Lowered> lowered = lower(recurrence, options, LoweringLevel::Llvm);
  if (!lowered)
    return lowered.takeError();
  return Inspector(recurrence, options, *lowered).run(disassembled);
}
