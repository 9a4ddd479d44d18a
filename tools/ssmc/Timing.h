#ifndef SSM_TOOLS_SSMC_TIMING_H
#define SSM_TOOLS_SSMC_TIMING_H

#include "llvm/ADT/StringRef.h"

#include <chrono>
#include <string>
#include <utility>
#include <vector>

namespace ssm {

/// Where the time of one command goes, in the order in which its phases first ran.
class Timing {
public:
  /// Runs `work` and adds what it took to the phase's time.
  template <typename Work> auto measure(llvm::StringRef phase, Work work) {
    Stop stop{*this, phase, std::chrono::steady_clock::now()};
    return work();
  }
  void add(llvm::StringRef phase, double seconds);
  /// Writes a line a phase, and the sum, to standard error.
  void print() const;

private:
  struct Stop {
    Timing &timing;
    llvm::StringRef phase;
    std::chrono::steady_clock::time_point start;
    ~Stop() { timing.add(phase, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count()); }
  };
  std::vector<std::pair<std::string, double>> phases;
};

} // namespace ssm

#endif
