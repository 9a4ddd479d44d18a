#ifndef SSM_PASSES_STAGEBUFFER_H
#define SSM_PASSES_STAGEBUFFER_H

#include "passes/StagePlan.h"
#include "passes/TileMemory.h"

namespace ssm {

/// A step of a time tile: `further` steps behind the first of a run of `count`. Runs of as many steps begin at
/// multiples of that.
struct StepOfRun {
  mlir::Value first;
  int64_t further = 0, count = 1;
};

/// A value's elements for all steps of a time tile and all coordinates of a block, in memory that the block's threads
/// share (GPU). Steps stand in the order of memory: in reverse, the first one last.
///
/// A *row* is all steps of one coordinate. Rows stand one after another, padded so that threads that read the same
/// steps of neighbouring rows meet all banks; or, *by step*, the coordinates of each step stand together, for values of
/// which a thread holds several coordinates.
///
/// Of a sum over threads that these have not added up, the *parts* stand one after another, rows of all coordinates
/// each; every thread writes its own.
class StageBuffer {
public:
  /// Bytes that all banks give in a wavefront.
  static constexpr int64_t bankBytes = 128;

  StageBuffer(const Placement &block, const StagedValue &value);
  /// Rows of an input for so many time tiles. Where they are not `readBySteps`, but by threads along each row as they
  /// were copied, they meet all banks without padding.
  static std::unique_ptr<StageBuffer> forCopies(const Placement &block, DimSet set, mlir::Type element, int64_t slots,
                                                bool readBySteps);

  int64_t bytes() const {
    return ((slots * parts() - 1) * elementsToNext() + elementsOfSlot()) * type.getIntOrFloatBitWidth() / 8;
  }
  mlir::Type element() const { return type; }
  DimSet dims() const { return set; }
  bool isByStep() const { return byStep; }
  DimSet sharedDims() const { return shared; }
  int64_t parts() const;
  int64_t rowCount() const { return rows; }
  /// Allocates the memory, at the function's entry.
  void allocate(mlir::OpBuilder &builder, mlir::Location loc);
  /// From now on, accesses are to the time tile in that slot.
  void enterSlot(mlir::OpBuilder &builder, mlir::Value slot) {
    first = mulI64(builder, slot, constantI64(builder, elementsOfSlot()));
  }

  /// The tile that `memory`'s thread holds of a step of the time tile, as `element`s.
  mlir::Value load(mlir::OpBuilder &builder, const TileMemory &memory, StepOfRun step, mlir::Type element,
                   int64_t part = 0) const;
  /// Of `count` steps from there on, along the last axis, in the order of memory.
  mlir::Value loadSteps(mlir::OpBuilder &builder, const TileMemory &memory, mlir::Value number, int64_t count,
                        mlir::Type element, int64_t part = 0) const;
  /// Stores the thread's tile of one step, or of `count` of them along the last axis; where there are parts, its own.
  void store(mlir::OpBuilder &builder, const TileMemory &memory, mlir::Value tile, mlir::Value number,
             int64_t count = 1) const;
  /// Begins to copy the thread's rows of an input, for the `count` steps that it has of a time tile from `time` on.
  /// Only the tile's first `there` steps exist (null: all do); others become 0.
  void copyRows(mlir::OpBuilder &builder, const TileMemory &memory, unsigned tensor, mlir::Value time, int64_t count,
                mlir::Value there) const;

private:
  struct Place {
    mlir::Value offset;
    llvm::SmallVector<mlir::Value> strides;
  };
  Place placeOf(mlir::OpBuilder &builder, const TileMemory &memory, StepOfRun step, int64_t count) const;
  void storeRun(mlir::OpBuilder &builder, const TileMemory &memory, mlir::Value tile, StepOfRun step,
                int64_t count) const;
  mlir::Value offsetOfPart(mlir::OpBuilder &builder, mlir::Value part) const;
  int64_t runOfStep(mlir::VectorType tile, const Place &place) const;
  int64_t alignmentOf(int64_t elements) const;
  int64_t accessElements() const { return access * 8 / type.getIntOrFloatBitWidth(); }
  int64_t elementsOfSlot() const;
  int64_t elementsToNext() const;
  int64_t accessesBetweenParts() const;

  DimSet set, shared;
  mlir::Type type;
  int64_t steps, chunk, together, access;
  bool byStep;
  std::optional<unsigned> along;
  /// How many coordinates, gaps among them; elements from one row to the next, or between chunks of steps.
  int64_t rows = 1, pitch = 0, padding = 0;
  /// Rows from a thread's to those of its neighbour that has others; 0 where there is none.
  int64_t rowsBetween = 0;
  /// By dimension, rows from one coordinate to the next.
  llvm::SmallVector<int64_t> rowStrides;
  int64_t slots = 1;
  /// The threads that have parts.
  llvm::SmallVector<PeerLevel> sharers;
  /// The shared memory, and where in it the slot that is entered begins; null for the first.
  mlir::Value memory, first;
};

} // namespace ssm

#endif
