#ifndef SSM_BENCH_SMMODEL_REPLAY_H
#define SSM_BENCH_SMMODEL_REPLAY_H

#include "bench/sm-model/Pipes.h"

namespace ssm::sm {

/// Why a scheduler issues nothing at a clock: the reason of the warp that is nearest to going on, which are in that
/// order.
enum class Reason {
  Unit,         // a fixed unit is taken
  SpecialQueue, // no place among special functions
  MemoryQueue,  // no place in the queue of loads and stores
  FixedLatency, // clocks that the assembler asks for
  Special,      // a special function's result
  SharedLoad,
  SharedStore, // or a shuffle
  BranchTaken,
  Other, // a constant, a uniform register, an f64
  Global,
  BarrierWait,
  NoWarp
};
constexpr unsigned numReasons = static_cast<unsigned>(Reason::NoWarp) + 1;
/// A key of JSON: `special_queue`.
llvm::StringRef nameOf(Reason reason);

/// What one multiprocessor runs: `blocks` of as many warps as there are traces, at most `resident` at a time.
struct Workload {
  const std::vector<Instruction> *code = nullptr;
  std::vector<std::vector<Step>> traces;
  int64_t blocks = 1, resident = 1;
};

/// What came of it. Shares are of the clocks of all schedulers.
struct ReplayResult {
  int64_t clocks = 0, issued = 0;
  double issueShare = 0, specialShare = 0, memoryShare = 0;
  std::array<double, numReasons> waitShares = {};
};

/// Runs the warps of a workload clock by clock. Each scheduler issues the oldest warp that can go on; a warp can where
/// the clocks that the assembler asked for are over, its scoreboards are free and the unit takes it. An error where all
/// wait for something that does not come.
llvm::Expected<ReplayResult> replay(const Workload &workload, const Parameters &parameters);

} // namespace ssm::sm

#endif
