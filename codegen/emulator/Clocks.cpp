// What happens before what: ticks of threads, lanes, blocks and the grid.

#include "codegen/emulator/Clocks.h"

#include <algorithm>
#include <ranges>

using namespace ssm::emulator;

bool BlockKnowledge::covers(Epoch event) const {
  if (event.tick < floor)
    return true;
  auto single = std::ranges::lower_bound(threads, event.thread, {}, &std::pair<uint32_t, uint32_t>::first);
  return single != threads.end() && single->first == event.thread && event.tick <= single->second;
}

static bool covers(const BlockKnowledge &a, const BlockKnowledge &b) {
  return a.floor >= b.floor &&
         std::ranges::all_of(b.threads, [&](const auto &known) { return a.covers({known.first, known.second}); });
}

/// All that either knows: one of the two where that knows all.
static BlockKnowledgePtr joinBlocks(const BlockKnowledgePtr &a, const BlockKnowledgePtr &b) {
  if (a == b || covers(*a, *b))
    return a;
  if (covers(*b, *a))
    return b;
  BlockKnowledge joined{std::max(a->floor, b->floor), {}};
  auto add = [&](std::pair<uint32_t, uint32_t> known) {
    if (known.second >= joined.floor)
      joined.threads.push_back(known);
  };
  auto left = a->threads.begin(), right = b->threads.begin();
  while (left != a->threads.end() || right != b->threads.end())
    if (right == b->threads.end() || (left != a->threads.end() && left->first < right->first))
      add(*left++);
    else if (left == a->threads.end() || right->first < left->first)
      add(*right++);
    else
      add(std::max(*left++, *right++));
  return std::make_shared<const BlockKnowledge>(std::move(joined));
}

KnowledgePtr ssm::emulator::join(const KnowledgePtr &a, const KnowledgePtr &b) {
  if (!a || !b || a == b)
    return a ? a : b;
  Knowledge joined;
  joined.reserve(std::max(a->size(), b->size()));
  bool isA = true, isB = true;
  auto left = a->begin(), right = b->begin();
  while (left != a->end() || right != b->end())
    if (right == b->end() || (left != a->end() && left->first < right->first)) {
      isB = false;
      joined.push_back(*left++);
    } else if (left == a->end() || right->first < left->first) {
      isA = false;
      joined.push_back(*right++);
    } else {
      joined.emplace_back(left->first, joinBlocks(left->second, right->second));
      isA &= joined.back().second == left->second;
      isB &= joined.back().second == right->second;
      ++left, ++right;
    }
  if (isA || isB)
    return isA ? a : b;
  return std::make_shared<const Knowledge>(std::move(joined));
}

Snapshot ssm::emulator::join(const Snapshot &a, const Snapshot &b) {
  KnowledgePtr joined = join(a.what, b.what);
  return {joined == b.what ? b.event : joined == a.what ? a.event : Epoch(), joined};
}

ThreadClock::ThreadClock(const BlockClock &block, uint32_t number)
    : block(&block), thread(block.first + number), tick(block.floor) {
  lanes[number % warpSize] = tick;
}

bool ThreadClock::knows(Epoch event) const {
  auto known = std::ranges::lower_bound(*others, event.thread / block->threads, {}, &Knowledge::value_type::first);
  return known != others->end() && known->first == event.thread / block->threads && known->second->covers(event);
}

Snapshot ThreadClock::publish() {
  const Epoch event = now();
  BlockKnowledge own{block->floor, {}};
  uint32_t firstLane = block->first + (thread - block->first) / warpSize * warpSize;
  for (unsigned lane = 0; lane < warpSize; ++lane)
    if (lanes[lane] >= own.floor)
      own.threads.emplace_back(firstLane + lane, lanes[lane]);
  lanes[(thread - block->first) % warpSize] = ++tick;
  auto ownBlock = std::make_shared<const Knowledge>(
      Knowledge{{block->number, std::make_shared<const BlockKnowledge>(std::move(own))}});
  return {event, join(others, ownBlock)};
}

void ThreadClock::fence(Order order, Scope scope) {
  if (acquires(order))
    for (unsigned reach = 0; reach <= static_cast<unsigned>(scope); ++reach)
      if (seen[reach])
        acquire(seen[reach]);
  if (releases(order))
    fenced[static_cast<unsigned>(scope)] = publish();
}

void ThreadClock::release(PublishedValue &value, Order order, Scope scope) {
  auto add = [&](const Snapshot &known, Scope reach) {
    auto own = std::ranges::find(value.byBlock, block->number, &std::pair<uint32_t, Snapshot>::first);
    if (own == value.byBlock.end())
      value.byBlock.emplace_back(block->number, known);
    else
      own->second = join(own->second, known);
    if (reach == Scope::Device)
      value.toAll = join(value.toAll, known);
  };
  if (releases(order))
    add(publish(), scope);
  for (Scope reach : {Scope::Block, Scope::Device})
    if (const Snapshot &known = fenced[static_cast<unsigned>(reach)]; known.what)
      add(known, std::min(reach, scope));
}

void ThreadClock::read(const PublishedValue &value, Order order, Scope scope) {
  if (scope == Scope::Device)
    read(value.toAll, order, Scope::Device);
  auto own = std::ranges::find(value.byBlock, block->number, &std::pair<uint32_t, Snapshot>::first);
  if (own != value.byBlock.end())
    read(own->second, order, Scope::Block);
}

void ThreadClock::read(const Snapshot &known, Order order, Scope scope) {
  if (!known.what || (known.event.tick && isAfter(known.event)))
    return;
  if (acquires(order)) {
    acquire(known.what);
    return;
  }
  KnowledgePtr &later = seen[static_cast<unsigned>(scope)];
  later = join(later, known.what);
}

void ThreadClock::meet(const std::vector<ThreadClock *> &lanes) {
  std::array<uint32_t, warpSize> ticks = lanes.front()->lanes;
  KnowledgePtr others = lanes.front()->others;
  for (ThreadClock *lane : lanes) {
    for (unsigned number = 0; number < warpSize; ++number)
      ticks[number] = std::max(ticks[number], lane->lanes[number]);
    others = join(others, lane->others);
  }
  for (ThreadClock *lane : lanes) {
    lane->lanes = ticks;
    lane->others = others;
    lane->lanes[(lane->thread - lane->block->first) % warpSize] = ++lane->tick;
  }
}

void ThreadClock::meet(BlockClock &block, const std::vector<ThreadClock *> &threads) {
  uint32_t last = block.floor;
  KnowledgePtr others;
  for (ThreadClock *thread : threads) {
    last = std::max(last, thread->tick);
    others = join(others, thread->others);
  }
  block.floor = last + 1;
  for (ThreadClock *thread : threads) {
    thread->tick = block.floor;
    thread->others = others;
    thread->lanes[(thread->thread - block.first) % warpSize] = block.floor;
  }
}
