#ifndef SSM_SCHEDULE_MACHINEDATA_H
#define SSM_SCHEDULE_MACHINEDATA_H

#include "schedule/Placement.h"
#include "llvm/Support/JSON.h"
#include <array>

namespace ssm {

/// schedule/machines.json, read once.
const llvm::json::Object &machineData();

/// What the time of a call is made of on a CPU: instructions of the vector pipes, loads and stores, elements that are
/// reached one by one, spills, turns of loops, waiting for the step before, a task's own memory beyond the first cache,
/// copies through scratch, beginnings of tasks, and memory.
enum class CpuTerm { Arithmetic, Accesses, Apart, Spills, Loops, Chain, Own, Copies, Tasks, Memory };
constexpr unsigned numCpuTerms = 10;
llvm::StringRef nameOf(CpuTerm term);

/// What the cost model knows of one core of a CPU; throughputs are a clock, costs are clocks unless they say otherwise.
struct CpuParameters {
  int64_t vectorBytes = 64;
  double clock = 0;
  double pipes = 0, loads = 0, stores = 0, shuffles = 0, issue = 0;
  /// What an operation takes that is done for one element of each of several steps at once, where one on a vector
  /// takes 1.
  double scalar = 0;
  /// An element of a load or store whose lanes lie apart, of a square that is transposed on its way through scratch,
  /// and of a copy through scratch that goes element by element.
  double gatherElement = 0, scatterElement = 0, transposeElement = 0, copyElement = 0;
  int64_t l1Bytes = 0, l2Bytes = 0;
  /// Bytes a second from the second cache, and from beyond it where accesses are consecutive pieces of so many bytes.
  double l2Bandwidth = 0, memoryBandwidth = 0, pieceBytes = 0;
  /// A turn of a loop inside a step, a phase of a step, a step, a time tile, a task.
  double turn = 0, phase = 0, step = 0, tile = 0, task = 0;
  /// How much of each term adds to the time of a call: what runs beside the others adds less than it takes alone.
  std::array<double, numCpuTerms> weights{};
  std::string source;
};

/// The parameters for SIMD registers of so many bytes: of the file that `ssmc explore --calibrate` writes, where there
/// is one, else of machines.json.
CpuParameters cpuParameters(int64_t vectorBytes);
/// Reads and writes them as one object. Errors: a field that is missing or no positive number.
llvm::Expected<CpuParameters> readCpuParameters(const llvm::json::Object &object);
llvm::json::Object toJson(const CpuParameters &parameters);
/// Where the calibrated parameters of this user are: in $XDG_DATA_HOME/ssmc, else $HOME/.local/share/ssmc; empty where
/// neither is set.
std::string userDataFile(llvm::StringRef name);

/// Clocks that a vector pipe takes for an operation, by its name, and until its result is there.
struct CpuOperation {
  double pipe, latency;
};
CpuOperation cpuOperation(llvm::StringRef name);

/// What an operation takes of a GPU's pipes, by its name.
struct GpuOperation {
  double arithmetic, special;
};
GpuOperation gpuOperation(llvm::StringRef name);

/// What the cost model knows of a multiprocessor beside its Machine. Throughputs are lanes a clock.
struct GpuParameters {
  double integer, shuffle, shared, global, conversion;
  /// Clocks between two instructions of one warp, as kernels mix them.
  double warpInterval;
  /// Clocks until a result is there.
  double arithmeticLatency, specialLatency, shuffleLatency, sharedLatency, globalLatency, barrierLatency;
  /// Bandwidth of the second cache over that of DRAM, and its bytes.
  double l2Ratio;
  int64_t l2Bytes;
  /// Seconds of a launch, of a block's beginning and end, and of a chunk's wait for the one before it.
  double launch, block, lookBack;
};
GpuParameters gpuParameters(unsigned capability);

} // namespace ssm

#endif
