#ifndef SSM_BENCH_SMMODEL_ACCESSES_H
#define SSM_BENCH_SMMODEL_ACCESSES_H

#include "bench/sm-model/WarpState.h"

#include <array>
#include <deque>
#include <set>

namespace ssm::sm {

/// The bytes that each lane of a warp accesses.
struct Access {
  std::array<uint64_t, WarpState::lanes> address = {};
  uint32_t mask = 0;
  unsigned bytes = 4;
};

/// The addresses of an instruction in the lanes of `mask`; nothing where one of them is not known.
std::optional<Access> addressesOf(const Instruction &instruction, const WarpState &state, uint32_t mask);

/// Passes that shared memory needs: the most different words of 4 bytes in one of its 32 banks.
unsigned sharedPasses(const Access &access);

/// Sectors of 32 bytes that a warp touches, in order.
std::set<uint64_t> sectorsOf(const Access &access);

/// Lines of 128 bytes in which these sectors are.
unsigned countLines(const std::set<uint64_t> &sectors);

/// The sectors that a warp has in the first cache: the last that it loaded.
class SectorCache {
public:
  explicit SectorCache(size_t capacity) : capacity(capacity) {}
  /// Loads sectors, and says how many were not there.
  unsigned load(const std::set<uint64_t> &sectors);

private:
  size_t capacity;
  std::deque<uint64_t> order;
  std::set<uint64_t> present;
};

} // namespace ssm::sm

#endif
