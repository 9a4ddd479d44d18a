// Who decides what `--schedule auto` comes to: the user's database, the program's, the cost model, the rules.

#include "codegen/lowering/ScheduleChoice.h"
#include "codegen/lowering/Lowering.h"
#include "codegen/lowering/SpaceSource.h"
#include "dialect/RowPlan.h"
#include "mlir/IR/Diagnostics.h"
#include "schedule/CostModel.h"
#include "schedule/MachineData.h"
#include "schedule/TuningDatabase.h"
#include "llvm/Support/FileSystem.h"

#include <cstdlib>

using namespace mlir;
using namespace ssm;
using llvm::Error;
using llvm::Expected;

extern const char *const ssmTunedText;

/// By how much the model's first has to be predicted faster than the rules' choice. Where it promises less, the rules
/// are right as often (bench/results).
static constexpr double clearGain = 1.2;
/// Threads that code for another machine should have tasks for.
static constexpr int64_t likelyThreads = 8;
/// Registers of a tile: what takes long to compile is left to those who ask for it.
static constexpr int64_t mostRows = 64;

std::string ssm::tuningFile() {
  const char *given = std::getenv("SSMC_TUNING");
  return given ? given : userDataFile("tuning.db");
}

StringRef ssm::shippedTuning() { return ssmTunedText; }

namespace {
/// Asks one after another; what several of them need is made once.
class Chooser {
public:
  Chooser(RecurrenceOp recurrence, const CompileTarget &target, int64_t threads)
      : recurrence(recurrence), target(target), threads(std::max<int64_t>(1, threads)), isElsewhere(threads == 0) {
    if (!target.isGpu() && threads)
      this->target.machine.cores = threads;
  }

  Expected<ScheduleChoice> choose(const TuningSources &sources) {
    if (!sources.file.empty() && llvm::sys::fs::exists(sources.file)) {
      auto database = TuningDatabase::open(sources.file, /*readOnly=*/true);
      if (!database)
        return database.takeError();
      if (Error error = lookUp(**database, ChosenBy::UserDatabase, "the tuning database " + sources.file))
        return std::move(error);
    }
    if (choice.by == ChosenBy::Rules && !sources.shipped.empty()) {
      auto database = TuningDatabase::fromText(sources.shipped);
      if (!database)
        return database.takeError();
      if (Error error = lookUp(**database, ChosenBy::ShippedDatabase, "the tuning database of ssmc"))
        return std::move(error);
    }
    if (choice.by == ChosenBy::Rules && isModelTrusted())
      if (Error error = weigh())
        return std::move(error);
    return choice;
  }

private:
  /// The model has been shown to rank schedules of whole sequences on a CPU, of known sizes. It ranks neither those of
  /// one shape on a GPU (test/unit/GpuCostTest.cpp) nor steps, whose time is their states' way from memory and back.
  bool isModelTrusted() {
    if (target.isGpu() || RowPlan(recurrence))
      return false;
    return llvm::all_of(recurrence.getDims().getAsRange<DimAttr>(),
                        [&](DimAttr dim) { return recurrence.sizeOf(dim.getName().getValue()).has_value(); });
  }

  Expected<const SpaceSource *> source() {
    if (!prepared) {
      Expected<PreparedSource> made = prepareSource(recurrence);
      if (!made)
        return made.takeError();
      prepared = std::move(*made);
    }
    return &prepared->source;
  }

  Error lookUp(TuningDatabase &database, ChosenBy by, const std::string &name) {
    TuningKey key = makeTuningKey(recurrence, target.machine, target.isGpu() ? target.name : "", {});
    auto found = database.choice(key, threads);
    if (!found)
      return found.takeError();
    if (!*found)
      return Error::success();
    Expected<const SpaceSource *> source = this->source();
    if (!source)
      return source.takeError();
    Expected<bool> does = doesHere(**found, **source, by);
    if (!does)
      return does.takeError();
    if (*does)
      choice = {(*found)->schedule, by, "it won a comparison on " + (*found)->machine + " (" + name + ")"};
    return Error::success();
  }

  /// Whether a winner does here: another machine may have had fewer registers, and a call on one thread asks for no
  /// tasks.
  Expected<bool> doesHere(const TuningChoice &winner, const SpaceSource &source, ChosenBy by) {
    Expected<Schedule> schedule = parseSchedule(winner.schedule);
    Expected<Candidate> candidate =
        schedule ? placeCandidate(source, target.machine, *schedule) : Expected<Candidate>(schedule.takeError());
    if (!candidate) {
      llvm::consumeError(candidate.takeError());
      return false;
    }
    // Users know what their calls have.
    if (target.isGpu() || (isElsewhere ? by == ChosenBy::UserDatabase : winner.threads >= threads))
      return true;
    StepWork work(source.sequential, {});
    double tasks = work.tasks(candidate->placement);
    if (!isElsewhere)
      return tasks >= 2.0 * static_cast<double>(threads);
    Expected<Candidate> rules = ofRules(source);
    if (!rules)
      return rules.takeError();
    return hasTasksElsewhere(tasks, work.tasks(rules->placement));
  }

  /// Whether a schedule of so many tasks leaves no more threads of another machine idle than the rules' choice does.
  static bool hasTasksElsewhere(double tasks, double ofRules) {
    return tasks >= std::min<double>(2 * likelyThreads, ofRules);
  }

  /// What the rules choose of themselves, on a CPU.
  Expected<Candidate> ofRules(const SpaceSource &source) {
    Expected<Schedule> schedule = defaultSchedule(source.sequential, target.machine, {});
    if (!schedule)
      return schedule.takeError();
    if (!source.blocks && blockedSteps(*source.sequentialFacts, *schedule, target.machine))
      schedule = scheduleOfBlocks(*schedule, recurrence.getScan(), 1);
    return placeCandidate(source, target.machine, *schedule);
  }

  /// Takes what the cost model puts first, where it promises a clear gain over the rules' choice and can be cut into
  /// tiles.
  Error weigh() {
    Expected<const SpaceSource *> source = this->source();
    if (!source)
      return source.takeError();
    Expected<Candidate> rules = ofRules(**source);
    if (!rules)
      return rules.takeError();
    // Where steps run as one over a matrix, the model has not been shown to be better than the rules.
    if (rules->blockSteps > 1)
      return Error::success();
    auto model = makeCpuCostModel(**source, target.machine, {}, threads);
    SpaceLimits limits;
    limits.coarse = true;
    limits.rows = mostRows;
    limits.threads = threads;
    ScheduleSpace space = makeScheduleSpace(**source, target.machine, {}, limits);
    StepWork work((*source)->sequential, {});
    double tasks = work.tasks(rules->placement);
    const Candidate *first = nullptr;
    double before = model->estimate(*rules).seconds, least = before / clearGain;
    for (const Candidate &other : space.candidates)
      if (Estimate estimate = model->estimate(other);
          estimate.seconds < least && fitsMachine(estimate, target.machine) &&
          (!isElsewhere || hasTasksElsewhere(work.tasks(other.placement), tasks))) {
        least = estimate.seconds;
        first = &other;
      }
    if (first && canBeTiled(*first))
      choice = {printSchedule(first->schedule), ChosenBy::Model,
                "the cost model promises " + std::to_string(static_cast<int64_t>(100 * (1 - least / before))) +
                    " percent less time than with " + printSchedule(rules->schedule)};
    return Error::success();
  }

  /// What loops inside a step keep in memory is known, and may be too much, only when there are tiles.
  bool canBeTiled(const Candidate &candidate) {
    if (candidate.placement.loops(LoopPlace::Inside).empty())
      return true;
    LoweringOptions options;
    options.target = target;
    options.schedule = printSchedule(candidate.schedule);
    ScopedDiagnosticHandler quiet(recurrence.getContext(), [](Diagnostic &) { return success(); });
    Expected<Lowered> tiled = lower(recurrence, options, LoweringLevel::Tiled);
    bool isTiled = static_cast<bool>(tiled);
    llvm::consumeError(tiled.takeError());
    return isTiled;
  }

  RecurrenceOp recurrence;
  CompileTarget target;
  int64_t threads;
  /// The machine that runs it is not known.
  bool isElsewhere;
  std::optional<PreparedSource> prepared;
  ScheduleChoice choice{"auto", ChosenBy::Rules, ""};
};
} // namespace

Expected<ScheduleChoice> ssm::chooseSchedule(RecurrenceOp recurrence, const CompileTarget &target, int64_t threads,
                                             const std::string &schedule, const TuningSources &sources) {
  if (schedule != "auto")
    return ScheduleChoice{schedule, ChosenBy::Caller, ""};
  return Chooser(recurrence, target, threads).choose(sources);
}
