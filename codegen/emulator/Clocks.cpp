// What happens before what: ticks of threads, lanes, blocks and the grid.

#include "codegen/emulator/Clocks.h"

#include <algorithm>

using namespace ssm::emulator;

KnowledgePtr ssm::emulator::join(const KnowledgePtr &a, const KnowledgePtr &b) {
  if (!a || !b || a == b)
    return a ? a : b;
  auto joined = std::make_shared<Knowledge>(*a);
  for (const auto &[number, more] : *b) {
    BlockKnowledge &block = (*joined)[number];
    block.floor = std::max(block.floor, more.floor);
    for (auto [thread, tick] : more.threads) {
      uint32_t &known = block.threads[thread];
      known = std::max(known, tick);
    }
    std::erase_if(block.threads, [&](const auto &known) { return known.second < block.floor; });
  }
  return joined;
}

ThreadClock::ThreadClock(const BlockClock &block, uint32_t number)
    : block(&block), thread(block.first + number), tick(block.floor) {
  lanes[number % warpSize] = tick;
}

bool ThreadClock::knows(Epoch event) const {
  auto known = others->find(event.thread / block->threads);
  if (known == others->end())
    return false;
  if (event.tick < known->second.floor)
    return true;
  auto single = known->second.threads.find(event.thread);
  return single != known->second.threads.end() && event.tick <= single->second;
}

KnowledgePtr ThreadClock::publish() {
  auto all = others ? std::make_shared<Knowledge>(*others) : std::make_shared<Knowledge>();
  BlockKnowledge &own = (*all)[block->number];
  own.floor = std::max(own.floor, block->floor);
  uint32_t firstLane = block->first + (thread - block->first) / warpSize * warpSize;
  for (unsigned lane = 0; lane < warpSize; ++lane)
    if (lanes[lane] >= own.floor) {
      uint32_t &known = own.threads[firstLane + lane];
      known = std::max(known, lanes[lane]);
    }
  lanes[(thread - block->first) % warpSize] = ++tick;
  return all;
}

void ThreadClock::fence(Order order, Scope scope) {
  if (acquires(order))
    for (unsigned reach = 0; reach <= static_cast<unsigned>(scope); ++reach)
      if (seen[reach])
        acquire(seen[reach]);
  if (releases(order))
    fenced[static_cast<unsigned>(scope)] = publish();
}

std::vector<Published> ThreadClock::release(Order order, Scope scope) {
  std::vector<Published> result;
  if (releases(order))
    result.push_back({scope, block->number, publish()});
  for (Scope reach : {Scope::Block, Scope::Device})
    if (const KnowledgePtr &known = fenced[static_cast<unsigned>(reach)])
      result.push_back({std::min(reach, scope), block->number, known});
  return result;
}

void ThreadClock::read(const Published &published, Order order, Scope scope) {
  bool isOwn = published.block == block->number;
  if (!isOwn && (published.scope != Scope::Device || scope != Scope::Device))
    return;
  if (acquires(order)) {
    acquire(published.what);
    return;
  }
  KnowledgePtr &later = seen[isOwn ? 0 : 1];
  later = join(later, published.what);
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
