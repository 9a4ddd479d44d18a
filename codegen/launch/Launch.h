#ifndef SSM_CODEGEN_LAUNCH_LAUNCH_H
#define SSM_CODEGEN_LAUNCH_LAUNCH_H

#include "codegen/lowering/Lowering.h"
#include "runtime/Tensor.h"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace ssm {

/// Tensors of one call, by the names of the description, shaped as their layouts (states with depth have one more
/// axis). All have their stored types; strides are free.
struct KernelArguments {
  std::map<std::string, Tensor> inputs, outputs;
  /// States before the first step and after the last; those left out start from their initial value and are not
  /// returned.
  std::map<std::string, Tensor> initialStates, finalStates;
  /// The arrays of rows (dialect/RowPlan.h), where the recurrence has rows.
  std::map<std::string, Tensor> rows;
  std::map<std::string, double> parameters;
  /// Sizes of the dimensions that are not `like` another, and of the pool of states.
  std::map<std::string, int64_t> sizes;
};

/// An array that a kernel is given: the number of its pointer among the words, and what the kernel may do with it.
struct LaunchArray {
  size_t word = 0;
  std::string name;
  Tensor tensor;
  bool writable = false;
  /// Holds something before the first kernel.
  bool initialized = false;
};

/// What one kernel of a call is started with: its arguments, and how many tasks there are.
struct KernelLaunch {
  /// Pointers, strides and sizes as they are, parameters as the bits of f64.
  std::vector<int64_t> words;
  /// Those that are there.
  std::vector<LaunchArray> arrays;
  int64_t tasks = 0;
};

/// One call: a launch a kernel, in their order, and what has to live until the last of them is through.
struct PreparedCall {
  std::vector<KernelLaunch> launches;
  /// Whether the tensors lie in memory as the packed variant takes them.
  bool packed = true;
  /// Sizes of the dimensions that are not `like` another.
  llvm::StringMap<int64_t> sizes;
  int64_t chunks = 0;
  /// Initial states that a task would overwrite before another has read them.
  std::vector<Tensor> copies;
  /// Arrays between kernels, and between chunks.
  std::map<std::string, Tensor> workspace;
};

/// What kernels in ticket order keep from call to call: the words that their blocks agree by, by name, which are zero
/// at first. Calls that share them run one after another.
using KeptOrder = std::map<std::string, Tensor>;

/// Joins the kernels of a recurrence with a call's tensors. Words in `kept` that are too few are replaced. Errors: a
/// tensor or size that is missing, or of another type, rank or shape than the description says; no memory for what is
/// between kernels.
llvm::Expected<PreparedCall> prepareCall(RecurrenceOp recurrence, llvm::ArrayRef<LoweredKernel> kernels,
                                         const KernelArguments &arguments, KeptOrder &kept);

} // namespace ssm

#endif
