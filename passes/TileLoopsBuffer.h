#ifndef SSM_PASSES_TILELOOPSBUFFER_H
#define SSM_PASSES_TILELOOPSBUFFER_H

#include "passes/TileMemory.h"

namespace ssm {

/// A task's own array of a value, or of the past steps of a state: slots of parts (real, imaginary) of elements,
/// row-major by coordinate, dimensions in order of declaration but for the lanes' one, which is last. Any tile of it,
/// under any names of its dimensions, is a strided access. Dimensions on loops are padded to whole tiles, others hold a
/// tile.
class TileBuffer {
public:
  TileBuffer() = default;
  /// Of dimensions on loops the size has to be known, or the grid's tile.
  TileBuffer(DimSet set, mlir::Type type, int64_t slots, const Placement &placement, const TileMemory &memory);

  int64_t slots() const { return slotCount; }
  int64_t bytes() const;
  void allocate(mlir::OpBuilder &builder, mlir::Location loc);
  /// The dimensions as they stand in the buffer.
  llvm::SmallVector<SeenAs> plainView() const;
  /// Loads the tiles that are entered, seen under other names or flipped. `slot` is null for the only one.
  Tiles load(mlir::OpBuilder &builder, mlir::Location loc, const TileMemory &memory, llvm::ArrayRef<SeenAs> seen,
             mlir::Value slot = {}) const;
  void store(mlir::OpBuilder &builder, mlir::Location loc, const TileMemory &memory, const Tiles &tiles,
             mlir::Value slot = {}) const;

private:
  struct Access {
    mlir::Value offset;
    llvm::SmallVector<mlir::Value> strides, limits;
    llvm::SmallVector<mlir::Attribute> coefficients;
    DimSet set;
  };
  Access access(mlir::OpBuilder &builder, const TileMemory &memory, llvm::ArrayRef<SeenAs> seen,
                mlir::Value slot) const;
  /// Elements of one part of one slot.
  int64_t elements() const;

  const Placement *placement = nullptr;
  /// Dimensions from the outermost to the innermost, and their extents.
  llvm::SmallVector<unsigned> order;
  llvm::SmallVector<int64_t> extents;
  mlir::Type element;
  int64_t parts = 1, slotCount = 1;
  mlir::Value pointer;
};

} // namespace ssm

#endif
