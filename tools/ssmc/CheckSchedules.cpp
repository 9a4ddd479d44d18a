// The schedules that `ssmc check MODEL` compares: one of every kind.

#include "tools/ssmc/CheckSchedules.h"
#include "codegen/emulator/EmulatedKernel.h"
#include "codegen/lowering/CompileTarget.h"
#include "codegen/lowering/Lowering.h"
#include "codegen/lowering/SpaceSource.h"
#include "passes/ChunkScan.h"
#include "schedule/Placement.h"
#include "llvm/ADT/StringSet.h"

using namespace mlir;
using namespace ssm;

namespace {
/// Steps of a chunk: some five chunks, the last in part where nothing divides the steps. Many short ones would round
/// more than any that pay.
int64_t chunkOf(RecurrenceOp recurrence) {
  return std::max<int64_t>(8, llvm::divideCeil(recurrence.sizeOf(recurrence.getScan()).value_or(0), 5));
}

/// Elements of a thread's tile and its copies beyond which compiling a further kind of schedule takes too long.
constexpr int64_t maxElements = 512;

int64_t elementsOf(const Placement &placement) {
  int64_t elements = placement.copies();
  for (const TileAxis &axis : placement.axes)
    elements *= axis.extent;
  return elements;
}

class Candidates {
public:
  explicit Candidates(RecurrenceOp recurrence)
      : dims(recurrence), whole(dimsHeldWhole(recurrence, dims)), scan(recurrence.getScan().str()) {
    int64_t elements = 1;
    for (StringRef dim : all())
      if (whole.contains(*dims.number(dim)) && !isTaps(recurrence, dim)) {
        const int64_t size = std::max<int64_t>(1, recurrence.sizeOf(dim).value_or(1));
        if (elements * size > maxElements)
          looped.insert(dim);
        else
          elements *= size;
      }
  }

  /// Dimensions that have to be held whole on registers, or in loops inside the one over time where they make too large
  /// a tile, others on the grid; `spread` on `level` besides.
  void add(StringRef spread, const std::string &level, const std::string &time) {
    std::string outside, inside;
    for (StringRef dim : all()) {
      const std::string own = dim == spread ? level : "";
      if (looped.contains(dim))
        inside += "; " + dim.str() + "=loop" + (own.empty() ? "" : "," + own);
      else if (whole.contains(*dims.number(dim)))
        outside += dim.str() + "=" + (own.empty() ? "" : own + ",") + "reg; ";
      else
        outside += dim.str() + "=grid" + (own.empty() ? "" : "," + own) + "; ";
    }
    auto [levels, knobs] = StringRef(time).split(';');
    texts.push_back(outside + scan + "=" + levels.str() + inside + (knobs.empty() ? "" : ";" + knobs.str()));
  }

  SmallVector<StringRef> all() const {
    SmallVector<StringRef> result;
    for (unsigned dim = 0; dim < dims.count(); ++dim)
      if (dims.name(dim) != scan)
        result.push_back(dims.name(dim));
    return result;
  }

  llvm::SmallVector<std::string> texts;

private:
  /// The taps of a delay are on no loop.
  static bool isTaps(RecurrenceOp recurrence, StringRef dim) {
    return llvm::any_of(recurrence.getBody().front().getOps<DelayOp>(),
                        [&](DelayOp delay) { return delay.getTap() == dim; });
  }

  const DimensionAnalysis dims;
  const DimSet whole;
  const std::string scan;
  llvm::StringSet<> looped;
};
} // namespace

/// Whether a part of a scan in chunks, such as the one that multiplies transitions, can have no place where the whole
/// has one. What a pass reports is no such reason, and is left for the check to find.
static bool isRefusedInParts(RecurrenceOp recurrence, const CompileTarget &target, const std::string &schedule) {
  bool isReported = false;
  ScopedDiagnosticHandler handler(recurrence.getContext(), [&](Diagnostic &diagnostic) {
    isReported |= diagnostic.getSeverity() == DiagnosticSeverity::Error;
    return success();
  });
  LoweringOptions options;
  options.target = target;
  options.schedule = schedule;
  llvm::Expected<Lowered> lowered = lower(recurrence, options, LoweringLevel::Scheduled);
  if (lowered)
    return false;
  llvm::consumeError(lowered.takeError());
  return !isReported;
}

llvm::Expected<llvm::SmallVector<std::string>> ssm::schedulesToCheck(RecurrenceOp recurrence,
                                                                     const DeviceOptions &device) {
  llvm::Expected<CompileTarget> target = parseTarget(device.device == "cpu" ? "cpu" : EmulatorOptions().target);
  if (!target)
    return target.takeError();
  Candidates candidates(recurrence);
  candidates.add("", "", "loop");
  candidates.add("", "", "loop:8; load=staged; store=staged");
  for (const char *level : {"lane:4", "thread:2"})
    for (StringRef dim : candidates.all())
      candidates.add(dim, level, "loop");
  if (target->machine.gpu)
    for (StringRef dim : candidates.all())
      candidates.add(dim, "lane:4", "loop:8,reg:4; at(free)=stage");
  const size_t basic = candidates.texts.size();
  if (target->machine.gpu)
    candidates.add("", "", "loop:8,reg:4; load=staged; stages=2");
  candidates.add("", "", target->machine.gpu ? "loop,reg:4; stages=2" : "loop,reg:4");
  const int64_t chunk = chunkOf(recurrence);
  if (llvm::Error error = checkChunks(recurrence, chunk)) {
    llvm::consumeError(std::move(error));
  } else {
    candidates.add("", "", "lane:4");
    for (const char *scan : {"passes", "ticket"})
      candidates.add("", "", "grid:" + std::to_string(chunk) + "; scan=" + scan);
  }
  llvm::Expected<PreparedSource> prepared = prepareSource(recurrence);
  if (!prepared)
    return prepared.takeError();
  llvm::SmallVector<std::string> legal;
  for (auto [number, text] : llvm::enumerate(candidates.texts)) {
    llvm::Expected<Schedule> parsed = parseSchedule(text);
    if (!parsed)
      return parsed.takeError();
    const bool atOnce = runsStepsAtOnce(*parsed, recurrence.getScan(), target->machine);
    RecurrenceOp placed = atOnce ? prepared->source.composed : prepared->source.sequential;
    if (!placed)
      continue;
    llvm::Expected<Placement> placement = placeSchedule(placed, *parsed, target->machine);
    if (!placement)
      llvm::consumeError(placement.takeError());
    else if (chunkSteps(*parsed, recurrence.getScan()) && isRefusedInParts(recurrence, *target, text))
      continue;
    else if (number < basic || elementsOf(*placement) <= maxElements)
      legal.push_back(text);
  }
  return legal;
}
