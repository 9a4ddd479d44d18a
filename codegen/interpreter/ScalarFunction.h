#ifndef SSM_CODEGEN_INTERPRETER_SCALARFUNCTION_H
#define SSM_CODEGEN_INTERPRETER_SCALARFUNCTION_H

#include "codegen/interpreter/Columns.h"

#include <functional>

namespace ssm {

/// What an operation makes of its operands at one coordinate.
using ScalarFunction = std::function<Number(const Number *operands)>;

/// The function of an operation of arith, math or complex, of a constant, or of an ssm activation; null for any other.
ScalarFunction lookupScalarFunction(mlir::Operation &op);

} // namespace ssm

#endif
