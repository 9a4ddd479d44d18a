// Compares in 32 bits what has no more. The header has the contract.

#include "codegen/lowering/NarrowCompares.h"
#include "llvm/Analysis/ScalarEvolution.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/PatternMatch.h"

using namespace llvm;

static bool narrow(ICmpInst &compare, ScalarEvolution &evolution) {
  const APInt *bound;
  Value *number = compare.getOperand(0);
  if (!number->getType()->isIntegerTy(64) ||
      !PatternMatch::match(compare.getOperand(1), PatternMatch::m_APInt(bound)) || !bound->isIntN(31) ||
      !evolution.getUnsignedRangeMax(evolution.getSCEV(number)).isIntN(31))
    return false;
  IRBuilder<> builder(&compare);
  Value *narrowed = builder.CreateTrunc(number, builder.getInt32Ty());
  // Both are positive in 32 bits as well, so that signs do not matter.
  compare.replaceAllUsesWith(
      builder.CreateICmp(compare.getPredicate(), narrowed, builder.getInt32(bound->getZExtValue())));
  return true;
}

PreservedAnalyses ssm::NarrowComparesPass::run(Function &function, FunctionAnalysisManager &analyses) {
  auto &evolution = analyses.getResult<ScalarEvolutionAnalysis>(function);
  bool changed = false;
  for (Instruction &instruction : make_early_inc_range(instructions(function)))
    if (auto *compare = dyn_cast<ICmpInst>(&instruction); compare && narrow(*compare, evolution)) {
      compare->eraseFromParent();
      changed = true;
    }
  return changed ? PreservedAnalyses::none() : PreservedAnalyses::all();
}
