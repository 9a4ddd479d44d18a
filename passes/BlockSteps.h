#ifndef SSM_PASSES_BLOCKSTEPS_H
#define SSM_PASSES_BLOCKSTEPS_H

#include "dialect/Ssm.h"
#include "llvm/Support/Error.h"

namespace ssm {

/// Why a specialized and discretized recurrence cannot run several steps as one, if it cannot: it remembers more than
/// the last step, computes with the coordinate of the scanned dimension, or lays it out as a part of an axis.
llvm::Error checkBlocks(RecurrenceOp recurrence);

} // namespace ssm

#endif
