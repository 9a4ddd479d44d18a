#ifndef SSM_CODEGEN_EMULATOR_CLOCKS_H
#define SSM_CODEGEN_EMULATOR_CLOCKS_H

#include <array>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

/// Which of a grid's events happen before which (vector clocks, Lamport 1978; epochs as in FastTrack, Flanagan and
/// Freund 2009). A vector of all threads would be long, so each thread knows its own block by one number, the tick
/// before which all was ordered by a barrier, its warp by a tick a lane, and other blocks by a table that only
/// acquiring atomics fill.
namespace ssm::emulator {

constexpr unsigned warpSize = 32;

/// How far an atomic or a fence reaches. A cluster is one block here, and the system one device.
enum class Scope : uint8_t { Block, Device };
enum class Order : uint8_t { Relaxed, Acquire, Release, AcquireRelease };
inline bool acquires(Order order) { return order == Order::Acquire || order == Order::AcquireRelease; }
inline bool releases(Order order) { return order == Order::Release || order == Order::AcquireRelease; }

/// When something happened: the thread, numbered over the whole grid, and its tick. Tick 0 is never.
struct Epoch {
  uint32_t thread = 0, tick = 0;
  bool operator==(const Epoch &) const = default;
};

/// What is known of a block: every event before tick `floor`, and of single threads, in their order, those up to a
/// tick.
struct BlockKnowledge {
  uint32_t floor = 0;
  std::vector<std::pair<uint32_t, uint32_t>> threads;

  bool covers(Epoch event) const;
};
using BlockKnowledgePtr = std::shared_ptr<const BlockKnowledge>;
/// By the block's number, in their order. Shared and never changed, as are its parts: what is known of most blocks is
/// handed from block to block as it is.
using Knowledge = std::vector<std::pair<uint32_t, BlockKnowledgePtr>>;
using KnowledgePtr = std::shared_ptr<const Knowledge>;

/// All that either knows: one of the two where that knows all.
KnowledgePtr join(const KnowledgePtr &a, const KnowledgePtr &b);

/// All that a thread knew at an event. Who knows of the event knows all that, since knowledge is only ever handed on
/// whole; without an event, it was known at no single one.
struct Snapshot {
  Epoch event;
  KnowledgePtr what;
};
Snapshot join(const Snapshot &a, const Snapshot &b);

/// What the stores that end in a value have made known.
struct PublishedValue {
  std::vector<std::pair<uint32_t, Snapshot>> byBlock;
  Snapshot toAll;
};

struct BlockClock {
  uint32_t number = 0;
  /// Number of its first thread over the whole grid, and how many there are.
  uint32_t first = 0, threads = 0;
  /// Each thread knows of every event of the block before it.
  uint32_t floor = 1;
};

class ThreadClock {
public:
  ThreadClock() = default;
  ThreadClock(const BlockClock &block, uint32_t number);

  Epoch now() const { return {thread, tick}; }
  const BlockClock &getBlock() const { return *block; }

  /// Whether what happened then happens before what this thread does now.
  bool isAfter(Epoch event) const {
    if (event.thread == thread)
      return true;
    uint32_t number = event.thread - block->first;
    if (number < block->threads) {
      if (event.tick < block->floor)
        return true;
      if (number / warpSize == (thread - block->first) / warpSize && event.tick <= lanes[number % warpSize])
        return true;
    }
    return others && knows(event);
  }

  /// All that this thread knows, for who acquires it; what it does from now on is not part of it.
  Snapshot publish();
  void acquire(const KnowledgePtr &knowledge) { others = join(others, knowledge); }

  void fence(Order order, Scope scope);
  /// An atomic store adds what it makes known.
  void release(PublishedValue &value, Order order, Scope scope);
  /// An atomic load learns what the value's stores have made known to who reads at this scope.
  void read(const PublishedValue &value, Order order, Scope scope);

  /// Threads that wait for each other know what each of them did: the lanes of a warp, or a whole block.
  static void meet(const std::vector<ThreadClock *> &lanes);
  static void meet(BlockClock &block, const std::vector<ThreadClock *> &threads);

private:
  bool knows(Epoch event) const;
  void read(const Snapshot &known, Order order, Scope scope);

  const BlockClock *block = nullptr;
  uint32_t thread = 0, tick = 1;
  std::array<uint32_t, warpSize> lanes = {};
  KnowledgePtr others;
  /// By scope: what a fence lets later stores publish, and what loads have read that a fence will make known.
  std::array<Snapshot, 2> fenced;
  std::array<KnowledgePtr, 2> seen;
};

} // namespace ssm::emulator

#endif
