#ifndef SSM_CODEGEN_INTERPRETER_ROWINTERPRETER_H
#define SSM_CODEGEN_INTERPRETER_ROWINTERPRETER_H

#include "codegen/interpreter/Interpreter.h"
#include "dialect/RowPlan.h"

namespace ssm {

/// What a recurrence with rows (dialect/RowPlan.h) is run on. `given` is as for one without: tensors shaped as they are
/// in memory, states as their pool where there is one. `sizes` has that of the dimension of rows, the number of all
/// steps as that of the scanned dimension and, where there is a pool, its size `slots`.
struct RowArguments {
  InterpreterArguments given;
  /// i32 or i64; those that may be left out need not be there.
  std::map<std::string, Tensor> rows;
};

/// Runs rows one by one through the interpreter: what kernels that run them beside each other are compared with. States
/// that are given and that no row writes are handed back as they are, others as 0, as are outputs of steps of no row or
/// of a row that is left out.
llvm::Expected<InterpreterResults> interpretRows(RecurrenceOp recurrence, const RowArguments &arguments);

} // namespace ssm

#endif
