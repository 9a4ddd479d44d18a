// Random recurrences of random sizes under random schedules, against the interpreter.
//
// SSM_RANDOM_COUNT=n runs n of them in place of 300, SSM_RANDOM_FIRST=n begins with number n. One that fails is made
// smaller and printed in full.

#include "RandomKernelCase.h"

using namespace mlir;
using namespace ssm;
using namespace ssm::test;

namespace {
void runCase(const KernelCase &test) {
  ReadyCase ready(test);
  if (!ready.expected)
    return;
  auto kernel = compileForCpu(ready.recurrence, test.schedule);
  if (!kernel) {
    ready.errors += llvm::toString(kernel.takeError());
    // Some cases in ten thousand keep more than a task's memory holds, time tiles of large outputs above all.
    ASSERT_TRUE(StringRef(ready.errors).contains("at most 1048576 fit")) << "refused: " << ready.errors;
    return;
  }
  if (test.schedule != "auto")
    EXPECT_EQ((*kernel)->schedule(), test.schedule) << "another schedule than was asked for";
  ready.run.threads = test.threads;
  runAndCompare(**kernel, ready.recurrence, ready.arguments, *ready.expected, ready.run);
}

class CpuKernelRandom : public testing::TestWithParam<uint64_t> {};
} // namespace

TEST_P(CpuKernelRandom, GivesTheInterpretersResult) { checkCase(drawCase(GetParam(), /*gpu=*/false), runCase); }

INSTANTIATE_TEST_SUITE_P(Number, CpuKernelRandom,
                         testing::Range(numberFrom("SSM_RANDOM_FIRST", 0),
                                        numberFrom("SSM_RANDOM_FIRST", 0) + numberFrom("SSM_RANDOM_COUNT", 300)),
                         [](const auto &info) { return std::to_string(info.param); });
