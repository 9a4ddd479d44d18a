#ifndef SSM_SCHEDULE_GPUREGISTERS_H
#define SSM_SCHEDULE_GPUREGISTERS_H

#include "schedule/DefaultRules.h"

namespace ssm {

/// What a step, or a time tile on its way through shared memory, takes of a GPU's registers, beside what a thread
/// keeps from step to step. `countOf` is how many coordinates of a dimension one thread has.
class GpuRegisters : public DefaultRules {
public:
  using DefaultRules::DefaultRules;

protected:
  static constexpr int64_t ofAddress = 2;
  /// Of the value of a step that takes most.
  int64_t widestOfStep(CountOf countOf);
  /// Of all inputs that a step reads.
  int64_t readAtStep(CountOf countOf);
  /// Numbers that a step reads where memory runs along time: each has an address of its own.
  int64_t gatheredAtStep(CountOf countOf);
  /// Of the inputs that a step reads for sums which do not wait for states, and needs again afterwards. Such sums are
  /// computed ahead of the steps, for all that have code of their own.
  int64_t heldOverSums(CountOf countOf);
  /// Numbers that sums over a dimension come to at a step.
  int64_t sumsOver(unsigned dim, CountOf countOf);
  /// Of time tiles of `steps` steps whose memory runs along time, while all that one thread moves is between memory and
  /// shared memory. `ofBlock`: how many coordinates of a dimension a block of so many threads has.
  int64_t registersOfTiles(CountOf ofBlock, CountOf countOf, int64_t steps, int64_t threads);
  /// Coordinates of the input that has most in a block.
  int64_t widestOfTiles(CountOf ofBlock);
  /// Bytes of shared memory that they take, about.
  int64_t bytesOfTiles(CountOf ofBlock, int64_t steps);

private:
  int64_t accessesOfTile(DimSet set, CountOf ofBlock, int64_t runs, int64_t threads);
};

} // namespace ssm

#endif
