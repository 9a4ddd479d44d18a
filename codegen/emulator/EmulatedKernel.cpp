// Kernels for a GPU in this process.

#include "codegen/emulator/EmulatedKernel.h"
#include "codegen/emulator/HostIntrinsics.h"
#include "codegen/emulator/Rounding.h"
#include "codegen/emulator/Threads.h"
#include "codegen/lowering/Machine.h"
#include "llvm/ExecutionEngine/Orc/LLJIT.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/Module.h"

using namespace mlir;
using namespace ssm;
using llvm::Error;
using llvm::Expected;

namespace {
/// Blocks of a launch: what waits for its turn is listed, and any grid is right.
constexpr int64_t maxBlocks = 65536;

/// One compiled variant, a function a kernel. The JIT owns the code.
struct Variant {
  std::unique_ptr<llvm::orc::LLJIT> jit;
  std::vector<void (*)(const int64_t *words)> kernels;
  size_t sharedBytes = 0;
};

class JitEmulated : public EmulatedKernel {
public:
  JitEmulated(RecurrenceOp recurrence, std::string schedule, EmulatorOptions options, SizeHints hints)
      : recurrence(recurrence), wanted(std::move(schedule)), options(std::move(options)), hints(std::move(hints)) {}

  const std::string &schedule() const override { return wanted; }

  Error compile(bool packed) {
    Expected<CompileTarget> target = parseTarget(options.target);
    if (!target)
      return target.takeError();
    Expected<Lowered> lowered = lower(recurrence, {*target, wanted, packed, hints}, LoweringLevel::Llvm);
    if (!lowered)
      return lowered.takeError();
    auto context = std::make_unique<llvm::LLVMContext>();
    Expected<std::unique_ptr<llvm::Module>> module = translate(*lowered, *target, *context);
    if (!module)
      return module.takeError();
    kernels = lowered->kernels;
    // Both variants follow one schedule.
    wanted = lowered->schedule;
    return link(std::move(*module), std::move(context), variants[packed]);
  }

  Error run(const KernelArguments &arguments, uint64_t seed) override {
    Expected<PreparedCall> call = prepareCall(recurrence, kernels, arguments);
    if (!call)
      return call.takeError();
    Variant &variant = variants[call->packed];
    if (variant.kernels.empty())
      if (Error error = compile(call->packed))
        return error;
    for (auto [kernel, entry, launch] : llvm::zip_equal(kernels, variant.kernels, call->launches)) {
      if (launch.tasks == 0)
        continue;
      emulator::GridOptions grid;
      grid.kernel = kernel.name;
      grid.blocks = std::min(launch.tasks, options.blocks ? options.blocks : maxBlocks);
      grid.threads = kernel.placement.threads();
      grid.residentBlocks = options.residentBlocks;
      grid.sharedBytes = variant.sharedBytes;
      grid.seed = seed;
      // How many tasks there are is the last argument.
      launch.words.push_back(launch.tasks);
      if (Error error = emulator::runGrid(grid, [&] { entry(launch.words.data()); }))
        return error;
    }
    return Error::success();
  }

private:
  Error link(std::unique_ptr<llvm::Module> module, std::unique_ptr<llvm::LLVMContext> context, Variant &variant) {
    Expected<CompileTarget> host = parseTarget("cpu");
    if (!host)
      return host.takeError();
    Expected<std::unique_ptr<llvm::TargetMachine>> machine = createMachine(*host);
    if (!machine)
      return machine.takeError();
    module->setTargetTriple((*machine)->getTargetTriple());
    module->setDataLayout((*machine)->createDataLayout());
    for (const LoweredKernel &kernel : kernels)
      addEntry(*module, kernel.name);
    if (Error error = emulator::replaceIntrinsics(*module, variant.sharedBytes))
      return error;
    emulator::expandBf16Rounding(*module);
    optimize(*module, **machine);
    Expected<std::unique_ptr<llvm::orc::LLJIT>> jit = llvm::orc::LLJITBuilder().create();
    if (!jit)
      return jit.takeError();
    variant.jit = std::move(*jit);
    if (Error error = emulator::defineSymbols(*variant.jit))
      return error;
    if (Error error = variant.jit->addIRModule(llvm::orc::ThreadSafeModule(std::move(module), std::move(context))))
      return error;
    for (const LoweredKernel &kernel : kernels) {
      Expected<llvm::orc::ExecutorAddr> address = variant.jit->lookup(kernel.name + "_emulated");
      if (!address)
        return address.takeError();
      variant.kernels.push_back(address->toPtr<void (*)(const int64_t *)>());
    }
    return Error::success();
  }

  /// void NAME_emulated(const i64 *words)
  static void addEntry(llvm::Module &module, const std::string &name) {
    llvm::LLVMContext &context = module.getContext();
    llvm::Function *kernel = module.getFunction(name);
    auto *type = llvm::FunctionType::get(llvm::Type::getVoidTy(context), {llvm::PointerType::get(context, 0)}, false);
    auto *entry = llvm::Function::Create(type, llvm::GlobalValue::ExternalLinkage, name + "_emulated", module);
    llvm::IRBuilder<> builder(llvm::BasicBlock::Create(context, "", entry));
    std::vector<llvm::Value *> arguments;
    for (llvm::Argument &argument : kernel->args())
      arguments.push_back(builder.CreateLoad(
          argument.getType(), builder.CreateConstGEP1_64(builder.getInt64Ty(), entry->getArg(0), argument.getArgNo())));
    builder.CreateCall(kernel, arguments);
    builder.CreateRetVoid();
  }

  RecurrenceOp recurrence;
  std::string wanted;
  EmulatorOptions options;
  SizeHints hints;
  std::vector<LoweredKernel> kernels;
  Variant variants[2];
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
