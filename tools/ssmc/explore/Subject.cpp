#include "tools/ssmc/explore/Subject.h"
#include "codegen/binding/Binding.h"
#include "codegen/lowering/Lowering.h"
#include "codegen/lowering/ScheduleChoice.h"
#include "llvm/TargetParser/Host.h"

using namespace mlir;
using namespace ssm;

llvm::Expected<std::unique_ptr<Subject>> Subject::make(const Options &options, Timing &timing) {
  DeviceOptions device;
  device.mode = options.mode;
  if (llvm::Error error = checkDevice(device))
    return error;
  auto model = Model::load(options.model, options.libraryFolder, options.recurrence, timing);
  if (!model)
    return model.takeError();
  std::unique_ptr<Subject> subject(new Subject(std::move(*model), options));
  if (llvm::Error error = packRows(subject->recurrence(), options.mode, {}, timing))
    return error;
  if (llvm::Error error = prepare(subject->recurrence(), options.preparation, timing))
    return error;
  if (llvm::Error error = checkParams(subject->recurrence(), options.params))
    return error;
  if (llvm::Error error = requireSizes(subject->recurrence()))
    return error;
  auto target = parseTarget(options.target);
  if (!target)
    return target.takeError();
  subject->machine = *target;
  auto prepared = timing.measure("prepare the recurrence", [&] { return prepareSource(subject->recurrence()); });
  if (!prepared)
    return prepared.takeError();
  subject->prepared = std::move(*prepared);
  subject->costModel =
      subject->machine.isGpu()
          ? makeGpuCostModel(subject->prepared.source, subject->machine.machine, {}, subject->machine.capability)
          : makeCpuCostModel(subject->prepared.source, subject->machine.machine, {}, options.threads);
  return subject;
}

TuningRun Subject::run() const {
  TuningRun run;
  run.key = makeTuningKey(recurrence(), machine.machine, machine.isGpu() ? machine.name : "", {});
  run.sizes = sizesText(recurrence());
  run.machine = machine.isGpu() ? machine.name : llvm::sys::getHostCPUName().str();
  run.threads = options.threads;
  return run;
}

llvm::Expected<Candidate> Subject::place(llvm::StringRef text) const {
  auto schedule = parseSchedule(text);
  if (!schedule)
    return schedule.takeError();
  return placeCandidate(prepared.source, machine.machine, *schedule);
}

llvm::Expected<std::string> Subject::automatic() const {
  LoweringOptions lowering;
  lowering.target = machine;
  auto schedule = chooseSchedule(recurrence(), machine, options.threads, "auto");
  if (!schedule)
    return schedule.takeError();
  lowering.schedule = schedule->schedule;
  auto lowered = lower(recurrence(), lowering, LoweringLevel::Scheduled);
  if (!lowered)
    return lowered.takeError();
  return lowered->schedule;
}

ExploreResult Subject::describe() const {
  ExploreResult result;
  result.model = recurrence().getSymName().str();
  result.mode = options.mode;
  result.target = machine.isGpu() ? machine.name : machine.cpu;
  result.threads = options.threads;
  for (auto dim : recurrence().getDims().getAsRange<DimAttr>())
    if (!dim.getLike())
      result.dims.emplace_back(dim.getName().getValue().str(), *dim.getSize());
  return result;
}

llvm::Error Subject::list(const SpaceLimits &limits, ExploreResult &result, Timing &timing) const {
  ScheduleSpace space =
      timing.measure("list schedules", [&] { return makeScheduleSpace(prepared.source, machine.machine, {}, limits); });
  result.written = space.counts.written;
  result.legal = space.counts.legal;
  result.distinct = space.counts.distinct;
  auto schedule = timing.measure("choose the default", [&] { return automatic(); });
  if (!schedule)
    return schedule.takeError();
  auto placed = place(*schedule);
  if (!placed)
    return placed.takeError();
  std::optional<size_t> found;
  timing.measure("weigh schedules", [&] {
    for (const Candidate &candidate : space.candidates) {
      bool isAutomatic = candidate.key == placed->key;
      Variant variant(isAutomatic ? *schedule : printSchedule(candidate.schedule), candidate.choices,
                      costModel->predict(candidate));
      if (!isAutomatic && !fitsMachine(variant.prediction, machine.machine))
        continue;
      if (isAutomatic)
        found = result.variants.size();
      result.variants.push_back(std::move(variant));
    }
  });
  result.fitting = result.variants.size();
  // It may be one that the space does not write, such as with another tile.
  if (!found) {
    found = result.variants.size();
    result.variants.emplace_back(*schedule, placed->choices, costModel->predict(*placed));
  }
  result.automatic = result.best = *found;
  return llvm::Error::success();
}
