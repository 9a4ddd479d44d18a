// Whatever the bytes, parseSource gives a module that verifies or errors, soon and without a deep stack.

#include "frontend/Frontend.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/Verifier.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/SourceMgr.h"
#include <fstream>
#include <gtest/gtest.h>
#include <random>
#include <sstream>

namespace {
/// What one run over a text gave.
struct Outcome {
  bool parsed = false;
  std::vector<std::string> errors;
  std::string first() const { return errors.empty() ? "" : errors.front(); }
};

Outcome parse(llvm::StringRef text, mlir::MLIRContext &context) {
  Outcome outcome;
  llvm::SourceMgr sourceMgr;
  sourceMgr.AddNewSourceBuffer(llvm::MemoryBuffer::getMemBufferCopy(text, "test.ssm"), {});
  sourceMgr.setDiagHandler(
      [](const llvm::SMDiagnostic &diagnostic, void *errors) {
        if (diagnostic.getKind() == llvm::SourceMgr::DK_Error)
          static_cast<std::vector<std::string> *>(errors)->push_back(diagnostic.getMessage().str());
      },
      &outcome.errors);
  mlir::OwningOpRef<mlir::ModuleOp> module = ssm::parseSource(sourceMgr, &context);
  outcome.parsed = bool(module);
  EXPECT_NE(outcome.parsed, !outcome.errors.empty()) << "a module or errors, not both and not neither";
  if (module)
    EXPECT_TRUE(mlir::succeeded(mlir::verify(*module)));
  return outcome;
}

Outcome parse(llvm::StringRef text) {
  mlir::MLIRContext context;
  return parse(text, context);
}

/// A recurrence whose output is the expression.
std::string withOutput(const std::string &expression, const std::string &declarations = "") {
  return "recurrence r {\n scan time\n input u [time]\n" + declarations + "\n output y [time] = " + expression +
         "\n}\n";
}

std::string repeat(const std::string &text, size_t count) {
  std::string result;
  for (size_t i = 0; i < count; ++i)
    result += text;
  return result;
}

std::string readFile(const std::string &path) {
  std::ifstream stream(path, std::ios::binary);
  EXPECT_TRUE(stream.good()) << path;
  std::stringstream text;
  text << stream.rdbuf();
  return text.str();
}
} // namespace

TEST(FrontendTotality, TakesRandomBytes) {
  std::mt19937 random(2);
  mlir::MLIRContext context;
  for (int round = 0; round < 500; ++round) {
    std::string text(random() % 400, '\0');
    for (char &c : text)
      c = char(random());
    EXPECT_FALSE(parse(text, context).parsed);
  }
}

TEST(FrontendTotality, TakesRandomTokens) {
  const char *words[] = {"recurrence", "r",     "{",      "}",       "dim",  "scan",  "time",   "input", "u",     "[",
                         "]",          "state", "h",      "=",       "prev", "(",     ")",      "+",     "*",     "?",
                         ":",          "der",   "by",     "step",    "zoh",  "sum",   "delay",  ",",     "y",     "\n",
                         "1",          "fn",    "f",      "const",   "==",   "\"w\"", "option", "!",     "given", "-",
                         "output",     "like",  "rename", "complex", "<",    "f32",   ">",      "&&"};
  std::mt19937 random(3);
  mlir::MLIRContext context;
  for (int round = 0; round < 2000; ++round) {
    std::string text = "recurrence r {\n scan time\n input u [time]\n";
    for (int i = random() % 60; i > 0; --i)
      text += std::string(words[random() % std::size(words)]) + " ";
    parse(text, context);
  }
}

TEST(FrontendTotality, TakesMutatedDescriptions) {
  std::mt19937 random(4);
  mlir::MLIRContext context;
  for (const char *name : {"mamba1", "s4d", "deltanet", "ema2", "gla"}) {
    const std::string original = readFile(std::string(SSM_SOURCE_DIR "/models/") + name + ".ssm");
    EXPECT_TRUE(parse(original, context).parsed) << name;
    for (int round = 0; round < 200; ++round) {
      std::string text = original;
      for (int change = 1 + random() % 3; change > 0; --change) {
        size_t at = random() % text.size(), length = random() % 12;
        switch (random() % 4) {
        case 0:
          text.erase(at, length);
          break;
        case 1:
          text.insert(at, text.substr(random() % text.size(), length));
          break;
        case 2:
          text[at] = char(random());
          break;
        case 3:
          text.resize(at);
          break;
        }
        if (text.empty())
          break;
      }
      parse(text, context);
    }
  }
}

TEST(FrontendTotality, RefusesDeepParentheses) {
  EXPECT_TRUE(parse(withOutput(repeat("(", 150) + "u" + repeat(")", 150))).parsed);
  EXPECT_EQ(parse(withOutput(repeat("(", 500000) + "u")).first(), "expression nested more than 200 levels deep");
}

TEST(FrontendTotality, RefusesDeepUnaryOperators) {
  EXPECT_TRUE(parse(withOutput(repeat("-", 150) + "u")).parsed);
  EXPECT_EQ(parse(withOutput(repeat("-", 1000000) + "u")).first(), "expression nested more than 200 levels deep");
  EXPECT_EQ(parse(withOutput(repeat("-(", 400000) + "u")).first(), "expression nested more than 200 levels deep");
}

TEST(FrontendTotality, RefusesDeepConditionals) {
  EXPECT_TRUE(parse(withOutput(repeat("u > 0 ? 1 : ", 150) + "u")).parsed);
  EXPECT_EQ(parse(withOutput(repeat("u > 0 ? 1 : ", 80000) + "u")).first(),
            "expression nested more than 200 levels deep");
}

TEST(FrontendTotality, RefusesDeepCalls) {
  EXPECT_EQ(parse(withOutput(repeat("exp(", 250000) + "u")).first(), "expression nested more than 200 levels deep");
}

TEST(FrontendTotality, BoundsLongChains) {
  EXPECT_TRUE(parse(withOutput("u" + repeat(" + u", 5000))).parsed);
  EXPECT_EQ(parse(withOutput("u" + repeat("+u", 500000))).first(),
            "recurrence 'r' has more than 10000 operations once its functions are expanded");
  EXPECT_FALSE(parse(withOutput("u > 0" + repeat("&&u>0", 200000))).parsed);
}

TEST(FrontendTotality, BoundsExpandedFunctions) {
  std::string functions = " fn f0(x) = x + x + x + x\n";
  for (int i = 1; i <= 40; ++i) // 3 * 2^40 additions.
    functions +=
        " fn f" + std::to_string(i) + "(x) = f" + std::to_string(i - 1) + "(f" + std::to_string(i - 1) + "(x))\n";
  EXPECT_EQ(parse(withOutput("f40(u)", functions)).first(),
            "recurrence 'r' has more than 10000 operations once its functions are expanded");
}

TEST(FrontendTotality, BoundsChainsOfFunctions) {
  std::string functions = " fn f0(x) = x\n"; // No operation at all, and a deep stack.
  for (int i = 1; i <= 5000; ++i)
    functions += " fn f" + std::to_string(i) + "(x) = f" + std::to_string(i - 1) + "(x)\n";
  EXPECT_EQ(parse(withOutput("f5000(u)", functions)).first(),
            "expressions nest more than 500 levels deep once functions are expanded");
}

TEST(FrontendTotality, BoundsFunctionsThatAddNothing) {
  std::string functions = " fn f0(x, y) = x\n"; // Each call doubles the work and adds no operation.
  for (int i = 1; i <= 60; ++i)
    functions += " fn f" + std::to_string(i) + "(x, y) = f" + std::to_string(i - 1) + "(f" + std::to_string(i - 1) +
                 "(x, y), f" + std::to_string(i - 1) + "(y, x))\n";
  EXPECT_EQ(parse(withOutput("f60(u, u)", functions)).first(), "recurrence 'r' expands more than 10000 function calls");
}

TEST(FrontendTotality, StopsAfterTwentyErrors) {
  std::string text;
  for (int i = 0; i < 10000; ++i)
    text += " a" + std::to_string(i) + " = missing\n";
  EXPECT_EQ(parse(withOutput("u", text)).errors.size(), 20u);
}

TEST(FrontendTotality, BoundsTensors) {
  std::string inputs, locals;
  for (int i = 0; i < 300; ++i) {
    inputs += " input i" + std::to_string(i) + " [time]\n";
    locals += " l" + std::to_string(i) + " = prev(l" + std::to_string(i) + ") + u\n";
  }
  EXPECT_EQ(parse(withOutput("u", inputs)).first(), "a recurrence has at most 256 inputs");
  EXPECT_EQ(parse(withOutput("u", locals)).first(), "a recurrence has at most 256 states, hidden ones included");
}

TEST(FrontendTotality, BoundsDimensions) {
  std::string dims;
  for (int i = 0; i < 100; ++i)
    dims += " dim d" + std::to_string(i) + "\n";
  EXPECT_EQ(parse(withOutput("u", dims)).first(), "a recurrence has at most 64 dimensions");
}

TEST(FrontendTotality, ResolvesLongChainsOfHiddenStates) {
  std::string chain; // Each takes dimensions and type from the next, the last from the input.
  for (int i = 0; i < 200; ++i)
    chain += " l" + std::to_string(i) + " = prev(l" + std::to_string(i + 1) + ")\n";
  EXPECT_TRUE(parse(withOutput("re(l0)", chain + " l200 = complex(u, 1)\n")).parsed);
}

TEST(FrontendTotality, TakesAMegabyteOnOneLine) {
  std::string text = repeat("x = u ", 170000);
  EXPECT_FALSE(parse(withOutput("u", text)).parsed);
  EXPECT_FALSE(parse(std::string(1 << 20, '\0')).parsed);
  EXPECT_FALSE(parse(std::string(1 << 20, '1')).parsed);
  EXPECT_FALSE(parse(std::string(1 << 20, '"')).parsed);
  EXPECT_FALSE(parse(std::string(1 << 20, '{')).parsed);
  EXPECT_FALSE(parse("recurrence r {" + std::string(1 << 20, '[')).parsed);
}
