#ifndef SSM_DIALECT_EXPRESSION_H
#define SSM_DIALECT_EXPRESSION_H

#include "dialect/DimensionAnalysis.h"
#include "llvm/ADT/FoldingSet.h"

#include <complex>
#include <deque>

namespace ssm {

class Expression;
/// An expression of an `Expressions`, which owns it; equal expressions are one.
using Expr = const Expression *;

/// A number at one time step, made of values of a recurrence: what the coefficient of a state is, symbolically.
/// Real numbers are complex ones without an imaginary part; `isReal` says which. As an ssm value, it varies along
/// `dims`.
class Expression : public llvm::FoldingSetNode {
public:
  enum class Kind {
    /// `number`.
    Constant,
    /// `value`, of the recurrence.
    Leaf,
    /// `number` times operands, in one order: products of the same factors are one expression.
    Product,
    /// `number` plus operands, likewise.
    Sum,
    /// 1 / operand.
    Reciprocal,
    /// `value` (i1), or else whether the coordinates that `names` and `tap` say are equal, chooses between operands.
    Select,
    Re,
    Im,
    Conj,
    /// Maximum of `number`, which is real, and operands.
    Maximum,
    /// Over the dimensions `over`, all of which the operand has.
    SumOver,
    MaximumOver,
    /// From dimension `from` to `to`.
    Rename,
    /// Along dimension `from`.
    Flip,
    /// Extent of dimension `from`.
    Size,
    /// log(1 + exp(operand)).
    Softplus,
  };

  Kind kind;
  std::complex<double> number = 0;
  mlir::Value value;
  llvm::SmallVector<Expr, 2> operands;
  /// Of Select without a value: the coordinate along `from` is that along `to`, or where that is absent `tap`.
  DimSet over;
  unsigned from = 0;
  std::optional<unsigned> to;
  int64_t tap = 0;

  /// Position in the order of creation: behind that of each operand.
  unsigned id = 0;
  /// Longest way to a leaf.
  unsigned depth = 0;
  bool isReal = true;
  DimSet dims;

  bool isConstant() const { return kind == Kind::Constant; }
  bool isConstant(double value) const { return isConstant() && number == value; }
  void Profile(llvm::FoldingSetNodeID &node) const;
};

/// Makes expressions, each one once. What is made is simplified where that changes no more than rounding: sums and
/// products are flat and ordered, like terms are joined, constants are folded.
class Expressions {
public:
  explicit Expressions(RecurrenceOp recurrence) : recurrence(recurrence), dims(recurrence) {}
  Expressions(const Expressions &) = delete;

  Expr constant(std::complex<double> number);
  /// A value as it is; a constant operation is that constant.
  Expr leaf(mlir::Value value);
  Expr size(unsigned dim);

  Expr add(Expr a, Expr b) { return add(std::array{a, b}); }
  Expr add(llvm::ArrayRef<Expr> summands);
  Expr sub(Expr a, Expr b) { return add(a, neg(b)); }
  Expr neg(Expr a) { return mul(constant(-1), a); }
  Expr mul(Expr a, Expr b) { return mul(std::array{a, b}); }
  Expr mul(llvm::ArrayRef<Expr> factors);
  Expr reciprocal(Expr a);
  Expr div(Expr a, Expr b) { return mul(a, reciprocal(b)); }
  Expr select(mlir::Value condition, Expr a, Expr b);
  /// `a` where the coordinate along `from` is that along `to`, else `b`.
  Expr selectSame(unsigned from, unsigned to, Expr a, Expr b);
  /// `a` where the coordinate along `dim` is `coordinate`, else `b`.
  Expr selectAt(unsigned dim, int64_t coordinate, Expr a, Expr b);
  Expr maximum(Expr a, Expr b);

  Expr re(Expr a) { return part(a, /*imaginary=*/false); }
  Expr im(Expr a) { return part(a, /*imaginary=*/true); }
  Expr conj(Expr a);
  /// a + ib
  Expr complex(Expr a, Expr b) { return add(a, mul(constant({0, 1}), b)); }

  /// As ssm.sum and ssm.max, of dimensions that the operand may lack.
  Expr sumOver(Expr a, DimSet over);
  Expr maximumOver(Expr a, DimSet over);
  Expr rename(Expr a, unsigned from, unsigned to);
  Expr flip(Expr a, unsigned dim);
  Expr softplus(Expr a);

  /// The factors of a product (for `kind` Product) or the summands of a sum that vary along `over`, and the others,
  /// each joined to one expression; a constant is among the others.
  std::pair<Expr, Expr> split(Expr a, DimSet over, Expression::Kind kind);
  /// The natural logarithm of a positive real expression, where one is there without taking a logarithm: of exp(x), of
  /// a sigmoid, of products, quotients, selections and powers of these, of constants. Else null.
  Expr log(Expr a);

  const DimensionAnalysis &dimensions() const { return dims; }

private:
  /// The one expression of this form; it varies along what its operands do, less `removed`, and along `dims` as given.
  Expr make(Expression &&expression, DimSet removed = {});
  Expr makeProduct(std::complex<double> number, llvm::SmallVectorImpl<Expr> &factors);
  Expr scaleSum(std::complex<double> number, Expr sum);
  Expr makeSelect(Expression &&select, Expr a, Expr b);
  /// The real or the imaginary part.
  Expr part(Expr a, bool imaginary);
  Expr partOfProduct(Expr a, bool imaginary);
  Expr logOfValue(mlir::Value value);
  Expr logOfAll(llvm::ArrayRef<Expr> factors);

  RecurrenceOp recurrence;
  DimensionAnalysis dims;
  std::deque<Expression> owned;
  llvm::FoldingSet<Expression> known;
  /// Logarithms that have been looked for, and how deep the search is.
  llvm::DenseMap<Expr, Expr> logarithms;
  unsigned logDepth = 0;
  /// Real and imaginary parts that have been made.
  llvm::DenseMap<std::pair<Expr, unsigned>, Expr> parts;
};

/// The expression for people, in values' names where those have any: for debugging.
std::string toString(Expr expression, const DimensionAnalysis &dims);

} // namespace ssm

#endif
