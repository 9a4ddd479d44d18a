// A small algebra of coefficients. Each expression is made once, so that two are equal where they are one object; sums
// and products are kept flat and in the order of creation for that, and a common constant stands apart.

#include "dialect/Expression.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Complex/IR/Complex.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/SetVector.h"

#include <limits>

using namespace mlir;
using namespace ssm;
using Kind = Expression::Kind;
using Number = std::complex<double>;

void Expression::Profile(llvm::FoldingSetNodeID &node) const {
  node.AddInteger(static_cast<unsigned>(kind));
  for (double part : {number.real(), number.imag()})
    node.AddInteger(llvm::bit_cast<uint64_t>(part == 0 ? 0.0 : part));
  node.AddPointer(value.getAsOpaquePointer());
  for (Expr operand : operands)
    node.AddInteger(operand->id);
  node.AddInteger(over.raw());
  node.AddInteger(from);
  node.AddInteger(to ? *to + 1 : 0);
  node.AddInteger(tap);
}

Expr Expressions::make(Expression &&expression, DimSet removed) {
  llvm::FoldingSetNodeID node;
  expression.Profile(node);
  void *place;
  if (Expression *found = known.FindNodeOrInsertPos(node, place))
    return found;
  for (Expr operand : expression.operands) {
    expression.dims = expression.dims | (operand->dims - removed);
    expression.depth = std::max(expression.depth, operand->depth + 1);
  }
  expression.id = owned.size();
  owned.push_back(std::move(expression));
  known.InsertNode(&owned.back(), place);
  return &owned.back();
}

static Expression node(Kind kind, ArrayRef<Expr> operands = {}) {
  Expression expression;
  expression.kind = kind;
  expression.operands.assign(operands.begin(), operands.end());
  expression.isReal = llvm::all_of(operands, [](Expr operand) { return operand->isReal; });
  return expression;
}

//===----------------------------------------------------------------------===//
// Leaves
//===----------------------------------------------------------------------===//

Expr Expressions::constant(Number number) {
  Expression expression = node(Kind::Constant);
  expression.number = number;
  expression.isReal = number.imag() == 0;
  return make(std::move(expression));
}

Expr Expressions::leaf(Value value) {
  if (auto number = value.getDefiningOp<arith::ConstantOp>())
    if (auto real = dyn_cast<FloatAttr>(number.getValue()))
      return constant(real.getValueAsDouble());
  if (auto number = value.getDefiningOp<complex::ConstantOp>())
    return constant({cast<FloatAttr>(number.getValue()[0]).getValueAsDouble(),
                     cast<FloatAttr>(number.getValue()[1]).getValueAsDouble()});
  if (auto create = value.getDefiningOp<complex::CreateOp>())
    return complex(leaf(create.getReal()), leaf(create.getImaginary()));
  if (auto part = value.getDefiningOp<complex::ReOp>())
    return re(leaf(part.getComplex()));
  if (auto part = value.getDefiningOp<complex::ImOp>())
    return im(leaf(part.getComplex()));
  Expression expression = node(Kind::Leaf);
  expression.value = value;
  expression.isReal = !isa<ComplexType>(value.getType());
  expression.dims = dims.of(value);
  return make(std::move(expression));
}

Expr Expressions::size(unsigned dim) {
  if (std::optional<int64_t> size = recurrence.sizeOf(dims.name(dim)))
    return constant(double(*size));
  Expression expression = node(Kind::Size);
  expression.from = dim;
  return make(std::move(expression));
}

//===----------------------------------------------------------------------===//
// Sums and products
//===----------------------------------------------------------------------===//

static bool isBefore(Expr a, Expr b) { return a->id < b->id; }

/// Sums and products with more operands become operands whole, so that a sum made term by term takes no more than the
/// square of that.
static bool isFlattened(Expr a, Kind kind) {
  constexpr unsigned mostOperands = 64;
  return a->kind == kind && a->operands.size() <= mostOperands;
}

/// number · (product of factors), the factors in order; a sum takes the number into its terms.
Expr Expressions::makeProduct(Number number, SmallVectorImpl<Expr> &factors) {
  if (number == 0.0 || factors.empty())
    return constant(number);
  if (factors.size() == 1 && number == 1.0)
    return factors[0];
  if (factors.size() == 1 && factors[0]->kind == Kind::Sum)
    return scaleSum(number, factors[0]);
  llvm::sort(factors, isBefore);
  Expression product = node(Kind::Product, factors);
  product.number = number;
  product.isReal &= number.imag() == 0;
  return make(std::move(product));
}

Expr Expressions::mul(ArrayRef<Expr> all) {
  Number number = 1;
  SmallVector<Expr> factors;
  for (Expr factor : all) {
    if (factor->kind == Kind::Constant || isFlattened(factor, Kind::Product))
      number *= factor->number;
    if (isFlattened(factor, Kind::Product))
      llvm::append_range(factors, factor->operands);
    else if (factor->kind != Kind::Constant)
      factors.push_back(factor);
  }
  return makeProduct(number, factors);
}

Expr Expressions::scaleSum(Number number, Expr sum) {
  SmallVector<Expr> summands = {constant(number * sum->number)};
  for (Expr summand : sum->operands)
    summands.push_back(mul(constant(number), summand));
  return add(summands);
}

Expr Expressions::add(ArrayRef<Expr> all) {
  Number number = 0;
  // Each distinct term and what it is multiplied by.
  llvm::SmallMapVector<Expr, Number, 8> terms;
  auto addTerm = [&](Expr term) {
    if (term->isConstant()) {
      number += term->number;
      return;
    }
    Number factor = 1;
    if (term->kind == Kind::Product && term->number != 1.0) {
      factor = term->number;
      SmallVector<Expr> factors = llvm::to_vector_of<Expr>(term->operands);
      term = makeProduct(1, factors);
    }
    terms[term] += factor;
  };
  for (Expr summand : all) {
    if (!isFlattened(summand, Kind::Sum)) {
      addTerm(summand);
      continue;
    }
    number += summand->number;
    llvm::for_each(summand->operands, addTerm);
  }

  SmallVector<Expr> summands;
  for (auto [term, factor] : terms)
    if (factor != 0.0)
      summands.push_back(mul(constant(factor), term));
  if (summands.empty())
    return constant(number);
  if (summands.size() == 1 && number == 0.0)
    return summands[0];
  llvm::sort(summands, isBefore);
  Expression sum = node(Kind::Sum, summands);
  sum.number = number;
  sum.isReal &= number.imag() == 0;
  return make(std::move(sum));
}

Expr Expressions::reciprocal(Expr a) {
  if (a->isConstant())
    return constant(1.0 / a->number);
  if (a->kind == Kind::Reciprocal)
    return a->operands[0];
  if (a->kind == Kind::Product && a->number != 1.0) {
    SmallVector<Expr> factors = llvm::to_vector_of<Expr>(a->operands);
    return mul(constant(1.0 / a->number), reciprocal(makeProduct(1, factors)));
  }
  return make(node(Kind::Reciprocal, a));
}

//===----------------------------------------------------------------------===//
// Choice
//===----------------------------------------------------------------------===//

Expr Expressions::makeSelect(Expression &&select, Expr a, Expr b) {
  if (a == b)
    return a;
  select.operands = {a, b};
  select.isReal = a->isReal && b->isReal;
  return make(std::move(select));
}

Expr Expressions::select(Value condition, Expr a, Expr b) {
  Expression expression = node(Kind::Select);
  expression.value = condition;
  expression.dims = dims.of(condition);
  return makeSelect(std::move(expression), a, b);
}

Expr Expressions::selectSame(unsigned from, unsigned to, Expr a, Expr b) {
  Expression expression = node(Kind::Select);
  expression.from = from;
  expression.to = to;
  expression.dims = DimSet().with(from).with(to);
  return makeSelect(std::move(expression), a, b);
}

Expr Expressions::selectAt(unsigned dim, int64_t coordinate, Expr a, Expr b) {
  Expression expression = node(Kind::Select);
  expression.from = dim;
  expression.tap = coordinate;
  expression.dims = DimSet().with(dim);
  return makeSelect(std::move(expression), a, b);
}

Expr Expressions::maximum(Expr a, Expr b) {
  double number = -std::numeric_limits<double>::infinity();
  llvm::SmallSetVector<Expr, 4> operands;
  for (Expr side : {a, b}) {
    if (side->isConstant() || side->kind == Kind::Maximum)
      number = std::max(number, side->number.real());
    if (side->kind == Kind::Maximum)
      operands.insert_range(side->operands);
    else if (!side->isConstant())
      operands.insert(side);
  }
  if (operands.empty())
    return constant(number);
  if (operands.size() == 1 && std::isinf(number))
    return operands[0];
  SmallVector<Expr> sorted = operands.takeVector();
  llvm::sort(sorted, isBefore);
  Expression expression = node(Kind::Maximum, sorted);
  expression.number = number;
  return make(std::move(expression));
}

//===----------------------------------------------------------------------===//
// Complex numbers
//===----------------------------------------------------------------------===//

/// Of number · real factors · (one other factor).
Expr Expressions::partOfProduct(Expr a, bool imaginary) {
  Expr other = nullptr;
  SmallVector<Expr> real;
  for (Expr factor : a->operands)
    if (factor->isReal)
      real.push_back(factor);
    else
      other = other ? mul(other, factor) : factor;
  double x = a->number.real(), y = a->number.imag();
  Expr scale = makeProduct(1, real);
  if (!other)
    return mul(constant(imaginary ? y : x), scale);
  if (other->kind == Kind::Product) {
    Expression atom = node(imaginary ? Kind::Im : Kind::Re, mul(constant(a->number), other));
    atom.isReal = true;
    return mul(scale, make(std::move(atom)));
  }
  // re((x + iy)·z) = x·re z - y·im z, and the imaginary part is the real one of -i times that.
  if (imaginary)
    std::tie(x, y) = std::pair(y, -x);
  Expr result = constant(0);
  if (x != 0)
    result = add(result, mul(constant(x), re(other)));
  if (y != 0)
    result = sub(result, mul(constant(y), im(other)));
  return mul(scale, result);
}

Expr Expressions::part(Expr a, bool imaginary) {
  if (a->isReal)
    return imaginary ? constant(0) : a;
  if (Expr found = parts.lookup({a, imaginary}))
    return found;
  Expr result = nullptr;
  switch (a->kind) {
  case Kind::Constant:
    result = constant(imaginary ? a->number.imag() : a->number.real());
    break;
  case Kind::Conj:
    result = imaginary ? neg(im(a->operands[0])) : re(a->operands[0]);
    break;
  case Kind::Sum: {
    SmallVector<Expr> summands = {constant(imaginary ? a->number.imag() : a->number.real())};
    for (Expr operand : a->operands)
      summands.push_back(part(operand, imaginary));
    result = add(summands);
    break;
  }
  case Kind::Product:
    result = partOfProduct(a, imaginary);
    break;
  default: {
    Expression atom = node(imaginary ? Kind::Im : Kind::Re, a);
    atom.isReal = true;
    result = make(std::move(atom));
  }
  }
  return parts[{a, imaginary}] = result;
}

Expr Expressions::conj(Expr a) {
  if (a->isReal)
    return a;
  SmallVector<Expr> operands;
  switch (a->kind) {
  case Kind::Constant:
    return constant(std::conj(a->number));
  case Kind::Conj:
    return a->operands[0];
  case Kind::Sum:
  case Kind::Product:
    operands.push_back(constant(std::conj(a->number)));
    for (Expr operand : a->operands)
      operands.push_back(conj(operand));
    return a->kind == Kind::Sum ? add(operands) : mul(operands);
  default:
    return make(node(Kind::Conj, a));
  }
}

//===----------------------------------------------------------------------===//
// Dimensions
//===----------------------------------------------------------------------===//

std::pair<Expr, Expr> Expressions::split(Expr a, DimSet over, Kind kind) {
  bool isProduct = kind == Kind::Product;
  if (a->kind != kind)
    return (a->dims & over).empty() ? std::pair(constant(isProduct ? 1 : 0), a)
                                    : std::pair(a, constant(isProduct ? 1 : 0));
  SmallVector<Expr> inside, outside = {constant(a->number)};
  for (Expr operand : a->operands)
    ((operand->dims & over).empty() ? outside : inside).push_back(operand);
  return isProduct ? std::pair(mul(inside), mul(outside)) : std::pair(add(inside), add(outside));
}

/// sum over d of a is size(d)·a where a lacks d, and what lacks d is taken out of the sum.
Expr Expressions::sumOver(Expr a, DimSet over) {
  DimSet absent = over - a->dims, present = over & a->dims;
  for (unsigned dim = 0; dim < dims.count(); ++dim)
    if (absent.contains(dim))
      a = mul(a, size(dim));
  if (present.empty())
    return a;
  auto [inside, outside] = split(a, present, Kind::Product);
  Expression sum = node(Kind::SumOver, inside);
  sum.over = present;
  return mul(outside, make(std::move(sum), present));
}

Expr Expressions::maximumOver(Expr a, DimSet over) {
  DimSet present = over & a->dims;
  if (present.empty())
    return a;
  auto [inside, outside] = split(a, present, Kind::Sum);
  Expression maximum = node(Kind::MaximumOver, inside);
  maximum.over = present;
  return add(outside, make(std::move(maximum), present));
}

Expr Expressions::rename(Expr a, unsigned from, unsigned to) {
  if (!a->dims.contains(from))
    return a;
  if (a->kind == Kind::Rename && a->from == to && a->to == from)
    return a->operands[0];
  if (a->kind == Kind::Product && a->number != 1.0) {
    SmallVector<Expr> factors = llvm::to_vector_of<Expr>(a->operands);
    return mul(constant(a->number), rename(makeProduct(1, factors), from, to));
  }
  Expression expression = node(Kind::Rename, a);
  expression.from = from;
  expression.to = to;
  expression.dims = DimSet().with(to);
  return make(std::move(expression), DimSet().with(from));
}

Expr Expressions::flip(Expr a, unsigned dim) {
  if (!a->dims.contains(dim))
    return a;
  if (a->kind == Kind::Flip && a->from == dim)
    return a->operands[0];
  Expression expression = node(Kind::Flip, a);
  expression.from = dim;
  return make(std::move(expression));
}

Expr Expressions::softplus(Expr a) { return make(node(Kind::Softplus, a)); }
