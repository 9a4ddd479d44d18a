#ifndef SSM_TEST_SUPPORT_STEPFORM_H
#define SSM_TEST_SUPPORT_STEPFORM_H

#include "dialect/Ssm.h"

namespace ssm::test {

/// Writes every scan of a recurrence as the step that ssm.scan's table says: `previous`, the formula, `next`. What
/// comes out is level 0, for the interpreter.
void toStepForm(RecurrenceOp recurrence);

} // namespace ssm::test

#endif
