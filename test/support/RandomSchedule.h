#ifndef SSM_TEST_SUPPORT_RANDOMSCHEDULE_H
#define SSM_TEST_SUPPORT_RANDOMSCHEDULE_H

#include "dialect/Ssm.h"
#include "schedule/Schedule.h"
#include "test/support/Random.h"

#include <map>

namespace ssm::test {

/// A random legal schedule of a specialized and discretized recurrence for a CPU or a GPU: any place and any count for
/// every dimension, any knob. `sizes` are those of a launch; where the recurrence leaves one open, nothing that has to
/// know it is drawn. Tiles have few registers, so that compiling stays quick.
Schedule randomSchedule(RecurrenceOp recurrence, const std::map<std::string, int64_t> &sizes, bool gpu, Random &random);

} // namespace ssm::test

#endif
