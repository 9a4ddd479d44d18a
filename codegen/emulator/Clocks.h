#ifndef SSM_CODEGEN_EMULATOR_CLOCKS_H
#define SSM_CODEGEN_EMULATOR_CLOCKS_H

#include <array>
#include <cstdint>
#include <map>
#include <memory>
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

/// What is known of a block: every event before tick `floor`, and of single threads those up to a tick.
struct BlockKnowledge {
  uint32_t floor = 0;
  std::map<uint32_t, uint32_t> threads;
};
/// By the block's number. Shared and never changed.
using Knowledge = std::map<uint32_t, BlockKnowledge>;
using KnowledgePtr = std::shared_ptr<const Knowledge>;

/// All that either knows.
KnowledgePtr join(const KnowledgePtr &a, const KnowledgePtr &b);

/// What a store made known to who acquires it.
struct Published {
  Scope scope;
  uint32_t block;
  KnowledgePtr what;
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
  KnowledgePtr publish();
  void acquire(const KnowledgePtr &knowledge) { others = join(others, knowledge); }

  void fence(Order order, Scope scope);
  /// What an atomic store makes known.
  std::vector<Published> release(Order order, Scope scope);
  /// What was published where an atomic load reads.
  void read(const Published &published, Order order, Scope scope);

  /// Threads that wait for each other know what each of them did: the lanes of a warp, or a whole block.
  static void meet(const std::vector<ThreadClock *> &lanes);
  static void meet(BlockClock &block, const std::vector<ThreadClock *> &threads);

private:
  bool knows(Epoch event) const;

  const BlockClock *block = nullptr;
  uint32_t thread = 0, tick = 1;
  std::array<uint32_t, warpSize> lanes = {};
  KnowledgePtr others;
  /// By scope: what a fence lets later stores publish, and what loads have read that a fence will make known.
  std::array<KnowledgePtr, 2> fenced, seen;
};

} // namespace ssm::emulator

#endif
