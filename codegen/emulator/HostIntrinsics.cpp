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
constexpr const char *prefix = "ssm.emulator.";

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
        module.getOrInsertFunction((prefix + name).str(), llvm::FunctionType::get(result, types, false)), arguments);
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

/// Globals that a block shares become places in the block's memory, which each thread asks for once.
void placeShared(llvm::Module &module, size_t &sharedBytes) {
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
      base = builder.CreateCall(module.getOrInsertFunction(std::string(prefix) + "sharedMemory", type));
    }
    return base;
  };
  for (llvm::GlobalVariable *global : globals) {
    llvm::convertUsersOfConstantsToInstructions({global});
    size_t align = global->getAlign().valueOrOne().value();
    size_t offset = (sharedBytes + align - 1) / align * align;
    sharedBytes = offset + module.getDataLayout().getTypeAllocSize(global->getValueType());
    for (llvm::Use &use : llvm::make_early_inc_range(global->uses())) {
      auto *user = llvm::cast<llvm::Instruction>(use.getUser());
      auto *base = llvm::cast<llvm::Instruction>(baseIn(*user->getFunction()));
      llvm::IRBuilder<> builder(base->getNextNode());
      Value *place = builder.CreateConstGEP1_64(builder.getInt8Ty(), base, offset);
      use.set(builder.CreateAddrSpaceCast(place, global->getType()));
    }
    global->eraseFromParent();
  }
}
} // namespace

Error ssm::emulator::replaceIntrinsics(llvm::Module &module, size_t &sharedBytes) {
  sharedBytes = 0;
  placeShared(module, sharedBytes);
  llvm::SmallVector<llvm::Function *> functions;
  for (llvm::Function &function : module)
    functions.push_back(&function);
  for (llvm::Function *function : functions) {
    if (function->getName().starts_with("llvm.nvvm.")) {
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
    symbols[jit.mangleAndIntern(std::string(prefix) + name)] = {
        llvm::orc::ExecutorAddr::fromPtr(function), llvm::JITSymbolFlags::Exported | llvm::JITSymbolFlags::Callable};
  };
  define("threadNumber", threadNumber);
  define("threadCount", threadCount);
  define("blockNumber", blockNumber);
  define("blockCount", blockCount);
  define("sharedMemory", sharedMemory);
  define("barrier", barrier);
  define("exchange", exchange);
  return jit.getMainJITDylib().define(llvm::orc::absoluteSymbols(symbols));
}
