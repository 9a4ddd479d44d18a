#ifndef SSM_SCHEDULE_SCHEDULESPACE_H
#define SSM_SCHEDULE_SCHEDULESPACE_H

#include "schedule/PlacementFacts.h"

#include <memory>

namespace ssm {

/// A recurrence as schedules are joined with it: what the passes proved of it decides which schedules there are.
struct SpaceSource {
  /// Specialized, discretized and prepared; steps run one after another.
  RecurrenceOp sequential;
  /// The same with its states as scans, or null where steps do not compose.
  RecurrenceOp composed;
  /// What placements ask of each of the two.
  std::shared_ptr<const PlacementFacts> sequentialFacts, composedFacts;
  /// Whether several steps can run as one beside a loop over a state's dimension, and whether time can be cut into
  /// chunks.
  bool blocks = false, chunks = false;
};

/// One schedule of a space.
struct Candidate {
  /// The option taken at each decision: candidates that differ in one are neighbours.
  llvm::SmallVector<uint16_t> choices;
  Schedule schedule;
  Placement placement;
  /// Steps that run as one of another recurrence; 1 where each is one.
  int64_t blockSteps = 1;
  /// What the kernel is made of: two schedules with one key give the same kernel.
  std::string key;
};

/// What became of the schedules that were written down.
struct SpaceCounts {
  int64_t written = 0, legal = 0, distinct = 0;
};

struct ScheduleSpace {
  std::vector<Candidate> candidates;
  SpaceCounts counts;
};

/// Bounds of a space.
struct SpaceLimits {
  /// Registers of a tile of all dimensions: what LLVM takes minutes over is left out.
  int64_t rows = 256;
  /// The few sizes of tiles that a decision without search looks at, in place of all.
  bool coarse = false;
  /// Threads that tasks run on (CPU): time is cut into chunks for several.
  int64_t threads = 1;
};

/// All schedules that are legal for a recurrence whose sizes are known (or likely, by `hints`), each kernel once. On a
/// CPU lanes are whole SIMD registers and their halves, on a GPU powers of two of a warp; tiles are powers of two.
ScheduleSpace makeScheduleSpace(const SpaceSource &source, const Target &target, const SizeHints &hints,
                                const SpaceLimits &limits);

/// Joins one schedule with the recurrence, as makeScheduleSpace does with those that it writes. Errors: as
/// placeSchedule; steps that neither compose nor run as one.
llvm::Expected<Candidate> placeCandidate(const SpaceSource &source, const Target &target, const Schedule &schedule);

} // namespace ssm

#endif
