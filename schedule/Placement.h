#ifndef SSM_SCHEDULE_PLACEMENT_H
#define SSM_SCHEDULE_PLACEMENT_H

#include "dialect/DimensionAnalysis.h"
#include "schedule/Schedule.h"

namespace ssm {

/// What a schedule needs to know of the machine.
struct Target {
  bool gpu = false;
  /// Bytes of a SIMD register, and how many there are (CPU).
  int64_t vectorBytes = 64;
  int64_t vectorRegisters = 32;
};

/// Sizes that are likely at launch; they steer defaults and never correctness. By dimension name.
using SizeHints = llvm::StringMap<int64_t>;

/// One axis of a register tile: index i along it adds i·step to the coordinate of `dim`.
struct TileAxis {
  /// Position of the dimension in the recurrence; nothing for a lane axis without lanes.
  std::optional<unsigned> dim;
  int64_t extent = 1;
  int64_t step = 1;
};

/// Where one dimension is.
struct DimPlace {
  bool grid = false;
  int64_t threads = 1, lanes = 1, regs = 1;
  /// Coordinates that one task, or one thread, holds in its tile.
  int64_t tile() const { return lanes * regs; }
  /// Coordinates that one task or block covers.
  int64_t extent() const { return threads * tile(); }
};

/// A schedule joined with a recurrence: every dimension has its place, and tiles have their axes.
struct Placement {
  /// By position of the dimension in the recurrence.
  llvm::SmallVector<DimPlace> places;
  /// Axes of every tile: register axes in order of declaration, then the lanes.
  llvm::SmallVector<TileAxis> axes;
  /// Steps of a time tile that staged tensors are copied for.
  int64_t timeTile = 1;
  bool stagedLoads = false, stagedStores = false;
  /// Threads of a block; 1 on a CPU.
  int64_t threads() const;

  /// The axes of a dimension, registers before lanes.
  llvm::SmallVector<int64_t> axesOf(unsigned dim) const;
};

/// Dimensions of which each task must hold all coordinates: those that a sum, maximum or mean runs over, that a rename
/// or flip of a computed value moves along, and the taps of delays.
DimSet dimsHeldWhole(RecurrenceOp recurrence, const DimensionAnalysis &dims);

/// Joins a schedule with a specialized recurrence, or says why it is not legal: an unknown dimension, a level that no
/// pass implements for this kind of dimension, a size that must be known when compiling, tiles or blocks that are too
/// large.
llvm::Expected<Placement> placeSchedule(RecurrenceOp recurrence, const Schedule &schedule, const Target &target);

/// The schedule taken without `--schedule`, by rules from structure, sizes and target (see DefaultSchedule.cpp). Fails
/// where a size that it needs is not known.
llvm::Expected<Schedule> defaultSchedule(RecurrenceOp recurrence, const Target &target, const SizeHints &hints);

/// The `dim` of name's whole extent, or an error that says that it has to be known and how to give it.
llvm::Expected<int64_t> requireSize(RecurrenceOp recurrence, llvm::StringRef dim, llvm::StringRef why);

} // namespace ssm

#endif
