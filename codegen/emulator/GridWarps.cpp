// Exchanges between the lanes of a warp.

#include "codegen/emulator/Grid.h"
#include "llvm/ADT/StringExtras.h"

using namespace ssm::emulator;

const char *ssm::emulator::nameOf(WarpOp op) {
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

int32_t Grid::exchange(WarpOp op, uint32_t mask, int32_t word, int32_t lane, int32_t clamp) {
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

Thread *Grid::laneOf(const Thread &own, unsigned lane) {
  size_t number = own.number / warpSize * warpSize + lane;
  return number < own.block->threads.size() ? &own.block->threads[number] : nullptr;
}

bool Grid::isComplete(const Thread &own) {
  for (unsigned lane = 0; lane < warpSize; ++lane)
    if ((own.mask >> lane) & 1) {
      Thread *other = laneOf(own, lane);
      if (!other || other->state != State::InWarp || other->op != own.op || other->mask != own.mask)
        return false;
    }
  return true;
}

void Grid::complete(Thread &own) {
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
  // The PTX ISA promises an order of memory to bar.warp.sync alone; shfl.sync and vote.sync exchange registers.
  if (own.op == WarpOp::Sync) {
    std::vector<ThreadClock *> clocks;
    forLanes([&](Thread &thread, unsigned) { clocks.push_back(&thread.clock); });
    ThreadClock::meet(clocks);
  }
  if (mask == ~0u)
    finishRequests(*own.block, own.number / warpSize);
  forLanes([&](Thread &thread, unsigned) {
    thread.state = State::Ready;
    if (&thread != running)
      ready.push_back(&thread);
  });
}

int32_t Grid::resultOf(Thread &thread, unsigned lane, uint32_t votes) {
  if (thread.op == WarpOp::Any)
    return votes != 0;
  if (thread.op == WarpOp::All)
    return votes == thread.mask;
  if (thread.op == WarpOp::Ballot)
    return static_cast<int32_t>(votes);
  if (thread.op == WarpOp::Sync)
    return 0;
  /// PTX ISA, shfl.sync: the lane that is read, this one where there is none in the segment.
  auto sourceOf = [&](int own) {
    int operand = thread.lane & 31, clamp = thread.clamp & 31, segment = thread.clamp >> 8 & 31;
    int last = (own & segment) | (clamp & ~segment), first = own & segment;
    switch (thread.op) {
    case WarpOp::ShuffleUp:
      return own - operand >= last ? own - operand : own;
    case WarpOp::ShuffleDown:
      return own + operand <= last ? own + operand : own;
    case WarpOp::ShuffleXor:
      return (own ^ operand) <= last ? own ^ operand : own;
    default:
      int source = first | (operand & ~segment);
      return source <= last ? source : own;
    }
  };
  int source = sourceOf(static_cast<int>(lane));
  if (!((thread.mask >> source) & 1)) {
    fail(thread, "reads lane " + std::to_string(source) + " by a shfl.sync whose mask " + llvm::utohexstr(thread.mask) +
                     " lacks it");
    return 0;
  }
  return laneOf(thread, source)->word;
}
