// The schedules of a recurrence: all legal, no kernel twice, those that one would write by hand among them.

#include "schedule/ScheduleSpace.h"
#include "test/unit/Prepared.h"
#include "llvm/ADT/StringSet.h"

using namespace ssm;
using namespace ssm::test;

namespace {
const Target avx512, gpu = {.gpu = true, .cores = 132};

ScheduleSpace spaceOf(const Prepared &prepared, const Target &target = avx512, bool coarse = false) {
  SpaceLimits limits;
  limits.coarse = coarse;
  return makeScheduleSpace(prepared.source(), target, {}, limits);
}

bool holds(const Prepared &prepared, const ScheduleSpace &space, llvm::StringRef text, const Target &target = avx512) {
  auto candidate = placeCandidate(prepared.source(), target, llvm::cantFail(parseSchedule(text)));
  EXPECT_TRUE(static_cast<bool>(candidate)) << text.str() << ": " << llvm::toString(candidate.takeError());
  return candidate &&
         llvm::any_of(space.candidates, [&](const Candidate &other) { return other.key == candidate->key; });
}
} // namespace

TEST(ScheduleSpace, HoldsEachKernelOnceAndCountsWhatItWrote) {
  Prepared prepared = prepareModel("mamba1", {{"batch", 1}, {"group", 1}, {"member", 256}, {"time", 128}});
  ScheduleSpace space = spaceOf(prepared);
  llvm::StringSet<> keys, texts;
  for (const Candidate &candidate : space.candidates) {
    EXPECT_TRUE(keys.insert(candidate.key).second) << printSchedule(candidate.schedule);
    EXPECT_TRUE(texts.insert(printSchedule(candidate.schedule)).second);
  }
  EXPECT_EQ(space.counts.distinct, static_cast<int64_t>(space.candidates.size()));
  EXPECT_LE(space.counts.distinct, space.counts.legal);
  EXPECT_LE(space.counts.legal, space.counts.written);
  EXPECT_GT(space.counts.distinct, 500);
}

TEST(ScheduleSpace, HoldsWhatOneWouldWriteByHand) {
  Prepared mamba = prepareModel("mamba1", {{"batch", 1}, {"group", 1}, {"member", 2048}, {"time", 1024}});
  ScheduleSpace space = spaceOf(mamba);
  EXPECT_TRUE(holds(mamba, space, "member=grid,lane:16; state=reg; time=loop:32; load=staged; store=staged"));
  EXPECT_TRUE(holds(mamba, space, "member=grid,reg:4; state=lane:16; time=loop:64; load=staged; store=staged"));
  EXPECT_TRUE(holds(mamba, space, "member=grid; state=reg; time=lane:16,reg:4"));
  Prepared retnet = prepareModel("retnet", {{"batch", 1}, {"head", 8}, {"time", 256}});
  EXPECT_TRUE(
      holds(retnet, spaceOf(retnet), "head=grid; value=grid,lane:16,reg:4; time=loop:16,reg:2; key=loop,reg:1"));
}

TEST(ScheduleSpace, LeavesOutStepsAtOnceWhereTheyDoNotCompose) {
  Prepared prepared = prepareModel("lstm_cell_scan", {{"batch", 1}, {"channel", 512}, {"time", 64}});
  EXPECT_FALSE(prepared.source().composed);
  for (const Candidate &candidate : spaceOf(prepared).candidates)
    EXPECT_EQ(candidate.placement.blockSteps(), 1) << printSchedule(candidate.schedule);
}

TEST(ScheduleSpace, OfOneCoordinateHasNoLanes) {
  Prepared prepared = prepareModel("mingru", {{"batch", 1}, {"channel", 1}, {"time", 1}});
  for (const Candidate &candidate : spaceOf(prepared).candidates)
    for (const DimPlace &place : candidate.placement.places)
      EXPECT_EQ(place.lanes * place.regs, 1) << printSchedule(candidate.schedule);
}

TEST(ScheduleSpace, CoarseIsAPart) {
  Prepared prepared = prepareModel("s4d", {{"batch", 1}, {"channel", 128}, {"time", 256}});
  ScheduleSpace all = spaceOf(prepared), coarse = spaceOf(prepared, avx512, /*coarse=*/true);
  EXPECT_LT(coarse.candidates.size(), all.candidates.size());
  llvm::StringSet<> keys;
  for (const Candidate &candidate : all.candidates)
    keys.insert(candidate.key);
  for (const Candidate &candidate : coarse.candidates)
    EXPECT_TRUE(keys.contains(candidate.key)) << printSchedule(candidate.schedule);
}

TEST(ScheduleSpace, OfAGpuStaysWithinABlock) {
  Prepared prepared = prepareModel("mamba1", {{"batch", 8}, {"group", 1}, {"member", 4096}, {"time", 2048}});
  ScheduleSpace space = spaceOf(prepared, gpu);
  EXPECT_GT(space.candidates.size(), 500u);
  for (const Candidate &candidate : space.candidates)
    EXPECT_LE(candidate.placement.threads(), 1024);
  EXPECT_TRUE(
      holds(prepared, space, "member=grid,thread:128; state=reg; time=loop:32,reg:8; load=staged; store=staged", gpu));
}
