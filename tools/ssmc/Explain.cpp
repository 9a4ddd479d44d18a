// ssmc explain: what the compiler proved of a description, and what a schedule makes of it.

#include "codegen/explain/Explain.h"
#include "tools/ssmc/Commands.h"
#include "tools/ssmc/ModelOptions.h"
#include "tools/ssmc/ScheduleOption.h"
#include "llvm/Support/raw_ostream.h"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

using namespace ssm;
using Json = nlohmann::ordered_json;

namespace {
struct ExplainCommand {
  std::string model, target = "cpu", schedule = "auto";
  ModelOptions options;
  Preparation preparation;
  bool asJson = false;
};
} // namespace

static Json toJson(const Explanation &explanation) {
  Json states = Json::array(), tensors = Json::array(), values = Json::array(), bounds = Json::array();
  for (const ExplainedStates &group : explanation.states)
    states.push_back({{"states", group.states}, {"structure", group.structure}, {"reason", group.reason}});
  for (const ExplainedTensor &tensor : explanation.tensors) {
    tensors.push_back({{"role", tensor.role},
                       {"name", tensor.name},
                       {"dims", tensor.dims},
                       {"type", tensor.type},
                       {"place", tensor.place}});
    tensors.back()["bytes"] = tensor.bytes ? Json(*tensor.bytes) : Json();
  }
  for (const ExplainedValue &value : explanation.values)
    values.push_back({{"operation", value.operation}, {"location", value.location}, {"dims", value.dims}});
  for (const ExplainedBound &bound : explanation.bounds) {
    bounds.push_back({{"name", bound.name}, {"clocks_per_element", bound.clocks}});
    bounds.back()["seconds"] = bound.seconds ? Json(*bound.seconds) : Json();
  }
  Json operations = Json::object();
  for (const auto &[kind, count] : explanation.operations)
    operations[kind] = count;
  return {{"recurrence", explanation.recurrence},
          {"target", explanation.target},
          {"structure", states},
          {"schedule", explanation.schedule},
          {"tensors", tensors},
          {"values", values},
          {"element", explanation.element},
          {"bytes_per_element", explanation.bytesPerElement},
          {"operations_per_element", operations},
          {"free_along", explanation.sharedOver},
          {"machine", explanation.machine},
          {"bounds", bounds}};
}

static llvm::Expected<int> explainModel(ExplainCommand &command) {
  Timing timing;
  auto model = Model::load(command.model, command.options.libraryFolder, command.options.recurrence, timing);
  if (!model)
    return model.takeError();
  if (llvm::Error error = prepare(model->recurrence(), command.preparation, timing))
    return error;
  auto target = parseTarget(command.target);
  if (!target)
    return target.takeError();
  auto explanation = timing.measure("explain", [&] { return explain(model->recurrence(), *target, command.schedule); });
  if (!explanation)
    return explanation.takeError();
  llvm::outs() << (command.asJson ? toJson(*explanation).dump(2) + "\n" : explanationText(*explanation));
  if (command.options.timing)
    timing.print();
  return Succeeded;
}

void ssm::addExplainCommand(CLI::App &app, Action &action) {
  auto command = std::make_shared<ExplainCommand>();
  CLI::App *sub = app.add_subcommand(
      "explain", "Show the structure proved, where each tensor lives, traffic, operations and the bound they make");
  sub->add_option("MODEL", command->model, "A path to .ssm or .mlir, or a name in the library")->required();
  sub->add_option("--target", command->target, "cpu, cpu:NAME, sm_80, sm_90, …")->capture_default_str();
  addScheduleOption(*sub, command->schedule);
  sub->add_flag("--json", command->asJson,
                "Print one JSON object: recurrence, target, structure, schedule, tensors, values, element, "
                "bytes_per_element, operations_per_element, free_along, machine, bounds");
  command->options.declare(*sub);
  sub->callback([command, &action] {
    command->preparation = command->options.preparation();
    action = [command] { return explainModel(*command); };
  });
}
