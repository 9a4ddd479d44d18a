#ifndef SSM_TOOLS_SSM_LAUNCH_CLOCK_H
#define SSM_TOOLS_SSM_LAUNCH_CLOCK_H

#include <optional>
#include <string>

namespace ssm {

/// The clock of a GPU's multiprocessors, by the driver's management library where it is there.
class Clock {
public:
  explicit Clock(const std::string &busId);
  ~Clock();
  Clock(const Clock &) = delete;

  /// Now, in MHz.
  std::optional<unsigned> read() const;
  /// Why there is nothing to read; empty where there is.
  const std::string &absence() const { return why; }

private:
  void *library = nullptr, *device = nullptr;
  int (*shutdown)() = nullptr;
  int (*getClockInfo)(void *device, int type, unsigned *megahertz) = nullptr;
  std::string why;
};

} // namespace ssm

#endif
