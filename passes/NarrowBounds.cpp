// Bounds of numbers as they are in memory. Passes.td has the contract.
//
// Widening is exact and keeps order, so that it may come after the bound as well as before it; NaN is NaN either way.

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/Matchers.h"
#include "passes/Passes.h"
#include "passes/RowAccess.h"

namespace ssm {
#define GEN_PASS_DEF_NARROWBOUNDS
#include "passes/Passes.h.inc"
} // namespace ssm

using namespace mlir;
using namespace ssm;

namespace {
struct Bound {
  OperationName operation;
  APFloat number;

  bool operator==(const Bound &other) const {
    return operation == other.operation && number.bitwiseIsEqual(other.number);
  }
};

/// The bound that `op` puts on its other operand, as a number of the type in memory, if it is one.
std::optional<Bound> boundOf(Operation *op, FloatType stored) {
  if (!isa<arith::MaximumFOp, arith::MinimumFOp>(op))
    return std::nullopt;
  APFloat number(0.0f);
  if (!matchPattern(op->getOperand(1), m_ConstantFloat(&number)) &&
      !matchPattern(op->getOperand(0), m_ConstantFloat(&number)))
    return std::nullopt;
  bool losesInfo = false;
  number.convert(stored.getFloatSemantics(), APFloat::rmNearestTiesToEven, &losesInfo);
  if (losesInfo || number.isNaN())
    return std::nullopt;
  return Bound{op->getName(), number};
}

/// What one bound on all elements of a row is made of.
struct BoundedRow {
  std::optional<Bound> bound;
  SmallVector<vector::ExtractOp> elements;
};

/// Nothing where an element is also used as it is: it would be widened twice.
std::optional<BoundedRow> boundOnRow(TileLoadOp load, FloatType stored) {
  BoundedRow row;
  for (Operation *user : load->getUsers()) {
    auto element = dyn_cast<vector::ExtractOp>(user);
    if (!element || isa<VectorType>(element.getType()))
      return std::nullopt;
    row.elements.push_back(element);
    for (Operation *op : element->getUsers()) {
      std::optional<Bound> bound = boundOf(op, stored);
      if (!bound || (row.bound && !(*row.bound == *bound)))
        return std::nullopt;
      row.bound = bound;
    }
  }
  return row.bound ? std::optional(std::move(row)) : std::nullopt;
}

void narrowBound(TileLoadOp load) {
  auto type = dyn_cast<VectorType>(load.getType());
  auto stored = dyn_cast<FloatType>(load.getStored());
  if (!type || type.getRank() != 1 || !stored || stored.getWidth() != 16 || type.getElementType() == stored)
    return;
  std::optional<BoundedRow> row = boundOnRow(load, stored);
  if (!row)
    return;
  OpBuilder builder(load);
  Location loc = load.getLoc();
  auto narrow = cast<TileLoadOp>(builder.clone(*load));
  VectorType halves = type.clone(stored);
  narrow.getResult().setType(halves);
  Value bound = arith::ConstantOp::create(builder, loc, DenseElementsAttr::get(halves, row->bound->number));
  Operation *bounded = builder.create(loc, row->bound->operation.getIdentifier(), {narrow, bound}, {halves});
  Value wide = convertStored(builder, loc, bounded->getResult(0), type.getElementType(), /*gpu=*/true);
  for (vector::ExtractOp element : row->elements) {
    for (Operation *op : llvm::make_early_inc_range(element->getUsers())) {
      op->replaceAllUsesWith(ValueRange(element.getResult()));
      op->erase();
    }
    element.getSourceMutable().assign(wide);
  }
  load.erase();
}

struct NarrowBounds : ssm::impl::NarrowBoundsBase<NarrowBounds> {
  using NarrowBoundsBase::NarrowBoundsBase;

  void runOnOperation() override {
    SmallVector<TileLoadOp> loads;
    getOperation().walk([&](TileLoadOp load) { loads.push_back(load); });
    llvm::for_each(loads, narrowBound);
  }
};
} // namespace
