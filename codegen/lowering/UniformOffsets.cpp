// Counts the bytes by which shared addresses go on in uniform registers. The header has the contract.

#include "codegen/lowering/UniformOffsets.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/Analysis/LoopInfo.h"
#include "llvm/Analysis/ScalarEvolution.h"
#include "llvm/Analysis/ScalarEvolutionExpressions.h"
#include "llvm/IR/Dominators.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/Instructions.h"
#include "llvm/IR/IntrinsicsNVPTX.h"
#include "llvm/Transforms/Utils/ScalarEvolutionExpander.h"

using namespace llvm;

namespace {
constexpr unsigned sharedMemory = 3;

/// An address {root + offset, +, step}.
struct Path {
  const SCEV *root;
  int64_t offset, step;
};

class LoopOffsets {
public:
  LoopOffsets(Loop &loop, ScalarEvolution &evolution)
      : loop(loop), evolution(evolution), expander(evolution, "shared") {}

  bool run() {
    if (!loop.isLoopSimplifyForm())
      return false;
    MapVector<Instruction *, Path> accesses;
    SmallSetVector<const SCEV *, 4> roots;
    SmallSetVector<int64_t, 2> steps;
    for (BasicBlock *block : loop.blocks())
      for (Instruction &instruction : *block)
        if (std::optional<Path> path = pathOf(instruction)) {
          accesses[&instruction] = *path;
          roots.insert(path->root);
          steps.insert(path->step);
        }
    // One address takes an addition by itself.
    if (roots.size() <= steps.size())
      return false;
    const SCEV *turns = evolution.getBackedgeTakenCount(&loop);
    for (auto &[access, path] : accesses)
      replace(*access, path);
    endBy(steps.front(), turns);
    return true;
  }

private:
  std::optional<Path> pathOf(Instruction &access) {
    Value *pointer = getLoadStorePointerOperand(&access);
    if (!pointer || pointer->getType()->getPointerAddressSpace() != sharedMemory)
      return std::nullopt;
    auto *place = dyn_cast<SCEVAddRecExpr>(evolution.getSCEV(pointer));
    if (!place || place->getLoop() != &loop || !place->isAffine())
      return std::nullopt;
    auto *step = dyn_cast<SCEVConstant>(place->getStepRecurrence(evolution));
    if (!step || !step->getAPInt().isSignedIntN(32) ||
        !expander.isSafeToExpandAt(place->getStart(), loop.getLoopPreheader()->getTerminator()))
      return std::nullopt;
    auto [root, offset] = split(place->getStart());
    return Path{root, offset, step->getAPInt().getSExtValue()};
  }

  /// What is constant in a sum, and the rest.
  std::pair<const SCEV *, int64_t> split(const SCEV *start) {
    auto *sum = dyn_cast<SCEVAddExpr>(start);
    auto *constant = sum ? dyn_cast<SCEVConstant>(sum->getOperand(0)) : nullptr;
    if (!constant)
      return {start, 0};
    SmallVector<const SCEV *> rest(drop_begin(sum->operands()));
    return {evolution.getAddExpr(rest), constant->getAPInt().getSExtValue()};
  }

  void replace(Instruction &access, const Path &path) {
    Value *place = placeOf(path.root, path.step);
    IRBuilder<> builder(&access);
    Value *pointer = path.offset ? builder.CreateGEP(builder.getInt8Ty(), place, builder.getInt64(path.offset)) : place;
    access.setOperand(isa<LoadInst>(access) ? LoadInst::getPointerOperandIndex() : StoreInst::getPointerOperandIndex(),
                      pointer);
  }

  Value *placeOf(const SCEV *root, int64_t step) {
    Value *&place = places[{root, step}];
    if (place)
      return place;
    Value *base = expander.expandCodeFor(root, root->getType(), loop.getLoopPreheader()->getTerminator());
    Value *offset = offsetOf(step);
    IRBuilder<> builder(cast<Instruction>(offset)->getNextNode());
    return place = builder.CreateGEP(builder.getInt8Ty(), base, offset);
  }

  /// The bytes so far, as a number that LLVM does not see through: it would make addresses of its own again.
  Value *offsetOf(int64_t step) {
    auto &[count, offset] = offsets[step];
    if (offset)
      return offset;
    IRBuilder<> builder(loop.getHeader(), loop.getHeader()->begin());
    count = builder.CreatePHI(builder.getInt32Ty(), 2, "bytes");
    builder.SetInsertPoint(loop.getHeader(), loop.getHeader()->getFirstInsertionPt());
    Value *opaque = builder.CreateIntrinsic(Intrinsic::nvvm_move_i32, {count});
    offset = builder.CreateSExt(opaque, builder.getInt64Ty());
    builder.SetInsertPoint(loop.getLoopLatch()->getTerminator());
    count->addIncoming(builder.getInt32(0), loop.getLoopPreheader());
    count->addIncoming(builder.CreateAdd(count, builder.getInt32(step)), loop.getLoopLatch());
    return offset;
  }

  /// Lets the loop end when so many bytes have been counted; what counted its turns is then dead as a rule.
  void endBy(int64_t step, const SCEV *turns) {
    auto *known = dyn_cast<SCEVConstant>(turns);
    auto *branch = dyn_cast<BranchInst>(loop.getLoopLatch()->getTerminator());
    if (!known || !known->getAPInt().isIntN(31) || !branch || !branch->isConditional() ||
        loop.getExitingBlock() != loop.getLoopLatch())
      return;
    int64_t end = (static_cast<int64_t>(known->getAPInt().getZExtValue()) + 1) * step;
    if (end != static_cast<int32_t>(end))
      return;
    Value *next = offsets[step].count->getIncomingValueForBlock(loop.getLoopLatch());
    IRBuilder<> builder(branch);
    bool goesOnIfTrue = loop.contains(branch->getSuccessor(0));
    branch->setCondition(
        builder.CreateICmp(goesOnIfTrue ? CmpInst::ICMP_NE : CmpInst::ICMP_EQ, next, builder.getInt32(end)));
  }

  struct Offset {
    PHINode *count = nullptr;
    Value *offset = nullptr;
  };

  Loop &loop;
  ScalarEvolution &evolution;
  SCEVExpander expander;
  DenseMap<std::pair<const SCEV *, int64_t>, Value *> places;
  DenseMap<int64_t, Offset> offsets;
};
} // namespace

PreservedAnalyses ssm::UniformOffsetsPass::run(Function &function, FunctionAnalysisManager &analyses) {
  auto &evolution = analyses.getResult<ScalarEvolutionAnalysis>(function);
  bool changed = false;
  for (Loop *loop : analyses.getResult<LoopAnalysis>(function).getLoopsInPreorder())
    if (loop->isInnermost())
      changed |= LoopOffsets(*loop, evolution).run();
  return changed ? PreservedAnalyses::none() : PreservedAnalyses::all();
}
