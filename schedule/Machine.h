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

/// What the blocks on one multiprocessor of a GPU share, and in which pieces it is handed out. All kinds that ssmc
/// compiles for have 64 K registers in four parts, each with a scheduler and warps of its own.
struct Multiprocessor {
  static constexpr int64_t warpSize = 32, schedulers = 4;
  static constexpr int64_t registers = 64 << 10, registersPerThread = 255, registerGranule = 256;
  /// Shared memory that each block takes besides its own.
  static constexpr int64_t sharedReserved = 1 << 10, sharedGranule = 128;
  /// Most warps and blocks that are resident.
  int64_t warps, blocks;
  /// Bytes of shared memory of all blocks.
  int64_t sharedBytes;
  /// Most bytes of shared memory that one block may ask for.
  int64_t sharedPerBlock() const { return sharedBytes - sharedReserved; }
};

/// A multiprocessor by its compute capability.
Multiprocessor multiprocessor(unsigned capability);

/// Whether a GPU adds and multiplies pairs of f32 in one instruction.
bool addsPairs(unsigned capability);

/// How many blocks of a kernel are on a multiprocessor at a time.
struct Occupancy {
  int64_t blocks = 0, warps = 0;
  /// What there would have to be more of for another block: registers, shared memory, warps or blocks, the first of
  /// those that are equally scarce.
  llvm::StringRef limit;
};

/// The occupancy of a kernel by the allocation rules. No blocks: it cannot be launched.
Occupancy occupancy(const Multiprocessor &multiprocessor, int64_t threads, int64_t registers, int64_t sharedBytes);

} // namespace ssm

#endif
