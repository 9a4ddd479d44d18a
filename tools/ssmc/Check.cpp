// ssmc check: against reference data, or a description against the interpreter.

#include "tools/ssmc/Check.h"
#include "runtime/Compare.h"
#include "runtime/Safetensors.h"
#include "tools/NonNegative.h"
#include "tools/ssmc/Commands.h"
#include "llvm/Support/raw_ostream.h"

#include <CLI/CLI.hpp>

using namespace mlir;
using namespace ssm;

int Tally::finish() const {
  llvm::outs() << passed << " passed, " << failed << " failed\n";
  return failed ? CheckFailed : Succeeded;
}

double ssm::errorBound(const CheckRequest &request, double float32Error) {
  if (request.tolerance)
    return *request.tolerance;
  return request.device.isExact() ? 1e-10 : std::max(2e-5, 4 * float32Error);
}

/// What storing at this type may add to an error: its rounding, once for the result and once for a state on the way.
static double storageError(Type stored, const DeviceOptions &device) {
  if (device.isExact() || !stored)
    return 0;
  return stored.isBF16() ? 0x1p-7 : stored.isF16() ? 0x1p-10 : 0;
}

void ssm::reportExperiment(const CheckRequest &request, Tally &tally, RecurrenceOp recurrence, const std::string &text,
                           llvm::Expected<RunResults> results, const RunResults &reference) {
  if (!results) {
    tally.count(false);
    llvm::outs() << "FAILED  " << text << ": error: " << llvm::toString(results.takeError()) << "\n";
    return;
  }
  bool pass = true;
  std::string errors;
  auto compare = [&](const std::string &name, StringRef prefix, const std::map<std::string, Tensor> &values,
                     const std::map<std::string, Tensor> &references, Type stored) {
    auto error = relativeError(values.at(name), references.at(name));
    pass &= error && *error <= errorBound(request, 0) + storageError(stored, request.device);
    errors += "  " + prefix.str() + name + " " + (error ? errorText(*error) : error.error());
  };
  for (auto output : recurrence.getBody().front().getOps<OutputOp>())
    compare(output.getName().str(), "", results->outputs, reference.outputs, output.getStored().value_or(Type()));
  for (const State &state : getStates(recurrence))
    if (reference.states.count(state.name.str()))
      compare(state.name.str(), "state.", results->states, reference.states, state.stored);
  tally.count(pass);
  llvm::outs() << (pass ? "passed  " : "FAILED  ") << text << ":" << errors << "\n";
}

static bool isCase(llvm::StringRef subject) { return subject.ends_with(".safetensors"); }

void ssm::addCheckCommand(CLI::App &app, Action &action) {
  auto request = std::make_shared<CheckRequest>();
  CLI::App *sub = app.add_subcommand("check", "Check a description, or reference data, against float64");
  sub->add_option("SUBJECT", request->subjects, "Case files (*.safetensors) with reference data, or one MODEL")
      ->required();
  sub->add_option("--model", request->model,
                  "The description for case files, in place of the library's that they name");
  sub->add_option("--tolerance", request->tolerance,
                  "Largest error allowed, relative to a tensor's largest reference value")
      ->check(nonNegative());
  sub->add_flag("--each-kind", request->eachKind,
                "Run case files under a schedule of each kind that the description allows, too");
  request->options.declare(*sub);
  request->device.declare(*sub);
  sub->callback([request, &action] {
    request->preparation = request->options.preparation();
    request->params = request->options.paramValues();
    const bool cases = llvm::all_of(request->subjects, isCase);
    if (!cases && (request->subjects.size() > 1 || isCase(request->subjects[0])))
      throw CLI::ValidationError("SUBJECT", "expected files that end in .safetensors, or one MODEL");
    if (!cases && !request->model.empty())
      throw CLI::ValidationError("--model", "goes with case files only");
    if (request->eachKind && !cases)
      throw CLI::ValidationError("--each-kind", "goes with case files; a MODEL is checked so anyway");
    if (request->eachKind && (request->device.isExact() || request->device.schedule != "auto"))
      throw CLI::ValidationError("--each-kind", "goes with a device that takes schedules, and without --schedule");
    action = [request, cases]() -> llvm::Expected<int> {
      if (llvm::Error error = checkDevice(request->device))
        return error;
      if (!cases && request->device.stats)
        return llvm::createStringError("--stats: goes with case files, and with ssmc run and bench");
      return cases ? checkCases(*request) : checkModel(*request);
    };
  });
}
