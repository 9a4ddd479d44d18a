// Sums and maxima over rows: what lies outside the limits counts as the neutral element.

#include "passes/UnrollSums.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "passes/RowAccess.h"
#include "passes/UnrollAccesses.h"

using namespace mlir;
using namespace ssm;

namespace {
/// Sums over rows add into two partial sums, so that their latencies overlap; over few rows into as many as the pass is
/// told.
constexpr int64_t partialsOfMany = 2, fewRows = 16;

class ReducedRow {
public:
  ReducedRow(OpBuilder &builder, TileReduceOp reduce, int64_t number, size_t partialsOfFew, RowMaker row)
      : builder(builder), reduce(reduce), loc(reduce.getLoc()), source(reduce.getValue().getType()),
        target(reduce.getType()), index(target.at(number)),
        mostPartials(source.count() / target.count() <= fewRows ? partialsOfFew : partialsOfMany), row(row) {}

  Value make() {
    Type type = rowType(target.lanes, getElementTypeOrSelf(reduce.getType()));
    SmallVector<Value> partials = makePartials();
    if (partials.empty())
      return neutral(type);
    while (partials.size() > 1) {
      SmallVector<Value> halved;
      for (size_t i = 0; i < partials.size(); i += 2)
        halved.push_back(i + 1 < partials.size() ? combine(partials[i], partials[i + 1]) : partials[i]);
      partials = std::move(halved);
    }
    if (source.lanes == target.lanes)
      return partials[0];
    return TileReduceOp::create(builder, loc, type, reduce.getKind(), partials[0], builder.getDenseI64ArrayAttr({0}),
                                ValueRange(), builder.getArrayAttr({}));
  }

private:
  /// Terms in turn to each of the partial sums.
  SmallVector<Value> makePartials() {
    SmallVector<Value> partials;
    size_t count = 0;
    for (int64_t from = 0; from < source.count(); ++from) {
      if (!isTerm(from))
        continue;
      Value term = termOf(from);
      if (!term)
        continue;
      if (partials.size() < mostPartials)
        partials.push_back(term);
      else
        partials[count % mostPartials] = combine(partials[count % mostPartials], term);
      ++count;
    }
    return partials;
  }

  /// Whether a row of the operand goes into this one of the result.
  bool isTerm(int64_t number) {
    SmallVector<int64_t> at = source.at(number);
    for (int64_t axis : reduce.getAxes())
      if (axis < static_cast<int64_t>(at.size()))
        at[axis] = 0;
    return at == index;
  }

  /// A row of the operand with the neutral element outside the limits; null if all of it is outside.
  Value termOf(int64_t number) {
    Value zero = arith::ConstantOp::create(builder, loc, builder.getI64IntegerAttr(0));
    SmallVector<Value> strides(source.extents.size() + 1, zero);
    RowAddress address = addressRow(builder, loc, source.at(number), source.lanes, zero, strides, reduce.getLimits(),
                                    reduce.getCoefficients());
    if (address.outside)
      return {};
    Value term = row(reduce.getValue(), number);
    Value mask = rowMask(builder, loc, source.lanes, address.limits, builder.getArrayAttr(address.coefficients));
    return mask ? Value(arith::SelectOp::create(builder, loc, mask, term, neutral(term.getType()))) : term;
  }

  Value combine(Value a, Value b) {
    if (reduce.getKind() == "max")
      return arith::MaximumFOp::create(builder, loc, a, b);
    // A product becomes an fma here: left to LLVM, the first two terms of a sum do, and the first waits for the second.
    if (auto product = b.getDefiningOp<arith::MulFOp>(); product && product->use_empty())
      return math::FmaOp::create(builder, loc, product.getLhs(), product.getRhs(), a);
    return arith::AddFOp::create(builder, loc, a, b, arith::FastMathFlags::contract);
  }

  Value neutral(Type type) {
    const llvm::fltSemantics &numbers = cast<FloatType>(getElementTypeOrSelf(type)).getFloatSemantics();
    return createScalarOrSplatConstant(builder, loc, type,
                                       reduce.getKind() == "max" ? APFloat::getInf(numbers, /*Negative=*/true)
                                                                 : APFloat::getZero(numbers));
  }

  OpBuilder &builder;
  TileReduceOp reduce;
  Location loc;
  Rows source, target;
  SmallVector<int64_t> index;
  size_t mostPartials;
  RowMaker row;
};
} // namespace

Value ssm::reduceRow(OpBuilder &builder, TileReduceOp reduce, int64_t number, size_t partialsOfFew, RowMaker row) {
  return ReducedRow(builder, reduce, number, partialsOfFew, row).make();
}
