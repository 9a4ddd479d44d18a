#ifndef SSM_CODEGEN_GPU_KERNELREPORT_H
#define SSM_CODEGEN_GPU_KERNELREPORT_H

#include "codegen/gpu/Ptxas.h"
#include "codegen/lowering/Lowering.h"
#include "schedule/Machine.h"

#include <optional>

namespace ssm {

/// What a kernel takes, and how it fills the machine.
struct KernelReport {
  KernelResources resources;
  int64_t threads = 0;
  /// Shared memory that a launch asks for besides what the code declares.
  int64_t dynamicSharedBytes = 0;
  Occupancy occupancy;
  /// Blocks of a call, and how often the machine is filled to run them, where the sizes are known.
  std::optional<int64_t> blocks, waves;
};

/// Joins what ptxas said with each kernel's launch, in the order of the kernels. `recurrence` has the sizes.
std::vector<KernelReport> reportKernels(RecurrenceOp recurrence, const Lowered &lowered, const CompileTarget &target,
                                        llvm::ArrayRef<KernelResources> resources);

/// Assembles the PTX of kernels as `assemble` does. Where the blocks of a call, if its size is known, have room on the
/// machine at once but for the registers that they take, ptxas is told how many that are on a multiprocessor: a last
/// wave of few blocks takes as long as a full one, and where there is one wave anyway, registers that only more blocks
/// would take are there for these.
llvm::Expected<Assembled> assembleKernels(llvm::StringRef ptx, RecurrenceOp recurrence, const Lowered &lowered,
                                          const CompileTarget &target, bool withLines = false);

/// One line: `name: 72 registers, 0 bytes of spill stores, …; 7 blocks (28 warps) a multiprocessor, bound by
/// registers`.
std::string kernelText(const KernelReport &report);

} // namespace ssm

#endif
