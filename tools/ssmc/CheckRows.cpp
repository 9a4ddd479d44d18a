// ssmc check MODEL, of modes with rows: packed sequences, and steps that find their states in a pool.

#include "codegen/binding/Binding.h"
#include "dialect/RowPlan.h"
#include "tools/ssmc/Check.h"
#include "tools/ssmc/Experiment.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;
using namespace ssm;

namespace {
/// A mode made ready for the device, and for the interpreter.
struct Prepared {
  RecurrenceOp recurrence;
  std::unique_ptr<Executor> device, interpreter;
};

class RowCheck {
public:
  RowCheck(const CheckRequest &request, Model &model, const SpecializeParameters &parameters, Tally &tally,
           Timing &timing)
      : request(request), model(model), parameters(parameters), tally(tally), timing(timing) {
    this->parameters.dims.erase(model.recurrence().getScan().str());
  }

  bool leavesOut(StringRef what, const std::string &mode, const std::vector<std::string> &arrays);
  llvm::Error checkPacked(int64_t steps);
  llvm::Error checkPool();
  llvm::Error checkOneByOne(StringRef rows, const RunArguments &arguments, const RunResults &whole, int64_t steps);

private:
  llvm::Expected<Prepared> makeReady(const std::string &mode, const std::vector<std::string> &arrays);
  llvm::Error compare(const std::string &text, Prepared &ready, const LaunchSizes &sizes,
                      const std::map<std::string, Tensor> &arrays, bool withStates);

  const CheckRequest &request;
  Model &model;
  SpecializeParameters parameters;
  Tally &tally;
  Timing &timing;
};
} // namespace

static const std::vector<std::string> poolArrays = {"slots_in", "slots_out", "has_state", "slots_at"};

static Tensor integers(const std::vector<int64_t> &values, DType type = DType::I32) {
  Tensor tensor = Tensor::zeros(type, {static_cast<int64_t>(values.size())});
  for (size_t i = 0; i < values.size(); ++i)
    tensor.setInteger(static_cast<int64_t>(i), values[i]);
  return tensor;
}

/// Whether the description cannot have these arrays of rows, and the mode was not asked for by name; says why.
bool RowCheck::leavesOut(StringRef what, const std::string &mode, const std::vector<std::string> &arrays) {
  if (request.device.mode == "step")
    return false;
  RecurrenceOp recurrence = model.copyOfRecurrence();
  std::string why;
  ScopedDiagnosticHandler handler(recurrence.getContext(), [&](Diagnostic &diagnostic) { why += diagnostic.str(); });
  llvm::Error error = packRows(recurrence, mode, arrays, timing);
  const bool isRefused = bool(error);
  llvm::consumeError(std::move(error));
  if (isRefused)
    llvm::outs() << "left out " << what << ": " << why << "\n";
  return isRefused;
}

llvm::Expected<Prepared> RowCheck::makeReady(const std::string &mode, const std::vector<std::string> &arrays) {
  Prepared ready;
  ready.recurrence = model.copyOfRecurrence();
  if (llvm::Error error = packRows(ready.recurrence, mode, arrays, timing))
    return error;
  SpecializeParameters own = parameters;
  own.dims.erase(RowPlan(ready.recurrence).dim().str());
  if (llvm::Error error = prepare(ready.recurrence, {own, request.preparation.discretize}, timing))
    return error;
  DeviceOptions device = request.device, interpreter = DeviceOptions::interpreter();
  for (DeviceOptions *options : {&device, &interpreter}) {
    options->mode = mode;
    auto executor = makeExecutor(ready.recurrence, *options, timing);
    if (!executor)
      return executor.takeError();
    (options == &device ? ready.device : ready.interpreter) = std::move(*executor);
  }
  return ready;
}

/// Runs both on random inputs on which the interpreter's results are finite, or on the last that are tried.
llvm::Error RowCheck::compare(const std::string &text, Prepared &ready, const LaunchSizes &sizes,
                              const std::map<std::string, Tensor> &arrays, bool withStates) {
  for (Values values : triedValues) {
    auto drawn = randomArguments(ready.recurrence, values, sizes);
    if (!drawn)
      return drawn.takeError();
    drawn->params = request.params;
    drawn->rows = arrays;
    if (!withStates)
      drawn->states.clear();
    auto reference = ready.interpreter->run(*drawn);
    if (!reference)
      return reference.takeError();
    if (values != std::end(triedValues)[-1] && !allFinite(ready.recurrence, *reference))
      continue;
    reportExperiment(request, tally, ready.recurrence, text, ready.device->run(*drawn), *reference);
    break;
  }
  return llvm::Error::success();
}

/// Sequences of all lengths, empty ones among them; fewer steps in all where fewer were asked for.
llvm::Error RowCheck::checkPacked(int64_t steps) {
  std::vector<int64_t> boundaries{0, 7, 7, 8, 33, 37, 37};
  for (int64_t &boundary : boundaries)
    boundary = boundary * std::min<int64_t>(steps, 37) / 37;
  const int64_t rows = static_cast<int64_t>(boundaries.size()) - 1;
  for (DType type : {DType::I32, DType::I64}) {
    auto ready = makeReady("forward", {type == DType::I32 ? "cu_seqlens" : "cu_seqlens=i64"});
    if (!ready)
      return ready.takeError();
    const LaunchSizes sizes{{RowPlan(ready->recurrence).dim().str(), rows},
                            {ready->recurrence.getScan().str(), boundaries.back()}};
    const bool withStates = type == DType::I64;
    if (llvm::Error error = compare("forward, " + std::to_string(rows) + " packed sequences" +
                                        (withStates ? ", with initial states" : ""),
                                    *ready, sizes, {{"cu_seqlens", integers(boundaries, type)}}, withStates))
      return error;
  }
  return llvm::Error::success();
}

/// Three rows of several tokens, one of which is left out and one of which begins anew, and states on the way.
llvm::Error RowCheck::checkPool() {
  auto ready = makeReady("step", poolArrays);
  if (!ready)
    return ready.takeError();
  StringRef rows = RowPlan(ready->recurrence).dim();
  const int64_t tokens = 3;
  Tensor at = Tensor::zeros(DType::I32, {4, tokens});
  for (int64_t number = 0; number < at.numElements(); ++number)
    at.setInteger(number, number % 4 == 1 ? -1 : 20 - number);
  const LaunchSizes sizes{{rows.str(), 4}, {ready->recurrence.getScan().str(), tokens}, {RowPlan::slots.str(), 21}};
  return compare("step, 4 rows of 3 tokens in a pool", *ready, sizes,
                 {{"slots_in", integers({7, 2, -1, 0})},
                  {"slots_out", integers({7, 5, 3, 1})},
                  {"has_state", integers({1, 0, 1, 1})},
                  {"slots_at", at}},
                 /*withStates=*/true);
}

/// Single tokens, then several at a time, against the whole sequence.
llvm::Error RowCheck::checkOneByOne(StringRef rows, const RunArguments &arguments, const RunResults &whole,
                                    int64_t steps) {
  auto ready = makeReady("step", {"slots_in"});
  if (!ready)
    return ready.takeError();
  RecurrenceOp recurrence = ready->recurrence;
  const int64_t count = parameters.dims.at(rows.str()), slots = 2 * count + 1;
  std::vector<int64_t> places;
  for (int64_t row = 0; row < count; ++row)
    places.push_back(slots - 2 - 2 * row);
  auto slotOf = [&](Tensor &pool, int64_t row) { return pool.slice(0, places[row], 1); };
  std::map<std::string, Tensor> states, outputs;
  for (const auto &[name, state] : arguments.states) {
    Shape shape = state.shape();
    shape[0] = slots;
    Tensor &pool = states.emplace(name, Tensor::zeros(state.dtype(), shape)).first->second;
    for (int64_t row = 0; row < count; ++row)
      slotOf(pool, row).copyFrom(state.slice(0, row, 1));
  }
  for (int64_t done = 0, tokens; done < steps; done += tokens) {
    tokens = done < 4 ? 1 : std::min<int64_t>(5, steps - done);
    auto results =
        ready->device->run({sliceSteps(recurrence, arguments.inputs, done, tokens, steps),
                            states,
                            arguments.params,
                            {{rows.str(), count}, {recurrence.getScan().str(), tokens}, {RowPlan::slots.str(), slots}},
                            {{"slots_in", integers(places)}}});
    if (!results)
      return results.takeError();
    outputs = done ? joinSteps(recurrence, outputs, results->outputs) : results->outputs;
    states = std::move(results->states);
  }
  RunResults reached{outputs, {}};
  for (auto &[name, pool] : states) {
    Shape shape = pool.shape();
    shape[0] = count;
    Tensor &state = reached.states.emplace(name, Tensor::zeros(pool.dtype(), shape)).first->second;
    for (int64_t row = 0; row < count; ++row)
      state.slice(0, row, 1).copyFrom(slotOf(pool, row));
  }
  reportExperiment(request, tally, recurrence, "step, token by token, then 5 at a time, against the whole sequence",
                   std::move(reached), whole);
  return llvm::Error::success();
}

llvm::Error ssm::checkRows(const CheckRequest &request, Model &model, const SpecializeParameters &parameters,
                           const RunArguments &arguments, const RunResults &whole, int64_t steps, Tally &tally,
                           Timing &timing) {
  RowCheck check(request, model, parameters, tally, timing);
  if (request.device.mode == "forward" && !check.leavesOut("forward with cu_seqlens", "forward", {"cu_seqlens"}))
    if (llvm::Error error = check.checkPacked(steps))
      return error;
  if (check.leavesOut("step", "step", poolArrays))
    return llvm::Error::success();
  if (llvm::Error error = check.checkPool())
    return error;
  auto rows = findRows(model.recurrence(), /*isPacked=*/false);
  if (!rows)
    return rows.takeError();
  if (!canSplit(model.recurrence()))
    return llvm::Error::success();
  return check.checkOneByOne(*rows, arguments, whole, steps);
}
