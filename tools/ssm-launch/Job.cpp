// One bundle: run, compared, timed.

#include "tools/ssm-launch/Job.h"
#include "runtime/Compare.h"
#include "runtime/Safetensors.h"
#include "tools/ssm-launch/Arena.h"
#include "tools/ssm-launch/Gpu.h"
#include "tools/ssm-launch/Host.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>

using namespace ssm;
using json = nlohmann::ordered_json;
using Role = Manifest::Role;

namespace {
struct CloseBundle {
  void operator()(ssm_bundle *bundle) const { ssm_close(bundle); }
};

class Job {
public:
  Job(const JobOptions &options, Session &session) : options(options), session(session) {}

  std::optional<Problem> run() {
    if (std::optional<Problem> problem = open())
      return problem;
    if (options.info)
      return std::nullopt;
    if (std::optional<Problem> problem = readArguments())
      return problem;
    if (std::optional<Problem> problem = prepare())
      return problem;
    if (!options.checks.empty() || !options.out.empty())
      if (std::optional<Problem> problem = runOnce())
        return problem;
    return options.bench ? measure() : std::nullopt;
  }

  json report;

private:
  std::optional<Problem> open();
  std::optional<Problem> readArguments();
  std::optional<Problem> readParameters();
  std::optional<Problem> drawInputs();
  std::optional<Problem> prepare();
  std::optional<Problem> openHardware();
  bool hasGpuCode() const;
  std::optional<Problem> runOnce();
  std::optional<Problem> measure();
  std::optional<Problem> compareWith(const std::string &path);
  std::optional<Problem> write();
  std::optional<Problem> describe(const Arena &arena);
  void fail() { report["passed"] = false; }
  const Manifest::Function &manifest() const { return function->manifest(); }

  const JobOptions &options;
  Session &session;
  std::unique_ptr<ssm_bundle, CloseBundle> bundle;
  const ssm_function *function = nullptr;
  OpenedHardware *on = nullptr;
  CallArguments arguments;
  std::vector<double> parameters;
  /// In the function's order.
  std::vector<std::optional<Tensor>> results;
};
} // namespace

std::optional<Problem> Job::open() {
  ssm_bundle *opened = nullptr;
  ssm_error error;
  if (openApi(options.bundle.c_str(), &opened, &error))
    return Problem{error.message};
  bundle.reset(opened);
  const Manifest &whole = bundle->content.manifest;
  report["model"] = whole.model;
  report["compiler"] = whole.compiler;
  if (options.info)
    report["manifest"] = json::parse(printManifest(whole));
  if (!ssm_find(opened, options.mode.c_str(), 0))
    return Problem{options.bundle + ": there is no mode " + printable(options.mode) + " in it"};
  function = ssm_find_dtype(opened, options.mode.c_str(), options.dtype.empty() ? nullptr : options.dtype.c_str());
  if (function) {
    report["dtype"] = ssm_dtype(function);
    return std::nullopt;
  }
  std::string known;
  for (int number = 0; const ssm_function *other = ssm_find(opened, options.mode.c_str(), number); ++number)
    known += (number ? ", " : "") + printable(ssm_dtype(other));
  return Problem{options.bundle + ": there are no types " + printable(options.dtype) + " in it; there are " + known};
}

std::optional<Problem> Job::readParameters() {
  for (const Manifest::Parameter &parameter : manifest().parameters)
    parameters.push_back(parameter.byDefault);
  for (const auto &[name, value] : options.parameters) {
    size_t number = 0;
    while (number < parameters.size() && manifest().parameters[number].name != name)
      ++number;
    if (number == parameters.size())
      return Problem{"the bundle has no parameter " + printable(name)};
    parameters[number] = value;
  }
  return std::nullopt;
}

std::optional<Problem> Job::drawInputs() {
  // All that the inputs depend on.
  json wanted = {{"seed", options.seed}, {"dims", options.dims}};
  for (const auto &[name, range] : options.ranges)
    wanted["ranges"][name] = {range.low, range.high};
  Manifest interface;
  interface.functions.push_back(manifest());
  interface.functions.back().programs.clear();
  wanted["interface"] = printManifest(interface);
  if (std::string text = wanted.dump(); session.drawnFor != text) {
    Result<CallArguments> drawn = drawArguments(manifest(), options.dims, options.ranges, options.seed);
    if (!drawn)
      return drawn.problem();
    session.drawn = std::move(*drawn);
    session.drawnFor = std::move(text);
  }
  arguments = session.drawn;
  return std::nullopt;
}

std::optional<Problem> Job::readArguments() {
  if (std::optional<Problem> problem = readParameters())
    return problem;
  std::string path = options.in;
  if (path.empty() && !options.checks.empty())
    path = options.checks.front();
  if (path.empty()) {
    if (options.bench)
      return drawInputs();
    return Problem{"there is nothing to do: give --in and --out, --check or --bench"};
  }
  Result<Safetensors> file = readSafetensors(path);
  if (!file)
    return file.problem();
  Result<CallArguments> bound = bindArguments(manifest(), argumentsOf(file->tensors), options.dims);
  if (!bound)
    return Problem{path + ": " + bound.error()};
  arguments = std::move(*bound);
  return std::nullopt;
}

bool Job::hasGpuCode() const {
  const std::vector<Manifest::Program> &programs = manifest().programs;
  return !std::all_of(programs.begin(), programs.end(), isForProcessor);
}

/// The GPU where it is asked for, or where there is one that the bundle may be for; else the processor.
std::optional<Problem> Job::openHardware() {
  using Where = Session::Where;
  const bool isTried =
      session.where == Where::Gpu || (session.where == Where::Anywhere && hasGpuCode() && session.withoutGpu.empty());
  if (isTried && !session.gpu.hardware) {
    Result<std::unique_ptr<Gpu>> opened = Gpu::open(session.ordinal);
    if (opened)
      session.gpu.hardware = std::move(*opened);
    else if (session.where == Where::Gpu)
      return opened.problem();
    else
      session.withoutGpu = opened.error();
  }
  if (isTried && session.gpu.hardware) {
    on = &session.gpu;
    return std::nullopt;
  }
  on = &session.processor;
  if (!on->hardware)
    on->hardware = std::make_unique<Host>(session.threads);
  return std::nullopt;
}

std::optional<Problem> Job::prepare() {
  if (std::optional<Problem> problem = openHardware())
    return problem;
  report["device"] = on->hardware->describe();
  ssm_error error;
  if (prepareApi(bundle.get(), on->hardware->device(), session.threads, options.code, &error) == SSM_OK)
    return std::nullopt;
  const bool isSecondChoice = on == &session.processor && hasGpuCode() && !session.withoutGpu.empty();
  return Problem{(isSecondChoice ? session.withoutGpu + "; " : "") + error.message};
}

std::optional<Problem> Job::describe(const Arena &arena) {
  Result<LoadedChoice> choice = arena.choice();
  if (!choice)
    return choice.problem();
  report["target"] = choice->program->target;
  report["schedule"] = choice->program->schedule;
  report["unit_strides"] = choice->program->unitStrides;
  report["code"] = choice->loaded->kind;
  report["kernels"] = json::array();
  for (size_t number = 0; number < choice->program->kernels.size(); ++number) {
    const LoadedKernel &kernel = choice->loaded->kernels[number];
    report["kernels"].push_back({{"entry", choice->program->kernels[number].entry}});
    if (on == &session.gpu)
      report["kernels"].back().update(
          {{"registers", kernel.registers}, {"local_bytes", kernel.localBytes}, {"shared_bytes", kernel.sharedBytes}});
  }
  return std::nullopt;
}

std::optional<Problem> Job::runOnce() {
  report["passed"] = true;
  const Layout layout = options.strides == "any" ? Layout::Scattered : Layout::Dense;
  Result<std::unique_ptr<Arena>> arena = Arena::make(*on->hardware, *function, arguments, parameters, layout, true);
  if (!arena)
    return arena.problem();
  if (std::optional<Problem> problem = describe(**arena))
    return problem;
  // Twice: the same inputs have to give the same bits, and what the first call leaves in the workspace must not matter.
  for (bool isFirst : {true, false}) {
    if (std::optional<Problem> problem = (*arena)->reset())
      return problem;
    if (std::optional<Problem> problem = (*arena)->launch())
      return problem;
    if (std::optional<Problem> problem = (*arena)->fetch())
      return problem;
    std::vector<std::optional<Tensor>> fetched;
    for (size_t number = 0; number < manifest().tensors.size(); ++number)
      fetched.push_back((*arena)->result(number));
    bool isSame = true;
    for (size_t number = 0; !isFirst && number < fetched.size(); ++number)
      isSame &= !fetched[number] ||
                std::memcmp(fetched[number]->data(), results[number]->data(), fetched[number]->numBytes()) == 0;
    results = std::move(fetched);
    report["repeatable"] = isSame;
    report["tidy"] = (*arena)->isTidy();
    if (!isSame || !report["tidy"].get<bool>())
      fail();
  }
  report["checks"] = json::array();
  for (const std::string &path : options.checks)
    if (std::optional<Problem> problem = compareWith(path))
      return problem;
  return options.out.empty() ? std::nullopt : write();
}

/// What a reference allows, of the largest value, before results are rounded to their types: the emulated device
/// computes as a GPU does, but for special functions' last bits; float32 has an error of its own that a case may tell.
static Result<double> toleranceOf(const Safetensors &reference) {
  auto device = reference.metadata.find("device"), own = reference.metadata.find("f32_seq_rel_err");
  if (device != reference.metadata.end() && device->second == "emulate")
    return 1e-5;
  const double error = own == reference.metadata.end() ? 0 : std::strtod(own->second.c_str(), nullptr);
  if (!(error >= 0) || !std::isfinite(error))
    return Problem{"the metadata's f32_seq_rel_err is no error"};
  return std::max(2e-5, 4 * error);
}

/// Rounding to the type costs half a unit in the last place, of values near the largest.
static double roundingOf(DType type) { return type == DType::BF16 ? 4.5e-3 : type == DType::F16 ? 6e-4 : 0; }

std::optional<Problem> Job::compareWith(const std::string &path) {
  Result<Safetensors> reference = readSafetensors(path);
  if (!reference)
    return reference.problem();
  Result<double> tolerance = toleranceOf(*reference);
  if (!tolerance)
    return Problem{path + ": " + tolerance.error()};
  std::map<std::string, Tensor> expected = resultsOf(reference->tensors);
  if (expected.empty())
    return Problem{path + ": there is nothing in it to compare with"};
  for (size_t number = 0; number < results.size(); ++number) {
    const Manifest::Tensor &tensor = manifest().tensors[number];
    auto it = expected.find(std::string(roleName(tensor.role)) + " " + tensor.name);
    if (!results[number] || it == expected.end())
      continue;
    const double bound = std::max(options.tolerance.value_or(*tolerance), roundingOf(tensor.dtype));
    Result<double> error = relativeError(*results[number], it->second);
    if (!error)
      return Problem{path + ": '" + fileName(tensor) + "': " + error.error()};
    // JSON has no NaN.
    report["checks"].push_back({{"reference", path},
                                {"tensor", fileName(tensor)},
                                {"error", std::isnan(*error) ? json("NaN") : json(*error)},
                                {"bound", bound}});
    if (!(*error <= bound))
      fail();
    expected.erase(it);
  }
  if (!expected.empty())
    return Problem{path + ": the bundle gives no " + printable(expected.begin()->first)};
  return std::nullopt;
}

std::optional<Problem> Job::write() {
  Safetensors file;
  for (size_t number = 0; number < results.size(); ++number)
    if (results[number])
      file.tensors.emplace(fileName(manifest().tensors[number]), *results[number]);
  file.metadata["model"] = report["model"];
  file.metadata["device"] = on->hardware->kind();
  return writeSafetensors(options.out, file);
}

static json describe(const Measurement &times) {
  json result = {{"median_ms", times.median()},
                 {"min_ms", times.least()},
                 {"max_ms", times.most()},
                 {"calls", times.milliseconds.size()}};
  if (!times.clocks.empty()) {
    auto [least, most] = std::minmax_element(times.clocks.begin(), times.clocks.end());
    result["sm_clock_mhz"] = {*least, *most};
  }
  result["ms"] = times.milliseconds;
  return result;
}

std::optional<Problem> Job::measure() {
  if (!on->stopwatch) {
    Result<std::unique_ptr<Stopwatch>> made = on->hardware->makeStopwatch();
    if (!made)
      return made.problem();
    on->stopwatch = std::move(*made);
  }
  const Layout layout = options.strides == "any" ? Layout::Scattered : Layout::Dense;
  Result<std::unique_ptr<Arena>> arena = Arena::make(*on->hardware, *function, arguments, parameters, layout, false);
  if (!arena)
    return arena.problem();
  if (std::optional<Problem> problem = describe(**arena))
    return problem;
  Result<Measurement> times = on->stopwatch->measure(options.repetitions, [&] { return (*arena)->launch(); });
  if (!times)
    return times.problem();
  Result<Measurement> copy = on->stopwatch->measureCopy(options.repetitions, (*arena)->bytes());
  if (!copy)
    return copy.problem();
  json sizes;
  for (size_t dim = 0; dim < manifest().dims.size(); ++dim)
    sizes[manifest().dims[dim].name] = arguments.sizes[dim];
  json bench = {{"dims", sizes}, {"bytes", (*arena)->bytes()}};
  bench["kernel"] = ::describe(*times);
  bench["copy"] = ::describe(*copy);
  if (std::string absence = on->stopwatch->clockAbsence(); !absence.empty())
    bench["no_clock"] = absence;
  report["bench"] = std::move(bench);
  return std::nullopt;
}

Result<json> ssm::runJob(const JobOptions &options, Session &session) {
  Job job(options, session);
  job.report["job"] = options.name.empty() ? options.bundle : options.name;
  if (std::optional<Problem> problem = job.run())
    return *problem;
  return std::move(job.report);
}
