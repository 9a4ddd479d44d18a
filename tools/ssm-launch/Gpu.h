#ifndef SSM_TOOLS_SSM_LAUNCH_GPU_H
#define SSM_TOOLS_SSM_LAUNCH_GPU_H

#include "runtime/Driver.h"
#include "runtime/Result.h"

#include <memory>
#include <optional>
#include <string>

namespace ssm {

/// A GPU, its primary context current in this thread, and a stream.
class Gpu {
public:
  /// Problems: no driver, no such device.
  static Result<std::unique_ptr<Gpu>> open(int ordinal);
  ~Gpu();
  Gpu(const Gpu &) = delete;

  const Driver &driver() const { return api; }
  void *stream() const { return mainStream; }
  int ordinal() const { return number; }
  /// As a report has it: `NVIDIA H100 80GB HBM3, sm_90, driver 13.0`.
  std::string describe() const;
  std::string busId() const;
  size_t cacheBytes() const;

  /// The driver's words, if a call did not succeed.
  std::optional<Problem> check(Driver::Result result, const char *what);
  /// Whether an earlier call left the context beyond use: nothing but a new process helps.
  bool isLost() const { return lost; }
  std::optional<Problem> synchronize() { return check(api.streamSynchronize(mainStream), "the kernels"); }

private:
  Gpu() = default;
  int attribute(Driver::DeviceAttribute attribute) const;

  Driver api{};
  int number = 0, device = 0;
  void *context = nullptr, *mainStream = nullptr;
  bool isCurrent = false, lost = false;
};

/// Memory of a GPU.
class DeviceMemory {
public:
  static Result<std::unique_ptr<DeviceMemory>> allocate(Gpu &gpu, size_t bytes);
  ~DeviceMemory() { gpu.driver().memFree(address); }
  DeviceMemory(const DeviceMemory &) = delete;

  Driver::Pointer begin() const { return address; }
  size_t size() const { return bytes; }
  /// Enqueues the writing of every byte.
  std::optional<Problem> fill(unsigned char value);
  /// Both are ordered with the stream's kernels, and wait.
  std::optional<Problem> upload(const void *from);
  std::optional<Problem> download(void *to);

private:
  DeviceMemory(Gpu &gpu, Driver::Pointer address, size_t bytes) : gpu(gpu), address(address), bytes(bytes) {}

  Gpu &gpu;
  Driver::Pointer address;
  size_t bytes;
};

} // namespace ssm

#endif
