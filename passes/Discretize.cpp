// Continuous time to difference equations, by the formulas of ssm.derivative; Passes.td has the contract.

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Complex/IR/Complex.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "passes/AffineRate.h"
#include "passes/NumberBuilder.h"
#include "passes/Passes.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/DebugLog.h"

#define DEBUG_TYPE "ssm-discretize"

namespace ssm {
#define GEN_PASS_DEF_DISCRETIZE
#include "passes/Passes.h.inc"
} // namespace ssm

using namespace mlir;
using namespace ssm;

//===----------------------------------------------------------------------===//
// Formulas
//===----------------------------------------------------------------------===//

/// (e^z - 1)/z away from 0 without cancellation; z is not 0. The real part of e^z - 1 is (e^a - 1)cos b + (cos b - 1),
/// and cos b - 1 = -2 sin²(b/2).
static Value makePhi1Directly(NumberBuilder &make, Value z) {
  if (!isa<ComplexType>(z.getType()))
    return make.div(make.createOrFold<math::ExpM1Op>(z), z);
  Value a = make.re(z), b = make.im(z);
  Value halfSine = make.createOrFold<math::SinOp>(make.mul(b, make.constant(b.getType(), 0.5)));
  Value cosineLess1 = make.mul(make.mul(halfSine, halfSine), make.constant(b.getType(), -2));
  Value re = make.add(make.mul(make.createOrFold<math::ExpM1Op>(a), make.createOrFold<math::CosOp>(b)), cosineLess1);
  Value im = make.mul(make.exp(a), make.createOrFold<math::SinOp>(b));
  return make.div(make.complex(re, im), z);
}

/// φ₁(z) = (e^z - 1)/z = 1 + z/2 + z²/6 + …: a polynomial where |re z| + |im z| < 1/16, so that z = 0 is an ordinary
/// point, for derivatives as well. Eight terms leave out less than (1/16)⁸/9! = 6.4e-16. The switch is as far out as
/// that because the derivative of the direct form loses a factor of 1/|z| in accuracy: 16 in f32 here, 1e6 at |z| =
/// 1e-6.
static Value makePhi1(NumberBuilder &make, Value z) {
  constexpr int terms = 8;
  constexpr double bound = 1.0 / 16;
  Type type = z.getType();
  Value size = make.createOrFold<math::AbsFOp>(make.re(z));
  if (Value im = make.im(z))
    size = make.add(size, make.createOrFold<math::AbsFOp>(im));
  Value isSmall =
      make.createOrFold<arith::CmpFOp>(arith::CmpFPredicate::OLT, size, make.constant(size.getType(), bound));

  double factorial = 1; // of k + 1
  for (int k = 1; k < terms; ++k)
    factorial *= k + 1;
  Value series = make.constant(size.getType(), 1 / factorial);
  for (int k = terms - 1; k > 0; --k) {
    factorial /= k + 1;
    series = make.add(make.scale(series, z), make.constant(type, 1 / factorial));
  }
  Value away = make.select(isSmall, make.constant(type, 1), z);
  return make.select(isSmall, series, makePhi1Directly(make, away));
}

/// The state's next value for rate = a·h + b; a null part is zero. The table is ssm.derivative's.
static Value makeNext(NumberBuilder &make, StringRef method, Value h, AffineValue rate, Value step) {
  auto [a, b] = rate;
  if (!a)
    return make.add(h, make.scale(step, b));
  if (method == "bilinear") {
    Value half = make.scale(make.scale(make.constant(step.getType(), 0.5), step), a);
    Value one = make.constant(a.getType(), 1);
    Value inverse = make.div(one, make.sub(one, half));
    Value decay = make.mul(make.add(one, half), inverse);
    return make.add(make.mul(decay, h), make.mul(make.scale(step, inverse), b));
  }
  Value z = make.scale(step, a);
  Value gain = method == "zoh" && b ? make.scale(step, makePhi1(make, z)) : step;
  return make.add(make.mul(make.exp(z), h), make.scale(gain, b));
}

//===----------------------------------------------------------------------===//
// Systems of several states
//===----------------------------------------------------------------------===//

/// The states with a derivative whose previous or next values go into `derivative`'s rate or step at this step.
static llvm::StringSet<> findStatesRead(DerivativeOp derivative) {
  llvm::DenseSet<Operation *> needed;
  llvm::StringSet<> states;
  for (Value operand : derivative->getOperands())
    needed.insert(operand.getDefiningOp());
  for (auto op = Block::reverse_iterator(derivative); op != derivative->getBlock()->rend(); ++op) {
    if (!needed.contains(&*op))
      continue;
    if (auto previous = dyn_cast<PreviousOp>(*op))
      states.insert(previous.getName());
    for (Value operand : op->getOperands())
      needed.insert(operand.getDefiningOp());
  }
  return states;
}

namespace {
struct Discretize : ssm::impl::DiscretizeBase<Discretize> {
  using DiscretizeBase::DiscretizeBase;

  void runOnOperation() override {
    RecurrenceOp recurrence = getOperation();
    if (!method.empty() && !DerivativeOp::isMethod(method)) {
      recurrence.emitOpError("has the unknown discretization '")
          << method << "'; expected zoh, bilinear, euler or exp_euler";
      return signalPassFailure();
    }
    auto derivatives = llvm::to_vector(recurrence.getBody().front().getOps<DerivativeOp>());
    if (!method.empty())
      for (DerivativeOp derivative : derivatives)
        derivative.setMethod(method);
    if (failed(refuseCoupled(derivatives)))
      return signalPassFailure();
    bool failed = false;
    for (DerivativeOp derivative : derivatives)
      failed |= discretize(derivative).failed();
    if (failed)
      return signalPassFailure();
    eraseDead(recurrence);
  }

private:
  /// States whose rates read each other are one system, whose coefficient is a matrix.
  LogicalResult refuseCoupled(ArrayRef<DerivativeOp> derivatives) {
    llvm::StringMap<llvm::StringSet<>> reads;
    for (DerivativeOp derivative : derivatives)
      reads[derivative.getName()] = findStatesRead(derivative);
    for (size_t passes = 0; passes < derivatives.size(); ++passes)
      for (auto &entry : reads)
        for (StringRef through : llvm::to_vector(entry.second.keys()))
          if (auto further = reads.find(through); further != reads.end() && through != entry.first())
            entry.second.insert(further->second.keys().begin(), further->second.keys().end());
    bool coupled = false;
    for (DerivativeOp derivative : derivatives)
      for (DerivativeOp other : derivatives)
        if (derivative != other && derivative.getMethod() != "euler" &&
            reads[derivative.getName()].contains(other.getName()) &&
            reads[other.getName()].contains(derivative.getName())) {
          derivative.emitOpError("by '") << derivative.getMethod() << "' cannot discretize '" << derivative.getName()
                                         << "' alone: its rate and that of '" << other.getName()
                                         << "' need each other; use euler, or discretize outside and write the "
                                            "difference equations";
          coupled = true;
        }
    return failure(coupled);
  }

  LogicalResult discretize(DerivativeOp derivative) {
    OpBuilder builder(derivative);
    NumberBuilder make(derivative.getLoc(), builder);
    Value h = derivative.getState(), step = derivative.getStep();
    if (isa<ComplexType>(step.getType()) && !isa<ComplexType>(h.getType()))
      return derivative.emitOpError("has a complex step for a real state");
    Value next;
    if (derivative.getMethod() == "euler") {
      next = make.add(h, make.scale(step, derivative.getRate()));
    } else {
      FailureOr<AffineValue> rate = splitRate(derivative, builder);
      if (failed(rate))
        return failure();
      next = makeNext(make, derivative.getMethod(), h, *rate, step);
    }
    LDBG() << derivative.getName() << " by " << derivative.getMethod();
    NextOp::create(make, derivative.getName(), next);
    derivative.replaceAllUsesWith(next);
    derivative.erase();
    return success();
  }

  /// The rates as they were written, and parts of them that no formula took.
  static void eraseDead(RecurrenceOp recurrence) {
    for (Operation &op : llvm::make_early_inc_range(llvm::reverse(recurrence.getBody().front())))
      if (isOpTriviallyDead(&op))
        op.erase();
  }
};
} // namespace
