// Steps of an affine recurrence on tiles, and what two of them are together.

#include "passes/StepAlgebra.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace ssm;

static VectorType typeOf(Value tile) { return cast<VectorType>(tile.getType()); }

//===----------------------------------------------------------------------===//
// Numbers
//===----------------------------------------------------------------------===//

Numbers::Numbers(TileScanOp scan)
    : ImplicitLocOpBuilder(scan.getLoc(), scan), isMax(scan.getMax()),
      element(cast<FloatType>(typeOf(scan.getDrive().front()).getElementType())) {}

Value Numbers::stretch(Value tile, ArrayRef<int64_t> shape) {
  VectorType type = typeOf(tile);
  return type.getShape() == shape
             ? tile
             : createOrFold<vector::BroadcastOp>(VectorType::get(shape, type.getElementType()), tile);
}
/// Both at the larger extent along each axis.
void Numbers::fit(Value &a, Value &b) {
  SmallVector<int64_t> shape =
      llvm::map_to_vector(llvm::zip_equal(typeOf(a).getShape(), typeOf(b).getShape()),
                          [](auto pair) { return std::max(std::get<0>(pair), std::get<1>(pair)); });
  a = stretch(a, shape);
  b = stretch(b, shape);
}

Number Numbers::add(Number a, Number b) {
  if (!a || !b)
    return a ? a : b;
  return {plus(a.re, b.re), a.im && b.im ? plus(a.im, b.im) : a.im ? a.im : b.im};
}
Number Numbers::mul(Number a, Number b) {
  if (!a.im)
    return {times(a.re, b.re), b.im ? times(a.re, b.im) : Value()};
  if (!b.im)
    return mul(b, a);
  Value re = createOrFold<arith::SubFOp>(times(a.re, b.re), times(a.im, b.im));
  return {re, plus(times(a.re, b.im), times(a.im, b.re))};
}
Value Numbers::plus(Value a, Value b) {
  fit(a, b);
  return isMax ? createOrFold<arith::MaximumFOp>(a, b) : createOrFold<arith::AddFOp>(a, b);
}
Value Numbers::sum(Value a, Value b) {
  fit(a, b);
  return createOrFold<arith::AddFOp>(a, b);
}

APFloat Numbers::zero() const {
  return isMax ? APFloat::getInf(element.getFloatSemantics(), /*Negative=*/true)
               : APFloat::getZero(element.getFloatSemantics());
}
APFloat Numbers::one() const {
  return isMax ? APFloat::getZero(element.getFloatSemantics()) : APFloat::getOne(element.getFloatSemantics());
}
/// A tile of one number, of extent 1 along each of `rank` axes.
Value Numbers::constant(const APFloat &number, int64_t rank) {
  auto type = VectorType::get(SmallVector<int64_t>(rank, 1), element);
  return arith::ConstantOp::create(*this, DenseElementsAttr::get(type, number));
}

Value Numbers::times(Value a, Value b) {
  fit(a, b);
  return isMax ? createOrFold<arith::AddFOp>(a, b) : createOrFold<arith::MulFOp>(a, b);
}

//===----------------------------------------------------------------------===//
// What the scan does
//===----------------------------------------------------------------------===//

StepAlgebra::StepAlgebra(TileScanOp scan)
    : make(scan), scan(scan), shape(typeOf(scan.getDrive().front()).getShape()), along(scan.getAlong()) {}

States StepAlgebra::numbers(OperandRange tiles) {
  States result;
  size_t parts = scan.getComplex() ? 2 : 1;
  for (size_t i = 0; i < tiles.size(); i += parts)
    result.push_back({tiles[i], parts == 2 ? tiles[i + 1] : Value()});
  return result;
}

Steps StepAlgebra::steps() {
  Transition transition;
  size_t count = scan.getStateCount();
  bool isMatrixComplex = scan.getTransition().size() == 2 * count * count;
  for (size_t i = 0; i < scan.getTransition().size(); i += 1 + isMatrixComplex)
    transition.push_back(
        {overSteps(scan.getTransition()[i]), isMatrixComplex ? overSteps(scan.getTransition()[i + 1]) : Value()});
  if (scan.getLog())
    transition[0].re = limitLog(transition[0].re);
  Steps steps = {transition, numbers(scan.getDrive())};
  if (scan.getBelow())
    maskSteps(steps);
  return steps;
}

//===----------------------------------------------------------------------===//
// One step after another
//===----------------------------------------------------------------------===//

/// Rows and columns of a dense transition.
int64_t StepAlgebra::columns() { return llvm::product_of(scan.getSizes()); }

/// The part of a tile at the j-th coordinates of the dimensions at `axes`.
Value StepAlgebra::slice(Value tile, ArrayRef<int64_t> axes, int64_t j) {
  SmallVector<int64_t> offsets(shape.size(), 0), extents(typeOf(tile).getShape()), strides(shape.size(), 1);
  ArrayRef<int64_t> sizes = scan.getSizes();
  for (size_t k = axes.size(); k-- > 0; j /= sizes[k])
    if (axes[k] >= 0 && extents[axes[k]] > 1) {
      offsets[axes[k]] = j % sizes[k];
      extents[axes[k]] = 1;
    }
  if (ArrayRef(extents) == typeOf(tile).getShape())
    return tile;
  return vector::ExtractStridedSliceOp::create(make, tile, offsets, extents, strides);
}
Number StepAlgebra::slice(Number number, ArrayRef<int64_t> axes, int64_t j) {
  return {slice(number.re, axes, j), number.im ? slice(number.im, axes, j) : Value()};
}

/// A·h + b
States StepAlgebra::apply(const Steps &steps, const States &before) {
  const auto &[transition, drive] = steps;
  States after;
  for (size_t row = 0; row < drive.size(); ++row) {
    Number sum = drive[row];
    if (transition.empty())
      sum = make.add(before[row], sum);
    else if (isDense())
      for (int64_t j = 0; j < columns(); ++j)
        sum = make.add(make.mul(slice(transition[0], scan.getFrom(), j), slice(before[0], scan.getOver(), j)), sum);
    else if (transition.size() == 1)
      sum = make.add(make.mul(decay(transition[0]), before[row]), sum);
    else
      for (size_t column = 0; column < before.size(); ++column)
        sum = make.add(make.mul(transition[row * before.size() + column], before[column]), sum);
    after.push_back(sum);
  }
  return after;
}

Steps StepAlgebra::compose(const Steps &second, const Steps &first) {
  States drive = apply(second, first.drive);
  return {compose(second.transition, first.transition), drive};
}

Transition StepAlgebra::compose(const Transition &second, const Transition &first) {
  if (second.empty())
    return {};
  if (scan.getLog())
    return {{make.sum(second[0].re, first[0].re)}};
  Transition both;
  size_t count = scan.getStateCount();
  for (size_t entry = 0; entry < second.size(); ++entry) {
    if (isDense()) {
      Number sum = {};
      for (int64_t j = 0; j < columns(); ++j)
        sum = make.add(sum, make.mul(slice(second[0], scan.getFrom(), j), slice(first[0], scan.getOver(), j)));
      both.push_back(sum);
      continue;
    }
    Number sum = {};
    for (size_t k = 0; k < count; ++k)
      sum = make.add(sum, make.mul(second[entry / count * count + k], first[k * count + entry % count]));
    both.push_back(sum);
  }
  return both;
}

Number StepAlgebra::decay(Number transition) {
  if (!scan.getLog())
    return transition;
  Value &exponential = exponentials[transition.re];
  if (!exponential)
    exponential = math::ExpOp::create(make, transition.re);
  return {exponential};
}

/// Sums of logs stay finite; exp of the smallest is 0.
Value StepAlgebra::limitLog(Value log) {
  APFloat smallest(make.getElement().isF64() ? -750.0 : -104.0);
  bool exact;
  smallest.convert(make.getElement().getFloatSemantics(), APFloat::rmNearestTiesToEven, &exact);
  Value limit = make.constant(smallest, shape.size());
  make.fit(log, limit);
  return arith::MaximumFOp::create(make, log, limit);
}

//===----------------------------------------------------------------------===//
// Steps that do nothing
//===----------------------------------------------------------------------===//

/// The transition that leaves states as they are.
Transition StepAlgebra::identity(const Transition &like) {
  Transition result;
  size_t count = scan.getStateCount();
  int64_t rank = shape.size();
  auto number = [&](Value real, bool isComplex) {
    return Number{real,
                  isComplex ? make.constant(APFloat::getZero(make.getElement().getFloatSemantics()), rank) : Value()};
  };
  for (size_t entry = 0; entry < like.size(); ++entry) {
    bool isOne = isDense() || like.size() == 1 || entry / count == entry % count;
    Value real = isDense() ? identityMatrix() : make.constant(scan.getLog() || !isOne ? make.zero() : make.one(), rank);
    result.push_back(number(real, bool(like[entry].im)));
  }
  return result;
}

Value StepAlgebra::identityMatrix() {
  ArrayRef<int64_t> over = scan.getOver(), from = scan.getFrom();
  SmallVector<int64_t> extents(shape.size(), 1);
  for (auto [row, column] : llvm::zip_equal(over, from))
    for (int64_t axis : {row, column})
      if (axis >= 0)
        extents[axis] = shapeOfMatrix[axis];
  auto type = VectorType::get(extents, make.getElement());
  SmallVector<APFloat> elements;
  for (int64_t element = 0; element < type.getNumElements(); ++element) {
    SmallVector<int64_t> index(extents.size());
    int64_t rest = element;
    for (size_t axis = extents.size(); axis-- > 0; rest /= extents[axis])
      index[axis] = rest % extents[axis];
    bool isSame = llvm::all_of(llvm::zip_equal(over, from), [&](auto pair) {
      auto [row, column] = pair;
      return row < 0 || column < 0 || index[row] == index[column];
    });
    elements.push_back(isSame ? make.one() : make.zero());
  }
  return arith::ConstantOp::create(make, DenseElementsAttr::get(type, elements));
}

/// The steps' numbers in a block.
Value StepAlgebra::stepNumbers() {
  SmallVector<int64_t> extents(shape.size(), 1);
  for (int64_t axis : along)
    extents[axis] = shape[axis];
  auto type = VectorType::get(extents, make.getI64Type());
  SmallVector<int64_t> numbers(type.getNumElements());
  for (auto [element, number] : llvm::enumerate(numbers)) {
    SmallVector<int64_t> index(extents.size());
    int64_t rest = element;
    for (size_t axis = extents.size(); axis-- > 0; rest /= extents[axis])
      index[axis] = rest % extents[axis];
    for (int64_t axis : along)
      number = number * extents[axis] + index[axis];
  }
  return arith::ConstantOp::create(make, DenseElementsAttr::get(type, ArrayRef<int64_t>(numbers)));
}

/// Steps from `below` on do nothing.
void StepAlgebra::maskSteps(Steps &steps) {
  Value numbers = stepNumbers();
  Value end = vector::BroadcastOp::create(make, numbers.getType(), scan.getBelow());
  steps = choose(arith::CmpIOp::create(make, arith::CmpIPredicate::slt, numbers, end), steps, nothing(steps));
}

Steps StepAlgebra::nothing(const Steps &like) {
  Value zero = make.constant(make.zero(), shape.size());
  States drive =
      llvm::map_to_vector(like.drive, [&](Number number) { return Number{zero, number.im ? zero : Value()}; });
  return {identity(like.transition), drive};
}

Steps StepAlgebra::choose(Value condition, const Steps &a, const Steps &b) {
  auto tile = [&](Value one, Value other) -> Value {
    make.fit(one, other);
    Value whether = condition;
    if (isa<VectorType>(whether.getType()))
      whether = make.stretch(whether, typeOf(one).getShape());
    return arith::SelectOp::create(make, whether, one, other);
  };
  auto numbers = [&](ArrayRef<Number> ones, ArrayRef<Number> others) {
    SmallVector<Number> result;
    for (auto [one, other] : llvm::zip_equal(ones, others))
      result.push_back({tile(one.re, other.re), one.im ? tile(one.im, other.im) : Value()});
    return result;
  };
  return {numbers(a.transition, b.transition), numbers(a.drive, b.drive)};
}

/// A transition's tile with every step; and what a matrix's axes hold.
Value StepAlgebra::overSteps(Value tile) {
  SmallVector<int64_t> extents(typeOf(tile).getShape());
  for (int64_t axis : along)
    extents[axis] = shape[axis];
  // Where a matrix does not vary along its rows or columns, products of it do.
  shapeOfMatrix.resize(extents.size(), 1);
  ArrayRef<int64_t> sizes = scan.getSizes();
  for (auto [k, pair] : llvm::enumerate(llvm::zip_equal(scan.getOver(), scan.getFrom()))) {
    auto [row, column] = pair;
    if (row >= 0)
      extents[row] = shape[row];
    if (column >= 0)
      extents[column] = std::max(extents[column], sizes[k]);
    for (int64_t axis : {row, column})
      if (axis >= 0)
        shapeOfMatrix[axis] = extents[axis];
  }
  return make.stretch(tile, extents);
}
