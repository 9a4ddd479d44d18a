// A scan whose steps run at once, over lanes and registers, gives what one step after another gives, of every structure
// of a transition. CpuKernelSchedulesTest has the library's models, CpuKernelRandomTest random recurrences.

#include "CpuKernelRun.h"
#include "test/support/RandomArguments.h"

using namespace mlir;
using namespace ssm;
using namespace ssm::test;

namespace {
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

/// Descriptions of every structure: those of the tests of ssm-linearize.
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
    // f32: some of these grow with every step, and divide by what is near 0.1.
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
