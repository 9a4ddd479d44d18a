#ifndef SSM_PASSES_TILESTAGES_H
#define SSM_PASSES_TILESTAGES_H

#include "passes/StageBuffer.h"
#include "passes/StageCopies.h"
#include "passes/StagePlan.h"
#include "passes/TileStep.h"

namespace ssm {

/// Emits what the threads of a block do together before and after the steps of each time tile (GPU).
class TileStages {
public:
  /// `steps` are the threads as they run the steps; `whole` as for them.
  TileStages(RecurrenceOp recurrence, const Placement &placement, const KernelInterface &interface, TileMemory &steps,
             const KernelInterface *whole);

  /// Binds the kernel's arguments and allocates shared memory, at the function's entry. Fails where a plan cannot be
  /// made.
  llvm::Error bind(mlir::OpBuilder &builder, mlir::Block &entry);
  /// What runs the steps has to know of what is staged.
  const StageLinks &linksOfSteps() const { return links; }
  void enterTile(mlir::OpBuilder &builder, unsigned dim, mlir::Value start);
  void setMasked(DimSet masked);
  /// Emits what does not vary in time; to be called before the loop.
  void emitInvariant(mlir::OpBuilder &builder);
  /// Where copies run ahead of the steps from `first` to `end`, begins the first ones. Returns what the loop over tiles
  /// carries beside the states; nothing without copies.
  llvm::SmallVector<mlir::Value> emitAhead(mlir::OpBuilder &builder, mlir::Value first, mlir::Value end);
  /// What is carried to the next tile.
  llvm::SmallVector<mlir::Value> carryOn(mlir::OpBuilder &builder, mlir::ValueRange carried);
  /// Everything that stands before `count` steps from step `start`, at time coordinate `time`, on, or after them,
  /// barriers included.
  void emitBefore(mlir::OpBuilder &builder, mlir::Value start, mlir::Value end, mlir::Value time, mlir::Value count,
                  mlir::ValueRange carried);
  void emitAfter(mlir::OpBuilder &builder, mlir::Value time, mlir::Value count);

private:
  /// The threads of one group.
  struct Crew {
    Crew(RecurrenceOp recurrence, const StageGroup &group, const KernelInterface &interface,
         const KernelInterface *whole)
        : group(group), memory(recurrence, group.placement, interface, /*packed=*/true, whole) {}
    const StageGroup &group;
    TileMemory memory;
    TileLoopsPlan plan;
    StageLinks links;
    std::unique_ptr<TileStep> step;
  };
  void emitCrew(mlir::OpBuilder &builder, Crew &crew, mlir::Value time, mlir::Value count);

  RecurrenceOp recurrence;
  const Placement &placement;
  const KernelInterface &interface;
  const KernelInterface *whole;
  StagePlan stages;
  StageCopies copies;
  std::vector<std::unique_ptr<StageBuffer>> buffers;
  std::vector<std::unique_ptr<Crew>> before, after;
  StageLinks links;
};

} // namespace ssm

#endif
