#ifndef SSM_SCHEDULE_KNOBS_H
#define SSM_SCHEDULE_KNOBS_H

#include "schedule/PlacementFacts.h"

namespace ssm {

/// Writes down what a schedule's knobs say in a placement whose dimensions have their places. Refused with the reason:
/// what no pass implements, values that a knob does not take, and what nothing in the schedule could honour.
llvm::Error placeKnobs(const PlacementFacts &facts, const Schedule &schedule, const Target &target,
                       Placement &placement);

} // namespace ssm

#endif
