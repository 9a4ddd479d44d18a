#include "tools/ssmc/Tuned.h"
#include "codegen/binding/Binding.h"
#include "codegen/lowering/Lowering.h"
#include "codegen/lowering/SpaceSource.h"
#include "mlir/IR/Diagnostics.h"
#include "schedule/CostModel.h"
#include "schedule/MachineData.h"
#include "schedule/TuningDatabase.h"
#include "llvm/Support/FileSystem.h"

#include <cstdlib>

using namespace ssm;

extern const char *const ssmcTunedText;

/// By how much the model's first has to be predicted faster than the rules' choice. Where it promises less, the rules
/// are right as often (bench/results).
static constexpr double clearGain = 1.2;
/// Registers of a tile: what takes long to compile is left to those who ask for it.
static constexpr int64_t mostRows = 64;

std::string ssm::tuningFile() {
  const char *given = std::getenv("SSMC_TUNING");
  return given ? given : userDataFile("tuning.db");
}

/// Whether a winner does here: another machine may have had fewer registers, and a call on one thread asks for no
/// tasks.
static bool doesHere(const TuningChoice &choice, const PreparedSource &source, const CompileTarget &target,
                     int64_t threads) {
  auto schedule = parseSchedule(choice.schedule);
  if (!schedule) {
    llvm::consumeError(schedule.takeError());
    return false;
  }
  auto candidate = placeCandidate(source.source, target.machine, *schedule);
  if (!candidate) {
    llvm::consumeError(candidate.takeError());
    return false;
  }
  if (target.isGpu() || choice.threads >= threads)
    return true;
  return StepWork(source.source.sequential, {}).tasks(candidate->placement) >= 2.0 * threads;
}

/// What the cost model puts first, where it promises a clear gain over the rules' choice and can be cut into tiles.
static llvm::Expected<std::string> weigh(RecurrenceOp recurrence, const PreparedSource &source,
                                         const CompileTarget &target, int64_t threads) {
  LoweringOptions options;
  options.target = target;
  auto rules = lower(recurrence, options, LoweringLevel::Scheduled);
  if (!rules)
    return rules.takeError();
  auto schedule = parseSchedule(rules->schedule);
  auto candidate = schedule ? placeCandidate(source.source, target.machine, *schedule)
                            : llvm::Expected<Candidate>(schedule.takeError());
  if (!candidate)
    return candidate.takeError();
  // Where steps run as one over a matrix, the model has not been shown to be better than the rules.
  if (candidate->blockSteps > 1)
    return "auto";
  auto model = makeCpuCostModel(source.source, target.machine, {}, threads);
  SpaceLimits limits;
  limits.coarse = true;
  limits.rows = mostRows;
  limits.threads = threads;
  ScheduleSpace space = makeScheduleSpace(source.source, target.machine, {}, limits);
  const Candidate *first = nullptr;
  double least = model->predict(*candidate).seconds / clearGain;
  for (const Candidate &other : space.candidates)
    if (Prediction prediction = model->predict(other);
        prediction.seconds < least && fitsMachine(prediction, target.machine)) {
      least = prediction.seconds;
      first = &other;
    }
  if (!first)
    return "auto";
  options.schedule = printSchedule(first->schedule);
  // What loops inside a step keep in memory is known, and may be too much, only when there are tiles.
  if (first->placement.loops(LoopPlace::Inside).empty())
    return options.schedule;
  mlir::ScopedDiagnosticHandler quiet(recurrence.getContext(), [](mlir::Diagnostic &) { return mlir::success(); });
  if (auto tiled = lower(recurrence, options, LoweringLevel::Tiled); !tiled) {
    llvm::consumeError(tiled.takeError());
    return "auto";
  }
  return options.schedule;
}

llvm::Expected<std::string> ssm::resolveSchedule(RecurrenceOp recurrence, const CompileTarget &target,
                                                 llvm::StringRef mode, int64_t threads, const std::string &schedule) {
  if (schedule != "auto")
    return schedule;
  TuningKey key = makeTuningKey(recurrence, target.machine, target.isGpu() ? target.name : "", mode, {});
  std::optional<PreparedSource> source;
  auto lookup = [&](TuningDatabase &database) -> llvm::Expected<std::optional<std::string>> {
    auto choice = database.choice(key, threads);
    if (!choice)
      return choice.takeError();
    if (!*choice)
      return std::nullopt;
    if (!source) {
      auto prepared = prepareSource(recurrence);
      if (!prepared)
        return prepared.takeError();
      source = std::move(*prepared);
    }
    return doesHere(**choice, *source, target, threads) ? std::optional((*choice)->schedule) : std::nullopt;
  };
  if (std::string file = tuningFile(); !file.empty() && llvm::sys::fs::exists(file)) {
    auto database = TuningDatabase::open(file, /*readOnly=*/true);
    if (!database)
      return database.takeError();
    auto found = lookup(**database);
    if (!found || *found)
      return found ? llvm::Expected<std::string>(**found) : found.takeError();
  }
  auto shipped = TuningDatabase::fromText(ssmcTunedText);
  if (!shipped)
    return shipped.takeError();
  auto found = lookup(**shipped);
  if (!found || *found)
    return found ? llvm::Expected<std::string>(**found) : found.takeError();
  if (target.isGpu() || !openDims(recurrence).empty())
    return schedule;
  if (!source) {
    auto prepared = prepareSource(recurrence);
    if (!prepared)
      return prepared.takeError();
    source = std::move(*prepared);
  }
  return weigh(recurrence, *source, target, std::max<int64_t>(1, threads));
}
