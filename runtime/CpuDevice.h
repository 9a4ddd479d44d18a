#ifndef SSM_RUNTIME_CPUDEVICE_H
#define SSM_RUNTIME_CPUDEVICE_H

#include "runtime/Device.h"
#include "runtime/SharedObject.h"
#include "runtime/ThreadPool.h"

#include <set>

namespace ssm {

/// The processor, with threads of its own.
class CpuDevice : public Device {
public:
  static constexpr int mostThreads = 4096;

  /// Loads the programs whose features are all among `features`. `threads` of them run one call, 0 for one a core;
  /// `only` is the kind of code to take, all where it is empty. May throw what allocation and the making of threads
  /// throw.
  static ssm_status prepare(const Bundle &bundle, unsigned threads, const std::string &only,
                            const std::set<std::string, std::less<>> &features, std::unique_ptr<Device> &device,
                            ssm_error *error);

  unsigned threads() const { return pool.threads(); }
  /// Runs the kernels and returns when they are through.
  ssm_status launch(const Manifest::Program &program, const LoadedProgram &loaded, const Plan &plan,
                    const ssm_call &call, ssm_error *error) const override;
  ssm_status time(const std::function<ssm_status()> &start, void *stream, int count, float *milliseconds,
                  ssm_error *error) const override;

private:
  explicit CpuDevice(unsigned threads) : pool(threads) {}
  ssm_status load(const Bundle &bundle, const Manifest::Function &function, const Manifest::Program &program,
                  const std::string &only, LoadedProgram &loaded, ssm_error *error);

  std::vector<std::unique_ptr<SharedObject>> objects;
  /// A call may run on a device that others call, too.
  mutable ThreadPool pool;
};

} // namespace ssm

#endif
