// The schedule language: text to structure and back, and what it refuses.

#include "schedule/Schedule.h"
#include "test/support/Random.h"

#include <gtest/gtest.h>

using namespace ssm;
using namespace ssm::test;

namespace {
std::string refusal(llvm::StringRef text) {
  llvm::Expected<Schedule> schedule = parseSchedule(text);
  return schedule ? "" : llvm::toString(schedule.takeError());
}

Schedule randomSchedule(Random &random) {
  static constexpr Level levels[] = {Level::Grid, Level::Loop, Level::Mma, Level::Thread, Level::Lane, Level::Reg};
  Schedule schedule;
  for (uint64_t dim = 0, dims = random.below(5); dim < dims; ++dim) {
    DimPlacement placement{"d" + std::to_string(dim), {}};
    for (Level level : levels)
      if (random.chance(40)) {
        bool needsCount = level == Level::Thread || level == Level::Lane;
        placement.levels.push_back({level, needsCount || random.chance(50)
                                               ? std::optional<int64_t>(1 + random.below(1 << 20))
                                               : std::nullopt});
      }
    if (!placement.levels.empty())
      schedule.dims.push_back(placement);
  }
  static const char *values[] = {"staged", "direct", "4", "split:3", "cp.async"};
  for (const char *name : {"load", "stages", "at", "vec"})
    if (random.chance(40)) {
      Knob knob{name, {}, random.pick(values)};
      for (uint64_t i = random.below(3); i > 0; --i)
        knob.of.push_back("x" + std::to_string(i));
      schedule.knobs.push_back(knob);
    }
  return schedule;
}

bool operator==(const LevelCount &a, const LevelCount &b) { return a.level == b.level && a.count == b.count; }
bool same(const Schedule &a, const Schedule &b) {
  return std::equal(a.dims.begin(), a.dims.end(), b.dims.begin(), b.dims.end(),
                    [](const DimPlacement &x, const DimPlacement &y) {
                      return x.dim == y.dim && std::equal(x.levels.begin(), x.levels.end(), y.levels.begin(),
                                                          y.levels.end(), [](auto &p, auto &q) { return p == q; });
                    }) &&
         std::equal(a.knobs.begin(), a.knobs.end(), b.knobs.begin(), b.knobs.end(), [](const Knob &x, const Knob &y) {
           return x.name == y.name && x.of == y.of && x.value == y.value;
         });
}
} // namespace

TEST(Schedule, PrintedParsesBackToTheSame) {
  Random random(1);
  for (int i = 0; i < 2000; ++i) {
    Schedule schedule = randomSchedule(random);
    std::string text = printSchedule(schedule);
    llvm::Expected<Schedule> parsed = parseSchedule(text);
    ASSERT_TRUE(static_cast<bool>(parsed)) << text << ": " << llvm::toString(parsed.takeError());
    ASSERT_TRUE(same(schedule, *parsed)) << text << " became " << printSchedule(*parsed);
  }
}

TEST(Schedule, SpaceAndEmptyPartsDoNotMatter) {
  llvm::Expected<Schedule> schedule = parseSchedule(" ;member = grid , lane : 16;; load( u , v ) = staged ; ");
  ASSERT_TRUE(static_cast<bool>(schedule)) << llvm::toString(schedule.takeError());
  EXPECT_EQ(printSchedule(*schedule), "member=grid,lane:16; load(u,v)=staged");
}

TEST(Schedule, NothingIsAnEmptySchedule) {
  llvm::Expected<Schedule> schedule = parseSchedule("");
  ASSERT_TRUE(static_cast<bool>(schedule));
  EXPECT_EQ(printSchedule(*schedule), "");
}

TEST(Schedule, CountsAndKnobsCanBeAskedFor) {
  llvm::Expected<Schedule> schedule = parseSchedule("a=grid,lane:16; load=staged; load(u)=direct");
  ASSERT_TRUE(static_cast<bool>(schedule));
  const DimPlacement *a = schedule->lookup("a");
  ASSERT_NE(a, nullptr);
  EXPECT_EQ(a->countAt(Level::Lane), 16);
  EXPECT_EQ(a->countAt(Level::Reg), 1);
  EXPECT_TRUE(a->isOn(Level::Grid));
  EXPECT_FALSE(a->isOn(Level::Reg));
  EXPECT_EQ(schedule->lookup("b"), nullptr);
  EXPECT_EQ(schedule->knob("load"), "staged");
  EXPECT_EQ(schedule->knob("store"), std::nullopt);
}

TEST(Schedule, RefusalsSayWhatWasFoundAndWanted) {
  EXPECT_EQ(refusal("a=warp"),
            "in the schedule, column 3: 'warp' is not a level; expected grid, loop, mma, thread, lane or reg");
  EXPECT_EQ(refusal("a="),
            "in the schedule, column 3: '' is not a level; expected grid, loop, mma, thread, lane or reg");
  EXPECT_EQ(refusal("a=reg:0"), "in the schedule, column 3: '0' in 'reg:0' is not a positive count");
  EXPECT_EQ(refusal("a=reg:-3"), "in the schedule, column 3: '-3' in 'reg:-3' is not a positive count");
  EXPECT_EQ(refusal("a=reg:"), "in the schedule, column 3: '' in 'reg:' is not a positive count");
  EXPECT_EQ(refusal("a=reg:1x"), "in the schedule, column 3: '1x' in 'reg:1x' is not a positive count");
  EXPECT_EQ(refusal("a=reg:2147483649"),
            "in the schedule, column 3: '2147483649' in 'reg:2147483649' is not a positive count");
  EXPECT_EQ(refusal("a=reg:99999999999999999999"),
            "in the schedule, column 3: '99999999999999999999' in 'reg:99999999999999999999' is not a positive count");
  EXPECT_EQ(refusal("a=lane"), "in the schedule, column 3: 'lane' needs a count, as in 'lane:16'");
  EXPECT_EQ(refusal("a=thread"), "in the schedule, column 3: 'thread' needs a count, as in 'thread:16'");
  EXPECT_EQ(refusal("a=reg,grid"),
            "in the schedule, column 7: 'a=reg,grid' names 'grid' out of order; the order is grid, loop, mma, "
            "thread, lane, reg, each at most once");
  EXPECT_EQ(refusal("a=reg,reg"),
            "in the schedule, column 7: 'a=reg,reg' names 'reg' out of order; the order is grid, loop, mma, "
            "thread, lane, reg, each at most once");
  EXPECT_EQ(refusal("a"), "in the schedule, column 1: 'a' has no '='; expected dimension=levels or knob=value");
  EXPECT_EQ(refusal("1a=grid"), "in the schedule, column 1: '1a' is not the name of a dimension or a knob");
  EXPECT_EQ(refusal("=grid"), "in the schedule, column 1: '' is not the name of a dimension or a knob");
  EXPECT_EQ(refusal("a b=grid"), "in the schedule, column 1: 'a b' is not the name of a dimension or a knob");
  EXPECT_EQ(refusal("a=grid; a=reg"), "in the schedule, column 9: the dimension 'a' is placed twice");
  EXPECT_EQ(refusal("load=staged; load=direct"), "in the schedule, column 14: 'load' is set twice");
  EXPECT_EQ(refusal("load(u)=staged; load(u)=direct"), "in the schedule, column 17: 'load(u)' is set twice");
  EXPECT_EQ(refusal("load(u=staged"), "in the schedule, column 1: expected ')' at the end of 'load(u'");
  EXPECT_EQ(refusal("load()=staged"), "in the schedule, column 6: '' in 'load()' is not a name");
  EXPECT_EQ(refusal("load(u,)=staged"), "in the schedule, column 8: '' in 'load(u,)' is not a name");
  EXPECT_EQ(refusal("load="), "in the schedule, column 1: 'load' has no value");
  EXPECT_EQ(refusal("a(u)=grid"), "in the schedule, column 1: 'a' is not a knob");
  EXPECT_EQ(refusal("a=grid;\n  b=warp"),
            "in the schedule, line 2, column 5: 'warp' is not a level; expected grid, loop, mma, thread, lane or reg");
}

/// Schedules come from files: whatever stands there is refused or printed to something that parses to itself.
TEST(Schedule, AnyTextIsRefusedOrPrintsToAFixedPoint) {
  Random random(2);
  static const char *pieces[] = {"a", "load", "=", ";", ",", ":", "grid", "reg", "lane", "(", ")", "16", " ", "-", "é"};
  unsigned accepted = 0;
  for (int i = 0; i < 20000; ++i) {
    std::string text;
    for (uint64_t length = random.below(12); length > 0; --length)
      text += random.pick(pieces);
    llvm::Expected<Schedule> schedule = parseSchedule(text);
    if (!schedule) {
      ASSERT_NE(llvm::toString(schedule.takeError()), "") << text;
      continue;
    }
    ++accepted;
    std::string printed = printSchedule(*schedule);
    llvm::Expected<Schedule> again = parseSchedule(printed);
    ASSERT_TRUE(static_cast<bool>(again))
        << text << " printed " << printed << ": " << llvm::toString(again.takeError());
    ASSERT_EQ(printSchedule(*again), printed) << text;
  }
  EXPECT_GT(accepted, 100u);
}
