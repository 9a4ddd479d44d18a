// A scan in chunks side by side gives what one step after another gives.

#include "CpuKernelRun.h"
#include "passes/ChunkScan.h"
#include "passes/ComputeType.h"
#include "test/support/RandomArguments.h"
#include "test/support/RandomRecurrence.h"

using namespace mlir;
using namespace ssm;
using namespace ssm::test;

namespace {
/// Sizes that no tile divides.
const std::map<std::string, int64_t> sizes = {{"batch", 2},     {"channel", 19}, {"group", 2}, {"member", 17},
                                              {"per_group", 3}, {"headdim", 5},  {"state", 6}, {"head", 3},
                                              {"key", 5},       {"value", 7}};

/// The default schedule with the scanned dimension in chunks of `steps`, in tiles of `tile`.
std::string inChunks(RecurrenceOp recurrence, int64_t steps, int64_t tile) {
  auto target = parseTarget("cpu");
  EXPECT_TRUE(static_cast<bool>(target));
  auto schedule = defaultSchedule(recurrence, target->machine, {});
  EXPECT_TRUE(static_cast<bool>(schedule)) << llvm::toString(schedule.takeError());
  for (DimPlacement &placement : schedule->dims)
    if (placement.dim == recurrence.getScan())
      placement.levels = {{Level::Grid, steps}, {Level::Loop, tile}};
  return printSchedule(*schedule);
}

class CpuKernelChunks : public testing::TestWithParam<std::string> {};
} // namespace

TEST_P(CpuKernelChunks, GiveTheInterpretersResult) {
  const std::string &model = GetParam();
  Description description = parseFile(std::string(SSM_SOURCE_DIR "/models/") + model + ".ssm");
  ASSERT_TRUE(description) << description.errors;
  RecurrenceOp recurrence = description.recurrence();
  SpecializeParameters parameters;
  for (auto dim : recurrence.getDims().getAsRange<DimAttr>())
    if (!dim.getLike() && dim.getName() != recurrence.getScan())
      parameters.dims[dim.getName().str()] = sizes.at(dim.getName().str());
  ASSERT_TRUE(prepare(description, parameters));
  auto kernel = compileForCpu(recurrence, inChunks(recurrence, 6, 3));
  if (llvm::Error error = checkChunks(recurrence, 6)) {
    llvm::consumeError(std::move(error));
    ASSERT_FALSE(static_cast<bool>(kernel)) << "a scan that cannot be cut was not refused";
    llvm::consumeError(kernel.takeError());
    return;
  }
  ASSERT_TRUE(static_cast<bool>(kernel)) << llvm::toString(kernel.takeError());
  for (int64_t steps : {0, 1, 2, 3, 6, 12, 17, 37, 100}) {
    SCOPED_TRACE(steps);
    std::map<std::string, int64_t> all = parameters.dims;
    all[recurrence.getScan().str()] = steps;
    InterpreterArguments arguments = argumentsFor(recurrence, model, all, /*withStates=*/steps % 2, 1);
    auto expected = interpret(recurrence, arguments);
    ASSERT_TRUE(static_cast<bool>(expected)) << llvm::toString(expected.takeError());
    RunOptions options;
    options.threads = 1 + steps % 2;
    // f32 over 100 steps of recurrences that forget.
    runAndCompare(**kernel, recurrence, arguments, *expected, options);
  }
}

INSTANTIATE_TEST_SUITE_P(Library, CpuKernelChunks, testing::ValuesIn(libraryModels()),
                         [](const auto &info) { return info.param; });

namespace {
/// Random recurrences that can be cut are some; those are counted by the seeds below.
bool runSeed(uint64_t seed) {
  Description description = parseLanguage(randomRecurrence(seed, {}));
  EXPECT_TRUE(description) << description.errors;
  RecurrenceOp recurrence = description.recurrence();
  SpecializeParameters parameters;
  parameters.dims = randomSizes(recurrence, /*steps=*/23, /*largest=*/5, seed);
  for (auto &[name, size] : parameters.dims)
    if (name != recurrence.getScan())
      size = std::min<int64_t>(size, 3);
  EXPECT_TRUE(prepare(description, parameters));
  recurrence = description.recurrence();
  if (llvm::Error error = checkChunks(recurrence, 5)) {
    llvm::consumeError(std::move(error));
    return false;
  }
  InterpreterArguments arguments = randomArguments(recurrence, parameters.dims, seed);
  auto expected = interpret(recurrence, arguments);
  EXPECT_TRUE(static_cast<bool>(expected)) << llvm::toString(expected.takeError());
  auto kernel = compileForCpu(recurrence, inChunks(recurrence, 5, 5));
  EXPECT_TRUE(static_cast<bool>(kernel)) << llvm::toString(kernel.takeError());
  if (!expected || !kernel)
    return true;
  RunOptions options;
  // As for random recurrences one step after another: CpuKernelRandomTest has the reasons.
  options.tolerance = computeType(recurrence).isF64() ? 1e-12 : 2e-4;
  options.atLeast = 1;
  runAndCompare(**kernel, recurrence, arguments, *expected, options);
  return true;
}
} // namespace

TEST(CpuKernelChunks, RandomRecurrencesThatCanBeCut) {
  unsigned cut = 0;
  for (uint64_t seed = 1; seed <= 150; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed) + "\n" + randomRecurrence(seed, {}));
    cut += runSeed(seed);
    if (HasFailure())
      return;
  }
  EXPECT_GE(cut, 20u) << "too few random recurrences have a scan that can be cut";
}
