#ifndef SSM_TOOLS_SSMC_EXPLORE_WORKBENCH_H
#define SSM_TOOLS_SSMC_EXPLORE_WORKBENCH_H

#include "codegen/cpu/CpuKernel.h"
#include "tools/ssmc/Device.h"

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace ssm {

/// A schedule that has been compiled for this processor, or why it has not.
struct CompiledVariant {
  std::shared_ptr<CpuKernel> kernel;
  std::string error;
  double seconds = 0;
};

/// Compiles schedules of one recurrence side by side, and times them in turn.
class Workbench {
public:
  /// `recurrence` is specialized and discretized, with all sizes known. A call runs on `threads` threads, `jobs`
  /// compile.
  static llvm::Expected<std::unique_ptr<Workbench>> make(RecurrenceOp recurrence, const RunArguments &arguments,
                                                         unsigned threads, unsigned jobs);
  ~Workbench();

  /// One result a schedule. Nothing is begun once `stop` is set; `progress` is called from this thread with how many
  /// are ready.
  std::vector<CompiledVariant> compile(const std::vector<std::string> &schedules, const std::atomic<bool> &stop,
                                       const std::function<void(size_t)> &progress);

  /// Seconds of a call of each kernel, `rounds` of them, all kernels in turn in each round and nothing else running; a
  /// repetition lasts at least `shortest` seconds, and its mean call counts. Of a call on one thread it is the thread's
  /// own time, which leaves out what others do on the machine. Each is called twice before. `sample` is told each
  /// repetition as it ends: the number of the kernel, and seconds. Ends early once `stop` is set.
  llvm::Error measure(const std::vector<CpuKernel *> &kernels, unsigned rounds, double shortest,
                      const std::atomic<bool> &stop, const std::function<void(size_t, double)> &sample);

  /// The largest difference of a kernel's outputs, and of states that it updates in place, from the first one's that
  /// was asked about, relative to the largest value: 0 for that one.
  llvm::Expected<double> difference(CpuKernel &kernel);

private:
  struct Worker;
  Workbench() = default;

  KernelArguments arguments;
  unsigned threads = 1;
  std::vector<std::unique_ptr<Worker>> workers;
  /// What the first kernel that was asked about left; states, where a call updates them in place, before any call.
  std::map<std::string, Tensor> first, begin;
  bool isInPlace = false;
};

} // namespace ssm

#endif
