// What the interpreter refuses, and in which words.

#include "test/support/Interpreted.h"

#include <gtest/gtest.h>

using namespace ssm;
using namespace ssm::test;

namespace {

const std::string text =
    R"(ssm.recurrence @m dims [channel, state = 4, column like state, time] options {c = 8, on = true} scan time {
  %u = ssm.input "u" [channel, time] : f64
  %p = ssm.previous "h" [channel] : f64
  %s = ssm.param "scale" = 1.0 : f64
  %0 = arith.mulf %s, %p : f64
  %h = arith.addf %0, %u : f64
  ssm.next "h" %h : f64
  ssm.output "y" %h [channel, time] : f64
})";

InterpreterArguments goodArguments() {
  InterpreterArguments arguments;
  arguments.sizes = {{"channel", 2}, {"time", 3}};
  arguments.inputs = {{"u", tensor({2, 3}, {1, 2, 3, 4, 5, 6})}};
  return arguments;
}

TEST(InterpreterErrors, NoneForGoodArguments) { EXPECT_EQ(Interpreted(text, goodArguments()).error, ""); }

TEST(InterpreterErrors, MissingSize) {
  InterpreterArguments arguments = goodArguments();
  arguments.sizes.erase("channel");
  EXPECT_EQ(Interpreted(text, arguments).error,
            "recurrence 'm': the size of dimension 'channel' is not given and has no default");
}

TEST(InterpreterErrors, NegativeSize) {
  InterpreterArguments arguments = goodArguments();
  arguments.sizes["channel"] = -1;
  EXPECT_EQ(Interpreted(text, arguments).error, "recurrence 'm': dimension 'channel' has the negative size -1");
}

TEST(InterpreterErrors, TwoSizesOfOneExtent) {
  InterpreterArguments arguments = goodArguments();
  arguments.sizes["state"] = 5;
  arguments.sizes["column"] = 6;
  EXPECT_EQ(Interpreted(text, arguments).error,
            "recurrence 'm': dimension 'state' has the size 5, but dimensions like 'state' also have the size 6");
}

TEST(InterpreterErrors, UnknownNames) {
  auto error = [](auto change) {
    InterpreterArguments arguments = goodArguments();
    change(arguments);
    return Interpreted(text, arguments).error;
  };
  EXPECT_EQ(error([](auto &a) { a.sizes["lag"] = 1; }),
            "recurrence 'm': a size is given for 'lag', which is not a dimension of it");
  EXPECT_EQ(error([](auto &a) { a.inputs.emplace("v", tensor({}, {1})); }), "recurrence 'm': it has no input 'v'");
  EXPECT_EQ(error([](auto &a) { a.states.emplace("g", tensor({}, {1})); }), "recurrence 'm': it has no state 'g'");
  EXPECT_EQ(error([](auto &a) { a.params["bias"] = 1; }), "recurrence 'm': it has no parameter 'bias'");
}

TEST(InterpreterErrors, UnknownOptionAndWrongKind) {
  Description description = parseDialect(text);
  mlir::Builder builder(description.context.get());
  auto error = [&](mlir::StringRef name, mlir::Attribute value) {
    InterpreterArguments arguments = goodArguments();
    arguments.options = builder.getDictionaryAttr(builder.getNamedAttr(name, value));
    return llvm::toString(interpret(description.recurrence(), arguments).takeError());
  };
  EXPECT_EQ(error("d", builder.getBoolAttr(true)), "recurrence 'm': it has no option 'd'");
  EXPECT_EQ(error("c", builder.getBoolAttr(true)), "recurrence 'm': option 'c' is a number, not true or false");
  EXPECT_EQ(error("on", builder.getStringAttr("g")), "recurrence 'm': option 'on' is true or false, not a word");
}

TEST(InterpreterErrors, MissingInput) {
  InterpreterArguments arguments = goodArguments();
  arguments.inputs.clear();
  EXPECT_EQ(Interpreted(text, arguments).error, "recurrence 'm': input 'u' is missing");
}

TEST(InterpreterErrors, WrongShape) {
  InterpreterArguments arguments = goodArguments();
  arguments.inputs["u"] = tensor({3, 2}, {1, 2, 3, 4, 5, 6});
  EXPECT_EQ(Interpreted(text, arguments).error, "recurrence 'm': input 'u' has the shape [3, 2]; expected [2, 3]");
  arguments = goodArguments();
  arguments.states.emplace("h", tensor({2, 1}, {1, 2}));
  EXPECT_EQ(Interpreted(text, arguments).error, "recurrence 'm': state 'h' has the shape [2, 1]; expected [2]");
}

TEST(InterpreterErrors, WrongElementType) {
  InterpreterArguments arguments = goodArguments();
  arguments.inputs["u"] = complexTensor({2, 3}, std::vector<std::complex<double>>(6));
  EXPECT_EQ(Interpreted(text, arguments).error,
            "recurrence 'm': input 'u' has elements of type complex<f64>; expected real floating-point numbers");
  arguments.inputs["u"] = Tensor::zeros(DType::I32, {2, 3});
  EXPECT_EQ(Interpreted(text, arguments).error,
            "recurrence 'm': input 'u' has elements of type i32; expected real floating-point numbers");
}

TEST(InterpreterErrors, TooMuchWork) {
  InterpreterArguments arguments = goodArguments();
  // Six operations on two channels at three steps, four of them with both, and the state's two numbers.
  for (arguments.maxWork = 1; !Interpreted(text, arguments).error.empty(); ++arguments.maxWork) {
    ASSERT_LT(arguments.maxWork, 100);
    EXPECT_NE(Interpreted(text, arguments).error.find("scalar operations; the limit is"), std::string::npos);
  }
  // input, previous, multiply, add, next and output: 6 each; the parameter 1; the state 2.
  EXPECT_EQ(arguments.maxWork, 39);
}

TEST(InterpreterErrors, HostileSizesAreRefusedBeforeMemoryIsTaken) {
  std::string hostile = R"(ssm.recurrence @m dims [a = 1099511627776, b = 1099511627776, time] scan time {
    %i = ssm.index a : f64
    %j = ssm.index b : f64
    %k = arith.addf %i, %j : f64
    %s = ssm.sum %k over [a, b] : f64
    ssm.output "y" %s [time] : f64
  })";
  InterpreterArguments arguments;
  arguments.sizes = {{"time", 1}};
  EXPECT_NE(Interpreted(hostile, arguments).error.find("more than 2^28 elements"), std::string::npos);
  // Nor does an empty dimension beside them help.
  arguments.sizes["b"] = 0;
  EXPECT_NE(Interpreted(hostile, arguments).error.find("more than 2^28 elements"), std::string::npos);
}

TEST(InterpreterErrors, ContinuousTime) {
  std::string continuous = R"(ssm.recurrence @m dims [time] scan time {
    %p = ssm.previous "h" [] : f64
    %dt = arith.constant 0.5 : f64
    %h = ssm.derivative "h" of %p is %p step %dt by "zoh" : f64, f64
    ssm.output "y" %h [time] : f64
  })";
  InterpreterArguments arguments;
  arguments.sizes = {{"time", 1}};
  EXPECT_EQ(Interpreted(continuous, arguments).error,
            "recurrence 'm': 'ssm.derivative' of state 'h' is continuous time; run discretize first");
}

TEST(InterpreterErrors, OperationsAndTypesBeyondLevel0) {
  auto error = [](const std::string &operation) {
    InterpreterArguments arguments;
    arguments.sizes = {{"time", 1}};
    return Interpreted("ssm.recurrence @m dims [time] scan time {\n%i = ssm.index time : f64\n" + operation + "\n}",
                       arguments)
        .error;
  };
  EXPECT_EQ(error("%s, %c = math.sincos %i : f64"),
            "recurrence 'm': 'math.sincos' is not an operation that the interpreter knows");
  EXPECT_EQ(error("%f = arith.truncf %i : f64 to f32"),
            "recurrence 'm': 'arith.truncf' computes in f32; the interpreter takes a recurrence before narrow, in f64");
}

TEST(InterpreterErrors, AWindowThatCarriesNothingTakesNoArray) {
  std::string window = R"(ssm.recurrence @m dims [tap = 1, time] scan time {
    %i = ssm.index time : f64
    %d = ssm.delay "i" %i over tap [] : f64
    ssm.output "y" %d [time, tap] : f64
  })";
  InterpreterArguments arguments;
  arguments.sizes = {{"time", 1}};
  arguments.states.emplace("i", tensor({}, {1}));
  EXPECT_EQ(Interpreted(window, arguments).error,
            "recurrence 'm': state 'i' is given, but a window of one tap carries nothing");
}

} // namespace
