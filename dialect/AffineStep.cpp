// Symbolic differentiation of one step with respect to the previous states of one component, over (+, ×) or (max, +).

#include "dialect/AffineStep.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Complex/IR/Complex.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "llvm/ADT/TypeSwitch.h"

#include <limits>

using namespace mlir;
using namespace ssm;
using Number = std::complex<double>;

AffineStep::AffineStep(RecurrenceOp recurrence, Expressions &expressions, ArrayRef<ComponentState> states,
                       Algebra algebra)
    : recurrence(recurrence), build(expressions), dims(expressions.dimensions()), states(states), algebra(algebra) {
  for (auto [i, state] : llvm::enumerate(states))
    numbers[{state.state.name, state.back}] = i;
}

//===----------------------------------------------------------------------===//
// The algebra
//===----------------------------------------------------------------------===//

static double zeroOf(Algebra algebra) { return algebra == Algebra::Sum ? 0 : -std::numeric_limits<double>::infinity(); }

Expr AffineStep::orZero(Expr a) { return a ? a : build.constant(zeroOf(algebra)); }
Expr AffineStep::nullIfZero(Expr a) { return a->isConstant(zeroOf(algebra)) ? nullptr : a; }
Expr AffineStep::one() { return build.constant(algebra == Algebra::Sum ? 1 : 0); }

Expr AffineStep::plus(Expr a, Expr b) {
  if (!a || !b)
    return a ? a : b;
  return nullIfZero(algebra == Algebra::Sum ? build.add(a, b) : build.maximum(a, b));
}

Expr AffineStep::times(Expr a, Expr b) {
  if (!a || !b)
    return nullptr;
  return nullIfZero(algebra == Algebra::Sum ? build.mul(a, b) : build.add(a, b));
}

Expr AffineStep::reduce(Expr a, DimSet over) {
  if (!a)
    return a;
  return algebra == Algebra::Sum ? build.sumOver(a, over) : build.maximumOver(a, over);
}

//===----------------------------------------------------------------------===//
// Affine values
//===----------------------------------------------------------------------===//

Affine AffineStep::of(Value value) {
  auto found = values.find(value);
  return found == values.end() ? Affine{{}, nullIfZero(build.leaf(value))} : found->second;
}

static Expr coefficientOf(const Affine &value, const Reading *reading) {
  for (auto [other, coefficient] : value.terms)
    if (other == reading)
      return coefficient;
  return nullptr;
}

Affine AffineStep::join(const Affine &a, const Affine &b) {
  Affine result;
  auto add = [&](const Reading *reading, Expr coefficient) {
    if (coefficient)
      result.terms.emplace_back(reading, coefficient);
  };
  for (auto [reading, coefficient] : a.terms)
    add(reading, plus(coefficient, coefficientOf(b, reading)));
  for (auto [reading, coefficient] : b.terms)
    if (!coefficientOf(a, reading))
      add(reading, coefficient);
  result.rest = plus(a.rest, b.rest);
  return result;
}

Affine AffineStep::scale(const Affine &value, Expr factor) {
  Affine result;
  for (auto [reading, coefficient] : value.terms)
    if (Expr scaled = times(coefficient, factor))
      result.terms.emplace_back(reading, scaled);
  result.rest = times(value.rest, factor);
  return result;
}

Affine AffineStep::choose(const Affine &a, const Affine &b, llvm::function_ref<Expr(Expr, Expr)> select) {
  auto part = [&](Expr x, Expr y) { return x || y ? nullIfZero(select(orZero(x), orZero(y))) : nullptr; };
  Affine result;
  for (auto [reading, coefficient] : a.terms)
    if (Expr chosen = part(coefficient, coefficientOf(b, reading)))
      result.terms.emplace_back(reading, chosen);
  for (auto [reading, coefficient] : b.terms)
    if (!coefficientOf(a, reading))
      result.terms.emplace_back(reading, part(nullptr, coefficient));
  result.rest = part(a.rest, b.rest);
  return result;
}

/// What the reading lacks is summed in the coefficient; what varies along the rest of `over` moves into the reading.
Affine AffineStep::reduce(const Affine &value, DimSet over) {
  auto kind = algebra == Algebra::Sum ? Expression::Kind::Product : Expression::Kind::Sum;
  Affine result;
  for (auto [reading, coefficient] : value.terms) {
    DimSet read = over & reading->dims;
    auto [inside, outside] = build.split(reduce(coefficient, over - read), read, kind);
    const Reading *through = reading;
    Expr factor = inside;
    if (!read.empty())
      std::tie(factor, through) = readOver(inside, reading, read);
    if (Expr product = times(factor, outside))
      result = join(result, {{{through, product}}, nullptr});
  }
  result.rest = reduce(value.rest, over);
  return result;
}

Affine AffineStep::mean(const Affine &value, DimSet over) {
  Affine result;
  auto add = [&](Affine term, DimSet present) {
    Expr count = one();
    for (unsigned dim = 0; dim < dims.count(); ++dim)
      if (present.contains(dim))
        count = build.mul(count, build.size(dim));
    result = join(result, scale(reduce(term, present), build.reciprocal(count)));
  };
  for (auto [reading, coefficient] : value.terms)
    add({{{reading, coefficient}}, nullptr}, over & (reading->dims | coefficient->dims));
  if (value.rest)
    add({{}, value.rest}, over & value.rest->dims);
  return result;
}

Affine AffineStep::rename(const Affine &value, unsigned from, unsigned to) {
  Affine result;
  for (auto [reading, coefficient] : value.terms)
    result = join(result, {{{rename(reading, from, to), build.rename(coefficient, from, to)}}, nullptr});
  result.rest = value.rest ? build.rename(value.rest, from, to) : nullptr;
  return result;
}

Affine AffineStep::flip(const Affine &value, unsigned dim) {
  Affine result;
  for (auto [reading, coefficient] : value.terms)
    result = join(result, {{{flip(reading, dim), build.flip(coefficient, dim)}}, nullptr});
  result.rest = value.rest ? build.flip(value.rest, dim) : nullptr;
  return result;
}

Affine AffineStep::part(const Affine &value, bool imaginary) {
  auto of = [&](Expr a) { return nullIfZero(imaginary ? build.im(a) : build.re(a)); };
  Affine result;
  for (auto [reading, coefficient] : value.terms) {
    Expr re = nullIfZero(build.re(coefficient)), im = nullIfZero(build.im(coefficient));
    if (reading->isReal) {
      if (Expr own = imaginary ? im : re)
        result = join(result, {{{reading, own}}, nullptr});
      continue;
    }
    Affine a = partOf(reading, false), b = partOf(reading, true);
    result = join(result, imaginary ? join(scale(a, im), scale(b, re))
                                    : join(scale(a, re), scale(b, im ? build.neg(im) : nullptr)));
  }
  result.rest = value.rest ? of(value.rest) : nullptr;
  return result;
}

Affine AffineStep::re(const Affine &value) { return part(value, false); }
Affine AffineStep::im(const Affine &value) { return part(value, true); }

Affine AffineStep::conj(const Affine &value) {
  Affine result;
  for (auto [reading, coefficient] : value.terms) {
    Expr conjugate = build.conj(coefficient);
    if (reading->isReal)
      result = join(result, {{{reading, conjugate}}, nullptr});
    else
      result = join(result, join(scale(partOf(reading, false), conjugate),
                                 scale(partOf(reading, true), build.mul(build.constant({0, -1}), conjugate))));
  }
  result.rest = value.rest ? build.conj(value.rest) : nullptr;
  return result;
}

/// c·re(h) + i·c·im(h) is c·h.
Affine AffineStep::joinParts(const Affine &value) {
  Affine result = value;
  Expr i = build.constant({0, 1});
  for (unsigned state = 0; state < states.size(); ++state) {
    if (!isa<ComplexType>(states[state].type()))
      continue;
    const Reading *re = direct(state, Reading::Kind::Re), *im = direct(state, Reading::Kind::Im);
    Expr a = coefficientOf(result, re), b = coefficientOf(result, im);
    if (!a || !b || build.mul(i, a) != b)
      continue;
    llvm::erase_if(result.terms, [&](auto &term) { return term.first == re || term.first == im; });
    result = join(result, {{{direct(state, Reading::Kind::State), a}}, nullptr});
  }
  return result;
}

//===----------------------------------------------------------------------===//
// Operations
//===----------------------------------------------------------------------===//

LogicalResult AffineStep::refuse(Operation &op, const Twine &why) {
  breaks = &op;
  reason = why.str();
  return failure();
}

LogicalResult AffineStep::set(Operation &op, Affine value) {
  values[op.getResult(0)] = std::move(value);
  return success();
}

LogicalResult AffineStep::follow(ArrayRef<Operation *> slice) {
  for (Operation *op : slice) {
    auto previous = dyn_cast<PreviousOp>(op);
    if (previous) {
      auto state = numbers.find({previous.getName(), previous.getBack()});
      if (state != numbers.end())
        (void)set(*op, {{{direct(state->second, Reading::Kind::State), one()}}, nullptr});
      continue;
    }
    bool isOwnWindow = false;
    if (auto delay = dyn_cast<DelayOp>(op))
      isOwnWindow = numbers.count({delay.getName(), 1});
    bool depends = llvm::any_of(op->getOperands(), [&](Value operand) { return values.contains(operand); });
    if (!op->getNumResults() || (!depends && !isOwnWindow))
      continue;
    if (failed(derive(*op)))
      return failure();
    // Sums of sums of the state may double with every operation.
    constexpr size_t mostTerms = 128;
    if (of(op->getResult(0)).terms.size() > mostTerms) {
      isOnlyTooLong = true;
      return refuse(*op, "it reads the state in more ways than can be followed");
    }
  }
  return success();
}

Affine AffineStep::next(unsigned state) {
  const ComponentState &wanted = states[state];
  if (wanted.back > 1)
    return {{{direct(numbers.at({wanted.state.name, wanted.back - 1}), Reading::Kind::State), one()}}, nullptr};
  if (Operation *next = lookupNext(recurrence, wanted.state.name))
    return of(next->getOperand(0));
  for (auto delay : recurrence.getBody().front().getOps<DelayOp>())
    if (delay.getName() == wanted.state.name)
      return of(delay.getValue());
  llvm_unreachable("a state without a next value");
}

LogicalResult AffineStep::derive(Operation &op) {
  return llvm::TypeSwitch<Operation *, LogicalResult>(&op)
      .Case([&](arith::SelectOp) { return deriveSelect(op); })
      .Case([&](DelayOp delay) { return deriveDelay(delay); })
      .Case<arith::ExtFOp, arith::TruncFOp>([&](auto) { return set(op, of(op.getOperand(0))); })
      .Case([&](RenameOp move) {
        return set(op, rename(of(move.getValue()), *dims.number(move.getFrom()), *dims.number(move.getTo())));
      })
      .Case([&](FlipOp move) { return set(op, flip(of(move.getValue()), *dims.number(move.getDim()))); })
      .Case([&](DerivativeOp) { return refuse(op, "it is in continuous time; discretize it first"); })
      .Default([&](Operation *) { return algebra == Algebra::Sum ? deriveInSum(op) : deriveInMax(op); });
}

LogicalResult AffineStep::deriveInSum(Operation &op) {
  Expr minus = build.constant(-1);
  auto at = [&](unsigned operand) { return of(op.getOperand(operand)); };
  return llvm::TypeSwitch<Operation *, LogicalResult>(&op)
      .Case<arith::AddFOp, complex::AddOp>([&](auto) { return set(op, join(at(0), at(1))); })
      .Case<arith::SubFOp, complex::SubOp>([&](auto) { return set(op, join(at(0), scale(at(1), minus))); })
      .Case<arith::NegFOp, complex::NegOp>([&](auto) { return set(op, scale(at(0), minus)); })
      .Case<arith::MulFOp, complex::MulOp>(
          [&](auto) { return deriveProduct(op, op.getOperand(0), op.getOperand(1), {}); })
      .Case([&](math::FmaOp) { return deriveProduct(op, op.getOperand(0), op.getOperand(1), at(2)); })
      .Case<arith::DivFOp, complex::DivOp>([&](auto) { return deriveQuotient(op); })
      .Case([&](SumOp sum) { return set(op, reduce(at(0), dims.of(sum.getOver()))); })
      .Case([&](MeanOp sum) { return set(op, mean(at(0), dims.of(sum.getOver()))); })
      .Case([&](complex::ReOp) { return set(op, re(at(0))); })
      .Case([&](complex::ImOp) { return set(op, im(at(0))); })
      .Case([&](complex::ConjOp) { return set(op, conj(at(0))); })
      .Case([&](complex::CreateOp) { return set(op, join(at(0), scale(at(1), build.constant({0, 1})))); })
      .Default([&](Operation *) { return refuseDefault(op); });
}

LogicalResult AffineStep::deriveInMax(Operation &op) {
  auto at = [&](unsigned operand) { return of(op.getOperand(operand)); };
  return llvm::TypeSwitch<Operation *, LogicalResult>(&op)
      .Case([&](arith::MaximumFOp) { return set(op, join(at(0), at(1))); })
      .Case([&](ReluOp) { return set(op, join(at(0), {{}, build.constant(0)})); })
      .Case([&](MaxOp maximum) { return set(op, reduce(at(0), dims.of(maximum.getOver()))); })
      .Case([&](arith::AddFOp) { return deriveShift(op, /*subtract=*/false); })
      .Case([&](arith::SubFOp) { return deriveShift(op, /*subtract=*/true); })
      .Default([&](Operation *) { return refuseDefault(op); });
}

LogicalResult AffineStep::deriveProduct(Operation &op, Value a, Value b, Affine summand) {
  Affine x = of(a), y = of(b);
  if (!x.terms.empty() && !y.terms.empty())
    return refuse(op, "a product of two values that depend on it");
  if (!y.terms.empty())
    std::swap(x, y);
  return set(op, join(scale(x, y.rest), summand));
}

LogicalResult AffineStep::deriveQuotient(Operation &op) {
  Affine a = of(op.getOperand(0)), b = of(op.getOperand(1));
  if (!b.terms.empty())
    return refuse(op, "a division by a value that depends on it");
  return set(op, scale(a, build.reciprocal(orZero(b.rest))));
}

/// Over (max, +), the sum with or difference from what depends on no state.
LogicalResult AffineStep::deriveShift(Operation &op, bool subtract) {
  Affine a = of(op.getOperand(0)), b = of(op.getOperand(1));
  if (!a.terms.empty() && !b.terms.empty())
    return refuse(op, "a sum of two values that depend on it, where a maximum is taken of it");
  if (subtract && !b.terms.empty())
    return refuse(op, "a difference that it is taken from, where a maximum is taken of it");
  if (a.terms.empty())
    std::swap(a, b);
  // -infinity less something is that still.
  Expr shift = orZero(b.rest);
  return set(op, scale(a, nullIfZero(subtract ? build.neg(shift) : shift)));
}

LogicalResult AffineStep::deriveSelect(Operation &op) {
  auto select = cast<arith::SelectOp>(op);
  if (values.contains(select.getCondition()) || !isa<FloatType, ComplexType>(select.getType()))
    return refuse(op, "a choice by a condition that depends on it");
  return set(op, choose(of(select.getTrueValue()), of(select.getFalseValue()),
                        [&](Expr a, Expr b) { return build.select(select.getCondition(), a, b); }));
}

/// The operand at tap 0, the states that the window carries at the others.
LogicalResult AffineStep::deriveDelay(DelayOp op) {
  unsigned tap = *dims.number(op.getTap());
  auto at = [&](const Affine &value, int64_t coordinate) {
    return choose(value, {}, [&](Expr a, Expr b) { return build.selectAt(tap, coordinate, a, b); });
  };
  Affine result = at(of(op.getValue()), 0);
  for (int64_t back = 1;; ++back) {
    auto state = numbers.find({op.getName(), back});
    if (state == numbers.end())
      return set(*op, result);
    result = join(result, at({{{direct(state->second, Reading::Kind::State), one()}}, nullptr}, back));
  }
}

LogicalResult AffineStep::refuseDefault(Operation &op) {
  if (isa<arith::CmpFOp>(op))
    return refuse(op, "a comparison with a value that depends on it");
  StringRef name = op.getName().stripDialect();
  if (isa<arith::MaximumFOp>(op))
    name = "max";
  else if (isa<arith::MinimumFOp>(op))
    name = "min";
  else if (isa<arith::MulFOp>(op))
    name = "a product";
  else if (isa<arith::DivFOp>(op))
    name = "a quotient";
  else if (isa<arith::NegFOp>(op))
    name = "a negation";
  else
    name.consume_back("f");
  return refuse(op, name + " of a value that depends on it");
}
