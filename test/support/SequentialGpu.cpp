#include "test/support/SequentialGpu.h"
#include "codegen/lowering/Machine.h"
#include "llvm/ExecutionEngine/Orc/LLJIT.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/Module.h"

using namespace ssm;
using namespace ssm::test;
using llvm::Error;
using llvm::Expected;

namespace {

Error standIn(llvm::Function &function, llvm::ArrayRef<std::pair<llvm::StringRef, llvm::GlobalVariable *>> registers) {
  llvm::StringRef name = function.getName();
  llvm::Module &module = *function.getParent();
  auto *host = llvm::Function::Create(function.getFunctionType(), llvm::GlobalValue::InternalLinkage, "host", module);
  llvm::IRBuilder<> builder(llvm::BasicBlock::Create(module.getContext(), "", host));
  auto one = [&] { return llvm::ConstantFP::get(host->getReturnType(), 1); };
  for (auto &[part, variable] : registers)
    if (name.contains(part)) {
      builder.CreateRet(builder.CreateLoad(builder.getInt32Ty(), variable));
      function.replaceAllUsesWith(host);
      return Error::success();
    }
  if (name.contains("ex2.approx"))
    builder.CreateRet(builder.CreateUnaryIntrinsic(llvm::Intrinsic::exp2, host->getArg(0)));
  else if (name.contains("rcp.approx"))
    builder.CreateRet(builder.CreateFDiv(one(), host->getArg(0)));
  else if (name.contains("rsqrt.approx"))
    builder.CreateRet(builder.CreateFDiv(one(), builder.CreateUnaryIntrinsic(llvm::Intrinsic::sqrt, host->getArg(0))));
  else
    return llvm::createStringError("no stand-in for " + name);
  function.replaceAllUsesWith(host);
  return Error::success();
}

class Sequential : public SequentialGpu {
public:
  Error build(RecurrenceOp recurrence, const LoweringOptions &options) {
    Expected<Lowered> result = lower(recurrence, options, LoweringLevel::Llvm);
    if (!result)
      return result.takeError();
    made = std::move(*result);
    auto context = std::make_unique<llvm::LLVMContext>();
    Expected<std::unique_ptr<llvm::Module>> module = translate(made, options.target, *context);
    if (!module)
      return module.takeError();
    Expected<CompileTarget> host = parseTarget("cpu");
    if (!host)
      return host.takeError();
    Expected<std::unique_ptr<llvm::TargetMachine>> machine = createMachine(*host);
    if (!machine)
      return machine.takeError();
    (*module)->setTargetTriple((*machine)->getTargetTriple());
    (*module)->setDataLayout((*machine)->createDataLayout());
    if (Error error = replaceIntrinsics(**module))
      return error;
    addEntry(**module);
    optimize(**module, **machine);
    Expected<std::unique_ptr<llvm::orc::LLJIT>> built = llvm::orc::LLJITBuilder().create();
    if (!built)
      return built.takeError();
    jit = std::move(*built);
    if (Error error = jit->addIRModule(llvm::orc::ThreadSafeModule(std::move(*module), std::move(context))))
      return error;
    auto address = jit->lookup("run_thread");
    if (!address)
      return address.takeError();
    thread = address->toPtr<void (*)(const int64_t *, int, int, int)>();
    return Error::success();
  }

  const Lowered &lowered() const override { return made; }

  void launch(std::vector<int64_t> words, int64_t tasks, unsigned blocks) override {
    words.push_back(tasks);
    for (unsigned block = 0; block < blocks; ++block)
      for (int64_t number = 0; number < made.main().placement.threads(); ++number)
        thread(words.data(), block, blocks, number);
  }

private:
  Error replaceIntrinsics(llvm::Module &module) {
    auto variable = [&](const char *name) {
      llvm::Type *type = llvm::Type::getInt32Ty(module.getContext());
      return new llvm::GlobalVariable(module, type, false, llvm::GlobalValue::InternalLinkage,
                                      llvm::ConstantInt::get(type, 0), name);
    };
    registers = {
        {"sreg.nctaid.x", variable("blocks")}, {"sreg.ctaid.x", variable("block")}, {"sreg.tid.x", variable("thread")}};
    for (llvm::Function &function : module) {
      if (function.getName().starts_with("llvm.nvvm"))
        if (Error error = standIn(function, registers))
          return error;
      function.setCallingConv(llvm::CallingConv::C);
    }
    return Error::success();
  }

  /// void run_thread(const i64 *words, i32 block, i32 blocks, i32 thread)
  void addEntry(llvm::Module &module) {
    llvm::LLVMContext &context = module.getContext();
    llvm::Type *i32 = llvm::Type::getInt32Ty(context);
    llvm::Function *kernel = module.getFunction(made.main().name);
    auto *type = llvm::FunctionType::get(llvm::Type::getVoidTy(context),
                                         {llvm::PointerType::get(context, 0), i32, i32, i32}, false);
    auto *entry = llvm::Function::Create(type, llvm::GlobalValue::ExternalLinkage, "run_thread", module);
    llvm::IRBuilder<> builder(llvm::BasicBlock::Create(context, "", entry));
    builder.CreateStore(entry->getArg(1), registers[1].second);
    builder.CreateStore(entry->getArg(2), registers[0].second);
    builder.CreateStore(entry->getArg(3), registers[2].second);
    std::vector<llvm::Value *> arguments;
    for (llvm::Argument &argument : kernel->args())
      arguments.push_back(builder.CreateLoad(
          argument.getType(), builder.CreateConstGEP1_64(builder.getInt64Ty(), entry->getArg(0), argument.getArgNo())));
    builder.CreateCall(kernel, arguments);
    builder.CreateRetVoid();
  }

  Lowered made;
  std::vector<std::pair<llvm::StringRef, llvm::GlobalVariable *>> registers;
  std::unique_ptr<llvm::orc::LLJIT> jit;
  void (*thread)(const int64_t *, int, int, int) = nullptr;
};
} // namespace

Expected<std::unique_ptr<SequentialGpu>> SequentialGpu::create(RecurrenceOp recurrence,
                                                               const LoweringOptions &options) {
  auto result = std::make_unique<Sequential>();
  if (Error error = result->build(recurrence, options))
    return std::move(error);
  return std::unique_ptr<SequentialGpu>(std::move(result));
}
