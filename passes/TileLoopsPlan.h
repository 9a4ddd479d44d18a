#ifndef SSM_PASSES_TILELOOPSPLAN_H
#define SSM_PASSES_TILELOOPSPLAN_H

#include "passes/TileLoopsBuffer.h"

namespace ssm {

/// What a phase is there for.
struct PhaseRoot {
  enum class Kind { Sum, Keep, Initial, Output, Next };
  Kind kind;
  /// Sum: the result of a sum, maximum or mean over dimensions on loops. Keep: a value that goes to a buffer. Initial:
  /// the state's initial value, or null. Output, Next: the value that is handed out or carried.
  mlir::Value value;
  /// Initial: the imaginary part of a value in two parts.
  mlir::Value imaginary = {};
  /// Output: the operation.
  mlir::Operation *op = nullptr;
  /// Initial, Next: the number of the state in getStates.
  unsigned state = 0;
};

/// One run through tiles of dimensions on loops. Roots that need the same loops at the same depth share it, and so
/// what they compute.
struct Phase {
  /// How many phases have to be over before.
  unsigned depth = 0;
  DimSet loops;
  llvm::SmallVector<PhaseRoot> roots;
};

/// How a recurrence runs where dimensions are on loops inside the one over time: the phases before the first step and
/// those of each step, and what is kept in buffers between phases and steps.
class TileLoopsPlan {
public:
  /// Fails where something that has to be kept cannot be: its size is not known, it is no number, or all of it is too
  /// much.
  static llvm::Expected<TileLoopsPlan> make(RecurrenceOp recurrence, const Placement &placement, TileMemory &memory);

  llvm::ArrayRef<Phase> before() const { return beforePhases; }
  llvm::ArrayRef<Phase> step() const { return stepPhases; }
  /// Whether any output or state depends on the value.
  bool isNeeded(mlir::Value value) const { return needed.contains(value); }

  /// The buffer of a value between phases, or null. It is filled once its phase is over.
  const TileBuffer *bufferOf(mlir::Value value) const;
  /// The buffer of a state, or null for one that is carried in registers. It has a slot more than the state has past
  /// steps, so that those stay readable while the next one is written; or one alone, where a step may overwrite the
  /// past.
  const TileBuffer *bufferOf(const State &state) const;
  const TileBuffer *bufferOfState(llvm::StringRef name) const;
  /// How many slots the states' buffers have, where there are several: each number once, ascending.
  llvm::SmallVector<int64_t> slotCounts() const;
  /// Whether a rename or flip is read from the buffer of what it moves.
  bool isReadMoved(mlir::Value value) const { return readMoved.contains(value); }

  /// Allocates all buffers, at the function's entry.
  void allocate(mlir::OpBuilder &builder);

private:
  friend class TileLoopsPlanner;
  llvm::SmallVector<Phase> beforePhases, stepPhases;
  llvm::DenseSet<mlir::Value> needed, readMoved;
  llvm::MapVector<mlir::Value, TileBuffer> values;
  llvm::MapVector<llvm::StringRef, TileBuffer> states;
};

/// Down through renames and flips to what they move.
mlir::Value movedValue(mlir::Value value);
/// The value that a state takes on after a step; of one that a scan computes in parts, its real part.
mlir::Value nextValue(RecurrenceOp recurrence, llvm::StringRef state);
/// A scan's streams of a state: one, or its real and its imaginary part, for each past step that takes part; empty for
/// a state that no scan computes.
llvm::SmallVector<llvm::SmallVector<mlir::Value, 2>> streamsOf(RecurrenceOp recurrence, llvm::StringRef state);

} // namespace ssm

#endif
