#ifndef SSM_BENCH_SMMODEL_CONTROLBITS_H
#define SSM_BENCH_SMMODEL_CONTROLBITS_H

#include <cstdint>

namespace ssm::sm {

/// What the assembler tells the scheduler with an instruction of sm_70 and later. A warp has six scoreboards, counters
/// by which it waits for what takes no fixed time.
struct ControlBits {
  static constexpr unsigned scoreboards = 6, none = 7;
  /// Clocks before the warp's next instruction.
  unsigned stall = 1;
  /// The scoreboards that hold until the result is written, and until the sources are read; `none` for none.
  unsigned writes = none, reads = none;
  /// The scoreboards, one a bit, that have to be free.
  unsigned waits = 0;
};

/// Decodes the upper half of an instruction's 128 bits.
ControlBits decodeControlBits(uint64_t upper);

} // namespace ssm::sm

#endif
