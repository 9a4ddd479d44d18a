// Reads of a recurrence what placements ask of it.

#include "schedule/PlacementFacts.h"
#include "dialect/AffineAnalysis.h"

using namespace mlir;
using namespace ssm;
using llvm::Expected;

PlacementFacts::PlacementFacts(RecurrenceOp recurrence)
    : recurrence(recurrence), dims(recurrence), held(dimsHeldWhole(recurrence, dims)),
      moved(dimsMovedAlong(recurrence, dims)), ofAllResults(~uint64_t(0)) {
  for (unsigned dim = 0; dim < dims.count(); ++dim)
    sizes.push_back(recurrence.sizeOf(dims.name(dim)));
  for (const ScannedTensor &tensor : tensorsAlongScan(recurrence))
    alongScan.push_back({tensor, dims.of(tensor.layout)});
  for (Operation &op : recurrence.getBody().front()) {
    for (Value value : op.getResults())
      if (DimSet set = dims.of(value); !llvm::is_contained(valueSets, set))
        valueSets.push_back(set);
    if (auto delay = dyn_cast<DelayOp>(op))
      taps = taps | dims.of(delay.getTap());
    else if (auto output = dyn_cast<OutputOp>(op))
      ofAllResults = ofAllResults & dims.of(output.getLayout());
    else if (auto scan = dyn_cast<ScanOp>(op); scan && scan.isDense())
      denseScans.push_back(scan);
  }
  for (const State &state : getStates(recurrence)) {
    stateSets.push_back(dims.of(state.layout));
    if (state.depth != 0)
      ofAllResults = ofAllResults & stateSets.back();
  }
}

const std::string &PlacementFacts::whyNotAtOnce() const {
  if (notAtOnce)
    return *notAtOnce;
  notAtOnce = llvm::toString(checkLanes(recurrence));
  if (notAtOnce->empty()) {
    AffineAnalysis analysis(recurrence);
    for (const Component &component : analysis.components())
      if (component.structure != Structure::Delay && notAtOnce->empty())
        notAtOnce = ("'" + dims.name(dims.scan()) + "' is on lanes or registers, and the state '" +
                     component.states.front().state.name + "' is not a scan yet: run ssm-linearize before")
                        .str();
  }
  return *notAtOnce;
}

std::optional<int64_t> ssm::blockedSteps(const PlacementFacts &facts, const Schedule &schedule, const Target &target) {
  StringRef scan = facts.dims.name(facts.dims.scan());
  const DimPlacement *scanned = schedule.lookup(scan);
  if (target.gpu || !scanned || scanned->countAt(Level::Reg) < 2 || scanned->isOn(Level::Lane) ||
      scanned->isOn(Level::Grid))
    return std::nullopt;
  Expected<Placement> placement = placeSchedule(facts, scheduleOfBlocks(schedule, scan, 1), target);
  if (!placement) {
    llvm::consumeError(placement.takeError());
    return std::nullopt;
  }
  DimSet loops = placement->loopSet(LoopPlace::Inside);
  bool isInside = llvm::any_of(facts.stateSets, [&](DimSet set) { return !(set & loops).empty(); });
  return isInside ? std::optional(scanned->countAt(Level::Reg)) : std::nullopt;
}

std::optional<int64_t> ssm::blockedSteps(RecurrenceOp recurrence, const Schedule &schedule, const Target &target) {
  return blockedSteps(PlacementFacts(recurrence), schedule, target);
}

Expected<Placement> ssm::placeSchedule(RecurrenceOp recurrence, const Schedule &schedule, const Target &target) {
  return placeSchedule(PlacementFacts(recurrence), schedule, target);
}
