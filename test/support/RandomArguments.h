#ifndef SSM_TEST_SUPPORT_RANDOMARGUMENTS_H
#define SSM_TEST_SUPPORT_RANDOMARGUMENTS_H

#include "codegen/interpreter/Interpreter.h"

namespace ssm::test {

/// Which arguments are made, and how large.
struct RandomArgumentsOptions {
  /// Percentage of optional inputs that are given, and of states that get an array.
  unsigned optionalInputs = 50, states = 50;
  /// Reals are uniform in [-magnitude, magnitude]; complex numbers have both parts within 0.7 of that.
  double magnitude = 1;
};

/// Sizes for every dimension of a recurrence: its default where it has one, else 1 to `largest`; `steps` for the
/// scanned one.
std::map<std::string, int64_t> randomSizes(RecurrenceOp recurrence, int64_t steps, int64_t largest, uint64_t seed);

/// Tensors for a recurrence of these sizes: every input at its stored type (f32 where it has none), so that no way to
/// run it rounds what it reads. The same arguments for the same seed everywhere.
InterpreterArguments randomArguments(RecurrenceOp recurrence, const std::map<std::string, int64_t> &sizes,
                                     uint64_t seed, const RandomArgumentsOptions &options = {});

} // namespace ssm::test

#endif
