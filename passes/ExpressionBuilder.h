#ifndef SSM_PASSES_EXPRESSIONBUILDER_H
#define SSM_PASSES_EXPRESSIONBUILDER_H

#include "dialect/AffineAnalysis.h"
#include "passes/NumberBuilder.h"

namespace ssm {

/// Makes the operations of expressions at one place of their recurrence, which is behind the values that they are made
/// of; an expression that was made is not made again.
class ExpressionBuilder {
public:
  /// Real numbers become of type `compute`, complex ones of its complex type.
  ExpressionBuilder(const DimensionAnalysis &dims, mlir::Location loc, mlir::OpBuilder &builder,
                    mlir::FloatType compute)
      : dims(dims), make(loc, builder), compute(compute) {}

  mlir::Value build(Expr expression);
  /// As a complex number where `type` is one.
  mlir::Value buildAs(Expr expression, mlir::Type type);

private:
  mlir::Value buildNew(Expr expression);
  mlir::Value leaf(mlir::Value value);
  mlir::Value product(Expr expression);
  mlir::Value scaledProduct(std::complex<double> number, llvm::ArrayRef<Expr> factors);
  mlir::Value sum(Expr expression);
  mlir::Value realSum(double number, llvm::ArrayRef<std::pair<double, Expr>> terms);
  mlir::Value select(Expr expression);
  mlir::Value maximum(Expr expression);
  mlir::Value complexOf(mlir::Value value);
  mlir::ArrayAttr names(DimSet set);

  const DimensionAnalysis &dims;
  NumberBuilder make;
  mlir::FloatType compute;
  llvm::DenseMap<Expr, mlir::Value> made;
};

/// A component's step as values, in the order of `ssm.scan`.
struct StepValues {
  llvm::SmallVector<mlir::Value> transition;
  /// In place of the one transition, where the step has it.
  mlir::Value logDecay;
  mlir::Value left, right;
  llvm::SmallVector<mlir::Value> drive;
};

/// Makes the transition and the drive of a component that is a scan. A transition is real where it has no imaginary
/// part, drives are of their states' types; values lack what they do not vary along. Of a decay that has a log, that
/// alone is made unless `withDecay`.
StepValues buildStep(const Component &component, const DimensionAnalysis &dims, mlir::OpBuilder &builder,
                     bool withDecay = false);

} // namespace ssm

#endif
