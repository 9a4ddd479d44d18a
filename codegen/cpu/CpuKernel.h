#ifndef SSM_CODEGEN_CPU_CPUKERNEL_H
#define SSM_CODEGEN_CPU_CPUKERNEL_H

#include "codegen/launch/Launch.h"

#include <memory>
#include <string>

namespace ssm {

/// Seconds that went into making a kernel.
struct CpuCompileTimes {
  double passes = 0, optimize = 0, codegen = 0;
};

/// A recurrence compiled for this processor, in memory.
class CpuKernel {
public:
  virtual ~CpuKernel() = default;
  /// The schedule in full.
  virtual const std::string &schedule() const = 0;
  virtual const CpuCompileTimes &times() const = 0;
  /// Runs all tasks on `threads` threads (0: one a core). Outputs and final states are written in place. Compiles a
  /// second variant the first time that a tensor's last axis does not have stride 1. Errors: a tensor that is missing
  /// or of another type, rank or shape than the description says.
  virtual llvm::Error run(const KernelArguments &arguments, unsigned threads) = 0;
};

/// Compiles a specialized and discretized recurrence for this processor. The recurrence has to live as long as the
/// kernel. `schedule` may be `auto`, for the rules, which make tasks for as many threads (0: one a core).
llvm::Expected<std::unique_ptr<CpuKernel>> compileForCpu(RecurrenceOp recurrence, const std::string &schedule,
                                                         unsigned threads = 0);

} // namespace ssm

#endif
