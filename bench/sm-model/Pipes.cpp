// Which unit is free when, and when results arrive.

#include "bench/sm-model/Pipes.h"

#include <algorithm>

using namespace ssm::sm;

void Releases::add(int64_t clock, int64_t now, Release release) {
  // What takes longer than a turn does not come up: the memory's queue would have to be that long.
  clock = std::clamp(clock, now + 1, now + turn - 1);
  slots[clock % turn].push_back(release);
}

bool Pipes::accepts(unsigned scheduler, Unit unit, int64_t now) const {
  const Scheduler &units = own[scheduler];
  switch (unit) {
  case Unit::Fma:
    return units.fmaLightFree <= now || units.fmaHeavyFree <= now;
  case Unit::FmaHeavy:
    return units.fmaHeavyFree <= now;
  case Unit::Alu:
    return units.aluFree <= now;
  case Unit::Double:
    return units.doubleFree <= now;
  case Unit::Uniform:
    return units.uniformFree <= now;
  case Unit::Special:
    return units.special.size() < parameters.specialQueue;
  default:
    return !usesMemoryQueue(unit) || units.memory.size() < parameters.memoryQueue;
  }
}

void Pipes::releaseAfter(const Queued &queued, int64_t written, int64_t read, int64_t now) {
  const ControlBits &control = queued.code->control;
  if (control.reads < ControlBits::scoreboards)
    releases.add(read, now, {queued.warp, control.reads, -1});
  if (queued.group >= 0)
    releases.add(written, now, {queued.warp, ControlBits::none, queued.group});
  // Of an asynchronous copy the scoreboard is free once it is on its way.
  if (control.writes < ControlBits::scoreboards)
    releases.add(queued.group >= 0 ? read : written, now, {queued.warp, control.writes, -1});
}

void Pipes::take(unsigned scheduler, const Queued &queued, int64_t now) {
  Scheduler &units = own[scheduler];
  int64_t fmaFree = now + static_cast<int64_t>(parameters.fmaClocks);
  switch (queued.code->unit) {
  case Unit::Fma:
    (units.fmaLightFree <= now ? units.fmaLightFree : units.fmaHeavyFree) = fmaFree;
    break;
  case Unit::FmaHeavy:
    units.fmaHeavyFree = fmaFree;
    break;
  case Unit::Alu:
    units.aluFree = now + parameters.aluClocks;
    break;
  case Unit::Double:
    units.doubleFree = now + parameters.doubleClocks;
    return releaseAfter(queued, now + parameters.doubleLatency, now + parameters.doubleLatency / 2, now);
  case Unit::Uniform:
    units.uniformFree = now + parameters.uniformClocks;
    return releaseAfter(queued, now + parameters.uniformLatency, now + parameters.uniformLatency / 2, now);
  case Unit::Constant:
    return releaseAfter(queued, now + parameters.constantLatency, now + parameters.constantLatency, now);
  case Unit::Special:
    units.special.push_back(queued);
    units.special.back().ready = now + parameters.queueDelay;
    return;
  default:
    if (usesMemoryQueue(queued.code->unit) && !queued.step.isIdle) {
      units.memory.push_back(queued);
      units.memory.back().ready = now + parameters.queueDelay;
      return;
    }
  }
  releaseAfter(queued, now + 4, now + 4, now);
}

void Pipes::advance(int64_t now) {
  for (Scheduler &scheduler : own)
    startSpecial(scheduler, now);
  if (memoryFree > now)
    return;
  for (unsigned turn = 0; turn < schedulers; ++turn) {
    unsigned scheduler = (nextMemory + turn) % schedulers;
    if (startMemory(own[scheduler], now)) {
      nextMemory = scheduler + 1;
      return;
    }
  }
}

void Pipes::startSpecial(Scheduler &scheduler, int64_t now) {
  if (scheduler.special.empty() || scheduler.special.front().ready > now || scheduler.specialFree > now ||
      scheduler.portFree > now)
    return;
  Queued queued = scheduler.special.front();
  scheduler.special.pop_front();
  scheduler.specialFree = now + parameters.specialClocks;
  scheduler.portFree = now + parameters.specialPort;
  specialBusy += parameters.specialClocks;
  releaseAfter(queued, now + parameters.specialLatency, now + parameters.specialReadLatency, now);
}

bool Pipes::startMemory(Scheduler &scheduler, int64_t now) {
  if (scheduler.memory.empty() || scheduler.memory.front().ready > now || scheduler.portFree > now)
    return false;
  Queued queued = scheduler.memory.front();
  scheduler.memory.pop_front();
  int64_t passes = passesOf(queued);
  memoryFree = now + passes;
  memoryBusy += passes;
  scheduler.portFree = now + portClocksOf(queued);
  releaseAfter(queued, finishOf(queued, now, passes), now + parameters.readLatency + passes, now);
  return true;
}

int64_t Pipes::passesOf(const Queued &queued) const {
  int64_t words = std::max(1u, queued.code->bytes / 4);
  switch (queued.code->unit) {
  case Unit::SharedLoad:
    return std::max<int64_t>(1, queued.step.count);
  case Unit::SharedStore:
    return std::max<int64_t>(words, queued.step.count);
  case Unit::Shuffle:
    return 1;
  default:
    return std::max<int64_t>(words, queued.step.lines);
  }
}

int64_t Pipes::portClocksOf(const Queued &queued) const {
  int64_t words = std::max(1u, queued.code->bytes / 4);
  switch (queued.code->unit) {
  case Unit::SharedLoad:
    return words == 4   ? parameters.sharedLoadPort16
           : words == 2 ? parameters.sharedLoadPort8
                        : parameters.sharedLoadPort4;
  case Unit::Shuffle:
    return parameters.shufflePort;
  case Unit::SharedStore:
  case Unit::GlobalStore:
    return parameters.storePort * words;
  default:
    return parameters.globalLoadPort * words;
  }
}

int64_t Pipes::finishOf(const Queued &queued, int64_t now, int64_t passes) {
  switch (queued.code->unit) {
  case Unit::SharedLoad:
    // A wide load gives its registers one after another, however few passes it needs.
    return now + parameters.sharedLoadLatency + std::max<int64_t>(passes, queued.code->bytes / 4) - 1;
  case Unit::SharedStore:
    return now + parameters.sharedStoreLatency;
  case Unit::Shuffle:
    return now + parameters.shuffleLatency;
  case Unit::GlobalStore:
    move(queued.step, now);
    return now + parameters.readLatency + passes;
  default:
    return queued.step.hitsCache ? now + static_cast<int64_t>(parameters.cacheLatency) + passes
                                 : loadGlobal(queued.step, now);
  }
}

double Pipes::move(const Step &step, int64_t now) {
  double bytes = step.count * 32.0;
  l2Free = std::max<double>(now, l2Free) + bytes / parameters.l2Bytes;
  if (!step.fromDram)
    return l2Free;
  dramFree = std::max<double>(now, dramFree) + bytes / parameters.dramBytes;
  return std::max(l2Free, dramFree);
}

int64_t Pipes::loadGlobal(const Step &step, int64_t now) {
  double clock = move(step, now) + (step.fromDram ? parameters.dramLatency : parameters.l2Latency);
  // The same draws in every run.
  random = random * 6364136223846793005u + 1442695040888963407u;
  double draw = static_cast<double>(random >> 33 & 0xffff) / 65536;
  return clock + parameters.latencySpread * draw * (step.fromDram ? 1 : 0.3);
}
