#ifndef SSM_CODEGEN_LOWERING_NARROWCOMPARES_H
#define SSM_CODEGEN_LOWERING_NARROWCOMPARES_H

#include "llvm/IR/PassManager.h"

namespace ssm {

/// Comparisons of numbers of 64 bits with constants look at 32 where the numbers are known to have no more, counters of
/// tiles for one: a GPU compares the halves apart. For NVPTX, before code is generated; LLVM's own passes widen them.
struct NarrowComparesPass : llvm::PassInfoMixin<NarrowComparesPass> {
  llvm::PreservedAnalyses run(llvm::Function &function, llvm::FunctionAnalysisManager &analyses);
};

} // namespace ssm

#endif
