// What the running thread does to memory.

#include "codegen/emulator/Grid.h"

using namespace ssm::emulator;

namespace {
/// Global accesses between two switches, on average, where a seed draws them.
constexpr unsigned accessesPerSwitch = 24;
} // namespace

void Grid::access(uintptr_t address, uint32_t bytes, uint32_t number) {
  const Site &site = program.sites[number];
  // An address that is chosen between arrays and the thread's own memory.
  auto top = reinterpret_cast<uintptr_t>(running->stackTop);
  if (site.space == Space::Any && address < top && address >= top - StackPool::size)
    return;
  if (site.space != Space::Shared)
    maybeSwitch(accessesPerSwitch);
  // Lanes that stay together leave few requests open.
  if (options.requests && ++running->accesses % accessesPerSwitch == 0)
    pause();
  if (options.memory)
    if (Complaint found = options.memory->access(running->clock, number, address, bytes, running->block->shared.get()))
      stop(*found);
  count(address, bytes, number, site.writes);
  noteStore();
  if (!site.writes)
    return;
  if (!anyPolls || bytes > 16) {
    ++progress;
    return;
  }
  running->stored = reinterpret_cast<const void *>(address);
  running->storedBytes = bytes;
  running->before = digest(running->stored, bytes);
}

//===----------------------------------------------------------------------===//
// Requests
//===----------------------------------------------------------------------===//

void Grid::count(uintptr_t address, uint32_t bytes, uint32_t site, bool writes) {
  if (!options.requests)
    return;
  Thread &own = *running;
  unsigned warps = (options.threads + warpSize - 1) / warpSize, warp = own.number / warpSize;
  auto base = reinterpret_cast<uintptr_t>(own.block->shared->bytes.get());
  bool isShared = address >= base && address < base + own.block->shared->size;
  options.requests->add(uint64_t(own.block->number) * warps + warp, own.number % warpSize,
                        std::min(warpSize, options.threads - warp * warpSize), own.executed, site,
                        isShared ? address - base : address, bytes, writes, isShared);
}

void Grid::finishRequests(Block &block, unsigned warp) {
  if (!options.requests)
    return;
  unsigned warps = (options.threads + warpSize - 1) / warpSize;
  options.requests->finish(uint64_t(block.number) * warps + warp);
  for (unsigned number = warp * warpSize; number < std::min((warp + 1) * warpSize, options.threads); ++number)
    block.threads[number].executed.clear();
}

void Grid::finishRequests(Block &block) {
  for (unsigned warp = 0; warp * warpSize < options.threads; ++warp)
    finishRequests(block, warp);
}

//===----------------------------------------------------------------------===//
// Other accesses
//===----------------------------------------------------------------------===//

void Grid::accessLocal(uintptr_t address, uintptr_t base, uint64_t size, uint32_t number) {
  const Site &site = program.sites[number];
  if (address >= base && address + site.bytes <= base + size && address % site.align == 0)
    return;
  stop(std::string(site.writes ? "writes " : "reads ") + std::to_string(site.bytes) + " bytes at byte " +
       std::to_string(static_cast<int64_t>(address - base)) + " of " + std::to_string(size) +
       " bytes of its own memory, which " +
       (address % site.align ? "is not aligned to " + std::to_string(site.align) + " bytes" : "is outside") + "; at " +
       describe(site));
}

void Grid::beginAtomic(const void *address, uint32_t number) {
  noteStore();
  if (options.requests)
    options.requests->addAtomic();
  maybeSwitch(2);
  if (options.memory)
    if (Complaint found = options.memory->atomic(running->clock, number, reinterpret_cast<uintptr_t>(address),
                                                 running->block->shared.get()))
      stop(*found);
  running->before = digest(address, program.sites[number].bytes);
}

void Grid::endAtomic(const void *address, uint32_t number) {
  const Site &site = program.sites[number];
  Thread &own = *running;
  uint64_t after = digest(address, site.bytes);
  bool changes = after != own.before;
  if (options.memory)
    options.memory->synchronize(own.clock, number, reinterpret_cast<uintptr_t>(address), own.block->shared.get(),
                                changes);
  if (changes)
    ++progress;
  if (changes || !site.reads)
    return;
  auto found = std::pair(reinterpret_cast<uintptr_t>(address), after);
  auto [last, isFirst] = own.lastRead.try_emplace(number, found);
  if (!isFirst && last->second == found)
    return poll(own, number);
  last->second = found;
}

void Grid::fence(Order order, Scope scope) { running->clock.fence(order, scope); }

//===----------------------------------------------------------------------===//
// Asynchronous copies
//===----------------------------------------------------------------------===//

void Grid::copyAsync(void *to, const void *from, uint32_t bytes, uint32_t sourceBytes, uint32_t number) {
  maybeSwitch(accessesPerSwitch);
  AsyncCopy copy{static_cast<char *>(to), static_cast<const char *>(from), bytes, std::min(bytes, sourceBytes), number};
  if (options.memory)
    if (Complaint found = options.memory->beginCopy(running->clock, number, reinterpret_cast<uintptr_t>(to), bytes,
                                                    reinterpret_cast<uintptr_t>(from), copy.sourceBytes,
                                                    running->block->shared.get()))
      stop(*found);
  count(reinterpret_cast<uintptr_t>(from), copy.sourceBytes, number, false);
  count(reinterpret_cast<uintptr_t>(to), bytes, number, true);
  ++progress;
  // Some at once, some at a wait, and some at a switch in between.
  if (options.seed && random() % 3 == 0)
    copy.land();
  running->copies.issue(copy);
}

void Grid::commitCopies() { running->copies.commit(); }

void Grid::waitForCopies(std::optional<uint32_t> groups) {
  for (const AsyncCopy &copy : running->copies.wait(groups))
    if (options.memory)
      options.memory->endCopy(running->clock, copy.site, reinterpret_cast<uintptr_t>(copy.to), copy.bytes,
                              reinterpret_cast<uintptr_t>(copy.from), copy.sourceBytes, running->block->shared.get());
}
