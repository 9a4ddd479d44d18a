#ifndef SSM_TOOLS_SSM_LAUNCH_TIMING_H
#define SSM_TOOLS_SSM_LAUNCH_TIMING_H

#include "tools/ssm-launch/Clock.h"
#include "tools/ssm-launch/Gpu.h"

#include <functional>
#include <vector>

namespace ssm {

/// Milliseconds between events before and after single calls, in their order, and the clock meanwhile.
struct Measurement {
  std::vector<double> milliseconds;
  /// MHz, of single readings; none where the clock cannot be read or calls were over too soon.
  std::vector<unsigned> clocks;

  double median() const;
  double least() const;
  double most() const;
};

/// Times calls on a GPU, each with nothing of its tensors in the L2 cache: a buffer larger than it is written before.
class Stopwatch {
public:
  static Result<std::unique_ptr<Stopwatch>> make(Gpu &gpu);

  /// After a warm-up of at least 10 calls and 30 ms, `count` calls, all enqueued before the first is waited for.
  Result<Measurement> measure(unsigned count, const std::function<std::optional<Problem>()> &enqueue);

  /// The same for a copy by the driver that reads and writes `bytes` in all.
  Result<Measurement> measureCopy(unsigned count, size_t bytes);

  const Clock &clock() const { return reader; }

private:
  Stopwatch(Gpu &gpu, std::unique_ptr<DeviceMemory> flushed)
      : gpu(gpu), flushed(std::move(flushed)), reader(gpu.busId()) {}
  std::optional<Problem> warmUp(const std::function<std::optional<Problem>()> &enqueue);
  /// Empties the cache, then calls.
  std::optional<Problem> callOnce(const std::function<std::optional<Problem>()> &enqueue, void *begin, void *end);

  Gpu &gpu;
  std::unique_ptr<DeviceMemory> flushed;
  Clock reader;
};

} // namespace ssm

#endif
