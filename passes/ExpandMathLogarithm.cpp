#include "passes/MathFunctions.h"
#include "passes/MathPolynomials.h"
#include <cmath>
#include <limits>
#include <numbers>

using namespace mlir;
using ssm::Bits;
using ssm::Formula;
using ssm::Real;
using ssm::Truth;
using std::numbers::ln2;

static constexpr double infinity = std::numeric_limits<double>::infinity();

namespace {
/// x = 2^exponent · (1 + fraction), fraction in [-1/4, 1/2).
struct Normalized {
  Real exponent, fraction;
};
} // namespace

/// The multiple of the exponent field's unit that brings x into [3/4, 3/2).
static Bits exponentField(Real x) {
  Formula &f = *x.formula;
  return (bitsOf(x) - f.bitsConstantOf(0.75)) & (int64_t(-1) << f.mantissaBits());
}

static Real exponentOf(Bits field) { return toReal(field >> field.formula->mantissaBits()); }

static Normalized normalize(Real x) {
  Formula &f = *x.formula;
  Truth isSubnormal = x < f.smallestNormal();
  int shift = f.mantissaBits() + 1;
  Real scaled = select(isSubnormal, x * std::ldexp(1, shift), x);
  Bits field = exponentField(scaled);
  Real exponent = exponentOf(field) - select(isSubnormal, f.constant(shift), 0.0);
  return {exponent, realOf(bitsOf(scaled) - field) - 1.0};
}

/// log(1 + fraction) for fraction in [-1/4, 1/2].
static Real logOfNearOne(Real fraction) {
  Formula &f = *fraction.formula;
  if (!f.isDouble())
    return fma(fraction * fraction, polynomial(fraction, ssm::minimax::log1pF32), fraction);
  // A polynomial would need 21 terms: log(1 + f) = 2 atanh(s) with s = f/(2 + f), and 2s = f - s·f.
  Real s = fraction / (2.0 + fraction);
  Real z = s * s;
  Real rest = fma(z, -polynomial(z, ssm::minimax::atanhF64), fraction);
  return fma(-s, rest, fraction);
}

/// Puts -infinity at 0, NaN below, and infinity and NaN at themselves, where `distance` is x less its lower bound.
static Real withLogEdges(Real result, Real distance) {
  Formula &f = *result.formula;
  Real upper = select(distance < infinity, result, distance);
  Real lower = select(distance == 0.0, f.constant(-infinity), NAN);
  return select(distance <= 0.0, lower, upper);
}

Real ssm::log(Real x) {
  auto [exponent, fraction] = normalize(x);
  return withLogEdges(fma(exponent, ln2, logOfNearOne(fraction)), x);
}

Real ssm::log2(Real x) {
  auto [exponent, fraction] = normalize(x);
  return withLogEdges(fma(logOfNearOne(fraction), std::numbers::log2e, exponent), x);
}

Real ssm::log10(Real x) {
  auto [exponent, fraction] = normalize(x);
  return withLogEdges(
      fma(exponent, std::numbers::ln2 / std::numbers::ln10, logOfNearOne(fraction) * std::numbers::log10e), x);
}

Real ssm::log1p(Real x) {
  Formula &f = *x.formula;
  Real sum = x + 1.0;
  Bits field = exponentField(sum);
  // (1 + x)/2^k - 1 from x itself, so that nothing that the sum lost is missing. 4/2^k is never subnormal.
  Real scaled = realOf(bitsOf(x) - field);
  Real unit = realOf(f.bitsConstantOf(4.0) - field);
  Real fraction = scaled + fma(unit, 0.25, -1.0);
  Real result = fma(exponentOf(field), ln2, logOfNearOne(fraction));
  // The sign of -0 has been lost.
  return withLogEdges(copySign(result, x), sum);
}

Real ssm::log1pOfFraction(Real e, Real addend) {
  Formula &f = *e.formula;
  if (f.hasSpecialFunctions())
    return fma(e, polynomial(e, minimax::softplusShortF32), addend);
  if (!f.isDouble())
    return fma(e, polynomial(e, minimax::softplusF32), addend);
  Real s = e / (2.0 + e);
  Real z = s * s;
  Real value = fma(s * z, polynomial(z, minimax::atanhWideF64), s + s);
  return value + addend;
}

ssm::TwoTerms ssm::preciseLog(Real x) {
  Formula &f = *x.formula;
  auto [exponent, fraction] = normalize(x);
  // 2 atanh(s) with s = fraction/(2 + fraction) in two terms.
  Real sum = 2.0 + fraction;
  Real sumLow = fraction - (sum - 2.0);
  Real inverse = 1.0 / sum;
  Real s = roundedProduct(fraction, inverse);
  Real left = fma(s, -sumLow, fma(s, -sum, fraction));
  Real sLow = left * inverse;
  Real z = s * s;
  Real tail = (s * z) * polynomial(z, f.table(minimax::atanhF32, minimax::atanhF64));
  // exponent · ln2High is exact: the constant ends in as many zeros as an exponent has bits.
  double ln2High = f.pick(0x1.62e4p-1, 0x1.62e42fefa38p-1);
  double ln2Low = f.pick(ln2 - ln2High, 0x1.ef35793c7673p-45);
  Real whole = roundedProduct(exponent, ln2High);
  Real twice = s + s;
  // Knuth's sum: high + error = whole + twice.
  Real high = whole + twice;
  Real part = high - whole;
  Real error = (whole - (high - part)) + (twice - part);
  Real low = fma(exponent, ln2Low, error) + fma(sLow, 2.0, tail);
  Real total = high + low;
  Real remaining = low - (total - high);
  // At the ends the low part is not used.
  total = select(x == 0.0, f.constant(-infinity), total);
  total = select(x < infinity, total, x);
  return {total, remaining};
}

Real ssm::cbrt(Real x) {
  Formula &f = *x.formula;
  Real magnitude = abs(x);
  // A step of Newton's method doubles the digits of exp2(log2(x)/3), if its remainder is no subnormal number.
  Truth isSmall = magnitude < f.smallestNormal() * std::ldexp(1, 2 * f.mantissaBits());
  int thirdOfShift = f.mantissaBits();
  Real scaled = select(isSmall, magnitude * std::ldexp(1, 3 * thirdOfShift), magnitude);
  Real root = exp2(log2(scaled) * (1.0 / 3));
  Real square = root * root;
  Real next = root - fma(square, root, -scaled) / (square * 3.0);
  next = select(isSmall, next * std::ldexp(1, -thirdOfShift), next);
  return select((magnitude > 0.0) & (magnitude < infinity), copySign(next, x), x);
}

Real ssm::asinh(Real x) {
  Formula &f = *x.formula;
  Real a = abs(x);
  Truth isLarge = a > f.pick(0x1p30, 0x1p500);
  Real square = a * a;
  // a + a²/(1 + √(1 + a²)) = a + √(1 + a²) - 1 without the cancellation.
  Real near = a + square / (sqrt(square + 1.0) + 1.0);
  Real result = log1p(select(isLarge, a, near)) + select(isLarge, f.constant(ln2), 0.0);
  return copySign(result, x);
}

Real ssm::acosh(Real x) {
  Formula &f = *x.formula;
  Truth isLarge = x > f.pick(0x1p30, 0x1p500);
  Real t = x - 1.0;
  Real near = t + sqrt(fma(t, t, t + t));
  Real result = log1p(select(isLarge, x, near)) + select(isLarge, f.constant(ln2), 0.0);
  return select(x >= 1.0, result, NAN);
}

Real ssm::atanh(Real x) {
  Real a = abs(x);
  Real result = log1p((a + a) / (1.0 - a)) * 0.5;
  return copySign(select(a <= 1.0, result, NAN), x);
}
