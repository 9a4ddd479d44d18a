#ifndef SSM_TOOLS_SSMC_CHECKSCHEDULES_H
#define SSM_TOOLS_SSMC_CHECKSCHEDULES_H

#include "dialect/Ssm.h"
#include "tools/ssmc/Device.h"

namespace ssm {

/// Schedules that differ from the default in every respect that a prepared recurrence and the device allow: scalar
/// code; lanes along each dimension in turn, and on a GPU threads; staged tensors with time in short tiles; and where
/// the states' steps compose, steps on lanes, and time in chunks. Those that are not legal for it are left
/// out. Errors: a recurrence that cannot be prepared.
llvm::Expected<llvm::SmallVector<std::string>> schedulesToCheck(RecurrenceOp recurrence, const DeviceOptions &device);

} // namespace ssm

#endif
