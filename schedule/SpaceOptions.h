#ifndef SSM_SCHEDULE_SPACEOPTIONS_H
#define SSM_SCHEDULE_SPACEOPTIONS_H

#include "schedule/ScheduleSpace.h"

namespace ssm {

/// What may be decided about one dimension, or about a knob.
struct SpaceOption {
  SpaceOption() = default;
  explicit SpaceOption(std::vector<LevelCount> levels) : levels(std::move(levels)) {}
  /// The outer levels, and of threads, lanes and registers those of which there are several.
  static SpaceOption on(std::vector<LevelCount> outer, int64_t threads, int64_t lanes, int64_t regs);
  /// Levels of the dimension; empty where it is not named.
  std::vector<LevelCount> levels;
  /// Knobs that come with it.
  std::vector<Knob> knobs;
  /// The loop stands inside that of the scanned dimension.
  bool inside = false;
  /// Several steps run at once.
  bool atOnce = false;
  /// Several steps run as one of another recurrence, where states are on loops inside (CPU).
  bool blocks = false;
  /// Steps stand in tiles, through which tensors can be staged; tensors are staged.
  bool tiled = false, staged = false;
  /// Loops inside stand in opposite order.
  bool reversed = false;
  /// Registers, lanes and threads that it takes.
  int64_t rows = 1, lanes = 1, threads = 1;
};

/// The options of every decision: one for each dimension in the order of declaration, one for the order of loops, one
/// for the knobs.
class SpaceOptions {
public:
  SpaceOptions(const SpaceSource &source, const Target &target, const SizeHints &hints, const SpaceLimits &limits);

  std::vector<std::vector<SpaceOption>> decisions;

  /// The schedule of one option a decision; nothing where a decision says nothing beside the others.
  std::optional<Schedule> write(llvm::ArrayRef<uint16_t> taken) const;

private:
  using Options = std::vector<SpaceOption>;
  std::optional<int64_t> sizeOf(unsigned dim) const;
  bool fits(unsigned dim, int64_t extent) const;
  Options ofParallel(unsigned dim) const;
  Options ofHeld(unsigned dim) const;
  Options ofScanned() const;
  Options ofKnobs() const;
  void addStreams(Options &options, unsigned dim) const;
  void addSteps(Options &options) const;
  void addGpuSteps(Options &options) const;
  void addChunks(Options &options) const;
  std::vector<int64_t> laneCounts(unsigned dim) const;
  std::vector<int64_t> powers(int64_t from, int64_t to) const;

  mutable RecurrenceOp recurrence;
  const Target &target;
  const SizeHints &hints;
  SpaceLimits limits;
  DimensionAnalysis dims;
  DimSet held, moved, taps;
  int64_t lanes = 1;
  bool composes, blocks, chunks;
  /// Some tensor's memory runs along the scanned dimension, of inputs and of outputs.
  bool readsAlong = false, writesAlong = false;
  /// Some real input that varies in time lacks a dimension of a state, so that threads may read it together (GPU).
  bool readsShared = false;
};

/// What a kernel is made of, as bytes: placements with equal keys give equal kernels.
std::string kernelKey(const PlacementFacts &facts, const Placement &placement, int64_t blockSteps);

} // namespace ssm

#endif
