// Warps, blocks and the four schedulers of a multiprocessor.

#include "bench/sm-model/Replay.h"
#include "llvm/ADT/STLExtras.h"

using namespace ssm::sm;
using llvm::Expected;

llvm::StringRef ssm::sm::nameOf(Reason reason) {
  static constexpr llvm::StringRef names[numReasons] = {"unit",    "special_queue", "memory_queue", "fixed_latency",
                                                        "special", "shared_load",   "shared_store", "branch_taken",
                                                        "other",   "global",        "barrier",      "no_warp"};
  return names[static_cast<unsigned>(reason)];
}

namespace {
struct Warp {
  const std::vector<Step> *steps = nullptr;
  size_t at = 0;
  int64_t next = 0;
  /// Why it does not go on before `next`.
  Reason until = Reason::FixedLatency;
  struct Scoreboard {
    int pending = 0;
    Reason reason = Reason::Other;
  };
  std::array<Scoreboard, ControlBits::scoreboards> scoreboards;
  /// Asynchronous copies under way in each group; the last group is open.
  std::vector<int> groups = {0};
  bool atBarrier = false;
  unsigned block = 0;
};

struct Block {
  /// Its place among those that are resident, and its first warp.
  unsigned slot = 0, firstWarp = 0;
  unsigned arrived = 0, alive = 0;
};

class Replay {
public:
  Replay(const Workload &workload, const Parameters &parameters)
      : workload(workload), parameters(parameters), pipes(parameters, releases), warpsOfBlock(workload.traces.size()) {}

  Expected<ReplayResult> run() {
    for (int64_t slot = 0; slot < workload.resident && static_cast<int64_t>(blocks.size()) < workload.blocks; ++slot)
      launch(slot, slot * parameters.blockSkew);
    for (; finished < workload.blocks; ++now) {
      if (now - lastIssue > longestWait)
        return llvm::createStringError("all warps wait for what does not come");
      for (const Release &release : releases.take(now))
        apply(release);
      pipes.advance(now);
      for (unsigned scheduler = 0; scheduler < Pipes::schedulers; ++scheduler)
        issueFrom(scheduler);
    }
    return result();
  }

private:
  static constexpr int64_t longestWait = 1 << 17;

  /// Warps keep their numbers for good, since what is released may come after a block's end.
  void launch(unsigned slot, int64_t clock) {
    Block block = {slot, static_cast<unsigned>(warps.size()), 0, static_cast<unsigned>(warpsOfBlock)};
    for (size_t number = 0; number < warpsOfBlock; ++number) {
      oldestFirst[(slot * warpsOfBlock + number) % Pipes::schedulers].push_back(warps.size());
      Warp warp;
      warp.steps = &workload.traces[number];
      warp.next = clock;
      warp.block = blocks.size();
      warps.push_back(std::move(warp));
    }
    blocks.push_back(block);
  }

  void apply(const Release &release) {
    Warp &warp = warps[release.warp];
    if (release.scoreboard < ControlBits::scoreboards)
      --warp.scoreboards[release.scoreboard].pending;
    if (release.group >= 0)
      --warp.groups[release.group];
  }

  const Instruction &codeOf(const Warp &warp) const { return (*workload.code)[(*warp.steps)[warp.at].instruction]; }

  /// Why a warp does not go on now, if it does not.
  std::optional<Reason> waitsFor(const Warp &warp, unsigned scheduler) const {
    if (warp.atBarrier)
      return Reason::BarrierWait;
    if (warp.next > now)
      return warp.until;
    const Instruction &code = codeOf(warp);
    for (unsigned number = 0; number < ControlBits::scoreboards; ++number)
      if ((code.control.waits >> number & 1) && warp.scoreboards[number].pending > 0)
        return warp.scoreboards[number].reason;
    if (code.base == "DEPBAR" && exceeds(warp, code))
      return Reason::Global;
    if (pipes.accepts(scheduler, code.unit, now))
      return std::nullopt;
    if (code.unit == Unit::Special)
      return Reason::SpecialQueue;
    return usesMemoryQueue(code.unit) ? Reason::MemoryQueue : Reason::Unit;
  }

  /// `DEPBAR.LE SB0, N` waits until at most N groups of copies are under way or, where the kernel closes no groups, N
  /// instructions of a scoreboard.
  static bool exceeds(const Warp &warp, const Instruction &code) {
    int allowed = code.operands.size() > 1 ? code.operands[1].value : 0;
    if (warp.groups.size() > 1)
      return llvm::count_if(llvm::ArrayRef(warp.groups).drop_back(), [](int copies) { return copies > 0; }) > allowed;
    unsigned number;
    if (code.operands.empty() || llvm::StringRef(code.operands[0].text).drop_front(2).getAsInteger(10, number) ||
        number >= ControlBits::scoreboards)
      return false;
    return warp.scoreboards[number].pending > allowed;
  }

  void issueFrom(unsigned scheduler) {
    Reason nearest = Reason::NoWarp;
    for (unsigned index : oldestFirst[scheduler]) {
      std::optional<Reason> reason = waitsFor(warps[index], scheduler);
      if (!reason)
        return issue(index, scheduler);
      nearest = std::min(nearest, *reason);
    }
    ++waits[static_cast<unsigned>(nearest)];
  }

  static Reason reasonOf(Unit unit) {
    switch (unit) {
    case Unit::Special:
      return Reason::Special;
    case Unit::SharedLoad:
      return Reason::SharedLoad;
    case Unit::SharedStore:
    case Unit::Shuffle:
    case Unit::GlobalStore:
      return Reason::SharedStore;
    case Unit::GlobalLoad:
    case Unit::AsyncCopy:
      return Reason::Global;
    default:
      return Reason::Other;
    }
  }

  void issue(unsigned index, unsigned scheduler) {
    Warp &warp = warps[index];
    const Step &step = (*warp.steps)[warp.at];
    const Instruction &code = codeOf(warp);
    ++issued;
    lastIssue = now;
    ++warp.at;
    warp.next = now + std::max(1u, code.control.stall);
    warp.until = Reason::FixedLatency;
    for (unsigned number : {code.control.writes, code.control.reads})
      if (number < ControlBits::scoreboards) {
        ++warp.scoreboards[number].pending;
        warp.scoreboards[number].reason = reasonOf(code.unit);
      }
    Queued queued = {&code, step, index, -1, 0};
    if (code.unit == Unit::AsyncCopy && !step.isIdle) {
      queued.group = warp.groups.size() - 1;
      ++warp.groups.back();
    }
    if (code.base == "LDGDEPBAR")
      warp.groups.push_back(0);
    pipes.take(scheduler, queued, now);
    if (code.unit == Unit::Barrier) {
      warp.atBarrier = true;
      ++blocks[warp.block].arrived;
      openBarrier(warp.block);
    } else if (step.taken) {
      warp.next = std::max<int64_t>(warp.next, now + parameters.branchClocks);
      warp.until = Reason::BranchTaken;
    }
    if (warp.at == warp.steps->size()) {
      llvm::erase(oldestFirst[scheduler], index);
      finish(warp.block);
    }
  }

  void openBarrier(unsigned number) {
    Block &block = blocks[number];
    if (block.arrived == 0 || block.arrived < block.alive)
      return;
    block.arrived = 0;
    for (Warp &warp : llvm::MutableArrayRef(warps).slice(block.firstWarp, warpsOfBlock)) {
      if (!warp.atBarrier)
        continue;
      warp.atBarrier = false;
      warp.next = std::max<int64_t>(warp.next, now + parameters.barrierClocks);
      warp.until = Reason::BarrierWait;
    }
  }

  /// One of a block's warps is at its end.
  void finish(unsigned number) {
    if (--blocks[number].alive)
      return openBarrier(number);
    ++finished;
    if (static_cast<int64_t>(blocks.size()) < workload.blocks)
      launch(blocks[number].slot, now + parameters.blockStart);
  }

  ReplayResult result() const {
    ReplayResult result;
    result.clocks = now;
    result.issued = issued;
    double all = std::max<double>(1, Pipes::schedulers * now);
    result.issueShare = issued / all;
    result.specialShare = pipes.specialBusy / all;
    result.memoryShare = pipes.memoryBusy * Pipes::schedulers / all;
    for (unsigned reason = 0; reason < numReasons; ++reason)
      result.waitShares[reason] = waits[reason] / all;
    return result;
  }

  const Workload &workload;
  const Parameters &parameters;
  Releases releases;
  Pipes pipes;
  size_t warpsOfBlock;
  std::vector<Warp> warps;
  std::vector<Block> blocks;
  std::array<std::vector<unsigned>, Pipes::schedulers> oldestFirst;
  int64_t finished = 0, now = 0, issued = 0, lastIssue = 0;
  std::array<int64_t, numReasons> waits = {};
};
} // namespace

Expected<ReplayResult> ssm::sm::replay(const Workload &workload, const Parameters &parameters) {
  return Replay(workload, parameters).run();
}
