// The meaning of each elementwise operation in float64, from the operations' own descriptions.

#include "codegen/interpreter/ScalarFunction.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Complex/IR/Complex.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/TypeSwitch.h"

#include <cmath>
#include <limits>
#include <numbers>

using namespace mlir;
using namespace ssm;

namespace {

//===----------------------------------------------------------------------===//
// Functions that the C library lacks
//===----------------------------------------------------------------------===//

/// NaN if either is, and +0 above -0, as arith.maximumf.
double maximum(double a, double b) {
  if (std::isnan(a) || std::isnan(b))
    return std::numeric_limits<double>::quiet_NaN();
  if (a == b)
    return std::signbit(a) ? b : a;
  return a > b ? a : b;
}

double minimum(double a, double b) { return -maximum(-a, -b); }

double sigmoid(double x) {
  // exp of a negative number on both sides: no overflow, and full precision in the left tail.
  double tail = std::exp(-std::abs(x));
  return x >= 0 ? 1 / (1 + tail) : tail / (1 + tail);
}

double softplus(double x) { return maximum(x, 0) + std::log1p(std::exp(-std::abs(x))); }

/// erfc rather than 1 + erf, which would cancel for negative x.
double gelu(double x) { return 0.5 * x * std::erfc(-x / std::numbers::sqrt2); }

Number complexExpm1(Number z) {
  double half = std::sin(z.imag() / 2);
  return {std::expm1(z.real()) * std::cos(z.imag()) - 2 * half * half, std::exp(z.real()) * std::sin(z.imag())};
}

Number complexLog1p(Number z) {
  double x = z.real(), y = z.imag();
  // |1 + z|² - 1 without the 1, which would swallow a small z.
  return {0.5 * std::log1p(x * (2 + x) + y * y), std::atan2(y, 1 + x)};
}

Number complexSign(Number z) { return z == 0.0 ? z : z / std::abs(z); }

/// The base to an integer power by squaring, so that whole powers of a real stay real and 0⁰ is 1.
Number complexPowi(Number base, double exponent) {
  Number power = 1;
  for (uint64_t rest = std::abs(exponent); rest; rest >>= 1, base *= base)
    if (rest & 1)
      power *= base;
  return exponent < 0 ? 1.0 / power : power;
}

Number complexPow(Number z, Number w) { return w == 0.0 ? 1 : std::pow(z, w); }

Number complexAtan2(Number y, Number x) {
  Number i(0, 1);
  return -i * std::log((x + i * y) / std::sqrt(x * x + y * y));
}

bool compare(arith::CmpFPredicate predicate, double a, double b) {
  using P = arith::CmpFPredicate;
  bool unordered = std::isnan(a) || std::isnan(b);
  switch (predicate) {
  case P::AlwaysFalse:
    return false;
  case P::OEQ:
    return a == b;
  case P::OGT:
    return a > b;
  case P::OGE:
    return a >= b;
  case P::OLT:
    return a < b;
  case P::OLE:
    return a <= b;
  case P::ONE:
    return !unordered && a != b;
  case P::ORD:
    return !unordered;
  case P::UEQ:
    return unordered || a == b;
  case P::UGT:
    return unordered || a > b;
  case P::UGE:
    return unordered || a >= b;
  case P::ULT:
    return unordered || a < b;
  case P::ULE:
    return unordered || a <= b;
  case P::UNE:
    return unordered || a != b;
  case P::UNO:
    return unordered;
  case P::AlwaysTrue:
    return true;
  }
  llvm_unreachable("a predicate that is none");
}

/// On truth values; as a signed number true is -1.
bool compare(arith::CmpIPredicate predicate, double a, double b) {
  using P = arith::CmpIPredicate;
  switch (predicate) {
  case P::eq:
    return a == b;
  case P::ne:
    return a != b;
  case P::ult:
  case P::sgt:
    return a < b;
  case P::ule:
  case P::sge:
    return a <= b;
  case P::ugt:
  case P::slt:
    return a > b;
  case P::uge:
  case P::sle:
    return a >= b;
  }
  llvm_unreachable("a predicate that is none");
}

//===----------------------------------------------------------------------===//
// Operations without attributes, by name
//===----------------------------------------------------------------------===//

using Operands = const Number *;
using Table = llvm::StringMap<Number (*)(Operands)>;

const Table &realFunctions() {
#define REAL1(NAME, EXPR)                                                                                              \
  {                                                                                                                    \
    NAME, [](Operands v) -> Number {                                                                                   \
      double x = v[0].real();                                                                                          \
      return EXPR;                                                                                                     \
    }                                                                                                                  \
  }
#define REAL2(NAME, EXPR)                                                                                              \
  {                                                                                                                    \
    NAME, [](Operands v) -> Number {                                                                                   \
      double x = v[0].real(), y = v[1].real();                                                                         \
      return EXPR;                                                                                                     \
    }                                                                                                                  \
  }
#define REAL3(NAME, EXPR)                                                                                              \
  {                                                                                                                    \
    NAME, [](Operands v) -> Number {                                                                                   \
      double x = v[0].real(), y = v[1].real(), z = v[2].real();                                                        \
      return EXPR;                                                                                                     \
    }                                                                                                                  \
  }
  static const Table table = {
      REAL2("arith.addf", x + y),
      REAL2("arith.subf", x - y),
      REAL2("arith.mulf", x * y),
      REAL2("arith.divf", x / y),
      REAL2("arith.remf", std::fmod(x, y)),
      REAL1("arith.negf", -x),
      REAL2("arith.maximumf", maximum(x, y)),
      REAL2("arith.minimumf", minimum(x, y)),
      REAL2("arith.maxnumf", std::fmax(x, y)),
      REAL2("arith.minnumf", std::fmin(x, y)),
      REAL1("math.absf", std::abs(x)),
      REAL1("math.acos", std::acos(x)),
      REAL1("math.acosh", std::acosh(x)),
      REAL1("math.asin", std::asin(x)),
      REAL1("math.asinh", std::asinh(x)),
      REAL1("math.atan", std::atan(x)),
      REAL1("math.atanh", std::atanh(x)),
      REAL2("math.atan2", std::atan2(x, y)),
      REAL1("math.cbrt", std::cbrt(x)),
      REAL1("math.ceil", std::ceil(x)),
      REAL3("math.clampf", minimum(maximum(x, y), z)),
      REAL2("math.copysign", std::copysign(x, y)),
      REAL1("math.cos", std::cos(x)),
      REAL1("math.cosh", std::cosh(x)),
      REAL1("math.erf", std::erf(x)),
      REAL1("math.erfc", std::erfc(x)),
      REAL1("math.exp", std::exp(x)),
      REAL1("math.exp2", std::exp2(x)),
      REAL1("math.expm1", std::expm1(x)),
      REAL1("math.floor", std::floor(x)),
      REAL3("math.fma", std::fma(x, y, z)),
      REAL2("math.fpowi", std::pow(x, y)),
      REAL1("math.isfinite", double(std::isfinite(x))),
      REAL1("math.isinf", double(std::isinf(x))),
      REAL1("math.isnan", double(std::isnan(x))),
      REAL1("math.isnormal", double(std::isnormal(x))),
      REAL1("math.log", std::log(x)),
      REAL1("math.log10", std::log10(x)),
      REAL1("math.log1p", std::log1p(x)),
      REAL1("math.log2", std::log2(x)),
      REAL2("math.powf", std::pow(x, y)),
      REAL1("math.round", std::round(x)),
      // The default rounding mode is to nearest, ties to even.
      REAL1("math.roundeven", std::nearbyint(x)),
      REAL1("math.rsqrt", 1 / std::sqrt(x)),
      REAL1("math.sin", std::sin(x)),
      REAL1("math.sinh", std::sinh(x)),
      REAL1("math.sqrt", std::sqrt(x)),
      REAL1("math.tan", std::tan(x)),
      REAL1("math.tanh", std::tanh(x)),
      REAL1("math.trunc", std::trunc(x)),
      REAL1("ssm.softplus", softplus(x)),
      REAL1("ssm.sigmoid", sigmoid(x)),
      REAL1("ssm.silu", x * sigmoid(x)),
      REAL1("ssm.relu", maximum(x, 0)),
      REAL1("ssm.gelu", gelu(x)),
      REAL2("complex.create", Number(x, y)),
  };
#undef REAL1
#undef REAL2
#undef REAL3
  return table;
}

const Table &complexFunctions() {
#define COMPLEX1(NAME, EXPR)                                                                                           \
  {                                                                                                                    \
    NAME, [](Operands v) -> Number {                                                                                   \
      Number z = v[0];                                                                                                 \
      return EXPR;                                                                                                     \
    }                                                                                                                  \
  }
#define COMPLEX2(NAME, EXPR)                                                                                           \
  {                                                                                                                    \
    NAME, [](Operands v) -> Number {                                                                                   \
      Number z = v[0], w = v[1];                                                                                       \
      return EXPR;                                                                                                     \
    }                                                                                                                  \
  }
  static const Table table = {
      COMPLEX1("complex.re", z.real()),
      COMPLEX1("complex.im", z.imag()),
      COMPLEX1("complex.abs", std::abs(z)),
      COMPLEX1("complex.angle", std::arg(z)),
      COMPLEX1("complex.neg", -z),
      COMPLEX1("complex.conj", std::conj(z)),
      COMPLEX1("complex.sign", complexSign(z)),
      COMPLEX1("complex.exp", std::exp(z)),
      COMPLEX1("complex.expm1", complexExpm1(z)),
      COMPLEX1("complex.log", std::log(z)),
      COMPLEX1("complex.log1p", complexLog1p(z)),
      COMPLEX1("complex.sqrt", std::sqrt(z)),
      COMPLEX1("complex.rsqrt", 1.0 / std::sqrt(z)),
      COMPLEX1("complex.sin", std::sin(z)),
      COMPLEX1("complex.cos", std::cos(z)),
      COMPLEX1("complex.tan", std::tan(z)),
      COMPLEX1("complex.tanh", std::tanh(z)),
      COMPLEX2("complex.add", z + w),
      COMPLEX2("complex.sub", z - w),
      COMPLEX2("complex.mul", z * w),
      COMPLEX2("complex.div", z / w),
      COMPLEX2("complex.pow", complexPow(z, w)),
      COMPLEX2("complex.powi", complexPowi(z, w.real())),
      COMPLEX2("complex.atan2", complexAtan2(z, w)),
      COMPLEX2("complex.eq", double(z == w)),
      COMPLEX2("complex.neq", double(z != w)),
  };
#undef COMPLEX1
#undef COMPLEX2
  return table;
}

ScalarFunction constantly(Number value) {
  return [value](Operands) { return value; };
}

ScalarFunction constant(arith::ConstantOp op) {
  if (auto real = dyn_cast<FloatAttr>(op.getValue()))
    return constantly(real.getValueAsDouble());
  if (auto truth = dyn_cast<BoolAttr>(op.getValue()))
    return constantly(truth.getValue() ? 1.0 : 0.0);
  if (auto integer = dyn_cast<IntegerAttr>(op.getValue()))
    return constantly(double(integer.getValue().getSExtValue()));
  return nullptr;
}

ScalarFunction constant(complex::ConstantOp op) {
  auto part = [&](unsigned i) { return cast<FloatAttr>(op.getValue()[i]).getValueAsDouble(); };
  return constantly({part(0), part(1)});
}

/// Operations on i1, which is all that level 0 has of integers besides constant exponents.
ScalarFunction truthFunction(Operation &op) {
  if (!op.getOperand(0).getType().isInteger(1))
    return nullptr;
  return llvm::TypeSwitch<Operation *, ScalarFunction>(&op)
      .Case([](arith::AndIOp) { return [](Operands v) -> Number { return v[0] * v[1]; }; })
      .Case([](arith::OrIOp) { return [](Operands v) -> Number { return v[0] == 0.0 ? v[1] : v[0]; }; })
      .Case([](arith::XOrIOp) { return [](Operands v) -> Number { return double(v[0] != v[1]); }; })
      .Case([](arith::UIToFPOp) { return [](Operands v) { return v[0]; }; })
      .Case([](arith::SIToFPOp) { return [](Operands v) { return -v[0]; }; })
      .Case([](arith::CmpIOp op) -> ScalarFunction {
        return [predicate = op.getPredicate()](Operands v) -> Number {
          return double(compare(predicate, v[0].real(), v[1].real()));
        };
      })
      .Default(ScalarFunction());
}

} // namespace

ScalarFunction ssm::lookupScalarFunction(Operation &op) {
  llvm::StringRef name = op.getName().getStringRef();
  if (auto found = realFunctions().find(name); found != realFunctions().end())
    return found->second;
  if (auto found = complexFunctions().find(name); found != complexFunctions().end())
    return found->second;
  return llvm::TypeSwitch<Operation *, ScalarFunction>(&op)
      .Case<arith::ConstantOp, complex::ConstantOp>([](auto op) { return constant(op); })
      .Case([](arith::SelectOp) { return [](Operands v) { return v[0] != 0.0 ? v[1] : v[2]; }; })
      .Case([](arith::CmpFOp op) -> ScalarFunction {
        return [predicate = op.getPredicate()](Operands v) -> Number {
          return double(compare(predicate, v[0].real(), v[1].real()));
        };
      })
      .Case<arith::AndIOp, arith::OrIOp, arith::XOrIOp, arith::UIToFPOp, arith::SIToFPOp, arith::CmpIOp>(
          [&](auto) { return truthFunction(op); })
      .Default(ScalarFunction());
}
