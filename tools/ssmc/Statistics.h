#ifndef SSM_TOOLS_SSMC_STATISTICS_H
#define SSM_TOOLS_SSMC_STATISTICS_H

#include "codegen/emulator/EmulatedKernel.h"
#include "llvm/Support/raw_ostream.h"

#include <nlohmann/json.hpp>

namespace ssm {

/// What emulated kernels did, as a table: in all, and for each element of the largest output.
void printStatistics(const RunStatistics &statistics, llvm::raw_ostream &stream);

/// The same as JSON: `elements`, and under `kernels` an object a kernel with whole counts.
nlohmann::ordered_json describeStatistics(const RunStatistics &statistics);

} // namespace ssm

#endif
