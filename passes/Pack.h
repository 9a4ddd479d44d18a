#ifndef SSM_PASSES_PACK_H
#define SSM_PASSES_PACK_H

#include "dialect/Ssm.h"
#include "llvm/Support/Error.h"

namespace ssm {

/// The dimension of a recurrence that can be that of rows, packed or not (ssm-pack has the rule), or why there is none.
llvm::Expected<llvm::StringRef> findRows(RecurrenceOp recurrence, bool isPacked);

} // namespace ssm

#endif
