#ifndef SSM_CODEGEN_SASS_MACHINECODE_H
#define SSM_CODEGEN_SASS_MACHINECODE_H

#include "codegen/gpu/KernelReport.h"
#include "codegen/sass/SteadyState.h"

namespace ssm {

/// One limit of a kernel's speed.
struct PipeBound {
  std::string name;
  /// Clocks of a scheduler (a quarter of a multiprocessor) for 32 elements, a warp's worth.
  double clocks = 0;
};

/// What the machine code of a kernel says of its speed.
struct MachineKernel {
  KernelReport report;
  /// The rest is there only with a disassembler, and only of kernels that run over time.
  std::optional<SteadyState> steady;
  /// Elements (of the first output, at one step) that a block computes at each step: what a thread's counts are divided
  /// by, times its threads.
  double elementsPerStep = 1;
  /// The largest first.
  std::vector<PipeBound> bounds;
  /// Seconds of a call in which the busiest multiprocessor has nothing to wait for, where sizes are known.
  std::optional<double> seconds;

  /// What is counted of one thread, of one element.
  double perElement(double ofThread) const { return ofThread * report.threads / elementsPerStep; }
};

struct MachineCode {
  std::vector<MachineKernel> kernels;
  std::string schedule;
};

/// Assembles a recurrence for a GPU and, where `disassembled`, counts what its machine code does. Errors: those of
/// `lower`, `assemble` and `disassemble`; machine code whose loop over time is not found.
llvm::Expected<MachineCode> inspectMachineCode(RecurrenceOp recurrence, const LoweringOptions &options,
                                               bool disassembled);

} // namespace ssm

#endif
