// What is taken without --schedule on a GPU, by rules: threads that fill it, states in their registers, and what they
// share in shared memory.

#include "DefaultSchedules.h"

using namespace ssm;
using namespace ssm::test;

static const Target gpu = {.gpu = true};

/// States that x and k feed at a rate.
static std::string statesFedAt(const std::string &rate) {
  return R"(recurrence r {
  dim batch, channel, state
  scan time
  input x [batch, channel, time]
  input k [batch, state, time]
  state S [batch, channel, state]
  S = prev(S) + )" +
         rate + R"( * x * k
  output y [batch, channel, time] = sum[state](S)
})";
}

TEST(DefaultGpuSchedule, AGpuTakesAThreadAChannel) {
  ChosenSchedule chosen = choose("mamba1", {{"batch", 1}, {"group", 1}, {"member", 2048}, {"state", 16}}, gpu);
  EXPECT_EQ(chosen.on("member", Level::Thread), 128) << chosen.text;
  EXPECT_EQ(chosen.on("state", Level::Reg), 16) << chosen.text;
  // Half a block of threads would idle.
  EXPECT_EQ(
      choose("mamba1", {{"batch", 1}, {"group", 1}, {"member", 40}, {"state", 16}}, gpu).on("member", Level::Thread),
      64);
}

/// An H100: threads that fill it, by lanes over what is summed, and then by chunks of time, but no more than that.
TEST(DefaultGpuSchedule, AGpuIsFilled) {
  const Target h100 = {.gpu = true, .cores = 132};
  ChosenSchedule few =
      choose("mamba1", {{"batch", 1}, {"group", 1}, {"member", 4096}, {"state", 16}, {"time", 2048}}, h100);
  EXPECT_EQ(few.on("state", Level::Lane), 4) << few.text;
  EXPECT_EQ(few.on("state", Level::Reg), 4) << few.text;
  EXPECT_EQ(few.on("member", Level::Thread), 32) << few.text;
  EXPECT_EQ(few.on("time", Level::Loop), 64) << few.text;
  EXPECT_EQ(few.on("time", Level::Reg), 16) << few.text;
  EXPECT_FALSE(few.on("time", Level::Grid)) << few.text;
  ChosenSchedule many =
      choose("mamba1", {{"batch", 32}, {"group", 1}, {"member", 4096}, {"state", 16}, {"time", 2048}}, h100);
  EXPECT_EQ(many.on("state", Level::Reg), 16) << many.text;
  EXPECT_FALSE(many.on("state", Level::Lane)) << many.text;
  ChosenSchedule longest =
      choose("mamba1", {{"batch", 1}, {"group", 1}, {"member", 64}, {"state", 16}, {"time", 1000000}}, h100);
  EXPECT_EQ(longest.on("state", Level::Lane), 2) << longest.text;
  EXPECT_TRUE(longest.on("time", Level::Grid)) << longest.text;
}

/// Memory that runs along time goes through shared memory, if there is more of it than a few steps.
TEST(DefaultGpuSchedule, AGpuStagesWhatRunsAlongTime) {
  const Target h100 = {.gpu = true, .cores = 132};
  ChosenSchedule alone =
      choose("mamba1", {{"batch", 32}, {"group", 1}, {"member", 4096}, {"state", 16}, {"time", 2048}}, h100);
  EXPECT_TRUE(llvm::StringRef(alone.text).ends_with("time=loop:32,reg:8; load=staged; store=staged")) << alone.text;
  ChosenSchedule shared =
      choose("mamba1", {{"batch", 8}, {"group", 1}, {"member", 4096}, {"state", 16}, {"time", 2048}}, h100);
  EXPECT_TRUE(llvm::StringRef(shared.text).contains("time=loop:32,reg:8; at(free)=stage; at(y)=store")) << shared.text;
  // What threads have for themselves, and neighbours side by side, does not.
  ChosenSchedule mixed = choose(parseLanguage(R"(recurrence r {
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
  ChosenSchedule step =
      choose("mamba1", {{"batch", 32}, {"group", 1}, {"member", 4096}, {"state", 16}, {"time", 1}}, h100);
  EXPECT_FALSE(llvm::StringRef(step.text).contains("=stage")) << step.text;
  ChosenSchedule across = choose("rglru", {{"batch", 8}, {"channel", 2560}, {"time", 2048}}, h100);
  EXPECT_FALSE(llvm::StringRef(across.text).contains("=stage")) << across.text;
}

/// States that a thread's registers do not hold: over lanes where they are summed, in local memory where they are
/// moved.
TEST(DefaultGpuSchedule, AGpusThreadsKeepWhatTheyCan) {
  ChosenSchedule wide =
      choose("mamba2", {{"batch", 64}, {"group", 8}, {"per_group", 3}, {"headdim", 64}, {"state", 128}}, gpu);
  EXPECT_EQ(wide.on("state", Level::Lane), 8) << wide.text;
  ChosenSchedule dense = choose("s4", {{"batch", 8}, {"channel", 1024}, {"state", 64}}, gpu);
  EXPECT_TRUE(llvm::StringRef(dense.text).ends_with("time=loop; state=loop,reg:4; col=loop,reg:4")) << dense.text;
}

/// Matrix states are shared by threads in tiles of two dimensions, the larger the more states there are; what a row or
/// a column of a tile reads comes from shared memory.
TEST(DefaultGpuSchedule, AGpusThreadsShareMatrices) {
  const Target h100 = {.gpu = true, .cores = 132};
  auto held = [](const ChosenSchedule &chosen) {
    return chosen.on("key", Level::Reg) * std::max<int64_t>(1, chosen.on("value", Level::Reg));
  };
  int64_t last = 0;
  for (int64_t batch : {1, 8, 64}) {
    ChosenSchedule chosen =
        choose("gla", {{"batch", batch}, {"head", 16}, {"key", 64}, {"value", 64}, {"time", 2048}}, h100);
    EXPECT_TRUE(llvm::StringRef(chosen.text).contains("at(free)=stage")) << chosen.text;
    EXPECT_EQ(chosen.on("key", Level::Lane) * chosen.on("key", Level::Reg), 64) << chosen.text;
    EXPECT_GE(chosen.on("time", Level::Reg), 2) << chosen.text;
    EXPECT_GE(held(chosen), last) << chosen.text;
    last = held(chosen);
  }
  EXPECT_GE(last, 32);
  // A few steps, or a state that a row shares with nothing, are not worth it.
  ChosenSchedule few = choose("gla", {{"batch", 8}, {"head", 16}, {"key", 64}, {"value", 64}, {"time", 4}}, h100);
  EXPECT_FALSE(llvm::StringRef(few.text).contains("=stage")) << few.text;
  ChosenSchedule open = choose("retnet", {{"batch", 8}, {"key", 64}}, h100);
  EXPECT_TRUE(llvm::StringRef(open.text).contains("at(free)=stage")) << open.text;
  ChosenSchedule ragged =
      choose("retnet", {{"batch", 8}, {"head", 3}, {"key", 37}, {"value", 50}, {"time", 100}}, h100);
  EXPECT_FALSE(ragged.text.empty()) << ragged.error;
}

/// What the next time tile needs is on its way during the steps of this one where registers are left for that: the
/// fewer blocks a call has, the more there are. Nobody knows where sizes or the machine are open.
TEST(DefaultGpuSchedule, AGpuLoadsAheadWhereRegistersAreLeft) {
  const Target h100 = {.gpu = true, .cores = 132, .capability = 90},
               b200 = {.gpu = true, .cores = 148, .capability = 100};
  auto isAhead = [](const ChosenSchedule &chosen) { return chosen.schedule.knob("stages") == "2"; };
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
  ChosenSchedule open = choose("mamba1", {{"group", 1}, {"member", 4096}, {"state", 16}}, h100);
  EXPECT_FALSE(isAhead(open)) << open.text;
  // What threads read themselves, several steps at a time, as well.
  EXPECT_TRUE(isAhead(choose("mingru", {{"batch", 8}, {"channel", 4096}, {"time", 2048}}, h100)));
  EXPECT_FALSE(isAhead(choose("mingru", {{"batch", 64}, {"channel", 4096}, {"time", 2048}}, h100)));
  EXPECT_FALSE(isAhead(choose("mingru", {{"batch", 8}, {"channel", 4096}, {"time", 1}}, h100)));
  ChosenSchedule matrix = choose("gla", {{"batch", 1}, {"head", 16}, {"key", 64}, {"value", 64}, {"time", 2048}}, h100);
  EXPECT_TRUE(isAhead(matrix)) << matrix.text;
}

/// Two channels a thread where loads ahead have the registers, 8 warps fit and the call comes in full waves of them.
TEST(DefaultGpuSchedule, AGpusThreadsHaveTwoChannels) {
  auto channels = [](int64_t batch, int64_t member, int64_t time, unsigned capability, int64_t cores,
                     const std::string &dtype = "bf16") {
    const Target target = {.gpu = true, .cores = cores, .capability = capability};
    ChosenSchedule chosen =
        choose("mamba1", {{"batch", batch}, {"group", 1}, {"member", member}, {"state", 16}, {"time", time}}, target,
               {}, dtype);
    return std::max<int64_t>(1, chosen.on("member", Level::Reg));
  };
  EXPECT_EQ(channels(8, 4096, 2048, 90, 132), 2);
  EXPECT_EQ(channels(64, 1024, 512, 90, 132), 2);
  // Several waves, of which the last one is full.
  EXPECT_EQ(channels(16, 4096, 2048, 90, 132), 2);
  // Half of the warps of a multiprocessor, or of the last wave.
  EXPECT_EQ(channels(4, 4096, 2048, 90, 132), 1);
  EXPECT_EQ(channels(10, 4096, 2048, 90, 132), 1);
  // Parts of tiles.
  EXPECT_EQ(channels(8, 4096, 2047, 90, 132), 1);
  // There are threads enough without lanes; lanes are four; chunks double the work.
  EXPECT_EQ(channels(32, 4096, 2048, 90, 132), 1);
  EXPECT_EQ(channels(2, 2048, 4096, 90, 132), 1);
  EXPECT_EQ(channels(1, 768, 4096, 90, 132), 1);
  // Time tiles of 4 bytes are more registers than there are, and those of two blocks more than this memory.
  EXPECT_EQ(channels(8, 4096, 2048, 90, 132, "f32"), 1);
  EXPECT_EQ(channels(8, 4096, 2048, 89, 132), 1);
}

/// Of descriptions, those whose steps hold no inputs for sums that go before them.
TEST(DefaultGpuSchedule, AGpusThreadsHaveTwoCoordinatesWhereNoSumsGoFirst) {
  auto has = [](const std::string &rate) {
    ChosenSchedule chosen =
        choose(parseLanguage(statesFedAt(rate)), {{"batch", 8}, {"channel", 4096}, {"state", 16}, {"time", 2048}},
               {.gpu = true, .cores = 132, .capability = 90}, {}, "bf16");
    EXPECT_EQ(chosen.on("state", Level::Lane), 2) << chosen.text;
    return chosen.on("channel", Level::Reg) == 2;
  };
  EXPECT_TRUE(has("0.5"));
  EXPECT_FALSE(has("(1 / (1 + sum[state](k * k)))"));
}

/// Of a state both of whose dimensions are summed over, threads share all, if states do not wait for what they exchange
/// through shared memory; whatever is longer or declared first.
TEST(DefaultGpuSchedule, AGpusThreadsShareMatricesThatAreSummedBothWays) {
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
      ChosenSchedule chosen = chooseFor(key, value, order);
      EXPECT_TRUE(llvm::StringRef(chosen.text).contains("at(free)=stage")) << chosen.text;
      EXPECT_GT(chosen.on("key", Level::Lane), 1) << chosen.text;
      EXPECT_GT(chosen.on("value", Level::Thread), 1) << chosen.text;
      EXPECT_LE(chosen.on("key", Level::Reg) * chosen.on("value", Level::Reg), 64) << chosen.text;
    }
}

/// Lanes go over the dimension whose sums are fewest, though inputs are renamed to it.
TEST(DefaultGpuSchedule, AGpusLanesExchangeLittle) {
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
  ChosenSchedule chosen = chooseFor(16);
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
TEST(DefaultGpuSchedule, AGpuReadsStepsTogether) {
  const Target h100 = {.gpu = true, .cores = 132};
  ChosenSchedule small = choose("mingru", {{"batch", 64}, {"channel", 1024}, {"time", 2048}}, h100);
  EXPECT_EQ(small.on("time", Level::Reg), 8) << small.text;
  ChosenSchedule chunked = choose("rglru", {{"batch", 1}, {"channel", 64}, {"time", 100000}}, h100);
  EXPECT_EQ(chunked.on("time", Level::Grid) % chunked.on("time", Level::Reg), 0) << chunked.text;
  ChosenSchedule step = choose("mingru", {{"batch", 64}, {"channel", 1024}, {"time", 1}}, h100);
  EXPECT_EQ(step.on("time", Level::Reg), 0) << step.text;
}

/// What a step reads for a sum, and needs again when that is there, its copies hold all at once.
TEST(DefaultGpuSchedule, AGpusCopiesOfAStepHoldWhatSumsReadFirst) {
  auto copies = [](int64_t state, llvm::StringRef rate) {
    ChosenSchedule chosen = choose(parseLanguage(statesFedAt(rate.str())), {{"state", state}}, gpu);
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
TEST(DefaultGpuSchedule, AGpusTimeTilesAreThoseThatRegistersMove) {
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
    ChosenSchedule chosen = chooseFor(inputs, "", "f32");
    int64_t steps = chosen.on("time", Level::Loop);
    EXPECT_LE(steps, last) << chosen.text;
    EXPECT_GE(chooseFor(inputs, "", "bf16").on("time", Level::Loop), steps) << chosen.text;
    last = steps;
  }
  EXPECT_EQ(chooseFor(1, "", "f32").on("time", Level::Loop), 32);
  EXPECT_LT(last, 32);
  // Rows that a thread has for itself are too many addresses for any tile.
  EXPECT_LT(chooseFor(1, "own, ", "bf16").on("time", Level::Loop), 32);
  ChosenSchedule many = chooseFor(1, "own, ", "f32");
  EXPECT_FALSE(llvm::StringRef(many.text).contains("staged")) << many.text;
}

/// What lanes would compute each is computed ahead of the steps, of few numbers a thread.
TEST(DefaultGpuSchedule, AGpusFewThreadsTakeShortTiles) {
  for (int64_t batch : {1, 8, 32}) {
    ChosenSchedule chosen = choose(parseLanguage(R"(recurrence r {
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
TEST(DefaultGpuSchedule, AGpuCopiesFewStepsThatGather) {
  auto copies = [](llvm::StringRef layout) {
    ChosenSchedule chosen = choose(
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
