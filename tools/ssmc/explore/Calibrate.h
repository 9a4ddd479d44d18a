#ifndef SSM_TOOLS_SSMC_EXPLORE_CALIBRATE_H
#define SSM_TOOLS_SSMC_EXPLORE_CALIBRATE_H

#include "schedule/MachineData.h"

namespace ssm {

/// The cost model's parameters for this processor: its clock, the sizes of its caches, and the bandwidths of the second
/// cache and of memory, measured in about a second on one thread; the rest as in machines.json.
CpuParameters calibrate(int64_t vectorBytes);

} // namespace ssm

#endif
