// Threads of a grid as fibers.

#include "codegen/emulator/Threads.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/bit.h"

#include <algorithm>
#include <boost/context/fiber.hpp>
#include <cstddef>
#include <deque>
#include <new>
#include <numeric>
#include <random>
#include <sys/mman.h>
#include <vector>

using namespace ssm::emulator;

namespace {
constexpr unsigned warpSize = 32;
using Fiber = boost::context::fiber;

//===----------------------------------------------------------------------===//
// Stacks
//===----------------------------------------------------------------------===//

/// A thread's local memory is on its stack: up to 1 MiB that loops keep, and what LLVM spills. Pages that are never
/// touched cost nothing, and stacks are used again.
class StackPool {
public:
  static constexpr size_t size = size_t(1280) << 10;

  ~StackPool() {
    for (void *stack : free)
      munmap(stack, size);
  }

  void *take() {
    if (free.empty()) {
      void *stack =
          mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
      if (stack == MAP_FAILED)
        throw std::bad_alloc();
      return stack;
    }
    void *stack = free.back();
    free.pop_back();
    return stack;
  }
  void give(void *stack) { free.push_back(stack); }

private:
  std::vector<void *> free;
};

/// What Boost.Context asks for stacks.
struct StackAllocator {
  StackPool *pool;
  boost::context::stack_context allocate() const {
    boost::context::stack_context context;
    context.size = StackPool::size;
    context.sp = static_cast<char *>(pool->take()) + StackPool::size;
    return context;
  }
  void deallocate(boost::context::stack_context &context) const {
    pool->give(static_cast<char *>(context.sp) - StackPool::size);
  }
};

//===----------------------------------------------------------------------===//
// Threads and blocks
//===----------------------------------------------------------------------===//

enum class State { Ready, AtBarrier, InWarp, Ended };

struct Block;

struct Thread {
  Block *block = nullptr;
  unsigned number = 0;
  State state = State::Ready;
  Fiber fiber, scheduler;
  /// What it waits for in its warp, and what it gets.
  WarpOp op = WarpOp::Sync;
  uint32_t mask = 0;
  int32_t word = 0, lane = 0, clamp = 0, result = 0;
};

struct Block {
  unsigned number = 0;
  std::vector<Thread> threads;
  std::unique_ptr<std::max_align_t[]> shared;
  unsigned atBarrier = 0, ended = 0;
};

const char *nameOf(WarpOp op) {
  switch (op) {
  case WarpOp::Sync:
    return "bar.warp.sync";
  case WarpOp::ShuffleIdx:
  case WarpOp::ShuffleUp:
  case WarpOp::ShuffleDown:
  case WarpOp::ShuffleXor:
    return "shfl.sync";
  case WarpOp::Any:
  case WarpOp::All:
  case WarpOp::Ballot:
    return "vote.sync";
  }
  llvm_unreachable("unknown operation");
}

class Grid {
public:
  Grid(const GridOptions &options, llvm::function_ref<void()> body)
      : options(options), body(body), random(options.seed), waiting(options.blocks) {
    std::iota(waiting.begin(), waiting.end(), 0u);
    if (options.seed)
      std::shuffle(waiting.begin(), waiting.end(), random);
  }

  llvm::Error run() {
    while (report.empty()) {
      while (resident.size() < std::max(1u, options.residentBlocks) && !waiting.empty())
        start();
      if (ready.empty())
        break;
      resume(takeReady());
    }
    if (report.empty() && !resident.empty())
      reportDeadlock();
    if (report.empty())
      return llvm::Error::success();
    return llvm::createStringError(report);
  }

  Thread &current() { return *running; }
  const GridOptions &getOptions() const { return options; }

  void waitAtBarrier() {
    Block &block = *running->block;
    if (++block.atBarrier == block.threads.size()) {
      block.atBarrier = 0;
      for (Thread &thread : block.threads)
        if (&thread != running)
          wake(thread);
      return;
    }
    running->state = State::AtBarrier;
    suspend();
  }

  int32_t exchange(WarpOp op, uint32_t mask, int32_t word, int32_t lane, int32_t clamp) {
    Thread &own = *running;
    std::tie(own.op, own.mask, own.word, own.lane, own.clamp) = std::tie(op, mask, word, lane, clamp);
    own.state = State::InWarp;
    if (!((mask >> own.number % warpSize) & 1))
      fail(own, "runs a " + std::string(nameOf(op)) + " whose mask " + llvm::utohexstr(mask) + " lacks its lane");
    else if (isComplete(own))
      complete(own);
    if (own.state == State::InWarp)
      suspend();
    return own.result;
  }

private:
  void start() {
    auto block = std::make_unique<Block>();
    block->number = waiting.front();
    waiting.pop_front();
    block->threads.resize(options.threads);
    size_t units = (options.sharedBytes + sizeof(std::max_align_t) - 1) / sizeof(std::max_align_t);
    // What a block finds in shared memory is anything: NaN shows.
    block->shared.reset(new std::max_align_t[units]);
    std::fill_n(reinterpret_cast<unsigned char *>(block->shared.get()), units * sizeof(std::max_align_t), 0xff);
    for (auto &thread : block->threads) {
      thread.block = block.get();
      thread.number = &thread - block->threads.data();
      thread.fiber = Fiber(std::allocator_arg, StackAllocator{&stacks}, [this, &thread](Fiber &&scheduler) {
        thread.scheduler = std::move(scheduler);
        body();
        thread.state = State::Ended;
        return std::move(thread.scheduler);
      });
      ready.push_back(&thread);
    }
    resident.push_back(std::move(block));
  }

  Thread &takeReady() {
    if (options.seed)
      std::swap(ready[random() % ready.size()], ready.front());
    Thread &thread = *ready.front();
    ready.pop_front();
    return thread;
  }

  void resume(Thread &thread) {
    running = &thread;
    thread.fiber = std::move(thread.fiber).resume();
    if (thread.state != State::Ended || ++thread.block->ended < thread.block->threads.size())
      return;
    llvm::erase_if(resident, [&](const std::unique_ptr<Block> &block) { return block.get() == thread.block; });
  }

  void suspend() { running->scheduler = std::move(running->scheduler).resume(); }

  void wake(Thread &thread) {
    thread.state = State::Ready;
    ready.push_back(&thread);
  }

  //===--------------------------------------------------------------------===//
  // Warps
  //===--------------------------------------------------------------------===//

  Thread *laneOf(const Thread &own, unsigned lane) {
    size_t number = own.number / warpSize * warpSize + lane;
    return number < own.block->threads.size() ? &own.block->threads[number] : nullptr;
  }

  bool isComplete(const Thread &own) {
    for (unsigned lane = 0; lane < warpSize; ++lane)
      if ((own.mask >> lane) & 1) {
        Thread *other = laneOf(own, lane);
        if (!other || other->state != State::InWarp || other->op != own.op || other->mask != own.mask)
          return false;
      }
    return true;
  }

  void complete(Thread &own) {
    uint32_t mask = own.mask, votes = 0;
    auto forLanes = [&](auto each) {
      for (unsigned lane = 0; lane < warpSize; ++lane)
        if ((mask >> lane) & 1)
          each(*laneOf(own, lane), lane);
    };
    forLanes([&](Thread &thread, unsigned lane) { votes |= uint32_t(thread.word != 0) << lane; });
    forLanes([&](Thread &thread, unsigned lane) { thread.result = resultOf(thread, lane, votes); });
    if (!report.empty())
      return;
    forLanes([&](Thread &thread, unsigned) {
      thread.state = State::Ready;
      if (&thread != running)
        ready.push_back(&thread);
    });
  }

  int32_t resultOf(Thread &thread, unsigned lane, uint32_t votes) {
    if (thread.op == WarpOp::Any)
      return votes != 0;
    if (thread.op == WarpOp::All)
      return votes == thread.mask;
    if (thread.op == WarpOp::Ballot)
      return static_cast<int32_t>(votes);
    if (thread.op == WarpOp::Sync)
      return 0;
    int source = sourceOf(thread, lane);
    if (!((thread.mask >> source) & 1)) {
      fail(thread, "reads lane " + std::to_string(source) + " by a shfl.sync whose mask " +
                       llvm::utohexstr(thread.mask) + " lacks it");
      return 0;
    }
    return laneOf(thread, source)->word;
  }

  /// PTX ISA, shfl.sync: the lane that is read, this one where there is none in the segment.
  static int sourceOf(const Thread &thread, int lane) {
    int operand = thread.lane & 31, clamp = thread.clamp & 31, segment = thread.clamp >> 8 & 31;
    int last = (lane & segment) | (clamp & ~segment), first = lane & segment;
    switch (thread.op) {
    case WarpOp::ShuffleUp:
      return lane - operand >= last ? lane - operand : lane;
    case WarpOp::ShuffleDown:
      return lane + operand <= last ? lane + operand : lane;
    case WarpOp::ShuffleXor:
      return (lane ^ operand) <= last ? lane ^ operand : lane;
    default:
      int source = first | (operand & ~segment);
      return source <= last ? source : lane;
    }
  }

  //===--------------------------------------------------------------------===//
  // Reports
  //===--------------------------------------------------------------------===//

  static std::string placeOf(const Thread &thread) {
    return "block " + std::to_string(thread.block->number) + ", thread " + std::to_string(thread.number);
  }

  void fail(const Thread &thread, const std::string &what) {
    if (report.empty())
      report = "emulated device: kernel " + options.kernel + ", " + placeOf(thread) + " " + what;
  }

  static std::string stateOf(const Thread &thread) {
    switch (thread.state) {
    case State::Ready:
      return "runs";
    case State::AtBarrier:
      return "waits at a barrier";
    case State::InWarp:
      return "waits in a " + std::string(nameOf(thread.op)) + " of the lanes " + llvm::utohexstr(thread.mask);
    case State::Ended:
      return "has ended";
    }
    llvm_unreachable("unknown state");
  }

  /// All threads of the resident blocks wait: two that show it, of the same warp where one waits there.
  void reportDeadlock() {
    Block &block = *resident.front();
    auto isWaiting = [](const Thread &thread) { return thread.state != State::Ended; };
    Thread &first = *llvm::find_if(block.threads, isWaiting);
    std::string what = stateOf(first) + " that others do not reach";
    unsigned begin = first.state == State::InWarp ? first.number / warpSize * warpSize : 0;
    for (unsigned number = begin; number < block.threads.size(); ++number)
      if (Thread &other = block.threads[number]; stateOf(other) != stateOf(first)) {
        what += ": thread " + std::to_string(number) + " " + stateOf(other);
        break;
      }
    fail(first, what);
  }

  const GridOptions &options;
  llvm::function_ref<void()> body;
  std::mt19937_64 random;
  std::deque<unsigned> waiting;
  /// Before the blocks: their fibers give stacks back.
  StackPool stacks;
  std::vector<std::unique_ptr<Block>> resident;
  std::deque<Thread *> ready;
  Thread *running = nullptr;
  std::string report;
};

/// The grid whose thread runs.
thread_local Grid *grid = nullptr;
} // namespace

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
void *ssm::emulator::sharedMemory() { return grid->current().block->shared.get(); }
void ssm::emulator::barrier() { grid->waitAtBarrier(); }
int32_t ssm::emulator::exchange(WarpOp op, uint32_t mask, int32_t word, int32_t lane, int32_t clamp) {
  return grid->exchange(op, mask, word, lane, clamp);
}
