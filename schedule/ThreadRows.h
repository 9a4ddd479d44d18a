#ifndef SSM_SCHEDULE_THREADROWS_H
#define SSM_SCHEDULE_THREADROWS_H

#include "schedule/LoadsAhead.h"

namespace ssm {

/// Gives each thread of a default schedule for a GPU two coordinates of the dimension that threads run along, where
/// lanes share a sum and blocks stage time tiles: what all of them read, such as B and C, is read from shared memory
/// once for both. Half as many warps have twice the work in flight, which is as much where their tiles are loaded
/// ahead, where so many are on a multiprocessor at a time, and where calls fill their waves.
class ThreadRows : public LoadsAhead {
public:
  using LoadsAhead::LoadsAhead;

  /// The schedule of two coordinates a thread, with `stages=2`, and the registers that these loads take, in place of a
  /// schedule without it. Nothing where that is better left.
  struct Result {
    Schedule schedule;
    std::string dim;
    int64_t ahead;
  };
  std::optional<Result> choose(const Schedule &schedule);

private:
  bool sharesReads(unsigned dim);
  bool hasWholeTiles(const Schedule &schedule);
  bool fillsWaves(const Schedule &schedule);
};

} // namespace ssm

#endif
