#ifndef SSM_SCHEDULE_CPUPROFILE_H
#define SSM_SCHEDULE_CPUPROFILE_H

#include "schedule/MachineData.h"
#include "schedule/StepWork.h"

#include <map>

namespace ssm {

/// A step as the CPU's cost model counts it: values by the dimensions that they are repeated along, under one set of
/// loops inside time's. Every placement with these loops is weighed by arithmetic on it.
struct CpuProfile {
  /// Values that are computed for each element of `repeated`, in so many phases of a step, with the loops `around`.
  struct Repeated {
    DimSet repeated, around;
    double phases = 1;
    bool operator==(const Repeated &) const = default;
  };
  /// Operations on values: clocks of the vector pipes, and comparisons among them. `ofStates`: they depend on states.
  struct Computed {
    Repeated at;
    bool ofStates;
    double pipe = 0, compares = 0;
  };
  /// Computed values over `from` that meet others.
  struct Spread {
    Repeated at;
    DimSet from;
    double count = 0;
  };
  /// Values over `from` that do not vary in time, as operands of some that do.
  struct Fetched {
    Repeated at;
    DimSet from;
    double count = 0;
  };
  struct Reduced {
    Repeated at;
    DimSet result;
    double count = 0;
  };
  /// Inputs that vary in time, or do not, by their number among the tensors.
  struct Read {
    Repeated at;
    unsigned tensor;
  };
  /// Previous values of states.
  struct Carried {
    Repeated at;
    double count = 0;
  };
  /// What is computed once before the first step, and what of it steps need, which is kept.
  struct Once {
    Repeated at;
    double pipe = 0;
  };
  struct Kept {
    DimSet dims, repeated;
    double count = 0;
  };

  llvm::SmallVector<Computed> computed;
  llvm::SmallVector<Spread> spread;
  llvm::SmallVector<Fetched> fetched;
  llvm::SmallVector<Reduced> reduced;
  llvm::SmallVector<Read> read, readOnce;
  llvm::SmallVector<Carried> carried;
  llvm::SmallVector<Once> once;
  llvm::SmallVector<Kept> kept;
  unsigned phases = 1;
  /// The loops that each phase of a step runs through.
  llvm::SmallVector<DimSet> runs;
};

/// An input or output.
struct CpuTensor {
  llvm::StringRef name;
  bool isInput = true;
  DimSet dims;
  /// Positions of its dimensions as memory has them, the contiguous one last.
  llvm::SmallVector<unsigned, 6> order;
  double bytes = 0;
  /// Its memory runs along the scanned dimension, as steps run through it; it varies along it.
  bool isAlong = false, inTime = true;
  std::optional<unsigned> last() const { return order.empty() ? std::nullopt : std::optional(order.back()); }
};

/// What stands between a step's previous states and its next ones.
struct CpuChain {
  struct Link {
    enum Kind { Previous, Next, Reduction, Other } kind = Other;
    DimSet dims, over;
    double latency = 0;
    /// Links before it.
    llvm::SmallVector<unsigned, 3> operands;
  };
  std::vector<Link> links;
};

/// A recurrence as the CPU's cost model sees it: read once, and asked for each placement. Not for several threads at a
/// time.
class CpuStep {
public:
  explicit CpuStep(const StepWork &work);

  /// The counts under these loops inside time's; made where they are asked for first.
  const CpuProfile &profile(const Placement &placement) const;
  llvm::ArrayRef<CpuTensor> tensors() const { return allTensors; }
  const CpuChain &chain() const { return theChain; }
  bool hasMatrices() const { return matrices; }

private:
  void readTensors();
  void readChain();
  void addInTime(const ValueWork &value, CpuProfile &profile) const;
  void addOnce(const ValueWork &value, CpuProfile &profile) const;

  const StepWork &work;
  std::vector<CpuTensor> allTensors;
  llvm::DenseMap<mlir::Operation *, unsigned> numbers;
  llvm::DenseMap<mlir::Operation *, CpuOperation> costs;
  /// Operations that depend on states.
  llvm::DenseSet<mlir::Operation *> ofStates;
  CpuChain theChain;
  bool matrices = false;
  mutable std::map<uint64_t, CpuProfile> profiles;
};

} // namespace ssm

#endif
