#include "runtime/Tensor.h"

#include <cmath>
#include <cstring>
#include <gtest/gtest.h>
#include <limits>

using namespace ssm;

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double nan = std::numeric_limits<double>::quiet_NaN();

// The finite values of a 16-bit format are ordered as their bits are, so the nearest one is found by looking at all.
uint16_t nearestBySearch(double value, double (*decode)(uint16_t), uint16_t largest) {
  uint16_t best = 0;
  for (uint32_t bits = 0; bits <= largest; ++bits) {
    const double distance = std::fabs(decode(static_cast<uint16_t>(bits)) - value);
    const double bestDistance = std::fabs(decode(best) - value);
    if (distance < bestDistance || (distance == bestDistance && bits % 2 == 0))
      best = static_cast<uint16_t>(bits);
  }
  return best;
}

TEST(Tensor, EveryFiniteHalfSurvivesTheRoundTrip) {
  for (uint32_t bits = 0; bits < 0x10000; ++bits) {
    if ((bits & 0x7c00) != 0x7c00) {
      ASSERT_EQ(toF16(fromF16(static_cast<uint16_t>(bits))), bits);
    }
    if ((bits & 0x7f80) != 0x7f80) {
      ASSERT_EQ(toBF16(fromBF16(static_cast<uint16_t>(bits))), bits);
    }
  }
}

TEST(Tensor, HalfAgreesWithTheCompilersConversion) {
  for (uint32_t bits = 0; bits < 0x7c00; ++bits) {
    const auto narrow = static_cast<uint16_t>(bits);
    _Float16 half;
    std::memcpy(&half, &narrow, sizeof half);
    ASSERT_EQ(fromF16(narrow), static_cast<double>(half));
    // The midpoint to the next value and its neighbours on both sides: where rounding decides.
    const double next = bits + 1 == 0x7c00 ? 65536 : fromF16(static_cast<uint16_t>(bits + 1));
    const double middle = (fromF16(narrow) + next) / 2;
    for (double value : {middle, std::nextafter(middle, 0.0), std::nextafter(middle, infinity)}) {
      const _Float16 expected = static_cast<_Float16>(value);
      uint16_t expectedBits;
      std::memcpy(&expectedBits, &expected, sizeof expectedBits);
      ASSERT_EQ(toF16(value), expectedBits) << value;
      ASSERT_EQ(toF16(-value), expectedBits | 0x8000) << value;
    }
  }
}

TEST(Tensor, BF16RoundsTiesToEvenAtEveryMidpoint) {
  for (uint32_t bits = 0; bits < 0x7f7f; ++bits) {
    const double low = fromBF16(static_cast<uint16_t>(bits)), high = fromBF16(static_cast<uint16_t>(bits + 1));
    const double middle = (low + high) / 2;
    ASSERT_EQ(toBF16(middle), bits % 2 ? bits + 1 : bits);
    ASSERT_EQ(toBF16(std::nextafter(middle, 0.0)), bits);
    ASSERT_EQ(toBF16(std::nextafter(middle, infinity)), bits + 1);
  }
}

TEST(Tensor, RoundingGoesToTheNearestOfAllValues) {
  for (double value : {0.1, 1.0 / 3, 3.14159265, 65519.9, 6.1e-5, 5.9e-8, 2.9e-8, 2.98023223876953125e-8, 1234.5})
    EXPECT_EQ(toF16(value), nearestBySearch(value, fromF16, 0x7bff)) << value;
  for (double value : {0.1, 1.0 / 3, 3.14159265, 3.38e38, 1e-38, 9.2e-41, 4.6e-41, 1234.5})
    EXPECT_EQ(toBF16(value), nearestBySearch(value, fromBF16, 0x7f7f)) << value;
}

TEST(Tensor, HalfRoundsOnceNotByWayOfFloat) {
  // 1 + 2^-11 is a tie that goes down to 1; 2^-40 more must go up, but float would lose it first.
  EXPECT_EQ(toF16(1 + std::ldexp(1, -11)), 0x3c00);
  EXPECT_EQ(toF16(1 + std::ldexp(1, -11) + std::ldexp(1, -40)), 0x3c01);
  EXPECT_EQ(toBF16(1 + std::ldexp(1, -8) + std::ldexp(1, -40)), 0x3f81);
}

TEST(Tensor, NarrowTypesOverflowToInfinityAndKeepNaN) {
  EXPECT_EQ(toF16(65519.999), 0x7bff);
  EXPECT_EQ(toF16(65520), 0x7c00);
  EXPECT_EQ(toF16(-infinity), 0xfc00);
  EXPECT_EQ(toBF16(1e39), 0x7f80);
  EXPECT_TRUE(std::isnan(fromF16(toF16(nan))));
  EXPECT_TRUE(std::isnan(fromBF16(toBF16(nan))));
  EXPECT_TRUE(std::signbit(fromF16(toF16(-nan))));
  EXPECT_EQ(toF16(-1e-300), 0x8000);
  EXPECT_EQ(toBF16(5e-324), 0);
}

TEST(Tensor, IntegersRoundAndSaturate) {
  Tensor tensor = Tensor::zeros(DType::I32, {4});
  const double values[] = {2.5, 1e30, -1e30, nan};
  const int64_t expected[] = {2, std::numeric_limits<int32_t>::max(), std::numeric_limits<int32_t>::min(), 0};
  for (int i = 0; i < 4; ++i) {
    tensor.setReal(i, values[i]);
    EXPECT_EQ(tensor.integer(i), expected[i]) << values[i];
  }
  Tensor wide = Tensor::zeros(DType::I64, {1});
  wide.setReal(0, 9.3e18);
  EXPECT_EQ(wide.integer(), std::numeric_limits<int64_t>::max());
  wide.setReal(0, -9223372036854775808.0);
  EXPECT_EQ(wide.integer(), std::numeric_limits<int64_t>::min());
}

TEST(Tensor, ConversionOfIntegersIsExactBeyondDoubles) {
  Tensor wide = Tensor::zeros(DType::I64, {1});
  wide.setInteger(0, (int64_t(1) << 53) + 1);
  EXPECT_EQ(wide.convert(DType::U64).integer(), (int64_t(1) << 53) + 1);
}

TEST(Tensor, ConvertKeepsShapeAndRounds) {
  Tensor tensor = Tensor::fromData(DType::F64, {2, 2}, std::vector<double>{0.1, -2, nan, 1e300});
  Tensor narrow = tensor.convert(DType::BF16);
  EXPECT_EQ(narrow.shape(), (Shape{2, 2}));
  EXPECT_EQ(narrow.real(0), fromBF16(toBF16(0.1)));
  EXPECT_EQ(narrow.real(1), -2);
  EXPECT_TRUE(std::isnan(narrow.real(2)));
  EXPECT_EQ(narrow.real(3), infinity);
}

TEST(Tensor, CountOfElementsDoesNotOverflow) {
  const int64_t big = int64_t(1) << 40;
  EXPECT_EQ(countElements({3, 4}), 12);
  EXPECT_EQ(countElements({}), 1);
  EXPECT_EQ(countElements({big, big}), std::nullopt);
  EXPECT_EQ(countElements({big, big, 0}), 0);
  EXPECT_EQ(countElements({0, big, big}), 0);
  EXPECT_EQ(countElements({-1}), std::nullopt);
  EXPECT_FALSE(Tensor::allocate(DType::F32, {big, big}));
  EXPECT_FALSE(Tensor::allocate(DType::F64, {int64_t(1) << 60}));
}

TEST(Tensor, ViewsOfNegativeStrideReadBackwards) {
  Tensor tensor = Tensor::fromData(DType::F32, {4}, std::vector<double>{0, 1, 2, 3});
  Tensor backwards = Tensor::wrap(DType::F32, {2, 2}, {-2, -1}, nullptr, tensor.dataAs<float>() + 3);
  EXPECT_FALSE(backwards.isContiguous());
  EXPECT_EQ(backwards.real(backwards.offsetOf({1, 0})), 1);
  Tensor copy = backwards.contiguous();
  EXPECT_TRUE(copy.isContiguous());
  for (int i = 0; i < 4; ++i)
    EXPECT_EQ(copy.real(i), 3 - i);
}

TEST(Tensor, OffsetsVisitRowMajorAndSkipEmptyArrays) {
  Tensor tensor = Tensor::wrap(DType::F32, {2, 3}, {1, 2}, nullptr, nullptr);
  std::vector<int64_t> visited;
  forEachOffset(tensor, [&](int64_t offset) { visited.push_back(offset); });
  EXPECT_EQ(visited, (std::vector<int64_t>{0, 2, 4, 1, 3, 5}));
  forEachOffset(Tensor::zeros(DType::F32, {3, 0}), [&](int64_t) { FAIL() << "an empty array has no element"; });
}

TEST(Tensor, ComplexViewsShareTheirPairs) {
  Tensor pairs = Tensor::fromData(DType::F32, {2, 2}, std::vector<double>{1, 2, 3, 4});
  Result<Tensor> view = pairs.asComplex();
  ASSERT_TRUE(view);
  EXPECT_EQ(view->dtype(), DType::C64);
  EXPECT_EQ(view->shape(), (Shape{2}));
  EXPECT_EQ(view->data(), pairs.data());
  EXPECT_EQ(view->complex(1), std::complex<double>(3, 4));
  Tensor back = view->asReal();
  EXPECT_EQ(back.data(), pairs.data());
  EXPECT_EQ(back.shape(), pairs.shape());
}

TEST(Tensor, ComplexFromScatteredPairsIsACopy) {
  Tensor planes = Tensor::fromData(DType::F64, {2, 3}, std::vector<double>{1, 2, 3, 10, 20, 30});
  Tensor transposed = Tensor::wrap(DType::F64, {3, 2}, {1, 3}, nullptr, planes.data());
  Result<Tensor> numbers = transposed.asComplex();
  ASSERT_TRUE(numbers);
  EXPECT_EQ(numbers->complex(2), std::complex<double>(3, 30));
}

TEST(Tensor, ComplexNeedsPairsOfFloats) {
  EXPECT_FALSE(Tensor::zeros(DType::F32, {2, 3}).asComplex());
  EXPECT_FALSE(Tensor::zeros(DType::F32, {}).asComplex());
  EXPECT_FALSE(Tensor::zeros(DType::BF16, {2}).asComplex());
}

TEST(Tensor, SlicesShareTheirElements) {
  Tensor tensor = Tensor::fromData(DType::F32, {2, 3}, std::vector<double>{0, 1, 2, 3, 4, 5});
  Tensor slice = tensor.slice(1, 1, 2);
  EXPECT_EQ(slice.real(slice.offsetOf({1, 1})), 5);
  slice.setReal(0, 9);
  EXPECT_EQ(tensor.real(1), 9);
}

TEST(Tensor, NamesOfTypesParseBack) {
  for (int type = 0; type <= static_cast<int>(DType::C128); ++type)
    EXPECT_EQ(parseDType(dtypeName(static_cast<DType>(type))), static_cast<DType>(type));
  EXPECT_EQ(parseDType("f33"), std::nullopt);
}

} // namespace
