#ifndef SSM_CODEGEN_EMULATOR_REQUESTS_H
#define SSM_CODEGEN_EMULATOR_REQUESTS_H

#include "codegen/emulator/Memory.h"
#include "codegen/emulator/Statistics.h"

#include <map>

namespace ssm::emulator {

/// Puts what single threads access together to requests of warps: the lanes that execute the same instruction the same
/// n-th time between two synchronizations make one.
class Requests {
public:
  /// Every array begins a line, as on a device, wherever it lies here.
  Requests(const Program &program, KernelStatistics &statistics, const std::vector<Array> &arrays = {});

  /// What a thread has executed since it last waited for others.
  class Executed {
  public:
    uint32_t next(uint32_t site) { return counts[site]++; }
    void clear() { counts.clear(); }

  private:
    std::map<uint32_t, uint32_t> counts;
  };

  /// `warp` is a number over the whole grid, which has `lanes` lanes. `address` counts from the block's shared memory
  /// where `isShared`.
  void add(uint64_t warp, unsigned lane, unsigned lanes, Executed &executed, uint32_t site, uint64_t address,
           uint32_t bytes, bool writes, bool isShared);
  void addAtomic() { ++statistics.atomics; }
  /// The warp has waited for all its lanes, or ended: what lacks lanes is a request without them.
  void finish(uint64_t warp);

private:
  /// Site, which time, which piece of a wide access, and whether it is of shared memory.
  using Key = std::tuple<uint32_t, uint32_t, uint32_t, bool>;
  struct Open {
    bool writes = false;
    std::vector<std::pair<unsigned, LaneAccess>> lanes;
  };

  uint64_t onDevice(uint64_t address) const;
  void close(const Key &key, const Open &request);

  const Program &program;
  KernelStatistics &statistics;
  /// Where arrays begin and end, in order.
  std::vector<std::pair<uintptr_t, uintptr_t>> arrays;
  std::map<uint64_t, std::map<Key, Open>> open;
};

} // namespace ssm::emulator

#endif
