// Random recurrences of random sizes under random schedules for a GPU, against the interpreter: threads and lanes share
// whatever dimensions they can.
//
// SSM_RANDOM_COUNT=n runs n of them in place of 200, SSM_RANDOM_FIRST=n begins with number n. One that fails is made
// smaller and printed in full.

#include "RandomKernelCase.h"
#include "test/support/RandomArguments.h"

using namespace mlir;
using namespace ssm;
using namespace ssm::test;

namespace {
void runCase(const KernelCase &test) {
  Description description;
  if (!prepareCase(test, test.known, description))
    return;
  RecurrenceOp recurrence = description.recurrence();
  InterpreterArguments arguments = randomArguments(recurrence, test.sizes, test.seed);
  auto expected = interpret(recurrence, arguments);
  ASSERT_TRUE(static_cast<bool>(expected)) << llvm::toString(expected.takeError());
  std::string errors;
  ScopedDiagnosticHandler handler(description.context.get(), [&](Diagnostic &diagnostic) {
    errors += diagnostic.str() + "\n";
    return success();
  });
  EmulatorOptions options;
  // Half of the launches have fewer blocks than tasks.
  options.blocks = test.seed % 2;
  auto gpu = compileForEmulator(recurrence, test.schedule, options);
  ASSERT_TRUE(static_cast<bool>(gpu)) << "refused: " << errors << llvm::toString(gpu.takeError());
  RunOptions run;
  run.memory = [&](size_t tensor) { return memoryOf(test, tensor); };
  // ex2.approx is off by 2 units in the last place, and by its argument's rounding.
  run.tolerance = 4 * largestError(recurrence, test.sizes);
  run.atLeast = 1;
  runAndCompare([&](const KernelArguments &call) { return (*gpu)->run(call, test.seed); }, recurrence, arguments,
                *expected, run);
}

class GpuKernelRandom : public testing::TestWithParam<uint64_t> {};
} // namespace

TEST_P(GpuKernelRandom, GivesTheInterpretersResult) { checkCase(drawCase(GetParam(), /*gpu=*/true), runCase); }

INSTANTIATE_TEST_SUITE_P(Number, GpuKernelRandom,
                         testing::Range(numberFrom("SSM_RANDOM_FIRST", 0),
                                        numberFrom("SSM_RANDOM_FIRST", 0) + numberFrom("SSM_RANDOM_COUNT", 200)),
                         [](const auto &info) { return std::to_string(info.param); });
