#ifndef SSM_BENCH_SMMODEL_INTEGERS_H
#define SSM_BENCH_SMMODEL_INTEGERS_H

#include "bench/sm-model/WarpState.h"

namespace ssm::sm {

/// Runs an instruction of integers, predicates or moves in one lane. False where it has modifiers or operands of which
/// the model does not know what they mean.
bool executeInteger(Lane &lane);

} // namespace ssm::sm

#endif
