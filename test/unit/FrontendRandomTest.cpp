// Random recurrences that are mostly well formed: what the front end accepts must verify, so the checks here and the
// dialect's verifiers agree. A disagreement shows as neither module nor error.

#include "frontend/Frontend.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/MLIRContext.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/SourceMgr.h"
#include <gtest/gtest.h>
#include <random>

namespace {
class Generator {
public:
  explicit Generator(unsigned seed) : random(seed) {}

  std::string recurrence() {
    names = {"u", "w", "A"};
    std::string text = "recurrence r {\n dim batch, channel, state = 3, col like state, tap = 2\n option on = true\n"
                       " option n = 1 / size(state)\n option act = \"g\"\n scan time\n input u [batch, channel, time]\n"
                       " input w [channel, state]\n input A [channel, state] : complex<f32>\n"
                       " input z [batch, time] optional\n";
    text += " state h [batch, channel, state]" + pick({"", " : f32", " : complex<f64>"}) + pick({"", " = w", " = 2"}) +
            "\n";
    for (int i = 0, count = random() % 4; i < count; ++i) {
      std::string name = "l" + std::to_string(i);
      text += " " + name + " = " + expression(3) + "\n";
      names.push_back(name);
    }
    if (random() % 2)
      text += " h = " + expression(3) + "\n";
    else
      text += " der(h) = " + expression(2) + " step " + pick({"0.1", "u", "w", "on ? 1 : n"}) + " by zoh\n";
    names.push_back("h");
    text += " output y [batch, channel, time]" + pick({"", " : complex<f32>"}) + " = " +
            pick({"", "re(", "sum[state](", "re(sum[state, col](", "mean[tap]("}) + expression(3);
    return text + ")))\n}\n"; // As many as may be missing; what is too much is cut below.
  }

private:
  std::string pick(std::vector<std::string> list) { return list[random() % list.size()]; }

  std::string name() { return names[random() % names.size()]; }

  std::string expression(int depth) {
    auto sub = [&] { return expression(depth - 1); };
    if (depth == 0)
      return pick({name(), name(), "2", "prev(h)", "prev(h, 2)", "prev(u)", "prev(l0)", "prev(l1, 3)", "index(state)",
                   "size(tap)", "n", "(given(z) ? z : 0)", "z"});
    switch (random() % 14) {
    case 0:
    case 1:
    case 2:
      return "(" + sub() + pick({" + ", " - ", " * ", " / "}) + sub() + ")";
    case 3:
      return pick({"exp", "log", "abs", "sign", "re", "im", "conj", "silu", "tanh", "sqrt", "-"}) + "(" + sub() + ")";
    case 4:
      return pick({"min", "max", "pow", "complex"}) + "(" + sub() + ", " + sub() + ")";
    case 5:
      return "sum[" + pick({"state", "col", "state, col", "tap", "channel"}) + "](" + sub() + ")";
    case 6:
      return "mean[" + pick({"state", "col", "tap"}) + "](" + sub() + ")";
    case 7:
      return "max[" + pick({"state", "col", "tap"}) + "](" + sub() + ")";
    case 8:
      return "rename(" + sub() + ", state: col)";
    case 9:
      return "flip(" + sub() + ", " + pick({"state", "channel"}) + ")";
    case 10:
      return "delay(" + name() + ", tap)";
    case 11:
      return "(" + condition(depth) + " ? " + sub() + " : " + sub() + ")";
    case 12:
      return "(" + pick({"given(z)", "given(z) && on", "!given(z)"}) + " ? " + pick({"z", "u"}) + " : " + sub() + ")";
    default:
      return name();
    }
  }

  std::string condition(int depth) {
    std::string a = expression(depth - 1), b = expression(depth - 1);
    return pick(
        {"on", "!on", "act == \"g\"", a + " < " + b, a + " == " + b, "on || " + a + " != " + b, a + " > 0 && on"});
  }

  std::mt19937 random;
  std::vector<std::string> names;
};

/// Closes or cuts parentheses in the line of the output.
std::string balance(std::string text) {
  size_t begin = text.rfind(" output");
  int open = 0;
  std::string result = text.substr(0, begin);
  for (char c : text.substr(begin)) {
    if (c == ')' && open == 0)
      continue;
    open += c == '(' ? 1 : c == ')' ? -1 : 0;
    result += c;
  }
  return result;
}
} // namespace

TEST(FrontendRandom, WhatIsAcceptedVerifies) {
  unsigned accepted = 0, refused = 0;
  mlir::MLIRContext context;
  std::string verifier;
  mlir::ScopedDiagnosticHandler handler(&context, [&](mlir::Diagnostic &diagnostic) { verifier = diagnostic.str(); });
  for (unsigned seed = 0; seed < 3000; ++seed) {
    std::string text = balance(Generator(seed).recurrence());
    unsigned errors = 0;
    llvm::SourceMgr sourceMgr;
    sourceMgr.AddNewSourceBuffer(llvm::MemoryBuffer::getMemBufferCopy(text, "random.ssm"), {});
    sourceMgr.setDiagHandler([](const llvm::SMDiagnostic &, void *count) { ++*static_cast<unsigned *>(count); },
                             &errors);
    bool parsed = bool(ssm::parseSource(sourceMgr, &context));
    ASSERT_NE(parsed, errors != 0) << "seed " << seed << ": " << verifier << "\n" << text;
    ++(parsed ? accepted : refused);
  }
  // Neither side of the test may be empty.
  EXPECT_GT(accepted, 100u);
  EXPECT_GT(refused, 100u);
}
