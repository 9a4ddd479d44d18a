// GPU kernels on inputs and outputs of 16 bits, against the interpreter on the same rounded inputs: arithmetic and
// states are f32 all the same, over thousands of steps that hardly forget.

#include "CpuKernelRun.h"
#include "passes/Specialize.h"

using namespace mlir;
using namespace ssm;
using namespace ssm::test;

namespace {
/// With what rounding an output to its type costs, 4.5e-3 of the largest output for bf16 and 6e-4 for f16; final states
/// are not rounded.
constexpr double tolerance = 2e-5;

struct Case {
  const char *model, *schedule;
  int64_t steps;
  /// Values of inputs that make decays of 0.999, in place of those that are drawn.
  std::map<std::string, test::Range> ranges = {};
  std::map<std::string, std::string> options = {};
};

void run(const Case &test, const std::string &dtype) {
  SCOPED_TRACE(std::string(test.model) + " " + dtype + " " + test.schedule);
  Description description = parseFile(SSM_SOURCE_DIR "/models/" + std::string(test.model) + ".ssm");
  ASSERT_TRUE(description) << description.errors;
  RecurrenceOp recurrence = description.recurrence();
  SpecializeParameters parameters;
  for (auto dim : recurrence.getDims().getAsRange<DimAttr>())
    if (!dim.getLike())
      parameters.dims[dim.getName().str()] = dim.getSize() ? 4 : dim.getName() == "batch" ? 1 : 3;
  parameters.dims[recurrence.getScan().str()] = test.steps;
  parameters.dtype = dtype;
  parameters.options = test.options;
  ASSERT_TRUE(prepare(description, parameters));
  InterpreterArguments arguments =
      argumentsFor(recurrence, test.model, parameters.dims, /*withStates=*/test.ranges.empty(), /*seed=*/1);
  Random random(2);
  for (const auto &[name, range] : test.ranges) {
    ASSERT_TRUE(arguments.inputs.count(name)) << name;
    fillRandomly(arguments.inputs.at(name), range, random);
  }
  auto expected = interpret(recurrence, arguments);
  ASSERT_TRUE(static_cast<bool>(expected)) << llvm::toString(expected.takeError());
  auto gpu = compileForEmulator(recurrence, test.schedule, {});
  ASSERT_TRUE(static_cast<bool>(gpu)) << llvm::toString(gpu.takeError());
  RunOptions options;
  options.tolerance = tolerance;
  runAndCompare(**gpu, recurrence, arguments, *expected, options);
}

class GpuKernelPrecision : public testing::TestWithParam<std::string> {};
} // namespace

TEST_P(GpuKernelPrecision, KeepsF32BetweenInputsAndOutputs) {
  for (const std::string &model : libraryModels())
    run({model.c_str(), "auto", 67}, GetParam());
}

/// exp(-0.001) and its like, on which states of thousands of steps stand.
TEST_P(GpuKernelPrecision, HoldsForThousandsOfSteps) {
  const std::map<std::string, test::Range> mamba = {
      {"delta", {0.0005, 0.0015}}, {"delta_bias", {0, 0}}, {"A", {-1, -0.9}}};
  const std::map<std::string, std::string> plain = {{"delta_softplus", "false"}};
  const std::map<std::string, test::Range> gla = {{"g", {3.5, 4.5}}}, retnet = {{"gamma", {0.999, 0.999}}};
  const Case cases[] = {
      {"mamba1", "auto", 8192, mamba, plain},
      {"mamba1", "member=grid,thread:4; time=loop; state=lane:4", 8192, mamba, plain},
      {"mamba1", "member=grid,thread:4; time=grid:1024; state=reg", 8192, mamba, plain},
      {"gla", "value=grid,thread:4; time=loop; key=lane:4", 8192, gla},
      {"retnet", "auto", 8192, retnet},
      {"rglru", "auto", 8192, {{"Lambda", {-9, -8.5}}}},
      {"mingru", "auto", 8192, {{"z", {-7, -6.8}}}},
  };
  for (const Case &one : cases)
    run(one, GetParam());
}

/// All numbers of 16 bits, NaN included, through bounds of rows that are taken before numbers are widened, and of
/// numbers that stand apart, which are loaded one by one: the same bits but for NaN's.
TEST_P(GpuKernelPrecision, BoundsBeforeWideningAreThoseAfterIt) {
  Description description = parseLanguage(R"(
recurrence bounded {
  dim channel
  scan time
  input a, b, c [channel, time]
  state h [channel] : f32
  h = prev(h) + 1
  output x [channel, time] = silu(a)
  output y [channel, time] = relu(b)
  output z [channel, time] = min(c, 2.5) + 0 * h
})");
  ASSERT_TRUE(description) << description.errors;
  constexpr int64_t channels = 64, steps = (1 << 16) / channels;
  SpecializeParameters parameters;
  parameters.dims = {{"channel", channels}, {"time", steps}};
  parameters.dtype = GetParam();
  ASSERT_TRUE(prepare(description, parameters));
  DType type = GetParam() == "bf16" ? DType::BF16 : DType::F16;
  for (const char *schedule :
       {"channel=grid,thread:32; time=loop,reg:8",
        "channel=grid,thread:32; time=loop:32,reg:8; load=staged; store=staged; at(free)=stage"}) {
    SCOPED_TRACE(schedule);
    auto gpu = compileForEmulator(description.recurrence(), schedule);
    ASSERT_TRUE(static_cast<bool>(gpu)) << llvm::toString(gpu.takeError());
    auto outputsOf = [&](Tensor numbers) {
      uint16_t bits = 0;
      forEachOffset(numbers, [&](int64_t offset) { numbers.dataAs<uint16_t>()[offset] = bits++; });
      KernelArguments call;
      call.sizes = parameters.dims;
      for (const char *name : {"a", "b", "c"})
        call.inputs.insert_or_assign(name, numbers);
      for (const char *name : {"x", "y", "z"})
        call.outputs.insert_or_assign(name, Tensor::zeros(type, {channels, steps}));
      llvm::Error error = (*gpu)->run(call);
      EXPECT_FALSE(static_cast<bool>(error)) << llvm::toString(std::move(error));
      return call.outputs;
    };
    Guarded third(type, {channels, steps}, Memory::EveryThird);
    std::map<std::string, Tensor> rows = outputsOf(Tensor::zeros(type, {channels, steps})),
                                  apart = outputsOf(third.tensor());
    for (auto &[name, row] : rows)
      for (int64_t i = 0; i < channels * steps; ++i) {
        bool isNan = std::isnan(row.real(i));
        ASSERT_EQ(isNan, std::isnan(apart.at(name).real(i))) << name << " of " << i;
        if (!isNan)
          ASSERT_EQ(row.dataAs<uint16_t>()[i], apart.at(name).dataAs<uint16_t>()[i]) << name << " of " << i;
      }
  }
}

INSTANTIATE_TEST_SUITE_P(Types, GpuKernelPrecision, testing::Values("bf16", "f16"),
                         [](const auto &info) { return info.param; });
