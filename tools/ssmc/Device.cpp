#include "tools/ssmc/Device.h"
#include "codegen/binding/Binding.h"
#include "codegen/cpu/CpuKernel.h"
#include "codegen/emulator/EmulatedKernel.h"
#include "codegen/interpreter/RowInterpreter.h"
#include "codegen/lowering/ScheduleChoice.h"
#include "tools/ssmc/BundleExecutor.h"
#include "tools/ssmc/KernelCall.h"
#include "tools/ssmc/ScheduleOption.h"

#include "llvm/ADT/StringExtras.h"

#include <CLI/CLI.hpp>
#include <chrono>
#include <thread>

using namespace mlir;
using namespace ssm;

void DeviceOptions::declare(CLI::App &app) {
  app.add_option("--device", device, "Where to run: the float64 interpreter, the processor, an emulated or a real GPU")
      ->check(CLI::IsMember({"interpret", "cpu", "emulate", "cuda"}))
      ->capture_default_str();
  app.add_option("--mode", mode, "What to run")
      ->check(CLI::IsMember({"forward", "step", "backward", "conv"}))
      ->capture_default_str();
  addScheduleOption(app, schedule);
  app.add_option("--threads", threads, "Threads of the processor to use; 0 for all")->capture_default_str();
  app.add_option(
         "--seed", seed,
         "Order in which the emulated device starts blocks and goes on with threads; 0 for that of their numbers")
      ->capture_default_str();
  app.add_option("--blocks", blocks, "Blocks on the emulated device at a time")
      ->check(CLI::Range(1u, 65536u))
      ->capture_default_str();
  app.add_flag("--no-access-checks", noAccessChecks,
               "The emulated device does not look for races, accesses out of bounds and the like");
  app.add_flag("--stats", stats, "Print what kernels do on the emulated device: requests, conflicts, operations");
}

DeviceOptions DeviceOptions::interpreter() {
  DeviceOptions options;
  options.device = "interpret";
  return options;
}

unsigned DeviceOptions::threadCount() const {
  if (device != "cpu")
    return 1;
  return threads ? threads : std::max(1u, std::thread::hardware_concurrency());
}

/// Times `call` as Executor::time says.
static llvm::Expected<std::vector<double>> timeCalls(double budget, llvm::function_ref<llvm::Error()> call) {
  using Clock = std::chrono::steady_clock;
  if (llvm::Error error = call())
    return error;
  std::vector<double> seconds;
  double sum = 0;
  while (seconds.size() < 3 || (sum < budget && seconds.size() < 1000)) {
    const Clock::time_point start = Clock::now();
    if (llvm::Error error = call())
      return error;
    seconds.push_back(std::chrono::duration<double>(Clock::now() - start).count());
    sum += seconds.back();
  }
  return seconds;
}

//===----------------------------------------------------------------------===//
// The interpreter
//===----------------------------------------------------------------------===//

namespace {
class InterpreterExecutor : public Executor {
public:
  InterpreterExecutor(RecurrenceOp recurrence, Timing &timing) : recurrence(recurrence), timing(timing) {}

  llvm::Expected<RunResults> run(const RunArguments &arguments) override {
    InterpreterArguments passed;
    passed.inputs = arguments.inputs;
    passed.states = arguments.states;
    passed.params = arguments.params;
    passed.sizes = arguments.sizes;
    auto results = timing.measure("interpret", [&] {
      return RowPlan(recurrence) ? interpretRows(recurrence, withRows(std::move(passed), arguments))
                                 : interpret(recurrence, passed);
    });
    if (!results)
      return results.takeError();
    return RunResults{std::move(results->outputs), std::move(results->states)};
  }

  llvm::Expected<std::vector<double>> time(const RunArguments &arguments, double budget) override {
    return timeCalls(budget, [&] { return run(arguments).takeError(); });
  }

private:
  RowArguments withRows(InterpreterArguments passed, const RunArguments &arguments) {
    for (auto dim : recurrence.getDims().getAsRange<DimAttr>())
      if (std::optional<int64_t> size = recurrence.sizeOf(dim.getName()); size && !dim.getLike())
        passed.sizes.try_emplace(dim.getName().getValue().str(), *size);
    return {std::move(passed), arguments.rows};
  }

  RecurrenceOp recurrence;
  Timing &timing;
};
} // namespace

//===----------------------------------------------------------------------===//
// Compiled kernels
//===----------------------------------------------------------------------===//

namespace {
class KernelExecutor : public Executor {
public:
  using Call = std::function<llvm::Error(const KernelArguments &)>;

  KernelExecutor(RecurrenceOp recurrence, std::string schedule, const char *phase, Call call, Timing &timing)
      : recurrence(recurrence), full(std::move(schedule)), phase(phase), call(std::move(call)), timing(timing) {}

  std::string schedule() const override { return full; }
  const RunStatistics *statistics() const override { return counted; }
  /// The call's, which lives as long.
  const RunStatistics *counted = nullptr;

  llvm::Expected<RunResults> run(const RunArguments &arguments) override {
    auto passed = kernelArguments(recurrence, arguments);
    if (!passed)
      return passed.takeError();
    if (llvm::Error error = timing.measure(phase, [&] { return call(*passed); }))
      return error;
    return RunResults{std::move(passed->outputs), std::move(passed->finalStates)};
  }

  llvm::Expected<std::vector<double>> time(const RunArguments &arguments, double budget) override {
    auto passed = kernelArguments(recurrence, arguments);
    if (!passed)
      return passed.takeError();
    return timeCalls(budget, [&] { return call(*passed); });
  }

private:
  RecurrenceOp recurrence;
  std::string full;
  const char *phase;
  Call call;
  Timing &timing;
};
} // namespace

static llvm::Expected<std::unique_ptr<Executor>> makeCpuExecutor(RecurrenceOp recurrence, const DeviceOptions &options,
                                                                 Timing &timing) {
  auto target = parseTarget("cpu");
  if (!target)
    return target.takeError();
  auto schedule = timing.measure("choose a schedule", [&] {
    return chooseSchedule(recurrence, *target, options.threadCount(), options.schedule);
  });
  if (!schedule)
    return schedule.takeError();
  auto kernel = compileForCpu(recurrence, schedule->schedule, options.threadCount());
  if (!kernel)
    return kernel.takeError();
  const CpuCompileTimes &times = (*kernel)->times();
  timing.add("passes", times.passes);
  timing.add("optimize", times.optimize);
  timing.add("generate code", times.codegen);
  std::shared_ptr<CpuKernel> shared = std::move(*kernel);
  return std::make_unique<KernelExecutor>(
      recurrence, shared->schedule(), "run on the processor",
      [shared, threads = options.threads](const KernelArguments &arguments) { return shared->run(arguments, threads); },
      timing);
}

static llvm::Expected<std::unique_ptr<Executor>> makeEmulatedExecutor(RecurrenceOp recurrence,
                                                                      const DeviceOptions &options, Timing &timing) {
  EmulatorOptions emulator;
  emulator.residentBlocks = options.blocks;
  emulator.checkAccesses = !options.noAccessChecks;
  emulator.statistics = options.stats;
  auto target = parseTarget(emulator.target);
  if (!target)
    return target.takeError();
  auto schedule =
      timing.measure("choose a schedule", [&] { return chooseSchedule(recurrence, *target, 1, options.schedule); });
  if (!schedule)
    return schedule.takeError();
  auto kernel = timing.measure("compile", [&] { return compileForEmulator(recurrence, schedule->schedule, emulator); });
  if (!kernel)
    return kernel.takeError();
  std::shared_ptr<EmulatedKernel> shared = std::move(*kernel);
  auto executor = std::make_unique<KernelExecutor>(
      recurrence, shared->schedule(), "run on the emulated device",
      [shared, seed = options.seed](const KernelArguments &arguments) { return shared->run(arguments, seed); }, timing);
  if (options.stats)
    executor->counted = &shared->statistics();
  return executor;
}

//===----------------------------------------------------------------------===//
// Any of them
//===----------------------------------------------------------------------===//

llvm::Error ssm::checkDevice(const DeviceOptions &options) {
  if (options.mode != "forward" && options.mode != "step")
    return llvm::createStringError("--mode " + options.mode + ": no pass makes this mode; forward and step are there");
  if (options.device == "cuda")
    if (llvm::Error error = checkCuda())
      return error;
  if (options.device != "emulate" && options.seed)
    return llvm::createStringError("--seed: the order of threads is the emulated device's alone (--device emulate)");
  if (options.device != "emulate" &&
      (options.blocks != DeviceOptions().blocks || options.noAccessChecks || options.stats))
    return llvm::createStringError(
        "--blocks, --no-access-checks and --stats are the emulated device's alone (--device emulate)");
  if (options.device == "interpret" && options.schedule != "auto")
    return llvm::createStringError("--schedule: the interpreter takes none, it goes one step after another");
  return llvm::Error::success();
}

llvm::Error ssm::checkParams(RecurrenceOp recurrence, const std::map<std::string, double> &params) {
  std::vector<std::string> names;
  for (auto param : recurrence.getBody().front().getOps<ParamOp>())
    names.push_back(param.getName().str());
  for (const auto &[name, value] : params)
    if (!llvm::is_contained(names, name))
      return llvm::createStringError("--param: '" + recurrence.getSymName() + "' has no parameter '" + name +
                                     "'; it has " + (names.empty() ? "none" : llvm::join(names, ", ")));
  return llvm::Error::success();
}

llvm::Expected<std::unique_ptr<Executor>> ssm::makeExecutor(RecurrenceOp recurrence, const DeviceOptions &options,
                                                            Timing &timing) {
  if (llvm::Error error = checkDevice(options))
    return error;
  if (options.device == "cpu")
    return makeCpuExecutor(recurrence, options, timing);
  if (options.device == "emulate")
    return makeEmulatedExecutor(recurrence, options, timing);
  if (options.device == "cuda")
    return makeCudaExecutor(recurrence, options, timing);
  return std::make_unique<InterpreterExecutor>(recurrence, timing);
}

void ssm::convertToStored(RecurrenceOp recurrence, RunResults &results) {
  for (auto output : recurrence.getBody().front().getOps<OutputOp>())
    if (auto it = results.outputs.find(output.getName().str()); it != results.outputs.end() && output.getStored())
      it->second = it->second.convert(dtypeOf(*output.getStored()));
  for (const State &state : getStates(recurrence))
    if (auto it = results.states.find(state.name.str()); it != results.states.end() && state.stored)
      it->second = it->second.convert(dtypeOf(state.stored));
}
