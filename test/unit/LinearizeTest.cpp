// What ssm-linearize proves is right: a recurrence with its scans written as the steps that ssm.scan's table says gives
// the interpreter's results of the recurrence as it was.

#include "dialect/AffineAnalysis.h"
#include "passes/Passes.h"
#include "passes/Pipeline.h"
#include "test/support/Interpreted.h"
#include "test/support/RandomArguments.h"
#include "test/support/RandomRecurrence.h"
#include "test/support/StepForm.h"

#include "mlir/IR/Verifier.h"
#include "mlir/Pass/PassManager.h"
#include "llvm/Support/MemoryBuffer.h"

#include <cmath>
#include <filesystem>
#include <gtest/gtest.h>

using namespace ssm;
using namespace ssm::test;

namespace {
/// Scans and the structures that were found, over many recurrences.
struct Found {
  unsigned scans = 0, sequential = 0;
  std::map<Structure, unsigned> structures;
};

testing::AssertionResult run(Description &description, llvm::function_ref<void(mlir::OpPassManager &)> fill) {
  std::string errors;
  mlir::ScopedDiagnosticHandler handler(description.context.get(), [&](mlir::Diagnostic &diagnostic) {
    if (diagnostic.getSeverity() == mlir::DiagnosticSeverity::Error)
      errors += diagnostic.str() + "\n";
    return mlir::success();
  });
  mlir::PassManager passes(description.context.get());
  fill(passes);
  if (mlir::failed(passes.run(*description.module)))
    return testing::AssertionFailure() << errors;
  return testing::AssertionSuccess();
}

/// The products of a scan are joined and ordered anew, each within a few units of 2^-52, and its states are bounded;
/// logarithms and exponentials of decays add a few more. 1e-9 leaves a wide margin for coefficients that cancel.
testing::AssertionResult same(const std::map<std::string, Tensor> &before, const std::map<std::string, Tensor> &after) {
  if (before.size() != after.size())
    return testing::AssertionFailure() << before.size() << " tensors, then " << after.size();
  for (const auto &[name, tensor] : before) {
    auto other = after.find(name);
    if (other == after.end() || other->second.shape() != tensor.shape() || other->second.dtype() != tensor.dtype())
      return testing::AssertionFailure() << "'" << name << "' is missing or has another shape or type";
    auto expected = complexValues(tensor), found = complexValues(other->second);
    double scale = 1;
    for (std::complex<double> value : expected)
      if (std::isfinite(std::abs(value)))
        scale = std::max(scale, std::abs(value));
    for (size_t i = 0; i < expected.size(); ++i)
      if (expected[i] != found[i] && !(std::abs(expected[i] - found[i]) <= 1e-9 * scale) &&
          !(std::isnan(std::abs(expected[i])) && std::isnan(std::abs(found[i]))))
        return testing::AssertionFailure()
               << "'" << name << "' differs at element " << i << ": " << expected[i].real() << " + "
               << expected[i].imag() << "i before, " << found[i].real() << " + " << found[i].imag() << "i after";
  }
  return testing::AssertionSuccess();
}

void expectRight(Description &description, uint64_t seed, Found &found) {
  ASSERT_TRUE(description) << description.errors;
  ASSERT_TRUE(run(description, [](mlir::OpPassManager &passes) {
    passes.nest<RecurrenceOp>().addPass(createDiscretize());
    addFold(passes);
  }));
  auto sizes = randomSizes(description.recurrence(), /*steps=*/7, /*largest=*/3, seed);
  InterpreterArguments arguments = randomArguments(description.recurrence(), sizes, seed);
  llvm::Expected<InterpreterResults> before = interpret(description.recurrence(), arguments);
  ASSERT_TRUE(bool(before)) << llvm::toString(before.takeError());

  AffineAnalysis analysis(description.recurrence());
  for (const Component &component : analysis.components()) {
    ++found.structures[component.structure];
    ++(component.isScan() ? found.scans : found.sequential);
  }
  ASSERT_TRUE(run(description, addLinearize)) << print(description);
  std::string linear = print(description);
  toStepForm(description.recurrence());
  ASSERT_TRUE(mlir::succeeded(mlir::verify(*description.module))) << linear;
  llvm::Expected<InterpreterResults> after = interpret(description.recurrence(), arguments);
  ASSERT_TRUE(bool(after)) << llvm::toString(after.takeError()) << linear;
  ASSERT_TRUE(same(before->outputs, after->outputs)) << linear;
  ASSERT_TRUE(same(before->states, after->states)) << linear;
}

void expectRightIn(const std::string &folder, llvm::StringRef prefix, unsigned atLeast) {
  unsigned count = 0;
  Found found;
  for (const auto &entry : std::filesystem::directory_iterator(SSM_SOURCE_DIR "/" + folder)) {
    std::string name = entry.path().filename().string();
    if (entry.path().extension() != ".ssm" || !llvm::StringRef(name).starts_with(prefix))
      continue;
    SCOPED_TRACE(name);
    ++count;
    for (uint64_t seed = 0; seed < 4; ++seed) {
      Description description = parseFile(entry.path().string());
      expectRight(description, seed, found);
    }
  }
  EXPECT_GE(count, atLeast);
}

TEST(Linearize, KeepsTheLibrarysMeaning) { expectRightIn("models", "", 11); }

TEST(Linearize, KeepsTheMeaningOfRecurrencesInNoLibrary) { expectRightIn("test/passes", "linearize-", 14); }

// Each case of the rules' own test.
TEST(Linearize, KeepsTheMeaningOfEachRule) {
  Found found;
  for (const char *file : {"linearize.mlir", "linearize-log.mlir", "linearize-refused.mlir"}) {
    auto buffer = llvm::MemoryBuffer::getFile(SSM_SOURCE_DIR "/test/passes/" + std::string(file));
    ASSERT_TRUE(bool(buffer));
    llvm::SmallVector<llvm::StringRef> cases;
    (*buffer)->getBuffer().split(cases, "// -----");
    EXPECT_GE(cases.size(), 5u);
    for (llvm::StringRef text : cases) {
      // It would carry a billion steps, or computes in f32, which is not what the interpreter takes.
      if (text.contains("@echo") || text.contains("@converted"))
        continue;
      SCOPED_TRACE(text.str());
      Description description = parseDialect(text);
      expectRight(description, 1, found);
    }
  }
  EXPECT_GT(found.scans, 20u);
}

TEST(Linearize, KeepsTheMeaningOfRandomRecurrences) {
  Found found;
  RandomRecurrenceOptions affine;
  affine.nonlinear = false;
  for (uint64_t seed = 0; seed < 1000; ++seed) {
    std::string text = randomRecurrence(seed, seed % 4 ? affine : RandomRecurrenceOptions());
    SCOPED_TRACE("seed " + std::to_string(seed) + "\n" + text);
    Description description = parseLanguage(text);
    expectRight(description, seed, found);
    if (HasFatalFailure())
      return;
  }
  // None of the forms may be missing from what was tried; dense ones are rare here, and in the files above.
  EXPECT_GT(found.scans, 1000u);
  EXPECT_GT(found.sequential, 100u);
  for (Structure structure :
       {Structure::Scalar, Structure::Diagonal, Structure::Identity, Structure::DiagonalPlusRankOne, Structure::Coupled,
        Structure::Nonlinear, Structure::Delay})
    EXPECT_GE(found.structures[structure], 5u) << int(structure);
}

// In the type that kernels compute in, and of complex numbers whose arithmetic is split, the same structures are found.
TEST(Linearize, FindsTheSameAfterNarrowing) {
  for (const char *model : {"mamba1", "s4d", "deltanet", "ema2", "s4", "mingru", "gla"}) {
    SCOPED_TRACE(model);
    Description description = parseFile(SSM_SOURCE_DIR "/models/" + std::string(model) + ".ssm");
    ASSERT_TRUE(run(description, [](mlir::OpPassManager &passes) {
      passes.nest<RecurrenceOp>().addPass(createSpecialize());
      passes.nest<RecurrenceOp>().addPass(createDiscretize());
      addFold(passes);
    }));
    AffineAnalysis wide(description.recurrence());
    ASSERT_EQ(wide.components().size(), 1u);
    std::string expected = wide.describe(wide.components()[0]);
    ASSERT_TRUE(run(description, addPrepare));
    AffineAnalysis narrow(description.recurrence());
    EXPECT_EQ(narrow.describe(narrow.components()[0]), expected);
    ASSERT_TRUE(run(description, addLinearize));
  }
}
} // namespace
