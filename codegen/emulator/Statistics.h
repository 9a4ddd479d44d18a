#ifndef SSM_CODEGEN_EMULATOR_STATISTICS_H
#define SSM_CODEGEN_EMULATOR_STATISTICS_H

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace ssm::emulator {

/// Operations by what a GPU has units for.
enum class OperationKind : uint8_t {
  /// ex2, lg2, rcp, rsqrt, sqrt, sin, cos, tanh, and divisions.
  Special,
  /// One multiplication and addition of float32, fused.
  Fma,
  Float32,
  Float64,
  /// Of integers and addresses, comparisons and selections.
  Integer,
  Conversion,
  Shuffle,
  Vote,
  WarpSync,
  Barrier,
};
constexpr size_t operationKinds = 10;
/// `special-function`, `fma`, …
const char *nameOf(OperationKind kind);

/// Operations, of each thread.
struct OperationCounts {
  std::array<uint64_t, operationKinds> counts = {};
  uint64_t &operator[](OperationKind kind) { return counts[static_cast<size_t>(kind)]; }
  uint64_t operator[](OperationKind kind) const { return counts[static_cast<size_t>(kind)]; }
};

/// Requests of global memory: one is what the lanes of a warp ask for by one instruction.
struct GlobalCounts {
  uint64_t requests = 0;
  /// Distinct bytes, sectors of 32 and lines of 128 of each request.
  uint64_t bytes = 0, sectors = 0, lines = 0;
  /// Requests that use a sector in part.
  uint64_t partial = 0;
  /// Runs of consecutive bytes, those of less than 64 bytes, and the shortest.
  uint64_t runs = 0, shortRuns = 0, shortestRun = 0;

  void operator+=(const GlobalCounts &other);
};

/// Requests of shared memory: a wavefront takes a word from each of 32 banks.
struct SharedCounts {
  uint64_t requests = 0, bytes = 0, wavefronts = 0;
  /// Wavefronts beyond those that a request without conflicts has: 1, or 2 of 8 bytes a lane, or 4 of 16.
  uint64_t conflicts = 0;

  void operator+=(const SharedCounts &other);
};

/// What one kernel did in one launch.
struct KernelStatistics {
  std::string kernel;
  GlobalCounts loads, stores;
  SharedCounts sharedLoads, sharedStores;
  uint64_t atomics = 0;
  OperationCounts operations;
};

/// One access of a request.
struct LaneAccess {
  uint64_t address = 0;
  uint32_t bytes = 0;
};

GlobalCounts countGlobal(const std::vector<LaneAccess> &lanes);
/// Lanes are in order; those of 8 bytes are served by half warps, those of 16 by quarters.
SharedCounts countShared(const std::vector<std::pair<unsigned, LaneAccess>> &lanes);

} // namespace ssm::emulator

#endif
