// A schedule never changes the result beyond rounding: every model under schedules that differ in kind.

#include "CpuKernelRun.h"

using namespace mlir;
using namespace ssm;
using namespace ssm::test;

namespace {
struct Scheduled {
  const char *model, *schedule;
};

/// Sizes that none of the tiles divides; the scanned dimension has more steps than a time tile of 16 or 33 holds whole.
const std::map<std::string, int64_t> sizes = {{"batch", 2},     {"channel", 21}, {"group", 2},  {"member", 19},
                                              {"per_group", 3}, {"headdim", 7},  {"state", 11}, {"head", 3},
                                              {"key", 9},       {"value", 21},   {"time", 50}};

const Scheduled schedules[] = {
    // Lanes over a parallel dimension, without and with registers, and none at all.
    {"ema2", "channel=grid,lane:16"},
    {"ema2", "channel=grid,lane:4,reg:3; time=loop:16"},
    {"ema2", "batch=grid,reg:2; channel=grid,lane:8,reg:2; load=direct"},
    {"ema2", "batch=grid,lane:4; channel=grid,reg:5"},
    {"ema2", "channel=grid"},
    {"ema2", "batch=reg:2; channel=lane:16,reg:2"},
    // Lanes of any number.
    {"ema2", "channel=grid,lane:3"},
    {"ema2", "channel=grid,lane:17,reg:2"},
    {"mamba1", "member=grid,reg:2; state=lane:5,reg:3; time=loop:16; load=staged; store=staged"},
    {"gla", "value=grid; key=lane:7,reg:2"},
    {"lstm_cell_scan", "channel=grid,lane:16; time=loop:33"},
    {"lstm_cell_scan", "batch=grid,lane:2; channel=grid,reg:3"},
    {"mingru", "channel=grid,lane:16,reg:2; load=staged; store=staged; time=loop:16"},
    {"mingru", "batch=reg; channel=grid"},
    {"rglru", "channel=grid,lane:8; time=loop:1"},
    {"rglru", "batch=grid,reg:3; channel=grid,lane:16"},
    // A summed dimension on registers or lanes; tensors along time, read directly or through scratch.
    {"mamba1", "member=grid,lane:16; state=reg; time=loop:16; load=staged; store=staged"},
    {"mamba1", "member=grid,lane:16; state=reg; time=loop:33; load=staged; store=direct"},
    {"mamba1", "member=grid,lane:16; state=reg:11; load=direct; store=direct"},
    {"mamba1", "member=grid,lane:16; state=reg:13; time=loop:16; load=direct; store=staged"},
    {"mamba1", "member=grid; state=lane:16; time=loop:16; load=staged; store=staged"},
    {"mamba1", "member=grid,reg:4; state=lane:8,reg:2; time=loop:64; load=staged; store=staged"},
    {"mamba1", "member=grid,reg:3; state=lane:4,reg:3"},
    {"mamba1", "batch=grid,reg:2; member=grid,lane:8; state=reg; time=loop:16; load=staged; store=staged"},
    {"mamba1", "group=grid,lane:4; member=grid,reg:2; state=reg; time=loop:33; load=staged; store=staged"},
    {"mamba1",
     "batch=grid,lane:2; group=grid,reg:2; member=grid,reg:2; state=reg; time=loop:16; load=staged; store=staged"},
    {"mamba1", "member=grid,lane:16,reg:2; state=reg; time=loop:16; load=staged; store=staged"},
    {"mamba2", "headdim=grid,reg:2; state=lane:16"},
    {"mamba2", "headdim=grid,lane:4; state=reg"},
    {"mamba2", "headdim=grid,lane:4,reg:2; per_group=grid,reg:2; state=reg:12"},
    {"mamba2", "per_group=grid,lane:2; headdim=grid,reg:4; state=reg"},
    {"mamba2", "batch=grid,lane:16; state=reg"},
    // A dimension that is moved along, on registers and on lanes, and both names of an extent on different levels.
    {"s4", "channel=grid,lane:16; state=reg; col=reg; time=loop:16; load=staged; store=staged"},
    {"s4", "channel=grid; state=lane:16; col=reg"},
    {"s4", "channel=grid; state=reg; col=lane:16"},
    {"s4", "channel=grid,reg:2; state=lane:4,reg:3; col=reg:11"},
    {"s4", "channel=grid; state=reg; col=lane:8,reg:2"},
    // Complex states.
    {"s4d", "channel=grid,lane:16; state=reg; time=loop:16; load=staged; store=staged"},
    {"s4d", "channel=grid,reg:2; state=lane:8,reg:2"},
    {"s4d", "batch=grid,lane:2; channel=grid,reg:2; state=reg; time=loop:33; load=staged; store=staged"},
    {"s4d", "channel=grid; state=lane:16"},
    // Matrix states: rows, columns and blocks of them.
    {"deltanet", "value=grid,lane:16; key=reg"},
    {"deltanet", "value=grid; key=lane:16"},
    {"deltanet", "value=grid,reg:4; key=lane:4,reg:3"},
    {"deltanet", "value=grid,lane:8,reg:2; key=reg:9; time=loop:16"},
    {"deltanet", "value=lane:8,reg:3; key=reg"},
    {"gla", "value=grid,lane:16; key=reg"},
    {"gla", "value=grid,reg:3; key=lane:16"},
    {"gla", "head=grid,lane:4; value=grid,reg:2; key=reg"},
    {"retnet", "value=grid,lane:16,reg:2; key=reg"},
    {"retnet", "batch=grid,reg:2; head=grid,reg:2; value=grid,reg:2; key=lane:8,reg:2"},
};

class CpuKernelSchedules : public testing::TestWithParam<Scheduled> {};
} // namespace

TEST_P(CpuKernelSchedules, GiveTheInterpretersResult) {
  auto [model, schedule] = GetParam();
  SCOPED_TRACE(schedule);
  Description description = parseFile(std::string(SSM_SOURCE_DIR "/models/") + model + ".ssm");
  ASSERT_TRUE(description) << description.errors;
  RecurrenceOp recurrence = description.recurrence();
  SpecializeParameters parameters;
  for (auto dim : recurrence.getDims().getAsRange<DimAttr>())
    if (!dim.getLike())
      parameters.dims[dim.getName().str()] = sizes.at(dim.getName().str());
  ASSERT_TRUE(prepare(description, parameters));
  auto kernel = compileForCpu(recurrence, schedule);
  ASSERT_TRUE(static_cast<bool>(kernel)) << llvm::toString(kernel.takeError());
  for (bool withStates : {false, true}) {
    InterpreterArguments arguments = argumentsFor(recurrence, model, parameters.dims, withStates, 1);
    auto expected = interpret(recurrence, arguments);
    ASSERT_TRUE(static_cast<bool>(expected)) << llvm::toString(expected.takeError());
    RunOptions options;
    options.threads = 2;
    options.memory = [&](size_t tensor) {
      constexpr Memory packed[] = {Memory::AfterForbidden, Memory::PaddedRows, Memory::BeforeForbidden};
      return packed[(tensor + withStates) % 3];
    };
    // f32 over 50 steps of recurrences that forget; sums of at most 21 products.
    runAndCompare(**kernel, recurrence, arguments, *expected, options);
  }
}

INSTANTIATE_TEST_SUITE_P(Library, CpuKernelSchedules, testing::ValuesIn(schedules), [](const auto &info) {
  return std::string(info.param.model) + "_" + std::to_string(info.index);
});

TEST(CpuKernelSchedules, EveryModelHasSome) {
  for (const std::string &model : libraryModels())
    EXPECT_TRUE(llvm::any_of(schedules, [&](const Scheduled &entry) { return entry.model == model; })) << model;
}
