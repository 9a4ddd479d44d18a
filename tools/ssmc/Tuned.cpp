#include "tools/ssmc/Tuned.h"
#include "codegen/lowering/SpaceSource.h"
#include "schedule/MachineData.h"
#include "schedule/StepWork.h"
#include "schedule/TuningDatabase.h"
#include "llvm/Support/FileSystem.h"

#include <cstdlib>

using namespace ssm;

extern const char *const ssmcTunedText;

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
  if (!found)
    return found.takeError();
  return found->value_or(schedule);
}
