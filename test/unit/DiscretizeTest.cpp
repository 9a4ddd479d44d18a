// The numbers that ssm-discretize's formulas give, computed operation by operation in f64 and in f32 and compared with
// long double. One state h with rate a * h + b is discretized, and the emitted code evaluated at given a, b, h and
// step.

#include "dialect/Ssm.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Complex/IR/Complex.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "passes/Passes.h"
#include "llvm/ADT/TypeSwitch.h"
#include "gtest/gtest.h"
#include <complex>

using namespace mlir;

namespace {
using Exact = std::complex<long double>;

/// The next value of the state, rounded to `Real` after every operation; a real number is a complex one without a
/// second part.
template <typename Real> class Evaluator {
public:
  using Number = std::complex<Real>;

  explicit Evaluator(llvm::StringMap<Number> given) : given(std::move(given)) {}

  Number next(ssm::RecurrenceOp recurrence) {
    for (Operation &op : recurrence.getBody().front()) {
      if (auto next = dyn_cast<ssm::NextOp>(op))
        return values.at(next.getValue());
      values[op.getResult(0)] = value(op);
    }
    ADD_FAILURE() << "no next value";
    return 0;
  }

private:
  Number at(Operation &op, unsigned operand) { return values.at(op.getOperand(operand)); }
  Real part(Operation &op, unsigned operand) { return at(op, operand).real(); }

  Number value(Operation &op) {
    return llvm::TypeSwitch<Operation *, Number>(&op)
        .template Case<ssm::InputOp, ssm::PreviousOp>([&](auto held) { return given.at(held.getName()); })
        .Case(
            [&](arith::ConstantOp constant) { return Number(cast<FloatAttr>(constant.getValue()).getValueAsDouble()); })
        .Case([&](complex::ConstantOp constant) {
          auto parts = constant.getValue().getAsRange<FloatAttr>();
          return Number((*parts.begin()).getValueAsDouble(), (*std::next(parts.begin())).getValueAsDouble());
        })
        .template Case<arith::AddFOp, complex::AddOp>([&](auto) { return at(op, 0) + at(op, 1); })
        .template Case<arith::SubFOp, complex::SubOp>([&](auto) { return at(op, 0) - at(op, 1); })
        .template Case<arith::MulFOp, complex::MulOp>([&](auto) { return at(op, 0) * at(op, 1); })
        .template Case<arith::DivFOp, complex::DivOp>([&](auto) { return at(op, 0) / at(op, 1); })
        .Case([&](arith::CmpFOp compare) {
          EXPECT_EQ(compare.getPredicate(), arith::CmpFPredicate::OLT);
          return Number(part(op, 0) < part(op, 1));
        })
        .Case([&](arith::SelectOp) { return part(op, 0) != 0 ? at(op, 1) : at(op, 2); })
        .Case([&](complex::ReOp) { return Number(at(op, 0).real()); })
        .Case([&](complex::ImOp) { return Number(at(op, 0).imag()); })
        .Case([&](complex::CreateOp) { return Number(part(op, 0), part(op, 1)); })
        .template Case<math::ExpOp, complex::ExpOp>([&](auto) { return std::exp(at(op, 0)); })
        .Case([&](math::ExpM1Op) { return Number(std::expm1(part(op, 0))); })
        .Case([&](math::SinOp) { return Number(std::sin(part(op, 0))); })
        .Case([&](math::CosOp) { return Number(std::cos(part(op, 0))); })
        .Case([&](math::AbsFOp) { return Number(std::abs(part(op, 0))); })
        .Default([&](Operation *) {
          ADD_FAILURE() << "cannot evaluate " << op.getName().getStringRef().str();
          return Number(0);
        });
  }

  llvm::StringMap<Number> given;
  std::map<Value, Number, decltype([](Value a, Value b) { return a.getImpl() < b.getImpl(); })> values;
};

/// (e^z - 1)/z: the power series near 0, where it converges fast; elsewhere the definition is exact enough.
Exact phi1(Exact z) {
  if (std::abs(z) > 0.5L)
    return (std::exp(z) - 1.0L) / z;
  Exact sum = 0, term = 1;
  for (int k = 1; k < 40; ++k) {
    sum += term;
    term *= z / Exact(k + 1);
  }
  return sum;
}

class DiscretizeTest : public testing::TestWithParam<bool> {
protected:
  DiscretizeTest() {
    context.loadDialect<ssm::SsmDialect, arith::ArithDialect, math::MathDialect, complex::ComplexDialect>();
  }

  void discretize(const std::string &method, bool isComplex) {
    std::string type = isComplex ? "complex<f64>" : "f64", op = isComplex ? "complex." : "arith.",
                suffix = isComplex ? "" : "f";
    module = parseSourceString<ModuleOp>("ssm.recurrence @one dims [time] scan time {"
                                         "  %a = ssm.input \"a\" [] : " +
                                             type + "  %b = ssm.input \"b\" [time] : " + type +
                                             "  %dt = ssm.input \"dt\" [] : f64"
                                             "  %h = ssm.previous \"h\" [] : " +
                                             type + "  %ah = " + op + "mul" + suffix + " %a, %h : " + type +
                                             "  %rate = " + op + "add" + suffix + " %ah, %b : " + type +
                                             "  %n = ssm.derivative \"h\" of %h is %rate step %dt by \"" + method +
                                             "\" : " + type + ", f64 }",
                                         &context);
    ASSERT_TRUE(module);
    PassManager manager(&context);
    manager.addNestedPass<ssm::RecurrenceOp>(ssm::createDiscretize());
    ASSERT_TRUE(succeeded(manager.run(*module)));
  }

  template <typename Real> Exact evaluate(std::complex<Real> a, std::complex<Real> b, std::complex<Real> h, Real dt) {
    Evaluator<Real> evaluator({{"a", a}, {"b", b}, {"h", h}, {"dt", dt}});
    return Exact(evaluator.next(*module->getOps<ssm::RecurrenceOp>().begin()));
  }

  /// Largest relative error of φ₁ as emitted for zoh, over directions of z (both signs, if real) and sizes around the
  /// switch between its two forms (1/16 in the sum norm) and over the rest of the range.
  template <typename Real> long double largestErrorOfPhi1(bool isComplex) {
    long double largest = 0;
    int directions = isComplex ? 64 : 2;
    for (int direction = 0; direction < directions; ++direction) {
      auto unit = std::polar(Real(1), Real(2 * M_PI) * direction / directions);
      if (!isComplex)
        unit = direction ? -1 : 1;
      for (double size = 1e-30; size < 2; size *= size > 0.03 && size < 0.1 ? 1.003 : 1.5) {
        std::complex<Real> z = unit * Real(size);
        Exact expected = phi1(Exact(z));
        largest = std::max(largest, std::abs(evaluate<Real>(z, 1, 0, 1) - expected) / std::abs(expected));
      }
    }
    return largest;
  }

  MLIRContext context;
  OwningOpRef<ModuleOp> module;
};

INSTANTIATE_TEST_SUITE_P(RealAndComplex, DiscretizeTest, testing::Bool(),
                         [](const auto &info) { return info.param ? "Complex" : "Real"; });

// A few roundings: 1e-15 is 9 units of 2^-53, 3e-7 is 5 of 2^-24, of which a complex division takes most.
TEST_P(DiscretizeTest, Phi1IsAccurateOnBothSidesOfItsSwitchInDouble) {
  discretize("zoh", GetParam());
  EXPECT_LT(largestErrorOfPhi1<double>(GetParam()), 1e-15L);
}

TEST_P(DiscretizeTest, Phi1IsAccurateOnBothSidesOfItsSwitchInFloat) {
  discretize("zoh", GetParam());
  EXPECT_LT(largestErrorOfPhi1<float>(GetParam()), 3e-7L);
}

TEST_P(DiscretizeTest, ZohOfCoefficientZeroIntegrates) {
  discretize("zoh", GetParam());
  EXPECT_EQ(evaluate<double>(0, 3, 5, 0.25), Exact(5.75L));
}

// The decay is one exp, which is accurate to a few units however small it is, and φ₁ is 1/|z| there.
TEST_P(DiscretizeTest, ZohOfFastDecayStaysAccurate) {
  discretize("zoh", GetParam());
  Exact expected = std::exp(Exact(-300)) * 1e100L;
  EXPECT_LT(std::abs(evaluate<double>(-300, 0, 1e100, 1) - expected), 1e-13L * std::abs(expected));
  EXPECT_LT(std::abs(evaluate<double>(-300, 1, 0, 1) - 1.0L / 300), 1e-15L / 300);
}

/// Each method at one ordinary point, against the table of ssm.derivative; all terms have about one size, so that 1e-14
/// allows some 50 roundings.
TEST_P(DiscretizeTest, EveryMethodIsItsFormula) {
  Exact a(-0.5L, GetParam() ? 1.25L : 0), b(0.75L, GetParam() ? -2 : 0), h(1.5L, GetParam() ? 0.25L : 0);
  long double dt = 0.375;
  Exact z = dt * a;
  std::map<std::string, Exact> expected = {
      {"zoh", std::exp(z) * h + dt * phi1(z) * b},
      {"bilinear", ((1.0L + z / 2.0L) * h + dt * b) / (1.0L - z / 2.0L)},
      {"euler", h + dt * (a * h + b)},
      {"exp_euler", std::exp(z) * h + dt * b},
  };
  for (const auto &[method, value] : expected) {
    discretize(method, GetParam());
    Exact found = evaluate<double>(std::complex<double>(a), std::complex<double>(b), std::complex<double>(h), 0.375);
    EXPECT_LT(std::abs(found - value), 1e-14L * std::abs(value)) << method;
  }
}
} // namespace
