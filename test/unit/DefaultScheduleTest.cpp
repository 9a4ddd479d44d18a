// What is taken without --schedule, by rules: full lanes, states in registers, no sums over lanes where they can be
// helped.

#include "codegen/lowering/Lowering.h"
#include "mlir/Pass/PassManager.h"
#include "passes/Passes.h"
#include "passes/Pipeline.h"
#include "passes/Specialize.h"
#include "schedule/Placement.h"
#include "test/support/Description.h"

#include <gtest/gtest.h>

using namespace ssm;
using namespace ssm::test;

namespace {
const Target avx512, avx2 = {.vectorBytes = 32, .vectorRegisters = 16}, gpu = {.gpu = true};

struct Result {
  Schedule schedule;
  std::string text, error;
  /// Count of a dimension at a level; 0 where it is not on it.
  int64_t on(llvm::StringRef dim, Level level) const {
    const DimPlacement *placement = schedule.lookup(dim);
    return placement && placement->isOn(level) ? placement->countAt(level) : 0;
  }
};

Result choose(Description description, const std::map<std::string, int64_t> &sizes, const Target &target = avx512,
              const SizeHints &hints = {}, const std::string &dtype = "f32") {
  Result result;
  EXPECT_TRUE(description) << description.errors;
  SpecializeParameters parameters;
  parameters.dims = sizes;
  parameters.dtype = dtype;
  EXPECT_TRUE(succeeded(specialize(description.recurrence(), parameters)));
  mlir::PassManager passes(description.context.get());
  passes.addNestedPass<RecurrenceOp>(createDiscretize());
  addPrepare(passes);
  EXPECT_TRUE(succeeded(passes.run(*description.module)));
  RecurrenceOp recurrence = description.recurrence();
  llvm::Expected<Schedule> schedule = defaultSchedule(recurrence, target, hints);
  if (!schedule) {
    result.error = llvm::toString(schedule.takeError());
    return result;
  }
  result.schedule = *schedule;
  result.text = printSchedule(*schedule);
  // Whatever the rules choose has to be legal.
  Schedule stepwise =
      blockedSteps(recurrence, *schedule, target) ? scheduleOfBlocks(*schedule, recurrence.getScan(), 1) : *schedule;
  llvm::Expected<Placement> placement = placeSchedule(recurrence, stepwise, target);
  EXPECT_TRUE(static_cast<bool>(placement)) << result.text << ": " << llvm::toString(placement.takeError());
  return result;
}

Result choose(llvm::StringRef model, const std::map<std::string, int64_t> &sizes, const Target &target = avx512,
              const SizeHints &hints = {}, const std::string &dtype = "f32") {
  return choose(parseFile((SSM_SOURCE_DIR "/models/" + model + ".ssm").str()), sizes, target, hints, dtype);
}
} // namespace

TEST(DefaultSchedule, ManyChannelsGoOnTheLanesAndTheStateOnRegisters) {
  Result chosen = choose("mamba1", {{"batch", 1}, {"group", 1}, {"member", 2048}, {"state", 16}, {"time", 1024}});
  EXPECT_EQ(chosen.on("member", Level::Lane), 16) << chosen.text;
  EXPECT_EQ(chosen.on("state", Level::Reg), 16) << chosen.text;
}

TEST(DefaultSchedule, FewChannelsPutTheStateOnTheLanes) {
  Result chosen = choose("mamba1", {{"batch", 1}, {"group", 1}, {"member", 3}, {"state", 16}, {"time", 1024}});
  EXPECT_EQ(chosen.on("state", Level::Lane), 16) << chosen.text;
  EXPECT_EQ(chosen.on("member", Level::Lane), 0) << chosen.text;
}

TEST(DefaultSchedule, LikelySizesSteerAsKnownOnesDo) {
  SizeHints few, many;
  few["member"] = 3;
  many["member"] = 2048;
  for (const char *name : {"batch", "group"})
    few[name] = many[name] = 1;
  EXPECT_EQ(choose("mamba1", {{"state", 16}}, avx512, few).on("state", Level::Lane), 16);
  EXPECT_EQ(choose("mamba1", {{"state", 16}}, avx512, many).on("member", Level::Lane), 16);
}

TEST(DefaultSchedule, AStateThatOverflowsTheRegistersGoesOnTheLanes) {
  // 32 complex rows of lanes over channel fill two register files; two such rows of lanes over the state, an eighth of
  // one.
  Result chosen = choose("s4d", {{"batch", 1}, {"channel", 512}, {"state", 32}, {"time", 512}});
  EXPECT_EQ(chosen.on("state", Level::Lane), 16) << chosen.text;
  EXPECT_EQ(chosen.on("state", Level::Reg), 2) << chosen.text;
  // What registers are left take coordinates of a parallel dimension, for the sums over lanes to overlap.
  EXPECT_EQ(chosen.on("channel", Level::Reg), 4) << chosen.text;
}

TEST(DefaultSchedule, AMatrixStateIsRowsOfLanesAndALoop) {
  for (auto [model, row, column] : {std::tuple("mamba2", "headdim", "state"), std::tuple("retnet", "value", "key"),
                                    std::tuple("gla", "value", "key"), std::tuple("deltanet", "value", "key")}) {
    Result chosen = choose(model, {{row, 64}, {column, 64}});
    EXPECT_EQ(chosen.on(row, Level::Lane), 16) << chosen.text;
    EXPECT_EQ(chosen.on(row, Level::Reg), 2) << chosen.text;
    EXPECT_EQ(chosen.on(column, Level::Reg), 1) << chosen.text;
    EXPECT_EQ(chosen.on("time", Level::Reg), 4) << chosen.text;
    // Tiles of a short row follow inside a block of steps.
    EXPECT_NE(chosen.text.find("; " + (row + std::string("=loop,lane:16,reg:2; ")) + column), std::string::npos)
        << chosen.text;
    EXPECT_NE(chosen.text.find(column + std::string("=loop,reg:1")), std::string::npos) << chosen.text;
  }
  // A row that is longer, or as long as a call says, is cut over tasks, each of which adds up its steps' sums.
  for (Result chosen :
       {choose("retnet", {{"value", 256}, {"key", 64}}), choose("retnet", {{"value", 32}, {"key", 64}})})
    EXPECT_NE(chosen.text.find("value=grid,lane:16"), std::string::npos) << chosen.text;
  EXPECT_EQ(choose("retnet", {{"value", 256}, {"key", 64}}).on("time", Level::Reg), 2);
  EXPECT_EQ(choose("retnet", {{"value", 32}, {"key", 64}}).on("time", Level::Reg), 4);
  // Half the registers hold two rows of three steps.
  EXPECT_EQ(choose("retnet", {{"value", 64}, {"key", 64}}, avx2).on("value", Level::Reg), 2);
  EXPECT_EQ(choose("retnet", {{"value", 64}, {"key", 64}}, avx2).on("time", Level::Reg), 3);
  // Two rows of lanes of 512 elements fill what an L1 cache has for them.
  EXPECT_EQ(choose("retnet", {{"value", 64}, {"key", 256}}).on("value", Level::Reg), 2);
  EXPECT_EQ(choose("retnet", {{"value", 64}, {"key", 1024}}).on("value", Level::Reg), 0);
  EXPECT_EQ(choose("retnet", {{"value", 64}, {"key", 1024}}).on("key", Level::Reg), 1);
}

TEST(DefaultSchedule, ElementwiseStepsTakeLongRowsWhileSomeTasksAreLeft) {
  EXPECT_EQ(choose("mingru", {{"batch", 1}, {"channel", 1024}}).on("channel", Level::Reg), 8);
  EXPECT_EQ(choose("mingru", {{"batch", 1}, {"channel", 200}}).on("channel", Level::Reg), 2);
  EXPECT_EQ(choose("mingru", {{"batch", 1}, {"channel", 64}}).on("channel", Level::Reg), 0);
}

TEST(DefaultSchedule, ElementwiseStepsStreamThroughEachCoresShareOfARow) {
  const Target twoCores = {.cores = 2}, manyCores = {.cores = 64};
  const std::map<std::string, int64_t> sizes = {{"batch", 1}, {"channel", 2560}};
  EXPECT_EQ(choose("rglru", sizes, twoCores).text, "batch=grid; time=loop; channel=grid:1280,loop,lane:16,reg:4");
  // Another core's share is another sequence of the batch.
  EXPECT_EQ(choose("rglru", {{"batch", 2}, {"channel", 2560}}, twoCores).text,
            "batch=grid; time=loop; channel=grid:2560,loop,lane:16,reg:4");
  // Shares are whole tiles, their states fit in an L1 cache, and they are half a page long or not taken.
  EXPECT_EQ(choose("rglru", {{"batch", 2}, {"channel", 20000}}, twoCores).on("channel", Level::Grid), 6720);
  EXPECT_EQ(choose("rglru", sizes, manyCores).on("channel", Level::Loop), 0);
  EXPECT_EQ(choose("mingru", {{"batch", 1}, {"channel", 1024}}, twoCores).on("channel", Level::Grid), 512);
  EXPECT_EQ(choose("mingru", {{"batch", 1}, {"channel", 512}}, twoCores).on("channel", Level::Loop), 0);
  // Where memory runs along time or states are summed over, rows of a step are no streams.
  EXPECT_EQ(choose("s4d", {{"batch", 2}, {"channel", 4096}}, twoCores).text.find("channel=grid:"), std::string::npos);
}

TEST(DefaultSchedule, LanesAreAsManyAsARegisterHolds) {
  const std::map<std::string, int64_t> sizes = {{"batch", 1}, {"channel", 2048}};
  EXPECT_EQ(choose("rglru", sizes).on("channel", Level::Lane), 16);
  EXPECT_EQ(choose("rglru", sizes, avx2).on("channel", Level::Lane), 8);
  EXPECT_EQ(choose("rglru", sizes, avx512, {}, "bf16").on("channel", Level::Lane), 16);
  EXPECT_EQ(choose("rglru", sizes, avx512, {}, "f64").on("channel", Level::Lane), 8);
}

TEST(DefaultSchedule, ADenseTransitionDoesNotMoveAcrossLanes) {
  Result chosen = choose("s4", {{"batch", 1}, {"channel", 256}, {"state", 16}});
  EXPECT_EQ(chosen.on("channel", Level::Lane), 16) << chosen.text;
  EXPECT_EQ(chosen.on("state", Level::Reg), 16) << chosen.text;
  EXPECT_EQ(chosen.on("col", Level::Reg), 16) << chosen.text;
}

TEST(DefaultSchedule, ADenseTransitionThatNoCacheHoldsForAllLanesIsReadForOneChannel) {
  Result chosen = choose("s4", {{"batch", 1}, {"channel", 256}, {"state", 64}});
  EXPECT_EQ(chosen.on("state", Level::Lane), 16) << chosen.text;
  EXPECT_EQ(chosen.on("state", Level::Reg), 4) << chosen.text;
  EXPECT_EQ(chosen.on("col", Level::Reg), 4) << chosen.text;
  EXPECT_EQ(chosen.on("channel", Level::Reg), 0) << chosen.text;
  EXPECT_TRUE(chosen.schedule.lookup("col")->isOn(Level::Loop)) << chosen.text;
  // Short rows are too few sums for the time of an addition; another channel's are beside them.
  chosen = choose("s4", {{"batch", 1}, {"channel", 256}, {"state", 32}});
  EXPECT_EQ(chosen.on("channel", Level::Reg), 2) << chosen.text;
  EXPECT_EQ(chosen.on("col", Level::Reg), 4) << chosen.text;
  EXPECT_EQ(choose("s4", {{"batch", 1}, {"channel", 1}, {"state", 32}}).on("channel", Level::Reg), 0);
  // Of a long row, fewer terms at a turn; this one had no schedule with a matrix a lane.
  chosen = choose("s4", {{"batch", 1}, {"channel", 32}, {"state", 128}});
  EXPECT_EQ(chosen.on("state", Level::Reg), 8) << chosen.text;
  EXPECT_EQ(chosen.on("col", Level::Reg), 2) << chosen.text;
  // Half empty lanes cost more than the cache.
  EXPECT_EQ(choose("s4", {{"batch", 1}, {"channel", 256}, {"state", 33}}).on("channel", Level::Lane), 16);
}

/// A diagonal state, driven and read by dense matrices.
constexpr llvm::StringLiteral diagonalBetweenMatrices = R"(recurrence r {
  dim batch, state, in, out
  scan time
  input u [batch, time, in]
  input a [state]
  input B [state, in]
  input C [out, state]
  state h [batch, state]
  h = exp(-abs(a)) * prev(h) + sum[in](B * u)
  output y [batch, time, out] = sum[state](C * h)
})";

TEST(DefaultSchedule, OutputsAlongWhatNoStateHasAreALoopOfTheStep) {
  auto chosen = [](int64_t state, const std::map<std::string, int64_t> &sizes, const SizeHints &hints,
                   int64_t cores = 0) {
    std::map<std::string, int64_t> all = sizes;
    all.insert({{"state", state}, {"in", 24}});
    Target target = avx512;
    target.cores = cores;
    return choose(parseLanguage(diagonalBetweenMatrices.str()), all, target, hints).text;
  };
  // Tasks of outputs would each compute the states anew.
  std::string whole = "batch=grid; time=loop:16; state=lane:16,reg:4; in=loop,reg:4; out=loop,reg:4; load=staged; "
                      "store=staged";
  EXPECT_EQ(chosen(64, {{"out", 64}}, {}), whole);
  EXPECT_EQ(chosen(64, {{"out", 64}}, {{"batch", 32}}), whole);
  // What a task keeps has a size.
  EXPECT_NE(chosen(64, {}, {}).find("out=grid:256,loop,reg:4"), std::string::npos);
  EXPECT_NE(chosen(64, {}, {{"out", 50}}).find("out=grid:52,loop,reg:4"), std::string::npos);
  // What registers do not hold stands in memory.
  EXPECT_NE(chosen(640, {}, {}).find("state=loop,lane:16,reg:4"), std::string::npos);
  // Cores that have no sequence of their own take a part of the outputs all the same.
  EXPECT_NE(chosen(64, {{"out", 256}}, {{"batch", 1}}, 4).find("out=grid:64,loop,reg:4"), std::string::npos);
  EXPECT_NE(chosen(64, {{"out", 256}}, {{"batch", 2}}, 4).find("out=grid:128,loop,reg:4"), std::string::npos);
  EXPECT_EQ(chosen(64, {{"out", 256}}, {{"batch", 4}}, 4), whole);
}

// They run along time in memory, so that a task keeps a tile of them.
TEST(DefaultSchedule, OutputsOfAnOpenOrLargeNumberCompile) {
  for (const std::map<std::string, int64_t> &sizes :
       {std::map<std::string, int64_t>(), {{"out", 100000}}, {{"out", 1000}, {"other", 1000}}, {{"other", 1}}}) {
    Description description = parseLanguage("recurrence r {\n  dim batch, out, other, state = 64\n  scan time\n"
                                            "  input u [batch, state, time]\n  input C [out, other, state]\n"
                                            "  state h [batch, state]\n  h = 0.5 * prev(h) + u\n"
                                            "  output y [batch, out, other, time] = sum[state](C * h)\n}\n");
    ASSERT_TRUE(description) << description.errors;
    SpecializeParameters parameters;
    parameters.dims = sizes;
    ASSERT_TRUE(succeeded(specialize(description.recurrence(), parameters)));
    LoweringOptions options;
    options.target = llvm::cantFail(parseTarget("cpu"));
    llvm::Expected<Lowered> lowered = lower(description.recurrence(), options, LoweringLevel::Tiled);
    EXPECT_TRUE(static_cast<bool>(lowered)) << llvm::toString(lowered.takeError()) << description.errors;
  }
}

TEST(DefaultSchedule, NoLanesAreOnABatchThatMayBeOneIfTheStateHasRows) {
  // Both dimensions of the state are held whole, for outputs are normalized along the values.
  const char *normalized = R"(recurrence r {
  dim batch, head, key = 64, value = 64
  scan time
  input r, k [batch, time, head, key]
  input v [batch, time, head, value]
  input w [head, key]
  state S [batch, head, key, value]
  S = exp(-exp(w)) * prev(S) + k * v
  o = sum[key](r * S)
  output y [batch, time, head, value] = o - mean[value](o)
})";
  std::string rows = "batch=grid; head=grid; time=loop:16; value=lane:16,reg:4; key=loop,reg:4; load=staged; "
                     "store=staged";
  EXPECT_EQ(choose(parseLanguage(normalized), {}).text, rows);
  EXPECT_EQ(choose(parseLanguage(normalized), {}, avx512, {{"batch", 64}, {"head", 32}}).text, rows);
}

TEST(DefaultSchedule, ATileOfManyRowsGoesOnLoops) {
  auto rowsOf = [](const Schedule &schedule) {
    int64_t rows = 1;
    for (const DimPlacement &placement : schedule.dims)
      for (const LevelCount &level : placement.levels)
        rows *= level.level == Level::Reg ? level.count.value_or(1) : 1;
    return rows;
  };
  for (const Target &target : {avx512, avx2})
    for (int64_t size : {64, 256, 1000}) {
      // What no state has goes first, whether or not the lanes' dimension is summed over.
      Result dense = choose("s4", {{"channel", 64}, {"state", size}}, target);
      EXPECT_LE(rowsOf(dense.schedule), 512) << dense.text;
      // Three dimensions are held whole, of which a covariance has two.
      Result filter = choose(parseLanguage(R"(recurrence filter {
  dim batch, i, j like i, k like i
  scan time
  input F [i, k]
  input z [batch, time, i]
  state P [batch, i, j]
  P = sum[k](F * rename(prev(P), i: k)) + z
  output y [batch, time, i] = sum[j](P)
})"),
                             {{"i", std::min<int64_t>(size, 128)}}, target);
      EXPECT_LE(rowsOf(filter.schedule), 512) << filter.text;
      EXPECT_GT(filter.on("k", Level::Reg), 0) << filter.text;
    }
}

TEST(DefaultSchedule, TapsAreNeverOnTheLanesHoweverManyThereAre) {
  const char *convolution = "recurrence r {\n  dim batch, tap\n  scan time\n  input u [time, batch]\n"
                            "  input w [batch, tap]\n  past = delay(u, tap)\n"
                            "  output y [time, batch] = sum[tap](w * past)\n}\n";
  for (int64_t batch : {1, 4})
    EXPECT_EQ(choose(parseLanguage(convolution), {{"batch", batch}, {"tap", 16}}).on("tap", Level::Reg), 16);
  const char *alone = "recurrence r {\n  dim tap\n  scan time\n  input u [time]\n  past = delay(u, tap)\n"
                      "  output y [time] = sum[tap](past)\n}\n";
  EXPECT_EQ(choose(parseLanguage(alone), {{"tap", 16}}).on("tap", Level::Reg), 16);
}

TEST(DefaultSchedule, OpenSizesOfParallelDimensionsAreFine) {
  Result chosen = choose("gla", {{"key", 16}});
  EXPECT_EQ(chosen.error, "");
}

TEST(DefaultSchedule, AnOpenSummedSizeIsAskedFor) {
  Description description = parseLanguage("recurrence r {\n  dim a, s\n  scan time\n  input u [a, s, time]\n"
                                          "  state h [a, s] : f32\n  h = 0.5 * prev(h) + u\n"
                                          "  output y [a, time] = sum[s](h)\n}\n");
  ASSERT_TRUE(description) << description.errors;
  ASSERT_TRUE(succeeded(specialize(description.recurrence(), {})));
  for (const Target &target : {avx512, gpu}) {
    llvm::Expected<Schedule> schedule = defaultSchedule(description.recurrence(), target, {});
    ASSERT_FALSE(static_cast<bool>(schedule));
    EXPECT_EQ(
        llvm::toString(schedule.takeError()),
        "the size of 's' must be known when compiling, since it is summed over or moved along on chip; give it with "
        "--dim s=… or a default in the description");
  }
}

TEST(DefaultSchedule, AGpuTakesAThreadAChannel) {
  Result chosen = choose("mamba1", {{"batch", 1}, {"group", 1}, {"member", 2048}, {"state", 16}}, gpu);
  EXPECT_EQ(chosen.on("member", Level::Thread), 128) << chosen.text;
  EXPECT_EQ(chosen.on("state", Level::Reg), 16) << chosen.text;
  // Half a block of threads would idle.
  EXPECT_EQ(
      choose("mamba1", {{"batch", 1}, {"group", 1}, {"member", 40}, {"state", 16}}, gpu).on("member", Level::Thread),
      64);
}

/// An H100: threads that fill it, by lanes over what is summed, and then by chunks of time, but no more than that.
TEST(DefaultSchedule, AGpuIsFilled) {
  const Target h100 = {.gpu = true, .cores = 132};
  Result few = choose("mamba1", {{"batch", 1}, {"group", 1}, {"member", 4096}, {"state", 16}, {"time", 2048}}, h100);
  EXPECT_EQ(few.on("state", Level::Lane), 4) << few.text;
  EXPECT_EQ(few.on("state", Level::Reg), 4) << few.text;
  EXPECT_EQ(few.on("member", Level::Thread), 32) << few.text;
  EXPECT_FALSE(few.on("time", Level::Grid)) << few.text;
  Result many = choose("mamba1", {{"batch", 32}, {"group", 1}, {"member", 4096}, {"state", 16}, {"time", 2048}}, h100);
  EXPECT_EQ(many.on("state", Level::Reg), 16) << many.text;
  EXPECT_FALSE(many.on("state", Level::Lane)) << many.text;
  Result longest =
      choose("mamba1", {{"batch", 1}, {"group", 1}, {"member", 64}, {"state", 16}, {"time", 1000000}}, h100);
  EXPECT_EQ(longest.on("state", Level::Lane), 2) << longest.text;
  EXPECT_TRUE(longest.on("time", Level::Grid)) << longest.text;
}

/// Memory that runs along time goes through shared memory, if there is more of it than a few steps.
TEST(DefaultSchedule, AGpuStagesWhatRunsAlongTime) {
  const Target h100 = {.gpu = true, .cores = 132};
  Result alone = choose("mamba1", {{"batch", 32}, {"group", 1}, {"member", 4096}, {"state", 16}, {"time", 2048}}, h100);
  EXPECT_TRUE(llvm::StringRef(alone.text).ends_with("time=loop:32,reg:8; load=staged; store=staged")) << alone.text;
  Result shared = choose("mamba1", {{"batch", 8}, {"group", 1}, {"member", 4096}, {"state", 16}, {"time", 2048}}, h100);
  EXPECT_TRUE(llvm::StringRef(shared.text).contains("time=loop:32,reg:8; at(free)=stage; at(y)=store")) << shared.text;
  // What threads have for themselves, and neighbours side by side, does not.
  Result mixed = choose(parseLanguage(R"(recurrence r {
  dim batch, channel
  scan time
  input a [batch, channel, time]
  input b [batch, time, channel]
  input g [batch, time]
  state h [batch, channel]
  h = a * prev(h) + b * g
  output y [batch, channel, time] = h
})"),
                        {{"batch", 64}, {"channel", 2048}, {"time", 2048}}, h100);
  EXPECT_TRUE(llvm::StringRef(mixed.text).contains("load(a,g)=staged")) << mixed.text;
  Result step = choose("mamba1", {{"batch", 32}, {"group", 1}, {"member", 4096}, {"state", 16}, {"time", 1}}, h100);
  EXPECT_FALSE(llvm::StringRef(step.text).contains("=stage")) << step.text;
  Result across = choose("rglru", {{"batch", 8}, {"channel", 2560}, {"time", 2048}}, h100);
  EXPECT_FALSE(llvm::StringRef(across.text).contains("=stage")) << across.text;
}

/// States that a thread's registers do not hold: over lanes where they are summed, in local memory where they are
/// moved.
TEST(DefaultSchedule, AGpusThreadsKeepWhatTheyCan) {
  Result wide = choose("mamba2", {{"batch", 64}, {"group", 8}, {"per_group", 3}, {"headdim", 64}, {"state", 128}}, gpu);
  EXPECT_EQ(wide.on("state", Level::Lane), 8) << wide.text;
  Result dense = choose("s4", {{"batch", 8}, {"channel", 1024}, {"state", 64}}, gpu);
  EXPECT_TRUE(llvm::StringRef(dense.text).ends_with("time=loop; state=loop,reg:4; col=loop,reg:4")) << dense.text;
}

/// Matrix states are shared by threads in tiles of two dimensions, the larger the more states there are; what a row or
/// a column of a tile reads comes from shared memory.
TEST(DefaultSchedule, AGpusThreadsShareMatrices) {
  const Target h100 = {.gpu = true, .cores = 132};
  auto held = [](const Result &chosen) {
    return chosen.on("key", Level::Reg) * std::max<int64_t>(1, chosen.on("value", Level::Reg));
  };
  int64_t last = 0;
  for (int64_t batch : {1, 8, 64}) {
    Result chosen = choose("gla", {{"batch", batch}, {"head", 16}, {"key", 64}, {"value", 64}, {"time", 2048}}, h100);
    EXPECT_TRUE(llvm::StringRef(chosen.text).contains("at(free)=stage")) << chosen.text;
    EXPECT_EQ(chosen.on("key", Level::Lane) * chosen.on("key", Level::Reg), 64) << chosen.text;
    EXPECT_GE(chosen.on("time", Level::Reg), 2) << chosen.text;
    EXPECT_GE(held(chosen), last) << chosen.text;
    last = held(chosen);
  }
  EXPECT_GE(last, 32);
  // A few steps, or a state that a row shares with nothing, are not worth it.
  Result few = choose("gla", {{"batch", 8}, {"head", 16}, {"key", 64}, {"value", 64}, {"time", 4}}, h100);
  EXPECT_FALSE(llvm::StringRef(few.text).contains("=stage")) << few.text;
  Result open = choose("retnet", {{"batch", 8}, {"key", 64}}, h100);
  EXPECT_TRUE(llvm::StringRef(open.text).contains("at(free)=stage")) << open.text;
  Result ragged = choose("retnet", {{"batch", 8}, {"head", 3}, {"key", 37}, {"value", 50}, {"time", 100}}, h100);
  EXPECT_FALSE(ragged.text.empty()) << ragged.error;
}

/// What the next time tile needs is on its way during the steps of this one where registers are left for that: the
/// fewer blocks a call has, the more there are. Nobody knows where sizes or the machine are open.
TEST(DefaultSchedule, AGpuLoadsAheadWhereRegistersAreLeft) {
  const Target h100 = {.gpu = true, .cores = 132, .capability = 90},
               b200 = {.gpu = true, .cores = 148, .capability = 100};
  auto isAhead = [](const Result &chosen) { return chosen.schedule.knob("stages") == "2"; };
  auto mamba = [&](int64_t batch, const Target &target, const std::string &dtype) {
    return choose("mamba1", {{"batch", batch}, {"group", 1}, {"member", 4096}, {"state", 16}, {"time", 2048}}, target,
                  {}, dtype);
  };
  EXPECT_TRUE(isAhead(mamba(1, h100, "bf16")));
  EXPECT_TRUE(isAhead(mamba(8, h100, "bf16")));
  EXPECT_FALSE(isAhead(mamba(64, h100, "bf16")));
  // Twice the bytes on their way; pairs of registers.
  EXPECT_TRUE(isAhead(mamba(1, h100, "f32")));
  EXPECT_FALSE(isAhead(mamba(8, h100, "f32")));
  EXPECT_TRUE(isAhead(mamba(1, b200, "bf16")));
  EXPECT_FALSE(isAhead(mamba(8, b200, "bf16")));
  EXPECT_FALSE(isAhead(mamba(1, gpu, "bf16")));
  Result open = choose("mamba1", {{"group", 1}, {"member", 4096}, {"state", 16}}, h100);
  EXPECT_FALSE(isAhead(open)) << open.text;
  // What threads read themselves, several steps at a time, as well.
  EXPECT_TRUE(isAhead(choose("mingru", {{"batch", 8}, {"channel", 4096}, {"time", 2048}}, h100)));
  EXPECT_FALSE(isAhead(choose("mingru", {{"batch", 64}, {"channel", 4096}, {"time", 2048}}, h100)));
  EXPECT_FALSE(isAhead(choose("mingru", {{"batch", 8}, {"channel", 4096}, {"time", 1}}, h100)));
  Result matrix = choose("gla", {{"batch", 1}, {"head", 16}, {"key", 64}, {"value", 64}, {"time", 2048}}, h100);
  EXPECT_TRUE(isAhead(matrix)) << matrix.text;
}

/// Of a state both of whose dimensions are summed over, threads share all, if states do not wait for what they exchange
/// through shared memory; whatever is longer or declared first.
TEST(DefaultSchedule, AGpusThreadsShareMatricesThatAreSummedBothWays) {
  auto chooseFor = [](int64_t key, int64_t value, llvm::StringRef order) {
    return choose(parseLanguage("recurrence r {\n  dim batch, head, " + order.str() + R"(
  scan time
  input r, k [batch, time, head, key]
  input v, g [batch, time, head, value]
  state S [batch, head, key, value]
  S = 0.9 * prev(S) + k * v
  o = sum[key](r * S)
  c = o - mean[value](o)
  output y [batch, time, head, value] = c * rsqrt(mean[value](c * c) + 1e-5) * silu(g)
})"),
                  {{"key", key}, {"value", value}}, gpu);
  };
  for (auto [key, value] : {std::pair(64, 64), std::pair(32, 64), std::pair(64, 32), std::pair(128, 64)})
    for (llvm::StringRef order : {"key, value", "value, key"}) {
      Result chosen = chooseFor(key, value, order);
      EXPECT_TRUE(llvm::StringRef(chosen.text).contains("at(free)=stage")) << chosen.text;
      EXPECT_GT(chosen.on("key", Level::Lane), 1) << chosen.text;
      EXPECT_GT(chosen.on("value", Level::Thread), 1) << chosen.text;
      EXPECT_LE(chosen.on("key", Level::Reg) * chosen.on("value", Level::Reg), 64) << chosen.text;
    }
}

/// Lanes go over the dimension whose sums are fewest, though inputs are renamed to it.
TEST(DefaultSchedule, AGpusLanesExchangeLittle) {
  auto chooseFor = [](int64_t size) {
    return choose(parseLanguage(R"(recurrence r {
  dim batch, head, key, value like key
  scan time
  input q, k [batch, time, head, key]
  input v [batch, time, head, value]
  state W [batch, head, key, value]
  z = sum[key](k * prev(W))
  e = z - mean[value](z) - v + rename(k, key: value)
  W = prev(W) - k * e
  output y [batch, time, head, value] = sum[key](q * W)
})"),
                  {{"key", size}}, gpu);
  };
  Result chosen = chooseFor(16);
  EXPECT_GT(chosen.on("value", Level::Lane), 1) << chosen.text;
  EXPECT_EQ(chosen.on("key", Level::Reg), 16) << chosen.text;
  EXPECT_EQ(chosen.on("key", Level::Thread), 0) << chosen.text;
  // Where a warp's lanes are not enough, threads of the block share as well.
  for (int64_t size : {40, 64, 100, 128}) {
    chosen = chooseFor(size);
    EXPECT_FALSE(llvm::StringRef(chosen.text).contains("key=loop")) << chosen.text;
    EXPECT_EQ(chosen.on("key", Level::Thread) > 1, chosen.on("value", Level::Lane) > 1) << chosen.text;
    EXPECT_GT(std::max(chosen.on("key", Level::Thread), chosen.on("value", Level::Thread)), 1) << chosen.text;
    EXPECT_LE(chosen.on("key", Level::Reg) * chosen.on("value", Level::Reg), 96) << chosen.text;
  }
  // A block's registers hold no more than that.
  EXPECT_TRUE(llvm::StringRef(chooseFor(512).text).contains("key=loop")) << chosen.text;
}

/// Where steps read memory themselves, several of them are on their way together.
TEST(DefaultSchedule, AGpuReadsStepsTogether) {
  const Target h100 = {.gpu = true, .cores = 132};
  Result small = choose("mingru", {{"batch", 64}, {"channel", 1024}, {"time", 2048}}, h100);
  EXPECT_EQ(small.on("time", Level::Reg), 8) << small.text;
  Result chunked = choose("rglru", {{"batch", 1}, {"channel", 64}, {"time", 100000}}, h100);
  EXPECT_EQ(chunked.on("time", Level::Grid) % chunked.on("time", Level::Reg), 0) << chunked.text;
  Result step = choose("mingru", {{"batch", 64}, {"channel", 1024}, {"time", 1}}, h100);
  EXPECT_EQ(step.on("time", Level::Reg), 0) << step.text;
}

/// What a step reads for a sum, and needs again when that is there, its copies hold all at once.
TEST(DefaultSchedule, AGpusCopiesOfAStepHoldWhatSumsReadFirst) {
  auto copies = [](int64_t state, llvm::StringRef rate) {
    Result chosen = choose(parseLanguage(R"(recurrence r {
  dim batch, channel, state
  scan time
  input x [batch, channel, time]
  input k [batch, state, time]
  state S [batch, channel, state]
  S = prev(S) + )" + rate.str() +
                                         R"( * x * k
  output y [batch, channel, time] = sum[state](S)
})"),
                           {{"state", state}}, gpu);
    EXPECT_TRUE(llvm::StringRef(chosen.text).contains("staged")) << chosen.text;
    return std::max<int64_t>(1, chosen.on("time", Level::Reg));
  };
  for (int64_t state : {4, 8, 12, 16}) {
    int64_t held = copies(state, "1 / sum[state](k * k)");
    EXPECT_LE(state + held * state, 96) << state;
    EXPECT_TRUE(held == 8 || state + 2 * held * state > 96) << state;
    // One of another value holds nothing.
    EXPECT_EQ(copies(state, "0.5"), 8);
  }
}

/// The more a thread has on its way to shared memory, the shorter are time tiles.
TEST(DefaultSchedule, AGpusTimeTilesAreThoseThatRegistersMove) {
  auto chooseFor = [](int inputs, llvm::StringRef axis, const std::string &dtype) {
    std::string declared, sum = "0";
    for (int number = 0; number < inputs; ++number) {
      declared += "  input u" + std::to_string(number) + " [batch, " + axis.str() + "time]\n";
      sum += " + u" + std::to_string(number);
    }
    return choose(parseLanguage("recurrence r {\n  dim batch, own = 5\n  scan time\n" + declared +
                                "  state h [batch, " + axis.drop_back(axis.empty() ? 0 : 2).str() +
                                "]\n  h = 0.5 * prev(h) + " + sum +
                                "\n  output y [batch, time] = " + (axis.empty() ? "h" : "max[own](h)") + "\n}\n"),
                  {}, gpu, {}, dtype);
  };
  int64_t last = 32;
  for (int inputs : {1, 2, 4, 6}) {
    Result chosen = chooseFor(inputs, "", "f32");
    int64_t steps = chosen.on("time", Level::Loop);
    EXPECT_LE(steps, last) << chosen.text;
    EXPECT_GE(chooseFor(inputs, "", "bf16").on("time", Level::Loop), steps) << chosen.text;
    last = steps;
  }
  EXPECT_EQ(chooseFor(1, "", "f32").on("time", Level::Loop), 32);
  EXPECT_LT(last, 32);
  // Rows that a thread has for itself are too many addresses for any tile.
  EXPECT_LT(chooseFor(1, "own, ", "bf16").on("time", Level::Loop), 32);
  Result many = chooseFor(1, "own, ", "f32");
  EXPECT_FALSE(llvm::StringRef(many.text).contains("staged")) << many.text;
}

/// What lanes would compute each is computed ahead of the steps, of few numbers a thread.
TEST(DefaultSchedule, AGpusFewThreadsTakeShortTiles) {
  for (int64_t batch : {1, 8, 32}) {
    Result chosen = choose(parseLanguage(R"(recurrence r {
  dim batch, c
  scan time
  input u [batch, time, c]
  input z [batch, time]
  state h [batch, c]
  h = 0.5 * prev(h) + exp(u) * tanh(z)
  output y [batch, time] = max[c](h)
})"),
                           {{"batch", batch}, {"c", 24}, {"time", 2048}}, {.gpu = true, .cores = 132});
    int64_t lanes = std::max<int64_t>(1, chosen.on("c", Level::Lane));
    int64_t threads = std::max<int64_t>(1, chosen.on("batch", Level::Thread));
    EXPECT_GT(lanes, 1) << chosen.text;
    EXPECT_LE(threads * 24 * chosen.on("time", Level::Loop), 32 * threads * lanes) << chosen.text;
  }
}

/// Numbers that do not stand side by side take an address each, whatever the number of steps.
TEST(DefaultSchedule, AGpuCopiesFewStepsThatGather) {
  auto copies = [](llvm::StringRef layout) {
    Result chosen = choose(
        parseLanguage("recurrence r {\n  dim batch, channel, a = 8, b = 4\n  scan time\n  input u [" + layout.str() +
                      "]\n  input v [batch, time, channel]\n  state h [batch, channel]\n"
                      "  h = 0.5 * prev(h) + v * sum[a, b](u * u)\n"
                      "  output y [batch, time, channel] = h\n}\n"),
        {{"time", 16}}, gpu);
    EXPECT_FALSE(llvm::StringRef(chosen.text).contains("stage")) << chosen.text;
    return std::max<int64_t>(1, chosen.on("time", Level::Reg));
  };
  EXPECT_EQ(copies("batch, time, a, b"), 2);
  EXPECT_EQ(copies("batch, a, b, time"), 2);
}
