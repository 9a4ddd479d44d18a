// Sums and maxima of one row over its lanes. Passes.td has the contract.

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "passes/Passes.h"

namespace ssm {
#define GEN_PASS_DEF_LOWERREDUCTIONS
#include "passes/Passes.h.inc"
} // namespace ssm

using namespace mlir;
using namespace ssm;

namespace {
Value combine(OpBuilder &builder, TileReduceOp reduce, Value a, Value b) {
  if (reduce.getKind() == "max")
    return arith::MaximumFOp::create(builder, reduce.getLoc(), a, b);
  return arith::AddFOp::create(builder, reduce.getLoc(), a, b);
}

/// Folds the upper half onto the lower one until two lanes are left; an odd lane out is added at the end of its round.
Value reduceRow(OpBuilder &builder, TileReduceOp reduce) {
  Location loc = reduce.getLoc();
  Value row = reduce.getValue();
  int64_t lanes = cast<VectorType>(row.getType()).getNumElements();
  Value rest;
  while (lanes > 1) {
    if (lanes % 2) {
      Value odd = vector::ExtractOp::create(builder, loc, row, lanes - 1);
      rest = rest ? combine(builder, reduce, rest, odd) : odd;
    }
    int64_t half = lanes / 2;
    if (half == 1) {
      Value low = vector::ExtractOp::create(builder, loc, row, 0);
      row = combine(builder, reduce, low, vector::ExtractOp::create(builder, loc, row, 1));
    } else {
      Value low = vector::ExtractStridedSliceOp::create(builder, loc, row, ArrayRef<int64_t>{0},
                                                        ArrayRef<int64_t>{half}, ArrayRef<int64_t>{1});
      Value high = vector::ExtractStridedSliceOp::create(builder, loc, row, ArrayRef<int64_t>{half},
                                                         ArrayRef<int64_t>{half}, ArrayRef<int64_t>{1});
      row = combine(builder, reduce, low, high);
    }
    lanes = half;
  }
  return rest ? combine(builder, reduce, row, rest) : row;
}

struct LowerReductions : ssm::impl::LowerReductionsBase<LowerReductions> {
  void runOnOperation() override {
    WalkResult walk = getOperation().walk([&](TileReduceOp reduce) {
      auto row = dyn_cast<VectorType>(reduce.getValue().getType());
      if (!row || row.getRank() != 1 || !reduce.getLimits().empty()) {
        reduce.emitError("expects a row without limits; run ssm-unroll-tiles first");
        return WalkResult::interrupt();
      }
      OpBuilder builder(reduce);
      reduce.replaceAllUsesWith(reduceRow(builder, reduce));
      reduce.erase();
      return WalkResult::advance();
    });
    if (walk.wasInterrupted())
      signalPassFailure();
  }
};
} // namespace
