#ifndef SSM_CODEGEN_EMULATOR_EMULATEDKERNEL_H
#define SSM_CODEGEN_EMULATOR_EMULATEDKERNEL_H

#include "codegen/emulator/Statistics.h"
#include "codegen/launch/Launch.h"

#include <functional>

namespace ssm {

struct EmulatorOptions {
  /// The GPU whose code it is.
  std::string target = "sm_90";
  /// Blocks of a launch at most: tasks beyond them are strided over. 65,536 where it is 0.
  int64_t blocks = 0;
  /// Blocks on the device at a time.
  unsigned residentBlocks = 3;
  /// Look at every access to memory, and report what no GPU may do.
  bool checkAccesses = true;
  /// Count requests and operations.
  bool statistics = false;
  /// Changes the module as it would become PTX, before it is run: tests plant bugs.
  std::function<void(llvm::Module &)> change = nullptr;
};

/// What the kernels of one call did.
struct RunStatistics {
  std::vector<emulator::KernelStatistics> kernels;
  /// Of the largest output.
  uint64_t elements = 0;
};

/// A recurrence compiled for a GPU, and run on this processor: the LLVM module that becomes PTX, with the GPU's
/// intrinsics replaced, a fiber for every thread.
class EmulatedKernel {
public:
  virtual ~EmulatedKernel() = default;
  /// The schedule in full.
  virtual const std::string &schedule() const = 0;
  /// Runs all tasks; outputs and final states are written in place. `seed` draws in which order blocks start and
  /// threads go on; 0 is the order of their numbers. Compiles a second variant the first time that a tensor's last axis
  /// does not have stride 1. Errors: as prepareCall; what a kernel does that no GPU may do, with kernel, block, thread
  /// and place.
  virtual llvm::Error run(const KernelArguments &arguments, uint64_t seed = 0) = 0;
  /// Of the last run; nothing where they are not counted.
  virtual const RunStatistics &statistics() const = 0;
};

/// Compiles a specialized and discretized recurrence, which has to live as long as the kernel. `schedule` may be
/// `auto`; `hints` are likely sizes.
llvm::Expected<std::unique_ptr<EmulatedKernel>> compileForEmulator(RecurrenceOp recurrence, const std::string &schedule,
                                                                   const EmulatorOptions &options = {},
                                                                   const SizeHints &hints = {});

} // namespace ssm

#endif
