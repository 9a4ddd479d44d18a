#ifndef SSM_TOOLS_SSMC_TUNED_H
#define SSM_TOOLS_SSMC_TUNED_H

#include "codegen/lowering/CompileTarget.h"
#include "dialect/Ssm.h"

namespace ssm {

/// Where the user's tuning database is: `$SSMC_TUNING`, else in the user's data folder; empty where there is none.
std::string tuningFile();

/// What `--schedule` comes to for a specialized and discretized recurrence: for `auto`, the schedule that won on sizes
/// of this class in the user's tuning database, else in the one of this program (models/tuned.sql), as far as it is
/// legal here and has tasks for all threads; `auto` where there is none, so that the rules choose. Errors: a database
/// that cannot be read.
llvm::Expected<std::string> resolveSchedule(RecurrenceOp recurrence, const CompileTarget &target, llvm::StringRef mode,
                                            int64_t threads, const std::string &schedule);

} // namespace ssm

#endif
