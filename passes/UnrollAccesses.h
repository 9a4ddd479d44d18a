#ifndef SSM_PASSES_UNROLLACCESSES_H
#define SSM_PASSES_UNROLLACCESSES_H

#include "passes/TileRows.h"

namespace ssm {

/// A row of an access, or of what limits hold for: strides along the row, limits with a list of coefficients each.
struct RowAddress {
  mlir::Value offset;
  llvm::SmallVector<mlir::Value> strides, limits;
  llvm::SmallVector<mlir::Attribute> coefficients;
  /// Whether no element of the row is inside the limits.
  bool outside = false;
};
/// The row at `index` of an access: its leading coordinates move into the offset and the limits; limits that are known
/// to hold go.
RowAddress addressRow(mlir::OpBuilder &builder, mlir::Location loc, llvm::ArrayRef<int64_t> index, int64_t lanes,
                      mlir::Value offset, mlir::ValueRange strides, mlir::ValueRange limits,
                      mlir::ArrayAttr coefficients);

/// A row of a load by number, and what the same accesses have read beside it. `together`: whoever asks for one row asks
/// for all of them at once.
llvm::SmallVector<std::pair<int64_t, mlir::Value>> loadRows(mlir::OpBuilder &builder, TileLoadOp load, int64_t wanted,
                                                            bool together);
/// Stores a tile row by row before `store`.
void storeRows(mlir::OpBuilder &builder, TileStoreOp store, RowMaker row);
/// Copies a tile row by row before `copy`, also rows outside the limits: those become 0.
void copyRows(mlir::OpBuilder &builder, TileCopyOp copy);

} // namespace ssm

#endif
