// Random recurrences of random sizes under random schedules, against the interpreter.
//
// SSM_RANDOM_COUNT=n runs n of them in place of 300, SSM_RANDOM_FIRST=n begins with number n. One that fails is made
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
  auto kernel = compileForCpu(recurrence, test.schedule);
  if (!kernel) {
    errors += llvm::toString(kernel.takeError());
    // Some cases in ten thousand keep more than a task's memory holds, time tiles of large outputs above all.
    ASSERT_TRUE(StringRef(errors).contains("at most 1048576 fit")) << "refused: " << errors;
    return;
  }
  if (test.schedule != "auto")
    EXPECT_EQ((*kernel)->schedule(), test.schedule) << "another schedule than was asked for";
  RunOptions run;
  run.memory = [&](size_t tensor) { return memoryOf(test, tensor); };
  run.threads = test.threads;
  run.tolerance = largestError(recurrence, test.sizes);
  run.atLeast = 1;
  runAndCompare(**kernel, recurrence, arguments, *expected, run);
}

class CpuKernelRandom : public testing::TestWithParam<uint64_t> {};
} // namespace

TEST_P(CpuKernelRandom, GivesTheInterpretersResult) { checkCase(drawCase(GetParam(), /*gpu=*/false), runCase); }

INSTANTIATE_TEST_SUITE_P(Number, CpuKernelRandom,
                         testing::Range(numberFrom("SSM_RANDOM_FIRST", 0),
                                        numberFrom("SSM_RANDOM_FIRST", 0) + numberFrom("SSM_RANDOM_COUNT", 300)),
                         [](const auto &info) { return std::to_string(info.param); });
