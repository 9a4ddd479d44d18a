#ifndef SSM_CODEGEN_EMULATOR_GRID_H
#define SSM_CODEGEN_EMULATOR_GRID_H

#include "codegen/emulator/AsyncCopies.h"
#include "codegen/emulator/Fibers.h"
#include "codegen/emulator/Threads.h"

#include <deque>
#include <random>

namespace ssm::emulator {

enum class State { Ready, AtBarrier, InWarp, Ended };

struct Block;

struct Thread {
  Block *block = nullptr;
  unsigned number = 0;
  State state = State::Ready;
  Fiber fiber, scheduler;
  /// Its own memory ends here.
  const char *stackTop = nullptr;
  ThreadClock clock;
  /// What it waits for in its warp, and what it gets.
  WarpOp op = WarpOp::Sync;
  uint32_t mask = 0;
  int32_t word = 0, lane = 0, clamp = 0, result = 0;
  AsyncCopies copies;
  Requests::Executed executed;
  unsigned accesses = 0;
  /// How often it has read the same from one place since anything changed, and where.
  unsigned polls = 0;
  uint64_t progress = 0;
  std::map<uint32_t, std::pair<uintptr_t, uint64_t>> lastRead;
  uint32_t pollSite = 0;
  /// What an atomic finds, or a store that is about to happen.
  uint64_t before = 0;
  const void *stored = nullptr;
  uint32_t storedBytes = 0;
};

struct Block {
  unsigned number = 0;
  BlockClock clock;
  std::vector<Thread> threads;
  std::unique_ptr<SharedMemory> shared;
  unsigned atBarrier = 0, ended = 0;
};

/// A launch: resident blocks, whose threads take turns.
class Grid {
public:
  Grid(const GridOptions &options, llvm::function_ref<void()> body);
  llvm::Error run();

  Thread &current() { return *running; }
  const GridOptions &getOptions() const { return options; }

  void waitAtBarrier();
  int32_t exchange(WarpOp op, uint32_t mask, int32_t word, int32_t lane, int32_t clamp);

  void access(uintptr_t address, uint32_t bytes, uint32_t site);
  void accessLocal(uintptr_t address, uintptr_t base, uint64_t size, uint32_t site);
  void beginAtomic(const void *address, uint32_t site);
  void endAtomic(const void *address, uint32_t site);
  void fence(Order order, Scope scope);
  /// Lets others run.
  void pause();

  void copyAsync(void *to, const void *from, uint32_t bytes, uint32_t sourceBytes, uint32_t site);
  void commitCopies();
  void waitForCopies(std::optional<uint32_t> groups);

private:
  void start();
  Thread &takeReady();
  void resume(Thread &thread);
  void suspend();
  void wake(Thread &thread);
  /// Ends the running thread's turn if the seed says so, one time out of `chance`.
  void maybeSwitch(unsigned chance);

  Thread *laneOf(const Thread &own, unsigned lane);
  bool isComplete(const Thread &own);
  void complete(Thread &own);
  int32_t resultOf(Thread &thread, unsigned lane, uint32_t votes);

  /// A number that tells up to 16 bytes from others.
  static uint64_t digest(const void *bytes, uint32_t count);
  void noteStore();
  void count(uintptr_t address, uint32_t bytes, uint32_t site, bool writes);
  /// The threads of a warp have waited for each other, or ended.
  void finishRequests(Block &block, unsigned warp);
  void finishRequests(Block &block);
  void poll(Thread &own, uint32_t site);
  bool areAllPolling() const;

  /// Ends the launch with a report; the running thread does not come back.
  [[noreturn]] void stop(const std::string &what);
  void fail(const Thread &thread, const std::string &what) { fail(thread.block->number, thread.number, what); }
  void fail(unsigned block, unsigned thread, const std::string &what);
  std::string stateOf(const Thread &thread) const;
  void reportDeadlock();

  const GridOptions &options;
  Program none;
  const Program &program;
  llvm::function_ref<void()> body;
  std::mt19937_64 random;
  std::deque<unsigned> waiting;
  /// Before the blocks: their fibers give stacks back.
  StackPool stacks;
  std::vector<std::unique_ptr<Block>> resident;
  std::deque<Thread *> ready;
  Thread *running = nullptr;
  std::string report;
  /// Counts what changes memory or ends a thread, once anything has polled.
  uint64_t progress = 1;
  bool anyPolls = false;
};

} // namespace ssm::emulator

#endif
