// ssm-sm-model: predicts the time of a bundle's kernels on an H100 from their machine code, without one.

#include "bench/sm-model/Prediction.h"

#include <CLI/CLI.hpp>
#include <cmath>
#include <cstdio>
#include <iostream>
#include <nlohmann/json.hpp>
#include <sstream>

using namespace ssm;
using namespace ssm::sm;
using json = nlohmann::ordered_json;

/// What every answer says of itself.
static constexpr const char *provenance = "a model, no measurement: calibrated on Mamba-1 in "
                                          "bench/results/2026-11-27-h100-schedules.txt, where it is 2 to 6 % "
                                          "off on average (docs/sm-model.md)";

namespace {
struct Line {
  PredictionRequest request;
  std::string bundle;
  std::vector<std::string> dims, settings;
  bool isJson = false, showsParameters = false;
};
} // namespace

/// NAME=NUMBER, or a wrong command line.
static std::pair<std::string, double> parsePair(const char *option, const std::string &text) {
  size_t equals = text.find('=');
  double value = 0;
  std::istringstream number(equals == std::string::npos ? "" : text.substr(equals + 1));
  if (equals == 0 || !(number >> value) || number.peek() != EOF || !std::isfinite(value) || value < 0)
    throw CLI::ValidationError(option, "what is wanted of it is not " + text);
  return {text.substr(0, equals), value};
}

static void declare(CLI::App &app, Line &line) {
  app.add_option("BUNDLE", line.bundle, "What ssmc compile --target sm_90 --emit bundle wrote");
  app.add_option("--dim", line.dims, "NAME=SIZE,…: sizes that the bundle leaves open")
      ->delimiter(',')
      ->allow_extra_args(false);
  app.add_option("--mode", line.request.mode, "Which of the bundle's modes")->capture_default_str();
  app.add_option("--dtype", line.request.dtype, "Which of the mode's functions (default: the first)");
  app.add_option("--set", line.settings, "NAME=NUMBER,…: other values of the model's parameters")
      ->delimiter(',')
      ->allow_extra_args(false);
  app.add_flag("--parameters", line.showsParameters, "Print the model's parameters and where they come from");
  app.add_flag("--json", line.isJson, "Print one JSON object");
}

static void readValues(Line &line) {
  for (const std::string &dim : line.dims) {
    auto [name, size] = parsePair("--dim", dim);
    if (size != std::floor(size) || size > 1e15)
      throw CLI::ValidationError("--dim", "what is wanted of it is not " + dim);
    line.request.sizes[name] = size;
  }
  for (const std::string &setting : line.settings) {
    auto [name, value] = parsePair("--set", setting);
    auto row = llvm::find_if(parameterTable(), [&, &name = name](const ParameterRow &row) { return row.name == name; });
    if (row == parameterTable().end() || value < row->least() || value > 1e6)
      throw CLI::ValidationError("--set", "what is wanted of it is not " + setting);
    line.request.parameters.*row->field = value;
  }
  if (line.bundle.empty() && !line.showsParameters)
    throw CLI::RequiredError("BUNDLE");
}

static void printParameters(const Parameters &parameters) {
  for (const ParameterRow &row : parameterTable())
    std::printf("%-20s %6g %-18s %s\n", row.name.data(), parameters.*row.field, row.unit.data(), row.source.data());
}

static void printText(const Prediction &prediction) {
  std::printf("%.4f ms predicted: %s\nschedule: %s\n", prediction.milliseconds, provenance,
              prediction.schedule.c_str());
  for (const KernelPrediction &kernel : prediction.kernels) {
    const ReplayResult &replay = kernel.replay;
    std::printf("%s: %lld blocks of %lld threads, at most %lld on a multiprocessor and %lld of them at a time "
                "(%lld registers, %lld bytes of shared memory), %lld instructions a warp\n",
                kernel.name.c_str(), (long long)kernel.blocks, (long long)kernel.threads,
                (long long)kernel.blocksOfBusiest, (long long)kernel.occupancy.blocks, (long long)kernel.registers,
                (long long)kernel.sharedBytes, (long long)kernel.warpInstructions);
    std::printf("  %lld clocks; busy: issue %.1f %%, special functions %.1f %%, loads and stores %.1f %%\n",
                (long long)replay.clocks, 100 * replay.issueShare, 100 * replay.specialShare, 100 * replay.memoryShare);
    std::printf("  clocks of a scheduler without issue, by what is nearest:");
    for (unsigned reason = 0; reason < numReasons; ++reason)
      if (replay.waitShares[reason] >= 0.0005)
        std::printf(" %s %.1f %%", nameOf(static_cast<Reason>(reason)).data(), 100 * replay.waitShares[reason]);
    std::printf("\n");
  }
}

static json toJson(const Prediction &prediction) {
  json result = {{"provenance", provenance},
                 {"target", prediction.target},
                 {"schedule", prediction.schedule},
                 {"milliseconds", prediction.milliseconds},
                 {"kernels", json::array()}};
  for (const KernelPrediction &kernel : prediction.kernels) {
    json waits;
    for (unsigned reason = 0; reason < numReasons; ++reason)
      waits[nameOf(static_cast<Reason>(reason)).str()] = kernel.replay.waitShares[reason];
    result["kernels"].push_back({{"name", kernel.name},
                                 {"blocks", kernel.blocks},
                                 {"threads", kernel.threads},
                                 {"blocks_of_busiest", kernel.blocksOfBusiest},
                                 {"resident_blocks", kernel.occupancy.blocks},
                                 {"registers", kernel.registers},
                                 {"shared_bytes", kernel.sharedBytes},
                                 {"warp_instructions", kernel.warpInstructions},
                                 {"clocks", kernel.replay.clocks},
                                 {"busy",
                                  {{"issue", kernel.replay.issueShare},
                                   {"special", kernel.replay.specialShare},
                                   {"memory", kernel.replay.memoryShare}}},
                                 {"without_issue", waits}});
  }
  return result;
}

static llvm::Expected<Prediction> run(const Line &line) {
  Result<Bundle> bundle = openBundle(line.bundle);
  if (!bundle)
    return llvm::createStringError(bundle.error());
  return predict(*bundle, line.request);
}

int main(int argc, char **argv) {
  CLI::App app{"Predicts the time of a bundle's kernels on an H100 from their machine code"};
  Line line;
  declare(app, line);
  try {
    app.parse(argc, argv);
    readValues(line);
  } catch (const CLI::ParseError &error) {
    return app.exit(error) ? 2 : 0;
  }
  if (line.showsParameters) {
    printParameters(line.request.parameters);
    return 0;
  }
  llvm::Expected<Prediction> prediction = run(line);
  if (!prediction) {
    std::cerr << "error: " << llvm::toString(prediction.takeError()) << '\n';
    return 1;
  }
  if (line.isJson)
    std::cout << toJson(*prediction).dump() << '\n';
  else
    printText(*prediction);
  return 0;
}
