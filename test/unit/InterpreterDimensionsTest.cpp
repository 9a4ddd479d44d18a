// The operations that change dimensions, at coordinates that can be checked by hand. All numbers are exact in binary.

#include "test/support/Interpreted.h"

#include <gtest/gtest.h>
#include <limits>

using namespace ssm;
using namespace ssm::test;

namespace {

using Numbers = std::vector<double>;

/// y [time, layout] of an expression on x [row, col], where row and col are 2 and 3 long and x is 1 … 6.
Interpreted runOnMatrix(const std::string &operations, const std::string &layout) {
  std::string text = "ssm.recurrence @test dims [row, col, far = 4, as_row like row, time] scan time {\n"
                     "%x = ssm.input \"x\" [row, col] : f64\n" +
                     operations + "\nssm.output \"y\" %y [time" + layout + "] : f64\n}\n";
  InterpreterArguments arguments;
  arguments.sizes = {{"row", 2}, {"col", 3}, {"time", 1}};
  arguments.inputs = {{"x", tensor({2, 3}, {1, 2, 3, 4, 5, 6})}};
  return Interpreted(text, arguments);
}

TEST(InterpreterDimensions, SumRunsOverItsDimensions) {
  EXPECT_EQ(runOnMatrix("%y = ssm.sum %x over [col] : f64", ", row").output("y"), (Numbers{6, 15}));
  EXPECT_EQ(runOnMatrix("%y = ssm.sum %x over [row] : f64", ", col").output("y"), (Numbers{5, 7, 9}));
  EXPECT_EQ(runOnMatrix("%y = ssm.sum %x over [col, row] : f64", "").output("y"), (Numbers{21}));
}

TEST(InterpreterDimensions, SumOverAnAbsentDimensionCountsIt) {
  EXPECT_EQ(runOnMatrix("%y = ssm.sum %x over [far] : f64", ", row, col").output("y"), (Numbers{4, 8, 12, 16, 20, 24}));
  EXPECT_EQ(runOnMatrix("%y = ssm.sum %x over [col, far] : f64", ", row").output("y"), (Numbers{24, 60}));
}

TEST(InterpreterDimensions, MaxAndMeanOverAnAbsentDimensionAreTheValue) {
  EXPECT_EQ(runOnMatrix("%y = ssm.max %x over [col, far] : f64", ", row").output("y"), (Numbers{3, 6}));
  EXPECT_EQ(runOnMatrix("%y = ssm.mean %x over [col, far] : f64", ", row").output("y"), (Numbers{2, 5}));
}

TEST(InterpreterDimensions, NotANumberWinsAMaximum) {
  std::string operations = "%i = ssm.index col : f64\n%one = arith.constant 1.0 : f64\n%d = arith.subf %i, %one : f64\n"
                           "%q = arith.divf %d, %d : f64\n%w = arith.addf %q, %x : f64\n"
                           "%y = ssm.max %w over [col] : f64";
  Numbers y = runOnMatrix(operations, ", row").output("y"); // 0/0 in the middle column
  ASSERT_EQ(y.size(), 2u);
  EXPECT_TRUE(std::isnan(y[0]) && std::isnan(y[1]));
}

TEST(InterpreterDimensions, ReductionsOverAnEmptyDimension) {
  std::string text = R"(ssm.recurrence @test dims [state, time] scan time {
    %x = ssm.input "x" [state, time] : f64
    %s = ssm.sum %x over [state] : f64
    %m = ssm.max %x over [state] : f64
    ssm.output "sum" %s [time] : f64
    ssm.output "max" %m [time] : f64
  })";
  InterpreterArguments arguments;
  arguments.sizes = {{"state", 0}, {"time", 2}};
  arguments.inputs = {{"x", tensor({0, 2}, {})}};
  Interpreted run(text, arguments);
  EXPECT_EQ(run.output("sum"), (Numbers{0, 0}));
  double infinity = std::numeric_limits<double>::infinity();
  EXPECT_EQ(run.output("max"), (Numbers{-infinity, -infinity}));
}

TEST(InterpreterDimensions, SumsOfComplexNumbers) {
  std::string text = R"(ssm.recurrence @test dims [state, time] scan time {
    %x = ssm.input "x" [state] : complex<f64>
    %s = ssm.sum %x over [state] : complex<f64>
    %m = ssm.mean %x over [state] : complex<f64>
    ssm.output "sum" %s [time] : complex<f64>
    ssm.output "mean" %m [time] : complex<f64>
  })";
  InterpreterArguments arguments;
  arguments.sizes = {{"state", 2}, {"time", 1}};
  arguments.inputs = {{"x", complexTensor({2}, {{1, 2}, {3, -8}})}};
  Interpreted run(text, arguments);
  EXPECT_EQ(complexValues(run.results.outputs.at("sum")).front(), std::complex<double>(4, -6));
  EXPECT_EQ(complexValues(run.results.outputs.at("mean")).front(), std::complex<double>(2, -3));
}

TEST(InterpreterDimensions, FlipReversesAndLeavesAbsentDimensions) {
  EXPECT_EQ(runOnMatrix("%y = ssm.flip %x col : f64", ", row, col").output("y"), (Numbers{3, 2, 1, 6, 5, 4}));
  EXPECT_EQ(runOnMatrix("%y = ssm.flip %x row : f64", ", row, col").output("y"), (Numbers{4, 5, 6, 1, 2, 3}));
  EXPECT_EQ(runOnMatrix("%y = ssm.flip %x far : f64", ", row, col").output("y"), (Numbers{1, 2, 3, 4, 5, 6}));
}

TEST(InterpreterDimensions, RenameMovesAValueToAnotherDimension) {
  // The outer product of the first column with itself.
  std::string operations = "%m = ssm.max %x over [col] : f64\n%r = ssm.rename %m row to as_row : f64\n"
                           "%y = arith.mulf %m, %r : f64";
  EXPECT_EQ(runOnMatrix(operations, ", row, as_row").output("y"), (Numbers{9, 18, 18, 36}));
}

TEST(InterpreterDimensions, RenameOfAValueThatLacksTheDimensionIsTheValue) {
  std::string operations = "%m = ssm.max %x over [row] : f64\n%y = ssm.rename %m row to as_row : f64";
  EXPECT_EQ(runOnMatrix(operations, ", col").output("y"), (Numbers{4, 5, 6}));
}

TEST(InterpreterDimensions, IndexIsTheCoordinateAndSizeTheExtent) {
  EXPECT_EQ(runOnMatrix("%y = ssm.index col : f64", ", row, col").output("y"), (Numbers{0, 1, 2, 0, 1, 2}));
  EXPECT_EQ(runOnMatrix("%y = ssm.size as_row : f64", "").output("y"), (Numbers{2}));
}

TEST(InterpreterDimensions, IndexOfTimeIsTheCoordinateInReverseToo) {
  std::string text = R"(ssm.recurrence @test dims [time] scan time reverse {
    %i = ssm.index time : f64
    %p = ssm.previous "i" [] : f64
    ssm.next "i" %i : f64
    ssm.output "now" %i [time] : f64
    ssm.output "before" %p [time] : f64
  })";
  InterpreterArguments arguments;
  arguments.sizes = {{"time", 3}};
  Interpreted run(text, arguments);
  EXPECT_EQ(run.output("now"), (Numbers{0, 1, 2}));
  EXPECT_EQ(run.output("before"), (Numbers{1, 2, 0}));
}

TEST(InterpreterDimensions, AnOutputIsBroadcastAlongWhatItsValueLacks) {
  std::string operations = "%y = ssm.sum %x over [col] : f64";
  EXPECT_EQ(runOnMatrix(operations, ", col, row").output("y"), (Numbers{6, 15, 6, 15, 6, 15}));
}

} // namespace
