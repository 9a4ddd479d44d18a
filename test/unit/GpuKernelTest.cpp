// GPU kernels against the interpreter: the LLVM module that becomes PTX, run thread by thread on this processor.

#include "AssembleKernel.h"
#include "CpuKernelRun.h"
#include "passes/ChunkScan.h"
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

using Sizes = std::map<std::string, int64_t>;

/// A recurrence at small sizes, where none are given, specialized and discretized.
void prepareSized(Description &description, SpecializeParameters &parameters, int64_t steps = 41, bool reverse = false,
                  const Sizes &sizes = {}) {
  ASSERT_TRUE(description) << description.errors;
  RecurrenceOp recurrence = description.recurrence();
  // Summed dimensions keep small sizes, so that the test is quick; 37 coordinates leave threads over in a block of 64.
  for (auto dim : recurrence.getDims().getAsRange<DimAttr>())
    if (!dim.getLike())
      parameters.dims[dim.getName().str()] = dim.getSize() ? 7 : 5;
  parameters.dims[recurrence.getScan().str()] = steps;
  for (const auto &[dim, size] : sizes)
    parameters.dims[dim] = size;
  if (reverse)
    parameters.options["reverse"] = "true";
  ASSERT_TRUE(succeeded(specialize(recurrence, parameters)));
  PassManager passes(description.context.get());
  passes.addNestedPass<RecurrenceOp>(createDiscretize());
  ASSERT_TRUE(succeeded(passes.run(*description.module)));
}

void prepareModel(const std::string &file, Description &description, SpecializeParameters &parameters,
                  int64_t steps = 41, bool reverse = false) {
  description = parseFile(SSM_SOURCE_DIR "/models/" + file);
  prepareSized(description, parameters, steps, reverse);
}

void runDescription(Description description, const std::string &schedule, int64_t steps = 41, bool reverse = false,
                    const Sizes &sizes = {}) {
  SpecializeParameters parameters;
  prepareSized(description, parameters, steps, reverse, sizes);
  if (testing::Test::HasFatalFailure())
    return;
  RecurrenceOp recurrence = description.recurrence();
  // Fewer blocks than tasks: blocks stride.
  EmulatorOptions options;
  options.blocks = 3;
  auto gpu = compileForEmulator(recurrence, schedule, options);
  ASSERT_TRUE(static_cast<bool>(gpu)) << llvm::toString(gpu.takeError());
  // In reverse, and of a few steps, it is nearly the same code.
  if (!reverse && steps > 3)
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

void runModel(const std::string &file, const std::string &schedule, int64_t steps = 41, bool reverse = false,
              const Sizes &sizes = {}) {
  runDescription(parseFile(SSM_SOURCE_DIR "/models/" + file), schedule, steps, reverse, sizes);
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
      {"mamba1.ssm", "member=grid,thread:4,reg:2; time=loop:16,reg:8; state=lane:2,reg; at(free)=stage; at(y)=store; "
                     "stages=2"},
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

/// The same where memory runs along other dimensions than time: whole tiles and parts of them, in sizes that take wide
/// accesses and in such that do not (7, where none are given), with gaps between runs (64) and without.
TEST(GpuKernelStagesAcross, GiveTheInterpretersResult) {
  const Sizes wide = {{"batch", 2}, {"head", 1}, {"key", 64}, {"value", 8}};
  const Sizes groups = {{"batch", 1}, {"group", 2}, {"per_group", 3}, {"headdim", 8}, {"state", 16}};
  const struct {
    const char *file, *schedule;
    Sizes sizes;
  } cases[] = {
      {"retnet.ssm", "key=lane:4,reg; value=grid,thread:2,reg:2; time=loop:8,reg:4; at(free)=stage", {}},
      {"retnet.ssm", "key=lane:8,reg; value=grid,thread:4,reg:2; time=loop:8,reg:4; at(free)=stage", wide},
      {"gla.ssm", "key=lane:2,reg; value=grid,thread:8; time=loop:8,reg:2; at(free)=stage", {}},
      {"gla.ssm", "key=lane:16,reg; value=grid,thread:2,reg:4; time=loop:16,reg:4; at(free)=stage; vec=8", wide},
      {"deltanet.ssm", "key=thread:4,reg; value=grid,reg:4; time=loop:16; load=staged", {}},
      {"deltanet.ssm", "key=lane:4,reg; value=grid,thread:2,reg:2; time=loop:8,reg:4; load(k,v)=staged; pad=16", wide},
      {"mamba2.ssm", "state=lane:4,reg; headdim=grid,thread:4; time=loop:8,reg:4; at(free)=stage", {}},
      {"mamba2.ssm", "per_group=grid,thread:2; state=lane:4,reg; headdim=grid:4,loop,reg:4; time=loop:8; load=staged",
       groups},
      {"mamba2.ssm",
       "group=grid,reg:2; state=lane:4,reg; headdim=grid,thread:2,reg:4; time=grid:16,loop:8,reg:2; at(free)=stage",
       groups},
      {"retnet.ssm", "key=reg; value=grid; time=loop:8; load=staged", wide},
      {"rglru.ssm", "channel=grid,thread:4; time=loop:16,reg:4; load=staged", {}},
      {"mamba1.ssm", "member=grid,thread:4; state=reg; time=grid:16,loop:8,reg:4; load=staged; scan=passes", {}},
  };
  for (const auto &[file, schedule, sizes] : cases)
    for (int64_t steps : {40, 21}) {
      SCOPED_TRACE(std::string(file) + ", " + schedule + ", " + std::to_string(steps) + " steps");
      runModel(file, schedule, steps, /*reverse=*/false, sizes);
      if (HasFatalFailure())
        return;
    }
}

/// From the end to the beginning, with memory along time beside memory along channels, and what is computed of both.
TEST(GpuKernelStagesAcross, GoEitherWay) {
  for (const char *direction : {"", " reverse"}) {
    std::string text = std::string("recurrence r {\n  dim batch, channel, state = 16\n  scan time") + direction + R"(
  input u [batch, time, channel]
  input w [batch, channel, time]
  input k [batch, time, state]
  input c [batch, state, time]
  input g [batch, time]
  state h [batch, channel, state]
  h = sigmoid(g + sum[state](k)) * prev(h) + k * u * w
  output y [batch, time, channel] = sum[state](c * h) + silu(u * w)
})";
    for (const char *schedule : {"channel=grid,thread:4,reg:2; state=lane:4,reg; time=loop:8,reg:4; at(free)=stage",
                                 "channel=grid,thread:8; state=reg; time=loop:16,reg:4; load=staged"})
      for (int64_t steps : {40, 19}) {
        SCOPED_TRACE(text + schedule);
        runDescription(parseLanguage(text), schedule, steps, /*reverse=*/false, {{"batch", 2}, {"channel", 24}});
        if (HasFatalFailure())
          return;
      }
  }
}

/// Conditions that do not depend on states: what is compared goes through shared memory, and not what came of it.
TEST(GpuKernelStagesAcross, CompareWhatIsThere) {
  const char *text = R"(recurrence r {
  dim batch, c = 8
  scan time
  input u [batch, time, c]
  input done, floor [batch, time]
  state h [batch, c]
  isDone = done > 0.2
  h = isDone ? 0 : u > floor || prev(h) > 0.5 ? 0.5 * prev(h) + u : prev(h)
  output y [batch, time] = max[c](h) + (isDone ? 1 : 0)
})";
  for (const char *schedule : {"batch=grid,thread:2; c=lane:4,reg:2; time=loop:8,reg:4; at(free)=stage",
                               "batch=grid,thread:2; c=thread:4,reg:2; time=loop:8,reg:2; at(free)=stage"})
    for (int64_t steps : {24, 19}) {
      SCOPED_TRACE(std::string(schedule) + ", " + std::to_string(steps) + " steps");
      runDescription(parseLanguage(text), schedule, steps, /*reverse=*/false, {{"batch", 3}});
      if (HasFatalFailure())
        return;
    }
}

/// Knobs that leave the result as it is, to within what exponentials as polynomials round otherwise. Rows of 42 f32
/// begin at multiples of 8 bytes, rows of 41 at multiples of 4: the packed variant takes them by accesses that are as
/// narrow.
TEST(GpuKernelKnobs, GiveTheInterpretersResult) {
  const std::string staged =
      "member=grid,thread:4; time=loop:16,reg:8; state=lane:2,reg; at(free)=stage; at(y)=store; ";
  const std::pair<std::string, int64_t> schedules[] = {
      {"member=grid,thread:4; time=loop,reg:4; state=reg; vec=8; exp=poly", 42},
      {"member=grid,thread:4; time=loop,reg:4; state=reg; vec=4; exp=split:5", 41},
      {staged + "vec=8; pad=8; exp=split:3", 42},
      {staged + "vec=4; pad=0; exp=poly", 41},
      {staged + "vec=16; pad=32; exp=mufu; blocks=2", 44},
      {"member=grid,thread:4; time=loop:16; state=reg; load=staged; store=staged; pad=0", 44},
      {"member=grid,thread:2; time=grid:16,loop:8,reg:4; state=reg; store=staged; pad=16; vec=8; blocks=3; exp=poly",
       42},
  };
  bool reverse = false;
  for (const auto &[schedule, steps] : schedules) {
    SCOPED_TRACE(schedule + (reverse ? ", in reverse" : ""));
    runModel("mamba1.ssm", schedule, steps, reverse);
    if (HasFatalFailure())
      return;
    reverse = !reverse;
  }
}

/// Rows of inputs that are copied while other steps run: what stages compute before and after the steps of, what steps
/// read as rows or by step. Tiles in part, and fewer tiles than are on their way; a row in part of 42 f32 by accesses
/// of 8 bytes; tasks that follow on each other, in a block, a loop and in tickets.
TEST(GpuKernelCopies, GiveTheInterpretersResult) {
  struct {
    const char *schedule;
    int64_t steps;
    bool reverse = false;
  } cases[] = {
      {"member=grid,thread:4; time=loop:16,reg:8; state=reg; load=staged; store=staged", 44},
      {"member=grid,thread:4; time=loop:16,reg:8; state=reg; load=staged", 44, true},
      {"member=grid,thread:8; time=loop:16,reg:4; state=lane:4,reg; at(free)=stage; at(y)=store; stages=3", 44, true},
      {"member=grid,thread:8; time=loop:8,reg:4; state=lane:4,reg; at(free)=stage; at(y)=store; stages=5; pad=0", 28},
      {"member=grid:3,loop,thread:3; time=loop:16,reg:8; state=lane:4,reg; at(free)=stage; at(y)=store; stages=4", 3},
      {"member=grid,thread:2,reg:2; time=loop:8,reg:8; state=lane:8; load(u,z)=staged; at(y)=store; vec=8", 42},
      {"member=grid,thread:2; time=grid:16,loop:8,reg:4; state=lane:2,reg; load=staged; store=staged", 44},
      {"member=grid,thread:2; time=grid:16,loop:8,reg:4; state=reg; load=staged; scan=passes; vec=4", 41, true},
      {"member=grid; time=loop:32,reg:16; state=thread:4,reg; load=staged; at(free)=stage; at(y)=store", 44},
  };
  for (const auto &one : cases) {
    SCOPED_TRACE(std::string(one.schedule) + ", " + std::to_string(one.steps) + " steps");
    runModel("mamba1.ssm", std::string(one.schedule) + "; copy=cp.async", one.steps, one.reverse);
    if (HasFatalFailure())
      return;
  }
}

/// Inputs that threads load a time tile ahead, before the steps' stage or for what follows them, or several steps ahead
/// where nothing is staged: whole tiles and tiles in part, fewer steps than a tile and none, in reverse, tasks that
/// follow on each other, chunks; threads that take no part in a stage; memory along another dimension than time.
TEST(GpuKernelLoadsAhead, GiveTheInterpretersResult) {
  struct {
    const char *file, *schedule;
    int64_t steps;
    bool reverse = false;
  } cases[] = {
      {"mamba1.ssm", "member=grid,thread:4; time=loop:16,reg:8; state=reg; load=staged; store=staged", 48},
      {"mamba1.ssm", "member=grid,thread:4; time=loop:16,reg:8; state=reg; load=staged", 44, true},
      {"mamba1.ssm", "member=grid,thread:8; time=loop:16,reg:4; state=lane:4,reg; at(free)=stage; at(y)=store", 40,
       true},
      {"mamba1.ssm", "member=grid:3,loop,thread:3; time=loop:16,reg:8; state=lane:4,reg; at(free)=stage; at(y)=store",
       3},
      {"mamba1.ssm", "member=grid,thread:2; time=loop:16; state=lane:4,reg; at(free)=stage; at(y)=store", 0},
      {"mamba1.ssm", "member=grid,thread:2,reg:2; time=loop:8,reg:8; state=lane:8; load(u,z)=staged; at(y)=store", 42},
      {"mamba1.ssm", "member=grid,thread:2; time=grid:16,loop:8,reg:4; state=lane:2,reg; load=staged; scan=ticket", 44},
      {"mamba1.ssm", "member=grid,thread:2; time=grid:16,loop:8,reg:4; state=reg; load=staged; scan=passes", 41, true},
      {"gla.ssm", "value=grid,thread:2,reg:2; key=lane:4,reg; time=loop:8,reg:4; at(free)=stage", 24},
      {"gla.ssm", "value=grid,thread:2,reg:2; key=lane:4,reg; time=loop:8,reg:4; load=staged", 21},
      {"deltanet.ssm", "value=grid,thread:4; key=lane:4,reg; time=loop:8,reg:2; at(free)=stage", 24},
      {"mingru.ssm", "channel=grid,thread:8; time=loop,reg:4", 24},
      {"rglru.ssm", "channel=grid,thread:8; time=loop,reg:4", 22},
      {"rglru.ssm", "channel=grid,thread:8; time=grid:12,loop,reg:4; scan=passes", 3},
      {"mamba1.ssm", "member=grid:6,loop,thread:3; time=loop,reg:8; state=reg", 44},
      {"mamba1.ssm", "member=grid,thread:4; time=loop:16,reg:8; state=reg; load(u)=staged", 44},
  };
  for (const auto &one : cases) {
    SCOPED_TRACE(std::string(one.file) + ", " + one.schedule + ", " + std::to_string(one.steps) + " steps");
    runModel(one.file, std::string(one.schedule) + "; stages=2", one.steps, one.reverse);
    if (HasFatalFailure())
      return;
  }
}

/// Sums over threads for several steps at once, of which each lane finishes a share: as many steps as lanes, more and
/// fewer; with warps beside them, another dimension on lanes, and memory along time or not.
TEST(GpuKernelShares, GiveTheInterpretersResult) {
  const std::pair<const char *, const char *> schedules[] = {
      {"mamba1.ssm", "member=grid,thread:4; time=loop,reg:8; state=lane:4,reg"},
      {"mamba1.ssm", "member=grid,lane:2; time=loop,reg:2; state=lane:8"},
      {"mamba1.ssm", "member=grid; time=loop:16,reg:4; state=thread:2,lane:4"},
      {"mamba1.ssm", "member=grid,reg:2; time=loop:16,reg:4; state=lane:2,reg; load=staged; store=staged"},
      {"mamba2.ssm", "headdim=grid,thread:2,reg:2; time=loop,reg:4; state=lane:4,reg"},
      {"gla.ssm", "value=grid,thread:2,reg:2; time=loop,reg:4; key=thread:2,reg"},
      {"s4d.ssm", "channel=grid; time=loop,reg:4; state=lane:4,reg"},
  };
  for (auto [file, schedule] : schedules)
    for (int64_t steps : {41, 3}) {
      SCOPED_TRACE(std::string(schedule) + ", " + std::to_string(steps) + " steps");
      runModel(file, schedule, steps);
      if (HasFatalFailure())
        return;
      if (steps == 3 || llvm::StringRef(file) != "mamba1.ssm")
        continue;
      runModel(file, schedule, steps, /*reverse=*/true);
      if (HasFatalFailure())
        return;
    }
}

/// Time in chunks over the grid: in the order of tickets, where blocks take more than one, or by three kernels, one
/// after another. Of S4D the decay, of S4 the matrix lacks a dimension of the grid; z and y are not what totals need.
TEST(GpuKernelChunks, GiveTheInterpretersResult) {
  const std::pair<const char *, const char *> schedules[] = {
      {"mamba1.ssm", "member=grid,thread:4; time=grid:8; state=reg"},
      {"mamba1.ssm", "member=grid; time=grid:16,lane:8; state=reg"},
      {"mamba1.ssm", "member=grid; time=grid:24,thread:3,lane:2,reg:2; state=lane:4,reg"},
      {"mamba1.ssm", "member=grid,thread:2; time=grid:10,loop:5; state=loop,reg:2"},
      {"gla.ssm", "value=grid,thread:2; time=grid:12; key=lane:4,reg"},
      {"ema2.ssm", "channel=grid,thread:32; time=grid:7"},
      {"s4.ssm", "channel=grid,lane:4; time=grid:20; state=reg; col=reg"},
      {"s4d.ssm", "channel=loop,thread:2; time=grid:6"},
      {"mamba1.ssm",
       "member=grid,thread:2; time=grid:16,loop:8,reg:4; state=lane:2,reg; load(u,z)=staged; at(y)=store"},
  };
  for (auto [file, schedule] : schedules)
    for (const char *scan : {"ticket", "passes"}) {
      SCOPED_TRACE(std::string(file) + " " + schedule + "; scan=" + scan);
      runModel(file, std::string(schedule) + "; scan=" + scan);
      if (HasFatalFailure())
        return;
    }
}

/// Every model of the library whose states compose, with nothing said but the chunks, and with the steps of a chunk on
/// a block's threads.
class GpuKernelTickets : public testing::TestWithParam<std::string> {};

TEST_P(GpuKernelTickets, GiveTheInterpretersResult) {
  Description description;
  SpecializeParameters parameters;
  prepareModel(GetParam(), description, parameters);
  ASSERT_FALSE(HasFatalFailure());
  RecurrenceOp recurrence = description.recurrence();
  std::string scanned = recurrence.getScan().str(), onRegisters;
  if (llvm::Error error = checkChunks(recurrence, /*steps=*/16))
    GTEST_SKIP() << llvm::toString(std::move(error));
  DimensionAnalysis dims(recurrence);
  for (StringRef dim : dims.list(dimsHeldWhole(recurrence, dims)))
    onRegisters += "; " + dim.str() + "=reg";
  for (const std::string &schedule : {scanned + "=grid:16", scanned + "=grid:24,thread:2,lane:4,reg:3" + onRegisters}) {
    SCOPED_TRACE(schedule);
    runModel(GetParam(), schedule);
    if (HasFatalFailure())
      return;
  }
}

INSTANTIATE_TEST_SUITE_P(Library, GpuKernelTickets, testing::ValuesIn(libraryFiles()),
                         [](const auto &info) { return llvm::sys::path::stem(info.param).str(); });

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

/// Mamba-1 with open sizes but for that of the state, as in a bundle.
struct OpenKernel {
  Description description;
  std::unique_ptr<EmulatedKernel> gpu;

  OpenKernel(const std::string &schedule, const EmulatorOptions &options)
      : description(parseFile(SSM_SOURCE_DIR "/models/mamba1.ssm")) {
    SpecializeParameters parameters;
    parameters.dims = {{"state", 4}};
    EXPECT_TRUE(description && prepare(description, parameters)) << description.errors;
    auto made = compileForEmulator(description.recurrence(), schedule, options);
    EXPECT_TRUE(static_cast<bool>(made)) << llvm::toString(made.takeError());
    gpu = std::move(*made);
  }

  static std::map<std::string, int64_t> sizes(int64_t batch, int64_t member, int64_t time) {
    return {{"batch", batch}, {"group", 1}, {"member", member}, {"state", 4}, {"time", time}};
  }

  /// The output's bits, after they were compared with the interpreter's.
  std::vector<char> run(const std::map<std::string, int64_t> &sizes, uint64_t seed) {
    auto &[arguments, expected] = references[sizes];
    if (expected.outputs.empty()) {
      arguments =
          randomArguments(description.recurrence(), sizes, 1, {.optionalInputs = 100, .states = 0, .magnitude = 0.5});
      auto given = interpret(description.recurrence(), arguments);
      EXPECT_TRUE(static_cast<bool>(given)) << llvm::toString(given.takeError());
      expected = std::move(*given);
    }
    KernelArguments call;
    call.sizes = sizes;
    call.inputs = arguments.inputs;
    const auto &[name, reference] = *expected.outputs.begin();
    Tensor y = Tensor::zeros(DType::F32, reference.shape());
    call.outputs.insert_or_assign(name, y);
    llvm::Error error = gpu->run(call, seed);
    EXPECT_FALSE(static_cast<bool>(error)) << llvm::toString(std::move(error));
    expectNear(name, y, reference, {});
    const char *data = static_cast<const char *>(y.data());
    return std::vector<char>(data, data + y.numElements() * sizeof(float));
  }

  std::map<std::map<std::string, int64_t>, std::pair<InterpreterArguments, InterpreterResults>> references;
};

/// Blocks, warps and lanes in a thousand orders: the same bits. Sums over lanes and warps, steps over both, and chunks
/// over the grid.
TEST(GpuKernelOrder, DoesNotMatter) {
  for (const char *scan : {"ticket", "passes"}) {
    SCOPED_TRACE(scan);
    EmulatorOptions options;
    options.residentBlocks = 5;
    OpenKernel kernel(
        "member=grid,reg:2; time=grid:12,thread:3,lane:2; state=thread:2,lane:2; scan=" + std::string(scan), options);
    std::vector<char> first;
    for (uint64_t seed = 0; seed < 1000; ++seed) {
      std::vector<char> bits = kernel.run(OpenKernel::sizes(1, 3, 29), seed);
      if (seed == 0)
        first = bits;
      ASSERT_EQ(bits, first) << "seed " << seed;
    }
  }
}

/// Launches share the words that blocks agree by, whatever the sizes of those before; as many blocks as fit are on the
/// device, down to one, and each takes one ticket or several.
TEST(GpuKernelTicketOrder, IsReadyForTheNextLaunch) {
  for (unsigned resident : {1u, 2u, 7u})
    for (int64_t blocks : {0, 2}) {
      SCOPED_TRACE(testing::Message() << resident << " resident blocks of " << blocks);
      EmulatorOptions options;
      options.residentBlocks = resident;
      options.blocks = blocks;
      OpenKernel kernel("member=grid,thread:2; time=grid:4; state=reg", options);
      const std::map<std::string, int64_t> sizes[] = {OpenKernel::sizes(2, 5, 30), OpenKernel::sizes(1, 2, 30),
                                                      OpenKernel::sizes(1, 7, 3),  OpenKernel::sizes(2, 5, 30),
                                                      OpenKernel::sizes(3, 1, 41), OpenKernel::sizes(1, 3, 0),
                                                      OpenKernel::sizes(2, 5, 30)};
      std::map<std::map<std::string, int64_t>, std::vector<char>> bits;
      for (uint64_t seed = 0; seed < 40; ++seed) {
        const auto &of = sizes[seed % std::size(sizes)];
        std::vector<char> now = kernel.run(of, seed);
        ASSERT_EQ(bits.try_emplace(of, now).first->second, now) << "launch " << seed;
        if (HasFailure())
          return;
      }
    }
}

/// No step, one, and sizes that are open: tiles that are whole or in part by what the launch says.
TEST(GpuKernelCopies, TakeAnySize) {
  EmulatorOptions options;
  options.blocks = 2;
  OpenKernel kernel("member=grid,thread:4; time=loop:8,reg:4; state=lane:2,reg; at(free)=stage; at(y)=store; "
                    "copy=cp.async; stages=3",
                    options);
  for (int64_t steps : {0, 4, 8, 12, 24, 40})
    for (int64_t member : {0, 1, 4, 6}) {
      SCOPED_TRACE(testing::Message() << steps << " steps of " << member);
      kernel.run(OpenKernel::sizes(2, member, steps), steps);
      if (HasFailure())
        return;
    }
}
