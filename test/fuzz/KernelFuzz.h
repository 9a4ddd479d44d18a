#ifndef SSM_TEST_FUZZ_KERNELFUZZ_H
#define SSM_TEST_FUZZ_KERNELFUZZ_H

#include "codegen/interpreter/Interpreter.h"

namespace ssm::fuzz {

/// How comparing a compiled kernel with the interpreter ended. Wild: the kernel ran, but the numbers are not finite,
/// large, or change more than rounding allows when the inputs change by rounding.
enum class KernelEnd { Refused, Wild, Compared, Disagrees, Failed };

struct KernelOutcome {
  KernelEnd end;
  /// Why it was refused, or what failed.
  std::string why;
};

/// Compiles the recurrence, which is specialized and discretized, for this processor and runs it beside the interpreter
/// on arguments of its stored types. Everything that it writes lies between guards. The tolerance is relative to the
/// largest value of a tensor, and of what its stored type and the type of arithmetic can hold.
KernelOutcome compareKernel(RecurrenceOp recurrence, const InterpreterArguments &arguments,
                            const InterpreterResults &reference);

/// The largest absolute value of any output or state; infinity where one is not finite.
double magnitude(const InterpreterResults &results);

/// Names each tensor of `values` whose largest difference from its reference, relative to the reference's largest value
/// (or 1 if that is less), is over `bound(name)`, or that has no reference; empty if there is none.
std::string difference(const InterpreterResults &values, const InterpreterResults &reference,
                       llvm::function_ref<double(llvm::StringRef name, bool isState)> bound);

} // namespace ssm::fuzz

#endif
