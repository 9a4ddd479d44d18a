// NVVM kernels as functions of this process.

#include "codegen/emulator/EmulatedModule.h"
#include "codegen/emulator/HostIntrinsics.h"
#include "codegen/emulator/Instrument.h"
#include "codegen/emulator/Operations.h"
#include "codegen/emulator/Rounding.h"
#include "codegen/lowering/Machine.h"
#include "llvm/IR/DebugInfo.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/Module.h"

using namespace ssm;
using namespace ssm::emulator;
using llvm::Error;
using llvm::Expected;
using llvm::StringRef;

namespace {
using Entry = void (*)(const int64_t *words);

/// The JIT owns the code, which calls back by the numbers of the program.
class JitModule : public EmulatedModule {
public:
  const Program &getProgram() const override { return program; }

  Error run(StringRef kernel, llvm::ArrayRef<int64_t> words, GridOptions grid) const override {
    Entry entry = entries.lookup(kernel);
    grid.program = &program;
    grid.kernel = kernel.str();
    return runGrid(grid, [&] { entry(words.data()); });
  }

  OperationCounts takeOperations(StringRef kernel) override { return profile.take(kernel); }

  Error compile(llvm::orc::ThreadSafeModule whole, llvm::ArrayRef<std::string> kernels, const ModuleOptions &options) {
    llvm::Module *module = whole.getModuleUnlocked();
    if (Error error = instrument(*module, program, {options.accesses}))
      return error;
    if (options.countsOperations)
      profile = profileOperations(*module);
    llvm::StripDebugInfo(*module);
    Expected<CompileTarget> host = parseTarget("cpu");
    if (!host)
      return host.takeError();
    Expected<std::unique_ptr<llvm::TargetMachine>> machine = createMachine(*host);
    if (!machine)
      return machine.takeError();
    module->setTargetTriple((*machine)->getTargetTriple());
    module->setDataLayout((*machine)->createDataLayout());
    for (const std::string &kernel : kernels)
      addEntry(*module, kernel);
    if (Error error = replaceIntrinsics(*module, program))
      return error;
    widenBounds(*module);
    expandBf16Rounding(*module);
    optimize(*module, **machine);
    return link(std::move(whole), kernels);
  }

private:
  Error link(llvm::orc::ThreadSafeModule module, llvm::ArrayRef<std::string> kernels) {
    Expected<std::unique_ptr<llvm::orc::LLJIT>> made = llvm::orc::LLJITBuilder().create();
    if (!made)
      return made.takeError();
    jit = std::move(*made);
    if (Error error = defineSymbols(*jit))
      return error;
    if (Error error = jit->addIRModule(std::move(module)))
      return error;
    for (const std::string &kernel : kernels) {
      Expected<llvm::orc::ExecutorAddr> address = jit->lookup(kernel + "_emulated");
      if (!address)
        return address.takeError();
      entries[kernel] = address->toPtr<Entry>();
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

  Program program;
  OperationProfile profile;
  std::unique_ptr<llvm::orc::LLJIT> jit;
  llvm::StringMap<Entry> entries;
};
} // namespace

Expected<std::unique_ptr<EmulatedModule>> ssm::emulator::compileModule(llvm::orc::ThreadSafeModule module,
                                                                       llvm::ArrayRef<std::string> kernels,
                                                                       const ModuleOptions &options) {
  auto compiled = std::make_unique<JitModule>();
  if (Error error = compiled->compile(std::move(module), kernels, options))
    return std::move(error);
  return std::unique_ptr<EmulatedModule>(std::move(compiled));
}
