#ifndef SSM_SCHEDULE_PLACEMENTFACTS_H
#define SSM_SCHEDULE_PLACEMENTFACTS_H

#include "schedule/Placement.h"
#include "schedule/ScannedTensors.h"

namespace ssm {

/// What placements ask of a recurrence, read once: for those who join many schedules with one. The recurrence has to
/// live as long, and stay as it is. Not for several threads at a time.
class PlacementFacts {
public:
  explicit PlacementFacts(RecurrenceOp recurrence);

  /// MLIR's operations are handles, and not const.
  mutable RecurrenceOp recurrence;
  DimensionAnalysis dims;
  /// Dimensions held whole, moved along, and those that are taps of a delay.
  DimSet held, moved, taps;
  /// Sizes by position, where they are known.
  llvm::SmallVector<std::optional<int64_t>> sizes;
  struct AlongScan : ScannedTensor {
    DimSet dims;
  };
  /// Tensors whose memory runs along the scanned dimension.
  llvm::SmallVector<AlongScan> alongScan;
  /// What values vary along, each set once, in the order of the first value that does.
  llvm::SmallVector<DimSet> valueSets;
  /// Dimensions that all outputs and states have.
  DimSet ofAllResults;
  /// What each state with a past varies along.
  llvm::SmallVector<DimSet> stateSets;
  llvm::SmallVector<ScanOp> denseScans;

  /// Why several steps cannot run at once, with the states as they are here; empty where they can.
  const std::string &whyNotAtOnce() const;

private:
  mutable std::optional<std::string> notAtOnce;
};

/// As placeSchedule of a recurrence, and blockedSteps of one.
llvm::Expected<Placement> placeSchedule(const PlacementFacts &facts, const Schedule &schedule, const Target &target);
std::optional<int64_t> blockedSteps(const PlacementFacts &facts, const Schedule &schedule, const Target &target);

} // namespace ssm

#endif
