// Schedules of every kind from a recurrence's structure: no model is named here.

#include "test/support/ScheduleKinds.h"
#include "dialect/AffineAnalysis.h"

using namespace mlir;
using namespace ssm;
using namespace ssm::test;

ScheduleDims::ScheduleDims(RecurrenceOp recurrence) : scan(recurrence.getScan().str()) {
  DimensionAnalysis dims(recurrence);
  DimSet whole = dimsHeldWhole(recurrence, dims), taps;
  std::map<std::string, int64_t> weights;
  Block &body = recurrence.getBody().front();
  for (auto delay : body.getOps<DelayOp>())
    taps = taps | dims.of(delay.getTap());
  for (const State &state : getStates(recurrence))
    for (StringRef dim : dims.list(dims.of(state.layout)))
      weights[dim.str()] += 2;
  for (auto output : body.getOps<OutputOp>())
    if (output.getLayout().getRank())
      ++weights[output.getLayout().getDims().back().str()];
  for (unsigned dim = 0; dim < dims.count(); ++dim)
    if (dim != dims.scan() && !taps.contains(dim))
      (whole.contains(dim) ? held : parallel).push_back(dims.name(dim).str());
  // Of equals the one declared last: sizes tend to grow in that direction.
  auto rank = [&](const std::string &dim) { return std::pair(weights[dim], *dims.number(dim)); };
  llvm::sort(parallel, [&](const std::string &a, const std::string &b) { return rank(a) > rank(b); });
}

namespace {
/// Rows of registers that a tile of held dimensions may take: beyond it, compiling takes seconds.
constexpr int64_t maxRows = 40;

/// A schedule in the making: what is named before the scanned dimension, its levels, what is named after it.
class Draft {
public:
  Draft(const ScheduleDims &dims, int64_t size) : dims(dims), size(size) {}

  Draft &before(const std::string &dim, const std::string &levels) { return put(outside, dim, levels); }
  Draft &after(const std::string &dim, const std::string &levels) { return put(inside, dim, levels); }
  Draft &time(const std::string &levels) {
    scan = levels;
    return *this;
  }
  Draft &knobs(const std::string &text) {
    set = text;
    return *this;
  }
  /// The held dimensions that are not named yet: on registers while the tile stays small, then on loops.
  Draft &holdRest(int64_t lanes = 1) {
    int64_t rows = (size + lanes - 1) / lanes;
    for (const std::string &dim : dims.held)
      if (!named.count(dim)) {
        bool fits = rows * size <= maxRows;
        rows *= fits ? size : 4;
        fits ? before(dim, "reg") : after(dim, "loop,reg:4");
      }
    return *this;
  }
  Draft &loopRest(const std::string &levels = "loop") {
    for (const std::string &dim : dims.held)
      if (!named.count(dim))
        after(dim, levels);
    return *this;
  }
  /// The held dimensions on registers; nothing where these are many.
  std::string textOnRegisters() {
    int64_t rows = 1;
    for (const std::string &dim : dims.held) {
      before(dim, "reg");
      rows *= size;
    }
    return rows > maxRows / 2 ? "" : text();
  }
  std::string text() const { return outside + dims.scan + "=" + scan + inside + (set.empty() ? "" : "; " + set); }

private:
  Draft &put(std::string &list, const std::string &dim, const std::string &levels) {
    list += &list == &outside ? dim + "=" + levels + "; " : "; " + dim + "=" + levels;
    named.insert(dim);
    return *this;
  }

  const ScheduleDims &dims;
  int64_t size;
  std::string outside, scan = "loop", inside, set;
  std::set<std::string> named;
};

constexpr const char *staged = "load=staged; store=staged";

const ScheduleKind kinds[] = {
    {"Default", false, [](const ScheduleDims &, int64_t) -> std::string { return "auto"; }},
    {"Sequential", false,
     [](const ScheduleDims &dims, int64_t size) {
       Draft draft(dims, size);
       for (const std::string &dim : dims.parallel)
         draft.before(dim, "grid");
       return draft.loopRest().text();
     }},

    // Registers and lanes over dimensions that run in parallel.
    {"LanesOverParallel", false,
     [](const ScheduleDims &dims, int64_t size) {
       return dims.parallel.empty() ? "" : Draft(dims, size).before(dims.parallel[0], "grid,lane:16").holdRest().text();
     }},
    {"RegistersOverParallel", false,
     [](const ScheduleDims &dims, int64_t size) {
       if (dims.parallel.size() < 2)
         return std::string();
       Draft draft(dims, size);
       draft.before(dims.parallel[1], "grid,reg:2").before(dims.parallel[0], "grid,reg:3");
       return draft.loopRest("loop,reg:2").text();
     }},
    {"LanesAndRegistersOverParallel", false,
     [](const ScheduleDims &dims, int64_t size) {
       if (dims.parallel.size() < 2)
         return std::string();
       Draft draft(dims, size);
       draft.before(dims.parallel[0], "grid,lane:8,reg:2").before(dims.parallel[1], "grid,reg:2");
       return draft.loopRest().text();
     }},
    {"LanesOverAnother", false,
     [](const ScheduleDims &dims, int64_t size) {
       if (dims.parallel.size() < 2)
         return std::string();
       Draft draft(dims, size);
       // Any number of lanes will do.
       draft.before(dims.parallel.back(), "grid,lane:3").before(dims.parallel[0], "grid,reg:3");
       return draft.loopRest("loop,reg:3").text();
     }},

    // Registers and lanes over what is summed over or moved along.
    {"LanesOverHeld", false,
     [](const ScheduleDims &dims, int64_t size) {
       return dims.held.empty() ? "" : Draft(dims, size).before(dims.held[0], "lane:16,reg").holdRest(16).text();
     }},
    {"LanesOverLastHeld", false,
     [](const ScheduleDims &dims, int64_t size) {
       if (dims.held.empty() || dims.parallel.empty())
         return std::string();
       Draft draft(dims, size);
       draft.before(dims.parallel[0], "grid,reg:2").before(dims.held.back(), "lane:8,reg");
       return draft.holdRest(4).text();
     }},
    {"LoopOfLanesOverHeld", false,
     [](const ScheduleDims &dims, int64_t size) {
       if (dims.held.empty() || dims.parallel.empty())
         return std::string();
       Draft draft(dims, size);
       draft.before(dims.parallel[0], "grid,reg:2").after(dims.held.back(), "loop,lane:8");
       return draft.loopRest("loop:4,reg:2").text();
     }},
    {"LoopOverHeldStaged", false,
     [](const ScheduleDims &dims, int64_t size) {
       if (dims.held.empty() || dims.parallel.empty())
         return std::string();
       Draft draft(dims, size);
       draft.before(dims.parallel[0], "grid,lane:8").time("loop:16").loopRest("loop,reg:2");
       return draft.knobs(staged).text();
     }},

    // Loops over parallel dimensions, inside and outside the one over time.
    {"LoopsInside", false,
     [](const ScheduleDims &dims, int64_t size) {
       if (dims.parallel.empty())
         return std::string();
       return Draft(dims, size).after(dims.parallel[0], "loop,lane:8").loopRest("loop,reg:2").text();
     }},
    {"LoopsInsideSumsOutermost", false,
     [](const ScheduleDims &dims, int64_t size) {
       if (dims.parallel.empty())
         return std::string();
       Draft draft(dims, size);
       draft.loopRest("loop,reg:4").after(dims.parallel[0], "loop,lane:4,reg:2");
       return draft.time("loop:16").knobs(staged).text();
     }},
    {"TilesOfTheGridInside", false,
     [](const ScheduleDims &dims, int64_t size) {
       if (dims.parallel.empty())
         return std::string();
       return Draft(dims, size).after(dims.parallel[0], "grid:32,loop:16,lane:8").loopRest().text();
     }},
    {"LoopsOutside", false,
     [](const ScheduleDims &dims, int64_t size) {
       if (dims.parallel.empty())
         return std::string();
       Draft draft(dims, size);
       if (dims.parallel.size() > 1)
         draft.before(dims.parallel[1], "loop");
       return draft.before(dims.parallel[0], "loop,lane:16").holdRest().text();
     }},
    {"TilesOfTheGridOutside", false,
     [](const ScheduleDims &dims, int64_t size) {
       if (dims.parallel.empty())
         return std::string();
       Draft draft(dims, size);
       draft.before(dims.parallel[0], "grid:32,loop:16,lane:4,reg:2").time("loop:16").loopRest();
       return draft.knobs(staged).text();
     }},

    // How tensors are reached.
    {"StagedLoads", false,
     [](const ScheduleDims &dims, int64_t size) {
       if (dims.parallel.empty())
         return std::string();
       Draft draft(dims, size);
       draft.before(dims.parallel[0], "grid,lane:16").time("loop:33").holdRest();
       return draft.knobs("load=staged; store=direct").text();
     }},
    {"StagedStores", false,
     [](const ScheduleDims &dims, int64_t size) {
       if (dims.parallel.empty())
         return std::string();
       Draft draft(dims, size);
       draft.before(dims.parallel[0], dims.held.empty() ? "grid,reg:5" : "grid,reg:2").time("loop:16");
       if (!dims.held.empty())
         draft.before(dims.held[0], "lane:8,reg");
       return draft.loopRest().knobs("load=direct; store=staged").text();
     }},

    // Time in chunks over the cores.
    {"Chunks", true,
     [](const ScheduleDims &dims, int64_t size) {
       Draft draft(dims, size);
       if (!dims.parallel.empty())
         draft.before(dims.parallel[0], "grid,lane:16");
       return draft.time("grid:4,loop:2").holdRest().text();
     }},
    {"ChunksStaged", true,
     [](const ScheduleDims &dims, int64_t size) {
       Draft draft(dims, size);
       draft.time("grid:32,loop:16");
       if (!dims.held.empty())
         draft.after(dims.held[0], "loop,lane:8");
       return draft.loopRest().knobs(staged).text();
     }},

    // Several steps at once.
    {"StepsOnLanes", true,
     [](const ScheduleDims &dims, int64_t size) { return Draft(dims, size).time("lane:16").textOnRegisters(); }},
    {"StepsOnLanesAndRegisters", true,
     [](const ScheduleDims &dims, int64_t size) {
       Draft draft(dims, size);
       if (!dims.parallel.empty())
         draft.before(dims.parallel[0], dims.held.empty() ? "grid,reg:2" : "loop");
       return draft.time("loop:12,lane:4,reg:3").textOnRegisters();
     }},
    {"StepsOnRegisters", true,
     [](const ScheduleDims &dims, int64_t size) {
       Draft draft(dims, size);
       if (!dims.parallel.empty())
         draft.before(dims.parallel[0], "grid,lane:8");
       return draft.time("loop,reg:3").textOnRegisters();
     }},
    {"StepsOnLanesInChunks", true,
     [](const ScheduleDims &dims, int64_t size) {
       return Draft(dims, size).time("grid:24,loop:8,lane:4,reg").textOnRegisters();
     }},
};
} // namespace

ArrayRef<ScheduleKind> ssm::test::scheduleKinds() { return kinds; }

std::set<std::string> ssm::test::dimsToKnow(RecurrenceOp recurrence, const Schedule &schedule) {
  DimensionAnalysis dims(recurrence);
  DimSet held = dimsHeldWhole(recurrence, dims);
  std::set<std::string> known;
  bool isInside = false;
  auto know = [&](StringRef dim) { known.insert(recurrence.extentOf(dim).str()); };
  for (const DimPlacement &placement : schedule.dims) {
    isInside |= placement.dim == recurrence.getScan();
    if (placement.dim == recurrence.getScan())
      continue;
    bool loops = placement.isOn(Level::Loop);
    bool hasTiles = placement.levels.front().level == Level::Grid && placement.levels.front().count;
    if ((!loops && !placement.isOn(Level::Grid)) || (loops && isInside && !hasTiles))
      know(placement.dim);
  }
  for (StringRef dim : dims.list(held))
    know(dim);
  return known;
}

std::string ssm::test::whyUncut(RecurrenceOp recurrence) {
  AffineAnalysis analysis(recurrence);
  for (const Component &component : analysis.components()) {
    if (component.isClosed() || component.structure == Structure::Delay)
      continue;
    return component.isScan() ? "the rank grows" : explainSequential(component);
  }
  return "";
}
