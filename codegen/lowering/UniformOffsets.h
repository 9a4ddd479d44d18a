#ifndef SSM_CODEGEN_LOWERING_UNIFORMOFFSETS_H
#define SSM_CODEGEN_LOWERING_UNIFORMOFFSETS_H

#include "llvm/IR/PassManager.h"

namespace ssm {

/// In innermost loops, addresses in shared memory that go on by constants become the sum of an address that the loop
/// does not change and a count of bytes that is the same for all threads of a warp. A GPU adds the two in the access
/// and counts in a uniform register, once for all addresses that go on alike, where LLVM would carry each address and
/// add to it. The loop then ends by that count where its turns are a known number. For NVPTX, before code is generated.
struct UniformOffsetsPass : llvm::PassInfoMixin<UniformOffsetsPass> {
  llvm::PreservedAnalyses run(llvm::Function &function, llvm::FunctionAnalysisManager &analyses);
};

} // namespace ssm

#endif
