#ifndef SSM_PASSES_STAGEBESIDE_H
#define SSM_PASSES_STAGEBESIDE_H

#include "dialect/Ssm.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

namespace ssm {

/// Steps of which a copy moves vectors, and squares of as many elements.
constexpr int64_t stageBlock = 16;

/// A loop that computes with several steps at a turn, as many as divide a block, and the steps that it runs over.
struct LoopOverSteps {
  mlir::scf::ForOp loop;
  /// Whether it uses the scratch of the copy that stands before it.
  bool usesScratch = false;
};

/// The loop over several steps at a turn that follows `copy` in its block, before anything else uses the copy's
/// scratch. With `steps`, a loop whose turns are all whole groups of that number of steps.
std::optional<LoopOverSteps> findLoopBeside(mlir::Operation *copy, mlir::Value scratch, mlir::Value steps);

/// The loop over single steps that follows `copy` in its block and carries states; null if there is none.
mlir::scf::ForOp findLoopOfSteps(mlir::Operation *copy);

/// Stores at the end of a time tile, of those that `isWanted` wants, go in front of such a loop of the next tile; what
/// the last tile leaves is stored behind the loop over time tiles.
void delayStores(mlir::func::FuncOp kernel, llvm::function_ref<bool(StageStoreOp)> isWanted);

} // namespace ssm

#endif
