// Asynchronous copies on their way.

#include "codegen/emulator/AsyncCopies.h"

#include <cstring>

using namespace ssm::emulator;

void AsyncCopy::land() {
  if (hasLanded)
    return;
  hasLanded = true;
  std::memcpy(to, from, sourceBytes);
  std::memset(to + sourceBytes, 0, bytes - sourceBytes);
}

void AsyncCopies::commit() {
  committed.push_back(std::move(open));
  open.clear();
}

std::vector<AsyncCopy> AsyncCopies::wait(std::optional<uint32_t> groups) {
  std::vector<AsyncCopy> landed;
  if (!groups)
    commit();
  while (committed.size() > groups.value_or(0)) {
    for (AsyncCopy &copy : committed.front()) {
      copy.land();
      landed.push_back(copy);
    }
    committed.pop_front();
  }
  return landed;
}

void AsyncCopies::landOne(uint64_t number) {
  for (auto &group : committed) {
    if (number < group.size())
      return group[number].land();
    number -= group.size();
  }
  if (number < open.size())
    open[number].land();
}
