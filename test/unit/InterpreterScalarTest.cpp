// Each elementwise operation at a point. The expected values were computed with 40 digits (mpmath 1.3); the C library
// is right to an ulp or two, 2^-52 each, and compositions of a few functions to some more: 2e-15 allows nine.

#include "test/support/Interpreted.h"

#include <cmath>
#include <gtest/gtest.h>
#include <limits>

using namespace ssm;
using namespace ssm::test;

namespace {

using Complex = std::complex<double>;

constexpr double tolerance = 2e-15;
constexpr double infinity = std::numeric_limits<double>::infinity();
const double nan = std::numeric_limits<double>::quiet_NaN();

struct Point {
  double x = 0.75, y = -2, t = 2.5;  // %x, %y and %t
  Complex z = {0.5, -2}, w = {1, 1}; // %z and %w
};

/// The value of `%r` after the operations.
Complex evaluate(const std::string &operations, const std::string &type, const Point &at = {}) {
  std::string text = "ssm.recurrence @test dims [time] scan time {\n"
                     "%x = ssm.input \"x\" [] : f64\n%y = ssm.input \"y\" [] : f64\n%t = ssm.input \"t\" [] : f64\n"
                     "%z = ssm.input \"z\" [] : complex<f64>\n%w = ssm.input \"w\" [] : complex<f64>\n" +
                     operations + "\nssm.output \"r\" %r [time] : " + type + "\n}";
  InterpreterArguments arguments;
  arguments.sizes = {{"time", 1}};
  arguments.inputs = {{"x", tensor({}, {at.x})},
                      {"y", tensor({}, {at.y})},
                      {"t", tensor({}, {at.t})},
                      {"z", complexTensor({}, {at.z})},
                      {"w", complexTensor({}, {at.w})}};
  Interpreted run(text, arguments);
  EXPECT_EQ(run.error, "") << operations;
  return run.results.outputs.count("r") ? run.results.outputs.at("r").complex() : Complex(nan, nan);
}

double real(const std::string &expression, const Point &at = {}) {
  return evaluate("%r = " + expression + " : f64", "f64", at).real();
}

TEST(InterpreterScalar, RealFunctionsOfOneNumber) {
  const std::pair<const char *, double> cases[] = {
      {"arith.negf", -0.75},
      {"math.absf", 0.75},
      {"math.acos", 0.72273424781341561118},
      {"math.asin", 0.84806207898148100805},
      {"math.asinh", 0.69314718055994530942},
      {"math.atan", 0.6435011087932843868},
      {"math.atanh", 0.97295507452765665255},
      {"math.cbrt", 0.90856029641606982945},
      {"math.ceil", 1},
      {"math.cos", 0.73168886887382088631},
      {"math.cosh", 1.2946832846768446878},
      {"math.erf", 0.7111556336535151316},
      {"math.erfc", 0.2888443663464848684},
      {"math.exp", 2.1170000166126746685},
      {"math.exp2", 1.6817928305074290861},
      {"math.expm1", 1.1170000166126746685},
      {"math.floor", 0},
      {"math.log", -0.28768207245178092744},
      {"math.log10", -0.12493873660829995313},
      {"math.log1p", 0.55961578793542268627},
      {"math.log2", -0.41503749927884381855},
      {"math.round", 1},
      {"math.roundeven", 1},
      {"math.rsqrt", 1.154700538379251529},
      {"math.sin", 0.68163876002333416673},
      {"math.sinh", 0.8223167319358299807},
      {"math.sqrt", 0.86602540378443864676},
      {"math.tan", 0.93159645994407246117},
      {"math.tanh", 0.63514895238728731921},
      {"math.trunc", 0},
  };
  for (auto [name, expected] : cases)
    EXPECT_NEAR(real(std::string(name) + " %x"), expected, tolerance * std::abs(expected)) << name;
  EXPECT_NEAR(real("math.acosh %x", {.x = 1.5}), 0.962423650119206895, tolerance);
}

TEST(InterpreterScalar, RealFunctionsOfSeveralNumbers) {
  const std::pair<const char *, double> cases[] = {
      {"arith.addf %x, %y", -1.25},    {"arith.subf %x, %y", 2.75},
      {"arith.mulf %x, %y", -1.5},     {"arith.divf %x, %y", -0.375},
      {"arith.remf %t, %x", 0.25},     {"arith.maximumf %x, %y", 0.75},
      {"arith.minimumf %x, %y", -2},   {"arith.maxnumf %x, %y", 0.75},
      {"arith.minnumf %x, %y", -2},    {"math.atan2 %x, %y", 2.7828219833192210181},
      {"math.copysign %x, %y", -0.75}, {"math.powf %x, %t", 0.4871392896287467388},
      {"math.fma %x, %y, %t", 1},      {"math.clampf %y to [%x, %t]", 0.75},
  };
  for (auto [expression, expected] : cases)
    EXPECT_NEAR(real(expression), expected, tolerance * std::abs(expected)) << expression;
  EXPECT_EQ(evaluate("%n = arith.constant -3 : i32\n%r = math.fpowi %y, %n : f64, i32", "f64"), -0.125);
}

TEST(InterpreterScalar, RoundingOfHalves) {
  EXPECT_EQ(real("math.round %t"), 3);
  EXPECT_EQ(real("math.roundeven %t"), 2);
  EXPECT_EQ(real("math.round %t", {.t = -2.5}), -3);
}

TEST(InterpreterScalar, NotANumberWinsMaximumfAndLosesMaxnumf) {
  for (Point at : {Point{.x = nan, .y = 1}, Point{.x = 1, .y = nan}}) {
    EXPECT_TRUE(std::isnan(real("arith.maximumf %x, %y", at)));
    EXPECT_TRUE(std::isnan(real("arith.minimumf %x, %y", at)));
    EXPECT_EQ(real("arith.maxnumf %x, %y", at), 1);
    EXPECT_EQ(real("arith.minnumf %x, %y", at), 1);
  }
  EXPECT_TRUE(std::isnan(real("ssm.relu %x", {.x = nan})));
}

TEST(InterpreterScalar, MaximumfPutsZeroAboveMinusZero) {
  EXPECT_FALSE(std::signbit(real("arith.maximumf %x, %y", {.x = -0.0, .y = 0.0})));
  EXPECT_TRUE(std::signbit(real("arith.minimumf %x, %y", {.x = 0.0, .y = -0.0})));
}

TEST(InterpreterScalar, Activations) {
  const std::tuple<const char *, double, double> cases[] = {
      {"ssm.softplus", 1, 1.313261687518222834},
      {"ssm.softplus", -40, 4.2483542552915889863e-18},
      {"ssm.softplus", 800, 800},
      {"ssm.sigmoid", 1, 0.73105857863000487925},
      {"ssm.sigmoid", -40, 4.2483542552915889773e-18},
      {"ssm.sigmoid", -700, 9.8596765437597708567e-305},
      {"ssm.sigmoid", 800, 1},
      {"ssm.silu", 1, 0.73105857863000487925},
      {"ssm.relu", 1.5, 1.5},
      {"ssm.relu", -1.5, 0},
      {"ssm.gelu", 1, 0.84134474606854294859},
  };
  for (auto [name, x, expected] : cases)
    EXPECT_NEAR(real(std::string(name) + " %x", {.x = x}), expected, tolerance * std::abs(expected))
        << name << " " << x;
}

TEST(InterpreterScalar, GeluKeepsItsLeftTail) {
  // erfc(u) multiplies the half ulp of its argument's rounding by 2u² = 36 there: 4e-15 in all.
  EXPECT_NEAR(real("ssm.gelu %x", {.x = -6}), -5.9195258702261888442e-9, 4e-15 * 5.92e-9);
}

TEST(InterpreterScalar, ComplexFunctions) {
  const std::pair<const char *, Complex> cases[] = {
      {"complex.add %z, %w", {1.5, -1}},
      {"complex.sub %z, %w", {-0.5, -3}},
      {"complex.mul %z, %w", {2.5, -1.5}},
      {"complex.div %z, %w", {-0.75, -1.25}},
      {"complex.pow %z, %w", {6.3961393835783261022, -4.398012991687444294}},
      {"complex.neg %z", {-0.5, 2}},
      {"complex.conj %z", {0.5, 2}},
      {"complex.sign %z", {0.24253562503633297352, -0.97014250014533189408}},
      {"complex.exp %z", {-0.68611014114984312465, -1.4991780090003947158}},
      {"complex.expm1 %z", {-1.6861101411498431247, -1.4991780090003947158}},
      {"complex.log %z", {0.72345949146816273071, -1.3258176636680324651}},
      {"complex.log1p %z", {0.91629073187415506518, -0.92729521800161223243}},
      {"complex.sqrt %z", {1.1317139242778694103, -0.88361553087551326576}},
      {"complex.rsqrt %z", {0.54896188797410852627, 0.42861649014540757358}},
      {"complex.sin %z", {1.8036926955321817397, -3.1828694483371487787}},
      {"complex.cos %z", {3.3016373329140945575, 1.7388095044743163344}},
      {"complex.tan %z", {0.030215987322877574553, -0.97994084996173806307}},
      {"complex.tanh %z", {1.3212865837711917241, 0.85087812114493768998}},
  };
  for (auto [expression, expected] : cases) {
    Complex found = evaluate(std::string("%r = ") + expression + " : complex<f64>", "complex<f64>");
    EXPECT_LE(std::abs(found - expected), tolerance * std::abs(expected)) << expression << " gave " << found;
  }
}

TEST(InterpreterScalar, ComplexFunctionsKeepSmallNumbers) {
  Point at{.z = {1e-9, 2e-9}};
  Complex expm1 = evaluate("%r = complex.expm1 %z : complex<f64>", "complex<f64>", at);
  EXPECT_NEAR(expm1.real(), 9.9999999849999999817e-10, 1e-24);
  EXPECT_NEAR(expm1.imag(), 2.0000000019999999997e-9, 1e-24);
  Complex log1p = evaluate("%r = complex.log1p %z : complex<f64>", "complex<f64>", at);
  EXPECT_NEAR(log1p.real(), 1.0000000014999999963e-9, 1e-24);
  EXPECT_NEAR(log1p.imag(), 1.9999999979999999993e-9, 1e-24);
}

TEST(InterpreterScalar, PartsOfComplexNumbers) {
  auto part = [](const std::string &name) {
    return evaluate("%r = complex." + name + " %z : complex<f64>", "f64").real();
  };
  EXPECT_EQ(part("re"), 0.5);
  EXPECT_EQ(part("im"), -2);
  EXPECT_NEAR(part("abs"), 2.0615528128088302749, tolerance * 2);
  EXPECT_NEAR(part("angle"), -1.3258176636680324651, tolerance * 2);
  EXPECT_EQ(evaluate("%r = complex.create %x, %y : complex<f64>", "complex<f64>"), Complex(0.75, -2));
}

TEST(InterpreterScalar, ComparisonsOfNumbers) {
  // The four relations that two numbers may have, as the bits less, equal, greater, unordered.
  const std::pair<const char *, unsigned> predicates[] = {
      {"false", 0b0000}, {"oeq", 0b0010}, {"ogt", 0b0100}, {"oge", 0b0110}, {"olt", 0b0001}, {"ole", 0b0011},
      {"one", 0b0101},   {"ord", 0b0111}, {"ueq", 0b1010}, {"ugt", 0b1100}, {"uge", 0b1110}, {"ult", 0b1001},
      {"ule", 0b1011},   {"une", 0b1101}, {"uno", 0b1000}, {"true", 0b1111}};
  const double against[] = {2, 1, 0, nan}; // 1 is less than, equal to, greater than, unordered with them.
  for (auto [predicate, holds] : predicates)
    for (unsigned relation = 0; relation < 4; ++relation) {
      std::string text =
          std::string("%c = arith.cmpf ") + predicate + ", %x, %y : f64\n%r = arith.uitofp %c : i1 to f64";
      EXPECT_EQ(evaluate(text, "f64", {.x = 1, .y = against[relation]}), double(holds >> relation & 1))
          << predicate << " " << against[relation];
    }
}

TEST(InterpreterScalar, TruthValues) {
  auto truth = [](const std::string &operation, double x, double y) {
    return evaluate("%zero = arith.constant 0.0 : f64\n%a = arith.cmpf ogt, %x, %zero : f64\n"
                    "%b = arith.cmpf ogt, %y, %zero : f64\n%c = arith." +
                        operation + " %a, %b : i1\n%r = arith.uitofp %c : i1 to f64",
                    "f64", {.x = x, .y = y})
        .real();
  };
  for (double x : {-1, 1})
    for (double y : {-1, 1}) {
      bool a = x > 0, b = y > 0;
      EXPECT_EQ(truth("andi", x, y), a && b);
      EXPECT_EQ(truth("ori", x, y), a || b);
      EXPECT_EQ(truth("xori", x, y), a != b);
      EXPECT_EQ(truth("cmpi eq,", x, y), a == b);
      EXPECT_EQ(truth("cmpi ne,", x, y), a != b);
      EXPECT_EQ(truth("cmpi ult,", x, y), a < b);
      EXPECT_EQ(truth("cmpi uge,", x, y), a >= b);
      EXPECT_EQ(truth("cmpi slt,", x, y), a > b) << "true is -1";
      EXPECT_EQ(truth("cmpi sge,", x, y), a <= b) << "true is -1";
    }
  EXPECT_EQ(evaluate("%c = arith.constant true\n%r = arith.sitofp %c : i1 to f64", "f64"), -1.0);
}

TEST(InterpreterScalar, SelectTakesOneSideWhateverTheOther) {
  std::string text = "%zero = arith.constant 0.0 : f64\n%bad = arith.divf %zero, %zero : f64\n"
                     "%c = arith.cmpf ogt, %x, %zero : f64\n%r = arith.select %c, %t, %bad : f64";
  EXPECT_EQ(evaluate(text, "f64"), 2.5);
  EXPECT_TRUE(std::isnan(evaluate(text, "f64", {.x = -1}).real()));
}

TEST(InterpreterScalar, ConstantsAreExact) {
  EXPECT_EQ(evaluate("%r = arith.constant 0.1 : f64", "f64"), 0.1);
  EXPECT_EQ(evaluate("%r = arith.constant 0x7FF0000000000000 : f64", "f64"), infinity);
  EXPECT_EQ(evaluate("%r = complex.constant [0.1, -0.0] : complex<f64>", "complex<f64>"), Complex(0.1, -0.0));
}

TEST(InterpreterScalar, WholePowersOfComplexNumbers) {
  auto power = [](int exponent, Complex z) {
    return evaluate("%n = arith.constant " + std::to_string(exponent) +
                        " : i32\n%r = complex.powi %z, %n : complex<f64>, i32",
                    "complex<f64>", {.z = z});
  };
  EXPECT_EQ(power(3, {0, 2}), Complex(0, -8));
  EXPECT_EQ(power(-2, {0, 2}), Complex(-0.25, 0));
  EXPECT_EQ(power(0, {0, 0}), Complex(1, 0));
}

} // namespace
