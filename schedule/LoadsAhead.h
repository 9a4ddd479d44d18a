#ifndef SSM_SCHEDULE_LOADSAHEAD_H
#define SSM_SCHEDULE_LOADSAHEAD_H

#include "schedule/GpuRegisters.h"

#include <limits>

namespace ssm {

/// Says of a default schedule for a GPU whose blocks stage time tiles, or whose threads run several steps a turn,
/// whether these are loaded ahead (`stages=2`): where the registers that this takes are left over with all blocks of
/// the call on the machine at once.
class LoadsAhead : public GpuRegisters {
public:
  using GpuRegisters::GpuRegisters;

  /// Adds `stages=2` to a schedule that names all dimensions. Of a call's warps no more than `enoughWarps` need be on a
  /// multiprocessor at once. Returns the registers that a thread has for what is on its way; nothing where the schedule
  /// stays as it is.
  std::optional<int64_t> add(Schedule &schedule, int64_t enoughWarps = std::numeric_limits<int64_t>::max());

protected:
  static int64_t threadsOf(const Schedule &schedule);
  /// Coordinates of a dimension that a thread has, or a block; 1 of the scanned one.
  int64_t ofThread(const Schedule &schedule, unsigned dim);
  int64_t ofBlock(const Schedule &schedule, unsigned dim);
  /// Nothing where a size is not known.
  std::optional<int64_t> blocksOfCall(const Schedule &schedule);

private:
  bool isStaged(const Schedule &schedule, InputOp input);
  int64_t registersAhead(const Schedule &schedule);
  int64_t registersBeside(const Schedule &schedule);
  double functionsOfTurn(const Schedule &schedule);
};

} // namespace ssm

#endif
