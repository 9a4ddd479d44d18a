#ifndef SSM_PASSES_STAGEPLAN_H
#define SSM_PASSES_STAGEPLAN_H

#include "passes/Elementwise.h"
#include "passes/KernelInterface.h"
#include "llvm/ADT/MapVector.h"

namespace ssm {

/// A value that threads hand each other through shared memory, a time tile at a time.
struct StagedValue {
  mlir::Value value;
  /// Its dimensions without the scanned one, and its type in shared memory.
  DimSet set;
  mlir::Type element;
  /// Threads hold several coordinates of it, which stand together at each step.
  bool byStep = false;
  /// The dimension of which threads write neighbours one after another; nothing where these are steps.
  std::optional<unsigned> along = std::nullopt;
  /// Of these, how many stand together before a gap of one access, so that threads that read runs of them meet other
  /// banks; 0 where there are no gaps.
  int64_t together = 0;
  /// Steps that a thread writes one after another.
  int64_t chunk = 1;
  /// Of a sum or maximum that is wanted after the steps alone: the dimensions over which threads leave their own parts
  /// of it side by side, for those that read it to add up.
  DimSet shared = DimSet();
};

/// What a block's threads do together before the steps of a time tile, or after them, spread over its coordinates and
/// steps in another way than for the steps themselves.
struct StageGroup {
  DimSet set;
  /// The dimension of which neighbours are neighbours in memory; nothing for the scanned one.
  std::optional<unsigned> along;
  /// Where the threads are.
  Placement placement;
  /// Before the steps: what is computed and put into shared memory (positions in StagePlan::values). After: what the
  /// outputs are made of. Of a copy: the inputs (positions in StagePlan::copied).
  llvm::SmallVector<unsigned> values;
  llvm::SmallVector<OutputOp> outputs;
};

/// What a schedule's `load=staged`, `store=staged`, `at(free)=stage` and `at(y)=store` mean for a recurrence on a GPU.
///
/// Values to be had before a step are a set closed under being computed of each other and of what does not vary in
/// time: inputs, and with `at(free)` all that lack a dimension which threads of the block share. What other operations
/// read of the set goes through shared memory. With `at(y)=store`, the operations that end in an output and depend on
/// states are left to its store, down to the sums, say, that they are made of.
class StagePlan {
public:
  /// Nothing is staged where `placement` does not ask for it.
  StagePlan(RecurrenceOp recurrence, const DimensionAnalysis &dims, const Placement &placement,
            const KernelInterface &interface);

  llvm::ArrayRef<StagedValue> values() const { return staged; }
  llvm::ArrayRef<StageGroup> before() const { return groupsBefore; }
  llvm::ArrayRef<StageGroup> after() const { return groupsAfter; }
  /// With asynchronous copies: inputs of which rows are copied as they are in memory, some time tiles ahead, for stages
  /// and, where a thread holds few coordinates, for the steps themselves (`feedsSteps`); and the threads that copy
  /// them.
  llvm::ArrayRef<StagedValue> copied() const { return rows; }
  llvm::ArrayRef<StageGroup> copies() const { return groupsOfCopies; }
  bool feedsSteps(mlir::Value input) const { return ofSteps.contains(input); }
  /// Whether threads that have copied rows wait for each other before these are read: where stages read others' rows,
  /// or steps do and no stage is in between. Elsewhere the barriers around the steps are enough.
  bool handsRowsOver() const {
    return areHandedOver || (!ofSteps.empty() && groupsBefore.empty() && groupsAfter.empty());
  }
  /// Whether copied rows are read behind the last barrier of a time tile.
  bool readsRowsLast() const { return groupsAfter.empty() ? !ofSteps.empty() : areReadAfter; }

private:
  bool isStageable(mlir::Operation &op);
  bool isReadBySteps(mlir::Value value);
  void chooseBefore();
  void chooseAfter();
  void findLate(mlir::Value value, OutputOp output, llvm::SmallVectorImpl<mlir::Value> &early);
  unsigned addValue(mlir::Value value, mlir::Type element);
  bool isByStep(DimSet set) const;
  DimSet sharedOver(mlir::Value value) const;
  bool copyInput(mlir::Value value, std::optional<DimSet> readers);
  bool copyInputsOf(mlir::Value value, DimSet readers, llvm::ArrayRef<mlir::Value> given);
  StageGroup &groupOf(std::vector<StageGroup> &groups, DimSet set, std::optional<unsigned> along);
  int64_t stepsTogether(DimSet set) const;
  Placement spread(DimSet set, std::optional<unsigned> along) const;
  int64_t togetherAlong(unsigned dim, const Placement &writers, mlir::Type element) const;
  const KernelTensor *tensorOf(mlir::Operation *op) const;
  bool runsAlongSteps(mlir::Operation *op) const;
  std::optional<unsigned> memoryOf(mlir::Value value) const;

  RecurrenceOp recurrence;
  const DimensionAnalysis &dims;
  const Placement &placement;
  const KernelInterface &interface;
  int64_t chunk;
  ComputableValues computable;
  llvm::DenseSet<mlir::Value> early;
  /// Operations left to a store.
  llvm::DenseSet<mlir::Operation *> late;
  llvm::SmallVector<StagedValue> staged, rows;
  std::vector<StageGroup> groupsBefore, groupsAfter, groupsOfCopies;
  llvm::DenseSet<mlir::Value> ofSteps;
  bool areReadAfter = false, areHandedOver = false;
};

} // namespace ssm

#endif
