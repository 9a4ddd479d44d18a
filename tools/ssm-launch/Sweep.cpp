#include "tools/ssm-launch/Sweep.h"

#include <algorithm>
#include <fstream>
#include <iostream>

using namespace ssm;
using json = nlohmann::ordered_json;

static constexpr unsigned rounds = 3;

static Result<json> readSweep(const std::string &folder) {
  const std::string path = folder + "/sweep.json";
  std::ifstream file(path);
  if (!file)
    return Problem{path + " cannot be read: --sweep takes a folder that ssmc explore --export wrote"};
  json sweep = json::parse(file, nullptr, /*allow_exceptions=*/false);
  if (!sweep.is_object() || sweep.value("format", json()) != "ssmc sweep" || sweep.value("version", json()) != 1 ||
      !sweep.value("variants", json()).is_array() || !sweep.value("dims", json()).is_object())
    return Problem{path + " is not the sweep of this version that ssmc explore --export writes"};
  for (const auto &[name, size] : sweep["dims"].items())
    if (!size.is_number_integer())
      return Problem{path + ": the size of '" + name + "' is no whole number"};
  for (const json &variant : sweep["variants"])
    if (!variant.is_object() || !variant.value("bundle", json()).is_string() ||
        variant["bundle"].get<std::string>().find('/') != std::string::npos)
      return Problem{path + ": a variant has no bundle in the folder"};
  return sweep;
}

/// One variant's repetitions of one round.
static void measure(json &variant, const std::string &folder, JobOptions options, Session &session, json &device) {
  options.bundle = folder + "/" + variant["bundle"].get<std::string>();
  Result<json> report = runJob(options, session);
  if (!report) {
    variant["error"] = report.error();
    return;
  }
  device = (*report)["device"];
  for (const json &milliseconds : (*report)["bench"]["kernel"]["ms"])
    variant["seconds"].push_back(milliseconds.get<double>() * 1e-3);
}

Result<json> ssm::runSweep(const std::string &folder, const JobOptions &given, Session &session) {
  Result<json> sweep = readSweep(folder);
  if (!sweep)
    return sweep;
  JobOptions options = given;
  options.bench = true;
  options.repetitions = std::max(1u, given.repetitions / rounds);
  for (const auto &[name, size] : (*sweep)["dims"].items())
    options.dims[name] = size.get<int64_t>();
  json &variants = (*sweep)["variants"], device;
  for (unsigned round = 0; round < rounds; ++round)
    for (size_t number = 0; number < variants.size(); ++number) {
      json &variant = variants[number];
      if (!variant.contains("error"))
        measure(variant, folder, options, session, device);
      if (session.isLost())
        return Problem{"the device was lost at " + variant["bundle"].get<std::string>() + ": " +
                       variant.value("error", std::string())};
      std::cerr << "\rround " << round + 1 << " of " << rounds << ": " << number + 1 << " of " << variants.size()
                << std::flush;
    }
  std::cerr << "\n";
  if (device.is_null())
    return Problem{"no variant could be measured" +
                   (variants.empty() ? std::string() : ": " + variants.front().value("error", std::string()))};
  (*sweep)["device"] = device;
  return sweep;
}
