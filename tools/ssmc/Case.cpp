// Files of tensors: reference cases, whose README describes them, and inputs alone.

#include "tools/ssmc/Case.h"
#include "runtime/Safetensors.h"
#include "llvm/ADT/STLExtras.h"

#include <nlohmann/json.hpp>

using namespace mlir;
using namespace ssm;
using nlohmann::json;

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

/// Names in a description have no dots, so no input can be taken for a case's.
static bool isCase(const Safetensors &file) {
  return llvm::any_of(file.tensors, [](const auto &entry) {
    StringRef name = entry.first;
    return name.starts_with("in.") || name.starts_with("state0.") || name.starts_with("out.");
  });
}

static llvm::Error readMetadata(const std::map<std::string, std::string> &metadata, Case &result) {
  if (auto it = metadata.find("model"); it != metadata.end())
    result.model = it->second;
  if (auto it = metadata.find("options"); it != metadata.end()) {
    json options = json::parse(it->second, nullptr, /*allow_exceptions=*/false);
    if (!options.is_object())
      return llvm::createStringError("the metadata's options are not a JSON object");
    for (const auto &[name, value] : options.items())
      result.options[name] = value.is_string() ? value.get<std::string>() : value.dump();
  }
  if (auto it = metadata.find("f32_seq_rel_err"); it != metadata.end())
    if (StringRef(it->second).getAsDouble(result.float32Error) || !(result.float32Error >= 0))
      return llvm::createStringError("the metadata's f32_seq_rel_err is " + printable(it->second) + ", not an error");
  return llvm::Error::success();
}

llvm::Expected<Case> ssm::readCase(const std::string &path) {
  Result<Safetensors> file = readSafetensors(path);
  if (!file)
    return llvm::createStringError(file.error());
  Case result;
  if (!isCase(*file)) {
    for (const auto &[name, tensor] : file->tensors) {
      StringRef rest = name;
      bool isState = rest.consume_front("state.");
      (isState ? result.tensors.initialStates : result.tensors.inputs).emplace(rest.str(), tensor);
    }
    return result;
  }
  for (const auto &[name, tensor] : file->tensors)
    sortTensor(name, tensor, result);
  if (llvm::Error error = readMetadata(file->metadata, result))
    return error;
  return result;
}

void ssm::takeOptions(RecurrenceOp recurrence, const Case &one, Preparation &preparation,
                      std::map<std::string, double> &params) {
  DictionaryAttr declared = recurrence.getOptionsAttr();
  for (const auto &[name, value] : one.options) {
    if (declared && declared.contains(name))
      preparation.parameters.options.try_emplace(name, value);
    else if (name == "discretization" && hasDerivative(recurrence) && preparation.discretize.empty())
      preparation.discretize = value;
  }
  for (auto param : recurrence.getBody().front().getOps<ParamOp>()) {
    auto value = one.options.find(param.getName().str());
    double number = 0;
    if (value != one.options.end() && !StringRef(value->second).getAsDouble(number))
      params.try_emplace(param.getName().str(), number);
  }
}
