#ifndef SSM_PASSES_INTERLEAVEROWS_H
#define SSM_PASSES_INTERLEAVEROWS_H

#include "passes/TileRows.h"

namespace ssm {

/// An access of which consecutive memory goes through the registers of one axis before it goes to the next lane.
struct Interleaved {
  int64_t axis;
  /// Of the same access by rows of consecutive memory: row j begins where register j · lanes would.
  llvm::SmallVector<mlir::Value> strides;
  mlir::ArrayAttr coefficients;
};
/// How an access to a tile of this type is interleaved, if it is and its rows can be taken apart by halves.
std::optional<Interleaved> findInterleaved(mlir::Type tile, mlir::ValueRange strides, mlir::ArrayAttr coefficients);
/// Rows of consecutive elements, 2ⁿ of them, to one row a register; and back.
llvm::SmallVector<mlir::Value> deinterleaveRows(mlir::OpBuilder &builder, mlir::Location loc,
                                                llvm::ArrayRef<mlir::Value> rows);
llvm::SmallVector<mlir::Value> interleaveRows(mlir::OpBuilder &builder, mlir::Location loc,
                                              llvm::ArrayRef<mlir::Value> rows);

} // namespace ssm

#endif
