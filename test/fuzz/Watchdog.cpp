#include "test/fuzz/Watchdog.h"

#include <csignal>
#include <cstdio>
#include <unistd.h>

#if __has_feature(address_sanitizer)
#include <sanitizer/common_interface_defs.h>

// LLVM's libraries are not instrumented: their allocators' poisoning would not be undone where our code reads, and what
// they keep until the end is no leak of ours.
extern "C" const char *__asan_default_options() {
  return "allow_user_poisoning=0:detect_leaks=0:handle_abort=1:detect_stack_use_after_return=0";
}
#endif

using namespace ssm::fuzz;

namespace {
struct Current {
  const char *kind = nullptr;
  uint64_t seed = 0;
  int64_t index = 0;
  const Tally *tally = nullptr;
} current;

/// Only what a signal handler may do: no allocation, no streams.
void report(const char *what) {
  if (!current.kind)
    return;
  char text[256];
  const int length =
      snprintf(text, sizeof text, "\nerror: %s: ssm-fuzz --kind %s --seed %llu --only %lld\n%lld passed, %lld failed\n",
               what, current.kind, static_cast<unsigned long long>(current.seed), static_cast<long long>(current.index),
               static_cast<long long>(current.tally->passed), static_cast<long long>(current.tally->failed + 1));
  if (write(STDOUT_FILENO, text, length) < 0)
    _exit(2);
}

void onAlarm(int) {
  report("an input takes too long");
  _exit(1);
}
} // namespace

Watch::Watch(const char *kind, uint64_t seed, int64_t index, const Tally &tally) {
  current = {kind, seed, index, &tally};
  alarm(limitSeconds);
}

Watch::~Watch() {
  alarm(0);
  current = {};
}

void ssm::fuzz::installWatchdog() {
  std::signal(SIGALRM, onAlarm);
#if __has_feature(address_sanitizer)
  __sanitizer_set_death_callback([] { report("an input crashes"); });
#endif
}
