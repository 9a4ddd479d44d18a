// A scan whose steps run at once, over lanes and registers, gives what one step after another gives.

#include "CpuKernelRun.h"
#include "dialect/AffineAnalysis.h"
#include "passes/ComputeType.h"
#include "test/support/RandomArguments.h"
#include "test/support/RandomRecurrence.h"

using namespace mlir;
using namespace ssm;
using namespace ssm::test;

namespace {
/// Sizes that no tile divides; small where dimensions are unrolled.
const std::map<std::string, int64_t> sizes = {{"batch", 2},     {"channel", 5}, {"group", 2}, {"member", 3},
                                              {"per_group", 3}, {"headdim", 3}, {"state", 5}, {"head", 3},
                                              {"key", 3},       {"value", 5}};

/// Every dimension that a task must hold whole is on registers.
std::string atOnce(RecurrenceOp recurrence, const std::string &time) {
  DimensionAnalysis dims(recurrence);
  DimSet held = dimsHeldWhole(recurrence, dims);
  std::string text = recurrence.getScan().str() + "=" + time;
  for (unsigned dim = 0; dim < dims.count(); ++dim)
    if (held.contains(dim))
      text += "; " + dims.name(dim).str() + "=reg";
  return text;
}

bool isClosed(RecurrenceOp recurrence) {
  llvm::Error error = checkLanes(recurrence);
  bool refused = static_cast<bool>(error);
  llvm::consumeError(std::move(error));
  return !refused;
}

using Parameter = std::tuple<std::string, std::string>;
class CpuKernelLanes : public testing::TestWithParam<Parameter> {};
} // namespace

TEST_P(CpuKernelLanes, GiveTheInterpretersResult) {
  const auto &[model, time] = GetParam();
  Description description = parseFile(std::string(SSM_SOURCE_DIR "/models/") + model + ".ssm");
  ASSERT_TRUE(description) << description.errors;
  RecurrenceOp recurrence = description.recurrence();
  SpecializeParameters parameters;
  for (auto dim : recurrence.getDims().getAsRange<DimAttr>())
    if (!dim.getLike() && dim.getName() != recurrence.getScan())
      parameters.dims[dim.getName().str()] = sizes.at(dim.getName().str());
  ASSERT_TRUE(prepare(description, parameters));
  std::string schedule = atOnce(recurrence, time);
  auto kernel = compileForCpu(recurrence, schedule);
  if (!isClosed(recurrence)) {
    ASSERT_FALSE(static_cast<bool>(kernel)) << "steps that cannot be composed were not refused";
    llvm::consumeError(kernel.takeError());
    return;
  }
  ASSERT_TRUE(static_cast<bool>(kernel)) << schedule << ": " << llvm::toString(kernel.takeError());
  for (int64_t steps : {0, 1, 2, 3, 17, 37, 100}) {
    SCOPED_TRACE(steps);
    std::map<std::string, int64_t> all = parameters.dims;
    all[recurrence.getScan().str()] = steps;
    InterpreterArguments arguments = argumentsFor(recurrence, model, all, /*withStates=*/steps % 2, 1);
    auto expected = interpret(recurrence, arguments);
    ASSERT_TRUE(static_cast<bool>(expected)) << llvm::toString(expected.takeError());
    // f32 over 100 steps of recurrences that forget.
    runAndCompare(**kernel, recurrence, arguments, *expected, {});
  }
}

INSTANTIATE_TEST_SUITE_P(Library, CpuKernelLanes,
                         testing::Combine(testing::ValuesIn(libraryModels()),
                                          testing::Values("lane:16", "loop:12,lane:4,reg:3", "loop,reg:4",
                                                          "grid:24,loop:8,lane:4,reg")),
                         [](const auto &info) {
                           std::string name = std::get<0>(info.param) + "_" + std::get<1>(info.param);
                           for (char &c : name)
                             c = isalnum(c) ? c : '_';
                           return name;
                         });

//===----------------------------------------------------------------------===//
// Descriptions of every structure: those of the tests of ssm-linearize
//===----------------------------------------------------------------------===//

namespace {
std::vector<std::string> structureDescriptions() {
  std::vector<std::string> names;
  std::error_code error;
  for (llvm::sys::fs::directory_iterator it(SSM_SOURCE_DIR "/test/passes", error), end; it != end && !error;
       it.increment(error)) {
    llvm::StringRef stem = llvm::sys::path::stem(it->path());
    if (llvm::sys::path::extension(it->path()) == ".ssm" && stem.consume_front("linearize-"))
      names.push_back(stem.str());
  }
  llvm::sort(names);
  return names;
}

constexpr const char *blocks[] = {"lane:16", "lane:5", "loop:12,lane:4,reg:3", "loop,reg:4", "lane:2,reg:8"};

/// A recurrence's kernel with its steps at once; null where its steps cannot be composed, which has to be refused.
void compileAtOnce(RecurrenceOp recurrence, const std::string &time, std::unique_ptr<CpuKernel> &kernel) {
  auto compiled = compileForCpu(recurrence, atOnce(recurrence, time));
  if (!isClosed(recurrence)) {
    ASSERT_FALSE(static_cast<bool>(compiled)) << "steps that cannot be composed were not refused";
    llvm::consumeError(compiled.takeError());
    return;
  }
  ASSERT_TRUE(static_cast<bool>(compiled)) << llvm::toString(compiled.takeError());
  kernel = std::move(*compiled);
}

void compare(CpuKernel &kernel, RecurrenceOp recurrence, const InterpreterArguments &arguments,
             const RunOptions &options) {
  SCOPED_TRACE(kernel.schedule() + ", " + sizesText(arguments.sizes));
  auto expected = interpret(recurrence, arguments);
  ASSERT_TRUE(static_cast<bool>(expected)) << llvm::toString(expected.takeError());
  runAndCompare(kernel, recurrence, arguments, *expected, options);
}

class CpuKernelLanesOf : public testing::TestWithParam<std::string> {};
class CpuKernelLanesRandom : public testing::TestWithParam<uint64_t> {};
} // namespace

TEST_P(CpuKernelLanesOf, EveryStructureGivesTheInterpretersResult) {
  for (auto [number, time] : llvm::enumerate(blocks)) {
    Description description = parseFile(std::string(SSM_SOURCE_DIR "/test/passes/linearize-") + GetParam() + ".ssm");
    ASSERT_TRUE(description) << description.errors;
    SpecializeParameters parameters;
    parameters.dims = randomSizes(description.recurrence(), 0, /*largest=*/3, number);
    parameters.dims.erase(description.recurrence().getScan().str());
    ASSERT_TRUE(prepare(description, parameters));
    RecurrenceOp recurrence = description.recurrence();
    std::unique_ptr<CpuKernel> kernel;
    compileAtOnce(recurrence, time, kernel);
    if (!kernel)
      return;
    RunOptions options;
    // As for random recurrences: CpuKernelRandomTest has the reasons.
    options.tolerance = 2e-4;
    options.atLeast = 1;
    for (int64_t steps : {0, 1, 2, 3, 16, 37}) {
      auto all = parameters.dims;
      all[recurrence.getScan().str()] = steps;
      compare(*kernel, recurrence, randomArguments(recurrence, all, steps, {.magnitude = 0.5}), options);
      if (HasFatalFailure())
        return;
    }
  }
}
INSTANTIATE_TEST_SUITE_P(Structure, CpuKernelLanesOf, testing::ValuesIn(structureDescriptions()), [](const auto &info) {
  std::string name = info.param;
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
});

//===----------------------------------------------------------------------===//
// Random recurrences
//===----------------------------------------------------------------------===//

TEST_P(CpuKernelLanesRandom, GivesTheInterpretersResult) {
  // Ten recurrences a test.
  unsigned count = 0;
  for (uint64_t seed = 10 * GetParam(); seed < 10 * GetParam() + 10; ++seed) {
    RandomRecurrenceOptions wanted;
    wanted.rankOne = wanted.nonlinear = seed % 8 == 0;
    wanted.mixedTypes = seed % 3 == 0;
    std::string text = randomRecurrence(seed, wanted);
    SCOPED_TRACE("seed " + std::to_string(seed) + "\n" + text);
    static constexpr unsigned lengths[] = {0, 1, 2, 3, 15, 16, 17, 23, 37};
    Description description = parseLanguage(text);
    ASSERT_TRUE(description) << description.errors;
    SpecializeParameters parameters;
    // What is summed is unrolled.
    parameters.dims = randomSizes(description.recurrence(), lengths[seed % std::size(lengths)], 3, seed);
    ASSERT_TRUE(prepare(description, parameters));
    RecurrenceOp recurrence = description.recurrence();
    RunOptions options;
    options.memory = [&](size_t tensor) { return allMemories[(seed + tensor * (seed % 2)) % std::size(allMemories)]; };
    options.threads = 1 + seed % 2;
    options.tolerance = computeType(recurrence).isF64() ? 1e-12 : 2e-4;
    options.atLeast = 1;
    std::unique_ptr<CpuKernel> kernel;
    compileAtOnce(recurrence, blocks[seed % std::size(blocks)], kernel);
    if (kernel)
      compare(*kernel, recurrence, randomArguments(recurrence, parameters.dims, seed), options);
    if (HasFatalFailure())
      return;
    count += bool(kernel);
  }
  EXPECT_GE(count, 3u) << "too few random recurrences have steps that can be composed";
}
INSTANTIATE_TEST_SUITE_P(Seed, CpuKernelLanesRandom, testing::Range<uint64_t>(0, 10));
