// What a recurrence means over time: steps, states, windows and outputs, in numbers that can be checked by hand. Every
// number is exact in binary, so that results are compared exactly.

#include "test/support/Interpreted.h"

#include <gtest/gtest.h>

using namespace ssm;
using namespace ssm::test;

namespace {

using Numbers = std::vector<double>;

std::string recurrence(const std::string &header, const std::string &body) {
  return "ssm.recurrence @test " + header + " {\n" + body + "\n}\n";
}

// h = a h + u, y = h.
const std::string leaky = recurrence("dims [channel, time] scan time", R"(
  %u = ssm.input "u" [channel, time] : f64
  %a = ssm.input "a" [channel] : f64
  %p = ssm.previous "h" [channel] : f64
  %0 = arith.mulf %a, %p : f64
  %h = arith.addf %0, %u : f64
  ssm.next "h" %h : f64
  ssm.output "y" %h [channel, time] : f64
)");

InterpreterArguments leakyArguments(int64_t steps, const Numbers &u) {
  InterpreterArguments arguments;
  arguments.sizes = {{"channel", 2}, {"time", steps}};
  arguments.inputs = {{"u", tensor({2, steps}, u)}, {"a", tensor({2}, {0.5, -1})}};
  return arguments;
}

TEST(Interpreter, RunsStepAfterStepFromZero) {
  Interpreted run(leaky, leakyArguments(3, {1, 2, 3, /**/ 4, 5, 6}));
  EXPECT_EQ(run.error, "");
  EXPECT_EQ(run.output("y"), (Numbers{1, 2.5, 4.25, /**/ 4, 1, 5}));
  EXPECT_EQ(run.state("h"), (Numbers{4.25, 5}));
}

TEST(Interpreter, StartsFromTheGivenState) {
  InterpreterArguments arguments = leakyArguments(1, {1, 4});
  arguments.states = {{"h", tensor({2}, {8, 16})}};
  Interpreted run(leaky, arguments);
  EXPECT_EQ(run.output("y"), (Numbers{5, -12}));
}

TEST(Interpreter, NoStepsHandTheInitialStateBack) {
  InterpreterArguments arguments = leakyArguments(0, {});
  arguments.states = {{"h", tensor({2}, {8, 16})}};
  Interpreted run(leaky, arguments);
  EXPECT_EQ(run.error, "");
  EXPECT_EQ(run.results.outputs.at("y").shape(), (Shape{2, 0}));
  EXPECT_EQ(run.state("h"), (Numbers{8, 16}));
}

TEST(Interpreter, AnEmptyDimensionGivesEmptyResults) {
  InterpreterArguments arguments;
  arguments.sizes = {{"channel", 0}, {"time", 3}};
  arguments.inputs = {{"u", tensor({0, 3}, {})}, {"a", tensor({0}, {})}};
  Interpreted run(leaky, arguments);
  EXPECT_EQ(run.error, "");
  EXPECT_EQ(run.results.outputs.at("y").shape(), (Shape{0, 3}));
  EXPECT_EQ(run.results.states.at("h").shape(), (Shape{0}));
}

TEST(Interpreter, ReverseRunsFromTheEndAndKeepsPositions) {
  std::string text = leaky;
  text.replace(text.find("scan time"), 9, "scan time reverse");
  Interpreted run(text, leakyArguments(3, {1, 2, 3, /**/ 4, 5, 6}));
  EXPECT_EQ(run.error, "");
  EXPECT_EQ(run.output("y"), (Numbers{2.75, 3.5, 3, /**/ 5, -1, 6}));
  EXPECT_EQ(run.state("h"), (Numbers{2.75, 5}));
}

TEST(Interpreter, ReverseIfFollowsItsOption) {
  std::string text = leaky;
  text.replace(text.find("scan time"), 9, "options {back = false} scan time reverse_if \"back\"");
  InterpreterArguments arguments = leakyArguments(2, {1, 2, /**/ 4, 6});
  EXPECT_EQ(Interpreted(text, arguments).output("y"), (Numbers{1, 2.5, /**/ 4, 2}));
  Description description = parseDialect(text);
  mlir::Builder own(description.context.get());
  arguments.options = own.getDictionaryAttr(own.getNamedAttr("back", own.getBoolAttr(true)));
  auto results = interpret(description.recurrence(), arguments);
  ASSERT_TRUE(bool(results));
  EXPECT_EQ(values(results->outputs.at("y")), (Numbers{2, 2, /**/ -2, 6}));
}

TEST(Interpreter, ReadsAnyStrides) {
  InterpreterArguments arguments = leakyArguments(3, {1, 2, 3, /**/ 4, 5, 6});
  auto memory =
      std::make_shared<Numbers>(Numbers{6, 3, 5, 2, 4, 1}); // Time backwards and outermost, channels backwards.
  arguments.inputs["u"] = Tensor::wrap(DType::F64, {2, 3}, {-1, -2}, memory, &(*memory)[5]);
  Interpreted run(leaky, arguments);
  EXPECT_EQ(run.output("y"), (Numbers{1, 2.5, 4.25, /**/ 4, 1, 5}));
}

TEST(Interpreter, BackKReadsExactlyKStepsAgo) {
  std::string text = recurrence("dims [time] scan time", R"(
    %u = ssm.input "u" [time] : f64
    %1 = ssm.previous "u" [] : f64
    %3 = ssm.previous "u" [] back 3 : f64
    ssm.next "u" %u : f64
    ssm.output "one" %1 [time] : f64
    ssm.output "three" %3 [time] : f64
  )");
  InterpreterArguments arguments;
  arguments.sizes = {{"time", 5}};
  arguments.inputs = {{"u", tensor({5}, {1, 2, 3, 4, 5})}};
  Interpreted run(text, arguments);
  EXPECT_EQ(run.error, "");
  EXPECT_EQ(run.output("one"), (Numbers{0, 1, 2, 3, 4}));
  EXPECT_EQ(run.output("three"), (Numbers{0, 0, 0, 1, 2}));
  EXPECT_EQ(run.state("u"), (Numbers{5, 4, 3})); // newest first

  arguments.states = {{"u", tensor({3}, {-1, -2, -3})}};
  Interpreted started(text, arguments);
  EXPECT_EQ(started.output("one"), (Numbers{-1, 1, 2, 3, 4}));
  EXPECT_EQ(started.output("three"), (Numbers{-3, -2, -1, 1, 2}));
}

const std::string seeded = recurrence("dims [time] scan time", R"(
  %p = ssm.previous "h" [] : f64
  %q = ssm.previous "h.past" [] back 2 seeded_by "h" : f64
  %one = arith.constant 1.0 : f64
  %h = arith.addf %p, %one : f64
  %seven = arith.constant 7.0 : f64
  ssm.initial "h" %seven : f64
  ssm.next "h" %h : f64
  ssm.next "h.past" %p : f64
  ssm.output "y" %q [time] : f64
)");

TEST(Interpreter, SeededByTakesTheOtherStatesInitialValue) {
  InterpreterArguments arguments;
  arguments.sizes = {{"time", 4}};
  Interpreted run(seeded, arguments);
  EXPECT_EQ(run.error, "");
  EXPECT_EQ(run.output("y"), (Numbers{7, 7, 7, 8}));
  EXPECT_EQ(run.state("h.past"), (Numbers{10, 9}));
}

TEST(Interpreter, SeededByTakesTheOtherStatesArrayUnlessItHasItsOwn) {
  InterpreterArguments arguments;
  arguments.sizes = {{"time", 4}};
  arguments.states = {{"h", tensor({}, {20})}};
  EXPECT_EQ(Interpreted(seeded, arguments).output("y"), (Numbers{20, 20, 20, 21}));
  arguments.states.emplace("h.past", tensor({2}, {2, 1}));
  EXPECT_EQ(Interpreted(seeded, arguments).output("y"), (Numbers{1, 2, 20, 21}));
}

TEST(Interpreter, AnInitialValueIsBroadcastAndAnArrayReplacesIt) {
  std::string text = recurrence("dims [batch, channel, time] scan time", R"(
    %i = ssm.input "start" [channel] : f64
    %h = ssm.previous "h" [batch, channel] : f64
    ssm.initial "h" %i : f64
    ssm.next "h" %h : f64
    ssm.output "y" %h [time, batch, channel] : f64
  )");
  InterpreterArguments arguments;
  arguments.sizes = {{"batch", 2}, {"channel", 2}, {"time", 1}};
  arguments.inputs = {{"start", tensor({2}, {3, 4})}};
  EXPECT_EQ(Interpreted(text, arguments).output("y"), (Numbers{3, 4, 3, 4}));
  arguments.states = {{"h", tensor({2, 2}, {1, 2, 5, 6})}};
  EXPECT_EQ(Interpreted(text, arguments).output("y"), (Numbers{1, 2, 5, 6}));
}

const std::string window = recurrence("dims [channel, tap, time] scan time", R"(
  %u = ssm.input "u" [channel, time] : f64
  %d = ssm.delay "u" %u over tap [channel] : f64
  ssm.output "y" %d [channel, time, tap] : f64
)");

TEST(Interpreter, AWindowHoldsTheNewestFirst) {
  InterpreterArguments arguments;
  arguments.sizes = {{"channel", 2}, {"tap", 3}, {"time", 3}};
  arguments.inputs = {{"u", tensor({2, 3}, {1, 2, 3, /**/ 4, 5, 6})}};
  Interpreted run(window, arguments);
  EXPECT_EQ(run.error, "");
  EXPECT_EQ(run.output("y"), (Numbers{1, 0, 0, 2, 1, 0, 3, 2, 1, /**/ 4, 0, 0, 5, 4, 0, 6, 5, 4}));
  EXPECT_EQ(run.results.states.at("u").shape(), (Shape{2, 2}));
  EXPECT_EQ(run.state("u"), (Numbers{3, 2, /**/ 6, 5}));
}

TEST(Interpreter, AWindowStartsFromItsArray) {
  InterpreterArguments arguments;
  arguments.sizes = {{"channel", 1}, {"tap", 3}, {"time", 2}};
  arguments.inputs = {{"u", tensor({1, 2}, {1, 2})}};
  arguments.states = {{"u", tensor({1, 2}, {-1, -2})}};
  EXPECT_EQ(Interpreted(window, arguments).output("y"), (Numbers{1, -1, -2, 2, 1, -1}));
}

TEST(Interpreter, AWindowOfTwoTapsCarriesOneStepWithoutAnAxis) {
  InterpreterArguments arguments;
  arguments.sizes = {{"channel", 1}, {"tap", 2}, {"time", 2}};
  arguments.inputs = {{"u", tensor({1, 2}, {1, 2})}};
  Interpreted run(window, arguments);
  EXPECT_EQ(run.output("y"), (Numbers{1, 0, 2, 1}));
  EXPECT_EQ(run.results.states.at("u").shape(), (Shape{1}));
}

TEST(Interpreter, AWindowOfOneOrNoTapCarriesNothing) {
  InterpreterArguments arguments;
  arguments.sizes = {{"channel", 1}, {"tap", 1}, {"time", 2}};
  arguments.inputs = {{"u", tensor({1, 2}, {1, 2})}};
  Interpreted one(window, arguments);
  EXPECT_EQ(one.output("y"), (Numbers{1, 2}));
  EXPECT_TRUE(one.results.states.empty());
  arguments.sizes["tap"] = 0;
  Interpreted none(window, arguments);
  EXPECT_EQ(none.error, "");
  EXPECT_EQ(none.results.outputs.at("y").shape(), (Shape{1, 2, 0}));
}

// What is folded to a constant lacks the window's dimensions; the array that it starts from still has them.
TEST(Interpreter, AWindowOfAConstantStillStartsFromItsArray) {
  std::string text = recurrence("dims [channel, tap, time] scan time", R"(
    %c = arith.constant 9.0 : f64
    %d = ssm.delay "c" %c over tap [channel] : f64
    ssm.output "y" %d [channel, time, tap] : f64
  )");
  InterpreterArguments arguments;
  arguments.sizes = {{"channel", 2}, {"tap", 2}, {"time", 2}};
  arguments.states = {{"c", tensor({2}, {1, 2})}};
  Interpreted run(text, arguments);
  EXPECT_EQ(run.error, "");
  EXPECT_EQ(run.output("y"), (Numbers{9, 1, 9, 9, /**/ 9, 2, 9, 9}));
  EXPECT_EQ(run.state("c"), (Numbers{9, 9}));
}

TEST(Interpreter, StatesAdvanceTogether) {
  // The Fibonacci numbers: each state reads the other's previous value.
  std::string text = recurrence("dims [time] scan time", R"(
    %a = ssm.previous "a" [] : f64
    %b = ssm.previous "b" [] : f64
    %one = arith.constant 1.0 : f64
    ssm.initial "b" %one : f64
    %s = arith.addf %a, %b : f64
    ssm.next "a" %b : f64
    ssm.next "b" %s : f64
    ssm.output "y" %a [time] : f64
  )");
  InterpreterArguments arguments;
  arguments.sizes = {{"time", 8}};
  EXPECT_EQ(Interpreted(text, arguments).output("y"), (Numbers{0, 1, 1, 2, 3, 5, 8, 13}));
}

TEST(Interpreter, OneAxisOfTwoDimensionsHasTheLastFastest) {
  std::string text = recurrence("dims [group, member, time] scan time", R"(
    %u = ssm.input "u" [(group member), time] : f64
    %b = ssm.input "b" [group] : f64
    %s = arith.addf %u, %b : f64
    ssm.output "y" %s [time, (member group)] : f64
  )");
  InterpreterArguments arguments;
  arguments.sizes = {{"group", 2}, {"member", 3}, {"time", 1}};
  arguments.inputs = {{"u", tensor({6, 1}, {1, 2, 3, 4, 5, 6})}, {"b", tensor({2}, {10, 20})}};
  Interpreted run(text, arguments);
  EXPECT_EQ(run.error, "");
  EXPECT_EQ(run.output("y"), (Numbers{11, 24, 12, 25, 13, 26}));
}

TEST(Interpreter, TimeMayBePartOfAnAxis) {
  std::string text = recurrence("dims [channel, time] scan time", R"(
    %u = ssm.input "u" [(time channel)] : f64
    ssm.output "y" %u [(channel time)] : f64
  )");
  InterpreterArguments arguments;
  arguments.sizes = {{"channel", 2}, {"time", 3}};
  arguments.inputs = {{"u", tensor({6}, {1, 2, 3, 4, 5, 6})}};
  EXPECT_EQ(Interpreted(text, arguments).output("y"), (Numbers{1, 3, 5, 2, 4, 6}));
}

TEST(Interpreter, ComplexStatesComeBackComplex) {
  std::string text = recurrence("dims [time] scan time", R"(
    %p = ssm.previous "h" [] : complex<f64>
    %i = complex.constant [0.0, 1.0] : complex<f64>
    %one = complex.constant [1.0, 0.0] : complex<f64>
    ssm.initial "h" %one : complex<f64>
    %h = complex.mul %p, %i : complex<f64>
    ssm.next "h" %h : complex<f64>
    ssm.output "y" %h [time] : complex<f64>
  )");
  InterpreterArguments arguments;
  arguments.sizes = {{"time", 3}};
  Interpreted run(text, arguments);
  EXPECT_EQ(run.error, "");
  EXPECT_EQ(complexValues(run.results.outputs.at("y")), (std::vector<std::complex<double>>{{0, 1}, {-1, 0}, {0, -1}}));
  EXPECT_EQ(complexValues(run.results.states.at("h")), (std::vector<std::complex<double>>{{0, -1}}));
}

const std::string optional = recurrence("dims [time] scan time", R"(
  %u = ssm.input "u" [time] : f64
  %z = ssm.input "z" [time] optional : f64
  %g = ssm.given "z" : i1
  %m = arith.mulf %u, %z : f64
  %y = arith.select %g, %m, %u : f64
  ssm.output "y" %y [time] : f64
)");

TEST(Interpreter, AnOptionalInputIsGivenWhereItIsPassed) {
  InterpreterArguments arguments;
  arguments.sizes = {{"time", 2}};
  arguments.inputs = {{"u", tensor({2}, {1, 2})}};
  EXPECT_EQ(Interpreted(optional, arguments).output("y"), (Numbers{1, 2}));
  arguments.inputs.emplace("z", tensor({2}, {5, 6}));
  EXPECT_EQ(Interpreted(optional, arguments).output("y"), (Numbers{5, 12}));
}

TEST(Interpreter, ParametersHaveDefaults) {
  std::string text = recurrence("dims [time] scan time", R"(
    %p = ssm.param "scale" = 1.5 : f64
    ssm.output "y" %p [time] : f64
  )");
  InterpreterArguments arguments;
  arguments.sizes = {{"time", 1}};
  EXPECT_EQ(Interpreted(text, arguments).output("y"), (Numbers{1.5}));
  arguments.params = {{"scale", 4}};
  EXPECT_EQ(Interpreted(text, arguments).output("y"), (Numbers{4}));
}

TEST(Interpreter, OptionsAreTruthsNumbersAndWords) {
  std::string text = recurrence("dims [time] options {c = 8.0, half = 0.5, on = true, word = \"g\"} scan time", R"(
    %c = ssm.option "c" : f64
    %half = ssm.option "half" : f64
    %on = ssm.option "on" : i1
    %g = ssm.option "word" is "g" : i1
    %h = ssm.option "word" is "h" : i1
    %0 = arith.select %on, %c, %half : f64
    %1 = arith.select %g, %0, %half : f64
    %2 = arith.select %h, %half, %1 : f64
    ssm.output "y" %2 [time] : f64
  )");
  InterpreterArguments arguments;
  arguments.sizes = {{"time", 1}};
  Description description = parseDialect(text);
  ASSERT_TRUE(bool(description)) << description.errors;
  mlir::Builder builder(description.context.get());
  auto y = [&](llvm::ArrayRef<mlir::NamedAttribute> options) {
    arguments.options = builder.getDictionaryAttr(options);
    auto results = interpret(description.recurrence(), arguments);
    return results ? values(results->outputs.at("y")).front() : (llvm::consumeError(results.takeError()), -1);
  };
  EXPECT_EQ(y({}), 8);
  EXPECT_EQ(y({builder.getNamedAttr("c", builder.getF64FloatAttr(2.5))}), 2.5);
  EXPECT_EQ(y({builder.getNamedAttr("on", builder.getBoolAttr(false))}), 0.5);
  EXPECT_EQ(y({builder.getNamedAttr("word", builder.getStringAttr("h"))}), 0.5);
}

TEST(Interpreter, SizesPassedReplaceDefaults) {
  std::string text = recurrence("dims [state = 4, time] scan time", R"(
    %n = ssm.size state : f64
    ssm.output "y" %n [time] : f64
  )");
  InterpreterArguments arguments;
  arguments.sizes = {{"time", 1}};
  EXPECT_EQ(Interpreted(text, arguments).output("y"), (Numbers{4}));
  arguments.sizes["state"] = 7;
  EXPECT_EQ(Interpreted(text, arguments).output("y"), (Numbers{7}));
}

} // namespace
