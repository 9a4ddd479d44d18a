#ifndef SSM_RUNTIME_COMPARE_H
#define SSM_RUNTIME_COMPARE_H

#include "runtime/Tensor.h"

#include <string>

namespace ssm {

/// The largest |value - reference| relative to the largest |reference| (absolute where all of the reference is 0),
/// complex numbers by their parts. NaN if any element of either is NaN; equal infinities do not differ. 0 for empty
/// tensors. A problem: different shapes.
Result<double> relativeError(const Tensor &value, const Tensor &reference);

/// An error as it stands in a report: `3.1e-07`.
std::string errorText(double error);

} // namespace ssm

#endif
