#ifndef SSM_PASSES_COMPUTETYPE_H
#define SSM_PASSES_COMPUTETYPE_H

#include "dialect/Ssm.h"

namespace ssm {

/// The type of a recurrence's arithmetic: f64 if any of its inputs or states is stored as f64 or complex<f64>, else
/// f32. A tensor without a stored type counts as f32, which is what `ssm-specialize` leaves none of.
mlir::FloatType computeType(RecurrenceOp recurrence);

} // namespace ssm

#endif
