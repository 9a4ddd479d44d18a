#ifndef SSM_RUNTIME_CUDADEVICE_H
#define SSM_RUNTIME_CUDADEVICE_H

#include "runtime/Device.h"
#include "runtime/Driver.h"

#include <memory>

namespace ssm {

/// Which of a program's code a device may try, as far as names tell: cubins of its own architecture first, then PTX of
/// the same or an older one. Targets that end in `a` or `f` are for their own chip alone.
std::vector<const Manifest::Code *> codeFor(const Manifest::Program &program, int major, int minor);

/// A GPU.
class CudaDevice : public Device {
public:
  /// Loads into the primary context of the device. `only` is the kind of code to take, all where it is empty.
  static ssm_status prepare(const Bundle &bundle, int ordinal, const std::string &only, std::unique_ptr<Device> &device,
                            ssm_error *error);
  ~CudaDevice() override;
  CudaDevice(const CudaDevice &) = delete;

  /// Enqueues the kernels on the call's stream.
  ssm_status launch(const Manifest::Program &program, const LoadedProgram &loaded, const Plan &plan,
                    const ssm_call &call, ssm_error *error) const override;
  ssm_status time(const std::function<ssm_status()> &start, void *stream, int count, float *milliseconds,
                  ssm_error *error) const override;

private:
  CudaDevice() = default;
  /// Starts `tasks` tasks of a kernel, in as many blocks as a grid may have.
  ssm_status launchKernel(const LoadedKernel &loaded, const Manifest::Kernel &kernel, int64_t tasks, uint64_t *words,
                          size_t count, void *stream, ssm_error *error) const;
  ssm_status load(const Bundle &bundle, const Manifest::Function &function, const Manifest::Program &program,
                  const std::string &only, LoadedProgram &loaded, ssm_error *error);
  ssm_status loadModule(const std::string &image, void **module, ssm_error *error) const;
  ssm_status loadKernel(const Manifest::Kernel &kernel, size_t words, void *module, LoadedKernel &loaded,
                        ssm_error *error) const;
  ssm_status checkArguments(const Manifest::Kernel &kernel, size_t words, void *function, ssm_error *error) const;

  Driver api{};
  int device = 0, major = 0, minor = 0;
  void *primary = nullptr;
};

/// Makes a context current, and the one before it when it dies.
class CurrentContext {
public:
  CurrentContext(const Driver &driver, void *context) : driver(driver), result(driver.ctxPushCurrent(context)) {}
  ~CurrentContext() {
    void *ignored;
    if (result == 0)
      driver.ctxPopCurrent(&ignored);
  }
  CurrentContext(const CurrentContext &) = delete;
  ssm_status check(ssm_error *error) const { return driver.check(result, "cuCtxPushCurrent", error); }

private:
  const Driver &driver;
  Driver::Result result;
};

} // namespace ssm

#endif
