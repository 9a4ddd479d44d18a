#ifndef SSM_PASSES_PIPELINE_H
#define SSM_PASSES_PIPELINE_H

#include "mlir/Pass/PassManager.h"
#include "schedule/Placement.h"

namespace ssm {

/// What the lowering needs beyond the recurrence.
struct PipelineOptions {
  /// Schedule in full; empty for the default.
  std::string schedule;
  Target target;
  /// The last axis of every tensor has stride 1.
  bool packed = true;
  /// Chip and PTX version for a GPU, e.g. sm_90 and +ptx80.
  std::string chip, features;
};

/// Whether a GPU's chip (sm_90) adds and multiplies pairs of f32 in one instruction.
bool addsPairs(llvm::StringRef chip);

/// Level 0, specialized and discretized, to level 0 as `ssm-tile` takes it.
void addPrepare(mlir::OpPassManager &passes);
/// Folds constants and joins equal values of recurrences: coefficients are equal where they are one value.
void addFold(mlir::OpPassManager &passes);
/// Level 0, specialized, discretized and folded, to level 1.
void addLinearize(mlir::OpPassManager &passes);
/// Level 0 to tiles.
void addTile(mlir::OpPassManager &passes, const PipelineOptions &options);
/// Tiles to rows and memory operations.
void addLowerTiles(mlir::OpPassManager &passes, const PipelineOptions &options);
/// Rows to the LLVM dialect, for a CPU.
void addLowerToCpu(mlir::OpPassManager &passes);
/// Rows to a gpu.module, and on to the NVVM and LLVM dialects.
void addLowerToGpu(mlir::OpPassManager &passes);
void addLowerToNvvm(mlir::OpPassManager &passes, const PipelineOptions &options);

} // namespace ssm

#endif
