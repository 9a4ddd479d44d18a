#include "test/support/PlantedBugs.h"
#include "llvm/Analysis/LoopInfo.h"
#include "llvm/IR/Constants.h"
#include "llvm/IR/Dominators.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/Instructions.h"
#include "llvm/IR/IntrinsicInst.h"
#include "llvm/IR/IntrinsicsNVPTX.h"
#include "llvm/Support/raw_ostream.h"

using namespace ssm::test;
using llvm::AtomicOrdering;
using llvm::Instruction;
using llvm::StringRef;

const char *ssm::test::nameOf(Bug bug) {
  switch (bug) {
  case Bug::Barrier:
    return "barrier";
  case Bug::WarpSync:
    return "bar.warp.sync";
  case Bug::Wait:
    return "wait";
  case Bug::Fence:
    return "fence";
  case Bug::Release:
    return "release";
  case Bug::Acquire:
    return "acquire";
  case Bug::Guard:
    return "guard";
  case Bug::Ticket:
    return "ticket";
  }
  llvm_unreachable("unknown bug");
}

static StringRef intrinsicName(const Instruction &instruction) {
  auto *call = llvm::dyn_cast<llvm::CallInst>(&instruction);
  llvm::Function *callee = call ? call->getCalledFunction() : nullptr;
  return callee ? callee->getName() : "";
}

static std::optional<AtomicOrdering> orderingOf(const Instruction &instruction) {
  if (auto *load = llvm::dyn_cast<llvm::LoadInst>(&instruction))
    return load->getOrdering();
  if (auto *store = llvm::dyn_cast<llvm::StoreInst>(&instruction))
    return store->getOrdering();
  if (auto *update = llvm::dyn_cast<llvm::AtomicRMWInst>(&instruction))
    return update->getOrdering();
  if (auto *exchange = llvm::dyn_cast<llvm::AtomicCmpXchgInst>(&instruction))
    return exchange->getSuccessOrdering();
  return std::nullopt;
}

static void setOrdering(Instruction &instruction, AtomicOrdering ordering) {
  if (auto *load = llvm::dyn_cast<llvm::LoadInst>(&instruction))
    load->setOrdering(ordering);
  else if (auto *store = llvm::dyn_cast<llvm::StoreInst>(&instruction))
    store->setOrdering(ordering);
  else if (auto *update = llvm::dyn_cast<llvm::AtomicRMWInst>(&instruction))
    update->setOrdering(ordering);
  else if (auto *exchange = llvm::dyn_cast<llvm::AtomicCmpXchgInst>(&instruction)) {
    exchange->setSuccessOrdering(ordering);
    exchange->setFailureOrdering(AtomicOrdering::Monotonic);
  }
}

/// Whether a condition compares with one of the kernel's arguments, a size or a pointer that may be null, or with the
/// thread's number.
static bool dependsOnArguments(const llvm::Value *value, unsigned depth = 0) {
  if (llvm::isa<llvm::Argument>(value))
    return true;
  if (auto *call = llvm::dyn_cast<llvm::CallInst>(value))
    return intrinsicName(*call).ends_with("sreg.tid.x");
  auto *instruction = llvm::dyn_cast<Instruction>(value);
  if (!instruction || depth > 6 || llvm::isa<llvm::PHINode, llvm::LoadInst>(instruction))
    return false;
  return llvm::any_of(instruction->operands(),
                      [&](const llvm::Use &use) { return dependsOnArguments(use, depth + 1); });
}

/// Whether a branch is how its loop goes on or ends.
static bool endsLoop(const llvm::BranchInst &branch) {
  llvm::DominatorTree dominators(const_cast<llvm::Function &>(*branch.getFunction()));
  llvm::LoopInfo loops(dominators);
  const llvm::Loop *loop = loops.getLoopFor(branch.getParent());
  return loop && (!loop->contains(branch.getSuccessor(0)) || !loop->contains(branch.getSuccessor(1)));
}

/// The way of a branch that leads to accesses which the other way goes without; -1 where there is none.
static int guardedWay(const Instruction &instruction) {
  auto *branch = llvm::dyn_cast<llvm::BranchInst>(&instruction);
  if (!branch || !branch->isConditional() || !dependsOnArguments(branch->getCondition()) || endsLoop(*branch))
    return -1;
  auto accesses = [&](int way) {
    const llvm::BasicBlock *inside = branch->getSuccessor(way);
    return inside->getSinglePredecessor() && llvm::any_of(*inside, [](const Instruction &one) {
             return llvm::isa<llvm::LoadInst, llvm::StoreInst>(one) || intrinsicName(one).contains("cp.async.c");
           });
  };
  return accesses(0) == accesses(1) ? -1 : accesses(0) ? 0 : 1;
}

static int maskOperand(StringRef intrinsic) {
  return intrinsic.starts_with("llvm.masked.store") ? 2 : intrinsic.starts_with("llvm.masked.load") ? 1 : -1;
}

/// Whether an instruction counts up, and what it counted is used.
static bool isTicket(const Instruction &instruction) {
  auto *update = llvm::dyn_cast<llvm::AtomicRMWInst>(&instruction);
  auto *step = update ? llvm::dyn_cast<llvm::ConstantInt>(update->getValOperand()) : nullptr;
  return step && update->getOperation() == llvm::AtomicRMWInst::Add && step->isOne() && !update->use_empty();
}

static bool isPlace(const Instruction &instruction, Bug bug) {
  StringRef name = intrinsicName(instruction);
  std::optional<AtomicOrdering> ordering = orderingOf(instruction);
  switch (bug) {
  case Bug::Barrier:
    return name.starts_with("llvm.nvvm.barrier");
  case Bug::WarpSync:
    return name == "llvm.nvvm.bar.warp.sync";
  case Bug::Wait:
    return name.starts_with("llvm.nvvm.cp.async.wait");
  case Bug::Fence:
    return llvm::isa<llvm::FenceInst>(instruction) || name.starts_with("llvm.nvvm.membar") ||
           name.starts_with("llvm.nvvm.fence");
  case Bug::Release:
    return ordering && llvm::isReleaseOrStronger(*ordering);
  case Bug::Acquire:
    return ordering && llvm::isAcquireOrStronger(*ordering);
  case Bug::Guard:
    return guardedWay(instruction) >= 0 || maskOperand(name) >= 0;
  case Bug::Ticket:
    return isTicket(instruction);
  }
  llvm_unreachable("unknown bug");
}

static void plant(Instruction &instruction, Bug bug) {
  bool both = orderingOf(instruction) == AtomicOrdering::AcquireRelease ||
              orderingOf(instruction) == AtomicOrdering::SequentiallyConsistent;
  bool updates = llvm::isa<llvm::AtomicRMWInst, llvm::AtomicCmpXchgInst>(instruction);
  switch (bug) {
  case Bug::Release:
    return setOrdering(instruction, both && updates ? AtomicOrdering::Acquire : AtomicOrdering::Monotonic);
  case Bug::Acquire:
    return setOrdering(instruction, both && updates ? AtomicOrdering::Release : AtomicOrdering::Monotonic);
  case Bug::Guard:
    if (int way = guardedWay(instruction); way >= 0)
      llvm::cast<llvm::BranchInst>(instruction)
          .setCondition(llvm::ConstantInt::getBool(instruction.getContext(), way == 0));
    else {
      auto &call = llvm::cast<llvm::CallInst>(instruction);
      int mask = maskOperand(intrinsicName(instruction));
      call.setArgOperand(mask, llvm::Constant::getAllOnesValue(call.getArgOperand(mask)->getType()));
    }
    return;
  case Bug::Ticket: {
    llvm::IRBuilder<> builder(&instruction);
    llvm::Value *block = builder.CreateIntrinsic(builder.getInt32Ty(), llvm::Intrinsic::nvvm_read_ptx_sreg_ctaid_x, {});
    instruction.replaceAllUsesWith(builder.CreateZExt(block, instruction.getType()));
    return void(instruction.eraseFromParent());
  }
  default:
    return void(instruction.eraseFromParent());
  }
}

unsigned ssm::test::countPlaces(llvm::Module &module, Bug bug) {
  unsigned count = 0;
  for (llvm::Function &function : module)
    for (Instruction &instruction : llvm::instructions(function))
      count += isPlace(instruction, bug);
  return count;
}

std::string ssm::test::plantBug(llvm::Module &module, Bug bug, unsigned number) {
  for (llvm::Function &function : module)
    for (Instruction &instruction : llvm::instructions(function))
      if (isPlace(instruction, bug) && number-- == 0) {
        std::string text = std::string(nameOf(bug)) + " in " + function.getName().str() + ":";
        llvm::raw_string_ostream stream(text);
        instruction.print(stream);
        plant(instruction, bug);
        return text;
      }
  return "";
}
