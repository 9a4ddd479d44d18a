#include "codegen/binding/Binding.h"
#include "frontend/Frontend.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/MLIRContext.h"
#include "llvm/Support/SourceMgr.h"

#include <gtest/gtest.h>

using namespace ssm;

namespace {

/// A recurrence from its declarations; what it computes does not matter here.
class Binding : public testing::Test {
protected:
  void declare(const std::string &declarations) {
    const std::string text = "recurrence test {\n  scan time\n" + declarations + "\n}\n";
    sources.AddNewSourceBuffer(llvm::MemoryBuffer::getMemBufferCopy(text, "test.ssm"), llvm::SMLoc());
    module = parseSource(sources, &context);
    ASSERT_TRUE(module);
    recurrence = *module->getOps<RecurrenceOp>().begin();
  }

  void input(const std::string &name, Shape shape, DType type = DType::F32) {
    tensors.inputs.insert_or_assign(name, Tensor::zeros(type, std::move(shape)));
  }
  void state(const std::string &name, Shape shape, DType type = DType::F32) {
    tensors.initialStates.insert_or_assign(name, Tensor::zeros(type, std::move(shape)));
  }

  /// The sizes found, or the error's text.
  std::map<std::string, int64_t> sizes() {
    auto bound = bindTensors(recurrence, tensors, requested);
    if (!bound) {
      ADD_FAILURE() << llvm::toString(bound.takeError());
      return {};
    }
    return bound->dims;
  }
  std::string error() {
    auto bound = bindTensors(recurrence, tensors, requested);
    return bound ? "no error" : llvm::toString(bound.takeError());
  }

  mlir::MLIRContext context;
  llvm::SourceMgr sources;
  mlir::OwningOpRef<mlir::ModuleOp> module;
  RecurrenceOp recurrence;
  GivenTensors tensors;
  SpecializeParameters requested;
};

using Sizes = std::map<std::string, int64_t>;

constexpr char plain[] = R"(
  dim batch, channel
  input u [batch, time, channel]
  input a [channel] optional
  state h [batch, channel]
  h = prev(h) + (given(a) ? a * u : u)
  output y [batch, time, channel] = h)";

constexpr char grouped[] = R"(
  dim batch, group, member
  input u [batch, (group member), time]
  input b [batch, group, time] optional
  state h [batch, (group member)]
  h = prev(h) + (given(b) ? b * u : u)
  output y [batch, (group member), time] = h)";

TEST_F(Binding, SingleAxesAreTheirSizes) {
  declare(plain);
  input("u", {2, 7, 3});
  EXPECT_EQ(sizes(), (Sizes{{"batch", 2}, {"time", 7}, {"channel", 3}}));
}

TEST_F(Binding, EmptyTensorsHaveSizesToo) {
  declare(plain);
  input("u", {0, 0, 3});
  EXPECT_EQ(sizes(), (Sizes{{"batch", 0}, {"time", 0}, {"channel", 3}}));
}

TEST_F(Binding, OptionalInputsAreGivenWhereTheyAreThere) {
  declare(plain);
  input("u", {2, 7, 3});
  EXPECT_EQ(*bindTensors(recurrence, tensors, requested)->given, std::vector<std::string>{"u"});
  input("a", {3});
  EXPECT_EQ(*bindTensors(recurrence, tensors, requested)->given, (std::vector<std::string>{"a", "u"}));
}

TEST_F(Binding, AnInputLeftOutIsDropped) {
  declare(plain);
  input("u", {2, 7, 3});
  input("a", {99});
  requested.without = {"a"};
  EXPECT_EQ(sizes().at("channel"), 3);
  EXPECT_EQ(tensors.inputs.count("a"), 0u);
}

TEST_F(Binding, ContradictingTensorsNameTensorAxisAndBothSizes) {
  declare(plain);
  input("u", {2, 7, 3});
  input("a", {4});
  EXPECT_EQ(error(), "axis 2 of tensor 'u' has size 3, but 'channel' has size 4 (axis 0 of tensor 'a')");
}

TEST_F(Binding, AStateContradictsAsAnInputDoes) {
  declare(plain);
  input("u", {2, 7, 3});
  state("h", {5, 3});
  EXPECT_EQ(error(), "axis 0 of tensor 'state.h' has size 5, but 'batch' has size 2 (axis 0 of tensor 'u')");
}

TEST_F(Binding, ContradictingSizesOfTheCommandLineAreNamed) {
  declare(plain);
  input("u", {2, 7, 3});
  requested.dims["time"] = 8;
  EXPECT_EQ(error(), "axis 1 of tensor 'u' has size 7, but 'time' has size 8 (--dim time=8)");
}

TEST_F(Binding, TheLastPartIsWhatTheOthersLeave) {
  declare(grouped);
  input("u", {2, 12, 7});
  input("b", {2, 3, 7});
  EXPECT_EQ(sizes(), (Sizes{{"batch", 2}, {"group", 3}, {"member", 4}, {"time", 7}}));
}

TEST_F(Binding, APartThatStandsNowhereAloneIsOne) {
  declare(grouped);
  input("u", {2, 12, 7});
  EXPECT_EQ(sizes(), (Sizes{{"batch", 2}, {"group", 1}, {"member", 12}, {"time", 7}}));
}

TEST_F(Binding, ASizeOfTheCommandLineSplitsACompositeAxis) {
  declare(grouped);
  input("u", {2, 12, 7});
  requested.dims["member"] = 6;
  EXPECT_EQ(sizes(), (Sizes{{"batch", 2}, {"group", 2}, {"member", 6}, {"time", 7}}));
}

TEST_F(Binding, ADefaultSplitsACompositeAxisButGivesWayToAShape) {
  declare(R"(
    dim group = 2, member
    input u [(group member), time]
    input b [group] optional
    state h [(group member)]
    h = prev(h) + (given(b) ? b * u : u)
    output y [(group member), time] = h)");
  input("u", {12, 7});
  EXPECT_EQ(sizes(), (Sizes{{"group", 2}, {"member", 6}, {"time", 7}}));
  input("b", {3});
  EXPECT_EQ(sizes(), (Sizes{{"group", 3}, {"member", 4}, {"time", 7}}));
}

TEST_F(Binding, ACompositeAxisThatIsNoMultipleIsRefused) {
  declare(grouped);
  input("u", {2, 10, 7});
  input("b", {2, 3, 7});
  EXPECT_EQ(error(), "axis 1 of tensor 'u' has size 10, but 'group' has size 3 (axis 1 of tensor 'b')\n"
                     "the size of 'member' is what they leave of it, and 10 is not a multiple of 3");
}

TEST_F(Binding, PartsOfSizeZeroAreNotDividedBy) {
  declare(grouped);
  input("u", {2, 0, 7});
  input("b", {2, 0, 7});
  EXPECT_EQ(sizes().count("member"), 0u);
  input("u", {2, 5, 7});
  EXPECT_EQ(error(), "axis 1 of tensor 'u' has size 5, but 'group' has size 0 (axis 1 of tensor 'b')");
}

TEST_F(Binding, ProductsOfSizesDoNotOverflow) {
  declare(grouped);
  input("u", {2, 12, 0});
  requested.dims["group"] = requested.dims["member"] = int64_t(1) << 62;
  EXPECT_NE(error().find("axis 1 of tensor 'u' has size 12"), std::string::npos);
}

TEST_F(Binding, DimensionsLikeAnotherShareItsSize) {
  declare(R"(
    dim state
    dim col like state
    input A [state, col]
    input u [time]
    state h [state]
    h = sum[col](A * rename(prev(h), state: col)) + u
    output y [time] = sum[state](h))");
  input("A", {4, 4});
  input("u", {7});
  EXPECT_EQ(sizes(), (Sizes{{"state", 4}, {"time", 7}}));
  input("A", {4, 5});
  EXPECT_EQ(error(), "axis 1 of tensor 'A' has size 5, but 'col' has size 4 (axis 0 of tensor 'A')");
}

TEST_F(Binding, MissingInputsAreNamedWithTheirLayout) {
  declare(grouped);
  EXPECT_EQ(error(), "input 'u' [batch, (group member), time] is missing");
}

TEST_F(Binding, UnknownNamesAreRefusedWithThoseThatExist) {
  declare(plain);
  input("u", {2, 7, 3});
  input("v", {1});
  state("k", {1});
  EXPECT_EQ(error(), "there is no input 'v'; there is a, u\nthere is no state 'k'; there is h");
}

TEST_F(Binding, TheWrongRankIsRefusedWithTheLayout) {
  declare(plain);
  input("u", {2, 7});
  EXPECT_EQ(error(), "tensor 'u' has the shape [2, 7], which does not fit its layout [batch, time, channel]");
}

TEST_F(Binding, IntegersAreNoInput) {
  declare(plain);
  input("u", {2, 7, 3}, DType::I32);
  EXPECT_EQ(error(), "input 'u' has elements of type i32; expected real floating-point numbers");
}

TEST_F(Binding, PairsBecomeComplexWhereTheDescriptionSaysSo) {
  declare(R"(
    dim channel
    input u [time, channel]
    input a [channel] : complex<f32>
    state h [channel] : complex<f32>
    h = a * prev(h) + u
    output y [time, channel] = re(h))");
  input("u", {7, 3});
  input("a", {3, 2});
  state("h", {3, 2}, DType::F64);
  EXPECT_EQ(sizes(), (Sizes{{"channel", 3}, {"time", 7}}));
  EXPECT_EQ(tensors.inputs.at("a").dtype(), DType::C64);
  EXPECT_EQ(tensors.initialStates.at("h").dtype(), DType::C128);
  input("a", {3});
  EXPECT_NE(error().find("input 'a' is complex"), std::string::npos);
}

TEST_F(Binding, TheWindowOfADelayTellsItsTap) {
  declare(R"(
    dim channel, tap
    input u [time, channel]
    past = delay(u, tap)
    output y [time, channel] = sum[tap](past))");
  input("u", {7, 3});
  state("past", {3, 4});
  EXPECT_EQ(sizes().at("tap"), 5);
  state("past", {3});
  EXPECT_EQ(sizes().at("tap"), 2);
}

TEST_F(Binding, AStateWithDepthHasOneMoreAxis) {
  declare(R"(
    dim channel
    input u [time, channel]
    output y [time, channel] = u + prev(u, 3))");
  input("u", {7, 3});
  state("u", {3, 3});
  EXPECT_EQ(sizes(), (Sizes{{"channel", 3}, {"time", 7}}));
  state("u", {3});
  EXPECT_NE(error().find("3 past steps along a last axis"), std::string::npos);
}

TEST_F(Binding, ShapesFollowFromSizes) {
  declare(grouped);
  requested.dims = {{"group", 2}, {"member", 3}};
  ASSERT_TRUE(mlir::succeeded(specialize(recurrence, requested)));
  const State state = getStates(recurrence)[0];
  EXPECT_EQ(shapeOf(recurrence, state), std::nullopt);
  EXPECT_EQ(shapeOf(recurrence, state, {{"batch", 5}}), (Shape{5, 6}));
  llvm::Error open = requireSizes(recurrence);
  ASSERT_TRUE(static_cast<bool>(open));
  EXPECT_EQ(llvm::toString(std::move(open)), "no tensor tells the size of time, batch; give it as --dim time=SIZE");
}

} // namespace
