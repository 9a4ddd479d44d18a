#ifndef SSM_PASSES_MATHFUNCTIONS_H
#define SSM_PASSES_MATHFUNCTIONS_H

#include "passes/Formula.h"

// Elementary functions as formulas without branches and calls. docs/math.md has their errors and edge values.

namespace ssm {

//===-- ExpandMathExponential.cpp -----------------------------------------===//
Real exp(Real x);
/// exp(-x), at the cost of exp(x).
Real expOfNegative(Real x);
/// exp(-(x + low)) for x >= 0 and |low| below 1: half an ulp of x, say. Always a polynomial.
Real expOfNonPositive(Real x, std::optional<Real> low = std::nullopt);
/// exp(-x) - 1 for x >= 0.
Real expm1OfNonPositive(Real x);
Real exp2(Real x);
Real expm1(Real x);
Real sinh(Real x);
Real cosh(Real x);
Real pow(Real x, Real y);

//===-- ExpandMathLogarithm.cpp -------------------------------------------===//
Real log(Real x);
Real log2(Real x);
Real log10(Real x);
Real log1p(Real x);
/// log(1 + e) for e in [0, 1], plus `addend`: no selection, no division in f32.
Real log1pOfFraction(Real e, Real addend);
Real cbrt(Real x);
/// log(x) for x > 0 as a sum, with a relative error far below an ulp; infinite for 0 and infinity.
struct TwoTerms {
  Real high, low;
};
TwoTerms preciseLog(Real x);
Real asinh(Real x);
Real acosh(Real x);
Real atanh(Real x);

//===-- ExpandMathTrigonometry.cpp ----------------------------------------===//
struct SineCosine {
  Real sine, cosine;
};
Real sin(Real x);
Real cos(Real x);
SineCosine sincos(Real x);
Real tan(Real x);
Real asin(Real x);
Real acos(Real x);
Real atan(Real x);
Real atan2(Real y, Real x);

//===-- ExpandMathActivations.cpp -----------------------------------------===//
Real softplus(Real x);
Real sigmoid(Real x);
/// sigmoid(x) and sigmoid(-x), by one exponential and one reciprocal.
struct BothSigmoids {
  Real ofX, ofNegative;
};
BothSigmoids sigmoids(Real x);
Real silu(Real x);
Real relu(Real x);
Real gelu(Real x);
Real tanh(Real x);
Real erf(Real x);
Real erfc(Real x);
Real rsqrt(Real x);

} // namespace ssm

#endif
