// ssm-launch: runs, checks and times bundles on machines that need have nothing but, for a GPU, its driver.

#include "runtime/Compare.h"
#include "tools/NonNegative.h"
#include "tools/ssm-launch/Job.h"
#include "tools/ssm-launch/Sweep.h"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <sstream>

using namespace ssm;
using json = nlohmann::ordered_json;

namespace {
enum Status { Succeeded = 0, WrongInput = 1, WrongCommand = 2, CheckFailed = 3, DeviceLost = 4 };

/// Options as they are written; JobOptions are what they mean.
struct Line {
  JobOptions job;
  std::vector<std::string> dims, parameters, ranges;
  double tolerance = -1;
};
} // namespace

template <typename Number> static bool parse(const std::string &text, Number &number) {
  std::istringstream stream(text);
  return stream >> number && stream.peek() == EOF;
}

/// NAME=VALUE,… into a map; `read` says whether a value is one.
template <typename Value, typename Read>
static void takePairs(const char *option, const std::vector<std::string> &pairs, std::map<std::string, Value> &values,
                      Read read) {
  for (const std::string &pair : pairs) {
    const size_t equals = pair.find('=');
    Value value{};
    if (equals == 0 || equals == std::string::npos || !read(pair.substr(equals + 1), value))
      throw CLI::ValidationError(option, "what is wanted of it is not " + pair);
    values[pair.substr(0, equals)] = value;
  }
}

static void declare(CLI::App &app, Line &line) {
  JobOptions &job = line.job;
  app.add_option("BUNDLE", job.bundle,
                 "A bundle that ssmc compile --emit bundle wrote, or the folder it was unpacked into");
  app.add_option("--in", job.in,
                 "safetensors file with the inputs by name and states before the first step as state.NAME, or a "
                 "reference case");
  app.add_option("--out", job.out, "safetensors file to write: outputs by name, final states as state.NAME");
  app.add_option("--check", job.checks,
                 "safetensors file with expected results, a reference case or what --out wrote; without --in, it has "
                 "the inputs too; may be given several times")
      ->allow_extra_args(false);
  app.add_option("--tolerance", line.tolerance,
                 "Largest error allowed, of the largest value, before rounding to the type")
      ->check(nonNegative());
  app.add_flag("--bench", job.bench, "Time single calls, on inputs that are drawn where there is no --in");
  app.add_option("--repeat", job.repetitions, "Calls to time")->check(CLI::Range(1, 10000))->capture_default_str();
  app.add_option("--dim", line.dims, "NAME=SIZE,…: sizes that no file tells")->delimiter(',')->allow_extra_args(false);
  app.add_option("--param", line.parameters, "NAME=NUMBER,…: values of parameters")
      ->delimiter(',')
      ->allow_extra_args(false);
  app.add_option("--range", line.ranges, "NAME=LOW:HIGH,…: where an input is drawn from (default: -0.5:0.5)")
      ->delimiter(',')
      ->allow_extra_args(false);
  app.add_option("--seed", job.seed, "Of the inputs that are drawn")->capture_default_str();
  app.add_option("--mode", job.mode, "Which of the bundle's modes")->capture_default_str();
  app.add_option(
      "--dtype", job.dtype,
      "Which of the mode's functions, where they are for several types, as ssmc's --dtype had it (default: the "
      "first)");
  app.add_option("--code", job.code, "Take cubins or PTX alone")->check(CLI::IsMember({"cubin", "ptx"}));
  app.add_option("--strides", job.strides, "How tensors lie in memory: dense, or with gaps and no stride of 1")
      ->check(CLI::IsMember({"unit", "any"}))
      ->capture_default_str();
  app.add_option("--name", job.name, "What the report calls this run (default: the bundle)");
  app.add_flag("--info", job.info, "Print the bundle's manifest; needs no device");
}

/// Throws CLI::ValidationError where a value is none.
static JobOptions meaningOf(Line line) {
  JobOptions &job = line.job;
  takePairs("--dim", line.dims, job.dims, [](const std::string &text, int64_t &size) { return parse(text, size); });
  takePairs("--param", line.parameters, job.parameters,
            [](const std::string &text, double &number) { return parse(text, number); });
  takePairs("--range", line.ranges, job.ranges, [](const std::string &text, Range &range) {
    const size_t colon = text.find(':');
    return colon != std::string::npos && parse(text.substr(0, colon), range.low) &&
           parse(text.substr(colon + 1), range.high) && range.low <= range.high;
  });
  if (line.tolerance >= 0)
    job.tolerance = line.tolerance;
  if (job.bundle.empty())
    throw CLI::RequiredError("BUNDLE");
  return line.job;
}

static std::string checksText(const json &report) {
  std::string text;
  for (const json &check : report.value("checks", json::array())) {
    const bool isNumber = check["error"].is_number();
    text += "  " + check["tensor"].get<std::string>() + " " +
            (isNumber ? errorText(check["error"].get<double>()) : "NaN") + " (bound " +
            errorText(check["bound"].get<double>()) + ")";
  }
  if (!report.value("repeatable", true))
    text += "  a second call gave other bits";
  if (!report.value("tidy", true))
    text += "  memory that is not its own was written";
  return text;
}

static std::string benchText(const json &bench) {
  char text[256];
  const json &kernel = bench["kernel"], &copy = bench["copy"];
  std::snprintf(text, sizeof text, "  %.4f ms (%.4f to %.4f), %.0f GB/s; a copy of as many bytes %.4f ms",
                kernel["median_ms"].get<double>(), kernel["min_ms"].get<double>(), kernel["max_ms"].get<double>(),
                bench["bytes"].get<double>() / kernel["median_ms"].get<double>() * 1e-6,
                copy["median_ms"].get<double>());
  std::string clock = !bench.contains("no_clock") && !kernel.contains("sm_clock_mhz") ? ""
                      : kernel.contains("sm_clock_mhz")
                          ? "; clock " + std::to_string(kernel["sm_clock_mhz"][0].get<unsigned>()) + " to " +
                                std::to_string(kernel["sm_clock_mhz"][1].get<unsigned>()) + " MHz"
                          : "; clock not read";
  return text + clock;
}

static void print(const json &report, bool asJson) {
  std::string text = report.dump(-1, ' ', false, json::error_handler_t::replace);
  if (report.contains("manifest") && !asJson)
    text = report["manifest"].dump(1);
  else if (!asJson)
    text = (report.contains("error")        ? "FAILED  "
            : !report.value("passed", true) ? "FAILED  "
            : report.contains("passed")     ? "passed  "
                                            : "timed   ") +
           report["job"].get<std::string>() +
           (report.contains("error") ? ": error: " + report["error"].get<std::string>() : checksText(report)) +
           (report.contains("bench") ? benchText(report["bench"]) : "") +
           (report.contains("device") ? "  on " + report["device"].get<std::string>() : "");
  std::cout << text << std::endl;
}

/// `cpu`, `cuda` or `cuda:N`; gives what is wrong with it.
static std::string takeDevice(const std::string &text, Session &session) {
  const bool isGpu = text == "cuda" || (text.rfind("cuda:", 0) == 0 && parse(text.substr(5), session.ordinal));
  if (text != "cpu" && (!isGpu || session.ordinal < 0))
    return "expected cpu, cuda or cuda:N, found '" + text + "'";
  session.where = isGpu ? Session::Where::Gpu : Session::Where::Processor;
  return "";
}

/// Runs one job and reports it.
static Status runAndPrint(const JobOptions &options, Session &session, bool asJson, bool isListed) {
  Result<json> report = runJob(options, session);
  if (report) {
    print(*report, asJson);
    return report->value("passed", true) ? Succeeded : CheckFailed;
  }
  if (isListed || asJson)
    print({{"job", options.name.empty() ? options.bundle : options.name}, {"error", report.error()}, {"passed", false}},
          asJson);
  if (!isListed)
    std::cerr << "error: " << report.error() << "\n";
  return session.isLost() ? DeviceLost : WrongInput;
}

/// One job a line, as they come. The worst status counts; without the device nothing goes on.
static Status runList(std::istream &list, Session &session, bool asJson) {
  Status worst = Succeeded;
  size_t passed = 0, failed = 0;
  for (std::string text; worst != DeviceLost && std::getline(list, text);) {
    std::istringstream words(text);
    std::vector<std::string> arguments{std::istream_iterator<std::string>(words), {}};
    if (arguments.empty() || arguments.front()[0] == '#')
      continue;
    // CLI11 takes them from the back.
    std::reverse(arguments.begin(), arguments.end());
    Line line;
    CLI::App app;
    declare(app, line);
    Status status;
    try {
      app.parse(arguments);
      status = runAndPrint(meaningOf(line), session, asJson, /*isListed=*/true);
    } catch (const CLI::ParseError &error) {
      print({{"job", text}, {"error", std::string(error.what())}, {"passed", false}}, asJson);
      status = WrongCommand;
    }
    ++(status == Succeeded ? passed : failed);
    worst = std::max(worst, status);
  }
  if (!asJson)
    std::cout << passed << " passed, " << failed << " failed" << std::endl;
  return worst;
}

/// Times a folder of bundles, and prints one object.
static Status sweepAndPrint(const std::string &folder, const JobOptions &options, Session &session) {
  Result<json> results = runSweep(folder, options, session);
  if (results) {
    std::cout << results->dump(1, ' ', false, json::error_handler_t::replace) << std::endl;
    return Succeeded;
  }
  std::cerr << "error: " << results.error() << "\n";
  return session.isLost() ? DeviceLost : WrongInput;
}

int main(int argc, char **argv) {
  CLI::App app("Runs, checks and times kernels from bundles", "ssm-launch");
  Line line;
  Session session;
  std::string list, sweep, device;
  bool asJson = false;
  declare(app, line);
  app.add_option("--list", list, "File with the arguments of one run a line, or - for standard input");
  app.add_option(
      "--sweep", sweep,
      "Folder that ssmc explore --export wrote: times all its bundles, and prints what ssmc explore --import "
      "takes");
  app.add_option("--device", device,
                 "Where to run: cpu, cuda, or cuda:N for GPU number N (default: cuda where the bundle is for GPUs and "
                 "there is one, else cpu)")
      ->check(CLI::Validator([&](std::string &text) { return takeDevice(text, session); }, ""));
  app.add_option("--threads", session.threads, "Threads of the processor for a call; 0 for one a core")
      ->check(CLI::Range(0u, 4096u))
      ->capture_default_str();
  app.add_flag("--json", asJson, "Print one JSON object a run (docs/bundles.md)");
  try {
    app.parse(argc, argv);
    if (!sweep.empty())
      return sweepAndPrint(sweep, line.job, session);
    if (list.empty())
      return runAndPrint(meaningOf(line), session, asJson, /*isListed=*/false);
  } catch (const CLI::ParseError &error) {
    const int status = app.exit(error);
    return status == 0 ? Succeeded : WrongCommand;
  }
  if (list == "-")
    return runList(std::cin, session, asJson);
  std::ifstream file(list);
  if (!file) {
    std::cerr << "error: " << list << " cannot be read\n";
    return WrongInput;
  }
  return runList(file, session, asJson);
}
