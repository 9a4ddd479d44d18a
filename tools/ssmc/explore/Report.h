#ifndef SSM_TOOLS_SSMC_EXPLORE_REPORT_H
#define SSM_TOOLS_SSMC_EXPLORE_REPORT_H

#include "tools/ssmc/explore/Subject.h"

namespace ssm {

/// One page of HTML that needs nothing else: plots, table, the winner with its explanation, and of each variant that
/// was measured the tiles and the machine's code. Variants are compiled once more for it. Errors: the file cannot be
/// written.
llvm::Error writeReport(const std::string &path, const Subject &subject, const ExploreResult &result, size_t most);

} // namespace ssm

#endif
