#ifndef SSM_TOOLS_SSM_LAUNCH_ARENA_H
#define SSM_TOOLS_SSM_LAUNCH_ARENA_H

#include "runtime/Api.h"
#include "tools/ssm-launch/Arguments.h"
#include "tools/ssm-launch/Hardware.h"

namespace ssm {

/// How a call's tensors lie in memory.
enum class Layout {
  /// Row-major, without gaps.
  Dense,
  /// Axes in the opposite order, with gaps: no stride is 1.
  Scattered
};

/// All memory of one call where it runs, with a copy of it here: tensors with NaNs between them, so that what was
/// written where nothing belongs can be found, and results that were not written can, too.
class Arena {
public:
  /// Inputs and given states in place, results as NaNs. `withStates`: final states are asked for.
  static Result<std::unique_ptr<Arena>> make(Hardware &hardware, const ssm_function &function,
                                             const CallArguments &arguments, const std::vector<double> &parameters,
                                             Layout layout, bool withStates);

  /// Brings the device's memory to what it was at first.
  std::optional<Problem> reset();
  /// Enqueues the call.
  std::optional<Problem> launch();
  /// The code that the call runs.
  Result<LoadedChoice> choice() const;
  /// Waits, and fetches what the device has.
  std::optional<Problem> fetch();

  /// A result as it was fetched; nothing where the function has none of that number.
  std::optional<Tensor> result(size_t tensor) const;
  /// Whether nothing but results changed.
  bool isTidy() const;
  /// Bytes of all tensors of the call.
  size_t bytes() const { return tensorBytes; }

private:
  Arena(Hardware &hardware, const ssm_function &function) : hardware(hardware), function(function) {}
  std::optional<Problem> place(const CallArguments &arguments, Layout layout, bool withStates);
  std::optional<Problem> allocate(const CallArguments &arguments);

  /// Where a tensor stands: bytes from the beginning.
  struct Place {
    bool isThere = false;
    size_t offset = 0;
    Shape shape, strides;
  };
  std::vector<ssm_tensor> tensors() const;
  ssm_call call(const std::vector<ssm_tensor> &tensors) const;
  Tensor view(size_t tensor, std::vector<char> &memory) const;
  bool isResult(size_t tensor) const;
  std::optional<size_t> ownInitial(size_t tensor) const;

  Hardware &hardware;
  const ssm_function &function;
  std::vector<Place> places;
  std::vector<int64_t> sizes;
  std::vector<double> parameters;
  size_t total = 0, tensorBytes = 0;
  /// As it is at first, and as it was fetched.
  mutable std::vector<char> before, after;
  std::unique_ptr<DeviceMemory> memory, workspace;
};

} // namespace ssm

#endif
