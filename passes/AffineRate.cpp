// Symbolic differentiation of a rate with respect to its state: a forward walk over the operations that the rate needs.

#include "passes/AffineRate.h"
#include "dialect/DimensionAnalysis.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Complex/IR/Complex.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/IRMapping.h"
#include "passes/NumberBuilder.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace ssm;

namespace {
class RateSplitter {
public:
  RateSplitter(DerivativeOp derivative, OpBuilder &builder)
      : derivative(derivative), dims(derivative->getParentOfType<RecurrenceOp>()), make(derivative.getLoc(), builder),
        isReal(!isa<ComplexType>(derivative.getType())) {}

  FailureOr<AffineValue> split() {
    llvm::DenseSet<Operation *> needed = findNeeded();
    for (Operation &op : *derivative->getBlock()) {
      if (&op == derivative)
        break;
      if (!needed.contains(&op))
        continue;
      if (isState(op))
        terms[op.getResult(0)] = {make.constant(derivative.getType(), 1), {}};
      else if (llvm::any_of(op.getOperands(), [&](Value operand) { return terms.contains(operand); }))
        if (failed(derive(op)))
          return failure();
    }
    return of(derivative.getRate());
  }

private:
  /// The operations that the rate is made of.
  llvm::DenseSet<Operation *> findNeeded() {
    llvm::DenseSet<Operation *> needed = {derivative.getRate().getDefiningOp()};
    for (auto op = Block::reverse_iterator(derivative); op != derivative->getBlock()->rend(); ++op)
      if (needed.contains(&*op))
        for (Value operand : op->getOperands())
          needed.insert(operand.getDefiningOp());
    return needed;
  }

  bool isState(Operation &op) {
    auto previous = dyn_cast<PreviousOp>(op);
    return previous && previous.getName() == derivative.getName() && previous.getBack() == 1;
  }

  AffineValue of(Value value) {
    auto it = terms.find(value);
    return it == terms.end() ? AffineValue{{}, value} : it->second;
  }

  LogicalResult refuse(Operation &op, const Twine &why) {
    InFlightDiagnostic error = derivative.emitOpError("by '")
                               << derivative.getMethod() << "' needs a rate of the form a * " << derivative.getName()
                               << " + b with an elementwise a; " << why.str()
                               << "; use euler, or discretize outside and write the difference equation";
    error.attachNote(op.getLoc()) << "here, in " << op.getName();
    return failure();
  }

  LogicalResult set(Operation &op, AffineValue value) {
    terms[op.getResult(0)] = value;
    return success();
  }

  /// Applies a linear map to both parts.
  LogicalResult map(Operation &op, AffineValue value, llvm::function_ref<Value(Value)> linear) {
    return set(op, {linear(value.slope), linear(value.rest)});
  }

  LogicalResult derive(Operation &op) {
    make.setLoc(op.getLoc());
    return llvm::TypeSwitch<Operation *, LogicalResult>(&op)
        .Case<arith::AddFOp, complex::AddOp>([&](auto) { return deriveSum(op, &NumberBuilder::add); })
        .Case<arith::SubFOp, complex::SubOp>([&](auto) { return deriveSum(op, &NumberBuilder::sub); })
        .Case<arith::NegFOp, complex::NegOp>(
            [&](auto) { return map(op, of(op.getOperand(0)), [&](Value part) { return make.neg(part); }); })
        .Case<arith::MulFOp, complex::MulOp>([&](auto) { return deriveProduct(op); })
        .Case<arith::DivFOp, complex::DivOp>([&](auto) { return deriveQuotient(op); })
        .Case([&](arith::SelectOp select) { return deriveSelect(select); })
        .Case<complex::ReOp, complex::ImOp, complex::ConjOp, complex::CreateOp>([&](auto) { return deriveParts(op); })
        .Case<SumOp, MeanOp, RenameOp, FlipOp>([&](auto) { return deriveMove(op); })
        .Default([&](Operation *) { return refuse(op, "it is not affine in the state"); });
  }

  LogicalResult deriveSum(Operation &op, Value (NumberBuilder::*join)(Value, Value)) {
    AffineValue a = of(op.getOperand(0)), b = of(op.getOperand(1));
    return set(op, {(make.*join)(a.slope, b.slope), (make.*join)(a.rest, b.rest)});
  }

  LogicalResult deriveProduct(Operation &op) {
    AffineValue a = of(op.getOperand(0)), b = of(op.getOperand(1));
    if (a.slope && b.slope)
      return refuse(op, "it multiplies the state by itself");
    if (b.slope)
      std::swap(a, b);
    return map(op, a, [&](Value part) { return make.mul(part, b.rest); });
  }

  LogicalResult deriveQuotient(Operation &op) {
    AffineValue a = of(op.getOperand(0)), b = of(op.getOperand(1));
    if (b.slope)
      return refuse(op, "it divides by the state");
    return map(op, a, [&](Value part) { return make.div(part, b.rest); });
  }

  LogicalResult deriveSelect(arith::SelectOp select) {
    if (terms.contains(select.getCondition()) || !isa<FloatType, ComplexType>(select.getType()))
      return refuse(*select, "it is not affine in the state");
    AffineValue a = of(select.getTrueValue()), b = of(select.getFalseValue());
    auto join = [&](Value x, Value y) { return x || y ? make.select(select.getCondition(), x, y) : Value(); };
    return set(*select, {join(a.slope, b.slope), join(a.rest, b.rest)});
  }

  /// Real and imaginary parts are linear in a real state; of a complex one they are not complex-linear.
  LogicalResult deriveParts(Operation &op) {
    if (!isReal)
      return refuse(op, "it takes the complex state apart or conjugates it");
    if (auto create = dyn_cast<complex::CreateOp>(op)) {
      AffineValue a = of(create.getReal()), b = of(create.getImaginary());
      auto join = [&](Value x, Value y) { return x || y ? make.complex(x, y) : Value(); };
      return set(op, {join(a.slope, b.slope), join(a.rest, b.rest)});
    }
    return map(op, of(op.getOperand(0)), [&](Value part) {
      if (!part || isa<complex::ReOp>(op))
        return make.re(part);
      return isa<complex::ImOp>(op) ? make.im(part) : make.createOrFold<complex::ConjOp>(part);
    });
  }

  /// Operations over dimensions that the state lacks act on the coefficient; over its own they mix its coordinates.
  LogicalResult deriveMove(Operation &op) {
    DimSet moved = llvm::TypeSwitch<Operation *, DimSet>(&op)
                       .Case<SumOp, MeanOp>([&](auto reduction) { return dims.of(reduction.getOver()); })
                       .Case([&](RenameOp rename) { return dims.of(rename.getFrom()) | dims.of(rename.getTo()); })
                       .Case([&](FlipOp flip) { return dims.of(flip.getDim()); });
    auto state = derivative.getState().getDefiningOp<PreviousOp>();
    DimSet mixed = moved & dims.of(state.getLayout());
    if (!mixed.empty())
      return refuse(op, "its coefficient is dense over [" + llvm::join(dims.list(mixed), ", ") + "]");
    return map(op, of(op.getOperand(0)), [&](Value part) -> Value {
      if (!part)
        return part;
      IRMapping operands;
      operands.map(op.getOperand(0), part);
      return make.clone(op, operands)->getResult(0);
    });
  }

  DerivativeOp derivative;
  DimensionAnalysis dims;
  NumberBuilder make;
  bool isReal;
  /// What depends on the state, by value.
  llvm::DenseMap<Value, AffineValue> terms;
};
} // namespace

FailureOr<AffineValue> ssm::splitRate(DerivativeOp derivative, OpBuilder &builder) {
  return RateSplitter(derivative, builder).split();
}
