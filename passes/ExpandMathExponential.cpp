#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "passes/MathFunctions.h"
#include "passes/MathPolynomials.h"
#include <cfloat>
#include <cmath>
#include <limits>
#include <numbers>

using namespace mlir;
using ssm::Formula;
using ssm::Real;
using std::numbers::ln2;
using std::numbers::log2e;

// exp(x) = 2^n · exp(r) with n = round(x/ln 2). Adding 1.5·2^mantissa rounds to an integer without an instruction for
// it and leaves n in the lowest bits, so that one shift makes 2^n; it is multiplied in, because adding n to the
// exponent would make numbers of NaNs. The result is 2·exp(r) times 2^(n-1), which reaches the largest numbers; at the
// other end 2^(n-1) becomes 0 when the result is below 2^-125.5 (f32) or 2^-1021.5 (f64).

namespace {
/// x = sign·n·ln 2 + remainder; `shifted` has n - halvings in its lowest bits.
struct Reduced {
  Real remainder, n, shifted;

  /// 2^(n - halvings).
  Real scale() const { return realOf(bitsOf(shifted) << shifted.formula->mantissaBits()); }
};
} // namespace

/// 1.5·2^mantissa, with the bias added: the shift moves n + bias into the exponent's place and all else out.
static double roundingConstant(Formula &f, int halvings) {
  return std::ldexp(1.5, f.mantissaBits()) + f.exponentBias() - halvings;
}

static Reduced reduce(Real x, double sign, int halvings, std::optional<Real> low = std::nullopt) {
  Formula &f = *x.formula;
  double magic = roundingConstant(f, halvings);
  Real shifted = fma(x, sign * log2e, magic);
  Real n = shifted - magic;
  // ln 2 in two constants. The first product is exact in the fma, and so is the difference.
  double high = f.pick<double>(static_cast<float>(ln2), ln2);
  double rest = f.pick(ln2 - high, 0x1.abc9e3b39803fp-56);
  Real remainder = fma(n, -sign * high, x);
  remainder = fma(n, -sign * rest, low ? remainder + *low : remainder);
  return {remainder, n, shifted};
}

/// factor · exp(sign·r) for |r| <= ln2/2.
static Real expPolynomial(Real r, double sign, double factor) {
  SmallVector<double> coefficients = {factor, factor * sign};
  double s = factor;
  for (double c : r.formula->table(ssm::minimax::expF32, ssm::minimax::expF64)) {
    coefficients.push_back(s * c);
    s *= sign;
  }
  return ssm::polynomial(r, coefficients);
}

/// exp(sign·remainder)·2^(n - halvings)·factor.
static Real scaledExp(const Reduced &reduced, double sign, double factor, int halvings) {
  if (reduced.n.formula->hasScaling())
    return timesPowerOfFloor(expPolynomial(reduced.remainder, sign, std::ldexp(factor, -halvings)), reduced.n);
  return expPolynomial(reduced.remainder, sign, factor) * reduced.scale();
}

/// exp(sign·r) - 1 for |r| <= ln2/2.
static Real expm1Polynomial(Real r, double sign) {
  SmallVector<double> coefficients;
  double s = 1;
  for (double c : r.formula->table(ssm::minimax::expm1F32, ssm::minimax::expm1F64)) {
    coefficients.push_back(s * c);
    s *= sign;
  }
  return fma(r * r, ssm::polynomial(r, coefficients), sign > 0 ? r : -r);
}

/// The special function 2^x, with subnormal results flushed to 0: without the flush it is four instructions.
static Real specialExp2(Real x) {
  return x.formula->eachElement(x, [](OpBuilder &builder, Location loc, Value element) -> Value {
    return LLVM::CallIntrinsicOp::create(builder, loc, element.getType(),
                                         builder.getStringAttr("llvm.nvvm.ex2.approx.ftz"), ValueRange{element})
        .getResult(0);
  });
}

/// Bounds of an argument between which exp's scale is a power of 2, and beyond which it is 0 or exp is infinite.
static double lowestExp(Formula &f) { return f.pick(-87.5, -708.5); }
static double highestExp(Formula &f) { return f.pick(88.8, 709.9); }

static Real expOfSigned(Real x, double sign) {
  Formula &f = *x.formula;
  if (f.takesSpecialExponential())
    return specialExp2(x * (sign * log2e));
  double low = lowestExp(f), high = highestExp(f);
  Real bounded = sign > 0 ? atMost(atLeast(x, low), high) : atMost(atLeast(x, -high), -low);
  return scaledExp(reduce(bounded, sign, /*halvings=*/1), sign, /*factor=*/2, /*halvings=*/1);
}

Real ssm::exp(Real x) { return expOfSigned(x, 1); }
Real ssm::expOfNegative(Real x) { return expOfSigned(x, -1); }

Real ssm::expOfNonPositive(Real x, std::optional<Real> low) {
  Formula &f = *x.formula;
  if (!low && f.takesSpecialExponential())
    return specialExp2(x * -log2e);
  // Nothing large can come: the scale need not be halved, and reaches down to 2^-126 or 2^-1022; what scales by itself
  // goes on to 0.
  double highest = f.hasScaling() ? f.pick(110.0, 750.0) : f.pick(88.1, 709.0);
  return scaledExp(reduce(atMost(x, highest), -1, /*halvings=*/0, low), -1, /*factor=*/1, /*halvings=*/0);
}

Real ssm::expm1OfNonPositive(Real x) {
  Formula &f = *x.formula;
  // exp(-18) and exp(-38) are less than half an ulp of 1.
  Reduced reduced = reduce(atMost(x, f.pick(18.0, 38.0)), -1, /*halvings=*/0);
  Real scale = reduced.scale();
  return fma(scale, expm1Polynomial(reduced.remainder, -1), scale - 1.0);
}

Real ssm::exp2(Real x) {
  Formula &f = *x.formula;
  if (f.takesSpecialExponential())
    return specialExp2(x);
  auto polynomialOf = [&](Real fraction, double factor, ArrayRef<double> rest) {
    SmallVector<double> coefficients = {factor};
    for (double c : rest)
      coefficients.push_back(factor * c);
    return polynomial(fraction, coefficients);
  };
  if (f.hasScaling())
    return timesPowerOfFloor(
        polynomialOf(fractionAboveFloor(x), 1, f.table(minimax::exp2FloorF32, minimax::exp2FloorF64)), x);
  Real bounded = atMost(atLeast(x, f.pick(-126.4, -1022.4)), f.pick(128.2, 1024.2));
  double magic = roundingConstant(f, /*halvings=*/1);
  Real shifted = bounded + magic;
  Real scale = realOf(bitsOf(shifted) << f.mantissaBits());
  return polynomialOf(bounded - (shifted - magic), 2, f.table(minimax::exp2F32, minimax::exp2F64)) * scale;
}

Real ssm::expm1(Real x) {
  Formula &f = *x.formula;
  Reduced reduced = reduce(atMost(atLeast(x, f.pick(-18.0, -38.0)), highestExp(f)), 1, /*halvings=*/1);
  Real scale = reduced.scale();
  Real half = fma(scale, expm1Polynomial(reduced.remainder, 1), scale - 0.5);
  // -0 and subnormal numbers, of which the half has lost a bit.
  return select(abs(x) < f.pick(0x1p-25, 0x1p-54), x, half + half);
}

/// exp(x)/2 for x >= 0, finite wherever that is.
static Real halfExp(Real x) {
  Formula &f = *x.formula;
  return scaledExp(reduce(atMost(x, f.pick(89.5, 710.6)), 1, /*halvings=*/2), 1, /*factor=*/2, /*halvings=*/2);
}

Real ssm::cosh(Real x) {
  Real half = halfExp(abs(x));
  return half + 0.25 / half;
}

Real ssm::sinh(Real x) {
  Formula &f = *x.formula;
  Real magnitude = abs(x);
  Real half = halfExp(magnitude);
  Real square = x * x;
  Real small = fma(x * square, polynomial(square, f.table(minimax::sinhSmallF32, minimax::sinhSmallF64)), x);
  // For -0 the sum above is +0.
  return copySign(select(magnitude < 1.0, small, half - 0.25 / half), x);
}

Real ssm::pow(Real x, Real y) {
  Formula &f = *x.formula;
  constexpr double infinity = std::numeric_limits<double>::infinity();
  Real magnitude = abs(x);
  TwoTerms log = preciseLog(magnitude);
  Real product = roundedProduct(log.high, y);
  Real low = fma(log.low, y, fma(log.high, y, -product));
  // Where exp is 0 or infinite the low part may be NaN.
  low = select(abs(product) < f.pick(200.0, 2000.0), low, 0.0);
  Reduced reduced = reduce(atMost(atLeast(product, lowestExp(f)), highestExp(f)), 1, /*halvings=*/1, low);
  Real result = scaledExp(reduced, 1, /*factor=*/2, /*halvings=*/1);

  Truth isInteger = floor(y) == Term(y);
  Real half = y * 0.5;
  Truth isOdd = isInteger & !(floor(half) == Term(half));
  result = select(isOdd, copySign(result, x), result);
  Truth isFiniteNegative = (x < 0.0) & (magnitude < infinity);
  result = select(isFiniteNegative & !isInteger, f.constant(NAN), result);
  Truth isOne = (y == 0.0) | (x == 1.0) | ((magnitude == 1.0) & (abs(y) == infinity));
  return select(isOne, f.constant(1), result);
}
