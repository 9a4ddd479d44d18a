#ifndef SSM_TOOLS_SSMC_KERNELCALL_H
#define SSM_TOOLS_SSMC_KERNELCALL_H

#include "codegen/launch/Launch.h"
#include "tools/ssmc/Device.h"

namespace ssm {

/// What compiled kernels of a recurrence are called with: tensors at their stored types (those that have them already
/// as they are), and memory for outputs and final states.
llvm::Expected<KernelArguments> kernelArguments(RecurrenceOp recurrence, const RunArguments &arguments);

} // namespace ssm

#endif
