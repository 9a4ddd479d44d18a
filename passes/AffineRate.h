#ifndef SSM_PASSES_AFFINERATE_H
#define SSM_PASSES_AFFINERATE_H

#include "dialect/Ssm.h"
#include "mlir/IR/Builders.h"

namespace ssm {

/// A value as slope·h + rest, where neither part depends on the state h; a null part is zero.
struct AffineValue {
  mlir::Value slope, rest;
};

/// Writes the rate of `derivative` as slope·h + rest with an elementwise slope, by operations made at `builder`.
/// The derivation is symbolic: sums and differences join terms; products with, quotients by, selects on and complex
/// arithmetic with what does not depend on h scale them. Anything else that is applied to h is reported at the
/// derivative, with the place.
mlir::FailureOr<AffineValue> splitRate(DerivativeOp derivative, mlir::OpBuilder &builder);

} // namespace ssm

#endif
