#ifndef SSM_PASSES_NUMBERBUILDER_H
#define SSM_PASSES_NUMBERBUILDER_H

#include "mlir/IR/Builders.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace ssm {

/// Makes arithmetic that is the same formula for real and complex numbers; operands of one call have one type unless
/// said. A null value is zero, and is returned where the result is zero.
class NumberBuilder : public mlir::ImplicitLocOpBuilder {
public:
  using ImplicitLocOpBuilder::ImplicitLocOpBuilder;

  /// The real constant `value` in `type`, a real or complex type.
  mlir::Value constant(mlir::Type type, double value);
  mlir::Value add(mlir::Value a, mlir::Value b);
  mlir::Value sub(mlir::Value a, mlir::Value b);
  mlir::Value neg(mlir::Value a);
  mlir::Value mul(mlir::Value a, mlir::Value b);
  /// `b` is not null.
  mlir::Value div(mlir::Value a, mlir::Value b);
  /// `condition` ? a : b, for a and b not both null.
  mlir::Value select(mlir::Value condition, mlir::Value a, mlir::Value b);
  mlir::Value exp(mlir::Value a);
  /// `factor`·a, where a real factor scales both parts of a complex number.
  mlir::Value scale(mlir::Value factor, mlir::Value a);
  mlir::Value re(mlir::Value a);
  mlir::Value im(mlir::Value a);
  /// a + ib of two reals, not both null.
  mlir::Value complex(mlir::Value a, mlir::Value b);
};

} // namespace ssm

#endif
