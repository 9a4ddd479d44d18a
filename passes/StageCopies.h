#ifndef SSM_PASSES_STAGECOPIES_H
#define SSM_PASSES_STAGECOPIES_H

#include "passes/StageBuffer.h"
#include "passes/StagePlan.h"

namespace ssm {

/// Emits asynchronous copies of inputs' rows into memory that a block's threads share, some time tiles ahead of the
/// steps (GPU). There are as many slots as tiles that are there or on their way; the loop over tiles carries the number
/// of the present one's slot.
class StageCopies {
public:
  StageCopies(RecurrenceOp recurrence, const Placement &placement, const KernelInterface &interface,
              const StagePlan &stages, const KernelInterface *whole);

  bool isEmpty() const { return rows.empty(); }
  /// Whether a barrier stands between what a turn waits for and what reads it.
  bool hasBarrier() const { return !rows.empty() && stages.handsRowsOver(); }
  /// Binds the kernel's arguments and allocates shared memory, at the function's entry.
  void bind(mlir::OpBuilder &builder, mlir::Block &entry);
  void enterTile(mlir::OpBuilder &builder, unsigned dim, mlir::Value start);
  void setMasked(DimSet masked);
  /// The rows of the inputs that are copied, by the input.
  const llvm::MapVector<mlir::Value, std::unique_ptr<StageBuffer>> &buffers() const { return rows; }

  /// Begins to copy the first tiles of the steps from `first` to `end`. Returns the slot of the first.
  mlir::Value emitAhead(mlir::OpBuilder &builder, mlir::Value first, mlir::Value end);
  /// Waits for the tile that begins with step `start`, in `slot`, for all threads; begins to copy one more.
  void emitTurn(mlir::OpBuilder &builder, mlir::Value start, mlir::Value end, mlir::Value slot);
  /// The slot of the tile after the one in `slot`.
  mlir::Value slotAfter(mlir::OpBuilder &builder, mlir::Value slot) const;

private:
  /// The threads that copy inputs of the same dimensions.
  struct Crew {
    const StageGroup &group;
    TileMemory memory;
  };
  void emitTile(mlir::OpBuilder &builder, mlir::Value start, mlir::Value end, mlir::Value slot);
  void emitCopies(mlir::OpBuilder &builder, mlir::Value start, mlir::Value there);

  RecurrenceOp recurrence;
  const Placement &placement;
  const StagePlan &stages;
  std::vector<std::unique_ptr<Crew>> crews;
  llvm::MapVector<mlir::Value, std::unique_ptr<StageBuffer>> rows;
};

} // namespace ssm

#endif
