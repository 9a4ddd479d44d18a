// What is taken without --schedule on a CPU, by rules: full lanes, states in registers, no sums over lanes where they
// can be helped.

#include "DefaultSchedules.h"
#include "codegen/lowering/Lowering.h"

using namespace ssm;
using namespace ssm::test;

static const Target avx512, avx2 = {.vectorBytes = 32, .vectorRegisters = 16}, gpu = {.gpu = true};

TEST(DefaultSchedule, ManyChannelsGoOnTheLanesAndTheStateOnRegisters) {
  ChosenSchedule chosen =
      choose("mamba1", {{"batch", 1}, {"group", 1}, {"member", 2048}, {"state", 16}, {"time", 1024}});
  EXPECT_EQ(chosen.on("member", Level::Lane), 16) << chosen.text;
  EXPECT_EQ(chosen.on("state", Level::Reg), 16) << chosen.text;
}

TEST(DefaultSchedule, FewChannelsPutTheStateOnTheLanes) {
  ChosenSchedule chosen = choose("mamba1", {{"batch", 1}, {"group", 1}, {"member", 3}, {"state", 16}, {"time", 1024}});
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
  ChosenSchedule chosen = choose("s4d", {{"batch", 1}, {"channel", 512}, {"state", 32}, {"time", 512}});
  EXPECT_EQ(chosen.on("state", Level::Lane), 16) << chosen.text;
  EXPECT_EQ(chosen.on("state", Level::Reg), 2) << chosen.text;
  // What registers are left take coordinates of a parallel dimension, for the sums over lanes to overlap.
  EXPECT_EQ(chosen.on("channel", Level::Reg), 4) << chosen.text;
}

TEST(DefaultSchedule, AMatrixStateIsRowsOfLanesAndALoop) {
  for (auto [model, row, column] : {std::tuple("mamba2", "headdim", "state"), std::tuple("retnet", "value", "key"),
                                    std::tuple("gla", "value", "key"), std::tuple("deltanet", "value", "key")}) {
    ChosenSchedule chosen = choose(model, {{row, 64}, {column, 64}});
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
  for (ChosenSchedule chosen :
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
  ChosenSchedule chosen = choose("s4", {{"batch", 1}, {"channel", 256}, {"state", 16}});
  EXPECT_EQ(chosen.on("channel", Level::Lane), 16) << chosen.text;
  EXPECT_EQ(chosen.on("state", Level::Reg), 16) << chosen.text;
  EXPECT_EQ(chosen.on("col", Level::Reg), 16) << chosen.text;
}

TEST(DefaultSchedule, ADenseTransitionThatNoCacheHoldsForAllLanesIsReadForOneChannel) {
  ChosenSchedule chosen = choose("s4", {{"batch", 1}, {"channel", 256}, {"state", 64}});
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
      ChosenSchedule dense = choose("s4", {{"channel", 64}, {"state", size}}, target);
      EXPECT_LE(rowsOf(dense.schedule), 512) << dense.text;
      // Three dimensions are held whole, of which a covariance has two.
      ChosenSchedule filter = choose(parseLanguage(R"(recurrence filter {
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
  ChosenSchedule chosen = choose("gla", {{"key", 16}});
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
