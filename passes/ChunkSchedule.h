#ifndef SSM_PASSES_CHUNKSCHEDULE_H
#define SSM_PASSES_CHUNKSCHEDULE_H

#include "dialect/Ssm.h"
#include "schedule/Placement.h"

namespace ssm {

/// A schedule without what it says of tensors that a part of a scan in chunks does not have.
Schedule scheduleOfTotal(RecurrenceOp part, const Schedule &whole);

/// The schedule of a part of a kernel in ticket order: tasks and threads have the tiles that they have in the last
/// part, which `whole` and `placement` are of; a join's chunks are of one step. Dimensions that the last part lacks
/// count columns of a product of matrices: all of them are a thread's.
Schedule scheduleInTicketOrder(RecurrenceOp part, RecurrenceOp last, const Schedule &whole, const Placement &placement);

} // namespace ssm

#endif
