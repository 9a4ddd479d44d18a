// Expressions back to operations. Factors and summands that vary along few dimensions come first, so that most of the
// arithmetic is on small values.

#include "passes/ExpressionBuilder.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Complex/IR/Complex.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;
using namespace ssm;
using Kind = Expression::Kind;
using Number = std::complex<double>;

Value ExpressionBuilder::build(Expr expression) {
  if (Value found = made.lookup(expression))
    return found;
  // What is deep is made from the bottom up; of what is not, terms of sums need not be made by themselves.
  constexpr unsigned mostDepth = 64;
  if (expression->depth > mostDepth) {
    llvm::SmallSetVector<Expr, 16> below;
    below.insert_range(expression->operands);
    for (unsigned i = 0; i < below.size(); ++i)
      for (Expr operand : below[i]->operands)
        if (!made.contains(operand))
          below.insert(operand);
    SmallVector<Expr> order(below.begin(), below.end());
    llvm::sort(order, [](Expr a, Expr b) { return a->id < b->id; });
    for (Expr part : order)
      if (!made.contains(part))
        build(part);
  }
  Value value = buildNew(expression);
  made[expression] = value;
  return value;
}

Value ExpressionBuilder::buildAs(Expr expression, Type type) {
  Value value = build(expression);
  return isa<ComplexType>(type) ? complexOf(value) : value;
}

Value ExpressionBuilder::complexOf(Value value) {
  return isa<ComplexType>(value.getType()) ? value : make.complex(value, {});
}

ArrayAttr ExpressionBuilder::names(DimSet set) { return make.getStrArrayAttr(dims.list(set)); }

Value ExpressionBuilder::buildNew(Expr expression) {
  auto operand = [&] { return build(expression->operands[0]); };
  auto name = [&](unsigned dim) { return make.getStringAttr(dims.name(dim)); };
  switch (expression->kind) {
  case Kind::Constant:
    return scaledProduct(expression->number, {});
  case Kind::Leaf:
    return leaf(expression->value);
  case Kind::Product:
  case Kind::Reciprocal:
    return product(expression);
  case Kind::Sum:
    return sum(expression);
  case Kind::Select:
    return select(expression);
  case Kind::Re:
    return make.re(operand());
  case Kind::Im:
    return make.im(operand());
  case Kind::Conj:
    return make.createOrFold<complex::ConjOp>(operand());
  case Kind::Maximum:
    return maximum(expression);
  case Kind::SumOver:
    return SumOp::create(make, operand(), names(expression->over));
  case Kind::MaximumOver:
    return MaxOp::create(make, operand(), names(expression->over));
  case Kind::Rename:
    return RenameOp::create(make, operand(), name(expression->from), name(*expression->to));
  case Kind::Flip:
    return FlipOp::create(make, operand(), name(expression->from));
  case Kind::Size:
    return SizeOp::create(make, compute, name(expression->from));
  case Kind::Softplus:
    return SoftplusOp::create(make, operand());
  }
  llvm_unreachable("an expression that is none");
}

/// The value, in the width that is computed in.
Value ExpressionBuilder::leaf(Value value) {
  auto convert = [&](Value real) -> Value {
    unsigned width = real.getType().getIntOrFloatBitWidth();
    if (width == compute.getWidth())
      return real;
    return width < compute.getWidth() ? make.createOrFold<arith::ExtFOp>(compute, real)
                                      : make.createOrFold<arith::TruncFOp>(compute, real);
  };
  auto complexType = dyn_cast<ComplexType>(value.getType());
  if (!complexType)
    return convert(value);
  if (complexType.getElementType() == compute)
    return value;
  return make.complex(convert(make.re(value)), convert(make.im(value)));
}

//===----------------------------------------------------------------------===//
// Products
//===----------------------------------------------------------------------===//

Value ExpressionBuilder::product(Expr expression) {
  return expression->kind == Kind::Product ? scaledProduct(expression->number, expression->operands)
                                           : scaledProduct(1, expression);
}

static bool comesFirst(Expr a, Expr b) {
  auto key = [](Expr expression) { return std::tuple(expression->dims.size(), expression->id); };
  return key(a) < key(b);
}

/// Real factors, then complex ones; then what is divided by.
Value ExpressionBuilder::scaledProduct(Number number, ArrayRef<Expr> factors) {
  SmallVector<Expr> sorted(factors), divisors;
  llvm::sort(sorted, comesFirst);
  Value real, other;
  bool isNegated = number == -1.0;
  bool isPlain = number == 1.0 || isNegated;
  if (!isPlain && number.imag() == 0)
    real = make.constant(compute, number.real());
  for (Expr factor : sorted) {
    if (factor->kind == Kind::Reciprocal) {
      divisors.push_back(factor->operands[0]);
      continue;
    }
    Value &target = factor->isReal ? real : other;
    target = target ? make.mul(target, build(factor)) : build(factor);
  }
  if (number.imag() != 0) {
    Value re = number.real() != 0 ? make.constant(compute, number.real()) : Value();
    Value im = make.constant(compute, number.imag());
    Value scaled = !real                    ? make.complex(re, im)
                   : number == Number(0, 1) ? make.complex({}, real)
                                            : make.complex(make.mul(re, real), make.mul(im, real));
    real = {};
    other = other ? make.mul(other, scaled) : scaled;
  }
  Value value = other && real ? make.scale(real, other) : other ? other : real;
  if (!value)
    value = make.constant(compute, 1);
  for (Expr divisor : divisors) {
    Value by = build(divisor);
    if (!isa<ComplexType>(by.getType()) && isa<ComplexType>(value.getType()))
      value = make.complex(make.div(make.re(value), by), make.div(make.im(value), by));
    else
      value = make.div(isa<ComplexType>(by.getType()) ? complexOf(value) : value, by);
  }
  return isNegated ? make.neg(value) : value;
}

//===----------------------------------------------------------------------===//
// Sums
//===----------------------------------------------------------------------===//

/// Terms with a negative factor are subtracted.
Value ExpressionBuilder::realSum(double number, ArrayRef<std::pair<double, Expr>> terms) {
  SmallVector<std::pair<double, Expr>> sorted(terms);
  llvm::sort(sorted, [](auto &a, auto &b) {
    return (a.first > 0) != (b.first > 0) ? a.first > 0 : comesFirst(a.second, b.second);
  });
  Value total = number != 0 ? make.constant(compute, number) : Value();
  for (auto [factor, term] : sorted) {
    SmallVector<Expr> factors = {term};
    if (term->kind == Kind::Product)
      factors.assign(term->operands.begin(), term->operands.end());
    Value value =
        factors.size() == 1 && std::abs(factor) == 1 ? build(factors[0]) : scaledProduct(std::abs(factor), factors);
    total = factor > 0 ? make.add(total, value) : make.sub(total, value);
  }
  return total;
}

Value ExpressionBuilder::sum(Expr expression) {
  SmallVector<std::pair<double, Expr>> real, imaginary;
  Value others;
  for (Expr term : expression->operands) {
    Number factor = term->kind == Kind::Product ? term->number : 1;
    bool hasRealFactors = term->isReal || (term->kind == Kind::Product &&
                                           llvm::all_of(term->operands, [](Expr operand) { return operand->isReal; }));
    if (hasRealFactors && factor.imag() == 0)
      real.emplace_back(factor.real(), term);
    else if (hasRealFactors && factor.real() == 0)
      imaginary.emplace_back(factor.imag(), term);
    else
      others = make.add(others, build(term));
  }
  Value re = realSum(expression->number.real(), real), im = realSum(expression->number.imag(), imaginary);
  if (expression->isReal)
    return re;
  return make.add(others, re || im ? make.complex(re, im) : Value());
}

//===----------------------------------------------------------------------===//
// Choice
//===----------------------------------------------------------------------===//

Value ExpressionBuilder::select(Expr expression) {
  Value condition = expression->value;
  if (!condition) {
    auto index = [&](unsigned dim) { return IndexOp::create(make, compute, make.getStringAttr(dims.name(dim))); };
    Value wanted = expression->to ? Value(index(*expression->to)) : make.constant(compute, double(expression->tap));
    condition = arith::CmpFOp::create(make, arith::CmpFPredicate::OEQ, index(expression->from), wanted);
  }
  Value a = build(expression->operands[0]), b = build(expression->operands[1]);
  if (!expression->isReal)
    return make.select(condition, complexOf(a), complexOf(b));
  return make.select(condition, a, b);
}

Value ExpressionBuilder::maximum(Expr expression) {
  SmallVector<Expr> sorted = llvm::to_vector_of<Expr>(expression->operands);
  llvm::sort(sorted, comesFirst);
  Value total;
  if (!std::isinf(expression->number.real()))
    total = make.constant(compute, expression->number.real());
  for (Expr operand : sorted)
    total = total ? make.createOrFold<arith::MaximumFOp>(build(operand), total) : build(operand);
  return total;
}

//===----------------------------------------------------------------------===//
// Steps
//===----------------------------------------------------------------------===//

StepValues ssm::buildStep(const Component &component, const DimensionAnalysis &dims, OpBuilder &builder,
                          bool withDecay) {
  assert(component.isScan() && "a step that has a transition");
  Type type = component.states[0].type();
  auto compute = cast<FloatType>(isa<ComplexType>(type) ? cast<ComplexType>(type).getElementType() : type);
  ExpressionBuilder build(dims, builder.getInsertionBlock()->getParentOp()->getLoc(), builder, compute);
  StepValues values;
  if (component.logDecay)
    values.logDecay = build.build(component.logDecay);
  if (!component.logDecay || withDecay)
    for (Expr entry : component.transition)
      values.transition.push_back(build.build(entry));
  values.left = component.left ? build.build(component.left) : Value();
  values.right = component.right ? build.build(component.right) : Value();
  for (auto [drive, state] : llvm::zip_equal(component.drive, component.states))
    values.drive.push_back(build.buildAs(drive, state.type()));
  return values;
}
