// What a component's transitions over a chunk are multiplied and added by.

#ifndef SSM_PASSES_CHUNKALGEBRA_H
#define SSM_PASSES_CHUNKALGEBRA_H

#include "dialect/AffineAnalysis.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "passes/NumberBuilder.h"

namespace ssm {

/// What sums and products of a component's numbers are: over (max, +) maxima and sums. Null is the sum of nothing.
class ChunkAlgebra {
public:
  ChunkAlgebra(NumberBuilder &builder, const Component &component)
      : builder(builder), isMax(component.algebra == Algebra::Max) {}

  mlir::Value add(mlir::Value a, mlir::Value b) const {
    return isMax && a && b ? mlir::arith::MaximumFOp::create(builder, a, b) : builder.add(a, b);
  }
  /// A real factor scales both parts of a complex number.
  mlir::Value mul(mlir::Value factor, mlir::Value value) const {
    if (!factor || !value)
      return {};
    if (isMax)
      return builder.add(factor, value);
    return mlir::isa<mlir::ComplexType>(factor.getType()) ? builder.mul(factor, value) : builder.scale(factor, value);
  }
  mlir::Value reduce(mlir::Value value, llvm::ArrayRef<llvm::StringRef> dims) const {
    mlir::ArrayAttr names = builder.getStrArrayAttr(dims);
    return isMax ? MaxOp::create(builder, value.getType(), value, names).getResult()
                 : SumOp::create(builder, value.getType(), value, names).getResult();
  }
  double zero() const { return isMax ? -std::numeric_limits<double>::infinity() : 0; }
  double one() const { return isMax ? 0 : 1; }

private:
  NumberBuilder &builder;
  const bool isMax;
};

} // namespace ssm

#endif
