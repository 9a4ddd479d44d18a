// Runs what ssm-expand-math makes of each function and compares with the C library in higher precision: f32 with double
// at every 1009th of all bit patterns and densely around 0, ±1 and the places where formulas change; f64 with the
// 64-bit significands of long double. The bounds are those of docs/math.md; SSM_SHOW_ERRORS=1 prints what is measured.

#include "test/unit/MathKernel.h"
#include "llvm/TargetParser/Host.h"
#include <bit>
#include <cfloat>
#include <cmath>
#include <cstdlib>
#include <gtest/gtest.h>
#include <limits>
#include <numbers>
#include <random>

using ssm::test::MathKernel;

namespace {

template <typename T> constexpr llvm::StringRef elementName = sizeof(T) == 4 ? "f32" : "f64";

//===----------------------------------------------------------------------===//
// Inputs
//===----------------------------------------------------------------------===//

template <typename T> void addSpecial(std::vector<T> &inputs) {
  using Limits = std::numeric_limits<T>;
  for (T magnitude : {T(0), Limits::denorm_min(), Limits::min() / 2, Limits::min(), Limits::epsilon(), T(0.5), T(1),
                      T(2), T(3), Limits::max(), Limits::infinity(), Limits::quiet_NaN()}) {
    inputs.push_back(magnitude);
    inputs.push_back(-magnitude);
  }
  // A NaN with a payload: exponent arithmetic on bits would make a number of it.
  inputs.push_back(sizeof(T) == 4 ? T(std::bit_cast<float>(0x7fc00155)) : T(std::bit_cast<double>(0x7ff8000000000155)));
}

/// Numbers on both sides of `center`, 64 neighbours and then ever farther away.
template <typename T> void addAround(std::vector<T> &inputs, T center) {
  for (T direction : {-std::numeric_limits<T>::infinity(), std::numeric_limits<T>::infinity()}) {
    T x = center;
    for (int i = 0; i < 64; ++i)
      inputs.push_back(x = std::nextafter(x, direction));
  }
  T width = std::max(std::abs(center), T(1e-3));
  for (int i = -2000; i <= 2000; ++i)
    inputs.push_back(center + width * T(i) / 16000);
}

const double thresholds[] = {0,    0.25,  0.34657359, 0.5,   0.6931, 0.75, 1,      1.5,     2,      3,      4,
                             9.19, 10.05, 13,         17.33, 18,     38,   87.336, 88.3762, 88.72,  103.97, 126,
                             127,  128,   149,        708.4, 709.7,  1022, 1024,   1.5707,  3.14159};

std::vector<float> makeInputs(float) {
  std::vector<float> inputs;
  addSpecial(inputs);
  for (uint64_t bits = 0; bits < (uint64_t(1) << 32); bits += 1009)
    inputs.push_back(std::bit_cast<float>(static_cast<uint32_t>(bits)));
  for (double center : thresholds)
    for (float sign : {1.f, -1.f})
      addAround(inputs, sign * static_cast<float>(center));
  return inputs;
}

std::vector<double> makeInputs(double) {
  std::vector<double> inputs;
  addSpecial(inputs);
  std::mt19937_64 random(1);
  for (int i = 0; i < 60000; ++i)
    inputs.push_back(std::bit_cast<double>(random()));
  std::uniform_real_distribution<double> exponent(-12, 3.5), sign(-1, 1);
  for (int i = 0; i < 100000; ++i)
    inputs.push_back(std::copysign(std::pow(10, exponent(random)), sign(random)));
  for (double center : thresholds)
    for (double s : {1., -1.})
      addAround(inputs, s * center);
  return inputs;
}

/// All inputs, in a multiple of 16.
template <typename T> const std::vector<T> &allInputs() {
  static const std::vector<T> inputs = [] {
    std::vector<T> made = makeInputs(T());
    made.resize((made.size() + 15) / 16 * 16);
    return made;
  }();
  return inputs;
}

//===----------------------------------------------------------------------===//
// Comparison
//===----------------------------------------------------------------------===//

/// double for f32, long double for f64.
template <typename T> using Wide = std::conditional_t<sizeof(T) == 4, double, long double>;

/// The larger of the two is allowed.
struct Bound {
  double relative, absolute = 0;
};

template <typename T> class Comparison {
public:
  Comparison(std::string name, Bound bound) : name(std::move(name)), bound(bound) {}

  void add(Wide<T> expected, T found, T x, T y = 0) {
    ++count;
    if (!isRight(expected, found) && ++failures <= 3)
      ADD_FAILURE() << name << " of " << std::hexfloat << x << " (" << std::defaultfloat << x << ", y = " << y
                    << "): expected " << expected << ", found " << found;
  }

  ~Comparison() {
    EXPECT_EQ(failures, 0) << name << ", of " << count << " values";
    if (std::getenv("SSM_SHOW_ERRORS"))
      printf("%-18s relative %.2e, absolute %.2e\n", name.c_str(), double(relative), double(absolute));
  }

private:
  bool isRight(Wide<T> expected, T found) {
    if (std::isnan(expected) || std::isnan(found))
      return std::isnan(expected) && std::isnan(found);
    Wide<T> largest = std::numeric_limits<T>::max();
    if (std::isinf(found))
      return std::signbit(found) == std::signbit(expected) && std::abs(expected) >= largest * (1 - bound.relative);
    if (std::abs(expected) > largest)
      return std::abs(found) >= largest * (1 - bound.relative) && std::signbit(found) == std::signbit(expected);
    Wide<T> error = std::abs(expected - found);
    // What the absolute bound allows near 0 is left out of the relative error.
    if (error > bound.absolute)
      relative = std::max(relative, error / std::abs(expected));
    absolute = std::max(absolute, std::abs(expected) < 2 ? error : 0);
    return error <= std::max<Wide<T>>(bound.absolute, bound.relative * std::abs(expected));
  }

  std::string name;
  Bound bound;
  Wide<T> relative = 0, absolute = 0;
  int64_t count = 0, failures = 0;
};

/// The kinds of processor whose code this one can run.
const std::vector<llvm::StringRef> &processors() {
  static const std::vector<llvm::StringRef> found = [] {
    llvm::StringMap<bool> features = llvm::sys::getHostCPUFeatures();
    std::vector<llvm::StringRef> names = {"cpu"};
    if (features.lookup("avx512f") && features.lookup("avx512dq") && features.lookup("avx512vl"))
      names.push_back("avx512");
    return names;
  }();
  return found;
}

template <typename T>
void compareUnaryOn(llvm::StringRef target, llvm::StringRef op, Wide<T> (*reference)(Wide<T>), Bound bound, T limit,
                    MathKernel::Beside beside = MathKernel::Beside::Nothing) {
  MathKernel kernel(op, /*isBinary=*/false, elementName<T>, target, beside);
  ASSERT_TRUE(kernel.get<T>()) << op.str();
  const std::vector<T> &inputs = allInputs<T>();
  std::vector<T> results(inputs.size());
  kernel.get<T>()(inputs.data(), inputs.data(), results.data(), inputs.size());
  Comparison<T> comparison((op + " " + elementName<T> + " " + target).str(), bound);
  for (size_t i = 0; i < inputs.size(); ++i)
    if (!(std::abs(inputs[i]) > limit) || std::isinf(inputs[i]))
      comparison.add(reference(inputs[i]), results[i], inputs[i]);
}

/// Compares a function of one argument over all inputs of at most `limit`, on the target or every processor.
template <typename T>
void compareUnary(llvm::StringRef op, Wide<T> (*reference)(Wide<T>), Bound bound,
                  T limit = std::numeric_limits<T>::infinity(), llvm::StringRef target = "") {
  if (!target.empty())
    return compareUnaryOn(target, op, reference, bound, limit);
  for (llvm::StringRef processor : processors())
    compareUnaryOn(processor, op, reference, bound, limit);
}

// What is below the smallest normal number may be 0 (exp: below 2^-125.5 and 2^-1021.5).
constexpr double flush32 = 0x1.7p-126, flush64 = 0x1.7p-1022;

#define WIDE(expression) [](auto x) -> decltype(x) { return expression; }

template <typename W> W softplus(W x) { return (x > 0 ? x : 0) + std::log1p(std::exp(-std::abs(x))); }
template <typename W> W sigmoid(W x) { return 1 / (1 + std::exp(-x)); }
template <typename W> W silu(W x) { return std::isinf(x) && x < 0 ? 0 : x * sigmoid(x); }
template <typename W> W relu(W x) { return x < 0 ? 0 : x; }
template <typename W> W gelu(W x) {
  return std::isinf(x) && x < 0 ? 0 : x / 2 * std::erfc(-x / std::numbers::sqrt2_v<W>);
}

TEST(ExpandMathF32, ExponentialsAreWithinTheirBounds) {
  compareUnary<float>("math.exp", WIDE(std::exp(x)), {2.0e-7, flush32});
  compareUnary<float>("math.exp2", WIDE(std::exp2(x)), {2.0e-7, flush32});
  compareUnary<float>("math.expm1", WIDE(std::expm1(x)), {2.0e-7});
  compareUnary<float>("math.sinh", WIDE(std::sinh(x)), {3e-7});
  compareUnary<float>("math.cosh", WIDE(std::cosh(x)), {3e-7});
}

TEST(ExpandMathF32, LogarithmsAreWithinTheirBounds) {
  compareUnary<float>("math.log", WIDE(std::log(x)), {2e-7});
  compareUnary<float>("math.log2", WIDE(std::log2(x)), {3e-7});
  compareUnary<float>("math.log10", WIDE(std::log10(x)), {3e-7});
  compareUnary<float>("math.log1p", WIDE(std::log1p(x)), {2e-7});
  compareUnary<float>("math.cbrt", WIDE(std::cbrt(x)), {3e-7});
  compareUnary<float>("math.asinh", WIDE(std::asinh(x)), {5e-7});
  compareUnary<float>("math.acosh", WIDE(std::acosh(x)), {5e-7});
  compareUnary<float>("math.atanh", WIDE(std::atanh(x)), {5e-7});
}

TEST(ExpandMathF32, ActivationsAreWithinTheirBounds) {
  compareUnary<float>("ssm.softplus", softplus<double>, {4e-7, flush32});
  compareUnary<float>("ssm.sigmoid", sigmoid<double>, {4e-7, flush32});
  compareUnary<float>("ssm.silu", silu<double>, {4e-7, 100 * flush32});
  compareUnary<float>("ssm.relu", relu<double>, {0});
  compareUnary<float>("ssm.gelu", gelu<double>, {1e-6, 1e-36});
  compareUnary<float>("math.tanh", WIDE(std::tanh(x)), {4e-7});
  compareUnary<float>("math.erf", WIDE(std::erf(x)), {4e-7, 0x1p-149});
  compareUnary<float>("math.erfc", WIDE(std::erfc(x)), {1e-6, flush32});
  compareUnary<float>("math.rsqrt", WIDE(1 / std::sqrt(x)), {2e-7});
}

TEST(ExpandMathF32, TrigonometryIsWithinItsBoundsUpToTwoToThe22) {
  compareUnary<float>("math.sin", WIDE(std::sin(x)), {0, 2e-7}, 0x1p18f);
  compareUnary<float>("math.cos", WIDE(std::cos(x)), {0, 2e-7}, 0x1p18f);
  compareUnary<float>("math.sin", WIDE(std::sin(x)), {0, 4e-7}, 0x1p22f);
  compareUnary<float>("math.cos", WIDE(std::cos(x)), {0, 4e-7}, 0x1p22f);
  compareUnary<float>("math.tan", WIDE(std::tan(x)), {5e-7}, 0x1p18f);
  compareUnary<float>("math.asin", WIDE(std::asin(x)), {5e-7});
  compareUnary<float>("math.acos", WIDE(std::acos(x)), {5e-7});
  compareUnary<float>("math.atan", WIDE(std::atan(x)), {3e-7});
}

TEST(ExpandMathF64, ExponentialsAreWithinTheirBounds) {
  compareUnary<double>("math.exp", WIDE(std::exp(x)), {4e-16, flush64});
  compareUnary<double>("math.exp2", WIDE(std::exp2(x)), {4e-16, flush64});
  compareUnary<double>("math.expm1", WIDE(std::expm1(x)), {4e-16});
  compareUnary<double>("math.sinh", WIDE(std::sinh(x)), {6e-16});
  compareUnary<double>("math.cosh", WIDE(std::cosh(x)), {6e-16});
}

TEST(ExpandMathF64, LogarithmsAreWithinTheirBounds) {
  compareUnary<double>("math.log", WIDE(std::log(x)), {4e-16});
  compareUnary<double>("math.log2", WIDE(std::log2(x)), {6e-16});
  compareUnary<double>("math.log10", WIDE(std::log10(x)), {8e-16});
  compareUnary<double>("math.log1p", WIDE(std::log1p(x)), {4e-16});
  compareUnary<double>("math.cbrt", WIDE(std::cbrt(x)), {6e-16});
  compareUnary<double>("math.asinh", WIDE(std::asinh(x)), {1e-15});
  compareUnary<double>("math.acosh", WIDE(std::acosh(x)), {1e-15});
  compareUnary<double>("math.atanh", WIDE(std::atanh(x)), {1e-15});
}

TEST(ExpandMathF64, ActivationsAreWithinTheirBounds) {
  compareUnary<double>("ssm.softplus", softplus<long double>, {8e-16, flush64});
  compareUnary<double>("ssm.sigmoid", sigmoid<long double>, {8e-16, flush64});
  compareUnary<double>("ssm.silu", silu<long double>, {8e-16, 1000 * flush64});
  compareUnary<double>("ssm.relu", relu<long double>, {0});
  compareUnary<double>("ssm.gelu", gelu<long double>, {3e-15, 100 * flush64});
  compareUnary<double>("math.tanh", WIDE(std::tanh(x)), {8e-16});
  compareUnary<double>("math.erf", WIDE(std::erf(x)), {8e-16, 0x1p-1074});
  compareUnary<double>("math.erfc", WIDE(std::erfc(x)), {3e-15, flush64});
  compareUnary<double>("math.rsqrt", WIDE(1 / std::sqrt(x)), {4e-16});
}

TEST(ExpandMathF64, TrigonometryIsWithinItsBoundsUpToTwoToThe45) {
  compareUnary<double>("math.sin", WIDE(std::sin(x)), {0, 4e-16}, 0x1p45);
  compareUnary<double>("math.cos", WIDE(std::cos(x)), {0, 4e-16}, 0x1p45);
  compareUnary<double>("math.tan", WIDE(std::tan(x)), {1e-15}, 0x1p45);
  compareUnary<double>("math.asin", WIDE(std::asin(x)), {1e-15});
  compareUnary<double>("math.acos", WIDE(std::acos(x)), {1e-15});
  compareUnary<double>("math.atan", WIDE(std::atan(x)), {6e-16});
}

//===----------------------------------------------------------------------===//
// Two arguments
//===----------------------------------------------------------------------===//

/// Every special number with every other, and random pairs: of moderate size, and of any bits.
template <typename T> void makePairs(std::vector<T> &xs, std::vector<T> &ys) {
  std::vector<T> special;
  addSpecial(special);
  for (double value : {0.25, 1.5, 2.5, 1e3, 0.999, 1e-3, 1e10, 1e10 + 1})
    for (double sign : {1., -1.})
      special.push_back(sign * value);
  for (T x : special)
    for (T y : special) {
      xs.push_back(x);
      ys.push_back(y);
    }
  std::mt19937_64 random(2);
  std::uniform_real_distribution<double> exponent(-4, 4), sign(-1, 1), whole(-40, 40);
  auto any = [&] {
    return sizeof(T) == 4 ? T(std::bit_cast<float>(static_cast<uint32_t>(random())))
                          : T(std::bit_cast<double>(random()));
  };
  auto moderate = [&] { return T(std::copysign(std::pow(10, exponent(random)), sign(random))); };
  for (int i = 0; i < 100000; ++i) {
    xs.insert(xs.end(), {any(), moderate(), moderate(), T(1 + sign(random) / 64)});
    ys.insert(ys.end(), {any(), moderate(), T(std::round(whole(random))), T(1000 * sign(random))});
  }
  xs.resize((xs.size() + 15) / 16 * 16);
  ys.resize(xs.size());
}

template <typename T> void compareBinary(llvm::StringRef op, Wide<T> (*reference)(Wide<T>, Wide<T>), Bound bound) {
  MathKernel kernel(op, /*isBinary=*/true, elementName<T>);
  ASSERT_TRUE(kernel.get<T>()) << op.str();
  std::vector<T> xs, ys;
  makePairs(xs, ys);
  std::vector<T> results(xs.size());
  kernel.get<T>()(xs.data(), ys.data(), results.data(), xs.size());
  Comparison<T> comparison((op + " " + elementName<T>).str(), bound);
  for (size_t i = 0; i < xs.size(); ++i)
    comparison.add(reference(xs[i], ys[i]), results[i], xs[i], ys[i]);
}

#define WIDE2(expression) [](auto x, auto y) -> decltype(x) { return expression; }

TEST(ExpandMathF32, PowerAndQuadrantsAreWithinTheirBoundsAndRightAtTheEdges) {
  compareBinary<float>("math.powf", WIDE2(std::pow(x, y)), {4e-7, flush32});
  compareBinary<float>("math.atan2", WIDE2(std::atan2(x, y)), {4e-7, FLT_MIN});
}

TEST(ExpandMathF64, PowerAndQuadrantsAreWithinTheirBoundsAndRightAtTheEdges) {
  compareBinary<double>("math.powf", WIDE2(std::pow(x, y)), {1e-14, flush64});
  compareBinary<double>("math.atan2", WIDE2(std::atan2(x, y)), {1e-15, DBL_MIN});
}

//===----------------------------------------------------------------------===//
// What a bound does not say
//===----------------------------------------------------------------------===//

template <typename T> T valueOf(MathKernel &kernel, T x) {
  std::vector<T> xs(16, x), results(16);
  kernel.get<T>()(xs.data(), xs.data(), results.data(), 16);
  return results[0];
}

template <typename T> void expectZeroKeepsItsSign(llvm::StringRef op) {
  MathKernel kernel(op, /*isBinary=*/false, elementName<T>);
  ASSERT_TRUE(kernel.get<T>());
  for (T zero : {T(0), T(-0.0)}) {
    T found = valueOf(kernel, zero);
    EXPECT_TRUE(found == 0 && std::signbit(found) == std::signbit(zero)) << op.str() << " of " << zero << ": " << found;
  }
}

// A gate and one less the gate share an exponential, and each keeps its digits where it is tiny.
template <typename T> void comparePairs(Bound bound) {
  constexpr T infinity = std::numeric_limits<T>::infinity();
  for (llvm::StringRef processor : processors()) {
    compareUnaryOn<T>(processor, "ssm.sigmoid", sigmoid<Wide<T>>, bound, infinity, MathKernel::Beside::Negative);
    compareUnaryOn<T>(processor, "ssm.sigmoid", WIDE(sigmoid(-x)), bound, infinity, MathKernel::Beside::Positive);
  }
}
TEST(ExpandMathF32, SigmoidsOfANumberAndItsNegativeAreWithinTheirBounds) { comparePairs<float>({4e-7, flush32}); }
TEST(ExpandMathF64, SigmoidsOfANumberAndItsNegativeAreWithinTheirBounds) { comparePairs<double>({8e-16, flush64}); }

TEST(ExpandMath, OddFunctionsKeepTheSignOfZero) {
  for (const char *op : {"math.expm1", "math.log1p", "math.sin", "math.tan", "math.tanh", "math.sinh", "math.asin",
                         "math.atan", "math.asinh", "math.atanh", "math.erf", "math.cbrt", "math.trunc", "math.round",
                         "math.ceil", "ssm.silu", "ssm.gelu"}) {
    expectZeroKeepsItsSign<float>(op);
    expectZeroKeepsItsSign<double>(op);
  }
}

// A decay of 1 - 1e-8 over 1e5 steps: an exp that is 1e-7 short at 0 would make it 0.99.
TEST(ExpandMath, ExpOfZeroAndOfTinyNumbersIsExactlyOne) {
  for (llvm::StringRef processor : processors()) {
    MathKernel exp("math.exp", false, "f32", processor), exp2("math.exp2", false, "f32", processor);
    MathKernel wide("math.exp2", false, "f64", processor);
    for (float x : {0.f, -0.f, 1e-8f, -1e-8f, -1e-30f, FLT_MIN / 4}) {
      EXPECT_EQ(valueOf(exp, x), 1.f) << x;
      EXPECT_EQ(valueOf(exp2, x), 1.f) << x;
      EXPECT_EQ(valueOf(wide, x * 1e-9), 1.) << x;
    }
  }
}

TEST(ExpandMath, Exp2AndLog2AreExactAtPowersOfTwo) {
  for (llvm::StringRef processor : processors()) {
    MathKernel exp2("math.exp2", false, "f32", processor);
    for (int i = -125; i <= 127; ++i)
      EXPECT_EQ(valueOf(exp2, float(i)), std::ldexp(1.f, i));
  }
  MathKernel log2("math.log2", false, "f32");
  for (int i = -149; i <= 127; ++i)
    EXPECT_EQ(valueOf(log2, std::ldexp(1.f, i)), float(i));
}

TEST(ExpandMath, RoundingFollowsTheCLibraryEverywhere) {
  compareUnary<float>("math.ceil", WIDE(std::ceil(x)), {0});
  compareUnary<float>("math.trunc", WIDE(std::trunc(x)), {0});
  compareUnary<float>("math.round", WIDE(std::round(x)), {0});
  compareUnary<double>("math.round", WIDE(std::round(x)), {0});
}

TEST(ExpandMath, SineIsNotANumberWhereItsArgumentSaysNothing) {
  MathKernel sine("math.sin", false, "f32"), wide("math.sin", false, "f64");
  EXPECT_FALSE(std::isnan(valueOf(sine, 0x1p22f)));
  EXPECT_TRUE(std::isnan(valueOf(sine, std::nextafter(0x1p22f, INFINITY))));
  EXPECT_TRUE(std::isnan(valueOf(wide, 0x1p46)));
}

// With exact functions in place of a GPU's: what is left is the argument's rounding, half an ulp of x·log2(e).
TEST(ExpandMathNvptx, SpecialFunctionsGiveTheSameFunctions) {
  float limit = 20;
  compareUnary<float>("math.exp", WIDE(std::exp(x)), {2.5e-6, flush32}, limit, "nvptx");
  compareUnary<float>("math.exp2", WIDE(std::exp2(x)), {2e-7, flush32}, INFINITY, "nvptx");
  compareUnary<float>("ssm.softplus", softplus<double>, {3e-6, flush32}, limit, "nvptx");
  compareUnary<float>("ssm.sigmoid", sigmoid<double>, {3e-6, flush32}, limit, "nvptx");
  compareUnary<float>("ssm.silu", silu<double>, {3e-6, 100 * flush32}, limit, "nvptx");
  compareUnary<float>("ssm.gelu", gelu<double>, {1e-6, 1e-36}, limit, "nvptx");
  compareUnary<float>("math.tanh", WIDE(std::tanh(x)), {4e-7}, INFINITY, "nvptx");
  compareUnary<float>("math.rsqrt", WIDE(1 / std::sqrt(x)), {3e-7}, INFINITY, "nvptx");
}

} // namespace
