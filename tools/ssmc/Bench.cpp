// ssmc bench: how long one call takes, compiled once, with arguments and results already in memory.

#include "codegen/binding/Binding.h"
#include "tools/NonNegative.h"
#include "tools/ssmc/Commands.h"
#include "tools/ssmc/Experiment.h"
#include "tools/ssmc/ModelOptions.h"
#include "tools/ssmc/Statistics.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/raw_ostream.h"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

using namespace mlir;
using namespace ssm;

namespace {
struct BenchCommand {
  std::string model;
  ModelOptions options;
  DeviceOptions device;
  double budget = 1;
  bool asJson = false;
  Preparation preparation;
  std::map<std::string, double> params;
};
} // namespace

static double median(const std::vector<double> &sorted) {
  const size_t middle = sorted.size() / 2;
  return sorted.size() % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

static nlohmann::ordered_json describe(const BenchCommand &command, RecurrenceOp recurrence, const Executor &executor,
                                       std::vector<double> seconds) {
  llvm::sort(seconds);
  nlohmann::ordered_json dims = nlohmann::ordered_json::object();
  for (auto dim : recurrence.getDims().getAsRange<DimAttr>())
    if (!dim.getLike())
      dims[dim.getName().getValue().str()] = *dim.getSize();
  return {{"model", recurrence.getSymName().str()},
          {"mode", command.device.mode},
          {"device", command.device.device},
          {"threads", command.device.threadCount()},
          {"schedule", executor.schedule()},
          {"dims", dims},
          {"median_s", median(seconds)},
          {"min_s", seconds.front()},
          {"max_s", seconds.back()},
          {"calls", seconds.size()}};
}

static void print(const nlohmann::ordered_json &result, bool asJson) {
  if (asJson) {
    llvm::outs() << result.dump() << "\n";
    return;
  }
  auto milliseconds = [&](const char *key) { return result[key].get<double>() * 1e3; };
  llvm::outs() << llvm::format("%.4f ms median of %zu calls (%.4f to %.4f)", milliseconds("median_s"),
                               result["calls"].get<size_t>(), milliseconds("min_s"), milliseconds("max_s"));
  llvm::outs() << " on " << result["device"].get<std::string>() << ", " << result["threads"].get<unsigned>()
               << " threads\n";
  if (const auto schedule = result["schedule"].get<std::string>(); !schedule.empty())
    llvm::outs() << "schedule: " << schedule << "\n";
}

static llvm::Expected<int> bench(BenchCommand &command) {
  Timing timing;
  if (llvm::Error error = checkDevice(command.device))
    return error;
  auto model = Model::load(command.model, command.options.libraryFolder, command.options.recurrence, timing);
  if (!model)
    return model.takeError();
  RecurrenceOp recurrence = model->recurrence();
  if (llvm::Error error = checkParams(recurrence, command.params))
    return error;
  if (llvm::Error error = packRows(recurrence, command.device.mode, {}, timing))
    return error;
  if (llvm::Error error = prepare(recurrence, command.preparation, timing))
    return error;
  if (llvm::Error error = requireSizes(recurrence))
    return error;
  auto arguments = timing.measure("make arguments", [&] { return randomArguments(recurrence, Values::AroundZero); });
  if (!arguments)
    return arguments.takeError();
  arguments->params = command.params;
  auto executor = makeExecutor(recurrence, command.device, timing);
  if (!executor)
    return executor.takeError();
  auto seconds = timing.measure("time calls", [&] { return (*executor)->time(*arguments, command.budget); });
  if (!seconds)
    return seconds.takeError();
  nlohmann::ordered_json result = describe(command, recurrence, **executor, std::move(*seconds));
  const RunStatistics *statistics = (*executor)->statistics();
  if (statistics && command.asJson)
    result["stats"] = describeStatistics(*statistics);
  print(result, command.asJson);
  if (statistics && !command.asJson)
    printStatistics(*statistics, llvm::outs());
  if (command.options.timing)
    timing.print();
  return Succeeded;
}

void ssm::addBenchCommand(CLI::App &app, Action &action) {
  auto command = std::make_shared<BenchCommand>();
  CLI::App *sub = app.add_subcommand("bench", "Time a description on random inputs");
  sub->add_option("MODEL", command->model, "A path to .ssm or .mlir, or a name in the library")->required();
  sub->add_option("--budget", command->budget, "Seconds of calls to time")->check(nonNegative())->capture_default_str();
  sub->add_flag("--json", command->asJson,
                "Print one JSON object: model, mode, device, threads, schedule, dims, median_s, min_s, "
                "max_s, calls; with --stats also stats");
  command->options.declare(*sub);
  command->device.declare(*sub);
  sub->callback([command, &action] {
    command->preparation = command->options.preparation();
    command->params = command->options.paramValues();
    action = [command] { return bench(*command); };
  });
}
