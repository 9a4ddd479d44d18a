#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "passes/MathFunctions.h"
#include "passes/MathPolynomials.h"
#include <cmath>
#include <numbers>

using namespace mlir;
using ssm::Formula;
using ssm::Real;
using ssm::Truth;

// max(x, 0) + log(1 + exp(-|x|)): neither term cancels the other, and neither overflows.
Real ssm::softplus(Real x) { return log1pOfFraction(expOfNonPositive(abs(x)), atLeast(x, 0)); }

ssm::BothSigmoids ssm::sigmoids(Real x) {
  Real e = expOfNonPositive(abs(x));
  Real larger = reciprocal(e + 1.0), smaller = e * larger;
  Truth isNegative = x < 0.0;
  return {select(isNegative, smaller, larger), select(isNegative, larger, smaller)};
}

Real ssm::sigmoid(Real x) { return reciprocal(expOfNegative(x) + 1.0); }

Real ssm::silu(Real x) {
  Formula &f = *x.formula;
  // Below the bound exp is infinite, so that -infinity has the quotient -0, its limit.
  Real bounded = atLeast(x, f.pick(-89.5, -710.5));
  Real denominator = expOfNegative(bounded) + 1.0;
  return f.hasSpecialFunctions() ? bounded * reciprocal(denominator) : bounded / denominator;
}

Real ssm::relu(Real x) { return atLeast(x, 0); }

// With e = exp(-2|x|) - 1: -e/(2 + e), which keeps small numbers.
Real ssm::tanh(Real x) {
  Formula &f = *x.formula;
  Real magnitude = abs(x);
  Real e = expm1OfNonPositive(magnitude + magnitude);
  Real denominator = e + 2.0;
  return copySign(f.hasSpecialFunctions() ? e * reciprocal(denominator) : e / denominator, x);
}

/// erfc(a) for 0 <= a, with exp(-(square + squareLow)) for exp(-a²): an error of the exponent is one of the result.
static Real erfcOf(Real a, Real square, Real squareLow) {
  Formula &f = *a.formula;
  double middle = f.pick(3, 4);
  Real q = (a - middle) * reciprocal(a + middle);
  Real scaled = polynomial(q, f.table(ssm::minimax::scaledErfcF32, ssm::minimax::scaledErfcF64));
  return expOfNonPositive(square, squareLow) * (scaled * reciprocal(fma(a, 2.0, 1.0)));
}

/// erfc(|x|).
static Real erfcOfMagnitude(Real x) {
  Formula &f = *x.formula;
  Real a = atMost(abs(x), f.pick(10.0, 27.2));
  Real square = roundedProduct(a, a);
  return erfcOf(a, square, fma(a, a, -square));
}

Real ssm::erfc(Real x) {
  Real tail = erfcOfMagnitude(x);
  return select(x < 0.0, 2.0 - tail, tail);
}

Real ssm::erf(Real x) {
  Formula &f = *x.formula;
  Real square = x * x;
  Real small = fma(x, polynomial(square, f.table(minimax::erfSmallF32, minimax::erfSmallF64)), x);
  Real large = copySign(1.0 - erfcOfMagnitude(x), x);
  return select(abs(x) < 1.0, small, large);
}

Real ssm::gelu(Real x) {
  Formula &f = *x.formula;
  // x·erfc(-x/√2)/2, where exp(-x²/2) is taken from x itself. Below the bound erfc is 0: -infinity gives its limit, -0.
  double bound = f.pick(14.1, 38.4);
  Real lower = atLeast(x, -bound);
  Real bounded = atMost(lower, bound);
  Real half = bounded * 0.5;
  Real square = roundedProduct(half, bounded);
  Real tail = erfcOf(abs(bounded) * std::numbers::sqrt2 * 0.5, square, fma(half, bounded, -square));
  return lower * 0.5 * select(bounded < 0.0, tail, 2.0 - tail);
}

Real ssm::rsqrt(Real x) {
  if (!x.formula->hasSpecialFunctions())
    return 1.0 / sqrt(x);
  return x.formula->eachElement(x, [](OpBuilder &builder, Location loc, Value element) -> Value {
    return LLVM::CallIntrinsicOp::create(builder, loc, element.getType(),
                                         builder.getStringAttr("llvm.nvvm.rsqrt.approx.f"), ValueRange{element})
        .getResult(0);
  });
}
