#ifndef SSM_PASSES_FORMULA_H
#define SSM_PASSES_FORMULA_H

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Builders.h"
#include "passes/ExponentialSplit.h"
#include <map>
#include <optional>

namespace ssm {

/// Avx512: x86 with AVX-512 F, DQ and VL.
enum class MathTarget { Cpu, Avx512, Nvptx };

class Formula;

/// A number of the formula: f32 or f64, or a vector of them.
struct Real {
  Formula *formula;
  mlir::Value value;
};
/// The bits of a number, an integer of the same width.
struct Bits {
  Formula *formula;
  mlir::Value value;
};
struct Truth {
  Formula *formula;
  mlir::Value value;
};

/// An operand beside a Real: another one, or a constant.
struct Term {
  Term(Real real) : real(real) {}
  Term(double constant) : constant(constant) {}
  std::optional<Real> real;
  double constant = 0;
};

/// Lets numeric formulas be written as formulas: operators on Real, Bits and Truth create operations of arith and math
/// at one place, on one type (f32, f64, or fixed vectors of them). Constants are created once.
class Formula {
public:
  /// `type` is the type of all numbers; `contract` goes on every operation of arith that may carry it. Without `split`,
  /// every exponential that may be a special function is one.
  Formula(mlir::OpBuilder &builder, mlir::Location loc, mlir::Type type, MathTarget target, bool contract,
          ExponentialSplit *split = nullptr);

  Real real(mlir::Value value) { return {this, value}; }
  Real constant(double value);
  Real get(const Term &term) { return term.real ? *term.real : constant(term.constant); }
  Bits bitsConstant(int64_t value);
  Bits bitsConstantOf(double value);

  bool isDouble() const { return width == 64; }
  /// Stored bits of the significand: 23 or 52.
  int mantissaBits() const { return isDouble() ? 52 : 23; }
  int exponentBias() const { return isDouble() ? 1023 : 127; }
  double smallestNormal() const;
  /// The first for f32, the second for f64.
  template <typename T> T pick(T single, T wide) const { return isDouble() ? wide : single; }
  llvm::ArrayRef<double> table(llvm::ArrayRef<double> single, llvm::ArrayRef<double> wide) const {
    return isDouble() ? wide : single;
  }
  /// Whether the device's special functions (of f32 alone) are there.
  bool hasSpecialFunctions() const { return target == MathTarget::Nvptx && !isDouble(); }
  /// Whether the next exponential is a special function; each is asked for once.
  bool takesSpecialExponential() { return hasSpecialFunctions() && !(split && split->isPolynomial(builder)); }
  /// Whether the processor takes integer and fraction apart and scales by powers of 2 itself: AVX-512, on whole
  /// registers.
  bool hasScaling() const;
  /// Applies a special function, which takes scalars, to each element: an operation's builder, from operand to result.
  Real eachElement(Real x, llvm::function_ref<mlir::Value(mlir::OpBuilder &, mlir::Location, mlir::Value)> function);

  /// Applies an LLVM intrinsic of a register's width to each register of the operands (hasScaling):
  /// `name`.ps.512 for sixteen f32, called with the operands and what AVX-512's intrinsics have behind them.
  Real eachRegister(llvm::ArrayRef<Real> operands, llvm::StringRef name,
                    std::optional<int32_t> immediate = std::nullopt);

  mlir::OpBuilder &builder;
  const mlir::Location loc;
  const mlir::Type type;
  const MathTarget target;
  const mlir::arith::FastMathFlags flags;

private:
  friend Bits bitsOf(Real);

  unsigned width;
  mlir::Type bitsType;
  ExponentialSplit *split;
  /// By whether they are numbers, and bits.
  std::map<std::pair<bool, uint64_t>, mlir::Value> constants;
};

Real operator+(Real a, Term b);
Real operator-(Real a, Term b);
Real operator*(Real a, Term b);
Real operator/(Real a, Term b);
Real operator-(Real a);
Real operator+(double a, Real b);
Real operator-(double a, Real b);
Real operator*(double a, Real b);
Real operator/(double a, Real b);

/// a·b + c with one rounding.
Real fma(Real a, Term b, Term c);
/// a·b rounded once, whatever follows: it is not contracted into a sum.
Real roundedProduct(Real a, Term b);
Real abs(Real x);
Real floor(Real x);
Real sqrt(Real x);
/// |magnitude| with the sign of `sign`.
Real copySign(Real magnitude, Real sign);
/// 1/x; on nvptx in f32 an approximation with relative error 2^-23 that is 0 for |x| >= 2^126.
Real reciprocal(Real x);
/// With hasScaling: x - ⌊x⌋, 0 for infinities; and x·2^⌊n⌋, rounded once, for any n.
Real fractionAboveFloor(Real x);
Real timesPowerOfFloor(Real x, Real n);
/// c[0] + c[1]·x + …, by Horner's rule.
Real polynomial(Real x, llvm::ArrayRef<double> coefficients);

/// Ordered comparisons: false where an operand is NaN.
Truth operator<(Real a, Term b);
Truth operator<=(Real a, Term b);
Truth operator>(Real a, Term b);
Truth operator>=(Real a, Term b);
Truth operator==(Real a, Term b);
Truth isNaN(Real x);
Truth operator&(Truth a, Truth b);
Truth operator|(Truth a, Truth b);
Truth operator!(Truth a);
Truth operator==(Bits a, int64_t b);
Truth operator<(Bits a, int64_t b);

/// `condition ? a : b`, element by element.
Real select(Truth condition, Real a, Term b);
/// max(x, bound) and min(x, bound), where NaN stays NaN: one instruction.
Real atLeast(Real x, double bound);
Real atMost(Real x, double bound);

Bits bitsOf(Real x);
Real realOf(Bits x);
/// The integer as a number.
Real toReal(Bits x);
Bits operator+(Bits a, Bits b);
Bits operator-(Bits a, Bits b);
Bits operator^(Bits a, Bits b);
Bits operator&(Bits a, int64_t mask);
Bits operator<<(Bits a, int by);
/// Arithmetic shift.
Bits operator>>(Bits a, int by);

} // namespace ssm

#endif
