#ifndef SSM_CODEGEN_INTERPRETER_INTERPRETER_H
#define SSM_CODEGEN_INTERPRETER_INTERPRETER_H

#include "dialect/Ssm.h"
#include "runtime/Tensor.h"
#include "llvm/Support/Error.h"

#include <map>
#include <string>
#include <vector>

namespace ssm {

/// What a recurrence is run on. Names are those of the description; a name that it does not have is an error.
struct InterpreterArguments {
  /// Every input that is not optional, any floating-point type, shaped as its layout: an axis made of several
  /// dimensions is one axis of their product. An optional input is `given` where it stands here.
  std::map<std::string, Tensor> inputs;
  /// Values of states before the first step, hidden ones included; shaped as `previous` says. One that is left out has
  /// the description's initial value.
  std::map<std::string, Tensor> states;
  /// Values of parameters other than their defaults.
  std::map<std::string, double> params;
  /// Sizes of dimensions, in place of defaults where there are any.
  std::map<std::string, int64_t> sizes;
  /// Values of options in place of those declared: true or false, numbers, words. May be null.
  mlir::DictionaryAttr options;
  /// Refuses to start if scalar operations (evaluations of every operation at every coordinate) would be more; 0: no
  /// limit.
  int64_t maxWork = 0;
  /// Coordinates of the steps after which states are handed back as well.
  std::vector<int64_t> statesAt;
};

/// Everything is f64 or complex<f64> and contiguous, shaped as the arguments are.
struct InterpreterResults {
  std::map<std::string, Tensor> outputs;
  /// Values of all states after the last step, hidden ones included.
  std::map<std::string, Tensor> states;
  /// By coordinate, as asked for.
  std::map<int64_t, std::map<std::string, Tensor>> statesAt;
};

/// Runs a level-0 recurrence as it is written, one time step after another, in float64: what every other way to run it
/// is compared with. It takes the recurrence before `narrow` and rounds nothing to stored types. Errors: arguments that
/// do not fit the recurrence, an `ssm.derivative` (discretize first), an operation that level 0 does not have,
/// arithmetic in another type than f64.
llvm::Expected<InterpreterResults> interpret(RecurrenceOp recurrence, const InterpreterArguments &arguments);

} // namespace ssm

#endif
