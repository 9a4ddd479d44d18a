#ifndef SSM_BENCH_SMMODEL_PIPES_H
#define SSM_BENCH_SMMODEL_PIPES_H

#include "bench/sm-model/Parameters.h"
#include "bench/sm-model/WarpTrace.h"

#include <array>
#include <deque>

namespace ssm::sm {

/// Something that a warp need no longer wait for: a scoreboard, or one of its groups of asynchronous copies.
struct Release {
  unsigned warp = 0, scoreboard = ControlBits::none;
  int group = -1;
};

/// Releases by the clock at which they come.
class Releases {
public:
  Releases() : slots(turn) {}
  /// At `clock`, or at the next clock after `now`.
  void add(int64_t clock, int64_t now, Release release);
  /// Those of this clock.
  std::vector<Release> take(int64_t now) { return std::exchange(slots[now % turn], {}); }

private:
  static constexpr int64_t turn = 1 << 16;
  std::vector<std::vector<Release>> slots;
};

/// An instruction on its way through a queue.
struct Queued {
  const Instruction *code = nullptr;
  Step step;
  unsigned warp = 0;
  /// The warp's open group, for an asynchronous copy.
  int group = -1;
  int64_t ready = 0;
};

/// The units of one multiprocessor: what each scheduler has of its own, and the load/store unit and the memory that all
/// share.
class Pipes {
public:
  static constexpr unsigned schedulers = 4;

  Pipes(const Parameters &parameters, Releases &releases) : parameters(parameters), releases(releases) {}

  /// Whether a unit, or its queue, takes another instruction.
  bool accepts(unsigned scheduler, Unit unit, int64_t now) const;
  /// Takes one that is accepted, with its scoreboards' releases where it has any.
  void take(unsigned scheduler, const Queued &queued, int64_t now);
  /// Starts what is at the front of the queues and can start.
  void advance(int64_t now);

  /// Clocks in which the special-function units (of all schedulers) and the load/store unit work.
  int64_t specialBusy = 0, memoryBusy = 0;

private:
  struct Scheduler {
    std::deque<Queued> special, memory;
    /// From when on a unit is free. Queued units share a port.
    int64_t specialFree = 0, portFree = 0, fmaLightFree = 0, fmaHeavyFree = 0, aluFree = 0, uniformFree = 0,
            doubleFree = 0;
  };

  void startSpecial(Scheduler &scheduler, int64_t now);
  bool startMemory(Scheduler &scheduler, int64_t now);
  /// Clocks of the load/store unit, and of a scheduler's port.
  int64_t passesOf(const Queued &queued) const;
  int64_t portClocksOf(const Queued &queued) const;
  int64_t finishOf(const Queued &queued, int64_t now, int64_t passes);
  int64_t loadGlobal(const Step &step, int64_t now);
  /// When the memory has moved these sectors.
  double move(const Step &step, int64_t now);
  void releaseAfter(const Queued &queued, int64_t written, int64_t read, int64_t now);

  const Parameters &parameters;
  Releases &releases;
  std::array<Scheduler, schedulers> own;
  unsigned nextMemory = 0;
  int64_t memoryFree = 0;
  double l2Free = 0, dramFree = 0;
  uint64_t random = 0x9E3779B97F4A7C15;
};

} // namespace ssm::sm

#endif
