#ifndef SSM_PASSES_STAGEBUFFER_H
#define SSM_PASSES_STAGEBUFFER_H

#include "passes/TileMemory.h"

namespace ssm {

/// A value's elements for all steps of a time tile and all coordinates of a block, in memory that the block's threads
/// share (GPU). Steps stand in the order of memory: in reverse, the first one last.
///
/// A *row* is all steps of one coordinate. Rows stand one after another, padded so that threads that read the same
/// steps of neighbouring rows meet all banks; or, *by step*, the coordinates of each step stand together, for values of
/// which a thread holds several coordinates.
class StageBuffer {
public:
  /// `set`: the value's dimensions, without the scanned one. `chunk`: steps that a thread writes at once.
  StageBuffer(const Placement &block, DimSet set, mlir::Type element, int64_t chunk, int64_t chunksPerRow, bool byStep);

  int64_t bytes() const;
  mlir::Type element() const { return type; }
  DimSet dims() const { return set; }
  bool isByStep() const { return byStep; }
  int64_t rowCount() const { return rows; }
  /// Allocates the memory, at the function's entry.
  void allocate(mlir::OpBuilder &builder, mlir::Location loc);

  /// The tile that `memory`'s thread holds of the step `number` of the time tile, as `element`s.
  mlir::Value load(mlir::OpBuilder &builder, const TileMemory &memory, mlir::Value number, mlir::Type element) const;
  /// Of `count` steps from there on, along the last axis, in the order of memory.
  mlir::Value loadSteps(mlir::OpBuilder &builder, const TileMemory &memory, mlir::Value number, int64_t count,
                        mlir::Type element) const;
  /// Stores the thread's tile of one step, or of `count` of them along the last axis.
  void store(mlir::OpBuilder &builder, const TileMemory &memory, mlir::Value tile, mlir::Value number,
             int64_t count = 1) const;

private:
  struct Place {
    mlir::Value offset;
    llvm::SmallVector<mlir::Value> strides;
  };
  Place placeOf(mlir::OpBuilder &builder, const TileMemory &memory, mlir::Value number, int64_t count) const;
  int64_t alignmentOf(int64_t elements) const;

  DimSet set;
  mlir::Type type;
  int64_t steps, chunk, access;
  bool byStep;
  /// How many coordinates; elements from one row to the next, or between chunks of steps.
  int64_t rows = 1, pitch = 0, padding = 0;
  /// By dimension, rows from one coordinate to the next.
  llvm::SmallVector<int64_t> rowStrides;
  mlir::Value memory;
};

} // namespace ssm

#endif
