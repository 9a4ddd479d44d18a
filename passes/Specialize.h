#ifndef SSM_PASSES_SPECIALIZE_H
#define SSM_PASSES_SPECIALIZE_H

#include "dialect/Ssm.h"
#include "mlir/Pass/Pass.h"
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace ssm {

/// What a user decides about a recurrence before it is compiled.
struct SpecializeParameters {
  /// Sizes of dimensions; what is not named keeps its default, or stays open.
  std::map<std::string, int64_t> dims;
  /// Values of options as text: `true`, `false`, a number or a word, as the option's default is.
  std::map<std::string, std::string> options;
  /// Optional inputs that are left out.
  std::vector<std::string> without;
  /// Where set: the inputs that are given; optional ones not named here are left out too.
  std::optional<std::vector<std::string>> given;
  /// Stored type of inputs and outputs that declare none: f32, f64, bf16 or f16.
  std::string dtype = "f32";
  /// Stored types by name: an input or output, else a state; `state.NAME` is always the state.
  std::map<std::string, std::string> dtypes;
};

/// Applies `parameters` to the recurrence, which afterwards holds no option, given, optional input, known size or
/// missing stored type (Passes.td has the contract). Every parameter that does not fit is reported at the recurrence,
/// with what would; the recurrence is then left as it was.
mlir::LogicalResult specialize(RecurrenceOp recurrence, const SpecializeParameters &parameters);

/// The pass `ssm-specialize` with these parameters.
std::unique_ptr<mlir::Pass> createSpecialize(const SpecializeParameters &parameters);

} // namespace ssm

#endif
