// GPU kernels against the interpreter: the LLVM module that becomes PTX, run thread by thread on this processor.

#include "AssembleKernel.h"
#include "CpuKernelRun.h"
#include "passes/Specialize.h"
#include "test/support/RandomArguments.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

using namespace mlir;
using namespace ssm;
using namespace ssm::test;

namespace {
/// All of f32's rounding over some 40 steps of a recurrence that forgets; ex2.approx is off by 2 units in the last
/// place.
constexpr double tolerance = 2e-5;

std::vector<std::string> libraryFiles() {
  std::vector<std::string> files;
  std::error_code error;
  for (llvm::sys::fs::directory_iterator it(SSM_SOURCE_DIR "/models", error), end; it != end && !error;
       it.increment(error))
    if (llvm::sys::path::extension(it->path()) == ".ssm")
      files.push_back(llvm::sys::path::filename(it->path()).str());
  llvm::sort(files);
  return files;
}

void runModel(const std::string &file, const std::string &schedule, int64_t steps = 41, bool reverse = false) {
  Description description = parseFile(SSM_SOURCE_DIR "/models/" + file);
  ASSERT_TRUE(description) << description.errors;
  RecurrenceOp recurrence = description.recurrence();
  SpecializeParameters parameters;
  // Summed dimensions keep small sizes, so that the test is quick; 37 coordinates leave threads over in a block of 64.
  for (auto dim : recurrence.getDims().getAsRange<DimAttr>())
    if (!dim.getLike())
      parameters.dims[dim.getName().str()] = dim.getSize() ? 7 : 5;
  parameters.dims[recurrence.getScan().str()] = steps;
  if (reverse)
    parameters.options["reverse"] = "true";
  ASSERT_TRUE(succeeded(specialize(recurrence, parameters)));
  PassManager passes(description.context.get());
  passes.addNestedPass<RecurrenceOp>(createDiscretize());
  ASSERT_TRUE(succeeded(passes.run(*description.module)));

  // Fewer blocks than tasks: blocks stride.
  EmulatorOptions options;
  options.blocks = 3;
  auto gpu = compileForEmulator(recurrence, schedule, options);
  ASSERT_TRUE(static_cast<bool>(gpu)) << llvm::toString(gpu.takeError());
  expectAssembles(recurrence, schedule);
  if (testing::Test::HasFatalFailure())
    return;
  RunOptions run;
  run.tolerance = tolerance;
  for (unsigned given : {0u, 100u}) {
    InterpreterArguments arguments = randomArguments(recurrence, parameters.dims, 1 + given,
                                                     {.optionalInputs = 100, .states = given, .magnitude = 0.5});
    auto expected = interpret(recurrence, arguments);
    ASSERT_TRUE(static_cast<bool>(expected)) << llvm::toString(expected.takeError());
    runAndCompare(**gpu, recurrence, arguments, *expected, run);
  }
}

class GpuKernel : public testing::TestWithParam<std::string> {};
} // namespace

TEST_P(GpuKernel, GivesTheInterpretersResult) { runModel(GetParam(), "auto"); }

INSTANTIATE_TEST_SUITE_P(Library, GpuKernel, testing::ValuesIn(libraryFiles()),
                         [](const auto &info) { return llvm::sys::path::stem(info.param).str(); });

/// Threads hold tiles of dimensions on loops; states of such dimensions stand in each thread's own memory.
TEST(GpuKernelLoops, GiveTheInterpretersResult) {
  const std::pair<const char *, const char *> schedules[] = {
      {"ema2.ssm", "channel=grid:16,loop,thread:2,reg:2; time=loop"},
      {"mamba1.ssm", "member=loop,thread:4; time=loop; state=reg"},
      {"mamba1.ssm", "member=grid,thread:4; time=loop; state=loop,reg:2"},
      {"deltanet.ssm", "value=grid,thread:4; time=loop; key=loop,reg:2"},
      {"deltanet.ssm", "head=grid,thread:2; time=loop; value=loop,reg:3; key=loop"},
      {"s4.ssm", "channel=grid,thread:32; time=loop; state=loop; col=loop,reg:4"},
      {"s4d.ssm", "channel=grid,thread:32; time=loop; state=loop,reg:4"},
  };
  for (auto [file, schedule] : schedules) {
    SCOPED_TRACE(schedule);
    runModel(file, schedule);
    if (HasFatalFailure())
      return;
  }
}

/// Time tiles through shared memory, and several steps of memory along time in one access. In 44 steps there are whole
/// tiles and a part of one; rows of 41 f32 begin anywhere, so that the variant for any memory runs.
TEST(GpuKernelStages, GiveTheInterpretersResult) {
  const std::pair<const char *, const char *> schedules[] = {
      {"mamba1.ssm", "member=grid,thread:4; time=loop,reg:4; state=reg"},
      {"mamba1.ssm", "member=grid,thread:4; time=loop,reg:6; state=lane:4,reg"},
      {"mamba1.ssm", "member=grid,thread:4; time=loop:16,reg:8; state=reg; load=staged; store=staged"},
      {"mamba1.ssm", "member=grid,thread:4; time=loop:16,reg:8; state=reg; load=staged; store=staged; at(free)=stage"},
      {"mamba1.ssm", "member=grid,thread:4; time=loop:8; state=lane:2,reg; load=staged; store=staged; at(free)=stage"},
      {"mamba1.ssm", "member=grid,thread:8; time=loop:16,reg:4; state=lane:4,reg; at(free)=stage; at(y)=store"},
      {"mamba1.ssm", "member=grid:3,loop,thread:3; time=loop:16,reg:8; state=lane:4,reg; at(free)=stage; at(y)=store"},
      {"mamba1.ssm", "member=grid,thread:2,reg:2; time=loop:8,reg:8; state=lane:8; load(u,z)=staged; at(y)=store"},
      {"mamba1.ssm", "member=grid,thread:2; time=grid:16,loop:8,reg:4; state=lane:2,reg; load=staged; store=staged"},
      {"mamba1.ssm", "member=grid; time=loop:32,reg:16; state=thread:4,reg; load=staged; at(free)=stage; at(y)=store"},
  };
  for (auto [file, schedule] : schedules)
    for (int64_t steps : {44, 41, 3}) {
      SCOPED_TRACE(std::string(schedule) + ", " + std::to_string(steps) + " steps");
      runModel(file, schedule, steps);
      if (HasFatalFailure())
        return;
      runModel(file, schedule, steps, /*reverse=*/true);
      if (HasFatalFailure())
        return;
    }
}

/// Time in chunks over the grid: three kernels, one after another.
TEST(GpuKernelChunks, GiveTheInterpretersResult) {
  const std::pair<const char *, const char *> schedules[] = {
      {"mamba1.ssm", "member=grid,thread:4; time=grid:8; state=reg"},
      {"mamba1.ssm", "member=grid; time=grid:16,lane:8; state=reg"},
      {"mamba1.ssm", "member=grid; time=grid:24,thread:3,lane:2,reg:2; state=lane:4,reg"},
      {"mamba1.ssm", "member=grid,thread:2; time=grid:10,loop:5; state=loop,reg:2"},
      {"gla.ssm", "value=grid,thread:2; time=grid:12; key=lane:4,reg"},
      {"ema2.ssm", "channel=grid,thread:32; time=grid:7"},
      {"s4.ssm", "channel=grid,lane:4; time=grid:20; state=reg; col=reg"},
  };
  for (auto [file, schedule] : schedules) {
    SCOPED_TRACE(std::string(file) + " " + schedule);
    runModel(file, schedule);
    if (HasFatalFailure())
      return;
  }
}

/// Threads that hand each other sums and steps, in a warp and beyond; 7 and 41 leave parts of them over.
TEST(GpuKernelThreads, GiveTheInterpretersResult) {
  const std::pair<const char *, const char *> schedules[] = {
      {"mamba1.ssm", "member=grid,thread:4; time=loop; state=lane:8"},
      {"mamba1.ssm", "member=grid,thread:4; time=loop; state=lane:4,reg:2"},
      {"mamba1.ssm", "member=grid; time=loop; state=thread:2,lane:4"},
      {"mamba1.ssm", "member=grid,lane:4; time=loop; state=thread:3,reg:3"},
      {"mamba1.ssm", "member=grid; time=lane:32; state=reg"},
      {"mamba1.ssm", "member=grid,thread:2; time=lane:8,reg:3; state=reg"},
      {"mamba1.ssm", "member=grid; time=thread:3; state=reg"},
      {"mamba1.ssm", "member=grid; time=thread:2,lane:8,reg:2; state=reg"},
      {"mamba1.ssm", "member=grid; time=reg:4; state=lane:8"},
      {"mamba1.ssm", "member=grid; time=loop:16,lane:8,reg; state=thread:2,lane:4"},
      {"s4d.ssm", "channel=grid; time=lane:16; state=lane:2,reg"},
      {"ema2.ssm", "channel=grid,thread:2; time=lane:16,reg:2"},
      {"ema2.ssm", "channel=grid; time=thread:2,lane:4,reg:2"},
      {"deltanet.ssm", "value=grid,thread:4; time=loop; key=lane:8"},
      {"deltanet.ssm", "value=grid,lane:4; time=loop; key=thread:2,lane:2,reg"},
      {"s4.ssm", "channel=grid; time=lane:4; state=reg; col=reg"},
      {"s4.ssm", "channel=grid,lane:8; time=loop; state=loop,reg:2; col=reg"},
      {"gla.ssm", "value=grid; key=lane:4,reg; time=thread:2,lane:2,reg:2"},
      {"mamba2.ssm", "headdim=grid,thread:2; time=loop; state=lane:4,reg"},
  };
  for (auto [file, schedule] : schedules) {
    SCOPED_TRACE(std::string(file) + " " + schedule);
    runModel(file, schedule);
    if (HasFatalFailure())
      return;
  }
}

/// Blocks, warps and lanes in a thousand orders: the same bits. Sums over lanes and warps, steps over both, and chunks
/// over the grid.
TEST(GpuKernelOrder, DoesNotMatter) {
  Description description = parseFile(SSM_SOURCE_DIR "/models/mamba1.ssm");
  ASSERT_TRUE(description) << description.errors;
  RecurrenceOp recurrence = description.recurrence();
  const std::map<std::string, int64_t> sizes = {{"batch", 1}, {"group", 1}, {"member", 3}, {"state", 4}, {"time", 29}};
  SpecializeParameters parameters;
  parameters.dims = sizes;
  ASSERT_TRUE(prepare(description, parameters));
  InterpreterArguments arguments =
      randomArguments(recurrence, sizes, 1, {.optionalInputs = 100, .states = 0, .magnitude = 0.5});
  auto expected = interpret(recurrence, arguments);
  ASSERT_TRUE(static_cast<bool>(expected)) << llvm::toString(expected.takeError());
  EmulatorOptions options;
  options.residentBlocks = 5;
  auto gpu =
      compileForEmulator(recurrence, "member=grid,reg:2; time=grid:12,thread:3,lane:2; state=thread:2,lane:2", options);
  ASSERT_TRUE(static_cast<bool>(gpu)) << llvm::toString(gpu.takeError());
  KernelArguments call;
  call.sizes = sizes;
  call.inputs = arguments.inputs;
  const auto &[name, reference] = *expected->outputs.begin();
  std::vector<char> first;
  for (uint64_t seed = 0; seed < 1000; ++seed) {
    Tensor y = Tensor::zeros(DType::F32, reference.shape());
    call.outputs.insert_or_assign(name, y);
    llvm::Error error = (*gpu)->run(call, seed);
    ASSERT_FALSE(static_cast<bool>(error)) << llvm::toString(std::move(error));
    const char *data = static_cast<const char *>(y.data());
    std::vector<char> bits(data, data + y.numElements() * sizeof(float));
    if (seed == 0)
      first = bits;
    ASSERT_EQ(bits, first) << "seed " << seed;
  }
  expectNear(name, call.outputs.at(name), reference, {});
}
