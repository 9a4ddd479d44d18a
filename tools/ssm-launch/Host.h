#ifndef SSM_TOOLS_SSM_LAUNCH_HOST_H
#define SSM_TOOLS_SSM_LAUNCH_HOST_H

#include "runtime/ssm.h"
#include "tools/ssm-launch/Hardware.h"

namespace ssm {

/// The processor and its memory.
class Host : public Hardware {
public:
  /// `threads` run one call; 0 for one a core.
  explicit Host(unsigned threads);

  unsigned threads() const { return count; }
  int device() const override { return SSM_CPU; }
  void *stream() const override { return nullptr; }
  const char *kind() const override { return "cpu"; }
  std::string describe() const override;
  std::optional<Problem> synchronize() override { return std::nullopt; }
  Result<std::unique_ptr<DeviceMemory>> allocate(size_t bytes) override;
  Result<std::unique_ptr<Stopwatch>> makeStopwatch() override;

private:
  unsigned count;
};

} // namespace ssm

#endif
