// Knobs: how tensors are reached, what is staged, how chunks go on from one another, and limits for code generation.

#include "schedule/Knobs.h"
#include "schedule/ScannedTensors.h"
#include "llvm/ADT/StringSwitch.h"

using namespace mlir;
using namespace ssm;
using llvm::Error;
using llvm::Expected;
using llvm::Twine;

/// Bytes between rows of a staged value beyond which shared memory would be padding.
static constexpr int64_t mostPadding = 4096;
/// Time tiles on their way beyond which no memory is far enough away.
static constexpr int64_t mostStages = 16;

static Error refuse(const Twine &message) { return llvm::createStringError(llvm::inconvertibleErrorCode(), message); }

namespace {
class KnobPlacer {
public:
  KnobPlacer(const PlacementFacts &facts, const Schedule &schedule, const Target &target, Placement &result)
      : facts(facts), recurrence(facts.recurrence), dims(facts.dims), schedule(schedule), target(target),
        result(result), scanned(dims.name(dims.scan())) {}

  Error place() {
    result.inTicketOrder = runsInTicketOrder(schedule, scanned, target);
    for (const Knob &knob : schedule.knobs)
      if (Error error = place(knob))
        return error;
    if (!target.gpu)
      return Error::success();
    if (Error error = checkStages())
      return error;
    if (Error error = checkAccess())
      return error;
    if (Error error = checkPadding())
      return error;
    return placeCopies();
  }

private:
  /// A knob's name and value as they are written.
  static std::string textOf(const Knob &knob) {
    return knob.name + (knob.of.empty() ? "" : "(" + llvm::join(knob.of, ",") + ")") + "=" + knob.value;
  }

  Error place(const Knob &knob) {
    using Handler = Error (KnobPlacer::*)(const Knob &);
    Handler handler = llvm::StringSwitch<Handler>(knob.name)
                          .Cases({"load", "store"}, &KnobPlacer::placeTensors)
                          .Case("at", &KnobPlacer::placeWhere)
                          .Case("scan", &KnobPlacer::checkScan)
                          .Case("blocks", &KnobPlacer::placeBlocks)
                          .Case("exp", &KnobPlacer::placeExponentials)
                          .Case("vec", &KnobPlacer::placeAccess)
                          .Case("pad", &KnobPlacer::placePadding)
                          .Case("copy", &KnobPlacer::checkCopy)
                          .Case("stages", &KnobPlacer::checkDepth)
                          .Default(nullptr);
    bool takesNames = llvm::is_contained({"load", "store", "at"}, knob.name);
    if (!handler || (!takesNames && !knob.of.empty()))
      return refuse("the knob '" + knob.name + (knob.of.empty() ? "" : "(…)") + "' is not implemented by any pass" +
                    whyMissing(knob));
    if (!target.gpu)
      if (StringRef reason = whyNotOnCpu(knob.name); !reason.empty())
        return refuse("'" + textOf(knob) + "' is for a GPU: " + reason);
    return (this->*handler)(knob);
  }

  static std::string whyMissing(const Knob &knob) {
    return llvm::StringSwitch<std::string>(knob.of.empty() ? knob.name : "")
        .Case("persist", ": blocks stride over tasks, and a launch says how many blocks there are")
        .Case("producer", ": all threads of a block run the steps")
        .Default("");
  }

  static StringRef whyNotOnCpu(StringRef name) {
    return llvm::StringSwitch<StringRef>(name)
        .Case("at", "a CPU's tasks share no memory in which time tiles are computed for others")
        .Case("blocks", "a CPU runs a task a core")
        .Case("copy", "a CPU's scratch is in its caches, and its processor looks ahead itself")
        .Case("exp", "a CPU has no special functions, and its exponentials are polynomials")
        .Case("vec", "a CPU's accesses are as wide as its lanes")
        .Case("pad", "a CPU's scratch has no banks")
        .Case("stages", "a CPU's scratch is in its caches, and its processor looks ahead itself")
        .Default("");
  }

  /// Whether this is one of the recurrences that a scan in chunks is made of, which have not all of its tensors.
  bool isPart() {
    auto plan = recurrence->getAttrOfType<DictionaryAttr>("ssm.chunk");
    return plan && (plan.contains("hands_on") || plan.contains("join"));
  }

  /// Whether there is an input, or an output, of that name.
  bool isTensor(StringRef name, bool isInput) {
    Block &body = recurrence.getBody().front();
    if (isInput)
      return llvm::any_of(body.getOps<InputOp>(), [&](InputOp input) { return input.getName() == name; });
    return llvm::any_of(body.getOps<OutputOp>(), [&](OutputOp output) { return output.getName() == name; });
  }

  /// `load=…`, `store=…`, of all tensors or those that are named.
  Error placeTensors(const Knob &knob) {
    bool isLoad = knob.name == "load", isStaged = knob.value == "staged";
    if (knob.value != "direct" && !isStaged)
      return refuse("'" + knob.name + "=" + knob.value + "': expected direct or staged");
    for (const std::string &name : knob.of) {
      if (!isTensor(name, isLoad) && !isPart())
        return refuse("'" + knob.name + "(" + name + ")': there is no " + (isLoad ? "input" : "output") + " '" + name +
                      "'");
      result.stagedNames[name] = isStaged;
    }
    if (knob.of.empty())
      (isLoad ? result.stagedLoads : result.stagedStores) = isStaged;
    return Error::success();
  }

  /// `at(free)=stage`, `at(y)=store`.
  Error placeWhere(const Knob &knob) {
    for (const std::string &name : knob.of) {
      if (name == "free" && knob.value == "stage")
        result.stagesFree = true;
      else if ((isTensor(name, /*isInput=*/false) || isPart()) && knob.value == "store")
        result.storesApart.insert(name);
      else
        return refuse("'at(" + name + ")=" + knob.value + "': expected at(free)=stage, or at(y)=store of an output y");
    }
    if (knob.of.empty())
      return refuse("'at=" + knob.value + "': expected at(free)=stage, or at(y)=store of an output y");
    return Error::success();
  }

  /// How chunks of the scanned dimension go on from one another.
  Error checkScan(const Knob &knob) {
    StringRef value = knob.value;
    if (value != "ticket" && value != "passes")
      return refuse("'scan=" + value + "': expected ticket or passes");
    if (!result.chunk)
      return refuse("'scan=" + value + "' says how chunks of '" + scanned + "' go on from one another, and '" +
                    scanned + "' is not on the grid (" + scanned + "=grid:512)");
    if (value == "ticket" && !target.gpu)
      return refuse(
          "'scan=ticket' is for a GPU, whose blocks wait for each other in one kernel; tasks of a CPU do not, "
          "and run in passes");
    return Error::success();
  }

  Error placeBlocks(const Knob &knob) {
    if (StringRef(knob.value).getAsInteger(10, result.residentBlocks) || result.residentBlocks < 1)
      return refuse("'" + textOf(knob) + "': expected how many blocks are to be on a multiprocessor at a time");
    return Error::success();
  }

  /// `exp=mufu`, `exp=poly`, `exp=split:k`.
  Error placeExponentials(const Knob &knob) {
    StringRef value = knob.value;
    int64_t count = 0;
    if (value == "mufu")
      result.polynomials = 0;
    else if (value == "poly")
      result.polynomials = Placement::allPolynomials;
    else if (value.consume_front("split:") && !value.getAsInteger(10, count) && count > 0 &&
             count < Placement::allPolynomials)
      result.polynomials = count;
    else
      return refuse("'" + textOf(knob) + "': expected mufu, poly, or split:k for k of each " +
                    Twine(Placement::allPolynomials) + " as polynomials, k from 1 to " +
                    Twine(Placement::allPolynomials - 1));
    return Error::success();
  }

  Error placeAccess(const Knob &knob) {
    int64_t bytes = 0;
    StringRef(knob.value).getAsInteger(10, bytes);
    if (bytes != 4 && bytes != 8 && bytes != widestAccess)
      return refuse("'" + textOf(knob) + "': expected 4, 8 or 16 bytes an access");
    result.accessBytes = bytes;
    return Error::success();
  }

  Error placePadding(const Knob &knob) {
    int64_t bytes = 0;
    if (knob.value == "auto")
      return Error::success();
    if (StringRef(knob.value).getAsInteger(10, bytes) || bytes < 0 || bytes > mostPadding)
      return refuse("'" + textOf(knob) + "': expected auto, or a number of bytes up to " + Twine(mostPadding));
    result.padding = bytes;
    return Error::success();
  }

  Error checkCopy(const Knob &knob) {
    if (knob.value == "bulk")
      return refuse(
          "'copy=bulk': no pass makes bulk copies, which take tensor maps or rows of one piece; use cp.async");
    if (knob.value != "ld" && knob.value != "cp.async")
      return refuse("'" + textOf(knob) + "': expected ld or cp.async");
    return Error::success();
  }

  Error checkDepth(const Knob &knob) {
    int64_t count = 0;
    if (StringRef(knob.value).getAsInteger(10, count) || count < 1 || count > mostStages)
      return refuse("'" + textOf(knob) + "': expected a number of time tiles, at most " + Twine(mostStages));
    return Error::success();
  }

  /// `copy=cp.async; stages=n`, `copy=ld; stages=2`.
  Error placeCopies() {
    int64_t depth = 0;
    bool isDeep = schedule.knob("stages") && !schedule.knob("stages")->getAsInteger(10, depth);
    if (schedule.knob("copy") && !result.stagesBlocks && !isPart())
      return refuse("'copy=" + *schedule.knob("copy") +
                    "' says how what is staged is copied, and the schedule stages nothing (load=staged)");
    if (schedule.knob("copy") != "cp.async") {
      if (isDeep && depth > 2)
        return refuse("'stages=" + Twine(depth) +
                      "' needs copy=cp.async: what threads load themselves is in their registers on its way, at most "
                      "one time tile (stages=2)");
      if (isDeep && !result.stagesBlocks && result.copies() == 1 && !isPart())
        return refuse("'stages=" + Twine(depth) +
                      "' says how many time tiles are there or on their way, and the schedule has none (" + scanned +
                      "=loop:32,reg:8 with load=staged, or " + scanned + "=loop,reg:8)");
      result.loadsAhead = depth == 2;
      return Error::success();
    }
    if (isDeep && depth < 2)
      return refuse("'stages=1' with copy=cp.async: nothing would be on its way during the steps; expected 2 or more");
    if (result.stagesBlocks)
      result.copyStages = isDeep ? depth : 2;
    return Error::success();
  }

  static bool isComplex(std::optional<Type> stored, Type type) { return isa<ComplexType>(stored.value_or(type)); }

  /// Why an input cannot be staged; nothing where it can.
  StringRef whyNotStaged(InputOp input) {
    if (isComplex(input.getStored(), input.getType()))
      return "it is complex";
    return dims.variesInTime(input) ? "" : "it does not vary in time";
  }

  /// And an output: each thread has its own, so that only steps of it could be put together.
  std::string whyNotStaged(OutputOp output) {
    if (isComplex(output.getStored(), output.getValue().getType()))
      return "it is complex";
    return llvm::any_of(facts.alongScan,
                        [&](const ScannedTensor &tensor) { return tensor.name == output.getName() && !tensor.isInput; })
               ? ""
               : ("its memory does not run along '" + scanned + "'").str();
  }

  /// Tensors that are named one by one have to be ones that can be staged.
  Error checkNamed() {
    auto check = [&](auto op, bool isWanted) -> Error {
      std::string reason = isWanted ? std::string(whyNotStaged(op)) : "";
      return reason.empty() ? Error::success()
                            : refuse("'" + op.getName() + "' cannot be staged on a GPU: " + reason + "; use direct");
    };
    auto isStaged = [&](StringRef name) { return result.stagedNames.lookup(name); };
    for (auto input : recurrence.getBody().front().getOps<InputOp>())
      if (Error error = check(input, isStaged(input.getName())))
        return error;
    for (auto output : recurrence.getBody().front().getOps<OutputOp>())
      if (Error error = check(output, isStaged(output.getName()) || result.storesApart.contains(output.getName())))
        return error;
    return Error::success();
  }

  /// What a GPU's threads hand each other through shared memory, a time tile at a time.
  Error checkStages() {
    if (Error error = checkNamed())
      return error;
    Block &body = recurrence.getBody().front();
    bool isAny = result.stagesFree || llvm::any_of(body.getOps<InputOp>(), [&](InputOp input) {
                   return result.loadsStaged(input.getName()) && whyNotStaged(input).empty();
                 });
    isAny |= llvm::any_of(body.getOps<OutputOp>(), [&](OutputOp output) {
      StringRef name = output.getName();
      return (result.storesStaged(name) || result.storesApart.contains(name)) && whyNotStaged(output).empty();
    });
    if (!isAny)
      return result.stagedLoads || result.stagedStores
                 ? refuse("nothing can be staged on a GPU: no real tensor varies in time" +
                          (result.stagedLoads ? "" : ", and has memory that runs along '" + scanned + "'") +
                          "; use direct")
                 : Error::success();
    for (unsigned dim : result.loops(LoopPlace::Inside))
      return refuse("'" + dims.name(dim) + "' is on a loop inside that of '" + scanned +
                    "', where nothing is staged on a GPU; place it on reg or lane, or use direct");
    int64_t steps = stagedSteps(recurrence, result);
    if (result.timeTile % steps != 0 || result.timeTile < 2)
      return refuse("a staged time tile of " + Twine(result.timeTile) + " steps: threads move " + Twine(steps) +
                    " at once, so it has to be a multiple of that (" + scanned +
                    "=loop:" + Twine(llvm::alignTo(std::max<int64_t>(result.timeTile, 32), steps)) + ")");
    result.stagesBlocks = true;
    return Error::success();
  }

  /// Several steps have to be one access somewhere, and an element has to fit in it.
  Error checkAccess() {
    // A part of a scan in chunks may have nothing to limit where the whole has.
    if (!schedule.knob("vec") || isPart())
      return Error::success();
    std::string text = "'vec=" + std::to_string(result.accessBytes) + "'";
    if (facts.alongScan.empty() && !result.stagesBlocks)
      return refuse(text + " limits accesses of several steps at once, and no tensor's memory runs along '" + scanned +
                    "'");
    if (result.copies() == 1 && !result.stagesBlocks)
      return refuse(text + " limits accesses of several steps at once, and the schedule has none (" + scanned +
                    "=loop:32,reg:8, or load=staged)");
    for (const ScannedTensor &tensor : facts.alongScan)
      if (tensor.bytes() > result.accessBytes)
        return refuse(text + ": an element of '" + tensor.name + "' has " + Twine(tensor.bytes()) + " bytes");
    return Error::success();
  }

  Error checkPadding() {
    if (!schedule.knob("pad"))
      return Error::success();
    std::string text = "'pad=" + schedule.knob("pad")->str() + "'";
    if (!result.stagesBlocks && !isPart())
      return refuse(text + " is between rows of staged values, and the schedule stages nothing (load=staged)");
    if (result.padding && *result.padding % result.accessBytes != 0)
      return refuse(text + ": rows of staged values begin at multiples of " + Twine(result.accessBytes) +
                    " bytes, so it has to be a multiple of that" +
                    (result.accessBytes > 4 ? ", or vec=4 makes accesses narrower" : ""));
    return Error::success();
  }

  const PlacementFacts &facts;
  RecurrenceOp recurrence;
  const DimensionAnalysis &dims;
  const Schedule &schedule;
  const Target &target;
  Placement &result;
  StringRef scanned;
};
} // namespace

Error ssm::placeKnobs(const PlacementFacts &facts, const Schedule &schedule, const Target &target,
                      Placement &placement) {
  return KnobPlacer(facts, schedule, target, placement).place();
}
