// ssmc check CASE.safetensors…: the reference cases' format is described in their README.

#include "codegen/binding/Binding.h"
#include "runtime/Safetensors.h"
#include "tools/ssmc/Check.h"
#include "tools/ssmc/Compare.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/raw_ostream.h"

#include <cmath>
#include <nlohmann/json.hpp>

using namespace mlir;
using namespace ssm;
using nlohmann::json;

namespace {
/// A reference case as it is in its file.
struct Case {
  std::string model;
  GivenTensors tensors;
  json options = json::object();
  double float32Error = 0;
  bool hasGradients = false;
};

struct Report {
  std::string text;
  bool pass = true;
};
} // namespace

//===----------------------------------------------------------------------===//
// Reading a case
//===----------------------------------------------------------------------===//

static void sortTensor(StringRef name, const Tensor &tensor, Case &result) {
  auto [role, rest] = name.split('.');
  GivenTensors &tensors = result.tensors;
  if (role == "in")
    tensors.inputs.emplace(rest.str(), tensor);
  else if (role == "state0")
    tensors.initialStates.emplace(rest.str(), tensor);
  else if (role == "out")
    tensors.outputs.emplace(rest.str(), tensor);
  else if (role == "state")
    tensors.finalStates.emplace(rest.str(), tensor);
  else if (role == "grad")
    result.hasGradients = true;
}

static llvm::Expected<Case> readCase(const std::string &path) {
  Result<Safetensors> file = readSafetensors(path);
  if (!file)
    return llvm::createStringError(file.error());
  Case result;
  for (const auto &[name, tensor] : file->tensors)
    sortTensor(name, tensor, result);
  const std::map<std::string, std::string> &metadata = file->metadata;
  if (auto it = metadata.find("model"); it != metadata.end())
    result.model = it->second;
  if (auto it = metadata.find("options"); it != metadata.end())
    result.options = json::parse(it->second, nullptr, /*allow_exceptions=*/false);
  if (!result.options.is_object())
    return llvm::createStringError("the metadata's options are not a JSON object");
  if (auto it = metadata.find("f32_seq_rel_err"); it != metadata.end())
    if (StringRef(it->second).getAsDouble(result.float32Error) || !(result.float32Error >= 0))
      return llvm::createStringError("the metadata's f32_seq_rel_err is " + printable(it->second) + ", not an error");
  if (result.tensors.outputs.empty() && result.tensors.finalStates.empty())
    return llvm::createStringError("it holds neither out.* nor state.* to compare with");
  return result;
}

//===----------------------------------------------------------------------===//
// Making the description fit the case
//===----------------------------------------------------------------------===//

static std::string optionText(const json &value) { return value.is_string() ? value.get<std::string>() : value.dump(); }

/// Takes the case's options that the description declares, as option or as parameter; what the command line says goes
/// first.
static void takeOptions(RecurrenceOp recurrence, const Case &one, Preparation &preparation,
                        std::map<std::string, double> &params) {
  DictionaryAttr declared = recurrence.getOptionsAttr();
  for (const auto &[name, value] : one.options.items()) {
    if (declared && declared.contains(name))
      preparation.parameters.options.try_emplace(name, optionText(value));
    else if (name == "discretization" && hasDerivative(recurrence) && preparation.discretize.empty())
      preparation.discretize = optionText(value);
  }
  for (auto param : recurrence.getBody().front().getOps<ParamOp>()) {
    auto value = one.options.find(param.getName().str());
    if (value != one.options.end() && value->is_number())
      params.try_emplace(param.getName().str(), value->get<double>());
  }
}

//===----------------------------------------------------------------------===//
// Comparing
//===----------------------------------------------------------------------===//

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
    llvm::Expected<double> error = relativeError(value->second, reference);
    report.pass &= error && *error <= bound;
    report.text += error ? errorText(*error) : llvm::toString(error.takeError());
  }
}

static llvm::Expected<Report> checkCase(const std::string &path, CheckRequest &request, Timing &timing) {
  auto one = timing.measure("read tensors", [&] { return readCase(path); });
  if (!one)
    return one.takeError();
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
  auto results = (*executor)->run({one->tensors.inputs, one->tensors.initialStates, params, {}});
  if (!results)
    return results.takeError();

  const double allowed = errorBound(request, one->float32Error);
  Report report;
  compareAll("out", one->tensors.outputs, results->outputs, allowed, report);
  compareAll("state", one->tensors.finalStates, results->states, allowed, report);
  report.text += "  (bound " + errorText(allowed) + (one->hasGradients ? "; grad.* not compared)" : ")");
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
      llvm::outs() << (report->pass ? "passed  " : "FAILED  ") << path << report->text << "\n";
    else
      llvm::outs() << "FAILED  " << path << ": error: " << oneLine(report.takeError()) << "\n";
    llvm::outs().flush();
  }
  if (request.options.timing)
    timing.print();
  return tally.finish();
}
