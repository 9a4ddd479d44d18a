// Kernels for a GPU in this process.

#include "codegen/emulator/EmulatedKernel.h"
#include "codegen/emulator/EmulatedModule.h"
#include "codegen/lowering/Machine.h"
#include "llvm/IR/Module.h"

using namespace mlir;
using namespace ssm;
using llvm::Error;
using llvm::Expected;

namespace {
/// Blocks of a launch: what waits for its turn is listed, and any grid is right.
constexpr int64_t maxBlocks = 65536;

/// The arrays of all kernels of a call, in order.
std::vector<emulator::Array> arraysOf(const PreparedCall &call) {
  std::vector<emulator::Array> arrays;
  for (const KernelLaunch &launch : call.launches)
    for (const LaunchArray &array : launch.arrays) {
      DType type = array.tensor.dtype();
      arrays.push_back({array.name, array.tensor.data(), static_cast<uint32_t>(itemSize(type)),
                        static_cast<uint32_t>(itemSize(realType(type))), array.tensor.shape(), array.tensor.strides(),
                        array.writable, array.initialized});
    }
  return arrays;
}

class JitEmulated : public EmulatedKernel {
public:
  JitEmulated(RecurrenceOp recurrence, std::string schedule, EmulatorOptions options, SizeHints hints)
      : recurrence(recurrence), wanted(std::move(schedule)), options(std::move(options)), hints(std::move(hints)) {}

  const std::string &schedule() const override { return wanted; }

  Error compile(bool packed) {
    Expected<CompileTarget> target = parseTarget(options.target);
    if (!target)
      return target.takeError();
    LoweringOptions lowering{*target, wanted, packed, hints};
    lowering.locations = options.checkAccesses;
    Expected<Lowered> lowered = lower(recurrence, lowering, LoweringLevel::Llvm);
    if (!lowered)
      return lowered.takeError();
    auto context = std::make_unique<llvm::LLVMContext>();
    Expected<std::unique_ptr<llvm::Module>> module = translate(*lowered, *target, *context);
    if (!module)
      return module.takeError();
    kernels[packed] = lowered->kernels;
    // Both variants follow one schedule.
    wanted = lowered->schedule;
    // As it becomes PTX.
    Expected<std::unique_ptr<llvm::TargetMachine>> machine = createMachine(*target);
    if (!machine)
      return machine.takeError();
    optimize(**module, **machine);
    if (options.change)
      options.change(**module);
    std::vector<std::string> names;
    for (const LoweredKernel &kernel : kernels[packed])
      names.push_back(kernel.name);
    // The module goes before its context, whatever happens.
    llvm::orc::ThreadSafeModule whole(std::move(*module), std::move(context));
    return emulator::compileModule(std::move(whole), names,
                                   {options.checkAccesses || options.statistics, options.statistics})
        .moveInto(variants[packed]);
  }

  Error run(const KernelArguments &arguments, uint64_t seed) override {
    Expected<PreparedCall> call = prepareCall(recurrence, kernels[true], arguments, order);
    if (!call)
      return call.takeError();
    if (!variants[call->packed])
      if (Error error = compile(call->packed))
        return error;
    emulator::EmulatedModule &module = *variants[call->packed];
    counted = {};
    for (const auto &[name, output] : arguments.outputs)
      counted.elements = std::max(counted.elements, static_cast<uint64_t>(output.numElements()));
    const std::vector<emulator::Array> arrays = arraysOf(*call);
    std::optional<emulator::Memory> memory;
    if (options.checkAccesses)
      memory.emplace(module.getProgram(), arrays);
    int firstArray = 0;
    for (auto [kernel, launch] : llvm::zip_equal(kernels[call->packed], call->launches)) {
      std::vector<int> arrayOfArgument(launch.words.size(), -1);
      for (auto [number, array] : llvm::enumerate(launch.arrays))
        arrayOfArgument[array.word] = firstArray + static_cast<int>(number);
      firstArray += static_cast<int>(launch.arrays.size());
      if (launch.tasks == 0)
        continue;
      emulator::GridOptions grid;
      grid.blocks = std::min(launch.tasks, options.blocks ? options.blocks : maxBlocks);
      grid.threads = kernel.placement.threads();
      grid.residentBlocks = options.residentBlocks;
      grid.sharedBytes = static_cast<size_t>(kernel.dynamicShared);
      grid.seed = seed;
      if (memory) {
        memory->beginLaunch(grid.threads, std::move(arrayOfArgument));
        grid.memory = &*memory;
      }
      emulator::KernelStatistics statistics;
      statistics.kernel = kernel.name;
      emulator::Requests requests(module.getProgram(), statistics, arrays);
      if (options.statistics)
        grid.requests = &requests;
      // How many tasks there are is the last argument.
      launch.words.push_back(launch.tasks);
      if (Error error = module.run(kernel.name, launch.words, grid))
        return error;
      if (options.statistics) {
        statistics.operations = module.takeOperations(kernel.name);
        counted.kernels.push_back(std::move(statistics));
      }
    }
    return Error::success();
  }

  const RunStatistics &statistics() const override { return counted; }

private:
  RecurrenceOp recurrence;
  std::string wanted;
  EmulatorOptions options;
  SizeHints hints;
  /// By whether they are the packed variant's.
  std::vector<LoweredKernel> kernels[2];
  std::unique_ptr<emulator::EmulatedModule> variants[2];
  RunStatistics counted;
  KeptOrder order;
};
} // namespace

Expected<std::unique_ptr<EmulatedKernel>> ssm::compileForEmulator(RecurrenceOp recurrence, const std::string &schedule,
                                                                  const EmulatorOptions &options,
                                                                  const SizeHints &hints) {
  auto kernel = std::make_unique<JitEmulated>(recurrence, schedule, options, hints);
  if (Error error = kernel->compile(/*packed=*/true))
    return std::move(error);
  return std::unique_ptr<EmulatedKernel>(std::move(kernel));
}
