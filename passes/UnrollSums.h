#ifndef SSM_PASSES_UNROLLSUMS_H
#define SSM_PASSES_UNROLLSUMS_H

#include "passes/TileRows.h"

namespace ssm {

/// A row of a sum or maximum. Sums over few rows add into `partialsOfFew` partial ones.
mlir::Value reduceRow(mlir::OpBuilder &builder, TileReduceOp reduce, int64_t number, size_t partialsOfFew,
                      RowMaker row);

} // namespace ssm

#endif
