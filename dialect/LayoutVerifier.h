#ifndef SSM_DIALECT_LAYOUTVERIFIER_H
#define SSM_DIALECT_LAYOUTVERIFIER_H

#include "dialect/Ssm.h"

// What operations of several levels check of layouts and types; each emits an error at `op`.

namespace ssm {

/// Whether a layout may have the scanned dimension, must, or must not.
enum class Time { Allowed, Required, Excluded };

/// The recurrence that `op` stands in, or null.
RecurrenceOp parentOf(mlir::Operation *op);
/// `op` stands in a recurrence.
mlir::FailureOr<RecurrenceOp> verifyParent(mlir::Operation *op);
/// The recurrence declares the dimension `name`.
mlir::LogicalResult verifyDeclared(mlir::Operation *op, llvm::StringRef name);
/// Dimensions are declared and named once, and the scanned one is there as it should be.
mlir::LogicalResult verifyLayout(mlir::Operation *op, LayoutAttr layout, Time time);
/// A stored type is one that the language has, complex just where the value is.
mlir::LogicalResult verifyStored(mlir::Operation *op, std::optional<mlir::Type> stored, mlir::Type value);
/// The value's dimensions are among the layout's, besides the scanned one.
mlir::LogicalResult verifyFits(mlir::Operation *op, mlir::Value value, LayoutAttr layout);

} // namespace ssm

#endif
