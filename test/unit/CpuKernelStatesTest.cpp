// What kernels do with states, types and steps at their edges.

#include "CpuKernelRun.h"
#include "llvm/Support/MemoryBuffer.h"

using namespace mlir;
using namespace ssm;
using namespace ssm::test;

namespace {
using Sizes = std::map<std::string, int64_t>;

class CpuKernelStates : public testing::Test {
protected:
  void compile(const std::string &text, const Sizes &known, const std::string &schedule = "auto",
               const std::string &dtype = "f32") {
    kernel.reset();
    description = std::make_unique<Description>(parseLanguage(text));
    ASSERT_TRUE(*description) << description->errors;
    recurrence = description->recurrence();
    SpecializeParameters parameters;
    parameters.dims = known;
    parameters.dtype = dtype;
    ASSERT_TRUE(prepare(*description, parameters));
    auto compiled = compileForCpu(recurrence, schedule);
    ASSERT_TRUE(static_cast<bool>(compiled)) << llvm::toString(compiled.takeError());
    kernel = std::move(*compiled);
  }

  void check(const Sizes &sizes, RunOptions options = {}) {
    for (bool withStates : {false, true}) {
      SCOPED_TRACE(sizesText(sizes) + (withStates ? ", states given" : ""));
      InterpreterArguments arguments = argumentsFor(recurrence, "", sizes, withStates, 3);
      auto expected = interpret(recurrence, arguments);
      ASSERT_TRUE(static_cast<bool>(expected)) << llvm::toString(expected.takeError());
      runAndCompare(*kernel, recurrence, arguments, *expected, options);
      if (HasFatalFailure())
        return;
    }
  }

  /// Each state is one array, before and after.
  void checkInPlace(const Sizes &sizes, unsigned threads) {
    InterpreterArguments arguments = argumentsFor(recurrence, "", sizes, /*withStates=*/true, 5);
    auto expected = interpret(recurrence, arguments);
    ASSERT_TRUE(static_cast<bool>(expected)) << llvm::toString(expected.takeError());
    KernelArguments call;
    call.sizes = sizes;
    call.inputs = arguments.inputs;
    for (auto &[name, value] : expected->outputs)
      call.outputs.emplace(name, Tensor::zeros(DType::F32, value.shape()));
    for (auto &[name, value] : arguments.states)
      call.initialStates.emplace(name, value.clone());
    call.finalStates = call.initialStates;
    llvm::Error error = kernel->run(call, threads);
    ASSERT_FALSE(static_cast<bool>(error)) << llvm::toString(std::move(error));
    for (auto &[name, value] : expected->outputs)
      expectNear(name, call.outputs.at(name), value, {});
    for (auto &[name, value] : expected->states)
      expectNear("state." + name, call.finalStates.at(name), value, {});
  }

  std::unique_ptr<Description> description;
  RecurrenceOp recurrence;
  std::unique_ptr<CpuKernel> kernel;
};

constexpr const char *average = R"(
recurrence average {
  dim batch, channel
  scan time
  input u [batch, time, channel]
  input a [channel, time]
  state h [batch, channel]
  state g [channel]
  g = 0.5 * prev(g) + a
  h = 0.5 * prev(h) + g * prev(u, 3)
  output y [batch, time, channel] = h
  output z [time, channel] = g + prev(g, 2)
}
)";
} // namespace

TEST_F(CpuKernelStates, OfTensorsThatLackAParallelDimensionAreWrittenOnce) {
  compile(average, {});
  if (HasFatalFailure())
    return;
  for (int64_t time : {0, 1, 2, 3, 4, 37})
    for (int64_t batch : {1, 5})
      for (int64_t channel : {1, 15, 33}) {
        RunOptions options;
        options.threads = 2;
        check({{"batch", batch}, {"channel", channel}, {"time", time}}, options);
        if (HasFatalFailure())
          return;
      }
}

/// Decoding updates the state where it stands. Every task has to read its initial state before any task writes it.
TEST_F(CpuKernelStates, MayBeUpdatedInPlace) {
  compile(average, {});
  for (unsigned threads : {1u, 2u})
    if (!HasFatalFailure())
      checkInPlace({{"batch", 6}, {"channel", 37}, {"time", 5}}, threads);
}

/// A state that lacks the dimension of a loop around time is handed back by the last tile, when none reads the initial
/// one any more.
TEST_F(CpuKernelStates, MayBeUpdatedInPlaceByTheLastTileOfALoop) {
  for (const char *schedule : {"a=loop,lane:8; b=reg; time=loop", "b=loop; a=loop,lane:4,reg:2; time=loop",
                               "a=loop,lane:16; time=loop; b=loop"}) {
    SCOPED_TRACE(schedule);
    compile("recurrence r {\n  dim a, b\n  scan time\n  input u [time, b]\n  input v [time, a]\n"
            "  state g [b]\n  state h [a]\n  g = 0.5 * prev(g) + u\n  h = 0.5 * prev(h) + v\n"
            "  output y [time, a, b] = g * h\n}\n",
            {{"a", 37}, {"b", 3}}, schedule);
    if (!HasFatalFailure())
      checkInPlace({{"a", 37}, {"b", 3}, {"time", 9}}, /*threads=*/1);
    if (HasFatalFailure())
      return;
  }
}

/// What lacks an empty dimension is computed all the same.
TEST_F(CpuKernelStates, OfTensorsThatLackAnEmptyDimensionAreComputed) {
  for (const char *schedule :
       {"auto", "batch=grid; channel=grid,lane:8; time=loop:4; load=staged; store=staged",
        "batch=loop,reg:2; channel=grid,reg:3; time=loop:4; load=staged; store=staged",
        "channel=grid:16,loop,lane:8; batch=grid; time=loop", "batch=loop; time=loop; channel=grid:16,loop:8,lane:8",
        "time=grid:4,loop:2; batch=grid,reg:2; channel=grid:16,loop,lane:8"}) {
    SCOPED_TRACE(schedule);
    compile(average, {}, schedule);
    for (const char *empty : {"batch", "channel"})
      for (Memory memory : {Memory::AfterForbidden, Memory::BeforeForbidden, Memory::Transposed}) {
        Sizes sizes = {{"batch", 5}, {"channel", 19}, {"time", 9}};
        sizes[empty] = 0;
        RunOptions options;
        options.memory = [&](size_t) { return memory; };
        if (!HasFatalFailure())
          check(sizes, options);
      }
    if (HasFatalFailure())
      return;
  }
}

TEST_F(CpuKernelStates, AreRightBackwardsInTime) {
  for (const char *schedule :
       {"channel=grid,lane:16; time=loop:16; load=staged; store=staged", "channel=grid,lane:4; load=direct"}) {
    compile("recurrence r {\n  dim channel\n  scan time reverse\n  input u [channel, time]\n  state h [channel]\n"
            "  h = 0.5 * prev(h) + u + 0.1 * index(time)\n  output y [channel, time] = h + prev(u, 2)\n}\n",
            {}, schedule);
    if (HasFatalFailure())
      return;
    for (int64_t time : {0, 1, 15, 16, 17, 48, 53})
      for (int64_t channel : {1, 16, 35}) {
        check({{"channel", channel}, {"time", time}});
        if (HasFatalFailure())
          return;
      }
  }
}

TEST_F(CpuKernelStates, OfDelayWindowsCarryAnyNumberOfSteps) {
  for (int64_t tap : {1, 2, 4, 17}) {
    compile("recurrence r {\n  dim channel, tap\n  scan time\n  input u [time, channel]\n  input w [channel, tap]\n"
            "  past = delay(u, tap)\n  output y [time, channel] = sum[tap](flip(w, tap) * past)\n}\n",
            {{"tap", tap}});
    if (HasFatalFailure())
      return;
    for (int64_t time : {0, 1, 3, 16, 37}) {
      check({{"channel", 19}, {"tap", tap}, {"time", time}});
      if (HasFatalFailure())
        return;
    }
  }
}

TEST_F(CpuKernelStates, AreRightThroughFlipsRenamesAndReductions) {
  for (int64_t state : {1, 5, 16, 17}) {
    compile(
        "recurrence r {\n  dim channel, state, col like state\n  scan time\n  input u [channel, time]\n"
        "  input A [state, col]\n  input B [state]\n  state h [channel, state]\n"
        "  h = 0.3 * flip(prev(h), state) + mean[col](A * rename(prev(h), state: col)) + B * u\n"
        "  output y [channel, time] = max[state](h) - max[state](-h) + mean[state](h * index(state)) / size(state)\n"
        "  output z [time, channel, col] = flip(rename(h, state: col), col)\n}\n",
        {{"state", state}});
    if (HasFatalFailure())
      return;
    check({{"channel", 19}, {"state", state}, {"time", 20}});
    if (HasFatalFailure())
      return;
  }
}

TEST_F(CpuKernelStates, AreExactInF64) {
  compile("recurrence r {\n  dim channel, state = 9\n  scan time\n  input u [channel, time] : f64\n"
          "  input A [channel, state] : f64\n  state h [channel, state] : f64\n"
          "  h = exp(-abs(A)) * prev(h) + sin(u) * A\n  output y [channel, time] : f64 = sum[state](tanh(h))\n}\n",
          {});
  if (HasFatalFailure())
    return;
  // 37 steps of f64's own rounding.
  RunOptions options;
  options.tolerance = 1e-14;
  options.memory = [](size_t tensor) { return allMemories[tensor % std::size(allMemories)]; };
  check({{"channel", 21}, {"state", 9}, {"time", 37}}, options);
}

TEST_F(CpuKernelStates, AreComplexWhereDeclared) {
  compile("recurrence r {\n  dim channel, state = 9\n  scan time\n  input u [channel, time] : complex<f32>\n"
          "  input A [state] : complex<f32>\n  state h [channel, state] : complex<f32>\n"
          "  h = 0.9 * exp(complex(0, im(A))) * prev(h) + u / (2 + A)\n"
          "  output y [channel, time] : complex<f32> = conj(sum[state](h)) * abs(sum[state](h))\n}\n",
          {});
  if (HasFatalFailure())
    return;
  for (Memory memory : allMemories) {
    RunOptions options;
    options.memory = [&](size_t) { return memory; };
    check({{"channel", 19}, {"state", 9}, {"time", 37}}, options);
    if (HasFatalFailure())
      return;
  }
}

/// Inputs are rounded before the interpreter sees them, so all that is left is one rounding of each result: half a unit
/// of the last place (see roundingOf), on top of f32's.
class CpuKernelTypes : public CpuKernelStates,
                       public testing::WithParamInterface<std::tuple<std::string, std::string>> {};

TEST_P(CpuKernelTypes, RoundOnlyWhatIsStored) {
  auto [model, dtype] = GetParam();
  auto text = llvm::MemoryBuffer::getFile(SSM_SOURCE_DIR "/models/" + model + ".ssm");
  ASSERT_TRUE(static_cast<bool>(text));
  Description names = parseLanguage((*text)->getBuffer());
  Sizes sizes;
  for (auto dim : names.recurrence().getDims().getAsRange<DimAttr>())
    if (!dim.getLike())
      sizes[dim.getName().str()] = 3;
  for (const char *large : {"channel", "member", "value", "headdim"})
    if (sizes.contains(large))
      sizes[large] = 21;
  sizes["time"] = 37;
  compile((*text)->getBuffer().str(), sizes, "auto", dtype);
  if (HasFatalFailure())
    return;
  for (Memory memory : allMemories) {
    InterpreterArguments arguments = argumentsFor(recurrence, model, sizes, true, 7);
    auto expected = interpret(recurrence, arguments);
    ASSERT_TRUE(static_cast<bool>(expected)) << llvm::toString(expected.takeError());
    RunOptions options;
    options.memory = [&](size_t) { return memory; };
    runAndCompare(*kernel, recurrence, arguments, *expected, options);
    if (HasFatalFailure())
      return;
  }
}

INSTANTIATE_TEST_SUITE_P(Library, CpuKernelTypes,
                         testing::Combine(testing::ValuesIn(libraryModels()), testing::Values("bf16", "f16", "f64")),
                         [](const auto &info) { return std::get<0>(info.param) + "_" + std::get<1>(info.param); });
