// Runs a recurrence through the runtime, as a program would that was given its bundle.

#include "tools/ssmc/BundleExecutor.h"
#include "codegen/bundle/BundleWriter.h"
#include "tools/ssm-launch/Arena.h"
#include "tools/ssm-launch/Gpu.h"

#include <algorithm>

using namespace mlir;
using namespace ssm;
using Role = Manifest::Role;

namespace {
llvm::Error asError(const Problem &problem) { return llvm::createStringError("--device cuda: " + problem.message); }

struct CloseBundle {
  void operator()(ssm_bundle *bundle) const { ssm_close(bundle); }
};

class BundleExecutor : public Executor {
public:
  BundleExecutor(std::unique_ptr<Hardware> hardware, std::string schedule, Timing &timing)
      : hardware(std::move(hardware)), full(std::move(schedule)), timing(timing) {}

  llvm::Error open(ArchiveFiles files) {
    Result<Bundle> content = makeBundle(std::move(files));
    if (!content)
      return asError(content.problem());
    bundle.reset(adoptBundle(std::move(*content)));
    ssm_error error;
    if (ssm_prepare(bundle.get(), hardware->device(), &error))
      return asError(Problem{error.message});
    function = ssm_find(bundle.get(), nullptr, 0);
    return llvm::Error::success();
  }

  std::string schedule() const override { return full; }

  llvm::Expected<RunResults> run(const RunArguments &arguments) override {
    auto arena = place(arguments);
    if (!arena)
      return arena.takeError();
    std::optional<Problem> problem = timing.measure("run on the GPU", [&]() -> std::optional<Problem> {
      if (std::optional<Problem> launched = (*arena)->launch())
        return launched;
      return (*arena)->fetch();
    });
    if (problem)
      return asError(*problem);
    RunResults results;
    const std::vector<Manifest::Tensor> &tensors = function->manifest().tensors;
    for (size_t number = 0; number < tensors.size(); ++number)
      if (std::optional<Tensor> result = (*arena)->result(number))
        (tensors[number].role == Role::Output ? results.outputs : results.states)
            .emplace(tensors[number].name, *result);
    return results;
  }

  llvm::Expected<std::vector<double>> time(const RunArguments &arguments, double budget) override {
    auto arena = place(arguments);
    if (!arena)
      return arena.takeError();
    Result<std::unique_ptr<Stopwatch>> stopwatch = hardware->makeStopwatch();
    if (!stopwatch)
      return asError(stopwatch.problem());
    constexpr unsigned fewest = 3, most = 1000;
    std::vector<double> seconds;
    for (unsigned count = fewest; count > 0;) {
      Result<Measurement> measured = (*stopwatch)->measure(count, [&] { return (*arena)->launch(); });
      if (!measured)
        return asError(measured.problem());
      // The first few say how many fit.
      const double one = measured->median() * 1e-3;
      const bool isFirst = seconds.empty();
      for (double milliseconds : measured->milliseconds)
        seconds.push_back(milliseconds * 1e-3);
      count = isFirst ? static_cast<unsigned>(std::clamp(budget / std::max(one, 1e-9), 0.0, double(most - fewest))) : 0;
    }
    return seconds;
  }

private:
  llvm::Expected<std::unique_ptr<Arena>> place(const RunArguments &arguments) {
    std::map<std::string, Tensor> given;
    for (const auto *tensors : {&arguments.inputs, &arguments.rows})
      for (const auto &[name, tensor] : *tensors)
        given.emplace("input " + name, tensor);
    for (const auto &[name, tensor] : arguments.states)
      given.emplace("initial_state " + name, tensor);
    Result<CallArguments> bound = bindArguments(function->manifest(), std::move(given), arguments.sizes);
    if (!bound)
      return asError(bound.problem());
    std::vector<double> parameters;
    for (const Manifest::Parameter &parameter : function->manifest().parameters) {
      auto it = arguments.params.find(parameter.name);
      parameters.push_back(it == arguments.params.end() ? parameter.byDefault : it->second);
    }
    Result<std::unique_ptr<Arena>> arena =
        Arena::make(*hardware, *function, *bound, parameters, Layout::Dense, /*withStates=*/true);
    if (!arena)
      return asError(arena.problem());
    return std::move(*arena);
  }

  std::unique_ptr<Hardware> hardware;
  std::string full;
  Timing &timing;
  std::unique_ptr<ssm_bundle, CloseBundle> bundle;
  const ssm_function *function = nullptr;
};

/// The newest architecture that ssmc compiles for and the device runs.
llvm::Expected<CompileTarget> targetFor(unsigned capability) {
  constexpr unsigned oldest = 80;
  for (unsigned number = capability; number >= oldest; --number) {
    auto target = parseTarget("sm_" + std::to_string(number));
    if (target)
      return target;
    llvm::consumeError(target.takeError());
  }
  return llvm::createStringError("--device cuda: the device is of compute capability " + llvm::Twine(capability / 10) +
                                 "." + llvm::Twine(capability % 10) + "; ssmc compiles for 8.0 and later");
}
} // namespace

llvm::Error ssm::checkCuda() {
  Driver driver;
  ssm_error error;
  return Driver::open(driver, &error) ? asError(Problem{error.message}) : llvm::Error::success();
}

llvm::Expected<std::unique_ptr<Executor>> ssm::makeCudaExecutor(RecurrenceOp recurrence, const DeviceOptions &options,
                                                                Timing &timing) {
  Result<std::unique_ptr<Gpu>> gpu = Gpu::open(0);
  if (!gpu)
    return asError(gpu.problem());
  auto target = targetFor((*gpu)->capability());
  if (!target)
    return target.takeError();
  BundleOptions bundle;
  bundle.compiler = "ssmc";
  bundle.targets = {*target};
  bundle.schedule = options.schedule;
  bundle.anyStrides = false;
  auto written = timing.measure("compile", [&] { return compileBundle({{recurrence}}, bundle); });
  if (!written)
    return written.takeError();
  auto executor = std::make_unique<BundleExecutor>(std::move(*gpu), written->schedule, timing);
  if (llvm::Error error = executor->open(std::move(written->files)))
    return error;
  return executor;
}
