// ssmc check CASE.safetensors…: the reference cases' format is described in their README.

#include "runtime/Compare.h"
#include "tools/ssmc/Case.h"
#include "tools/ssmc/Check.h"
#include "tools/ssmc/CheckSchedules.h"
#include "tools/ssmc/Statistics.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;
using namespace ssm;

namespace {
struct Report {
  /// The line, and the table of --stats.
  std::string text, statistics;
  bool pass = true;
};

/// A case with its description, for this case's sizes and options.
struct PreparedCase {
  Case data;
  std::map<std::string, double> params;
  Model model;
  RecurrenceOp recurrence;
};
} // namespace

static void compareAll(StringRef role, const std::map<std::string, Tensor> &references,
                       const std::map<std::string, Tensor> &values, double bound, Report &report) {
  for (const auto &[name, reference] : references) {
    report.text += "  " + role.str() + "." + name + " ";
    auto value = values.find(name);
    if (value == values.end()) {
      report.text += "is missing";
      report.pass = false;
      continue;
    }
    Result<double> error = relativeError(value->second, reference);
    report.pass &= error && *error <= bound;
    report.text += error ? errorText(*error) : error.error();
  }
}

static llvm::Expected<PreparedCase> prepareCase(const std::string &path, const CheckRequest &request, Timing &timing) {
  auto data = timing.measure("read tensors", [&] { return readCase(path); });
  if (!data)
    return data.takeError();
  if (data->tensors.outputs.empty() && data->tensors.finalStates.empty())
    return llvm::createStringError("it holds neither out.* nor state.* to compare with");
  if (request.model.empty() && data->model.empty())
    return llvm::createStringError("its metadata names no model; give the description as --model FILE");
  const std::string &name = request.model.empty() ? data->model : request.model;
  auto model = Model::load(name, request.options.libraryFolder, request.options.recurrence, timing);
  if (!model)
    return model.takeError();
  RecurrenceOp recurrence = model->recurrence();
  Preparation preparation = request.preparation;
  std::map<std::string, double> params = request.params;
  takeOptions(recurrence, *data, preparation, params);
  if (llvm::Error error = checkParams(recurrence, params))
    return error;
  if (llvm::Error error = packRows(recurrence, request.device.mode, {}, timing))
    return error;
  auto bound = bindTensors(recurrence, data->tensors, preparation.parameters);
  if (!bound)
    return bound.takeError();
  if (llvm::Error error = prepare(recurrence, {*bound, preparation.discretize}, timing))
    return error;
  if (llvm::Error error = requireSizes(recurrence))
    return error;
  return PreparedCase{std::move(*data), std::move(params), std::move(*model), recurrence};
}

static llvm::Expected<Report> runCase(const PreparedCase &prepared, const CheckRequest &request, Executor &executor) {
  const auto &tensors = prepared.data.tensors;
  auto results = executor.run({tensors.inputs, tensors.initialStates, prepared.params, {}, {}});
  if (!results)
    return results.takeError();

  const double allowed = errorBound(request, prepared.data.float32Error);
  Report report;
  compareAll("out", tensors.outputs, results->outputs, allowed, report);
  compareAll("state", tensors.finalStates, results->states, allowed, report);
  report.text += "  (bound " + errorText(allowed) + (prepared.data.hasGradients ? "; grad.* not compared)" : ")");
  if (const RunStatistics *statistics = executor.statistics()) {
    llvm::raw_string_ostream stream(report.statistics);
    printStatistics(*statistics, stream);
  }
  return report;
}

/// Several messages as one, so that a case stays one line.
static std::string oneLine(llvm::Error error) {
  std::string text;
  llvm::handleAllErrors(std::move(error),
                        [&](const llvm::ErrorInfoBase &info) { text += (text.empty() ? "" : "; ") + info.message(); });
  std::replace(text.begin(), text.end(), '\n', ' ');
  return text;
}

static void print(const std::string &experiment, llvm::Expected<Report> report, Tally &tally) {
  tally.count(report && report->pass);
  if (report)
    llvm::outs() << (report->pass ? "passed  " : "FAILED  ") << experiment << report->text << "\n"
                 << report->statistics;
  else
    llvm::outs() << "FAILED  " << experiment << ": error: " << oneLine(report.takeError()) << "\n";
  llvm::outs().flush();
}

/// Runs a case under one schedule. What cannot be compiled fails the case.
static void checkCase(const std::string &experiment, const PreparedCase &prepared, const CheckRequest &request,
                      const DeviceOptions &device, Tally &tally, Timing &timing) {
  auto executor = makeExecutor(prepared.recurrence, device, timing);
  print(experiment, executor ? runCase(prepared, request, **executor) : executor.takeError(), tally);
}

llvm::Expected<int> ssm::checkCases(CheckRequest &request) {
  Timing timing;
  Tally tally;
  for (const std::string &path : request.subjects) {
    llvm::Expected<PreparedCase> prepared = prepareCase(path, request, timing);
    if (!prepared) {
      print(path, prepared.takeError(), tally);
      continue;
    }
    if (request.device.schedule != "auto") {
      // A schedule that was asked for and cannot be is wrong input, of which the case says nothing.
      auto executor = makeExecutor(prepared->recurrence, request.device, timing);
      if (!executor)
        return llvm::createStringError(path + ": " + oneLine(executor.takeError()));
      print(path, runCase(*prepared, request, **executor), tally);
      continue;
    }
    checkCase(path, *prepared, request, request.device, tally, timing);
    if (!request.eachKind)
      continue;
    auto schedules = schedulesToCheck(prepared->recurrence, request.device);
    if (!schedules) {
      print(path, schedules.takeError(), tally);
      continue;
    }
    for (const std::string &schedule : *schedules) {
      DeviceOptions device = request.device;
      device.schedule = schedule;
      checkCase(path + ", " + schedule, *prepared, request, device, tally, timing);
    }
  }
  if (request.options.timing)
    timing.print();
  return tally.finish();
}
