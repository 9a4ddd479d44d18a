#ifndef SSM_PASSES_TRANSPOSEROWS_H
#define SSM_PASSES_TRANSPOSEROWS_H

#include "passes/TileRows.h"

namespace ssm {

/// A tile of which memory runs along a register axis while lanes run along another dimension: each lane's registers are
/// a piece of consecutive memory, wherever it stands.
struct Pieces {
  int64_t axis;
  /// Registers of a piece, a power of two; as many as there are lanes, multiples of that, or fewer.
  int64_t length;
};

/// Whether an access is one of pieces. Limits along the pieces' axis would cut them.
std::optional<Pieces> findPieces(mlir::Type tile, mlir::ValueRange strides, mlir::ArrayAttr coefficients);

/// As many rows as they have lanes, 2ⁿ: swaps the off-diagonal halves of ever smaller squares, a round of two-input
/// shuffles for each size.
void transposeSquare(mlir::OpBuilder &builder, mlir::Location loc, llvm::SmallVectorImpl<mlir::Value> &rows);

/// Rows of lanes from pieces, one a lane, and the opposite: log2 rounds of shuffles.
llvm::SmallVector<mlir::Value> rowsOfPieces(mlir::OpBuilder &builder, mlir::Location loc,
                                            llvm::ArrayRef<mlir::Value> pieces);
llvm::SmallVector<mlir::Value> piecesOfRows(mlir::OpBuilder &builder, mlir::Location loc,
                                            llvm::ArrayRef<mlir::Value> rows);

} // namespace ssm

#endif
