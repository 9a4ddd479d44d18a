// What requests of the emulated device cost, and how they come about.

#include "codegen/emulator/Requests.h"

#include <gtest/gtest.h>

using namespace ssm::emulator;

namespace {
std::vector<std::pair<unsigned, LaneAccess>> lanesOf(uint64_t first, uint64_t pitch, uint32_t bytes) {
  std::vector<std::pair<unsigned, LaneAccess>> lanes;
  for (unsigned lane = 0; lane < 32; ++lane)
    lanes.push_back({lane, {first + lane * pitch, bytes}});
  return lanes;
}

GlobalCounts globalOf(uint64_t first, uint64_t pitch, uint32_t bytes) {
  std::vector<LaneAccess> accesses;
  for (const auto &[lane, access] : lanesOf(first, pitch, bytes))
    accesses.push_back(access);
  return countGlobal(accesses);
}
} // namespace

TEST(EmulatorStatistics, ConsecutiveWordsAreFourSectors) {
  GlobalCounts counts = globalOf(256, 4, 4);
  EXPECT_EQ(counts.requests, 1u);
  EXPECT_EQ(counts.bytes, 128u);
  EXPECT_EQ(counts.sectors, 4u);
  EXPECT_EQ(counts.lines, 1u);
  EXPECT_EQ(counts.partial, 0u);
  EXPECT_EQ(counts.runs, 1u);
  EXPECT_EQ(counts.shortRuns, 0u);
  EXPECT_EQ(counts.shortestRun, 128u);
}

TEST(EmulatorStatistics, SectorsAreUsedInPart) {
  // 4 bytes off: a fifth sector, in two lines.
  GlobalCounts shifted = globalOf(260, 4, 4);
  EXPECT_EQ(shifted.sectors, 5u);
  EXPECT_EQ(shifted.lines, 2u);
  EXPECT_EQ(shifted.partial, 1u);
  // A word of every sector.
  GlobalCounts apart = globalOf(0, 32, 4);
  EXPECT_EQ(apart.sectors, 32u);
  EXPECT_EQ(apart.lines, 8u);
  EXPECT_EQ(apart.bytes, 128u);
  EXPECT_EQ(apart.runs, 32u);
  EXPECT_EQ(apart.shortRuns, 32u);
  EXPECT_EQ(apart.shortestRun, 4u);
  // Two words of each: one sector is touched by two runs.
  GlobalCounts twice = globalOf(0, 16, 4);
  EXPECT_EQ(twice.sectors, 16u);
  EXPECT_EQ(twice.lines, 4u);
  // All lanes at one word.
  GlobalCounts same = globalOf(64, 0, 4);
  EXPECT_EQ(same.sectors, 1u);
  EXPECT_EQ(same.bytes, 4u);
  EXPECT_EQ(same.partial, 1u);
}

TEST(EmulatorStatistics, RowsOf64Bytes) {
  // Lanes in groups of 4 read 64 bytes of 8 rows.
  std::vector<LaneAccess> accesses;
  for (unsigned lane = 0; lane < 32; ++lane)
    accesses.push_back({lane / 4 * 4096 + lane % 4 * 16, 16});
  GlobalCounts counts = countGlobal(accesses);
  EXPECT_EQ(counts.runs, 8u);
  EXPECT_EQ(counts.shortestRun, 64u);
  EXPECT_EQ(counts.shortRuns, 0u);
  EXPECT_EQ(counts.partial, 0u);
  EXPECT_EQ(counts.sectors, 16u);
}

TEST(EmulatorStatistics, BanksOfSharedMemory) {
  struct Case {
    uint64_t pitch;
    uint32_t bytes;
    uint64_t wavefronts, conflicts;
  };
  const Case cases[] = {
      {4, 4, 1, 0},
      // All lanes read one word.
      {0, 4, 1, 0},
      // Every other bank: two words in each.
      {8, 4, 2, 1},
      {128, 4, 32, 31},
      {132, 4, 1, 0},
      // Halves of words share theirs.
      {2, 2, 1, 0},
      // 8 bytes: two half warps. 16 bytes: four quarters.
      {8, 8, 2, 0},
      {16, 16, 4, 0},
      {0, 16, 4, 0},
      // Rows of 80 bytes: 8 lanes touch each bank once.
      {80, 16, 4, 0},
      {64, 16, 16, 12},
  };
  for (const Case &one : cases) {
    SharedCounts counts = countShared(lanesOf(0, one.pitch, one.bytes));
    EXPECT_EQ(counts.wavefronts, one.wavefronts) << one.pitch << " " << one.bytes;
    EXPECT_EQ(counts.conflicts, one.conflicts) << one.pitch << " " << one.bytes;
  }
}

/// Lanes run one after another; what they execute the same n-th time is one request. Wide accesses are pieces of 16
/// bytes, or less where the alignment is.
TEST(EmulatorStatistics, LanesThatExecuteTheSameAreOneRequest) {
  Program program;
  program.sites.resize(2);
  program.sites[0].align = 4;
  program.sites[1].align = 32;
  KernelStatistics statistics;
  Requests requests(program, statistics);
  Requests::Executed executed[32];
  for (unsigned lane = 0; lane < 32; ++lane)
    for (unsigned time = 0; time < 3; ++time)
      requests.add(0, lane, 32, executed[lane], 0, 1024 * time + 4 * lane, 4, false, false);
  EXPECT_EQ(statistics.loads.requests, 3u);
  EXPECT_EQ(statistics.loads.sectors, 12u);
  for (unsigned lane = 0; lane < 32; ++lane)
    requests.add(0, lane, 32, executed[lane], 1, 32 * lane, 32, true, false);
  EXPECT_EQ(statistics.stores.requests, 2u);
  EXPECT_EQ(statistics.stores.bytes, 1024u);
  // Half a warp: there when the warp goes on.
  for (unsigned lane = 0; lane < 16; ++lane)
    requests.add(0, lane, 32, executed[lane], 0, 4 * lane, 4, false, true);
  EXPECT_EQ(statistics.sharedLoads.requests, 0u);
  requests.finish(0);
  EXPECT_EQ(statistics.sharedLoads.requests, 1u);
  EXPECT_EQ(statistics.sharedLoads.bytes, 64u);
}
