// ssmc run: tensors from a file through a recurrence, to a file.

#include "codegen/binding/RowArrays.h"
#include "runtime/Safetensors.h"
#include "tools/ssmc/Case.h"
#include "tools/ssmc/Commands.h"
#include "tools/ssmc/Device.h"
#include "tools/ssmc/ModelOptions.h"
#include "tools/ssmc/Statistics.h"
#include "llvm/ADT/StringExtras.h"

#include <CLI/CLI.hpp>

using namespace mlir;
using namespace ssm;

namespace {
struct RunCommand {
  std::string model, in, out;
  ModelOptions options;
  DeviceOptions device;
  Preparation preparation;
  std::map<std::string, double> params;
};
} // namespace

/// The arrays of rows that the file has, and rows as they ask for.
static llvm::Error packAsGiven(RecurrenceOp recurrence, const std::string &mode, GivenTensors &tensors,
                               Timing &timing) {
  tensors.rows = takeRowArrays(recurrence, tensors);
  auto arrays = describeRowArrays(tensors.rows);
  if (!arrays)
    return arrays.takeError();
  return packRows(recurrence, mode, *arrays, timing);
}

static llvm::Expected<int> run(RunCommand &command) {
  Timing timing;
  if (llvm::Error error = checkDevice(command.device))
    return error;
  auto model = Model::load(command.model, command.options.libraryFolder, command.options.recurrence, timing);
  if (!model)
    return model.takeError();
  auto file = timing.measure("read tensors", [&] { return readCase(command.in); });
  if (!file)
    return file.takeError();
  RecurrenceOp recurrence = model->recurrence();
  takeOptions(recurrence, *file, command.preparation, command.params);
  if (llvm::Error error = checkParams(recurrence, command.params))
    return error;
  GivenTensors &tensors = file->tensors;
  LaunchSizes sizes;
  if (llvm::Error error = packAsGiven(recurrence, command.device.mode, tensors, timing))
    return error;
  auto bound = bindTensors(recurrence, tensors, command.preparation.parameters, &sizes);
  if (!bound)
    return llvm::joinErrors(llvm::createStringError(command.in + " does not fit '" + recurrence.getSymName() + "':"),
                            bound.takeError());
  if (llvm::Error error = prepare(recurrence, {*bound, command.preparation.discretize}, timing))
    return error;
  if (llvm::Error error = requireSizes(recurrence, sizes))
    return error;
  auto executor = makeExecutor(recurrence, command.device, timing);
  if (!executor)
    return executor.takeError();
  auto results = (*executor)->run(
      {std::move(tensors.inputs), std::move(tensors.initialStates), command.params, sizes, std::move(tensors.rows)});
  if (!results)
    return results.takeError();

  convertToStored(recurrence, *results);
  Safetensors written;
  written.tensors = std::move(results->outputs);
  for (auto &[name, tensor] : results->states)
    written.tensors.emplace("state." + name, std::move(tensor));
  written.metadata["model"] = recurrence.getSymName().str();
  written.metadata["device"] = command.device.device;
  if (auto problem = timing.measure("write tensors", [&] { return writeSafetensors(command.out, written); }))
    return llvm::createStringError(problem->message);
  if (const RunStatistics *statistics = (*executor)->statistics())
    printStatistics(*statistics, llvm::outs());
  if (command.options.timing)
    timing.print();
  return Succeeded;
}

void ssm::addRunCommand(CLI::App &app, Action &action) {
  auto command = std::make_shared<RunCommand>();
  CLI::App *sub = app.add_subcommand("run", "Run a description on tensors from a file");
  sub->add_option("MODEL", command->model, "A path to .ssm or .mlir, or a name in the library")->required();
  sub->add_option(
         "--in", command->in,
         "safetensors file with the inputs by name, and states before the first step as state.NAME; complex ones have "
         "a last axis of 2; or a reference case, whose options hold where no others are given. With cu_seqlens, "
         "sequences are packed; slots_in, slots_out and slots_at are places in a pool of states, and has_state says "
         "which of them hold something")
      ->required();
  sub->add_option("--out", command->out, "safetensors file to write: outputs by name, final states as state.NAME")
      ->required();
  command->options.declare(*sub);
  command->device.declare(*sub);
  sub->callback([command, &action] {
    command->preparation = command->options.preparation();
    command->params = command->options.paramValues();
    action = [command] { return run(*command); };
  });
}
