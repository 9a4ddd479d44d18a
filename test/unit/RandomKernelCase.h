#ifndef SSM_TEST_UNIT_RANDOMKERNELCASE_H
#define SSM_TEST_UNIT_RANDOMKERNELCASE_H

#include "CpuKernelRun.h"
#include "test/support/KernelCase.h"

namespace ssm::test {

/// A random recurrence of random sizes under a random schedule for a CPU or a GPU; the same for the same number.
KernelCase drawCase(uint64_t number, bool gpu);

/// Specializes a case's recurrence, with the sizes in `known`; failing is the test's.
bool prepareCase(const KernelCase &test, const std::set<std::string> &known, Description &description);

/// The largest error that rounding explains, of values near 1. Each rounding of a step errs by half a unit in the last
/// place of what it rounds, and decays of 0.8 at most sum the errors of 5 steps. Random recurrences keep their values
/// within a few units; quotients by 0.1 and roots of 0.1 magnify what goes in by up to 30, while the other roundings of
/// a path rarely all err in one direction: 4 is room for both. Of the 300 that tests run, none needs more than 1.
double largestError(RecurrenceOp recurrence, const std::map<std::string, int64_t> &sizes);

/// How a tensor of a case lies in memory: in three of four cases with contiguous rows, in the others anyhow.
Memory memoryOf(const KernelCase &test, size_t tensor);

/// A case whose kernel can be compiled, and what that is to be compared with; without `expected`, a failure is the
/// test's already. From here on `errors` collects what passes say.
struct ReadyCase {
  explicit ReadyCase(const KernelCase &test);

  Description description;
  RecurrenceOp recurrence;
  InterpreterArguments arguments;
  std::optional<InterpreterResults> expected;
  RunOptions run;
  std::string errors;

private:
  std::optional<mlir::ScopedDiagnosticHandler> handler;
};

/// Runs a case; one that fails is made smaller and reported in full. A refusal's message begins with `refused: `.
void checkCase(const KernelCase &test, llvm::function_ref<void(const KernelCase &)> runCase);

/// The number in a variable of the environment.
uint64_t numberFrom(const char *variable, uint64_t otherwise);

} // namespace ssm::test

#endif
