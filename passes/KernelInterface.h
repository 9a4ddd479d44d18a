#ifndef SSM_PASSES_KERNELINTERFACE_H
#define SSM_PASSES_KERNELINTERFACE_H

#include "dialect/Ssm.h"
#include "schedule/Placement.h"

namespace ssm {

/// One array that a kernel takes.
struct KernelTensor {
  enum class Role { Input, Output, InitialState, FinalState };
  Role role;
  std::string name;
  LayoutAttr layout;
  /// Element type in memory.
  mlir::Type stored;
  /// Past steps that a state carries: a last axis of that extent where it is more than 1.
  int64_t depth = 1;

  /// Axes in memory.
  unsigned getRank() const { return layout.getRank() + (depth > 1); }
  /// Initial and final states may be left out at launch, as null pointers.
  bool isState() const { return role == Role::InitialState || role == Role::FinalState; }
};

/// The arguments of a kernel, in order: for each tensor its pointer and a stride an axis (in elements); the parameters
/// (f64); the sizes (i64) of all dimensions that are not `like` another, in order of declaration.
struct KernelInterface {
  std::vector<KernelTensor> tensors;
  std::vector<std::pair<std::string, double>> parameters;
  std::vector<std::string> sizes;
};

/// The interface of a specialized recurrence's forward kernel: inputs, outputs, initial states, final states.
KernelInterface getKernelInterface(RecurrenceOp recurrence);

/// How many tasks (CPU) or blocks (GPU) cover all grid dimensions, given each dimension's size by its position.
int64_t countTasks(const Placement &placement, llvm::ArrayRef<int64_t> sizes);

} // namespace ssm

#endif
