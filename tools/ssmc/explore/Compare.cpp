// What differs between two schedules, in numbers and in words.

#include "tools/ssmc/explore/Compare.h"
#include "schedule/ScannedTensors.h"
#include "llvm/Support/Format.h"

using namespace mlir;
using namespace ssm;

/// `16 lanes x 4 registers`.
static std::string tileText(const DimPlace &place) {
  std::vector<std::string> parts;
  auto add = [&](int64_t count, const char *what) {
    if (count > 1)
      parts.push_back(std::to_string(count) + " " + what);
  };
  add(place.threads, "threads");
  add(place.warpLanes, "lanes of a warp");
  add(place.lanes, "lanes");
  add(place.regs, "registers");
  add(place.copies, "steps in a row");
  std::string text = parts.empty() ? "one at a time" : llvm::join(parts, " x ");
  if (place.loop == LoopPlace::Inside)
    text += ", in a loop inside each step";
  if (place.loop == LoopPlace::Outside)
    text += ", in a loop around all steps";
  if (place.grid)
    text += place.gridTile ? ", tasks of " + std::to_string(place.gridTile) : ", a task a tile";
  return text;
}

static void compareDims(RecurrenceOp recurrence, const Candidate &first, const Candidate &second,
                        std::vector<std::string> &lines) {
  DimensionAnalysis dims(recurrence);
  for (unsigned dim = 0; dim < dims.count(); ++dim) {
    std::string left = tileText(first.placement.places[dim]), right = tileText(second.placement.places[dim]);
    if (left != right)
      lines.push_back(dims.name(dim).str() + ": " + left + " -> " + right);
  }
  auto number = [&](const char *what, int64_t left, int64_t right) {
    if (left != right)
      lines.push_back(std::string(what) + ": " + std::to_string(left) + " -> " + std::to_string(right));
  };
  number("steps of a time tile", first.placement.timeTile, second.placement.timeTile);
  number("steps that run as one", first.blockSteps, second.blockSteps);
  number("steps of a chunk", first.placement.chunk, second.placement.chunk);
  for (const ScannedTensor &tensor : tensorsAlongScan(recurrence)) {
    auto isStaged = [&](const Placement &placement) {
      return tensor.isInput ? placement.loadsStaged(tensor.name) : placement.storesStaged(tensor.name);
    };
    if (bool after = isStaged(second.placement); isStaged(first.placement) != after)
      lines.push_back(tensor.name.str() + (after ? ": read and written where it is -> copied a time tile at a time"
                                                 : ": copied a time tile at a time -> read and written where it is"));
  }
  auto order = [&](const Placement &placement) {
    std::string text;
    for (unsigned dim : placement.loops(LoopPlace::Inside))
      text += (text.empty() ? "" : " around ") + dims.name(dim).str();
    return text;
  };
  if (std::string left = order(first.placement), right = order(second.placement); left != right)
    lines.push_back("loops inside a step: " + (left.empty() ? "none" : left) + " -> " +
                    (right.empty() ? "none" : right));
}

llvm::Expected<Comparison> ssm::compareSchedules(const Subject &subject, const std::string &first,
                                                 const std::string &second) {
  auto resolve = [&](const std::string &text) -> llvm::Expected<std::string> {
    return text == "auto" ? subject.automatic() : llvm::Expected<std::string>(text);
  };
  std::vector<Candidate> candidates;
  std::vector<Variant> variants;
  for (const std::string *text : {&first, &second}) {
    auto schedule = resolve(*text);
    if (!schedule)
      return schedule.takeError();
    auto candidate = subject.place(*schedule);
    if (!candidate)
      return candidate.takeError();
    variants.emplace_back(*schedule, SmallVector<uint16_t>(), subject.cost().predict(*candidate));
    candidates.push_back(std::move(*candidate));
  }
  Comparison comparison{variants[0], variants[1], {}};
  compareDims(subject.recurrence(), candidates[0], candidates[1], comparison.differences);
  return comparison;
}

void ssm::printComparison(const Comparison &comparison, llvm::raw_ostream &stream) {
  const Variant &first = comparison.first, &second = comparison.second;
  stream << "1: " << first.schedule << "\n2: " << second.schedule << "\n\n";
  stream << "                              1            2       2 to 1\n";
  auto line = [&](const std::string &name, double left, double right) {
    stream << llvm::format("%-20s %12.5g %12.5g", name.c_str(), left, right);
    if (left > 0)
      stream << llvm::format(" %12.3f", right / left);
    stream << "\n";
  };
  if (first.isMeasured()) {
    line("median ms", first.median() * 1e3, second.median() * 1e3);
    line("min ms", first.minimum() * 1e3, second.minimum() * 1e3);
  }
  line("predicted ms", first.prediction.seconds * 1e3, second.prediction.seconds * 1e3);
  line("registers", first.prediction.registers, second.prediction.registers);
  line("tasks", first.prediction.tasks, second.prediction.tasks);
  line("MB of memory", first.prediction.bytes / 1e6, second.prediction.bytes / 1e6);
  for (const auto &[left, right] : llvm::zip_equal(first.prediction.operations, second.prediction.operations))
    line("M " + left.first, left.second / 1e6, right.second / 1e6);
  for (const CostTerm &term : first.prediction.terms) {
    auto other = llvm::find_if(second.prediction.terms, [&](const CostTerm &one) { return one.name == term.name; });
    if (other != second.prediction.terms.end() && std::max(term.seconds, other->seconds) > 0)
      line("ms of " + term.name, term.seconds * 1e3, other->seconds * 1e3);
  }
  stream << (comparison.differences.empty() ? "\nboth give the same kernel\n" : "\nwhat differs, 1 -> 2:\n");
  for (const std::string &difference : comparison.differences)
    stream << "  " << difference << "\n";
}

nlohmann::ordered_json ssm::toJson(const Comparison &comparison) {
  return {{"first", describeVariant(comparison.first)},
          {"second", describeVariant(comparison.second)},
          {"differences", comparison.differences}};
}
