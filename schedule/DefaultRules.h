#ifndef SSM_SCHEDULE_DEFAULTRULES_H
#define SSM_SCHEDULE_DEFAULTRULES_H

#include "dialect/RowPlan.h"
#include "schedule/DefaultReasons.h"
#include "schedule/Placement.h"

namespace ssm {

/// What the rules for both kinds of machine ask of a specialized recurrence.
class DefaultRules {
public:
  DefaultRules(RecurrenceOp recurrence, const Target &target, const SizeHints &hints);

  /// Fails where the size of a dimension that is held whole is not known.
  llvm::Error requireSizes();

protected:
  /// Whether nothing of a dimension may be beside the rest in a tile: steps, and rows, of which a task has one at a
  /// time.
  bool isAlone(unsigned dim) { return dim == dims.scan() || dim == rowDim; }
  /// A dimension's size, or the likely one; nothing where neither is known.
  std::optional<int64_t> sizeOf(unsigned dim);
  /// Whether a value is renamed, flipped or delayed along a dimension.
  bool isMovedAlong(unsigned dim);
  /// Whether a dimension is the batch, as far as can be seen.
  bool isBatch(unsigned dim);
  /// The parallel dimensions of outputs that no state has.
  llvm::SmallVector<unsigned> findReadouts();
  /// Elements that are added up over a dimension in a step, of each coordinate of the parallel ones.
  double sumsOver(unsigned along);
  /// How good a parallel dimension is to run along, sizes aside: it should be one of every state, contiguous in what is
  /// read and written at each step, and not the slow part of a composite axis, which tends to be small.
  double weight(unsigned dim);
  /// Coordinates of all parallel dimensions, one aside if it is given; nothing where the size of one is open.
  std::optional<int64_t> parallelCoordinates(std::optional<unsigned> aside = std::nullopt);
  /// How many coordinates of a dimension one thread has.
  using CountOf = llvm::function_ref<int64_t(unsigned dim)>;
  int64_t elementsOf(DimSet set, mlir::Type type, CountOf countOf);
  /// Registers of a thread for states, and for what does not vary in time and is used where it does.
  int64_t registersKept(CountOf countOf);

  RecurrenceOp recurrence;
  const Target &target;
  const SizeHints &hints;
  DimensionAnalysis dims;
  /// Dimensions held whole; of those, the taps of delays, which can be on registers alone, and all that a value which
  /// is computed moves along.
  DimSet held, taps, moved;
  RowPlan rows;
  std::optional<unsigned> rowDim;
  llvm::SmallVector<State> states;
  /// Of the inputs and outputs that vary in time.
  llvm::SmallVector<LayoutAttr> inTime;
  int64_t elementBytes = 4;
};

/// The schedule for a CPU, or for a GPU with why it is that one. All dimensions held whole must have a size.
Schedule defaultForCpu(RecurrenceOp recurrence, const Target &target, const SizeHints &hints);
Schedule defaultForGpu(RecurrenceOp recurrence, const Target &target, const SizeHints &hints, GpuReasons &reasons);

} // namespace ssm

#endif
