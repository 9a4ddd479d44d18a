#ifndef SSM_TOOLS_SSM_LAUNCH_ARGUMENTS_H
#define SSM_TOOLS_SSM_LAUNCH_ARGUMENTS_H

#include "runtime/Manifest.h"

#include <map>
#include <string>
#include <vector>

namespace ssm {

/// Values by name, as options give them.
using Sizes = std::map<std::string, int64_t>;
struct Range {
  double low = -0.5, high = 0.5;
};

/// Tensors and sizes of one call of a function, in its order. A state that is left out has no value.
struct CallArguments {
  std::vector<int64_t> sizes;
  /// At the function's types.
  std::vector<std::optional<Tensor>> tensors;
};

/// Tensors of a safetensors file by the names that a function has for them: those of a reference case, or inputs by
/// name and states before the first step as state.NAME. Keys are `role name`.
std::map<std::string, Tensor> argumentsOf(const std::map<std::string, Tensor> &file);

/// The same for results: out.NAME and state.NAME, or NAME and state.NAME.
std::map<std::string, Tensor> resultsOf(const std::map<std::string, Tensor> &file);

/// Takes a call's tensors from a file, and its sizes from their shapes and `known`. Results have no values yet.
/// Problems: what is missing, has another shape, or leaves a size open.
Result<CallArguments> bindArguments(const Manifest::Function &function, std::map<std::string, Tensor> given,
                                    const Sizes &known);

/// Inputs drawn uniformly from their ranges: of one seed always the same.
Result<CallArguments> drawArguments(const Manifest::Function &function, const Sizes &known,
                                    const std::map<std::string, Range> &ranges, uint64_t seed);

/// The shape of a tensor of the function at these sizes.
Result<Shape> shapeOf(const Manifest::Tensor &tensor, const std::vector<int64_t> &sizes);

/// `state.` in front of a state, nothing in front of others.
std::string fileName(const Manifest::Tensor &tensor);

} // namespace ssm

#endif
