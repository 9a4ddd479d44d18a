// Random recurrences of random sizes under random schedules for a GPU, against the interpreter: threads and lanes share
// whatever dimensions they can.
//
// SSM_RANDOM_COUNT=n runs n of them in place of 200, SSM_RANDOM_FIRST=n begins with number n. One that fails is made
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
  EmulatorOptions options;
  // Half of the launches have fewer blocks than tasks.
  options.blocks = test.seed % 2;
  auto gpu = compileForEmulator(ready.recurrence, test.schedule, options);
  ASSERT_TRUE(static_cast<bool>(gpu)) << "refused: " << ready.errors << llvm::toString(gpu.takeError());
  // ex2.approx is off by 2 units in the last place, and by its argument's rounding.
  ready.run.tolerance *= 4;
  runAndCompare([&](const KernelArguments &call) { return (*gpu)->run(call, test.seed); }, ready.recurrence,
                ready.arguments, *ready.expected, ready.run);
}

class GpuKernelRandom : public testing::TestWithParam<uint64_t> {};
} // namespace

TEST_P(GpuKernelRandom, GivesTheInterpretersResult) { checkCase(drawCase(GetParam(), /*gpu=*/true), runCase); }

INSTANTIATE_TEST_SUITE_P(Number, GpuKernelRandom,
                         testing::Range(numberFrom("SSM_RANDOM_FIRST", 0),
                                        numberFrom("SSM_RANDOM_FIRST", 0) + numberFrom("SSM_RANDOM_COUNT", 200)),
                         [](const auto &info) { return std::to_string(info.param); });
