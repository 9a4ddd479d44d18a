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
using std::numbers::pi;

//===----------------------------------------------------------------------===//
// Sine, cosine, tangent
//===----------------------------------------------------------------------===//

namespace {
/// |x| = quadrant·π/2 + r with |r| <= π/4: sine and cosine of r, and the quadrant.
struct Reduced {
  Real sine, cosine;
  Bits quadrant;
};
} // namespace

static Reduced reduceAngle(Real x) {
  Formula &f = *x.formula;
  // The differences below are exact while the quadrant has no more bits than the significand; above 2^22 numbers of
  // f32 lie half a radian apart and their sine means nothing.
  Real angle = abs(x);
  angle = select(angle <= f.pick(0x1p22, 0x1p45), angle, NAN);
  double magic = std::ldexp(1.5, f.mantissaBits());
  Real shifted = fma(angle, 2 / pi, magic);
  Real n = shifted - magic;
  // π/2 in three constants (Cody & Waite 1980, with fma).
  double high = f.pick(0x1.921fb6p0, 0x1.921fb54442d18p0);
  double middle = f.pick(-0x1.777a5cp-25, 0x1.1a62633145c07p-54);
  double low = f.pick(-0x1.ee59dap-50, -0x1.f1976b7ed8fbcp-110);
  Real r = fma(n, -low, fma(n, -middle, fma(n, -high, angle)));
  Real z = r * r;
  Real sine = fma(r * z, polynomial(z, f.table(ssm::minimax::sineF32, ssm::minimax::sineF64)), r);
  Real rest = polynomial(z, f.table(ssm::minimax::cosineF32, ssm::minimax::cosineF64));
  Real cosine = fma(z, fma(z, rest, -0.5), 1.0);
  return {sine, cosine, bitsOf(shifted)};
}

/// Moves bit 1 of the quadrant, which says that the sign changes, to the sign's place.
static Bits signOfQuadrant(Bits quadrant) {
  Formula &f = *quadrant.formula;
  int signBit = f.isDouble() ? 63 : 31;
  return (quadrant << (signBit - 1)) & (int64_t(1) << signBit);
}

static Bits signBitOf(Real x) { return bitsOf(x) & (int64_t(1) << (x.formula->isDouble() ? 63 : 31)); }

static Truth isEven(Bits quadrant) { return (quadrant & 1) == 0; }

static Real sineOf(const Reduced &angle, Real x) {
  Real value = select(isEven(angle.quadrant), angle.sine, angle.cosine);
  return realOf(bitsOf(value) ^ signOfQuadrant(angle.quadrant) ^ signBitOf(x));
}

static Real cosineOf(const Reduced &angle) {
  Formula &f = *angle.sine.formula;
  Real value = select(isEven(angle.quadrant), angle.cosine, angle.sine);
  return realOf(bitsOf(value) ^ signOfQuadrant(angle.quadrant + f.bitsConstant(1)));
}

Real ssm::sin(Real x) { return sineOf(reduceAngle(x), x); }
Real ssm::cos(Real x) { return cosineOf(reduceAngle(x)); }

ssm::SineCosine ssm::sincos(Real x) {
  Reduced angle = reduceAngle(x);
  return {sineOf(angle, x), cosineOf(angle)};
}

Real ssm::tan(Real x) {
  Reduced angle = reduceAngle(x);
  Truth even = isEven(angle.quadrant);
  Real quotient = select(even, angle.sine, -angle.cosine) / select(even, angle.cosine, angle.sine);
  return realOf(bitsOf(quotient) ^ signBitOf(x));
}

//===----------------------------------------------------------------------===//
// Inverses
//===----------------------------------------------------------------------===//

/// atan(t) for 0 <= t <= 1.
static Real atanOfFraction(Real t) {
  Real z = t * t;
  return fma(t * z, polynomial(z, t.formula->table(ssm::minimax::arctangentF32, ssm::minimax::arctangentF64)), t);
}

Real ssm::atan(Real x) {
  Real magnitude = abs(x);
  Truth isLarge = magnitude > 1.0;
  Real angle = atanOfFraction(select(isLarge, 1.0 / magnitude, magnitude));
  return copySign(select(isLarge, pi / 2 - angle, angle), x);
}

Real ssm::atan2(Real y, Real x) {
  Formula &f = *x.formula;
  Real height = abs(y), width = abs(x);
  Truth isSteep = height > Term(width);
  Real larger = select(isSteep, height, width), smaller = select(isSteep, width, height);
  // 0/0 stands for 0, infinity/infinity for 1.
  Real equal = select(larger == 0.0, f.constant(0), 1.0);
  Real angle = atanOfFraction(select(larger == Term(smaller), equal, smaller / larger));
  angle = select(isSteep, pi / 2 - angle, angle);
  // -0 lies on the left, too.
  angle = select(bitsOf(x) < 0, pi - angle, angle);
  Real sum = x + y;
  return select(isNaN(x) | isNaN(y), sum, copySign(angle, y));
}

Real ssm::asin(Real x) { return atan2(x, sqrt((1.0 - x) * (1.0 + x))); }
Real ssm::acos(Real x) { return atan2(sqrt((1.0 - x) * (1.0 + x)), x); }
