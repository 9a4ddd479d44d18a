// Calls of the host before whatever touches memory.

#include "codegen/emulator/Instrument.h"
#include "codegen/emulator/HostIntrinsics.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/Analysis/ValueTracking.h"
#include "llvm/IR/DebugInfoMetadata.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/IntrinsicInst.h"
#include "llvm/IR/ModuleSlotTracker.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Support/Path.h"
#include "llvm/Transforms/Scalar/ScalarizeMaskedMemIntrin.h"

using namespace ssm::emulator;
using llvm::Error;
using llvm::Instruction;
using llvm::StringRef;
using llvm::Value;

namespace {
enum AddressSpace : unsigned { Generic = 0, Global = 1, SharedSpace = 3, Constant = 4, Local = 5 };

Order orderOf(llvm::AtomicOrdering ordering) {
  switch (ordering) {
  case llvm::AtomicOrdering::Acquire:
    return Order::Acquire;
  case llvm::AtomicOrdering::Release:
    return Order::Release;
  case llvm::AtomicOrdering::AcquireRelease:
  case llvm::AtomicOrdering::SequentiallyConsistent:
    return Order::AcquireRelease;
  default:
    return Order::Relaxed;
  }
}

class Instrumenter {
public:
  Instrumenter(llvm::Module &module, Program &program, const InstrumentOptions &options)
      : module(module), program(program), options(options), builder(module.getContext()), slots(&module) {
    for (llvm::GlobalVariable &global : module.globals())
      if (global.getAddressSpace() == SharedSpace)
        globals.push_back(&global);
  }

  Error run() {
    for (llvm::Function &function : module) {
      if (function.isDeclaration())
        continue;
      slots.incorporateFunction(function);
      llvm::SmallVector<Instruction *> instructions;
      for (Instruction &instruction : llvm::instructions(function))
        if (instruction.mayReadOrWriteMemory())
          instructions.push_back(&instruction);
      // All are named before any is added to, so that names are those of the module as it was.
      llvm::SmallVector<std::string> texts;
      for (Instruction *instruction : instructions)
        texts.push_back(textOf(*instruction));
      for (auto [instruction, text] : llvm::zip_equal(instructions, texts))
        if (Error error = add(*instruction, text))
          return error;
    }
    return Error::success();
  }

private:
  std::string textOf(const Instruction &instruction) {
    std::string text;
    llvm::raw_string_ostream stream(text);
    instruction.print(stream, slots);
    StringRef cut = StringRef(text).trim();
    return cut.substr(0, std::min(cut.find(", !"), cut.find(" #"))).str();
  }

  /// The site of an access through `pointer`, of `bytes` bytes where that is known.
  Site siteOf(const Instruction &instruction, const std::string &text, Value *pointer, uint64_t bytes,
              llvm::Align align) {
    Site site;
    site.kernel = instruction.getFunction()->getName().str();
    site.text = text;
    if (const llvm::DebugLoc &loc = instruction.getDebugLoc(); loc && loc.getLine())
      site.location = llvm::sys::path::filename(loc->getFilename()).str() + ":" + std::to_string(loc.getLine()) + ":" +
                      std::to_string(loc.getCol());
    site.bytes = static_cast<uint32_t>(bytes);
    site.align = static_cast<uint32_t>(align.value());
    place(site, instruction, pointer);
    return site;
  }

  void place(Site &site, const Instruction &instruction, Value *pointer) {
    const Value *object = llvm::getUnderlyingObject(pointer, /*MaxLookup=*/0);
    unsigned space = pointer->getType()->getPointerAddressSpace();
    if (auto *global = llvm::dyn_cast<llvm::GlobalVariable>(object); global && llvm::is_contained(globals, global)) {
      site.global = static_cast<int>(llvm::find(globals, global) - globals.begin());
      site.space = Space::Shared;
    } else if (auto *argument = llvm::dyn_cast<llvm::Argument>(object);
               argument && instruction.getFunction()->getCallingConv() == llvm::CallingConv::PTX_Kernel) {
      site.argument = static_cast<int>(argument->getArgNo());
      site.space = Space::Global;
    } else if (space == SharedSpace) {
      site.space = Space::Shared;
    } else if (space == Global) {
      site.space = Space::Global;
    }
  }

  llvm::CallInst *call(StringRef name, llvm::ArrayRef<Value *> arguments) {
    llvm::SmallVector<Value *> passed;
    llvm::SmallVector<llvm::Type *> types;
    for (Value *argument : arguments) {
      passed.push_back(argument->getType()->isPointerTy() ? builder.CreateAddrSpaceCast(argument, builder.getPtrTy())
                                                          : argument);
      types.push_back(passed.back()->getType());
    }
    auto *type = llvm::FunctionType::get(builder.getVoidTy(), types, false);
    return builder.CreateCall(module.getOrInsertFunction((hostPrefix + name).str(), type), passed);
  }

  Value *numberOf(Site site) {
    program.sites.push_back(std::move(site));
    return builder.getInt32(static_cast<uint32_t>(program.sites.size() - 1));
  }

  Error add(Instruction &instruction, const std::string &text) {
    builder.SetInsertPoint(&instruction);
    uint64_t bytes = 0;
    auto sizeOf = [&](llvm::Type *type) { return bytes = module.getDataLayout().getTypeStoreSize(type); };
    if (auto *load = llvm::dyn_cast<llvm::LoadInst>(&instruction)) {
      Site site = siteOf(instruction, text, load->getPointerOperand(), sizeOf(load->getType()), load->getAlign());
      site.reads = true;
      if (load->isVolatile() || load->isAtomic())
        return addAtomic(instruction, site, load->getPointerOperand(), load->getOrdering(), load->getSyncScopeID());
      return addAccess(site, load->getPointerOperand());
    }
    if (auto *store = llvm::dyn_cast<llvm::StoreInst>(&instruction)) {
      Site site = siteOf(instruction, text, store->getPointerOperand(), sizeOf(store->getValueOperand()->getType()),
                         store->getAlign());
      site.writes = true;
      if (store->isVolatile() || store->isAtomic())
        return addAtomic(instruction, site, store->getPointerOperand(), store->getOrdering(), store->getSyncScopeID());
      return addAccess(site, store->getPointerOperand());
    }
    if (auto *update = llvm::dyn_cast<llvm::AtomicRMWInst>(&instruction)) {
      Site site = siteOf(instruction, text, update->getPointerOperand(), sizeOf(update->getType()), update->getAlign());
      site.reads = site.writes = true;
      return addAtomic(instruction, site, update->getPointerOperand(), update->getOrdering(), update->getSyncScopeID());
    }
    if (auto *exchange = llvm::dyn_cast<llvm::AtomicCmpXchgInst>(&instruction)) {
      Site site = siteOf(instruction, text, exchange->getPointerOperand(),
                         sizeOf(exchange->getNewValOperand()->getType()), exchange->getAlign());
      site.reads = site.writes = site.compares = true;
      site.failureOrder = orderOf(exchange->getFailureOrdering());
      return addAtomic(instruction, site, exchange->getPointerOperand(), exchange->getSuccessOrdering(),
                       exchange->getSyncScopeID());
    }
    if (auto *fence = llvm::dyn_cast<llvm::FenceInst>(&instruction))
      return addFence(*fence);
    if (auto *copy = llvm::dyn_cast<llvm::AnyMemIntrinsic>(&instruction))
      return addBulk(*copy, text);
    return addIntrinsic(instruction, text);
  }

  /// Memory of the thread's own, and constants, are as large as they were made.
  Error addAccess(const Site &site, Value *pointer) {
    if (!options.accesses)
      return Error::success();
    const Value *object = llvm::getUnderlyingObject(pointer, /*MaxLookup=*/0);
    std::optional<llvm::TypeSize> size;
    if (auto *local = llvm::dyn_cast<llvm::AllocaInst>(object))
      size = local->getAllocationSize(module.getDataLayout());
    else if (auto *constant = llvm::dyn_cast<llvm::GlobalVariable>(object); constant && site.space != Space::Shared)
      size = module.getDataLayout().getTypeAllocSize(constant->getValueType());
    if (size) {
      call("accessLocal",
           {pointer, const_cast<Value *>(object), builder.getInt64(size->getFixedValue()), numberOf(site)});
      return Error::success();
    }
    if (pointer->getType()->getPointerAddressSpace() == Local)
      return Error::success();
    call("access", {pointer, builder.getInt64(site.bytes), numberOf(site)});
    return Error::success();
  }

  std::optional<Scope> scopeOf(llvm::SyncScope::ID id) {
    llvm::SmallVector<StringRef> names;
    module.getContext().getSyncScopeNames(names);
    if (id == llvm::SyncScope::SingleThread)
      return std::nullopt;
    return names[id] == "block" || names[id] == "cluster" ? Scope::Block : Scope::Device;
  }

  Error addAtomic(Instruction &instruction, Site site, Value *pointer, llvm::AtomicOrdering ordering,
                  llvm::SyncScope::ID scope) {
    site.atomic = true;
    site.order = orderOf(ordering);
    // PTX ISA: volatile is relaxed at the scope of the system.
    site.scope = scopeOf(scope).value_or(Scope::Block);
    Value *number = numberOf(site);
    call("beginAtomic", {pointer, number});
    builder.SetInsertPoint(instruction.getNextNode());
    call("endAtomic", {pointer, number});
    return Error::success();
  }

  Error addFence(llvm::FenceInst &fence) {
    if (std::optional<Scope> scope = scopeOf(fence.getSyncScopeID()))
      call("fence", {builder.getInt32(static_cast<int32_t>(orderOf(fence.getOrdering()))),
                     builder.getInt32(static_cast<int32_t>(*scope))});
    fence.eraseFromParent();
    return Error::success();
  }

  Error addBulk(llvm::AnyMemIntrinsic &copy, const std::string &text) {
    if (!options.accesses)
      return Error::success();
    Value *length = builder.CreateZExtOrTrunc(copy.getLength(), builder.getInt64Ty());
    auto add = [&](Value *pointer, bool writes) {
      if (llvm::isa<llvm::AllocaInst>(llvm::getUnderlyingObject(pointer, /*MaxLookup=*/0)))
        return;
      Site site = siteOf(copy, text, pointer, 0, llvm::Align(1));
      site.writes = writes;
      site.reads = !writes;
      call("access", {pointer, length, numberOf(site)});
    };
    if (auto *transfer = llvm::dyn_cast<llvm::AnyMemTransferInst>(&copy))
      add(transfer->getRawSource(), false);
    add(copy.getRawDest(), true);
    return Error::success();
  }

  Error addIntrinsic(Instruction &instruction, const std::string &text) {
    auto *intrinsic = llvm::dyn_cast<llvm::IntrinsicInst>(&instruction);
    if (!intrinsic)
      return llvm::createStringError("emulated device: it does not know how '" + text + "' touches memory");
    StringRef name = intrinsic->getCalledFunction()->getName();
    if (name.starts_with("llvm.nvvm.cp.async."))
      return addCopy(*intrinsic, name, text);
    // NVVM's others are replaced later, or refused there.
    if (name.starts_with("llvm.nvvm.") || intrinsic->isAssumeLikeIntrinsic() || !touchesPointers(*intrinsic))
      return Error::success();
    return llvm::createStringError("emulated device: the intrinsic " + name + " is not known to it");
  }

  static bool touchesPointers(const llvm::IntrinsicInst &intrinsic) {
    return llvm::any_of(intrinsic.args(), [](const llvm::Use &use) { return use->getType()->isPtrOrPtrVectorTy(); });
  }

  /// llvm.nvvm.cp.async.{ca,cg}.shared.global.N[.s], commit.group, wait.group and wait.all.
  Error addCopy(llvm::IntrinsicInst &intrinsic, StringRef name, const std::string &text) {
    StringRef rest = name.substr(StringRef("llvm.nvvm.cp.async.").size());
    if (rest == "commit.group") {
      call("commitCopies", {});
    } else if (rest == "wait.group") {
      call("waitForCopies", {intrinsic.getArgOperand(0)});
    } else if (rest == "wait.all") {
      call("waitForCopies", {builder.getInt32(-1)});
    } else {
      auto bytes = llvm::StringSwitch<uint32_t>(rest)
                       .Cases({"ca.shared.global.4", "ca.shared.global.4.s"}, 4)
                       .Cases({"ca.shared.global.8", "ca.shared.global.8.s"}, 8)
                       .Cases({"ca.shared.global.16", "ca.shared.global.16.s"}, 16)
                       .Cases({"cg.shared.global.16", "cg.shared.global.16.s"}, 16)
                       .Default(0);
      if (!bytes)
        return llvm::createStringError("emulated device: the intrinsic " + name + " is not known to it");
      Value *to = intrinsic.getArgOperand(0), *from = intrinsic.getArgOperand(1);
      Site site = siteOf(intrinsic, text, to, bytes, llvm::Align(bytes));
      Site source = siteOf(intrinsic, text, from, bytes, llvm::Align(bytes));
      site.reads = site.writes = true;
      site.argument = source.argument;
      Value *sourceBytes = intrinsic.arg_size() > 2 ? intrinsic.getArgOperand(2) : builder.getInt32(bytes);
      call("copyAsync", {to, from, builder.getInt32(bytes), sourceBytes, numberOf(site)});
    }
    intrinsic.eraseFromParent();
    return Error::success();
  }

  llvm::Module &module;
  Program &program;
  const InstrumentOptions &options;
  llvm::IRBuilder<> builder;
  llvm::ModuleSlotTracker slots;
  llvm::SmallVector<llvm::GlobalVariable *> globals;
};
} // namespace

/// Masked vectors are an access an element where the mask is set, as NVPTX's code generator makes of them.
static void scalarizeMasked(llvm::Module &module) {
  llvm::PassBuilder passes;
  llvm::FunctionAnalysisManager analyses;
  passes.registerFunctionAnalyses(analyses);
  llvm::ScalarizeMaskedMemIntrinPass scalarize;
  for (llvm::Function &function : module)
    if (!function.isDeclaration())
      scalarize.run(function, analyses);
}

Error ssm::emulator::instrument(llvm::Module &module, Program &program, const InstrumentOptions &options) {
  scalarizeMasked(module);
  if (Error error = Instrumenter(module, program, options).run())
    return error;
  for (const Site &site : program.sites)
    if (site.space == Space::Shared && site.bytes)
      for (uint32_t size : {site.bytes, site.align})
        program.sharedGranule = std::min(program.sharedGranule, size & -size);
  for (llvm::Function &function : module) {
    // What follows from the kernel's own accesses no longer holds: the host looks at memory too, and lets others run.
    if (function.isDeclaration())
      continue;
    function.removeFnAttr(llvm::Attribute::Memory);
    function.removeFnAttr(llvm::Attribute::NoSync);
    function.removeFnAttr(llvm::Attribute::NoFree);
    function.removeFnAttr(llvm::Attribute::NoUnwind);
    function.removeFnAttr(llvm::Attribute::WillReturn);
    for (llvm::Argument &argument : function.args())
      for (auto kind : {llvm::Attribute::NoAlias, llvm::Attribute::ReadOnly, llvm::Attribute::WriteOnly,
                        llvm::Attribute::ReadNone, llvm::Attribute::Captures})
        argument.removeAttr(kind);
  }
  return Error::success();
}
