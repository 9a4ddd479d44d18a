#ifndef SSM_TOOLS_SSMC_COMPARE_H
#define SSM_TOOLS_SSMC_COMPARE_H

#include "runtime/Tensor.h"
#include "llvm/Support/Error.h"

#include <string>

namespace ssm {

/// The largest |value - reference| relative to the largest |reference| (absolute where all of the reference is 0),
/// complex numbers by their parts. NaN if any element of either is NaN; equal infinities do not differ. 0 for empty
/// tensors. Errors: different shapes.
llvm::Expected<double> relativeError(const Tensor &value, const Tensor &reference);

/// An error as it stands in a report: `3.1e-07`.
std::string errorText(double error);

} // namespace ssm

#endif
