// Dimensions on loops, outside and inside the one over time: states in buffers, steps in phases, last tiles in part.

#include "CpuKernelRun.h"
#include "passes/ComputeType.h"
#include "passes/Specialize.h"
#include "test/support/RandomArguments.h"
#include "test/support/RandomRecurrence.h"

using namespace mlir;
using namespace ssm;
using namespace ssm::test;

namespace {
struct Scheduled {
  const char *model, *schedule;
};

const Scheduled schedules[] = {
    // A parallel dimension around the loop over time: its size need not be known.
    {"ema2", "channel=loop,lane:16; time=loop"},
    {"ema2", "batch=loop; channel=grid:32,loop,lane:8; time=loop"},
    {"mingru", "channel=grid:64,loop:32,lane:16; time=loop:16; load=staged; store=staged"},
    {"mamba1", "member=loop,lane:16; time=loop:16; state=reg; load=staged; store=staged"},
    {"rglru", "channel=loop,lane:8,reg:2; batch=grid"},
    {"deltanet", "value=loop,lane:16; time=loop; key=reg"},
    // States that are not summed over, in a buffer.
    {"ema2", "time=loop; channel=loop,lane:16"},
    {"ema2", "time=loop:16; channel=grid:32,loop,lane:8; load=staged; store=staged"},
    {"ema2", "batch=grid,lane:2; time=loop; channel=loop,reg:3"},
    {"mingru", "time=loop; channel=loop,lane:8,reg:2"},
    {"rglru", "time=loop; channel=loop,lane:16"},
    {"rglru", "time=loop; channel=grid,lane:8; batch=loop"},
    {"lstm_cell_scan", "time=loop; channel=loop,lane:16"},
    // A sum over a loop: one phase, and an accumulator in registers.
    {"mamba1", "member=grid,lane:16; time=loop:16; state=loop; load=staged; store=staged"},
    {"mamba1", "member=grid; time=loop; state=loop,lane:4,reg:2"},
    {"mamba1", "time=loop:16; member=loop,lane:16; state=reg; load=staged; store=staged"},
    {"mamba1", "time=loop:16; group=loop; member=loop,lane:8; state=loop,reg:4; load=staged; store=staged"},
    {"mamba1", "time=loop; state=loop:8,lane:4; member=loop,reg:2"},
    {"mamba2", "headdim=grid,reg:2; time=loop; state=loop,lane:16"},
    {"mamba2", "headdim=grid,lane:8; time=loop; state=loop,reg:4"},
    {"mamba2", "time=loop; headdim=loop,lane:8; state=loop,reg:4"},
    {"mamba2", "time=loop; state=loop,reg:4; headdim=loop,lane:8"},
    {"gla", "value=grid,lane:16; time=loop; key=loop,reg:4"},
    {"gla", "time=loop; value=loop,reg:2; key=loop,lane:8"},
    {"gla", "time=loop; key=loop; value=loop,lane:16"},
    {"retnet", "value=grid; time=loop; key=loop,lane:8,reg:2"},
    {"retnet", "time=loop; key=reg; value=grid:32,loop,lane:8"},
    // Nothing but the lanes is named: the scanned and the summed dimensions are on loops.
    {"retnet", "value=grid,lane:16"},
    // A sum that the state's next value waits for: two phases.
    {"deltanet", "value=grid,lane:16; time=loop; key=loop,reg:4"},
    {"deltanet", "value=grid; time=loop; key=loop,lane:8"},
    {"deltanet", "time=loop; value=loop,lane:16; key=loop,reg:2"},
    {"deltanet", "time=loop; key=loop,reg:2; value=loop,lane:16"},
    {"deltanet", "time=loop; value=loop,lane:4,reg:2; key=reg"},
    // Complex states, and values that are computed once before the first step.
    {"s4d", "channel=grid,lane:16; time=loop:16; state=loop,reg:2; load=staged; store=staged"},
    {"s4d", "channel=grid; time=loop; state=loop,lane:8"},
    {"s4d", "time=loop; state=loop,lane:8; channel=loop,reg:2"},
    // A state that is read under another name.
    {"s4", "channel=grid; time=loop; state=lane:16,reg:3; col=loop"},
    {"s4", "channel=grid; time=loop; state=lane:16,reg:3; col=loop,reg:4"},
    {"s4", "channel=grid,lane:8; time=loop; state=loop,reg:4; col=loop,reg:2"},
    {"s4", "channel=grid; time=loop; state=loop,lane:8; col=loop,reg:3"},
    {"s4", "channel=grid; time=loop; col=loop,lane:8; state=loop,reg:3"},
    {"s4", "channel=grid; time=loop; col=lane:8,reg:5; state=loop"},
    {"s4", "channel=grid,lane:16"},
};

class CpuKernelLoops : public testing::TestWithParam<Scheduled> {};

/// Runs one kernel on arguments of several lengths and batches.
void runAll(RecurrenceOp recurrence, const std::string &model, const std::string &schedule,
            std::map<std::string, int64_t> sizes, bool isBatchOpen) {
  auto kernel = compileForCpu(recurrence, schedule);
  ASSERT_TRUE(static_cast<bool>(kernel)) << llvm::toString(kernel.takeError());
  struct Extents {
    int64_t batch, time;
  };
  for (auto [batch, time] : {Extents{2, 19}, {1, 1}, {0, 5}, {1, 0}}) {
    if (!isBatchOpen && batch != 2)
      continue;
    sizes["batch"] = batch;
    sizes["time"] = time;
    bool withStates = time != 19 || sizes.begin()->second % 2;
    InterpreterArguments arguments = argumentsFor(recurrence, model, sizes, withStates, 7);
    auto expected = interpret(recurrence, arguments);
    ASSERT_TRUE(static_cast<bool>(expected)) << llvm::toString(expected.takeError());
    RunOptions options;
    options.threads = 2;
    options.memory = [&](size_t tensor) {
      constexpr Memory packed[] = {Memory::AfterForbidden, Memory::PaddedRows, Memory::BeforeForbidden};
      return packed[(tensor + withStates) % 3];
    };
    // f32 over 19 steps of recurrences that forget; sums of at most 37 products.
    runAndCompare(**kernel, recurrence, arguments, *expected, options);
    if (testing::Test::HasFatalFailure())
      return;
  }
}
} // namespace

TEST_P(CpuKernelLoops, GiveTheInterpretersResult) {
  auto [model, schedule] = GetParam();
  bool isBatchKnown = StringRef(schedule).ends_with("batch=loop");
  for (int64_t size : {1, 2, 3, 17, 37}) {
    SCOPED_TRACE(std::string(schedule) + ", size " + std::to_string(size));
    Description description = parseFile(std::string(SSM_SOURCE_DIR "/models/") + model + ".ssm");
    ASSERT_TRUE(description) << description.errors;
    RecurrenceOp recurrence = description.recurrence();
    SpecializeParameters parameters;
    std::map<std::string, int64_t> sizes;
    for (auto dim : recurrence.getDims().getAsRange<DimAttr>()) {
      std::string name = dim.getName().str();
      bool isSmall = name == "head" || name == "group" || name == "per_group";
      if (!dim.getLike())
        sizes[name] = isSmall ? 2 : size;
      // Time and batch stay open, but for a batch that states are kept for.
      if (!dim.getLike() && name != "time" && (name != "batch" || isBatchKnown))
        parameters.dims[name] = name == "batch" ? 2 : sizes[name];
    }
    ASSERT_TRUE(prepare(description, parameters));
    runAll(recurrence, model, schedule, sizes, !isBatchKnown);
    if (HasFatalFailure())
      return;
  }
}

INSTANTIATE_TEST_SUITE_P(Library, CpuKernelLoops, testing::ValuesIn(schedules), [](const auto &info) {
  return std::string(info.param.model) + "_" + std::to_string(info.index);
});

/// A state that lacks the dimension of a loop around time is handed back by the last tile, when none reads the initial
/// one any more, which may be the same array.
TEST(CpuKernelLoopsInPlace, AStateWithoutTheLoopsDimension) {
  Description description = parseLanguage(R"(
recurrence r {
  dim a = 37, b = 3
  scan time
  input u [time, b]
  input v [time, a]
  state g [b] : f32
  state h [a] : f32
  g = 0.5 * prev(g) + u
  h = 0.5 * prev(h) + v
  output y [time, a, b] = g * h
}
)");
  ASSERT_TRUE(description) << description.errors;
  RecurrenceOp recurrence = description.recurrence();
  SpecializeParameters parameters;
  ASSERT_TRUE(prepare(description, parameters));
  std::map<std::string, int64_t> sizes = {{"a", 37}, {"b", 3}, {"time", 9}};
  InterpreterArguments arguments = argumentsFor(recurrence, "r", sizes, /*withStates=*/true, 5);
  auto expected = interpret(recurrence, arguments);
  ASSERT_TRUE(static_cast<bool>(expected)) << llvm::toString(expected.takeError());
  for (const char *schedule : {"a=loop,lane:8; b=reg; time=loop", "b=loop; a=loop,lane:4,reg:2; time=loop",
                               "a=loop,lane:16; time=loop; b=loop"}) {
    SCOPED_TRACE(schedule);
    auto kernel = compileForCpu(recurrence, schedule);
    ASSERT_TRUE(static_cast<bool>(kernel)) << llvm::toString(kernel.takeError());
    CpuArguments call;
    call.sizes = sizes;
    for (auto &[name, tensor] : arguments.inputs)
      call.inputs.emplace(name, tensor);
    for (auto &[name, tensor] : arguments.states) {
      Tensor copy = tensor.clone();
      call.initialStates.emplace(name, copy);
      call.finalStates.emplace(name, copy);
    }
    call.outputs.emplace("y", Tensor::zeros(DType::F32, {9, 37, 3}));
    llvm::Error error = (*kernel)->run(call, 1);
    ASSERT_FALSE(static_cast<bool>(error)) << llvm::toString(std::move(error));
    // f32 over 9 steps of a recurrence that forgets.
    expectNear("y", call.outputs.at("y"), expected->outputs.at("y"), {});
    for (const char *state : {"g", "h"})
      expectNear(state, call.finalStates.at(state), expected->states.at(state), {});
  }
}

//===----------------------------------------------------------------------===//
// Random recurrences with every dimension on a loop, or some of them
//===----------------------------------------------------------------------===//

namespace {
/// Taps on registers; every other dimension on a loop, a few held whole, in any order, one of them on lanes.
std::string randomSchedule(RecurrenceOp recurrence, const std::map<std::string, int64_t> &sizes, Random &random) {
  DimensionAnalysis dims(recurrence);
  SmallVector<unsigned> order;
  for (unsigned dim = 0; dim < dims.count(); ++dim)
    if (dim != dims.scan())
      order.insert(order.begin() + random.below(order.size() + 1), dim);
  std::string outside, inside;
  bool hasLanes = false;
  DimSet held = dimsHeldWhole(recurrence, dims);
  for (unsigned dim : order) {
    std::string name = dims.name(dim).str();
    if (llvm::any_of(recurrence.getBody().front().getOps<DelayOp>(),
                     [&](DelayOp delay) { return delay.getTap() == dims.name(dim); }))
      continue;
    int64_t size = sizes.at(recurrence.extentOf(dims.name(dim)).str());
    if (size <= 4 && random.chance(20)) {
      inside += "; " + name + "=reg";
      continue;
    }
    bool isOutside = !held.contains(dim) && random.chance(25);
    std::string levels = isOutside && random.chance(50) ? "=grid,loop" : "=loop";
    int64_t lanes[] = {2, 4, 5, 8};
    if (!hasLanes && random.chance(60)) {
      levels += ",lane:" + std::to_string(random.pick(lanes));
      hasLanes = true;
    }
    if (random.chance(30))
      levels += ",reg:" + std::to_string(1 + random.below(3));
    (isOutside ? outside : inside) += "; " + name + levels;
  }
  return outside + "; " + recurrence.getScan().str() + "=loop" + inside;
}

void runSeed(uint64_t seed, const RandomRecurrenceOptions &options) {
  std::string text = randomRecurrence(seed, options);
  SCOPED_TRACE("seed " + std::to_string(seed) + "\n" + text);
  Description description = parseLanguage(text);
  ASSERT_TRUE(description) << description.errors;
  RecurrenceOp recurrence = description.recurrence();
  SpecializeParameters parameters;
  constexpr unsigned lengths[] = {0, 1, 2, 5, 19};
  parameters.dims = randomSizes(recurrence, lengths[seed % std::size(lengths)], 9, seed);
  parameters.given.emplace();
  for (auto input : recurrence.getBody().front().getOps<InputOp>())
    if (seed % 2)
      parameters.given->push_back(input.getName().str());
  ASSERT_TRUE(prepare(description, parameters));
  InterpreterArguments arguments = randomArguments(recurrence, parameters.dims, seed);
  auto expected = interpret(recurrence, arguments);
  ASSERT_TRUE(static_cast<bool>(expected)) << llvm::toString(expected.takeError());
  Random random(seed);
  std::string schedule = randomSchedule(recurrence, parameters.dims, random).substr(2);
  SCOPED_TRACE(schedule + "\n" + sizesText(parameters.dims));
  auto kernel = compileForCpu(recurrence, schedule);
  ASSERT_TRUE(static_cast<bool>(kernel)) << llvm::toString(kernel.takeError());
  RunOptions run;
  run.memory = [&](size_t tensor) { return allMemories[(seed + tensor * (seed % 2)) % std::size(allMemories)]; };
  // As for random recurrences under the default schedule: some 30 operations of a step, divisions by 0.1, 19 steps.
  run.tolerance = computeType(recurrence).isF64() ? 1e-12 : 2e-4;
  run.atLeast = 1;
  runAndCompare(**kernel, recurrence, arguments, *expected, run);
}
} // namespace

class CpuKernelLoopsRandom : public testing::TestWithParam<uint64_t> {};

TEST_P(CpuKernelLoopsRandom, GivesTheInterpretersResult) {
  RandomRecurrenceOptions options;
  options.mixedTypes = GetParam() % 4 == 3;
  runSeed(GetParam(), options);
}
INSTANTIATE_TEST_SUITE_P(Seed, CpuKernelLoopsRandom, testing::Range<uint64_t>(4900, 4980));
