#ifndef SSM_PASSES_TILELOOPS_H
#define SSM_PASSES_TILELOOPS_H

#include "passes/TileLoopsPlan.h"

namespace ssm {

/// Emits `body` for every tile of a dimension on a loop: full tiles in a loop, then one that may pass the end; all of
/// them as such where accesses may already pass another dimension's, so that no body is there more than once for each
/// dimension. `carried` goes from tile to tile; the body returns what goes on.
llvm::SmallVector<mlir::Value>
loopOverTiles(mlir::OpBuilder &builder, TileMemory &memory, const Placement &placement, unsigned dim,
              mlir::ValueRange carried,
              llvm::function_ref<llvm::SmallVector<mlir::Value>(mlir::OpBuilder &, mlir::ValueRange)> body);

/// Emits `body` for every tile of all dimensions of `set`, which are on loops inside the one over time.
void loopOverTiles(mlir::OpBuilder &builder, TileMemory &memory, const Placement &placement, DimSet set,
                   llvm::function_ref<void(mlir::OpBuilder &)> body);

} // namespace ssm

#endif
