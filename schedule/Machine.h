#ifndef SSM_SCHEDULE_MACHINE_H
#define SSM_SCHEDULE_MACHINE_H

#include "llvm/ADT/StringRef.h"

namespace ssm {

/// What one core (CPU) or one multiprocessor (GPU) can do in a clock, and the machine around it. A bound made of these
/// is arithmetic, not a measurement.
struct Machine {
  /// Cores or multiprocessors.
  int64_t units;
  /// Elements of f32 arithmetic (an add, a multiply or an FMA each) a clock and unit.
  double arithmetic;
  /// Special functions a clock and unit; 0 where they are polynomials in the arithmetic.
  double special;
  /// Clock in Hz, and bytes a second to and from DRAM, of the whole machine.
  double clock, bandwidth;
  /// Where the numbers come from.
  llvm::StringRef source;
};

/// A GPU by its compute capability (sm_80 is 80), or the CPU with SIMD registers of `vectorBytes`.
Machine gpuMachine(unsigned capability);
Machine cpuMachine(int64_t vectorBytes);

} // namespace ssm

#endif
