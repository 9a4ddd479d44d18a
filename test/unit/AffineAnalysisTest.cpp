// What AffineAnalysis says to those who ask it (each rule is shown in test/passes/linearize.mlir), and the algebra of
// coefficients that it stands on.

#include "dialect/AffineAnalysis.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/Builders.h"
#include "passes/ExpressionBuilder.h"
#include "test/support/Description.h"

#include <gtest/gtest.h>

using namespace ssm;
using namespace ssm::test;

namespace {
//===----------------------------------------------------------------------===//
// The algebra
//===----------------------------------------------------------------------===//

class ExpressionsTest : public testing::Test {
protected:
  Description description = parseDialect(R"(
    ssm.recurrence @values dims [time, key = 4, value, col like key] scan time {
      %a = ssm.input "a" [key] : f64
      %b = ssm.input "b" [value] : f64
      %z = ssm.input "z" [time] : complex<f64>
    })");
  Expressions build{description.recurrence()};
  Expr a = input(0), b = input(1), z = input(2);

  Expr input(unsigned number) {
    return build.leaf(std::next(description.recurrence().getBody().front().begin(), number)->getResult(0));
  }
  Expr constant(double number) { return build.constant(number); }
  DimSet dim(llvm::StringRef name) { return build.dimensions().of(name); }
  unsigned number(llvm::StringRef name) { return *build.dimensions().number(name); }
};

TEST_F(ExpressionsTest, EqualOnesAreOne) {
  EXPECT_EQ(build.mul(a, b), build.mul(b, a));
  EXPECT_EQ(build.add(a, build.add(b, z)), build.add(build.add(z, a), b));
  EXPECT_EQ(build.mul(build.neg(a), build.neg(b)), build.mul(a, b));
  EXPECT_NE(build.mul(a, b), build.mul(a, a));
}

TEST_F(ExpressionsTest, LikeTermsJoin) {
  EXPECT_EQ(build.add(build.mul(a, b), build.mul(b, a)), build.mul(constant(2), build.mul(a, b)));
  EXPECT_TRUE(build.sub(build.add(a, b), build.add(b, a))->isConstant(0));
  EXPECT_EQ(build.sub(build.add(a, constant(3)), constant(3)), a);
}

TEST_F(ExpressionsTest, NumbersGoIntoSums) {
  Expr sum = build.add(constant(1), a);
  EXPECT_EQ(build.mul(constant(-2), sum), build.add(constant(-2), build.mul(constant(-2), a)));
}

TEST_F(ExpressionsTest, ReciprocalsOfReciprocalsAreThemselves) {
  EXPECT_EQ(build.reciprocal(build.reciprocal(a)), a);
  EXPECT_EQ(build.reciprocal(build.mul(constant(4), a)), build.mul(constant(0.25), build.reciprocal(a)));
}

TEST_F(ExpressionsTest, PartsOfComplexNumbersAreReal) {
  Expr i = build.constant({0, 1});
  EXPECT_EQ(build.re(a), a);
  EXPECT_TRUE(build.im(a)->isConstant(0));
  EXPECT_EQ(build.re(build.complex(a, b)), a);
  EXPECT_EQ(build.im(build.complex(a, b)), b);
  EXPECT_EQ(build.re(build.mul(i, z)), build.neg(build.im(z)));
  EXPECT_EQ(build.im(build.mul(build.constant({2, 3}), z)),
            build.add(build.mul(constant(3), build.re(z)), build.mul(constant(2), build.im(z))));
  EXPECT_TRUE(build.re(build.mul(z, build.conj(z)))->isReal);
  EXPECT_EQ(build.conj(build.conj(z)), z);
  EXPECT_EQ(build.mul(i, build.complex(a, b)), build.complex(build.neg(b), a));
}

// As ssm.sum: what does not vary is counted, and taken out of the sum.
TEST_F(ExpressionsTest, SumsKeepOnlyWhatVaries) {
  EXPECT_EQ(build.sumOver(b, dim("key")), build.mul(constant(4), b));
  EXPECT_EQ(build.sumOver(build.mul(a, b), dim("key")), build.mul(b, build.sumOver(a, dim("key"))));
  EXPECT_TRUE(build.sumOver(a, dim("key"))->dims.empty());
  EXPECT_EQ(build.maximumOver(build.add(a, b), dim("key")), build.add(b, build.maximumOver(a, dim("key"))));
  EXPECT_EQ(build.maximumOver(b, dim("key")), b);
}

TEST_F(ExpressionsTest, RenamesGoBack) {
  Expr renamed = build.rename(a, number("key"), number("col"));
  EXPECT_EQ(renamed->dims, dim("col"));
  EXPECT_EQ(build.rename(renamed, number("col"), number("key")), a);
  EXPECT_EQ(build.rename(b, number("key"), number("col")), b);
  EXPECT_EQ(build.flip(build.flip(a, number("key")), number("key")), a);
}

TEST_F(ExpressionsTest, MaximaAreFlat) {
  Expr all = build.maximum(build.maximum(a, constant(1)), build.maximum(b, constant(2)));
  EXPECT_EQ(all->operands.size(), 2u);
  EXPECT_EQ(all->number, 2.0);
  EXPECT_EQ(build.maximum(a, a), a);
}

//===----------------------------------------------------------------------===//
// The analysis
//===----------------------------------------------------------------------===//

/// A stabilized memory beside a running sum that reads it, a nonlinear state and a delayed input.
constexpr const char *text = R"(
recurrence several {
  dim head, key
  scan time
  input f, i, k [head, key, time]
  state total [head, key]
  state c     [head, key]
  state m     [head]
  state r     [head]
  m     = max(mean[key](f) + prev(m), mean[key](i))
  keep  = exp(mean[key](f) + prev(m) - m)
  c     = keep * prev(c) + k
  total = prev(total) + c * prev(k)
  r     = tanh(prev(r)) + sum[key](c)
  output y [head, time] = r + sum[key](total)
})";

struct AffineAnalysisTest : testing::Test {
  Description description = parseLanguage(text);
  AffineAnalysis analysis{description.recurrence()};
  size_t place(llvm::StringRef state) { return analysis.lookup(state) - analysis.components().data(); }
};

TEST_F(AffineAnalysisTest, ComponentsComeInOrderOfDependence) {
  ASSERT_EQ(analysis.components().size(), 5u);
  EXPECT_LT(place("m"), place("c"));
  EXPECT_LT(place("c"), place("total"));
  EXPECT_LT(place("c"), place("r"));
  EXPECT_LT(place("k"), place("total"));
  EXPECT_EQ(analysis.lookup("nothing"), nullptr);
}

TEST_F(AffineAnalysisTest, EachIsDescribed) {
  auto describe = [&](llvm::StringRef state) { return analysis.describe(*analysis.lookup(state)); };
  EXPECT_EQ(describe("m"), "max-plus, time-varying, real, decay over [head]");
  EXPECT_EQ(describe("c"), "scalar, time-varying, real, decay over [head]");
  EXPECT_EQ(describe("total"), "identity, fixed in time, real");
  EXPECT_EQ(describe("r"), "nonlinear");
  EXPECT_EQ(describe("k"), "delay");
}

TEST_F(AffineAnalysisTest, FieldsSayTheSame) {
  const Component &m = *analysis.lookup("m"), &c = *analysis.lookup("c"), &total = *analysis.lookup("total");
  EXPECT_EQ(m.algebra, Algebra::Max);
  EXPECT_EQ(m.structure, Structure::Diagonal);
  EXPECT_EQ(m.logDecay, nullptr);
  EXPECT_EQ(c.algebra, Algebra::Sum);
  EXPECT_NE(c.logDecay, nullptr);
  EXPECT_TRUE(c.variesInTime);
  EXPECT_EQ(c.decayDims, analysis.dimensions().of("head"));
  EXPECT_TRUE(total.transition.empty());
  EXPECT_TRUE(total.isScan() && total.isClosed());
  EXPECT_FALSE(analysis.lookup("k")->isScan());
  const Component &r = *analysis.lookup("r");
  EXPECT_FALSE(r.isScan());
  ASSERT_TRUE(r.breaks);
  EXPECT_EQ(r.breaks->getName().getStringRef(), "math.tanh");
  EXPECT_NE(explainSequential(r).find("tanh"), std::string::npos);
}

TEST_F(AffineAnalysisTest, ReadsTheRecurrenceOnly) {
  std::string before = print(description);
  AffineAnalysis again(description.recurrence());
  EXPECT_EQ(print(description), before);
}

// The transition alone, as a chunk's product of transitions needs it: with its log, or as the decay too.
TEST_F(AffineAnalysisTest, StepsBecomeValuesWhereTheyAreAskedFor) {
  RecurrenceOp recurrence = description.recurrence();
  mlir::OpBuilder builder = mlir::OpBuilder::atBlockEnd(&recurrence.getBody().front());
  const Component &c = *analysis.lookup("c");
  StepValues logAlone = buildStep(c, analysis.dimensions(), builder);
  ASSERT_TRUE(logAlone.logDecay);
  EXPECT_TRUE(logAlone.transition.empty());
  EXPECT_EQ(logAlone.drive.size(), 1u);
  StepValues both = buildStep(c, analysis.dimensions(), builder, /*withDecay=*/true);
  ASSERT_EQ(both.transition.size(), 1u);
  auto exp = both.transition[0].getDefiningOp<mlir::math::ExpOp>();
  ASSERT_TRUE(exp);
  EXPECT_EQ(DimensionAnalysis(recurrence).of(both.transition[0]),
            analysis.dimensions().of("head") | analysis.dimensions().of("time"));
}

// Terms may double with every operation; there is an end to following them, and it is no proof of nonlinearity.
TEST(AffineAnalysis, StatesReadInVeryManyWaysAreNotFollowed) {
  std::string sums;
  for (int power = 2; power < 140; ++power)
    sums += " + pow(p, " + std::to_string(power) + ") * sum[key](pow(q, " + std::to_string(power) + ") * prev(h))";
  Description description =
      parseLanguage("recurrence r {\n  dim key\n  scan time\n  input p, q [key]\n  state h [key]\n"
                    "  h = prev(h)" +
                    sums + "\n  output y [key, time] = h\n}\n");
  ASSERT_TRUE(description) << description.errors;
  AffineAnalysis analysis(description.recurrence());
  const Component &h = *analysis.lookup("h");
  EXPECT_EQ(h.structure, Structure::AffineOnly);
  ASSERT_TRUE(h.breaks);
  EXPECT_EQ(explainSequential(h),
            "'h' is affine, but of no form that can be scanned: it reads the state in more ways than "
            "can be followed; it runs one step after another");
}

TEST(AffineAnalysis, RankOneIsNotClosed) {
  Description description = parseFile(SSM_SOURCE_DIR "/models/deltanet.ssm");
  AffineAnalysis analysis(description.recurrence());
  const Component &S = analysis.components()[0];
  EXPECT_EQ(S.structure, Structure::DiagonalPlusRankOne);
  EXPECT_EQ(S.over, analysis.dimensions().of("key"));
  EXPECT_TRUE(S.isScan());
  EXPECT_FALSE(S.isClosed());
}
} // namespace
