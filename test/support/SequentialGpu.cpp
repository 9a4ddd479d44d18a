#include "test/support/SequentialGpu.h"
#include "codegen/lowering/Machine.h"
#include "llvm/ExecutionEngine/Orc/LLJIT.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/Module.h"

#include <boost/context/fiber.hpp>

using namespace ssm;
using namespace ssm::test;
using llvm::Error;
using llvm::Expected;

namespace {
/// The threads of a block in turns, each up to where it waits for the others.
struct Turns {
  using Fiber = boost::context::fiber;
  struct Thread {
    Fiber fiber, scheduler;
  };
  std::vector<Thread> threads;
  std::vector<int> words[2];
  std::vector<size_t> waits;
  size_t running = 0;

  void run(size_t count, const std::function<void(int)> &body) {
    threads = std::vector<Thread>(count);
    words[0].assign(count, 0);
    words[1].assign(count, 0);
    waits.assign(count, 0);
    for (size_t number = 0; number < count; ++number)
      threads[number].fiber = Fiber([this, number, &body](Fiber &&from) {
        threads[number].scheduler = std::move(from);
        body(number);
        return std::move(threads[number].scheduler);
      });
    for (bool isLeft = true; isLeft;) {
      isLeft = false;
      for (running = 0; running < count; ++running)
        if (Fiber &fiber = threads[running].fiber) {
          fiber = std::move(fiber).resume();
          isLeft |= bool(fiber);
        }
    }
  }

  void wait() {
    size_t own = running;
    ++waits[own];
    threads[own].scheduler = std::move(threads[own].scheduler).resume();
  }

  int shuffle(int word, int lane) {
    size_t own = running, turn = waits[own] % 2;
    words[turn][own] = word;
    wait();
    return words[turn].at(own / 32 * 32 + lane % 32);
  }
};
thread_local Turns turns;

int threadNumber() { return turns.running; }
void waitForAll() { turns.wait(); }
int shuffleWord(int word, int lane) { return turns.shuffle(word, lane); }

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
  auto call = [&](llvm::StringRef callee, llvm::Type *result, llvm::ArrayRef<llvm::Value *> arguments) {
    std::vector<llvm::Type *> types;
    for (llvm::Value *argument : arguments)
      types.push_back(argument->getType());
    return builder.CreateCall(module.getOrInsertFunction(callee, llvm::FunctionType::get(result, types, false)),
                              arguments);
  };
  llvm::Type *i32 = builder.getInt32Ty();
  if (name.contains("sreg.tid.x"))
    builder.CreateRet(call("threadNumber", i32, {}));
  else if (name.contains("barrier")) {
    call("waitForAll", builder.getVoidTy(), {});
    builder.CreateRetVoid();
  } else if (name.contains("shfl.sync.idx"))
    builder.CreateRet(
        builder.CreateBitCast(call("shuffleWord", i32, {builder.CreateBitCast(host->getArg(1), i32), host->getArg(2)}),
                              host->getReturnType()));
  else if (name.contains("ex2.approx"))
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
    llvm::orc::SymbolMap symbols;
    auto define = [&](const char *name, auto *function) {
      symbols[jit->mangleAndIntern(name)] = {llvm::orc::ExecutorAddr::fromPtr(function),
                                             llvm::JITSymbolFlags::Exported | llvm::JITSymbolFlags::Callable};
    };
    define("threadNumber", threadNumber);
    define("waitForAll", waitForAll);
    define("shuffleWord", shuffleWord);
    if (Error error = jit->getMainJITDylib().define(llvm::orc::absoluteSymbols(symbols)))
      return error;
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
      turns.run(made.main().placement.threads(), [&](int number) { thread(words.data(), block, blocks, number); });
  }

private:
  Error replaceIntrinsics(llvm::Module &module) {
    auto variable = [&](const char *name) {
      llvm::Type *type = llvm::Type::getInt32Ty(module.getContext());
      return new llvm::GlobalVariable(module, type, false, llvm::GlobalValue::InternalLinkage,
                                      llvm::ConstantInt::get(type, 0), name);
    };
    registers = {{"sreg.nctaid.x", variable("blocks")}, {"sreg.ctaid.x", variable("block")}};
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
