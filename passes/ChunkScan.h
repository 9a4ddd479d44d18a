#ifndef SSM_PASSES_CHUNKSCAN_H
#define SSM_PASSES_CHUNKSCAN_H

#include "dialect/Ssm.h"
#include "llvm/Support/Error.h"

namespace ssm {

/// Why a specialized and discretized recurrence cannot run in chunks of `steps` steps side by side, if it cannot: a
/// state whose transition is not affine or not closed under composition, or a chunk shorter than what a state
/// remembers.
llvm::Error checkChunks(RecurrenceOp recurrence, int64_t steps);

} // namespace ssm

#endif
