// A GPU's intrinsics on this processor.

#include "codegen/emulator/HostIntrinsics.h"
#include "codegen/emulator/Threads.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/ReplaceConstant.h"

using namespace ssm::emulator;
using llvm::Error;
using llvm::StringRef;
using llvm::Value;

namespace {
constexpr unsigned sharedSpace = 3;

/// Writes the body of one intrinsic's replacement.
class Replacement {
public:
  explicit Replacement(llvm::Function &intrinsic)
      : intrinsic(intrinsic), module(*intrinsic.getParent()), builder(module.getContext()) {
    host = llvm::Function::Create(intrinsic.getFunctionType(), llvm::GlobalValue::InternalLinkage,
                                  "host." + intrinsic.getName(), module);
    builder.SetInsertPoint(llvm::BasicBlock::Create(module.getContext(), "", host));
  }

  Error replace() {
    Value *result = value();
    if (!result)
      return llvm::createStringError("emulated device: the intrinsic " + intrinsic.getName() + " is not known to it");
    if (host->getReturnType()->isVoidTy())
      builder.CreateRetVoid();
    else
      builder.CreateRet(result);
    intrinsic.replaceAllUsesWith(host);
    return Error::success();
  }

private:
  Value *argument(unsigned number) { return host->getArg(number); }

  Value *call(StringRef name, llvm::Type *result, llvm::ArrayRef<Value *> arguments = {}) {
    llvm::SmallVector<llvm::Type *> types;
    for (Value *argument : arguments)
      types.push_back(argument->getType());
    return builder.CreateCall(
        module.getOrInsertFunction((hostPrefix + name).str(), llvm::FunctionType::get(result, types, false)),
        arguments);
  }

  /// The intrinsic's result, nothing where it is not known. Of one without a result, anything.
  Value *value() {
    StringRef name = intrinsic.getName();
    if (!name.consume_front("llvm.nvvm."))
      return nullptr;
    if (name.consume_front("read.ptx.sreg."))
      return specialRegister(name);
    if (name == "barrier0" || name == "barrier.cta.sync.aligned.all")
      return call("barrier", builder.getVoidTy());
    if (name == "bar.warp.sync")
      return exchange(WarpOp::Sync, argument(0), builder.getInt32(0));
    if (name == "nanosleep")
      return call("pause", builder.getVoidTy());
    if (name == "membar.cta" || name == "fence.sc.cluster")
      return fence(Scope::Block);
    if (name == "membar.gl" || name == "membar.sys")
      return fence(Scope::Device);
    if (name.consume_front("shfl.sync."))
      return shuffle(name);
    if (name.consume_front("vote."))
      return vote(name);
    return function(name);
  }

  Value *specialRegister(StringRef name) {
    if (name.ends_with(".y") || name.ends_with(".z")) {
      bool isCount = name.starts_with("n");
      return builder.getInt32(isCount ? 1 : 0);
    }
    if (name == "laneid")
      return builder.CreateAnd(call("threadNumber", builder.getInt32Ty()), builder.getInt32(31));
    StringRef callee = llvm::StringSwitch<StringRef>(name)
                           .Case("tid.x", "threadNumber")
                           .Case("ntid.x", "threadCount")
                           .Case("ctaid.x", "blockNumber")
                           .Case("nctaid.x", "blockCount")
                           .Default("");
    return callee.empty() ? nullptr : call(callee, builder.getInt32Ty());
  }

  Value *fence(Scope scope) {
    return call(
        "fence", builder.getVoidTy(),
        {builder.getInt32(static_cast<int32_t>(Order::AcquireRelease)), builder.getInt32(static_cast<int32_t>(scope))});
  }

  Value *exchange(WarpOp op, Value *mask, Value *word, Value *lane = nullptr, Value *clamp = nullptr) {
    Value *none = builder.getInt32(0);
    return call("exchange", builder.getInt32Ty(),
                {builder.getInt32(static_cast<int32_t>(op)), mask, word, lane ? lane : none, clamp ? clamp : none});
  }

  Value *shuffle(StringRef name) {
    auto [mode, type] = name.split('.');
    auto op = llvm::StringSwitch<std::optional<WarpOp>>(mode)
                  .Case("idx", WarpOp::ShuffleIdx)
                  .Case("up", WarpOp::ShuffleUp)
                  .Case("down", WarpOp::ShuffleDown)
                  .Case("bfly", WarpOp::ShuffleXor)
                  .Default(std::nullopt);
    // With a predicate there is a second result.
    if (!op || (type != "i32" && type != "f32"))
      return nullptr;
    Value *word = builder.CreateBitCast(argument(1), builder.getInt32Ty());
    return builder.CreateBitCast(exchange(*op, argument(0), word, argument(2), argument(3)), host->getReturnType());
  }

  Value *vote(StringRef name) {
    auto op = llvm::StringSwitch<std::optional<WarpOp>>(name)
                  .Case("any.sync", WarpOp::Any)
                  .Case("all.sync", WarpOp::All)
                  .Case("ballot.sync", WarpOp::Ballot)
                  .Default(std::nullopt);
    if (!op)
      return nullptr;
    Value *result = exchange(*op, argument(0), builder.CreateZExt(argument(1), builder.getInt32Ty()));
    return *op == WarpOp::Ballot ? result : builder.CreateICmpNE(result, builder.getInt32(0));
  }

  /// Functions of the special-function unit, correctly rounded where the device's are not; `.ftz` takes numbers below
  /// the normal ones for 0 and gives 0 for them.
  Value *function(StringRef name) {
    if (host->arg_size() != 1 || !host->getReturnType()->isFloatingPointTy())
      return nullptr;
    bool flushes = name.contains(".ftz");
    Value *x = flushes ? flush(argument(0)) : argument(0);
    llvm::Constant *one = llvm::ConstantFP::get(host->getReturnType(), 1);
    auto unary = [&](llvm::Intrinsic::ID id) { return builder.CreateUnaryIntrinsic(id, x); };
    Value *result = nullptr;
    if (name.starts_with("ex2.approx"))
      result = unary(llvm::Intrinsic::exp2);
    else if (name.starts_with("lg2.approx"))
      result = unary(llvm::Intrinsic::log2);
    else if (name.starts_with("rcp."))
      result = builder.CreateFDiv(one, x);
    else if (name.starts_with("rsqrt.approx"))
      result = builder.CreateFDiv(one, unary(llvm::Intrinsic::sqrt));
    else if (name.starts_with("sqrt."))
      result = unary(llvm::Intrinsic::sqrt);
    else if (name.starts_with("sin.approx"))
      result = unary(llvm::Intrinsic::sin);
    else if (name.starts_with("cos.approx"))
      result = unary(llvm::Intrinsic::cos);
    return result && flushes ? flush(result) : result;
  }

  Value *flush(Value *x) {
    llvm::Type *type = x->getType();
    Value *size = builder.CreateUnaryIntrinsic(llvm::Intrinsic::fabs, x);
    auto least = llvm::APFloat::getSmallestNormalized(type->getFltSemantics());
    Value *isSmall = builder.CreateFCmpOLT(size, llvm::ConstantFP::get(type, least));
    Value *zero = builder.CreateBinaryIntrinsic(llvm::Intrinsic::copysign, llvm::ConstantFP::get(type, 0), x);
    return builder.CreateSelect(isSmall, zero, x);
  }

  llvm::Function &intrinsic, *host;
  llvm::Module &module;
  llvm::IRBuilder<> builder;
};

/// Globals that a block shares become places in the block's memory, which each thread asks for once. Each begins a line
/// of 128 bytes, so that banks are those that the kernel means, with bytes of no one's before the next. What has no
/// size of its own comes last, where the launch adds bytes.
void placeShared(llvm::Module &module, Program &program) {
  llvm::SmallVector<llvm::GlobalVariable *> globals;
  for (llvm::GlobalVariable &global : module.globals())
    if (global.getAddressSpace() == sharedSpace)
      globals.push_back(&global);
  llvm::DenseMap<llvm::Function *, Value *> bases;
  auto baseIn = [&](llvm::Function &function) {
    Value *&base = bases[&function];
    if (!base) {
      llvm::IRBuilder<> builder(&*function.getEntryBlock().getFirstInsertionPt());
      auto type = llvm::FunctionType::get(builder.getPtrTy(), false);
      base = builder.CreateCall(module.getOrInsertFunction(std::string(hostPrefix) + "sharedMemory", type));
    }
    return base;
  };
  constexpr size_t line = 128, apart = 16;
  for (llvm::GlobalVariable *global : globals) {
    size_t bytes = module.getDataLayout().getTypeAllocSize(global->getValueType());
    bool isDynamic = bytes == 0 && global->isDeclaration();
    // LLVM raises an alignment where wide accesses gain by it, and says it of these.
    size_t aligned = std::max<size_t>(line, global->getAlign().valueOrOne().value());
    program.sharedAlignment = std::max(program.sharedAlignment, aligned);
    program.sharedBytes = llvm::alignTo(program.sharedBytes, aligned);
    program.globals.push_back({global->getName().str(), program.sharedBytes, bytes, isDynamic});
    if (!isDynamic)
      program.sharedBytes = (program.sharedBytes + bytes + apart + line - 1) / line * line;
  }
  for (auto [global, placed] : llvm::zip_equal(globals, program.globals)) {
    if (placed.dynamic)
      placed.offset = program.sharedBytes;
    llvm::convertUsersOfConstantsToInstructions({global});
    for (llvm::Use &use : llvm::make_early_inc_range(global->uses())) {
      auto *user = llvm::cast<llvm::Instruction>(use.getUser());
      auto *base = llvm::cast<llvm::Instruction>(baseIn(*user->getFunction()));
      llvm::IRBuilder<> builder(base->getNextNode());
      Value *place = builder.CreateConstGEP1_64(builder.getInt8Ty(), base, placed.offset);
      use.set(builder.CreateAddrSpaceCast(place, global->getType()));
    }
    global->eraseFromParent();
  }
}
} // namespace

Error ssm::emulator::replaceIntrinsics(llvm::Module &module, Program &program) {
  placeShared(module, program);
  llvm::SmallVector<llvm::Function *> functions;
  for (llvm::Function &function : module)
    functions.push_back(&function);
  for (llvm::Function *function : functions) {
    if (function->getName().starts_with("llvm.nvvm.")) {
      if (function->use_empty())
        continue;
      if (Error error = Replacement(*function).replace())
        return error;
      function->eraseFromParent();
      continue;
    }
    function->setCallingConv(llvm::CallingConv::C);
    // A thread that waits when the grid stops is unwound.
    if (!function->isDeclaration())
      function->setUWTableKind(llvm::UWTableKind::Async);
  }
  return Error::success();
}

Error ssm::emulator::defineSymbols(llvm::orc::LLJIT &jit) {
  llvm::orc::SymbolMap symbols;
  auto define = [&](const char *name, auto *function) {
    symbols[jit.mangleAndIntern(std::string(hostPrefix) + name)] = {
        llvm::orc::ExecutorAddr::fromPtr(function), llvm::JITSymbolFlags::Exported | llvm::JITSymbolFlags::Callable};
  };
  define("threadNumber", threadNumber);
  define("threadCount", threadCount);
  define("blockNumber", blockNumber);
  define("blockCount", blockCount);
  define("sharedMemory", sharedMemory);
  define("barrier", barrier);
  define("exchange", exchange);
  define("pause", pause);
  define("access", access);
  define("accessLocal", accessLocal);
  define("beginAtomic", beginAtomic);
  define("endAtomic", endAtomic);
  define("fence", fence);
  define("copyAsync", copyAsync);
  define("commitCopies", commitCopies);
  define("waitForCopies", waitForCopies);
  return jit.getMainJITDylib().define(llvm::orc::absoluteSymbols(symbols));
}
