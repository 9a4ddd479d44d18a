// ssmc check CASE.safetensors…: the reference cases' format is described in their README.

#include "runtime/Compare.h"
#include "tools/ssmc/Case.h"
#include "tools/ssmc/Check.h"
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

static llvm::Expected<Report> checkCase(const std::string &path, CheckRequest &request, Timing &timing) {
  auto one = timing.measure("read tensors", [&] { return readCase(path); });
  if (!one)
    return one.takeError();
  if (one->tensors.outputs.empty() && one->tensors.finalStates.empty())
    return llvm::createStringError("it holds neither out.* nor state.* to compare with");
  if (request.model.empty() && one->model.empty())
    return llvm::createStringError("its metadata names no model; give the description as --model FILE");
  const std::string &name = request.model.empty() ? one->model : request.model;
  auto model = Model::load(name, request.options.libraryFolder, request.options.recurrence, timing);
  if (!model)
    return model.takeError();
  RecurrenceOp recurrence = model->recurrence();
  Preparation preparation = request.preparation;
  std::map<std::string, double> params = request.params;
  takeOptions(recurrence, *one, preparation, params);
  if (llvm::Error error = checkParams(recurrence, params))
    return error;
  if (llvm::Error error = packRows(recurrence, request.device.mode, {}, timing))
    return error;
  auto bound = bindTensors(recurrence, one->tensors, preparation.parameters);
  if (!bound)
    return bound.takeError();
  if (llvm::Error error = prepare(recurrence, {*bound, preparation.discretize}, timing))
    return error;
  if (llvm::Error error = requireSizes(recurrence))
    return error;
  auto executor = makeExecutor(recurrence, request.device, timing);
  if (!executor)
    return executor.takeError();
  auto results = (*executor)->run({one->tensors.inputs, one->tensors.initialStates, params, {}, {}});
  if (!results)
    return results.takeError();

  const double allowed = errorBound(request, one->float32Error);
  Report report;
  compareAll("out", one->tensors.outputs, results->outputs, allowed, report);
  compareAll("state", one->tensors.finalStates, results->states, allowed, report);
  report.text += "  (bound " + errorText(allowed) + (one->hasGradients ? "; grad.* not compared)" : ")");
  if (const RunStatistics *statistics = (*executor)->statistics()) {
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

llvm::Expected<int> ssm::checkCases(CheckRequest &request) {
  Timing timing;
  Tally tally;
  for (const std::string &path : request.subjects) {
    llvm::Expected<Report> report = checkCase(path, request, timing);
    tally.count(report && report->pass);
    if (report)
      llvm::outs() << (report->pass ? "passed  " : "FAILED  ") << path << report->text << "\n" << report->statistics;
    else
      llvm::outs() << "FAILED  " << path << ": error: " << oneLine(report.takeError()) << "\n";
    llvm::outs().flush();
  }
  if (request.options.timing)
    timing.print();
  return tally.finish();
}
