#ifndef SSM_TOOLS_SSMC_EXPLORE_SWEEP_H
#define SSM_TOOLS_SSMC_EXPLORE_SWEEP_H

#include "tools/ssmc/explore/Subject.h"

namespace ssm {

/// Writes bundles of variants to a folder, `0001.ssmb` and so on, and `sweep.json`, which says what they are, for
/// `ssm-launch --sweep` to measure on another machine. The folder is made; variants that cannot be compiled get their
/// error and no bundle. Errors: what cannot be written; a folder that has a sweep already.
llvm::Error exportSweep(const Subject &subject, llvm::ArrayRef<Variant *> variants, const Variant &automatic,
                        const std::string &folder);

/// Adds the times of what `ssm-launch --sweep` printed to a database, and the fastest as the winner. Returns a line
/// that says what was added. Errors: a file that is no such thing, with what was expected where.
llvm::Expected<std::string> importSweep(TuningDatabase &database, const std::string &file);

} // namespace ssm

#endif
