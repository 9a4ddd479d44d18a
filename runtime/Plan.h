#ifndef SSM_RUNTIME_PLAN_H
#define SSM_RUNTIME_PLAN_H

#include "runtime/Manifest.h"
#include "runtime/Status.h"

#include <array>

namespace ssm {

/// What a program's kernels are started with for one call. Of fixed size, so that making one allocates nothing.
class Plan {
public:
  static constexpr size_t maxSizes = 128, maxBuffers = 64, maxWords = 2048;
  /// Of buffers, and of the workspace.
  static constexpr size_t alignment = 256;

  /// Sizes of a function's dimensions, checked, then a program's counts and buffers. `sizes` has one a dimension; that
  /// of a dimension like another has to agree.
  ssm_status begin(const Manifest::Function &function, const Manifest::Program &program, const int64_t *sizes,
                   ssm_error *error);

  /// Bytes that the buffers take, each from a multiple of 256 on.
  size_t workspace() const { return workspaceBytes; }
  int64_t size(size_t index) const { return sizes[index]; }

  /// Tasks of a kernel, of which blocks beyond the grid's limits take several; words that its arguments are. No task
  /// where the kernel has no steps to run.
  /// `words` has room for maxWords.
  ssm_status launch(const Manifest::Kernel &kernel, const ssm_call &call, int64_t &tasks, uint64_t *words,
                    size_t &count, ssm_error *error) const;

private:
  /// Where the steps that a kernel runs are in the sequence: so many of its own, each `block` of the sequence's, from
  /// `first` on.
  struct StepRange {
    int64_t all, count, block, first;
    bool isRun;
  };
  StepRange stepsOf(const Manifest::Kernel &kernel) const;
  class Words;
  void addTensor(const Manifest::Argument &argument, const StepRange &steps, const ssm_call &call, Words &out) const;
  void addBuffer(size_t number, const ssm_call &call, Words &out) const;

  const Manifest::Function *function = nullptr;
  const Manifest::Program *program = nullptr;
  std::array<int64_t, maxSizes> sizes;
  std::array<size_t, maxBuffers> offsets;
  size_t workspaceBytes = 0;
};

/// Sizes of a function's dimensions as far as they follow from those that are given: known ones, and those like others.
/// Fails for one that is negative or not legal.
ssm_status checkSizes(const Manifest::Function &function, const int64_t *given, int64_t *sizes, ssm_error *error);

/// Sizes of a tensor's or buffer's axes; fails where the bytes of the whole would not be a size.
ssm_status shapeOf(const Manifest::Layout &layout, int64_t depth, DType dtype, const int64_t *sizes, int64_t *shape,
                   size_t &bytes, ssm_error *error);

/// The same of a function's tensor.
ssm_status shapeOf(const Manifest::Tensor &tensor, const int64_t *sizes, int64_t *shape, size_t &bytes,
                   ssm_error *error);

/// The program among those with `isUsable` whose conditions the call's tensors meet; null where none does.
const Manifest::Program *chooseProgram(const Manifest::Function &function, const int64_t *sizes, const ssm_call &call,
                                       const bool *isUsable);

/// Checks that a call has what a function needs: every tensor but states, strides, states that are updated in place
/// only where they may be.
ssm_status checkCall(const Manifest::Function &function, const int64_t *sizes, const ssm_call &call, ssm_error *error);

} // namespace ssm

#endif
