// ssmc check MODEL: whatever a description can be run as must agree with the float64 interpreter on random inputs.

#include "codegen/binding/Binding.h"
#include "tools/ssmc/Check.h"
#include "tools/ssmc/CheckSchedules.h"
#include "tools/ssmc/Experiment.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;
using namespace ssm;

namespace {
/// One setting of sizes and optional inputs, under which several ways to run are compared.
struct Setting {
  bool allOptional;
  int64_t steps;
  std::string text;
};

class ModelCheck {
public:
  ModelCheck(CheckRequest &request, Model &model, Timing &timing)
      : request(request), model(model), timing(timing), declared(model.recurrence()) {}

  llvm::Error run();
  Tally tally;

private:
  llvm::SmallVector<Setting> settings();
  llvm::Expected<RecurrenceOp> specialized(const Setting &setting, std::optional<int64_t> steps);
  llvm::Error chooseArguments(RecurrenceOp recurrence, const Setting &setting);
  llvm::Error check(const Setting &setting);
  llvm::Expected<RunResults> runWhole(RecurrenceOp recurrence, const DeviceOptions &device, bool scatter);
  llvm::Expected<RunResults> runSplit(const Setting &setting, const DeviceOptions &device);
  void report(RecurrenceOp recurrence, const std::string &text, llvm::Expected<RunResults> results) {
    reportExperiment(request, tally, recurrence, text, std::move(results), reference);
  }
  Preparation preparationFor(const Setting &setting, std::optional<int64_t> steps);

  CheckRequest &request;
  Model &model;
  Timing &timing;
  RecurrenceOp declared;
  RunArguments arguments;
  RunResults reference;
};
} // namespace

/// Small sizes that nothing divides, for dimensions that are left open.
static int64_t smallSize(size_t number) {
  constexpr int64_t sizes[] = {2, 3, 5, 7};
  return sizes[number % std::size(sizes)];
}
constexpr int64_t manySteps = 37;

llvm::SmallVector<Setting> ModelCheck::settings() {
  const SpecializeParameters &parameters = request.preparation.parameters;
  const std::string scan = declared.getScan().str();
  llvm::SmallVector<int64_t> steps{manySteps, 1, 0};
  if (auto asked = parameters.dims.find(scan); asked != parameters.dims.end())
    steps = {asked->second};
  else if (std::optional<int64_t> size = declared.sizeOf(scan))
    steps = {*size, 1, 0};
  bool hasOptional = false;
  for (auto input : declared.getBody().front().getOps<InputOp>())
    hasOptional |= input.getOptional() && !llvm::is_contained(parameters.without, input.getName().str());
  llvm::SmallVector<Setting> result;
  for (int64_t count : steps) {
    const std::string text = scan + "=" + std::to_string(count);
    result.push_back({true, count, text});
    if (hasOptional)
      result.push_back({false, count, text + ", without optional inputs"});
  }
  return result;
}

Preparation ModelCheck::preparationFor(const Setting &setting, std::optional<int64_t> steps) {
  Preparation preparation = request.preparation;
  SpecializeParameters &parameters = preparation.parameters;
  parameters.dims.erase(declared.getScan().str());
  if (steps)
    parameters.dims[declared.getScan().str()] = *steps;
  size_t number = 0;
  for (StringRef dim : openDims(declared))
    if (dim != declared.getScan())
      parameters.dims.try_emplace(dim.str(), smallSize(number++));
  if (!setting.allOptional)
    for (auto input : declared.getBody().front().getOps<InputOp>())
      if (input.getOptional() && !llvm::is_contained(parameters.without, input.getName().str()))
        parameters.without.push_back(input.getName().str());
  return preparation;
}

llvm::Expected<RecurrenceOp> ModelCheck::specialized(const Setting &setting, std::optional<int64_t> steps) {
  RecurrenceOp copy = model.copyOfRecurrence();
  if (llvm::Error error = prepare(copy, preparationFor(setting, steps), timing))
    return error;
  return copy;
}

/// Draws arguments on which the interpreter's results are finite at the types that store them, and keeps what it gives
/// as the reference.
llvm::Error ModelCheck::chooseArguments(RecurrenceOp recurrence, const Setting &setting) {
  for (Values values : triedValues) {
    auto drawn = randomArguments(recurrence, values);
    if (!drawn)
      return drawn.takeError();
    arguments = std::move(*drawn);
    arguments.params = request.params;
    auto results = runWhole(recurrence, DeviceOptions::interpreter(), /*scatter=*/false);
    if (!results)
      return results.takeError();
    reference = std::move(*results);
    if (allFinite(recurrence, reference))
      return llvm::Error::success();
  }
  return llvm::createStringError(setting.text +
                                 ": the recurrence is not finite on random inputs, at the types that store its "
                                 "outputs and states, neither on inputs around 0, positive nor very small ones; check "
                                 "it with fewer steps (--dim " +
                                 declared.getScan() + "=…), at wider types (--dtype) or on a case file");
}

llvm::Expected<RunResults> ModelCheck::runWhole(RecurrenceOp recurrence, const DeviceOptions &device, bool scatter) {
  auto executor = makeExecutor(recurrence, device, timing);
  if (!executor)
    return executor.takeError();
  RunArguments passed = arguments;
  if (scatter)
    for (auto *tensors : {&passed.inputs, &passed.states})
      for (auto &[name, tensor] : *tensors)
        tensor = scattered(tensor);
  return (*executor)->run(passed);
}

/// Leaves the number of steps open, so that one executor makes both calls.
llvm::Expected<RunResults> ModelCheck::runSplit(const Setting &setting, const DeviceOptions &device) {
  auto open = specialized(setting, std::nullopt);
  if (!open)
    return open.takeError();
  RecurrenceOp recurrence = *open;
  auto executor = makeExecutor(recurrence, device, timing);
  if (!executor)
    return executor.takeError();
  const int64_t first = setting.steps / 2 + 1, rest = setting.steps - first;
  auto call = [&](int64_t begin, int64_t count, std::map<std::string, Tensor> states) {
    return (*executor)->run({sliceSteps(recurrence, arguments.inputs, begin, count, setting.steps),
                             std::move(states),
                             arguments.params,
                             {{recurrence.getScan().str(), count}},
                             {}});
  };
  auto one = call(0, first, arguments.states);
  if (!one)
    return one.takeError();
  auto two = call(first, rest, one->states);
  if (!two)
    return two.takeError();
  return RunResults{joinSteps(recurrence, one->outputs, two->outputs), two->states};
}

llvm::Error ModelCheck::check(const Setting &setting) {
  auto recurrence = specialized(setting, setting.steps);
  if (!recurrence)
    return recurrence.takeError();
  if (llvm::Error error = chooseArguments(*recurrence, setting))
    return error;
  if (setting.allOptional && setting.steps > 1 && !declared.sizeOf(declared.getScan()) &&
      (request.device.schedule == "auto" || request.device.mode == "step"))
    if (llvm::Error error = checkRows(request, model, preparationFor(setting, std::nullopt).parameters, arguments,
                                      reference, setting.steps, tally, timing))
      return error;
  if (request.device.mode == "step")
    return llvm::Error::success();
  const DeviceOptions &device = request.device;
  const std::string mode = device.mode + ", " + setting.text;
  if (!device.isExact()) {
    auto executor = makeExecutor(*recurrence, device, timing);
    // A schedule that was asked for and cannot be is wrong input: nothing has been checked.
    if (!executor && device.schedule != "auto")
      return executor.takeError();
    report(*recurrence, mode, executor ? (*executor)->run(arguments) : executor.takeError());
  }
  if (!device.isExact() && device.schedule == "auto" && setting.allOptional) {
    auto schedules = schedulesToCheck(*recurrence, device);
    if (!schedules)
      return schedules.takeError();
    for (const std::string &schedule : *schedules) {
      DeviceOptions other = device;
      other.schedule = schedule;
      report(*recurrence, mode + ", " + schedule, runWhole(*recurrence, other, /*scatter=*/false));
    }
  }
  report(*recurrence, mode + ", scattered tensors", runWhole(*recurrence, device, /*scatter=*/true));
  if (setting.steps > 1 && !declared.sizeOf(declared.getScan()) && canSplit(*recurrence))
    report(*recurrence, mode + ", in two calls", runSplit(setting, device));
  return llvm::Error::success();
}

llvm::Error ModelCheck::run() {
  for (const Setting &setting : settings())
    if (llvm::Error error = check(setting))
      return error;
  if (tally.passed + tally.failed == 0)
    return llvm::createStringError("nothing of this is checked: steps are compared with a sequence of more than one "
                                   "step, of which the description leaves the size open");
  return llvm::Error::success();
}

llvm::Expected<int> ssm::checkModel(CheckRequest &request) {
  Timing timing;
  const ModelOptions &options = request.options;
  auto model = Model::load(request.subjects[0], options.libraryFolder, options.recurrence, timing);
  if (!model)
    return model.takeError();
  if (llvm::Error error = checkParams(model->recurrence(), request.params))
    return error;
  ModelCheck check(request, *model, timing);
  if (llvm::Error error = check.run())
    return error;
  if (options.timing)
    timing.print();
  return check.tally.finish();
}
