#ifndef SSM_CODEGEN_BINDING_ROWARRAYS_H
#define SSM_CODEGEN_BINDING_ROWARRAYS_H

#include "codegen/binding/Binding.h"
#include "codegen/binding/SizeSolver.h"

namespace ssm {

/// Takes the arrays of rows (dialect/RowPlan.h) out of the tensors that a file has beside the inputs: those of their
/// names that are no inputs of the description. Nothing is taken of a recurrence that has such inputs.
std::map<std::string, Tensor> takeRowArrays(RecurrenceOp recurrence, GivenTensors &tensors);

/// The names of arrays with their types, as ssm-pack takes them. An error where one is of no type that kernels read.
llvm::Expected<std::vector<std::string>> describeRowArrays(const std::map<std::string, Tensor> &arrays);

/// Adds what the arrays of rows say of sizes.
llvm::Error addRowArrays(RecurrenceOp recurrence, const GivenTensors &tensors, SizeSolver &solver);

/// Checks the arrays' values, as far as whoever calls a kernel has to, and takes open sizes out of `bound`.
llvm::Error bindRowArrays(RecurrenceOp recurrence, const GivenTensors &tensors, SpecializeParameters &bound,
                          std::map<std::string, int64_t> *launch);

} // namespace ssm

#endif
