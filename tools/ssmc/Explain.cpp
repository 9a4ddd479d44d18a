// ssmc explain: what the compiler proved of a description, and what a schedule makes of it.

#include "codegen/explain/Explain.h"
#include "codegen/lowering/ScheduleChoice.h"
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
  bool asJson = false, readsMachineCode = false;
};
} // namespace

/// `64-bit multiplies` as a key.
static std::string keyOf(llvm::StringRef name) {
  std::string key = name.str();
  std::replace_if(key.begin(), key.end(), [](char c) { return c == ' ' || c == '-'; }, '_');
  return key;
}

template <typename Number> static Json orNull(const std::optional<Number> &number) {
  return number ? Json(*number) : Json();
}

static Json toJson(const MachineKernel &kernel) {
  const KernelReport &report = kernel.report;
  Json json = {{"name", report.resources.kernel},
               {"threads", report.threads},
               {"registers", report.resources.registers},
               {"spill_stores", report.resources.spillStores},
               {"spill_loads", report.resources.spillLoads},
               {"shared_static", report.resources.sharedBytes},
               {"shared_dynamic", report.dynamicSharedBytes},
               {"stack", report.resources.stackBytes},
               {"resident_blocks", report.occupancy.blocks},
               {"resident_warps", report.occupancy.warps},
               {"limited_by", report.occupancy.limit.str()},
               {"blocks", orNull(report.blocks)},
               {"waves", orNull(report.waves)}};
  if (!kernel.steady)
    return json;
  Json counts = Json::object(), opcodes = Json::object(), bounds = Json::object();
  for (unsigned number = 0; number < numInstructionKinds; ++number)
    counts[keyOf(nameOf(static_cast<InstructionKind>(number)))] = kernel.perElement(kernel.steady->counts[number]);
  for (const auto &[opcode, count] : kernel.steady->opcodes)
    opcodes[opcode] = kernel.perElement(count);
  for (const PipeBound &bound : kernel.bounds)
    bounds[keyOf(bound.name)] = bound.clocks;
  json["steady_state"] = {{"instructions", kernel.steady->instructions},
                          {"steps", kernel.steady->steps},
                          {"unknown_loops", kernel.steady->unknownLoops},
                          {"elements_per_block_and_step", kernel.elementsPerStep},
                          {"issue_slots_per_element", kernel.perElement(kernel.steady->total())},
                          {"per_element", counts},
                          {"opcodes_per_element", opcodes},
                          {"scheduler_clocks_per_warp_of_elements", bounds},
                          {"bound", kernel.bounds.front().name},
                          {"seconds", orNull(kernel.seconds)}};
  return json;
}

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
  Json kernels;
  if (explanation.machineCode) {
    kernels = Json::array();
    for (const MachineKernel &kernel : explanation.machineCode->kernels)
      kernels.push_back(toJson(kernel));
  }
  Json operations = Json::object();
  for (const auto &[kind, count] : explanation.operations)
    operations[kind] = count;
  return {{"recurrence", explanation.recurrence},
          {"target", explanation.target},
          {"structure", states},
          {"schedule", explanation.schedule},
          {"schedule_reasons", explanation.reasons},
          {"tensors", tensors},
          {"values", values},
          {"element", explanation.element},
          {"bytes_per_element", explanation.bytesPerElement},
          {"operations_per_element", operations},
          {"free_along", explanation.sharedOver},
          {"machine", explanation.machine},
          {"bounds", bounds},
          {"kernels", kernels}};
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
  auto schedule = timing.measure("choose a schedule", [&] {
    return chooseSchedule(model->recurrence(), *target, target->machine.cores, command.schedule);
  });
  if (!schedule)
    return schedule.takeError();
  auto explanation = timing.measure(
      "explain", [&] { return explain(model->recurrence(), *target, schedule->schedule, command.readsMachineCode); });
  if (!explanation)
    return explanation.takeError();
  if (!schedule->reason.empty())
    explanation->reasons.push_back(schedule->reason);
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
  sub->add_flag(
      "--json", command->asJson,
      "Print one JSON object: recurrence, target, structure, schedule, schedule_reasons, tensors, values, element, "
      "bytes_per_element, operations_per_element, free_along, machine, bounds, kernels");
  sub->add_flag("--sass", command->readsMachineCode,
                "For a GPU: disassemble the kernels and count what their loops over time take an element");
  command->options.declare(*sub);
  sub->callback([command, &action] {
    command->preparation = command->options.preparation();
    action = [command] { return explainModel(*command); };
  });
}
