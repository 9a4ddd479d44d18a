#ifndef SSM_CODEGEN_EMULATOR_ASYNCCOPIES_H
#define SSM_CODEGEN_EMULATOR_ASYNCCOPIES_H

#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

namespace ssm::emulator {

/// A cp.async: it reads and writes at some time between its issue and the end of the wait for it.
struct AsyncCopy {
  char *to = nullptr;
  const char *from = nullptr;
  uint32_t bytes = 0;
  /// What lies after them is written as 0.
  uint32_t sourceBytes = 0;
  uint32_t site = 0;
  bool hasLanded = false;

  void land();
};

/// The copies of one thread, in groups of those that are waited for together.
class AsyncCopies {
public:
  void issue(const AsyncCopy &copy) { open.push_back(copy); }
  /// Those issued since the last group are one.
  void commit();
  /// All but the last `groups` groups have landed, or all copies; they are handed back.
  std::vector<AsyncCopy> wait(std::optional<uint32_t> groups);
  bool empty() const { return open.empty() && committed.empty(); }
  /// The copy of that number lands, counted over all that are on the way.
  void landOne(uint64_t number);

private:
  std::vector<AsyncCopy> open;
  std::deque<std::vector<AsyncCopy>> committed;
};

} // namespace ssm::emulator

#endif
