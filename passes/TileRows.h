#ifndef SSM_PASSES_TILEROWS_H
#define SSM_PASSES_TILEROWS_H

#include "dialect/Ssm.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

namespace ssm {

/// A tile's rows: all axes but the last.
struct Rows {
  llvm::SmallVector<int64_t> extents;
  int64_t lanes;
  explicit Rows(mlir::Type type)
      : extents(llvm::cast<mlir::VectorType>(type).getShape().drop_back()),
        lanes(llvm::cast<mlir::VectorType>(type).getShape().back()) {}
  int64_t count() const { return llvm::product_of(extents); }
  llvm::SmallVector<int64_t> at(int64_t row) const {
    llvm::SmallVector<int64_t> index(extents.size());
    for (size_t axis = extents.size(); axis-- > 0; row /= extents[axis])
      index[axis] = row % extents[axis];
    return index;
  }
  int64_t numberOf(llvm::ArrayRef<int64_t> index) const {
    int64_t row = 0;
    for (auto [i, extent] : llvm::zip_equal(index, extents))
      row = row * extent + i;
    return row;
  }
};

/// Makes a row of a tile, and leaves the builder where what reads it stands.
using RowMaker = llvm::function_ref<mlir::Value(mlir::Value tile, int64_t number)>;

/// A row of a tile some steps earlier: rows of registers change places, lanes move along.
mlir::Value shiftRow(mlir::OpBuilder &builder, TileShiftOp shift, int64_t number, RowMaker row);
/// A row of a part of a tile: a whole one, or one lane of it.
mlir::Value sliceRow(mlir::OpBuilder &builder, mlir::vector::ExtractStridedSliceOp slice, int64_t number, RowMaker row);

/// A row of a tile whose values change places along its axes.
mlir::Value moveRow(mlir::OpBuilder &builder, TileMoveOp move, int64_t number, RowMaker row);

} // namespace ssm

#endif
