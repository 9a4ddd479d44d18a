// Which banks, sectors and lines a warp's addresses are in.

#include "bench/sm-model/Accesses.h"

#include <algorithm>

using namespace ssm::sm;
using Kind = Operand::Kind;

std::optional<Access> ssm::sm::addressesOf(const Instruction &instruction, const WarpState &state, uint32_t mask) {
  // An asynchronous copy names where to before where from, which is what takes time.
  const Operand *memory = nullptr;
  for (const Operand &operand : instruction.operands)
    if (operand.kind == Kind::Memory && (!memory || instruction.unit == Unit::AsyncCopy))
      memory = &operand;
  if (!memory)
    return std::nullopt;
  uint64_t base = static_cast<int64_t>(static_cast<int32_t>(memory->value));
  if (memory->uniform != Operand::zeroUniform) {
    const WarpState::Register &low = state.uniform[memory->uniform], &high = state.uniform[memory->uniform + 1];
    base += low.value[0] | (memory->isWide ? uint64_t(high.value[0]) << 32 : 0);
    if (!low.known || (memory->isWide && !high.known))
      return std::nullopt;
  }
  Access access;
  access.mask = mask;
  access.bytes = instruction.bytes;
  bool isShared = instruction.unit == Unit::SharedLoad || instruction.unit == Unit::SharedStore;
  const WarpState::Register zero;
  bool hasIndex = memory->index != Operand::zeroRegister;
  const WarpState::Register &low = hasIndex ? state.registers[memory->index] : zero,
                            &high = hasIndex && memory->isWide ? state.registers[memory->index + 1] : zero;
  if (mask & ~(low.known & high.known))
    return std::nullopt;
  for (unsigned lane = 0; lane < WarpState::lanes; ++lane) {
    uint64_t address = base + (uint64_t(high.value[lane]) << 32 | low.value[lane]);
    access.address[lane] = isShared ? static_cast<uint32_t>(address) : address;
  }
  return access;
}

/// The different pieces of `size` bytes that are touched.
static std::set<uint64_t> pieces(const Access &access, unsigned size) {
  std::set<uint64_t> touched;
  for (unsigned lane = 0; lane < WarpState::lanes; ++lane)
    for (uint64_t byte = 0; (access.mask >> lane & 1) && byte < access.bytes; byte += 4)
      touched.insert((access.address[lane] + byte) / size);
  return touched;
}

unsigned ssm::sm::sharedPasses(const Access &access) {
  constexpr unsigned banks = 32;
  std::array<unsigned, banks> words = {};
  for (uint64_t word : pieces(access, 4))
    ++words[word % banks];
  return *std::max_element(words.begin(), words.end());
}

std::set<uint64_t> ssm::sm::sectorsOf(const Access &access) { return pieces(access, 32); }

unsigned ssm::sm::countLines(const std::set<uint64_t> &sectors) {
  std::set<uint64_t> lines;
  for (uint64_t sector : sectors)
    lines.insert(sector / 4);
  return lines.size();
}

unsigned SectorCache::load(const std::set<uint64_t> &sectors) {
  unsigned missed = 0;
  for (uint64_t sector : sectors) {
    if (!capacity || !present.insert(sector).second) {
      missed += !capacity;
      continue;
    }
    ++missed;
    order.push_back(sector);
    if (order.size() > capacity) {
      present.erase(order.front());
      order.pop_front();
    }
  }
  return missed;
}
