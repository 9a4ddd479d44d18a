#ifndef SSM_CODEGEN_INTERPRETER_ARGUMENTS_H
#define SSM_CODEGEN_INTERPRETER_ARGUMENTS_H

#include "codegen/interpreter/Grid.h"
#include "codegen/interpreter/Interpreter.h"

namespace ssm {

/// An error that names the recurrence.
llvm::Error refuse(RecurrenceOp recurrence, const llvm::Twine &why);

/// Sizes of the recurrence's dimensions by number: those passed, else the defaults.
/// An error if one is missing or negative, or is of a dimension that shares another's extent and differs.
llvm::Expected<llvm::SmallVector<int64_t>> bindSizes(RecurrenceOp recurrence, const InterpreterArguments &arguments);

/// The declared options with the values passed in their place. An error if one is not declared or of another kind.
llvm::Expected<mlir::DictionaryAttr> bindOptions(RecurrenceOp recurrence, const InterpreterArguments &arguments);

/// An error if an input, state or parameter is passed that the recurrence does not have.
llvm::Error checkNames(RecurrenceOp recurrence, const InterpreterArguments &arguments);

/// An error unless the tensor has the shape, and elements that are complex just where the type is.
llvm::Error checkTensor(RecurrenceOp recurrence, const llvm::Twine &what, const Tensor &tensor, const Shape &shape,
                        mlir::Type type);

} // namespace ssm

#endif
