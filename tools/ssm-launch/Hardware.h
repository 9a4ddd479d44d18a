#ifndef SSM_TOOLS_SSM_LAUNCH_HARDWARE_H
#define SSM_TOOLS_SSM_LAUNCH_HARDWARE_H

#include "runtime/Result.h"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace ssm {

/// Memory where kernels run.
class DeviceMemory {
public:
  virtual ~DeviceMemory() = default;
  /// Aligned to 256 bytes.
  virtual void *begin() const = 0;
  virtual size_t size() const = 0;
  /// Writes every byte; ordered with the kernels, as are the copies, which wait.
  virtual std::optional<Problem> fill(unsigned char value) = 0;
  virtual std::optional<Problem> upload(const void *from) = 0;
  virtual std::optional<Problem> download(void *to) = 0;
};

/// Milliseconds of single calls, in their order, and a GPU's clock meanwhile.
struct Measurement {
  std::vector<double> milliseconds;
  /// MHz, of single readings; none where the clock cannot be read or calls were over too soon.
  std::vector<unsigned> clocks;

  double median() const;
  double least() const;
  double most() const;
};

/// Times calls, each with nothing of its tensors in the last cache: a buffer larger than it is written before.
class Stopwatch {
public:
  using Call = std::function<std::optional<Problem>()>;

  virtual ~Stopwatch() = default;
  /// `count` calls, after some that are not counted.
  virtual Result<Measurement> measure(unsigned count, const Call &call) = 0;
  /// The same for a copy, by the driver or the C library, that reads and writes `bytes` in all.
  virtual Result<Measurement> measureCopy(unsigned count, size_t bytes) = 0;
  /// Why a GPU's clock is not read; empty where it is, and where there is none.
  virtual std::string clockAbsence() const { return ""; }
};

/// What bundles run on, as one process uses it.
class Hardware {
public:
  virtual ~Hardware() = default;
  /// As ssm_call has them.
  virtual int device() const = 0;
  virtual void *stream() const = 0;
  /// `cuda` or `cpu`.
  virtual const char *kind() const = 0;
  /// As a report has it: `NVIDIA H100 80GB HBM3, sm_90, driver 13.0`.
  virtual std::string describe() const = 0;
  /// Waits for what was enqueued.
  virtual std::optional<Problem> synchronize() = 0;
  /// Whether an earlier call left the device beyond use: nothing but a new process helps.
  virtual bool isLost() const { return false; }
  virtual Result<std::unique_ptr<DeviceMemory>> allocate(size_t bytes) = 0;
  virtual Result<std::unique_ptr<Stopwatch>> makeStopwatch() = 0;
};

} // namespace ssm

#endif
