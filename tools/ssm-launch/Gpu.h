#ifndef SSM_TOOLS_SSM_LAUNCH_GPU_H
#define SSM_TOOLS_SSM_LAUNCH_GPU_H

#include "runtime/Driver.h"
#include "tools/ssm-launch/Hardware.h"

namespace ssm {

/// A GPU, its primary context current in this thread, and a stream.
class Gpu : public Hardware {
public:
  /// Problems: no driver, no such device.
  static Result<std::unique_ptr<Gpu>> open(int ordinal);
  ~Gpu() override;
  Gpu(const Gpu &) = delete;

  int device() const override { return number; }
  void *stream() const override { return mainStream; }
  const char *kind() const override { return "cuda"; }
  std::string describe() const override;
  std::optional<Problem> synchronize() override { return check(api.streamSynchronize(mainStream), "the kernels"); }
  bool isLost() const override { return lost; }
  Result<std::unique_ptr<DeviceMemory>> allocate(size_t bytes) override;
  /// Events stand before and after each of the calls, all of which are enqueued before the first is waited for.
  Result<std::unique_ptr<Stopwatch>> makeStopwatch() override;

  const Driver &driver() const { return api; }
  /// 90 for a device of compute capability 9.0.
  unsigned capability() const;
  std::string busId() const;
  size_t cacheBytes() const;
  /// The driver's words, if a call did not succeed.
  std::optional<Problem> check(Driver::Result result, const char *what);

private:
  Gpu() = default;
  int attribute(Driver::DeviceAttribute attribute) const;

  Driver api{};
  int number = 0, handle = 0;
  void *context = nullptr, *mainStream = nullptr;
  bool isCurrent = false, lost = false;
};

} // namespace ssm

#endif
