// The cost model: it grows with the work, knows what fills a machine, and counts what the emulated device counts.

#include "schedule/CostModel.h"
#include "codegen/binding/Binding.h"
#include "codegen/emulator/EmulatedKernel.h"
#include "test/unit/Prepared.h"

using namespace ssm;
using namespace ssm::test;

namespace {
const Target avx512, gpu = {.gpu = true, .cores = 132};

Prediction onCpu(const Prepared &prepared, llvm::StringRef schedule, int64_t threads = 1) {
  auto model = makeCpuCostModel(prepared.source(), avx512, {}, threads);
  return model->predict(
      llvm::cantFail(placeCandidate(prepared.source(), avx512, llvm::cantFail(parseSchedule(schedule)))));
}

Prediction onGpu(const Prepared &prepared, llvm::StringRef schedule) {
  auto model = makeGpuCostModel(prepared.source(), gpu, {}, 90);
  return model->predict(
      llvm::cantFail(placeCandidate(prepared.source(), gpu, llvm::cantFail(parseSchedule(schedule)))));
}

Prepared mamba(int64_t member, int64_t time) {
  return prepareModel("mamba1", {{"batch", 1}, {"group", 1}, {"member", member}, {"time", time}});
}

/// Inputs of quarters, and memory for outputs.
KernelArguments quarters(RecurrenceOp recurrence) {
  KernelArguments arguments;
  for (auto input : recurrence.getBody().front().getOps<InputOp>()) {
    Tensor tensor = Tensor::zeros(dtypeOf(*input.getStored()), *shapeOf(recurrence, input.getLayout()));
    forEachOffset(tensor, [&](int64_t offset) { tensor.setReal(offset, 0.25); });
    arguments.inputs.emplace(input.getName().str(), tensor);
  }
  for (auto output : recurrence.getBody().front().getOps<OutputOp>())
    arguments.outputs.emplace(output.getName().str(),
                              Tensor::zeros(dtypeOf(*output.getStored()), *shapeOf(recurrence, output.getLayout())));
  return arguments;
}

double operations(const Prediction &prediction, llvm::StringRef kind) {
  for (const auto &[name, count] : prediction.operations)
    if (name == kind)
      return count;
  ADD_FAILURE() << "no " << kind.str();
  return 0;
}
} // namespace

TEST(CostModel, OfACpuGrowsWithTheWork) {
  const char *schedule = "member=grid,lane:16; state=reg; time=loop:32; load=staged; store=staged";
  double one = onCpu(mamba(256, 256), schedule).seconds, longer = onCpu(mamba(256, 1024), schedule).seconds,
         wider = onCpu(mamba(1024, 256), schedule).seconds;
  EXPECT_NEAR(longer / one, 4, 0.5);
  EXPECT_NEAR(wider / one, 4, 0.5);
  EXPECT_LT(onCpu(mamba(1024, 256), schedule, 2).seconds, 0.6 * wider);
}

TEST(CostModel, OfACpuPrefersFullLanesAndStatesInRegisters) {
  Prepared prepared = mamba(512, 512);
  double best = onCpu(prepared, "member=grid,lane:16; state=reg; time=loop:32; load=staged; store=staged").seconds;
  for (const char *worse :
       {"member=grid,lane:8; state=reg; time=loop:32; load=staged; store=staged",
        "member=grid,lane:16; state=reg; time=loop",
        "member=grid,lane:16,reg:8; state=reg; time=loop:32; load=staged; store=staged",
        "member=grid; state=reg; time=loop:32; load=staged; store=staged", "member=grid; time=loop; state=loop,reg:1"})
    EXPECT_GT(onCpu(prepared, worse).seconds, 1.05 * best) << worse;
}

TEST(CostModel, LoopsOfOnePhaseAreNotAroundAnother) {
  // Inputs are mixed in one phase and outputs in the next: whichever loop is named first, each runs through its own.
  Prepared prepared = prepareForSpace(parseLanguage(R"(recurrence r {
  dim batch = 1, state = 64, in = 64, out = 64, time = 256
  scan time
  input u [batch, time, in]
  input B [state, in]
  input C [out, state]
  state h [batch, state]
  h = 0.9 * prev(h) + sum[in](B * u)
  output y [batch, time, out] = sum[state](C * h)
})"),
                                      {});
  Prediction forth = onCpu(prepared, "batch=grid; time=loop; state=lane:16,reg:4; in=loop,reg:4; out=loop,reg:4"),
             back = onCpu(prepared, "batch=grid; time=loop; state=lane:16,reg:4; out=loop,reg:4; in=loop,reg:4"),
             apart = onCpu(prepared, "batch=grid; time=loop; state=lane:16,reg:4; in=loop,reg:4; out=grid,reg:4");
  EXPECT_EQ(operations(forth, "vector"), operations(back, "vector"));
  EXPECT_EQ(forth.seconds, back.seconds);
  // Four vectors of states times 64 inputs and 64 outputs at each of 256 steps: products and sums, and little else.
  EXPECT_NEAR(operations(forth, "vector"), 2 * 4 * 128 * 256, 0.1 * 2 * 4 * 128 * 256);
  // A task for each four outputs mixes the inputs anew.
  EXPECT_GT(operations(apart, "vector"), 7 * operations(forth, "vector"));
}

TEST(CostModel, SaysWhyInWords) {
  Prediction prediction = onCpu(mamba(512, 512), "member=grid,lane:16; state=reg; time=loop:32; load=staged");
  std::vector<std::string> lines = predictionTexts(prediction);
  ASSERT_GT(lines.size(), 2u);
  EXPECT_NE(lines[0].find("predicted, most of it arithmetic"), std::string::npos) << lines[0];
  EXPECT_NE(lines[1].find("vector operations"), std::string::npos) << lines[1];
  for (size_t number = 1; number < prediction.terms.size(); ++number)
    EXPECT_LE(prediction.terms[number].seconds, prediction.terms[number - 1].seconds);
}

TEST(CostModel, OfAGpuKnowsWaves) {
  // Blocks of 128 threads: as many as fit at once, and one more.
  const char *schedule = "member=grid,thread:128; state=reg; time=loop:4,reg:4";
  Prediction one = onGpu(mamba(128 * 132, 1024), schedule);
  ASSERT_GT(one.residentBlocks, 1);
  int64_t full = 128 * 132 * one.residentBlocks;
  Prediction filled = onGpu(mamba(full, 1024), schedule), over = onGpu(mamba(full + 1, 1024), schedule);
  EXPECT_EQ(filled.waves, 1);
  EXPECT_EQ(over.waves, 2);
  EXPECT_GT(over.seconds, filled.seconds);
  EXPECT_EQ(one.waves, 1);
  EXPECT_EQ(one.threads, 128);
}

TEST(CostModel, OfAGpuSplitsStatesOverLanesWhereThreadsAreFew) {
  const char *whole = "member=grid,thread:128; state=reg; time=loop:32,reg:8; load=staged; store=staged",
             *split = "member=grid,thread:32; state=lane:4,reg:4; time=loop:64,reg:8; at(free)=stage; at(y)=store";
  Prepared few = mamba(1024, 2048);
  EXPECT_LT(onGpu(few, split).seconds, onGpu(few, whole).seconds);
}

TEST(CostModel, OfAGpuSharesWhatMatricesRead) {
  Prepared prepared = prepareModel("retnet", {{"batch", 8}, {"head", 16}, {"key", 64}, {"value", 64}, {"time", 2048}});
  const char *direct = "key=lane:4,reg:16; value=grid,thread:32; time=loop",
             *tiles = "key=lane:8,reg:8; value=grid,thread:16,reg:2; time=loop:32,reg:4; at(free)=stage";
  EXPECT_LT(onGpu(prepared, tiles).seconds, 0.7 * onGpu(prepared, direct).seconds);
}

TEST(CostModel, RealRegistersChangeWhatFits) {
  Prepared prepared = mamba(4096, 512);
  auto model = makeGpuCostModel(prepared.source(), gpu, {}, 90);
  Candidate candidate = llvm::cantFail(placeCandidate(
      prepared.source(), gpu, llvm::cantFail(parseSchedule("member=grid,thread:128; state=reg; time=loop:4,reg:4"))));
  EXPECT_GT(model->predict(candidate, {32, 0}).residentBlocks, model->predict(candidate, {200, 0}).residentBlocks);
  EXPECT_EQ(model->predict(candidate, {64, 1 << 20}).residentBlocks, 0);
}

TEST(CostModel, OfAGpuCountsWhatTheEmulatedDeviceCounts) {
  for (const char *schedule :
       {"member=grid,thread:32; state=reg; time=loop", "member=grid,thread:32; state=reg; time=loop:8,reg:8",
        "member=grid,thread:8; state=lane:4,reg:4; time=loop",
        "member=grid,thread:32; state=reg; time=loop:32,reg:8; load=staged; store=staged",
        "member=grid,thread:8; state=lane:4,reg:4; time=loop:32,reg:8; at(free)=stage; at(y)=store"}) {
    Prepared prepared = mamba(64, 64);
    Prediction predicted = onGpu(prepared, schedule);
    EmulatorOptions options;
    options.statistics = true;
    options.checkAccesses = false;
    auto kernel = llvm::cantFail(compileForEmulator(prepared.recurrence(), schedule, options));
    llvm::cantFail(kernel->run(quarters(prepared.recurrence())));
    emulator::OperationCounts sum;
    for (const emulator::KernelStatistics &one : kernel->statistics().kernels)
      for (size_t kind = 0; kind < emulator::operationKinds; ++kind)
        sum.counts[kind] += one.operations.counts[kind];
    double special = sum[emulator::OperationKind::Special], shuffles = sum[emulator::OperationKind::Shuffle],
           arithmetic = sum[emulator::OperationKind::Fma] + sum[emulator::OperationKind::Float32];
    // Lanes that store nothing skip what follows a sum; their warp waits for it all the same, and the model counts
    // them.
    EXPECT_NEAR(operations(predicted, "special") / special, 1, 0.3) << schedule;
    EXPECT_NEAR(operations(predicted, "arithmetic") / arithmetic, 1, 0.35) << schedule;
    EXPECT_NEAR(operations(predicted, "shuffle"), shuffles, 0.25 * shuffles + 1) << schedule;
  }
}
