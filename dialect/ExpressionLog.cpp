// Logarithms of decays, where the step has them: a segment's decay is then the exp of a sum, with no product of many
// small numbers and no logarithm taken.

#include "dialect/Expression.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/Matchers.h"
#include "llvm/ADT/TypeSwitch.h"

#include <numbers>

using namespace mlir;
using namespace ssm;
using Kind = Expression::Kind;

Expr Expressions::logOfAll(ArrayRef<Expr> factors) {
  SmallVector<Expr> logs;
  for (Expr factor : factors) {
    logs.push_back(log(factor));
    if (!logs.back())
      return nullptr;
  }
  return add(logs);
}

/// 1 - sigmoid(x) = sigmoid(-x), whose log is -softplus(x).
static Value oneLessSigmoid(Expr sum) {
  if (sum->number != 1.0 || sum->operands.size() != 1)
    return {};
  Expr term = sum->operands[0];
  if (term->kind != Kind::Product || term->number != -1.0 || term->operands.size() != 1 ||
      term->operands[0]->kind != Kind::Leaf)
    return {};
  auto sigmoid = term->operands[0]->value.getDefiningOp<SigmoidOp>();
  return sigmoid ? sigmoid.getOperand() : Value();
}

Expr Expressions::log(Expr a) {
  if (!a->isReal)
    return nullptr;
  if (auto found = logarithms.find(a); found != logarithms.end())
    return found->second;
  // A chain of so many factors is of no use as a sum, and may be too long to follow.
  constexpr unsigned mostDepth = 100;
  if (logDepth == mostDepth)
    return nullptr;
  ++logDepth;
  auto of = [&](Expr operand, auto then) -> Expr {
    Expr result = log(operand);
    return result ? then(result) : nullptr;
  };
  Expr result = [&]() -> Expr {
    switch (a->kind) {
    case Kind::Constant:
      return a->number.real() > 0 ? constant(std::log(a->number.real())) : nullptr;
    case Kind::Leaf:
      return logOfValue(a->value);
    case Kind::Product: {
      Expr number = log(constant(a->number)), factors = number ? logOfAll(a->operands) : nullptr;
      return factors ? add(number, factors) : nullptr;
    }
    case Kind::Reciprocal:
      return of(a->operands[0], [&](Expr x) { return neg(x); });
    case Kind::Rename:
      return of(a->operands[0], [&](Expr x) { return rename(x, a->from, *a->to); });
    case Kind::Flip:
      return of(a->operands[0], [&](Expr x) { return flip(x, a->from); });
    case Kind::Select:
      return of(a->operands[0], [&](Expr x) {
        return of(a->operands[1], [&](Expr y) {
          return a->value ? select(a->value, x, y)
                 : a->to  ? selectSame(a->from, *a->to, x, y)
                          : selectAt(a->from, a->tap, x, y);
        });
      });
    case Kind::Sum:
      if (Value x = oneLessSigmoid(a))
        return neg(softplus(leaf(x)));
      return nullptr;
    default:
      return nullptr;
    }
  }();
  --logDepth;
  logarithms[a] = result;
  return result;
}

/// What computes the value says what its logarithm is.
Expr Expressions::logOfValue(Value value) {
  Operation *op = value.getDefiningOp();
  auto at = [&](unsigned operand) { return leaf(op->getOperand(operand)); };
  auto scaled = [&](double factor, Expr expression) {
    return expression ? mul(constant(factor), expression) : nullptr;
  };
  return llvm::TypeSwitch<Operation *, Expr>(op)
      .Case([&](math::ExpOp) { return at(0); })
      .Case([&](math::Exp2Op) { return scaled(std::numbers::ln2, at(0)); })
      .Case([&](SigmoidOp) { return neg(softplus(neg(at(0)))); })
      .Case([&](math::SqrtOp) { return scaled(0.5, log(at(0))); })
      .Case([&](math::RsqrtOp) { return scaled(-0.5, log(at(0))); })
      .Case([&](math::PowFOp) -> Expr {
        Expr base = log(at(0));
        return base ? mul(at(1), base) : nullptr;
      })
      .Case([&](arith::MulFOp) { return logOfAll({at(0), at(1)}); })
      .Case([&](arith::DivFOp) -> Expr {
        Expr a = log(at(0)), b = a ? log(at(1)) : nullptr;
        return b ? sub(a, b) : nullptr;
      })
      .Case([&](arith::SubFOp) {
        Expr difference = sub(at(0), at(1));
        return difference->kind == Kind::Sum ? log(difference) : nullptr;
      })
      .Case([&](arith::SelectOp choice) -> Expr {
        Expr a = log(at(1)), b = a ? log(at(2)) : nullptr;
        return b ? select(choice.getCondition(), a, b) : nullptr;
      })
      .Case<arith::ExtFOp, arith::TruncFOp>([&](auto) { return log(at(0)); })
      .Case([&](RenameOp move) -> Expr {
        Expr a = log(at(0));
        return a ? rename(a, *dims.number(move.getFrom()), *dims.number(move.getTo())) : nullptr;
      })
      .Case([&](FlipOp move) -> Expr {
        Expr a = log(at(0));
        return a ? flip(a, *dims.number(move.getDim())) : nullptr;
      })
      .Default([](Operation *) { return nullptr; });
}
