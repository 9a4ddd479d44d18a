#ifndef SSM_RUNTIME_CUDADEVICE_H
#define SSM_RUNTIME_CUDADEVICE_H

#include "runtime/Bundle.h"
#include "runtime/Driver.h"

#include <memory>

namespace ssm {

/// A kernel on a device.
struct LoadedKernel {
  void *function = nullptr;
  int registers = 0, localBytes = 0, sharedBytes = 0;
};

/// A program on a device; without kernels where none of its code runs there.
struct LoadedProgram {
  void *module = nullptr;
  /// `cubin` or `ptx`.
  std::string kind;
  std::vector<LoadedKernel> kernels;
};

/// Which of a program's code a device may try, as far as names tell: cubins of its own architecture first, then PTX of
/// the same or an older one. Targets that end in `a` or `f` are for their own chip alone.
std::vector<const Manifest::Code *> codeFor(const Manifest::Program &program, int major, int minor);

/// A device with all of a bundle's code that runs there.
class CudaDevice {
public:
  /// Loads into the primary context of the device. `only` is the kind of code to take, all where it is empty.
  static ssm_status prepare(const Bundle &bundle, int ordinal, const std::string &only,
                            std::unique_ptr<CudaDevice> &device, ssm_error *error);
  ~CudaDevice();
  CudaDevice(const CudaDevice &) = delete;

  const Driver &driver() const { return api; }
  void *context() const { return primary; }
  int handle() const { return device; }
  /// By the places of function and program in the manifest.
  const LoadedProgram &program(size_t function, size_t program) const { return programs[function][program]; }

  /// Starts `tasks` tasks of a kernel, in as many blocks as a grid may have.
  ssm_status launch(const LoadedKernel &loaded, const Manifest::Kernel &kernel, int64_t tasks, uint64_t *words,
                    size_t count, void *stream, ssm_error *error) const;

private:
  CudaDevice() = default;
  ssm_status load(const Bundle &bundle, const Manifest::Function &function, const Manifest::Program &program,
                  const std::string &only, LoadedProgram &loaded, ssm_error *error);
  ssm_status loadModule(const std::string &image, void **module, ssm_error *error) const;
  ssm_status loadKernel(const Manifest::Kernel &kernel, size_t words, void *module, LoadedKernel &loaded,
                        ssm_error *error) const;
  ssm_status checkArguments(const Manifest::Kernel &kernel, size_t words, void *function, ssm_error *error) const;

  Driver api{};
  int device = 0, major = 0, minor = 0;
  void *primary = nullptr;
  std::vector<std::vector<LoadedProgram>> programs;
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
