#ifndef SSM_TEST_SUPPORT_RANDOMRECURRENCE_H
#define SSM_TEST_SUPPORT_RANDOMRECURRENCE_H

#include <cstdint>
#include <string>

namespace ssm::test {

/// What a random recurrence may hold. Without any of it: real, affine, elementwise states.
struct RandomRecurrenceOptions {
  /// States mixed by a matrix (`sum[col](M * rename(prev(h), …))`), and by identity less rank one.
  bool dense = true, rankOne = true;
  /// Two states that read each other's previous value.
  bool coupled = true;
  bool complexNumbers = true;
  /// States that the step is not affine in, or only over (max, +).
  bool nonlinear = true, maxPlus = true;
  /// `der(h) = …`, which is to be discretized before it is run.
  bool derivative = true;
  /// `scan … reverse` and `reverse if`.
  bool reverse = true;
  bool optionalInputs = true;
  /// Options, parameters, constants and functions.
  bool options = true;
  /// `prev` of inputs and locals, `prev(h, k)`, and `delay`.
  bool hidden = true;
  /// Initial values in the text.
  bool initial = true;
  /// Storage in bf16, f16 and f64 besides f32.
  bool mixedTypes = false;
  unsigned maxStates = 3, maxOutputs = 2;
  /// Depth of random expressions.
  unsigned depth = 3;
};

/// The text (.ssm) of a random valid recurrence named `random`, the same for the same seed.
/// Every value stays within a few units for inputs in [-1, 1] however many the steps: decays have a modulus below 1 and
/// drives are scaled to match, functions are smooth, and only stored inputs and coordinates are compared, so that
/// arithmetic in float32 stays comparable with float64.
std::string randomRecurrence(uint64_t seed, const RandomRecurrenceOptions &options = {});

} // namespace ssm::test

#endif
