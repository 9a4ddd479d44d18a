#ifndef SSM_TOOLS_SSMC_EXPERIMENT_H
#define SSM_TOOLS_SSMC_EXPERIMENT_H

#include "tools/ssmc/Device.h"

namespace ssm {

/// Which numbers random inputs are made of: between -1/2 and 1/2, between 1/10 and 3/5, or between -1/32 and 1/32.
enum class Values { AroundZero, Positive, Small };
/// What a check tries in this order, until the results suit the types that store them.
constexpr Values triedValues[] = {Values::AroundZero, Values::Positive, Values::Small};

/// Inputs and initial states for a specialized recurrence whose sizes are known, at their stored types: the same for
/// the same recurrence. Values are small, so that most recurrences stay tame on them. `sizes` are those that the
/// recurrence leaves open.
llvm::Expected<RunArguments> randomArguments(RecurrenceOp recurrence, Values values,
                                             const std::map<std::string, int64_t> &sizes = {});

/// Whether a call over all steps can be split into two, by slicing tensors: the scanned dimension is an axis of its own
/// wherever it stands, and no value depends on the coordinate along it or its extent.
bool canSplit(RecurrenceOp recurrence);

/// Inputs of the steps `begin` to `begin + count`, of `steps` in all; they share their elements.
std::map<std::string, Tensor> sliceSteps(RecurrenceOp recurrence, const std::map<std::string, Tensor> &inputs,
                                         int64_t begin, int64_t count, int64_t steps);
/// Outputs of the whole sequence from those of its first steps and of the rest.
std::map<std::string, Tensor> joinSteps(RecurrenceOp recurrence, const std::map<std::string, Tensor> &first,
                                        const std::map<std::string, Tensor> &second);

/// The same elements at strides that no dense array has: axes in opposite order, with gaps.
Tensor scattered(const Tensor &tensor);

/// Whether every element of every result is finite, and so when it is rounded to the type that the recurrence stores it
/// as.
bool allFinite(RecurrenceOp recurrence, const RunResults &results);

} // namespace ssm

#endif
