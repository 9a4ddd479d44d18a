// Random recurrences, compiled by the default schedule, against the interpreter.

#include "CpuKernelRun.h"
#include "passes/ComputeType.h"
#include "test/support/RandomArguments.h"
#include "test/support/RandomRecurrence.h"

using namespace mlir;
using namespace ssm;
using namespace ssm::test;

namespace {
/// Random recurrences keep every value within a few units and compare only what is stored, so that f32 stays near f64:
/// each of some 30 operations of a step rounds by 6e-8, divisions by 0.1 and rsqrt near 0.1 magnify that by up to 30,
/// and decays of at most 0.8 sum the errors of 5 steps. f64 has the same room.
constexpr double f32Tolerance = 2e-4, f64Tolerance = 1e-12;

/// Elements of the largest tile: every dimension that a random recurrence sums or moves along is held whole, and its
/// whole tile is unrolled, which takes LLVM minutes where there are thousands of elements; large tiles are
/// CpuKernelSizes' part.
constexpr int64_t maxTile = 24;

/// Random sizes of which those held on chip are lowered, the largest first, until their product is small.
std::map<std::string, int64_t> smallTiles(RecurrenceOp recurrence, std::map<std::string, int64_t> sizes) {
  DimensionAnalysis dims(recurrence);
  SmallVector<StringRef> held = dims.list(dimsHeldWhole(recurrence, dims));
  auto sizeOf = [&](StringRef name) -> int64_t & { return sizes.at(recurrence.extentOf(name).str()); };
  while (true) {
    int64_t product = 1;
    for (StringRef name : held)
      product *= sizeOf(name);
    if (product <= maxTile)
      return sizes;
    --sizeOf(*llvm::max_element(held, [&](StringRef a, StringRef b) { return sizeOf(a) < sizeOf(b); }));
  }
}

struct Case {
  std::string text;
  Description description;
  InterpreterArguments arguments;
  InterpreterResults expected;

  RecurrenceOp recurrence() { return description.recurrence(); }

  /// A random recurrence with random sizes and arguments, specialized to them.
  static void make(Case &result, const std::string &text, uint64_t seed, unsigned steps) {
    result.text = text;
    Description described = parseLanguage(text);
    ASSERT_TRUE(described) << described.errors;
    SpecializeParameters parameters;
    parameters.dims = smallTiles(described.recurrence(), randomSizes(described.recurrence(), steps, 37, seed));
    // What is left out of optional inputs is decided before the arguments are made.
    parameters.given.emplace();
    for (auto input : described.recurrence().getBody().front().getOps<InputOp>())
      if (seed % 2)
        parameters.given->push_back(input.getName().str());
    result.description = std::move(described);
    ASSERT_TRUE(prepare(result.description, parameters));
    result.arguments = randomArguments(result.recurrence(), parameters.dims, seed);
    auto expected = interpret(result.recurrence(), result.arguments);
    ASSERT_TRUE(static_cast<bool>(expected)) << llvm::toString(expected.takeError());
    result.expected = std::move(*expected);
  }

  void run(const std::string &schedule, RunOptions options) {
    auto kernel = compileForCpu(recurrence(), schedule);
    ASSERT_TRUE(static_cast<bool>(kernel)) << llvm::toString(kernel.takeError());
    SCOPED_TRACE((*kernel)->schedule() + "\n" + sizesText(arguments.sizes) + "\n" + text);
    runAndCompare(**kernel, recurrence(), arguments, expected, options);
  }
};

void runSeed(uint64_t seed, const RandomRecurrenceOptions &options) {
  SCOPED_TRACE("seed " + std::to_string(seed));
  static constexpr unsigned lengths[] = {0, 1, 2, 15, 16, 17, 37};
  Case random;
  Case::make(random, randomRecurrence(seed, options), seed, lengths[seed % std::size(lengths)]);
  if (testing::Test::HasFatalFailure())
    return;
  RunOptions run;
  run.memory = [&](size_t tensor) { return allMemories[(seed + tensor * (seed % 2)) % std::size(allMemories)]; };
  run.threads = 1 + seed % 2;
  run.tolerance = computeType(random.recurrence()).isF64() ? f64Tolerance : f32Tolerance;
  run.atLeast = 1;
  random.run("auto", run);
}
} // namespace

class CpuKernelRandom : public testing::TestWithParam<uint64_t> {};
class CpuKernelRandomTypes : public testing::TestWithParam<uint64_t> {};

TEST_P(CpuKernelRandom, GivesTheInterpretersResult) { runSeed(GetParam(), {}); }
INSTANTIATE_TEST_SUITE_P(Seed, CpuKernelRandom, testing::Range<uint64_t>(0, 100));

TEST_P(CpuKernelRandomTypes, GivesTheInterpretersResult) { runSeed(GetParam(), {.mixedTypes = true}); }
INSTANTIATE_TEST_SUITE_P(Seed, CpuKernelRandomTypes, testing::Range<uint64_t>(1000, 1040));
