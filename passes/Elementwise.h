#ifndef SSM_PASSES_ELEMENTWISE_H
#define SSM_PASSES_ELEMENTWISE_H

#include "dialect/Ssm.h"

namespace ssm {

/// Whether an operation gives one number for its operands' numbers at the same coordinates and step.
bool isElementwise(mlir::Operation *op);

/// Which values follow elementwise from inputs, so that any thread may compute them at any coordinates and steps.
class ComputableValues {
public:
  bool contains(mlir::Value value);

private:
  llvm::DenseMap<mlir::Value, bool> known;
};

} // namespace ssm

#endif
