// Variants on their way to another machine and back.

#include "tools/ssmc/explore/Sweep.h"
#include "codegen/bundle/BundleWriter.h"
#include "runtime/Archive.h"
#include "tools/ssmc/OutputFile.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/MemoryBuffer.h"

using namespace ssm;
using nlohmann::ordered_json;

static constexpr const char *format = "ssmc sweep";
static constexpr int version = 1;

llvm::Error ssm::exportSweep(const Subject &subject, llvm::ArrayRef<Variant *> variants, const Variant &automatic,
                             const std::string &folder) {
  if (std::error_code code = llvm::sys::fs::create_directories(folder))
    return llvm::createStringError("--export: " + folder + " cannot be made: " + code.message());
  if (llvm::sys::fs::exists(folder + "/sweep.json"))
    return llvm::createStringError("--export: " + folder + " holds a sweep already");
  BundleOptions options;
  options.compiler = std::string("ssmc ") + SSMC_VERSION;
  options.description = subject.text().str();
  options.anyStrides = false;
  auto targets = parseBundleTargets({subject.target().name});
  if (!targets)
    return targets.takeError();
  options.targets = std::move(*targets);
  ordered_json listed = ordered_json::array();
  for (Variant *variant : variants) {
    options.schedule = variant->schedule;
    auto bundle = compileBundle({{subject.recurrence(), "f32"}}, options);
    if (!bundle) {
      variant->error = llvm::toString(bundle.takeError());
      continue;
    }
    std::string name;
    llvm::raw_string_ostream(name) << llvm::format("%04zu.ssmb", listed.size() + 1);
    if (llvm::Error error = writeResult(folder + "/" + name, packArchive(bundle->files)))
      return error;
    listed.push_back({{"bundle", name},
                      {"schedule", variant->schedule},
                      {"predicted_s", variant->prediction.seconds},
                      {"registers", variant->prediction.registers},
                      {"bytes", variant->prediction.bytes}});
  }
  TuningRun run = subject.run();
  ordered_json dims = ordered_json::object();
  for (const auto &[name, size] : subject.describe().dims)
    dims[name] = size;
  ordered_json sweep = {{"format", format},
                        {"version", version},
                        {"model", subject.describe().model},
                        {"key",
                         {{"description", run.key.description},
                          {"target", run.key.target},
                          {"mode", run.key.mode},
                          {"dtype", run.key.dtype},
                          {"size_class", run.key.sizeClass}}},
                        {"sizes", run.sizes},
                        {"threads", run.threads},
                        {"dims", dims},
                        {"auto", automatic.schedule},
                        {"variants", listed}};
  return writeResult(folder + "/sweep.json", sweep.dump(1) + "\n");
}

/// Reads what a sweep printed; what is missing or of another kind throws nlohmann's exception, which names it.
static llvm::Error takeResults(TuningDatabase &database, const ordered_json &results, size_t &variants,
                               size_t &repetitions) {
  TuningRun run;
  const ordered_json &key = results.at("key");
  run.key = {key.at("description").get<std::string>(), key.at("target").get<std::string>(),
             key.at("mode").get<std::string>(), key.at("dtype").get<std::string>(),
             key.at("size_class").get<std::string>()};
  run.sizes = results.at("sizes").get<std::string>();
  run.threads = results.at("threads").get<int64_t>();
  run.machine = results.at("device").get<std::string>();
  TuningChoice choice;
  choice.machine = run.machine;
  choice.threads = run.threads;
  for (const ordered_json &line : results.at("variants")) {
    if (line.contains("error"))
      continue;
    TuningVariant variant{line.at("schedule").get<std::string>(), line.at("predicted_s").get<double>(),
                          line.at("registers").get<double>(), line.at("bytes").get<double>(),
                          line.at("seconds").get<std::vector<double>>()};
    if (auto schedule = parseSchedule(variant.schedule); !schedule)
      return schedule.takeError();
    if (variant.seconds.empty() || llvm::any_of(variant.seconds, [](double value) { return !(value > 0); }))
      return llvm::createStringError("'" + variant.schedule + "' has a time that is none");
    for (double seconds : variant.seconds)
      if (llvm::Error error = database.addSample(run, variant, seconds))
        return error;
    ++variants;
    repetitions += variant.seconds.size();
    double median = medianOf(variant.seconds);
    if (choice.schedule.empty() || median < choice.median) {
      choice.schedule = variant.schedule;
      choice.median = median;
      choice.repetitions = static_cast<int64_t>(variant.seconds.size());
    }
    if (variant.schedule == results.at("auto").get<std::string>())
      choice.automaticMedian = median;
  }
  return choice.schedule.empty() ? llvm::Error::success() : database.setChoice(run, choice);
}

llvm::Expected<std::string> ssm::importSweep(TuningDatabase &database, const std::string &file) {
  auto buffer = llvm::MemoryBuffer::getFile(file);
  if (!buffer)
    return llvm::createStringError("--import: " + file + " cannot be read: " + buffer.getError().message());
  size_t variants = 0, repetitions = 0;
  try {
    ordered_json results = ordered_json::parse((*buffer)->getBuffer().begin(), (*buffer)->getBuffer().end());
    if (results.value("format", "") != format || results.value("version", 0) != version)
      return llvm::createStringError("--import: " + file + " is not what ssm-launch --sweep prints");
    if (llvm::Error error = takeResults(database, results, variants, repetitions))
      return llvm::createStringError("--import: " + file + ": " + llvm::toString(std::move(error)));
  } catch (const nlohmann::json::exception &exception) {
    return llvm::createStringError("--import: " + file + ": " + exception.what());
  }
  return std::to_string(repetitions) + " repetitions of " + std::to_string(variants) + " variants";
}
