#ifndef SSM_SCHEDULE_STEPWORK_H
#define SSM_SCHEDULE_STEPWORK_H

#include "schedule/ScheduleSpace.h"

namespace ssm {

/// One value of a step, and how it is repeated under a placement.
struct ValueWork {
  mlir::Operation *op;
  /// Dimensions of the value, and those along which its operation is repeated: of a reduction, all that it reads.
  DimSet dims, repeated;
  /// Rows of its tile: vectors on a CPU, registers of a thread on a GPU; those of the scanned dimension are steps and
  /// counted apart.
  double rows = 1;
  /// It varies along the dimension on a CPU's lanes.
  bool wide = false;
  /// How often its tile is computed at each step: turns of loops, times the phases that need it.
  double times = 1;
  /// Phases of a step that compute it, and the loops that any of them runs through.
  double phases = 1;
  DimSet around = {};
  /// A product that becomes one operation with the sum that it goes into.
  bool fused = false;
};

/// The sizes of a recurrence, and what is repeated how often by a placement: what both cost models count from. Made
/// once a recurrence, asked for each placement.
class StepWork {
public:
  StepWork(RecurrenceOp recurrence, const SizeHints &hints);

  /// Values that vary in time, in order; constants, given and the like left out.
  std::vector<ValueWork> count(const Placement &placement) const;
  /// Values that do not.
  std::vector<ValueWork> countOnce(const Placement &placement) const;

  int64_t sizeOf(unsigned dim) const { return sizes[dim]; }
  /// Turns that a value over `set` is computed in, where the loops `around` are around it.
  double turns(const Placement &placement, DimSet set, DimSet around) const;
  double rows(const Placement &placement, DimSet set) const;
  /// Phases of a step: one, and one more after each sum over a loop that another one waits for.
  unsigned phases(const Placement &placement) const;
  /// The loops that each phase of a step runs through.
  llvm::SmallVector<DimSet> loopsOfPhases(const Placement &placement) const;
  /// Tiles of a dimension that one task runs through, and tasks or blocks of a call.
  double tilesOf(const Placement &placement, unsigned dim) const;
  double tasks(const Placement &placement) const;
  /// Whether a step computes an exponential: decays of several steps are exponentials of sums then.
  bool decaysByExponentials() const { return hasExponentials; }
  /// Elements over these dimensions.
  double elements(DimSet set) const;

  /// MLIR's operations are handles, and not const.
  mutable RecurrenceOp recurrence;
  DimensionAnalysis dims;
  llvm::SmallVector<State> states;
  /// A state's dimensions, how many past values are kept, and the dimension that is contiguous in memory.
  struct StateWork {
    DimSet dims;
    double depth;
    std::optional<unsigned> last;
  };
  llvm::SmallVector<StateWork> stateWork;
  /// Steps of one call.
  int64_t steps() const { return sizes[dims.scan()]; }

private:
  std::vector<ValueWork> gather(const Placement &placement, bool inTime) const;
  /// The phases in which a value is computed, as bits, and the loops that are around it there.
  struct Phases {
    uint64_t bits = 0;
    DimSet around;
  };
  /// Of each operation; and what each phase runs through: depth and loops, each pair once.
  struct StepPhases {
    llvm::DenseMap<mlir::Operation *, Phases> of;
    llvm::SmallVector<std::pair<unsigned, DimSet>> runs;
  };
  StepPhases findPhases(const Placement &placement) const;

  llvm::SmallVector<int64_t> sizes;
  bool hasExponentials = false;
};

/// Bytes of an element as it is stored.
double storedBytes(std::optional<mlir::Type> stored, mlir::Type value);

} // namespace ssm

#endif
