#ifndef SSM_TOOLS_SSMC_BUNDLEEXECUTOR_H
#define SSM_TOOLS_SSMC_BUNDLEEXECUTOR_H

#include "tools/ssmc/Device.h"

namespace ssm {

/// The runtime's error where there is no CUDA driver, or no device.
llvm::Error checkCuda();

/// Prepares a recurrence for the first GPU: compiled for its architecture into a bundle in memory, which the runtime
/// runs as it runs any other. Errors: what the runtime says where there is no driver or no device; what cannot be
/// compiled.
llvm::Expected<std::unique_ptr<Executor>> makeCudaExecutor(RecurrenceOp recurrence, const DeviceOptions &options,
                                                           Timing &timing);

} // namespace ssm

#endif
