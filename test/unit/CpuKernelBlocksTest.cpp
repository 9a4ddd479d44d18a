// Several steps that run as one give what one step after another gives: of the library's models, of every structure of
// a transition, and of states that are read and updated in ways that no model of the library has.

#include "CpuKernelRun.h"
#include "passes/BlockSteps.h"
#include "test/support/RandomArguments.h"
#include "llvm/Support/MemoryBuffer.h"

using namespace mlir;
using namespace ssm;
using namespace ssm::test;

namespace {
constexpr const char *ways[] = {
    // Read before and after its update, by differences and sums of products; negative and two-term decays.
    R"(recurrence both_sides {
  dim head, key, value
  scan time
  input q, k, w [time, head, key]
  input v [time, head, value]
  input a [time, head]
  state S [head, key, value] : f32
  seen = sum[key](w * prev(S))
  S = (a * prev(S) - 0.25 * prev(S)) + (k * (v - seen) - w * (a * v))
  output y [time, head, value] = sum[key](q * (S - k * v)) + sum[key](k * prev(S)) - seen
})",
    // The decay and the coefficients vary along what is summed over, time runs backwards, and a vector state beside the
    // matrix is one of its coefficients.
    R"(recurrence normalized {
  dim head, key, value
  scan time reverse
  input q, k, f [time, head, key]
  input v [time, head, value]
  state C [head, key, value] : f32
  state n [head, key] : f32
  g = sigmoid(f)
  n = g * prev(n) + k
  C = g * prev(C) + k * v
  output y [time, head, value] = sum[key](q * n * C) / (1 + abs(sum[key](q * n)))
})",
    // No matrix: what is added varies along both, and the state is handed out whole.
    R"(recurrence plain {
  dim head, key, value
  scan time
  input k [time, head, key]
  input x [time, head, key, value]
  state S [head, key, value] : f32
  state m [head] : f32 = 0.5
  m = 0.5 * prev(m) + sum[key](k * k)
  S = 0.5 * prev(S) + tanh(x + prev(m)) * k
  output y [time, head, value] = sum[key](k * S)
  output z [time, head, key, value] = S
})",
    // Two states that take each other's place, and one that is added to alone, from an initial value.
    R"(recurrence swap {
  dim key, value
  scan time
  input k [time, key]
  input v [time, value]
  state A [key, value] : f32 = 1
  state B [key, value] : f32
  state S [key, value] : f32 = 0.5
  A = prev(B) + k * v
  B = 0.5 * prev(A)
  S = prev(S) + v
  output y [time, value] = sum[key](k * A) + sum[key](k * S)
})"};

struct Case {
  std::string name, text;
};

std::vector<Case> allCases() {
  std::vector<Case> cases;
  for (const char *text : ways)
    cases.push_back({llvm::StringRef(text).split("recurrence ").second.split(' ').first.str(), text});
  auto addFolder = [&](const std::string &folder, llvm::StringRef prefix) {
    std::error_code error;
    for (llvm::sys::fs::directory_iterator it(folder, error), end; it != end && !error; it.increment(error)) {
      llvm::StringRef stem = llvm::sys::path::stem(it->path());
      auto buffer = llvm::MemoryBuffer::getFile(it->path());
      if (llvm::sys::path::extension(it->path()) == ".ssm" && stem.consume_front(prefix) && buffer)
        cases.push_back({stem.str(), (*buffer)->getBuffer().str()});
    }
  };
  addFolder(SSM_SOURCE_DIR "/models", "");
  addFolder(SSM_SOURCE_DIR "/test/passes", "linearize-");
  for (Case &c : cases)
    std::replace(c.name.begin(), c.name.end(), '-', '_');
  llvm::sort(cases, [](const Case &a, const Case &b) { return a.name < b.name; });
  return cases;
}

/// `time` first, with blocks; then every dimension that is held whole, or each, on a loop.
std::string blocked(RecurrenceOp recurrence, const std::string &time, const std::string &loop, bool all) {
  DimensionAnalysis dims(recurrence);
  DimSet held = dimsHeldWhole(recurrence, dims);
  std::string text = recurrence.getScan().str() + "=" + time;
  for (unsigned dim = 0; dim < dims.count(); ++dim)
    if (dim != dims.scan() && (all || held.contains(dim)))
      text += "; " + dims.name(dim).str() + "=" + loop;
  return text;
}

class CpuKernelBlocksOf : public testing::TestWithParam<Case> {};
} // namespace

TEST_P(CpuKernelBlocksOf, GiveTheInterpretersResult) {
  struct {
    const char *time, *loop;
    bool all;
  } schedules[] = {{"reg:2", "loop", false}, {"loop:6,reg:3", "loop,reg:2", false}, {"loop,reg:4", "loop", true}};
  for (auto [number, schedule] : llvm::enumerate(schedules)) {
    Description description = parseLanguage(GetParam().text);
    ASSERT_TRUE(description) << description.errors;
    SpecializeParameters parameters;
    parameters.dims = randomSizes(description.recurrence(), 0, /*largest=*/3, number + 1);
    parameters.dims.erase(description.recurrence().getScan().str());
    ASSERT_TRUE(prepare(description, parameters));
    RecurrenceOp recurrence = description.recurrence();
    if (llvm::Error error = checkBlocks(recurrence)) {
      llvm::consumeError(std::move(error));
      return;
    }
    std::string text = blocked(recurrence, schedule.time, schedule.loop, schedule.all);
    llvm::Expected<Schedule> parsed = parseSchedule(text);
    ASSERT_TRUE(static_cast<bool>(parsed)) << llvm::toString(parsed.takeError());
    if (!blockedSteps(recurrence, *parsed, Target()))
      continue;
    SCOPED_TRACE(text);
    auto kernel = compileForCpu(recurrence, text);
    ASSERT_TRUE(static_cast<bool>(kernel)) << llvm::toString(kernel.takeError());
    EXPECT_EQ((*kernel)->schedule(), text);
    for (int64_t steps : {0, 1, 2, 3, 4, 7, 18}) {
      auto sizes = parameters.dims;
      sizes[recurrence.getScan().str()] = steps;
      SCOPED_TRACE(sizesText(sizes));
      InterpreterArguments arguments = randomArguments(recurrence, sizes, steps, {.magnitude = 0.5});
      auto expected = interpret(recurrence, arguments);
      ASSERT_TRUE(static_cast<bool>(expected)) << llvm::toString(expected.takeError());
      RunOptions options;
      options.threads = 1 + steps % 3;
      // f32: some of these grow with every step, and divide by what is near 0.1.
      options.tolerance = 2e-4;
      options.atLeast = 1;
      runAndCompare(**kernel, recurrence, arguments, *expected, options);
      if (HasFatalFailure())
        return;
    }
  }
}
INSTANTIATE_TEST_SUITE_P(Every, CpuKernelBlocksOf, testing::ValuesIn(allCases()),
                         [](const auto &info) { return info.param.name; });

/// With the size known when compiling, and packed and other memory.
TEST(CpuKernelBlocks, TakeKnownLengthsAndAnyMemory) {
  for (int64_t steps : {4, 5}) {
    Description description = parseLanguage(ways[1]);
    ASSERT_TRUE(description) << description.errors;
    SpecializeParameters parameters;
    parameters.dims = {{"head", 2}, {"key", 5}, {"value", 19}, {"time", steps}};
    ASSERT_TRUE(prepare(description, parameters));
    RecurrenceOp recurrence = description.recurrence();
    auto kernel = compileForCpu(recurrence, "value=grid,lane:16; time=loop:4,reg:2; key=loop");
    ASSERT_TRUE(static_cast<bool>(kernel)) << llvm::toString(kernel.takeError());
    InterpreterArguments arguments = randomArguments(recurrence, parameters.dims, steps, {.magnitude = 0.5});
    auto expected = interpret(recurrence, arguments);
    ASSERT_TRUE(static_cast<bool>(expected)) << llvm::toString(expected.takeError());
    for (Memory memory : allMemories) {
      RunOptions options;
      options.atLeast = 1;
      options.memory = [&](size_t) { return memory; };
      runAndCompare(**kernel, recurrence, arguments, *expected, options);
    }
  }
}

/// Sums of what lacks the lanes' dimension are added up in vectors and a rest, for all tiles of that dimension, of
/// which the last one is not full; known before the loop, or after it.
TEST(CpuKernelBlocks, AddUpProductsOfStepsInVectors) {
  for (const char *text : {ways[0], ways[1]})
    for (const char *schedule : {"time=loop:8,reg:4; value=loop,lane:16,reg:2; key=loop",
                                 "value=grid,lane:16,reg:2; time=loop:6,reg:3; key=loop"})
      for (int64_t key : {32, 37}) {
        Description description = parseLanguage(text);
        ASSERT_TRUE(description) << description.errors;
        SpecializeParameters parameters;
        parameters.dims = {{"head", 2}, {"key", key}, {"value", 47}};
        ASSERT_TRUE(prepare(description, parameters));
        RecurrenceOp recurrence = description.recurrence();
        SCOPED_TRACE(recurrence.getSymName().str() + ", " + schedule + ", key " + std::to_string(key));
        auto kernel = compileForCpu(recurrence, schedule);
        ASSERT_TRUE(static_cast<bool>(kernel)) << llvm::toString(kernel.takeError());
        auto sizes = parameters.dims;
        sizes["time"] = 11;
        InterpreterArguments arguments = randomArguments(recurrence, sizes, 11, {.magnitude = 0.25});
        auto expected = interpret(recurrence, arguments);
        ASSERT_TRUE(static_cast<bool>(expected)) << llvm::toString(expected.takeError());
        for (Memory memory : allMemories) {
          RunOptions options;
          options.tolerance = 1e-4;
          options.atLeast = 1;
          options.memory = [&](size_t) { return memory; };
          runAndCompare(**kernel, recurrence, arguments, *expected, options);
        }
      }
}
