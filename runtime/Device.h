#ifndef SSM_RUNTIME_DEVICE_H
#define SSM_RUNTIME_DEVICE_H

#include "runtime/Bundle.h"
#include "runtime/Plan.h"

#include <functional>

namespace ssm {

/// A kernel on a device. The numbers are a GPU's.
struct LoadedKernel {
  void *function = nullptr;
  int registers = 0, localBytes = 0, sharedBytes = 0;
};

/// A program on a device; without kernels where none of its code runs there.
struct LoadedProgram {
  void *module = nullptr;
  /// `cubin`, `ptx` or `shared_object`.
  std::string kind;
  std::vector<LoadedKernel> kernels;
};

/// A device with all of a bundle's code that runs there.
class Device {
public:
  virtual ~Device() = default;

  /// By the places of function and program in the manifest.
  const LoadedProgram &program(size_t function, size_t program) const { return programs[function][program]; }

  /// Starts a program's kernels, one after another. Allocates nothing, and may be called from any thread.
  virtual ssm_status launch(const Manifest::Program &program, const LoadedProgram &loaded, const Plan &plan,
                            const ssm_call &call, ssm_error *error) const = 0;

  /// Runs `start` so many times, waits for what it started on the stream, and writes the milliseconds of each.
  virtual ssm_status time(const std::function<ssm_status()> &start, void *stream, int count, float *milliseconds,
                          ssm_error *error) const = 0;

protected:
  std::vector<std::vector<LoadedProgram>> programs;
};

} // namespace ssm

#endif
