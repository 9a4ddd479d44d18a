// What requests of memory cost.

#include "codegen/emulator/Statistics.h"

#include <algorithm>
#include <set>

using namespace ssm::emulator;

const char *ssm::emulator::nameOf(OperationKind kind) {
  constexpr const char *names[] = {"special-function", "fma",     "float32", "float64",       "integer",
                                   "conversion",       "shuffle", "vote",    "bar.warp.sync", "barrier"};
  static_assert(std::size(names) == operationKinds);
  return names[static_cast<size_t>(kind)];
}

void GlobalCounts::operator+=(const GlobalCounts &other) {
  if (other.runs)
    shortestRun = runs ? std::min(shortestRun, other.shortestRun) : other.shortestRun;
  requests += other.requests;
  bytes += other.bytes;
  sectors += other.sectors;
  lines += other.lines;
  partial += other.partial;
  runs += other.runs;
  shortRuns += other.shortRuns;
}

void SharedCounts::operator+=(const SharedCounts &other) {
  requests += other.requests;
  bytes += other.bytes;
  wavefronts += other.wavefronts;
  conflicts += other.conflicts;
}

/// Intervals of bytes that touch are one.
static std::vector<std::pair<uint64_t, uint64_t>> runsOf(const std::vector<LaneAccess> &lanes) {
  std::vector<std::pair<uint64_t, uint64_t>> all, runs;
  for (const LaneAccess &lane : lanes)
    if (lane.bytes)
      all.emplace_back(lane.address, lane.address + lane.bytes);
  std::sort(all.begin(), all.end());
  for (auto [begin, end] : all)
    if (runs.empty() || begin > runs.back().second)
      runs.emplace_back(begin, end);
    else
      runs.back().second = std::max(runs.back().second, end);
  return runs;
}

GlobalCounts ssm::emulator::countGlobal(const std::vector<LaneAccess> &lanes) {
  constexpr uint64_t sector = 32, line = 128, shortRun = 64;
  GlobalCounts counts;
  uint64_t nextSector = 0, nextLine = 0;
  bool isPartial = false;
  for (auto [begin, end] : runsOf(lanes)) {
    counts.requests = 1;
    counts.bytes += end - begin;
    ++counts.runs;
    counts.shortRuns += end - begin < shortRun;
    counts.shortestRun = counts.runs == 1 ? end - begin : std::min(counts.shortestRun, end - begin);
    isPartial |= begin % sector || end % sector;
    // Runs are in order: a sector or line that the last one touched has been counted.
    uint64_t firstSector = std::max(nextSector, begin / sector), firstLine = std::max(nextLine, begin / line);
    nextSector = (end + sector - 1) / sector;
    nextLine = (end + line - 1) / line;
    counts.sectors += nextSector - std::min(firstSector, nextSector);
    counts.lines += nextLine - std::min(firstLine, nextLine);
  }
  counts.partial = isPartial;
  return counts;
}

SharedCounts ssm::emulator::countShared(const std::vector<std::pair<unsigned, LaneAccess>> &lanes) {
  constexpr unsigned banks = 32, word = 4, warp = 32;
  SharedCounts counts;
  counts.requests = !lanes.empty();
  uint32_t widest = word;
  std::vector<LaneAccess> all;
  for (const auto &[lane, access] : lanes) {
    widest = std::max(widest, access.bytes);
    all.push_back(access);
  }
  for (auto [begin, end] : runsOf(all))
    counts.bytes += end - begin;
  unsigned lanesAtOnce = warp * word / widest;
  for (unsigned first = 0; first < warp; first += lanesAtOnce) {
    std::array<std::set<uint64_t>, banks> words;
    for (const auto &[lane, access] : lanes)
      if (lane >= first && lane < first + lanesAtOnce)
        for (uint64_t at = access.address / word; at * word < access.address + access.bytes; ++at)
          words[at % banks].insert(at);
    size_t most = 0;
    for (const std::set<uint64_t> &bank : words)
      most = std::max(most, bank.size());
    counts.wavefronts += most;
    counts.conflicts += most ? most - 1 : 0;
  }
  return counts;
}
