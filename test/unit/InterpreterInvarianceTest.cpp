// Folding must not change what a recurrence means: its results are the same before and after MLIR's own rewrites.
// Dimension sets shrink on the way, which is where a wrong reading of sums, windows or outputs would show.

#include "passes/Passes.h"
#include "test/support/Interpreted.h"
#include "test/support/RandomArguments.h"
#include "test/support/RandomRecurrence.h"

#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/Passes.h"

#include <cmath>
#include <filesystem>
#include <gtest/gtest.h>

using namespace ssm;
using namespace ssm::test;

namespace {

unsigned countOperations(Description &description) {
  unsigned count = 0;
  description.module->walk([&](mlir::Operation *) { ++count; });
  return count;
}

/// Difference equations of continuous time; what the interpreter takes.
testing::AssertionResult discretize(Description &description) {
  mlir::PassManager passes(description.context.get());
  passes.addNestedPass<RecurrenceOp>(createDiscretize());
  if (mlir::failed(passes.run(*description.module)))
    return testing::AssertionFailure() << "discretize failed";
  return testing::AssertionSuccess();
}

testing::AssertionResult fold(Description &description) {
  mlir::PassManager passes(description.context.get());
  passes.addPass(mlir::createCanonicalizerPass());
  passes.addPass(mlir::createCSEPass());
  passes.addPass(mlir::createSCCPPass());
  if (mlir::failed(passes.run(*description.module)))
    return testing::AssertionFailure() << "the rewrites failed";
  return testing::AssertionSuccess();
}

/// The largest absolute value; infinite where one is not finite.
double magnitude(const std::map<std::string, Tensor> &tensors) {
  double largest = 0;
  for (const auto &[name, tensor] : tensors)
    for (std::complex<double> value : complexValues(tensor))
      largest = std::isfinite(std::abs(value)) ? std::max(largest, std::abs(value)) : INFINITY;
  return largest;
}

/// Folding computes in f64 as the interpreter does, and may reassociate: a few units in the last place, 2^-52 each,
/// which grow with the steps. 1e-12 leaves room for a thousand of them.
testing::AssertionResult same(const std::map<std::string, Tensor> &before, const std::map<std::string, Tensor> &after) {
  if (before.size() != after.size())
    return testing::AssertionFailure() << "other names";
  for (const auto &[name, tensor] : before) {
    auto other = after.find(name);
    if (other == after.end() || other->second.shape() != tensor.shape() || other->second.dtype() != tensor.dtype())
      return testing::AssertionFailure() << "'" << name << "' is missing or has another shape or type";
    auto expected = complexValues(tensor), found = complexValues(other->second);
    double scale = std::max(1.0, magnitude({{name, tensor}}));
    for (size_t i = 0; i < expected.size(); ++i) {
      bool equal = expected[i] == found[i] || std::abs(expected[i] - found[i]) <= 1e-12 * scale ||
                   (std::isnan(std::abs(expected[i])) && std::isnan(std::abs(found[i])));
      if (!equal)
        return testing::AssertionFailure()
               << "'" << name << "' differs at element " << i << ": " << expected[i].real() << " + "
               << expected[i].imag() << "i before, " << found[i].real() << " + " << found[i].imag() << "i after";
    }
  }
  return testing::AssertionSuccess();
}

/// Runs a description before and after folding.
void expectInvariant(Description &description, const InterpreterArguments &arguments) {
  llvm::Expected<InterpreterResults> before = interpret(description.recurrence(), arguments);
  ASSERT_TRUE(bool(before)) << llvm::toString(before.takeError());
  ASSERT_TRUE(fold(description));
  llvm::Expected<InterpreterResults> after = interpret(description.recurrence(), arguments);
  ASSERT_TRUE(bool(after)) << llvm::toString(after.takeError());
  EXPECT_TRUE(same(before->outputs, after->outputs));
  EXPECT_TRUE(same(before->states, after->states));
}

TEST(InterpreterInvariance, RandomRecurrencesMeanTheSameWhenFolded) {
  unsigned folded = 0;
  constexpr int64_t steps[] = {9, 5, 1, 0};
  for (uint64_t seed = 0; seed < 200; ++seed) {
    std::string text = randomRecurrence(seed);
    SCOPED_TRACE("seed " + std::to_string(seed) + "\n" + text);
    Description description = parseLanguage(text);
    ASSERT_TRUE(bool(description)) << description.errors;
    ASSERT_TRUE(discretize(description));
    auto sizes = randomSizes(description.recurrence(), steps[seed % 4], /*largest=*/3, seed);
    unsigned operations = countOperations(description);
    ASSERT_NO_FATAL_FAILURE(expectInvariant(description, randomArguments(description.recurrence(), sizes, seed)));
    folded += countOperations(description) < operations;
  }
  EXPECT_GT(folded, 100u) << "the rewrites find too little to do for the test to mean anything";
}

TEST(InterpreterInvariance, LibraryModelsMeanTheSameWhenFolded) {
  unsigned models = 0;
  for (const auto &entry : std::filesystem::directory_iterator(SSM_SOURCE_DIR "/models")) {
    if (entry.path().extension() != ".ssm")
      continue;
    SCOPED_TRACE(entry.path().string());
    ++models;
    // With all optional inputs, without, and with some.
    for (unsigned given : {100, 0, 50}) {
      Description description = parseFile(entry.path().string());
      ASSERT_TRUE(bool(description)) << description.errors;
      ASSERT_TRUE(discretize(description));
      auto sizes = randomSizes(description.recurrence(), /*steps=*/6, /*largest=*/3, given);
      RandomArgumentsOptions options{.optionalInputs = given};
      ASSERT_NO_FATAL_FAILURE(
          expectInvariant(description, randomArguments(description.recurrence(), sizes, given, options)));
    }
  }
  EXPECT_GE(models, 10u);
}

TEST(RandomRecurrence, IsAlwaysValid) {
  for (uint64_t seed = 0; seed < 400; ++seed) {
    RandomRecurrenceOptions options;
    options.mixedTypes = seed % 2;
    options.depth = 1 + seed % 4;
    std::string text = randomRecurrence(seed, options);
    Description description = parseLanguage(text);
    ASSERT_TRUE(bool(description)) << "seed " << seed << "\n" << description.errors << text;
  }
}

TEST(RandomRecurrence, StaysWithinAFewUnits) {
  for (uint64_t seed = 0; seed < 200; ++seed) {
    std::string text = randomRecurrence(seed);
    SCOPED_TRACE("seed " + std::to_string(seed) + "\n" + text);
    Description description = parseLanguage(text);
    ASSERT_TRUE(bool(description)) << description.errors;
    ASSERT_TRUE(discretize(description));
    auto sizes = randomSizes(description.recurrence(), /*steps=*/60, /*largest=*/3, seed);
    auto results = interpret(description.recurrence(), randomArguments(description.recurrence(), sizes, seed));
    ASSERT_TRUE(bool(results)) << llvm::toString(results.takeError());
    ASSERT_LT(magnitude(results->outputs), 20);
    ASSERT_LT(magnitude(results->states), 20);
  }
}

TEST(RandomRecurrence, HoldsWhatItsOptionsSay) {
  RandomRecurrenceOptions plain{.dense = false,
                                .rankOne = false,
                                .coupled = false,
                                .complexNumbers = false,
                                .nonlinear = false,
                                .maxPlus = false,
                                .derivative = false,
                                .reverse = false,
                                .optionalInputs = false,
                                .options = false,
                                .hidden = false,
                                .initial = false};
  auto count = [](const RandomRecurrenceOptions &options, const char *word) {
    unsigned count = 0;
    for (uint64_t seed = 0; seed < 100; ++seed)
      count += randomRecurrence(seed, options).find(word) != std::string::npos;
    return count;
  };
  for (const char *word : {"like", "complex", "tanh(0.7 * prev", "der(", "reverse", "optional", "option ", "param",
                           "delay(", "- 0.2 * sigmoid(", "key"}) {
    EXPECT_GT(count({}, word), 3u) << word;
    EXPECT_EQ(count(plain, word), 0u) << word;
  }
  EXPECT_EQ(count({}, "bf16"), 0u);
  EXPECT_GT(count({.mixedTypes = true}, "bf16"), 10u);
}

} // namespace
