#ifndef SSM_SCHEDULE_COSTMODEL_H
#define SSM_SCHEDULE_COSTMODEL_H

#include "schedule/MachineData.h"
#include "schedule/StepWork.h"

#include <memory>

namespace ssm {

/// One reason why a call takes time: how long it would take by that alone, and what it is made of.
struct CostTerm {
  std::string name;
  double seconds = 0;
  std::string why;
};

/// What decides between schedules.
struct Estimate {
  double seconds = 0;
  /// SIMD registers that a task keeps states in, or registers of a GPU's thread.
  double registers = 0;
  /// Bytes that a task keeps in memory of its own (CPU).
  double ownBytes = 0;
  /// Resident blocks of a multiprocessor (GPU).
  int64_t residentBlocks = 0;
};

/// What the cost model says of a schedule, before anything is compiled: an estimate, and what it is made of.
struct Prediction : Estimate {
  /// The longest first. They run side by side in part, so their sum is more than `seconds`.
  std::vector<CostTerm> terms;
  /// Tasks or blocks of a call.
  double tasks = 0;
  /// Bytes to and from memory beyond the last cache that holds them, with what is read again.
  double bytes = 0;
  /// Operations of a call by the pipe that executes them: instructions of a core (CPU) or a thread (GPU).
  std::vector<std::pair<std::string, double>> operations;
  /// Of a GPU: threads of a block, waves.
  int64_t threads = 0, waves = 0;

  void add(std::string name, double seconds, std::string why) {
    terms.push_back({std::move(name), seconds, std::move(why)});
  }
  void sortTerms() {
    llvm::sort(terms, [](const CostTerm &a, const CostTerm &b) { return a.seconds > b.seconds; });
  }
};

/// What is known of a compiled kernel, in place of what the model guesses.
struct Compiled {
  int64_t registers = 0, sharedBytes = 0;
};

/// Predicts the time of one call for schedules of one recurrence and one machine. The time is that of the slowest of
/// what must be done (instructions of each pipe, latencies, memory), with a part of the rest, for the core or
/// multiprocessor that has most to do.
class CostModel {
public:
  virtual ~CostModel() = default;
  virtual Prediction predict(const Candidate &candidate) const = 0;
  /// The prediction without its words.
  virtual Estimate estimate(const Candidate &candidate) const { return predict(candidate); }
  /// With real registers and shared memory in place of the model's own estimate.
  virtual Prediction predict(const Candidate &candidate, const Compiled &) const { return predict(candidate); }
};

/// The model of a CPU on so many threads, and of a GPU by its compute capability. `source` has to live as long.
std::unique_ptr<CostModel> makeCpuCostModel(const SpaceSource &source, const Target &target, const SizeHints &hints,
                                            int64_t threads);
std::unique_ptr<CostModel> makeGpuCostModel(const SpaceSource &source, const Target &target, const SizeHints &hints,
                                            unsigned capability);

/// Whether a schedule is worth compiling: its states take at most three times the registers that there are, and a
/// task's own memory is well within what it may keep; on a GPU, a block fits on a multiprocessor.
bool fitsMachine(const Estimate &estimate, const Target &target);

/// A number as the words of a term have it.
std::string oneDecimal(double value);

/// The prediction in words: a line for the whole, and one a term.
std::vector<std::string> predictionTexts(const Prediction &prediction);

} // namespace ssm

#endif
