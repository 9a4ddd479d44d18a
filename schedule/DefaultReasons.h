#ifndef SSM_SCHEDULE_DEFAULTREASONS_H
#define SSM_SCHEDULE_DEFAULTREASONS_H

#include "schedule/Placement.h"

#include <optional>
#include <string>
#include <vector>

namespace ssm {

/// What the default schedule for a GPU weighed, and what it came to.
struct GpuReasons {
  std::vector<std::string> parallelDims;
  /// Coordinates of these; nothing where a size is open.
  std::optional<int64_t> parallel;
  /// Threads wanted on the whole machine, of so many multiprocessors with so many warps each.
  int64_t wanted = 0, cores = 0, warps = 0;
  /// Registers that a thread would keep with no lanes, and keeps; how many it should at most.
  int64_t keptAlone = 0, kept = 0, keptMost = 0;
  /// Summed dimensions that so many lanes or threads share.
  struct SharedDim {
    std::string dim;
    int64_t count;
    const char *level;
  };
  std::vector<SharedDim> shared;
  /// Of a state that threads share in tiles: what one thread has along the summed dimension, and along the parallel
  /// one, and how many threads there are.
  std::vector<std::pair<std::string, int64_t>> tile;
  std::optional<int64_t> threads;
  /// Summed dimensions are on loops, since no number of lanes brings the states into registers.
  bool onLoops = false;
  std::string scanned;
  std::optional<int64_t> steps, chunkSteps;
  /// A parallel dimension of which each thread has two coordinates; empty where there is none.
  std::string twoOf;
  /// Registers of a thread for what is loaded a time tile ahead, where it is.
  std::optional<int64_t> ahead;
  /// Fewest chunks and steps of one that cutting time pays for.
  int64_t fewestChunks = 0, fewestChunkSteps = 0;
};

/// The reasons in sentences, in the order in which they were decided.
std::vector<std::string> reasonTexts(const GpuReasons &reasons);

/// A default schedule and, for a GPU, why it is what it is.
llvm::Expected<Schedule> defaultSchedule(RecurrenceOp recurrence, const Target &target, const SizeHints &hints,
                                         std::vector<std::string> &reasons);

} // namespace ssm

#endif
