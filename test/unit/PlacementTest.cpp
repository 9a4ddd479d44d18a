// A schedule joined with a recurrence: which coordinates tiles hold, and what is refused with which words.

#include "schedule/Placement.h"
#include "frontend/Frontend.h"
#include "passes/KernelInterface.h"
#include "passes/Specialize.h"
#include "test/support/Description.h"

#include <gtest/gtest.h>

using namespace ssm;
using namespace ssm::test;

namespace {
const Target cpu, gpu = {.gpu = true};

/// a and b are parallel, s and c are summed over, t is a tap; c is moved onto s.
constexpr const char *text = R"(
recurrence r {
  dim a = 40, b = 6, s = 10, c like s, t = 3
  scan time
  input u [a, b, s, time]
  input m [s, c]
  state h [a, b, s] : f32
  past = delay(u, t)
  h = sum[c](m * rename(prev(h), s: c)) + sum[t](past)
  output y [a, b, time] = sum[s](h)
}
)";

class PlacementTest : public testing::Test {
protected:
  void SetUp() override { parse(text); }

  void parse(const std::string &source) {
    description = std::make_unique<Description>(parseLanguage(source));
    ASSERT_TRUE(*description) << description->errors;
    ASSERT_TRUE(succeeded(specialize(description->recurrence(), {})));
  }

  llvm::Expected<Placement> place(llvm::StringRef schedule, const Target &target) {
    llvm::Expected<Schedule> parsed = parseSchedule(schedule);
    EXPECT_TRUE(static_cast<bool>(parsed)) << schedule.str();
    if (!parsed)
      return parsed.takeError();
    return placeSchedule(description->recurrence(), *parsed, target);
  }

  std::string refusal(llvm::StringRef schedule, const Target &target = cpu) {
    llvm::Expected<Placement> placement = place(schedule, target);
    return placement ? "nothing" : llvm::toString(placement.takeError());
  }

  /// `extent*step of dimension` for each axis.
  std::string axes(llvm::StringRef schedule, const Target &target = cpu) {
    llvm::Expected<Placement> placement = place(schedule, target);
    if (!placement)
      return llvm::toString(placement.takeError());
    DimensionAnalysis dims(description->recurrence());
    std::string list;
    for (const TileAxis &axis : placement->axes)
      list += (list.empty() ? "" : ", ") + (axis.dim ? dims.name(*axis.dim).str() : "-") + " " +
              std::to_string(axis.extent) + "x" + std::to_string(axis.step);
    return list;
  }

  std::unique_ptr<Description> description;
};
} // namespace

TEST_F(PlacementTest, RegistersComeInOrderOfDeclarationAndLanesLast) {
  EXPECT_EQ(axes("s=reg; c=reg; t=reg"), "s 10x1, c 10x1, t 3x1, - 1x1");
  EXPECT_EQ(axes("t=reg; c=reg; s=reg; b=reg"), "b 6x1, s 10x1, c 10x1, t 3x1, - 1x1");
  EXPECT_EQ(axes("a=grid,lane:16; s=reg; c=reg; t=reg"), "s 10x1, c 10x1, t 3x1, a 16x1");
  EXPECT_EQ(axes("a=grid,lane:16,reg:2; s=reg; c=reg; t=reg"), "a 2x16, s 10x1, c 10x1, t 3x1, a 16x1");
  EXPECT_EQ(axes("s=lane:4,reg:3; c=reg:12; t=reg:3"), "s 3x4, c 12x1, t 3x1, s 4x1");
  // `reg` alone holds what the lanes leave.
  EXPECT_EQ(axes("s=lane:4,reg; c=reg; t=reg"), "s 3x4, c 10x1, t 3x1, s 4x1");
  EXPECT_EQ(axes("s=lane:16; c=reg; t=reg"), "c 10x1, t 3x1, s 16x1");
}

TEST_F(PlacementTest, EveryCoordinateOfATileIsHeldOnce) {
  for (const char *schedule :
       {"s=reg; c=reg; t=reg", "a=grid,lane:16,reg:3; s=reg; c=reg; t=reg", "s=lane:4,reg:3; c=reg; t=reg",
        "a=grid,reg:5; b=grid,lane:2,reg:2; s=reg; c=reg; t=reg"}) {
    llvm::Expected<Placement> placement = place(schedule, cpu);
    ASSERT_TRUE(static_cast<bool>(placement)) << llvm::toString(placement.takeError());
    for (unsigned dim = 0; dim < placement->places.size(); ++dim) {
      std::vector<int64_t> held = {0};
      for (int64_t axis : placement->axesOf(dim)) {
        std::vector<int64_t> wider;
        for (int64_t base : held)
          for (int64_t i = 0; i < placement->axes[axis].extent; ++i)
            wider.push_back(base + i * placement->axes[axis].step);
        held = wider;
      }
      // Registers before lanes, lanes fastest: consecutive coordinates are consecutive lanes.
      ASSERT_EQ(static_cast<int64_t>(held.size()), placement->places[dim].tile()) << schedule;
      for (size_t i = 0; i < held.size(); ++i)
        EXPECT_EQ(held[i], static_cast<int64_t>(i)) << schedule << ", dimension " << dim;
    }
  }
}

TEST_F(PlacementTest, WhatIsNotNamedGoesOnTheGridOrTheLoop) {
  llvm::Expected<Placement> placement = place("s=reg; c=reg; t=reg", cpu);
  ASSERT_TRUE(static_cast<bool>(placement));
  EXPECT_TRUE(placement->places[0].grid);
  EXPECT_TRUE(placement->places[1].grid);
  EXPECT_FALSE(placement->places[2].grid);
  EXPECT_EQ(placement->timeTile, 1);
  EXPECT_EQ(placement->threads(), 1);
  EXPECT_FALSE(placement->stagedLoads);
}

TEST_F(PlacementTest, KnobsAndTheTimeTileAreTaken) {
  llvm::Expected<Placement> placement = place("s=reg; c=reg; t=reg; time=loop:33; load=staged; store=direct", cpu);
  ASSERT_TRUE(static_cast<bool>(placement));
  EXPECT_EQ(placement->timeTile, 33);
  EXPECT_TRUE(placement->stagedLoads);
  EXPECT_FALSE(placement->stagedStores);
}

TEST_F(PlacementTest, ThreadsOfABlockMultiply) {
  llvm::Expected<Placement> placement = place("a=grid,thread:32,reg:2; b=thread:6; s=reg; c=reg; t=reg", gpu);
  ASSERT_TRUE(static_cast<bool>(placement)) << llvm::toString(placement.takeError());
  EXPECT_EQ(placement->threads(), 192);
  EXPECT_EQ(placement->places[0].extent(), 64);
  EXPECT_EQ(placement->places[0].tile(), 2);
}

TEST_F(PlacementTest, HeldWholeIsWhatIsSummedMovedOrATap) {
  DimensionAnalysis dims(description->recurrence());
  EXPECT_EQ(llvm::join(dims.list(dimsHeldWhole(description->recurrence(), dims)), " "), "s c t");
}

TEST_F(PlacementTest, AnInputSeenThroughMovesNeedsNoRegisters) {
  parse("recurrence r {\n  dim a = 4, b like a\n  scan time\n  input u [a, time]\n  state h [b] : f32\n"
        "  h = 0.5 * prev(h) + flip(rename(u, a: b), b)\n  output y [b, time] = h\n}\n");
  DimensionAnalysis dims(description->recurrence());
  EXPECT_TRUE(dimsHeldWhole(description->recurrence(), dims).empty());
}

TEST_F(PlacementTest, RefusalsOfLevels) {
  const std::string rest = "; s=reg; c=reg; t=reg";
  EXPECT_EQ(refusal("x=grid" + rest), "the schedule places 'x', which is not a dimension of the recurrence");
  for (const Target &target : {cpu, gpu})
    EXPECT_EQ(refusal("time=loop:64,lane:8" + rest, target),
              "'time' is on lanes or registers, and the state 'h' is not a scan yet: run ssm-linearize before");
  EXPECT_EQ(refusal("time=loop:64,mma:8" + rest),
            "'time' is the scanned dimension and cannot be on mma: no pass runs a scan at that level, so it goes on a "
            "loop (time=loop:32)");
  EXPECT_EQ(refusal("time=loop:4097" + rest), "a time tile of 4097 steps; at most 4096 fit in scratch");
  EXPECT_EQ(refusal("a=mma:16" + rest), "'a' cannot be on mma: no pass implements that level for it; place it on grid");
  EXPECT_EQ(refusal("a=grid,thread:32" + rest), "'a' is on thread, which a CPU does not have; use grid, lane or reg");
  EXPECT_EQ(refusal("a=grid,lane:12" + rest, gpu),
            "'a=lane:12': of a warp's lanes a dimension takes 2, 4, 8, 16 or 32");
  EXPECT_EQ(refusal("a=grid,lane:8; b=grid,lane:8" + rest, gpu), "the schedule takes more than the 32 lanes of a warp");
  EXPECT_EQ(refusal("a=grid,lane:8; b=grid,thread:256" + rest, gpu),
            "the block has 2048 threads; at most 1024 are allowed");
  EXPECT_EQ(
      refusal("s=thread:10; c=reg; t=reg", gpu),
      "'s' is moved along and cannot be on thread: no pass moves values between threads; place it on loop or reg");
  EXPECT_EQ(refusal("s=grid,reg; c=reg; t=reg"),
            "'s' is summed over or moved along and cannot be on grid; place it on loop, lane or reg");
  EXPECT_EQ(refusal("s=reg; c=reg; t=lane:4"),
            "'t' is the tap dimension of a delay and cannot be on lane; place it on reg");
  EXPECT_EQ(
      refusal("a=grid:64,lane:16,reg:2" + rest),
      "'a=grid:64' covers 32 with what is inside it; a loop inside the grid runs over the rest (a=grid:64,loop,…)");
  EXPECT_EQ(refusal("a=grid:32,lane:16,reg:2" + rest), "nothing");
}

TEST_F(PlacementTest, RefusalsOfLoops) {
  EXPECT_EQ(refusal("s=loop; time=loop; c=reg"),
            "'s' is summed over or moved along, so its loop has to stand inside that of 'time': name it after 'time'");
  EXPECT_EQ(refusal("s=loop; c=reg"),
            "'s' is summed over or moved along, so its loop has to stand inside that of 'time': name it after 'time', "
            "which comes after all that are named unless it is too");
  EXPECT_EQ(refusal("s=reg; c=reg; time=loop; t=loop"),
            "'t' is the tap dimension of a delay and cannot be on loop; place it on reg");
  EXPECT_EQ(refusal("time=loop; a=loop,thread:4; s=reg; c=reg", gpu),
            "'a' is on a loop inside that of 'time' and cannot be on thread there; name it before 'time', or place it "
            "on grid");
  EXPECT_EQ(refusal("a=loop:20,lane:16; s=reg; c=reg"),
            "'a=loop:20' is not a multiple of the 16 coordinates inside it");
  EXPECT_EQ(refusal("a=grid:40,loop:32,lane:16; s=reg; c=reg"),
            "'a=grid:40' is not a multiple of the 32 coordinates of the loop inside it");
  EXPECT_EQ(refusal("a=grid:40,loop,lane:16; s=reg; c=reg"),
            "'a=grid:40' is not a multiple of the 16 coordinates of the loop inside it");
}

TEST_F(PlacementTest, LoopsStandOnTheSideOfTimeWhereTheyAreNamed) {
  auto loops = [&](llvm::StringRef schedule, LoopPlace side, const Target &target = cpu) {
    llvm::Expected<Placement> placement = place(schedule, target);
    if (!placement)
      return llvm::toString(placement.takeError());
    DimensionAnalysis dims(description->recurrence());
    std::string list;
    for (unsigned dim : placement->loops(side))
      list += (list.empty() ? "" : " ") + dims.name(dim).str();
    return list;
  };
  EXPECT_EQ(loops("b=loop; a=loop,lane:8; time=loop; c=loop; s=loop", LoopPlace::Outside), "b a");
  EXPECT_EQ(loops("b=loop; a=loop,lane:8; time=loop; c=loop; s=loop", LoopPlace::Inside), "c s");
  // What is summed over and not named is on a loop of single coordinates; taps are always on registers.
  EXPECT_EQ(loops("a=loop", LoopPlace::Outside), "a");
  EXPECT_EQ(loops("a=loop", LoopPlace::Inside), "s c");
  EXPECT_EQ(axes("a=loop"), "t 3x1, - 1x1");
  // `reg` alone takes what the loop's tile has left; the loop's own tile may be made of several.
  EXPECT_EQ(axes("time=loop; s=loop:8,lane:4,reg; c=loop; t=reg"), "s 2x4, t 3x1, s 4x1");
  EXPECT_EQ(axes("time=loop; s=loop:8,lane:4; c=loop; t=reg"), "t 3x1, s 4x1");
  llvm::Expected<Placement> placement = place("a=grid:64,loop:32,thread:4,reg:2; time=loop", gpu);
  ASSERT_TRUE(static_cast<bool>(placement)) << llvm::toString(placement.takeError());
  EXPECT_EQ(placement->places[0].span(), 64);
  EXPECT_EQ(placement->places[0].extent(), 8);
}

namespace {
/// Where dimension a of size 40 is: the coordinates of one element after another, over what is named.
struct Held {
  const char *schedule;
  bool isGpu;
  /// What varies, and how often; the rest is 0.
  TileElement from, count;
  std::vector<int64_t> coordinates;
};

std::vector<Held> tableOfElements() {
  // {task, thread, lane, reg, turn}
  auto task = [](int64_t n) { return TileElement{n, 1, 1, 1, 1}; };
  auto thread = [](int64_t n) { return TileElement{1, n, 1, 1, 1}; };
  auto lane = [](int64_t n) { return TileElement{1, 1, n, 1, 1}; };
  auto reg = [](int64_t n) { return TileElement{1, 1, 1, n, 1}; };
  auto turn = [](int64_t n) { return TileElement{1, 1, 1, 1, n}; };
  return {
      // CPU: registers outside lanes, so that a register is consecutive memory.
      {"a=grid,lane:4,reg:2", false, {}, lane(4), {0, 1, 2, 3}},
      {"a=grid,lane:4,reg:2", false, {}, reg(2), {0, 4}},
      {"a=grid,lane:4,reg:2", false, {0, 0, 3, 1, 0}, lane(1), {7}},
      // Tasks: the dimension declared last is fastest, here b with 6 tasks.
      {"a=grid,lane:4,reg:2", false, {}, task(8), {0, 0, 0, 0, 0, 0, 8, 8}},
      {"a=grid,lane:4; b=reg", false, {}, task(3), {0, 4, 8}},
      {"a=grid,lane:4; b=grid,reg:3", false, {}, task(5), {0, 0, 4, 4, 8}},
      // Chunks of time are faster than all of them: 4 chunks of 25 steps.
      {"a=grid,reg:5; b=reg; time=grid:25", false, {}, task(9), {0, 0, 0, 0, 5, 5, 5, 5, 10}},
      // Held whole.
      {"a=lane:16,reg", false, {0, 0, 15, 0, 0}, reg(3), {15, 31, 47}},
      {"a=reg", false, {}, reg(4), {0, 1, 2, 3}},
      {"b=grid,lane:4; a=reg:40", false, {}, lane(4), {0, 0, 0, 0}},
      // Loops, around time and inside it.
      {"a=loop,lane:4,reg:2; time=loop", false, {}, turn(5), {0, 8, 16, 24, 32}},
      {"time=loop; a=loop,lane:4,reg:2", false, {0, 0, 1, 1, 0}, turn(3), {5, 13, 21}},
      {"a=loop:16,lane:4; time=loop", false, {}, turn(4), {0, 4, 8, 12}},
      {"a=grid:16,loop,lane:4; b=reg; time=loop", false, {0, 0, 0, 0, 1}, task(3), {4, 20, 36}},
      {"time=loop; b=reg; a=grid:16,loop:8,lane:8", false, {2, 0, 0, 0, 0}, turn(2), {32, 40}},
      {"time=loop; a=loop", false, {}, turn(3), {0, 1, 2}},
      // GPU: a thread's registers are consecutive.
      {"a=grid,thread:4,reg:2", true, {}, reg(2), {0, 1}},
      {"a=grid,thread:4,reg:2", true, {0, 0, 0, 1, 0}, thread(4), {1, 3, 5, 7}},
      {"a=grid,thread:4,reg:2; b=reg", true, {0, 3, 0, 1, 0}, task(3), {7, 15, 23}},
      // Of threads, the dimension named last is fastest.
      {"a=grid,thread:4; b=thread:2,reg:3", true, {}, thread(8), {0, 0, 1, 1, 2, 2, 3, 3}},
      {"b=thread:2,reg:3; a=grid,thread:4", true, {}, thread(6), {0, 1, 2, 3, 0, 1}},
      {"a=loop,thread:4,reg:2; time=loop", true, {0, 2, 0, 1, 0}, turn(3), {5, 13, 21}},
      {"a=grid:16,loop,thread:4; b=reg; time=loop", true, {1, 3, 0, 0, 0}, turn(4), {19, 23, 27, 31}},
      {"a=thread:10,reg; b=grid", true, {0, 9, 0, 0, 0}, reg(4), {36, 37, 38, 39}},
      // A warp's lanes are the low part of a thread's number, whatever dimension they are of.
      {"a=grid,lane:4,reg:2", true, {0, 0, 0, 1, 0}, thread(4), {1, 3, 5, 7}},
      {"a=grid,thread:2,lane:2,reg:3", true, {}, thread(4), {0, 3, 6, 9}},
      {"a=grid,thread:2,lane:2; b=lane:2,reg:3", true, {}, thread(8), {0, 0, 1, 1, 2, 2, 3, 3}},
      {"a=grid,thread:2; b=lane:2,reg:3", true, {}, thread(4), {0, 0, 1, 1}},
      {"b=thread:2,reg:3; a=grid,lane:4", true, {1, 0, 0, 0, 0}, thread(8), {4, 5, 6, 7, 4, 5, 6, 7}},
  };
}
} // namespace

TEST_F(PlacementTest, EveryElementHoldsTheCoordinateThatTheScheduleSays) {
  parse("recurrence r {\n  dim a = 40, b = 6\n  scan time\n  input u [a, b, time]\n  state h [a, b] : f32\n"
        "  h = 0.5 * prev(h) + u\n  output y [a, b, time] = h\n}\n");
  for (const Held &entry : tableOfElements()) {
    SCOPED_TRACE(entry.schedule);
    llvm::Expected<Placement> placement = place(entry.schedule, entry.isGpu ? gpu : cpu);
    ASSERT_TRUE(static_cast<bool>(placement)) << llvm::toString(placement.takeError());
    std::vector<int64_t> held;
    const int64_t sizes[] = {40, 6, 100};
    for (int64_t turn = 0; turn < entry.count.turn; ++turn)
      for (int64_t task = 0; task < entry.count.task; ++task)
        for (int64_t thread = 0; thread < entry.count.thread; ++thread)
          for (int64_t reg = 0; reg < entry.count.reg; ++reg)
            for (int64_t lane = 0; lane < entry.count.lane; ++lane)
              held.push_back(
                  placement->coordinate(0, sizes,
                                        {entry.from.task + task, entry.from.thread + thread, entry.from.lane + lane,
                                         entry.from.reg + reg, entry.from.turn + turn}));
    EXPECT_EQ(held, entry.coordinates);
  }
}

TEST_F(PlacementTest, RefusalsOfSizes) {
  EXPECT_EQ(refusal("s=reg:9; c=reg; t=reg"),
            "'s' of size 10 does not fit in the 9 coordinates that its levels hold; a loop runs over the rest");
  EXPECT_EQ(refusal("a=lane:16,reg:2; s=reg; c=reg; t=reg"),
            "'a' of size 40 does not fit in the 32 coordinates that its levels hold; a loop runs over the rest");
  EXPECT_EQ(refusal("a=grid,lane:2; b=grid,lane:2; s=reg; c=reg; t=reg"),
            "both 'a' and 'b' are on lanes; one dimension can be");
  EXPECT_EQ(refusal("a=grid,thread:512; b=grid,thread:4; s=reg; c=reg; t=reg", gpu),
            "the block has 2048 threads; at most 1024 are allowed");
  EXPECT_EQ(refusal("a=grid,lane:16384; s=reg; c=reg; t=reg"),
            "a tile over [a, b, s, time] has more than 65536 elements in registers; a loop over one of them, or fewer "
            "registers and lanes, is needed");
  EXPECT_EQ(refusal("a=grid,reg:410; s=reg; c=reg; t=reg"),
            "a tile over [a, b, s, time] has more than 4096 rows of registers; a loop over one of them, or fewer "
            "registers and lanes, is needed");
}

/// Counts reach 2^31 each; their products must not wrap around to something small.
TEST_F(PlacementTest, HugeCountsAreRefused) {
  const std::string huge = "2147483648", rest = "; s=reg; c=reg; t=reg";
  EXPECT_NE(refusal("a=grid,thread:" + huge + "; b=grid,thread:" + huge + rest, gpu), "nothing");
  EXPECT_NE(refusal("a=grid,lane:" + huge + ",reg:" + huge + rest), "nothing");
  EXPECT_NE(refusal("a=grid,thread:" + huge + ",reg:" + huge + "; b=grid,reg:" + huge + rest, gpu), "nothing");
  parse("recurrence r {\n  dim a = 4, b = 4, d = 4\n  scan time\n  input u [a, b, d, time]\n  state h [a, b, d] : f32\n"
        "  h = 0.5 * prev(h) + u\n  output y [a, b, d, time] = h\n}\n");
  EXPECT_NE(refusal("a=grid,thread:" + huge + "; b=grid,thread:" + huge + "; d=grid,thread:4", gpu), "nothing");
}

TEST_F(PlacementTest, RefusalsOfKnobs) {
  const std::string rest = "s=reg; c=reg; t=reg; ";
  EXPECT_EQ(refusal(rest + "load(v)=staged"), "'load(v)': there is no input 'v'");
  EXPECT_EQ(refusal(rest + "load=cached"), "'load=cached': expected direct or staged");
  EXPECT_EQ(refusal(rest + "at(y)=stage", gpu),
            "'at(y)=stage': expected at(free)=stage, or at(y)=store of an output y");
  EXPECT_EQ(refusal(rest + "blocks=0", gpu),
            "'blocks=0': expected how many blocks are to be on a multiprocessor at a time");
  EXPECT_EQ(refusal(rest + "exp=split:16", gpu),
            "'exp=split:16': expected mufu, poly, or split:k for k of each 16 as polynomials, k from 1 to 15");
  EXPECT_EQ(refusal(rest + "vec=2", gpu), "'vec=2': expected 4, 8 or 16 bytes an access");
  EXPECT_EQ(refusal(rest + "pad=-4", gpu), "'pad=-4': expected auto, or a number of bytes up to 4096");
}

/// What nothing in the schedule, the recurrence or the machine can honour.
TEST_F(PlacementTest, RefusalsOfKnobsThatWouldDoNothing) {
  const std::string rest = "s=reg; c=reg; t=reg; ", steps = "time=loop:16,reg:4; ";
  EXPECT_EQ(refusal(rest + "vec=8", gpu), "'vec=8' limits accesses of several steps at once, and the schedule has none "
                                          "(time=loop:32,reg:8, or load=staged)");
  EXPECT_EQ(refusal(rest + steps + "vec=8", gpu), "nothing");
  EXPECT_EQ(refusal(rest + steps + "pad=auto", gpu),
            "'pad=auto' is between rows of staged values, and the schedule stages nothing (load=staged)");
  EXPECT_EQ(refusal(rest + "vec=8"), "'vec=8' is for a GPU: a CPU's accesses are as wide as its lanes");
  EXPECT_EQ(refusal(rest + "exp=poly"),
            "'exp=poly' is for a GPU: a CPU has no special functions, and its exponentials are polynomials");
  parse("recurrence r {\n  dim a = 4\n  scan time\n  input u [time, a] : f32\n  state h [a] : f32\n"
        "  h = 0.5 * prev(h) + u\n  output y [time, a] : f32 = h\n}\n");
  EXPECT_EQ(refusal(steps + "vec=8", gpu),
            "'vec=8' limits accesses of several steps at once, and no tensor's memory runs along 'time'");
  parse("recurrence r {\n  dim a = 4\n  scan time\n  input u [a, time] : f64\n  state h [a] : f64\n"
        "  h = 0.5 * prev(h) + u\n  output y [a, time] : f64 = h\n}\n");
  EXPECT_EQ(refusal(steps + "vec=4", gpu), "'vec=4': an element of 'u' has 8 bytes");
}

/// Copies run ahead where there is something staged, and are as deep as is said.
TEST_F(PlacementTest, CopiesRunAheadOfStages) {
  parse("recurrence r {\n  dim a = 4\n  scan time\n  input u [a, time] : f32\n  state h [a] : f32\n"
        "  h = 0.5 * prev(h) + u\n  output y [a, time] : f32 = h\n}\n");
  const std::string staged = "a=grid,thread:4; time=loop:8; load=staged; ";
  auto stages = [&](const std::string &knobs) {
    llvm::Expected<Placement> placement = place(staged + knobs, gpu);
    EXPECT_TRUE(static_cast<bool>(placement));
    return placement ? placement->copyStages : (llvm::consumeError(placement.takeError()), -1);
  };
  EXPECT_EQ(stages("copy=ld"), 0);
  EXPECT_EQ(stages("stages=1"), 0);
  EXPECT_EQ(stages("copy=cp.async"), 2);
  EXPECT_EQ(stages("stages=5; copy=cp.async"), 5);
  EXPECT_EQ(refusal(staged + "copy=bulk", gpu),
            "'copy=bulk': no pass makes bulk copies, which take tensor maps or rows of one piece; use cp.async");
  EXPECT_EQ(refusal(staged + "copy=st", gpu), "'copy=st': expected ld or cp.async");
  EXPECT_EQ(refusal(staged + "copy=cp.async; stages=1", gpu),
            "'stages=1' with copy=cp.async: nothing would be on its way during the steps; expected 2 or more");
  EXPECT_EQ(refusal(staged + "copy=cp.async; stages=17", gpu),
            "'stages=17': expected a number of time tiles, at most 16");
  EXPECT_EQ(
      refusal(staged + "stages=3", gpu),
      "'stages=3' needs copy=cp.async: what threads load themselves is in their registers on its way, at most one "
      "time tile (stages=2)");
  llvm::Expected<Placement> direct = place("a=grid,thread:4; time=loop,reg:4; stages=2", gpu);
  ASSERT_TRUE(static_cast<bool>(direct)) << llvm::toString(direct.takeError());
  EXPECT_TRUE(direct->loadsAhead);
  for (auto [knobs, isAhead] : {std::pair("copy=ld; stages=2", true),
                                {"stages=2", true},
                                {"copy=ld; stages=1", false},
                                {"copy=ld", false},
                                {"copy=cp.async; stages=2", false}}) {
    llvm::Expected<Placement> placement = place(staged + knobs, gpu);
    ASSERT_TRUE(static_cast<bool>(placement)) << llvm::toString(placement.takeError());
    EXPECT_EQ(placement->loadsAhead, isAhead) << knobs;
  }
  EXPECT_EQ(refusal("a=grid,thread:4; time=loop:8; copy=cp.async", gpu),
            "'copy=cp.async' says how what is staged is copied, and the schedule stages nothing (load=staged)");
  EXPECT_EQ(
      refusal("a=grid,thread:4; time=loop:8; stages=1", gpu),
      "'stages=1' says how many time tiles are there or on their way, and the schedule has none (time=loop:32,reg:8 "
      "with load=staged, or time=loop,reg:8)");
  EXPECT_EQ(refusal("stages=2"), "'stages=2' is for a GPU: a CPU's scratch is in its caches, and its processor looks "
                                 "ahead itself");
}

/// A narrower access asks less of where rows begin, and of how long a time tile is.
TEST_F(PlacementTest, AccessesSayWhereRowsMayBegin) {
  parse("recurrence r {\n  dim a = 4\n  scan time reverse\n  input u [a, time] : bf16\n  state h [a] : f32\n"
        "  h = 0.5 * prev(h) + u\n  output y [a, time] : f32 = h\n}\n");
  for (int64_t bytes : {4, 8, 16}) {
    llvm::Expected<Placement> placement =
        place("a=grid,thread:4; time=loop:8; load=staged; vec=" + std::to_string(bytes), gpu);
    ASSERT_TRUE(static_cast<bool>(placement)) << llvm::toString(placement.takeError());
    EXPECT_EQ(stagedSteps(description->recurrence(), *placement), bytes / 2);
    KernelInterface interface = getKernelInterface(description->recurrence());
    setAlignments(interface, description->recurrence(), *placement, /*gpu=*/true);
    EXPECT_EQ(interface.tensors[0].alignment, bytes);
    EXPECT_EQ(interface.tensors[1].alignment, bytes);
    EXPECT_EQ(interface.stepsMultiple, bytes / 2);
  }
  EXPECT_EQ(refusal("a=grid,thread:4; time=loop:4; load=staged", gpu),
            "a staged time tile of 4 steps: threads move 8 at once, so it has to be a multiple of that (time=loop:32)");
  EXPECT_EQ(refusal("a=grid,thread:4; time=loop:4; load=staged; vec=8", gpu), "nothing");
  EXPECT_EQ(refusal("a=grid,thread:4; time=loop:8; load=staged; pad=24", gpu),
            "'pad=24': rows of staged values begin at multiples of 16 bytes, so it has to be a multiple of that, or "
            "vec=4 makes accesses narrower");
  EXPECT_EQ(refusal("a=grid,thread:4; time=loop:8; load=staged; pad=24; vec=8", gpu), "nothing");
}

TEST_F(PlacementTest, ASizeThatMustBeKnownIsAskedFor) {
  parse("recurrence r {\n  dim open\n  scan time\n  input u [open, time]\n  state h [open] : f32\n  h = 0.5 * prev(h) "
        "+ u\n"
        "  output y [open, time] = h\n}\n");
  EXPECT_EQ(refusal("open=grid,lane:16"), "nothing");
  EXPECT_EQ(
      refusal("open=reg"),
      "the size of 'open' must be known when compiling, since registers, lanes or threads hold all of it; give it with "
      "--dim open=… or a default in the description");
}
