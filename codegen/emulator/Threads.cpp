// What running threads ask for, of the grid that runs.

#include "codegen/emulator/Threads.h"
#include "codegen/emulator/Grid.h"

using namespace ssm::emulator;

/// The grid whose thread runs.
static thread_local Grid *grid = nullptr;

llvm::Error ssm::emulator::runGrid(const GridOptions &options, llvm::function_ref<void()> body) {
  Grid own(options, body);
  grid = &own;
  llvm::Error error = own.run();
  grid = nullptr;
  return error;
}

int32_t ssm::emulator::threadNumber() { return static_cast<int32_t>(grid->current().number); }
int32_t ssm::emulator::threadCount() { return static_cast<int32_t>(grid->getOptions().threads); }
int32_t ssm::emulator::blockNumber() { return static_cast<int32_t>(grid->current().block->number); }
int32_t ssm::emulator::blockCount() { return static_cast<int32_t>(grid->getOptions().blocks); }
void *ssm::emulator::sharedMemory() { return grid->current().block->shared->bytes.get(); }
void ssm::emulator::barrier() { grid->waitAtBarrier(); }
int32_t ssm::emulator::exchange(WarpOp op, uint32_t mask, int32_t word, int32_t lane, int32_t clamp) {
  return grid->exchange(op, mask, word, lane, clamp);
}
void ssm::emulator::pause() { grid->pause(); }

void ssm::emulator::access(const void *address, int64_t bytes, int32_t site) {
  grid->access(reinterpret_cast<uintptr_t>(address), static_cast<uint32_t>(bytes), static_cast<uint32_t>(site));
}
void ssm::emulator::accessLocal(const void *address, const void *base, int64_t size, int32_t site) {
  grid->accessLocal(reinterpret_cast<uintptr_t>(address), reinterpret_cast<uintptr_t>(base),
                    static_cast<uint64_t>(size), static_cast<uint32_t>(site));
}
void ssm::emulator::beginAtomic(const void *address, int32_t site) {
  grid->beginAtomic(address, static_cast<uint32_t>(site));
}
void ssm::emulator::endAtomic(const void *address, int32_t site) {
  grid->endAtomic(address, static_cast<uint32_t>(site));
}
void ssm::emulator::fence(int32_t order, int32_t scope) {
  grid->fence(static_cast<Order>(order), static_cast<Scope>(scope));
}
void ssm::emulator::copyAsync(void *to, const void *from, int32_t bytes, int32_t sourceBytes, int32_t site) {
  grid->copyAsync(to, from, static_cast<uint32_t>(bytes), static_cast<uint32_t>(sourceBytes),
                  static_cast<uint32_t>(site));
}
void ssm::emulator::commitCopies() { grid->commitCopies(); }
void ssm::emulator::waitForCopies(int32_t groups) {
  grid->waitForCopies(groups < 0 ? std::nullopt : std::optional(static_cast<uint32_t>(groups)));
}
