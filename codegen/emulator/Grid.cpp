// Blocks and threads in turn, and what they wait for.

#include "codegen/emulator/Grid.h"
#include "llvm/ADT/StringExtras.h"

#include <algorithm>
#include <cstring>
#include <numeric>

using namespace ssm::emulator;

Grid::Grid(const GridOptions &options, llvm::function_ref<void()> body)
    : options(options), program(options.program ? *options.program : none), body(body), random(options.seed),
      waiting(options.blocks) {
  std::iota(waiting.begin(), waiting.end(), 0u);
  if (options.seed)
    std::shuffle(waiting.begin(), waiting.end(), random);
}

llvm::Error Grid::run() {
  while (report.empty()) {
    while (resident.size() < std::max(1u, options.residentBlocks) && !waiting.empty())
      start();
    if (ready.empty())
      break;
    resume(takeReady());
  }
  if (report.empty() && !resident.empty())
    reportDeadlock();
  if (options.memory)
    if (auto found = options.memory->endLaunch())
      fail(found->first.thread / options.threads, found->first.thread % options.threads, found->second);
  if (report.empty())
    return llvm::Error::success();
  return llvm::createStringError(report);
}

//===----------------------------------------------------------------------===//
// Turns
//===----------------------------------------------------------------------===//

void Grid::start() {
  auto block = std::make_unique<Block>();
  block->number = waiting.front();
  waiting.pop_front();
  block->clock.number = block->number;
  block->clock.first = block->number * options.threads;
  block->clock.threads = options.threads;
  block->threads.resize(options.threads);
  block->shared = std::make_unique<SharedMemory>(program, options.sharedBytes);
  for (auto &thread : block->threads) {
    thread.block = block.get();
    thread.number = &thread - block->threads.data();
    thread.clock = ThreadClock(block->clock, thread.number);
    thread.fiber =
        Fiber(std::allocator_arg, StackAllocator{&stacks, &thread.stackTop}, [this, &thread](Fiber &&scheduler) {
          thread.scheduler = std::move(scheduler);
          body();
          thread.state = State::Ended;
          return std::move(thread.scheduler);
        });
    ready.push_back(&thread);
  }
  resident.push_back(std::move(block));
  ++progress;
}

Thread &Grid::takeReady() {
  if (options.seed)
    std::swap(ready[random() % ready.size()], ready.front());
  Thread &thread = *ready.front();
  ready.pop_front();
  return thread;
}

void Grid::resume(Thread &thread) {
  running = &thread;
  thread.fiber = std::move(thread.fiber).resume();
  noteStore();
  if (thread.state != State::Ended)
    return;
  ++progress;
  if (++thread.block->ended < thread.block->threads.size())
    return;
  finishRequests(*thread.block);
  if (options.memory)
    options.memory->endBlock(*thread.block->shared);
  llvm::erase_if(resident, [&](const std::unique_ptr<Block> &block) { return block.get() == thread.block; });
}

void Grid::suspend() {
  // A copy may land while its thread is away.
  if (options.seed && !running->copies.empty() && random() % 2)
    running->copies.landOne(random() % 8);
  running->scheduler = std::move(running->scheduler).resume();
}

void Grid::wake(Thread &thread) {
  thread.state = State::Ready;
  ready.push_back(&thread);
}

void Grid::pause() {
  ready.push_back(running);
  suspend();
}

void Grid::maybeSwitch(unsigned chance) {
  if (options.seed && random() % chance == 0)
    pause();
}

void Grid::waitAtBarrier() {
  Block &block = *running->block;
  if (++block.atBarrier < block.threads.size()) {
    running->state = State::AtBarrier;
    suspend();
    return;
  }
  block.atBarrier = 0;
  std::vector<ThreadClock *> clocks;
  for (Thread &thread : block.threads) {
    clocks.push_back(&thread.clock);
    if (&thread != running)
      wake(thread);
  }
  ThreadClock::meet(block.clock, clocks);
  finishRequests(block);
}

//===----------------------------------------------------------------------===//
// No progress
//===----------------------------------------------------------------------===//

uint64_t Grid::digest(const void *bytes, uint32_t count) {
  uint64_t words[2] = {};
  std::memcpy(words, bytes, std::min<size_t>(count, sizeof(words)));
  return words[0] ^ (words[1] * 0x9e3779b97f4a7c15u);
}

/// A store that changed nothing is no progress: its bytes are known only after it.
void Grid::noteStore() {
  Thread &own = *running;
  if (!own.stored)
    return;
  if (digest(own.stored, own.storedBytes) != own.before)
    ++progress;
  own.stored = nullptr;
}

void Grid::poll(Thread &own, uint32_t site) {
  // Enough that a thread which gives up after some tries comes to that.
  constexpr unsigned manyPolls = 2000;
  anyPolls = true;
  if (own.progress != progress)
    own.polls = 0;
  own.progress = progress;
  own.pollSite = site;
  ++own.polls;
  pause();
  if (own.polls >= manyPolls && own.progress == progress && areAllPolling())
    reportDeadlock();
  if (!report.empty())
    suspend();
}

bool Grid::areAllPolling() const {
  constexpr unsigned someTurns = 100;
  return llvm::all_of(ready,
                      [&](const Thread *thread) { return thread->polls >= someTurns && thread->progress == progress; });
}

//===----------------------------------------------------------------------===//
// Reports
//===----------------------------------------------------------------------===//

void Grid::fail(unsigned block, unsigned thread, const std::string &what) {
  if (report.empty())
    report = "emulated device: kernel " + options.kernel + ", block " + std::to_string(block) + ", thread " +
             std::to_string(thread) + " " + what;
}

void Grid::stop(const std::string &what) {
  fail(*running, what);
  suspend();
  llvm_unreachable("the launch has ended");
}

std::string Grid::stateOf(const Thread &thread) const {
  switch (thread.state) {
  case State::Ready:
    if (thread.polls && thread.progress == progress)
      return "waits for another value at " + describe(program.sites[thread.pollSite]);
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

/// All threads of the resident blocks wait: two that show it, of the same warp where one waits there, and one of each
/// other block.
void Grid::reportDeadlock() {
  Block &block = *resident.front();
  auto isWaiting = [](const Thread &thread) { return thread.state != State::Ended; };
  Thread &first = *llvm::find_if(block.threads, isWaiting);
  bool polls = llvm::any_of(resident, [&](const auto &one) {
    return llvm::any_of(one->threads, [](const Thread &thread) { return thread.state == State::Ready; });
  });
  std::string what = stateOf(first) + (polls ? " that never comes" : " that others do not reach");
  unsigned begin = first.state == State::InWarp ? first.number / warpSize * warpSize : 0;
  for (unsigned number = begin; number < block.threads.size(); ++number)
    if (Thread &other = block.threads[number]; stateOf(other) != stateOf(first)) {
      what += ": thread " + std::to_string(number) + " " + stateOf(other);
      break;
    }
  if (polls)
    for (size_t number = 1; number < resident.size(); ++number) {
      // One that polls says more than those that wait for it.
      std::vector<Thread> &threads = resident[number]->threads;
      auto other = llvm::find_if(threads, [](const Thread &one) { return one.state == State::Ready; });
      if (other == threads.end())
        other = llvm::find_if(threads, isWaiting);
      what += "; block " + std::to_string(resident[number]->number) + ", thread " + std::to_string(other->number) +
              " " + stateOf(*other);
    }
  if (!waiting.empty() && polls)
    what += "; " + std::to_string(waiting.size()) + " blocks have not started, " + std::to_string(resident.size()) +
            " are on the device";
  fail(first, what);
}
