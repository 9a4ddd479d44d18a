#ifndef SSM_BENCH_SMMODEL_WARPTRACE_H
#define SSM_BENCH_SMMODEL_WARPTRACE_H

#include "bench/sm-model/Listing.h"

namespace ssm::sm {

/// One instruction that a warp runs.
struct Step {
  uint32_t instruction = 0;
  /// Of shared memory, its passes; of global memory, the sectors that are not in the first cache. An access of no lane
  /// has `isIdle`.
  uint16_t count = 0;
  uint8_t lines = 0;
  bool isIdle = false, hitsCache = false, fromDram = false, taken = false;
};

/// What a kernel is started with.
struct TraceLaunch {
  int64_t blocks = 1, threads = 32;
  std::vector<uint64_t> arguments;
  /// Which addresses are of arrays that come from DRAM: bits 36 and up are an array's number, from 1.
  std::vector<bool> fromDram;
  static constexpr unsigned addressBits = 36;
  /// Sectors that a warp keeps in the first cache.
  int64_t cachedSectors = 0;
};

/// Runs a warp of block 0 and writes down its way. Integers, predicates and addresses are computed; what was loaded and
/// what floats give is not known, but for FCHK, which finds nothing. Errors: an opcode or modifier without meaning in
/// the model; atomics and fences, by which blocks wait for each other; a branch or an address that depends on data.
llvm::Expected<std::vector<Step>> traceWarp(const Listing &listing, const TraceLaunch &launch, unsigned warp);

} // namespace ssm::sm

#endif
