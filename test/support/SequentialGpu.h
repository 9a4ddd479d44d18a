#ifndef SSM_TEST_SUPPORT_SEQUENTIALGPU_H
#define SSM_TEST_SUPPORT_SEQUENTIALGPU_H

#include "codegen/lowering/Lowering.h"
#include "llvm/Support/Error.h"

#include <functional>
#include <memory>

namespace ssm::test {

/// A GPU kernel's LLVM module compiled for this processor, its threads run in turns, each up to where it waits
/// for the others. An intrinsic of the GPU without a stand-in here is an error.
class SequentialGpu {
public:
  static llvm::Expected<std::unique_ptr<SequentialGpu>> create(RecurrenceOp recurrence, const LoweringOptions &options);
  virtual ~SequentialGpu() = default;
  virtual const Lowered &lowered() const = 0;
  /// Runs `blocks` blocks over `words`: the kernel's arguments as 64-bit words, without the number of tasks.
  virtual void launch(std::vector<int64_t> words, int64_t tasks, unsigned blocks) = 0;
};

} // namespace ssm::test

#endif
