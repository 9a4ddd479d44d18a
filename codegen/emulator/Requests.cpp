// From accesses of threads to requests of warps.

#include "codegen/emulator/Requests.h"

#include <algorithm>

using namespace ssm::emulator;

/// The widest access that machine code makes of one with that alignment: 16 bytes at most.
static uint32_t pieceOf(uint32_t bytes, uint32_t align) {
  uint32_t piece = std::min(16u, align);
  while (piece > 1 && bytes % piece)
    piece /= 2;
  return std::max(piece, 1u);
}

Requests::Requests(const Program &program, KernelStatistics &statistics, const std::vector<Array> &given)
    : program(program), statistics(statistics) {
  for (const Array &array : given)
    arrays.push_back(bytesOf(array));
  std::sort(arrays.begin(), arrays.end());
}

uint64_t Requests::onDevice(uint64_t address) const {
  constexpr uint64_t apart = uint64_t(1) << 40;
  auto after = std::upper_bound(arrays.begin(), arrays.end(), std::pair(uintptr_t(address), UINTPTR_MAX));
  if (after == arrays.begin())
    return address;
  --after;
  return apart * (after - arrays.begin() + 1) + (address - after->first);
}

void Requests::add(uint64_t warp, unsigned lane, unsigned lanes, Executed &executed, uint32_t site, uint64_t address,
                   uint32_t bytes, bool writes, bool isShared) {
  uint32_t time = executed.next(2 * site + isShared), piece = pieceOf(bytes, program.sites[site].align);
  if (!isShared)
    address = onDevice(address);
  std::map<Key, Open> &ofWarp = open[warp];
  for (uint32_t offset = 0; offset < bytes; offset += piece) {
    auto at = ofWarp.try_emplace(Key{site, time, offset, isShared}).first;
    at->second.writes = writes;
    at->second.lanes.push_back({lane, {address + offset, piece}});
    if (at->second.lanes.size() == lanes) {
      close(at->first, at->second);
      ofWarp.erase(at);
    }
  }
}

void Requests::finish(uint64_t warp) {
  auto found = open.find(warp);
  if (found == open.end())
    return;
  for (const auto &[key, request] : found->second)
    close(key, request);
  open.erase(found);
}

void Requests::close(const Key &key, const Open &request) {
  if (std::get<3>(key)) {
    (request.writes ? statistics.sharedStores : statistics.sharedLoads) += countShared(request.lanes);
    return;
  }
  std::vector<LaneAccess> accesses;
  for (const auto &[lane, access] : request.lanes)
    accesses.push_back(access);
  (request.writes ? statistics.stores : statistics.loads) += countGlobal(accesses);
}
