#ifndef SSM_TEST_FUZZ_WATCHDOG_H
#define SSM_TEST_FUZZ_WATCHDOG_H

#include <cstdint>

namespace ssm::fuzz {

/// How many inputs ended well and badly so far.
struct Tally {
  int64_t passed = 0, failed = 0;
};

/// Names an input that is being worked on. If it crashes, is stopped by a sanitizer or takes longer than the limit, the
/// program ends with a line that says how to run that input again, and the closing line.
class Watch {
public:
  static constexpr unsigned limitSeconds = 30;

  /// `kind` is what --kind takes, and has to outlive the watch.
  Watch(const char *kind, uint64_t seed, int64_t index, const Tally &tally);
  ~Watch();
  Watch(const Watch &) = delete;
};

/// To be called once: handles the alarm and a sanitizer's last call.
void installWatchdog();

} // namespace ssm::fuzz

#endif
