// ssmc explore: lists the schedules of a recurrence, weighs them, and measures the most promising.

#include "codegen/lowering/ScheduleChoice.h"
#include "tools/ssmc/BundleExecutor.h"
#include "tools/ssmc/Commands.h"
#include "tools/ssmc/Experiment.h"
#include "tools/ssmc/ModelOptions.h"
#include "tools/ssmc/OutputFile.h"
#include "tools/ssmc/explore/Calibrate.h"
#include "tools/ssmc/explore/Compare.h"
#include "tools/ssmc/explore/CpuTrials.h"
#include "tools/ssmc/explore/GpuVariants.h"
#include "tools/ssmc/explore/Report.h"
#include "tools/ssmc/explore/Sweep.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/Path.h"

#include <CLI/CLI.hpp>
#include <thread>

using namespace mlir;
using namespace ssm;

namespace {
struct ExploreCommand {
  ModelOptions options;
  Subject::Options subject;
  SearchLimits limits;
  SpaceLimits space;
  std::string device = "cpu", database = tuningFile(), shard, merged, report, exported, imported;
  std::vector<std::string> compared;
  unsigned jobs = 0;
  size_t list = 200, rows = 12;
  bool asJson = false, asCsv = false, keepsNothing = false, dumps = false, calibrates = false;
  /// Part `shard` of `shards`, both from 1 on.
  size_t part = 1, parts = 1;
};
} // namespace

/// The database, or null where nothing is kept.
static llvm::Expected<std::unique_ptr<TuningDatabase>> openDatabase(const ExploreCommand &command) {
  if (command.keepsNothing || command.database.empty())
    return nullptr;
  return TuningDatabase::open(command.database);
}

/// What earlier runs have measured; their schedules join the list where they are not on it.
static llvm::Error recall(TuningDatabase &database, const Subject &subject, ExploreResult &result) {
  auto known = database.variants(subject.run());
  if (!known)
    return known.takeError();
  llvm::StringMap<size_t> numbers;
  for (auto [number, variant] : llvm::enumerate(result.variants))
    numbers[variant.schedule] = number;
  for (const TuningVariant &record : *known) {
    auto found = numbers.find(record.schedule);
    if (found == numbers.end()) {
      auto candidate = subject.place(record.schedule);
      if (!candidate) {
        // Another version may have written what this one does not take.
        llvm::consumeError(candidate.takeError());
        continue;
      }
      found = numbers.try_emplace(record.schedule, result.variants.size()).first;
      result.variants.emplace_back(record.schedule, candidate->choices, subject.cost().predict(*candidate));
    }
    Variant &variant = result.variants[found->second];
    variant.seconds = record.seconds;
    variant.isOld = true;
    ++result.known;
  }
  return llvm::Error::success();
}

/// Leaves each n-th variant, so that several machines or processes share a search; the default is everyone's.
static void takeShard(const ExploreCommand &command, ExploreResult &result) {
  std::vector<Variant> own;
  for (auto [number, variant] : llvm::enumerate(result.variants)) {
    bool isAutomatic = number == result.automatic;
    if (!isAutomatic && number % command.parts != command.part - 1)
      continue;
    if (isAutomatic)
      result.automatic = result.best = own.size();
    own.push_back(std::move(variant));
  }
  result.variants = std::move(own);
}

static llvm::Error remember(TuningDatabase &database, const TuningRun &run, const ExploreResult &result) {
  const Variant &best = result.variants[result.best], &automatic = result.variants[result.automatic];
  if (best.confirmed.empty() || automatic.confirmed.empty())
    return llvm::Error::success();
  return database.setChoice(run, {best.schedule, best.median(), automatic.median(),
                                  static_cast<int64_t>(best.confirmed.size()), run.machine, run.threads});
}

static llvm::Expected<std::unique_ptr<Workbench>> makeBench(const ExploreCommand &command, const Subject &subject,
                                                            Timing &timing) {
  auto arguments =
      timing.measure("make arguments", [&] { return randomArguments(subject.recurrence(), Values::AroundZero); });
  if (!arguments)
    return arguments.takeError();
  arguments->params = command.subject.params;
  unsigned jobs = command.jobs ? command.jobs : std::max(1u, std::thread::hardware_concurrency());
  return Workbench::make(subject.recurrence(), *arguments, command.subject.threads, jobs);
}

/// Measures what is listed, on this processor.
static llvm::Error measure(const ExploreCommand &command, const Subject &subject, TuningDatabase *database,
                           ExploreResult &result, Timing &timing) {
  auto bench = makeBench(command, subject, timing);
  if (!bench)
    return bench.takeError();
  TuningRun run = subject.run();
  llvm::Error failure = llvm::Error::success();
  auto record = [&](const Variant &variant, double seconds) {
    if (!database || failure)
      return;
    const Prediction &predicted = variant.prediction;
    failure = database->addSample(run, {variant.schedule, predicted.seconds, predicted.registers, predicted.bytes, {}},
                                  seconds);
  };
  CpuTrials trials(**bench, result.variants, command.limits, result.counts, record);
  auto best = search(result.variants, result.automatic, command.limits, trials, result.counts);
  result.seconds = trials.elapsed();
  result.interrupted = interrupted;
  if (!best)
    return llvm::joinErrors(best.takeError(), std::move(failure));
  result.best = *best;
  if (failure)
    return failure;
  return database ? remember(*database, run, result) : llvm::Error::success();
}

/// The first by the model, as many as the budget allows, and the default.
static std::vector<Variant *> mostPromising(const ExploreCommand &command, ExploreResult &result) {
  std::vector<Variant *> chosen{&result.variants[result.automatic]};
  for (size_t number : result.ranking())
    if (number != result.automatic && chosen.size() < command.limits.budget)
      chosen.push_back(&result.variants[number]);
  return chosen;
}

/// Of a GPU nothing is measured here: the most promising are assembled, where there is a toolkit, counted on the
/// emulated device, or written for another machine.
static llvm::Error weighForGpu(const ExploreCommand &command, const Subject &subject, ExploreResult &result,
                               Timing &timing) {
  llvm::Expected<RunArguments> arguments = RunArguments();
  if (command.device == "emulate")
    arguments = randomArguments(subject.recurrence(), Values::AroundZero);
  if (!arguments)
    return arguments.takeError();
  arguments->params = command.subject.params;
  const auto start = std::chrono::steady_clock::now();
  auto elapsed = [&] { return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count(); };
  ProgressLine line;
  size_t done = 0;
  std::vector<Variant *> chosen = mostPromising(command, result);
  for (Variant *variant : chosen) {
    if (interrupted || elapsed() > command.limits.seconds)
      break;
    line.show(static_cast<double>(done++) / static_cast<double>(chosen.size()), variant->schedule);
    llvm::Error error = timing.measure("assemble", [&] { return refineVariant(subject, *variant); });
    if (!error && command.device == "emulate")
      error = timing.measure("emulate", [&] { return emulateVariant(subject, *arguments, *variant); });
    variant->error = llvm::toString(std::move(error));
    ++(variant->error.empty() ? result.counts.compiled : result.counts.failed);
    result.counts.measured += variant->error.empty() && !variant->counted.empty();
  }
  result.seconds = elapsed();
  result.interrupted = interrupted;
  for (size_t number = 0; number < result.variants.size(); ++number)
    if (const Variant &variant = result.variants[number], &best = result.variants[result.best];
        variant.error.empty() && variant.isRefined == best.isRefined &&
        variant.prediction.seconds < best.prediction.seconds)
      result.best = number;
  return llvm::Error::success();
}

static void print(const ExploreCommand &command, const ExploreResult &result) {
  if (command.asJson)
    llvm::outs() << toJson(result, command.list).dump() << "\n";
  else if (command.asCsv)
    llvm::outs() << toCsv(result, command.list);
  else
    printTable(result, llvm::outs(), command.rows);
}

static llvm::Expected<int> compare(ExploreCommand &command, const Subject &subject, Timing &timing) {
  auto comparison = compareSchedules(subject, command.compared[0], command.compared[1]);
  if (!comparison)
    return comparison.takeError();
  auto bench = makeBench(command, subject, timing);
  if (!bench)
    return bench.takeError();
  std::vector<Variant> none;
  SearchCounts counts;
  CpuTrials trials(**bench, none, command.limits, counts, [](const Variant &, double) {});
  Variant *both[] = {&comparison->first, &comparison->second};
  trials.compile(both);
  for (Variant *variant : both)
    if (!variant->error.empty())
      return llvm::createStringError(variant->schedule + ": " + variant->error);
  if (llvm::Error error = trials.measure(both, 2 * command.limits.confirmations, [](Variant &variant, double seconds) {
        variant.confirmed.push_back(seconds);
      }))
    return error;
  if (command.asJson)
    llvm::outs() << toJson(*comparison).dump() << "\n";
  else
    printComparison(*comparison, llvm::outs());
  return Succeeded;
}

static llvm::Expected<int> exploreModel(ExploreCommand &command, Timing &timing) {
  auto subject = Subject::make(command.subject, timing);
  if (!subject)
    return subject.takeError();
  bool isGpu = (*subject)->target().isGpu(), measures = command.exported.empty() && command.device == "cpu";
  if (measures && command.subject.target != "cpu")
    return llvm::createStringError("--target " + command.subject.target +
                                   ": nothing of it is measured here; --device " +
                                   "emulate counts a GPU's, and --export writes bundles for ssm-launch --sweep");
  if (command.device == "emulate" && !isGpu)
    return llvm::createStringError("--device emulate: '" + command.subject.target + "' is no GPU (--target sm_90)");
  catchInterrupts();
  if (!command.compared.empty())
    return compare(command, **subject, timing);
  auto database = openDatabase(command);
  if (!database)
    return database.takeError();
  ExploreResult result = (*subject)->describe();
  result.device = command.exported.empty() ? command.device : "elsewhere";
  if (llvm::Error error = (*subject)->list(command.space, result, timing))
    return error;
  takeShard(command, result);
  if (*database && measures)
    if (llvm::Error error = recall(**database, **subject, result))
      return error;
  if (llvm::Error error = measures ? measure(command, **subject, database->get(), result, timing)
                          : isGpu  ? weighForGpu(command, **subject, result, timing)
                                   : llvm::Error::success())
    return error;
  if (!command.exported.empty())
    if (llvm::Error error =
            exportSweep(**subject, mostPromising(command, result), result.variants[result.automatic], command.exported))
      return error;
  print(command, result);
  if (!command.report.empty())
    if (llvm::Error error = writeReport(command.report, **subject, result, command.list))
      return error;
  return Succeeded;
}

/// Measures this processor for the cost model, and keeps what it finds for this user.
static llvm::Expected<int> calibrateMachine() {
  auto target = parseTarget("cpu");
  if (!target)
    return target.takeError();
  std::string path = userDataFile("cpu.json");
  if (path.empty())
    return llvm::createStringError("--calibrate: neither XDG_DATA_HOME nor HOME says where to keep what it finds");
  CpuParameters parameters = calibrate(target->machine.vectorBytes);
  llvm::StringRef folder = llvm::sys::path::parent_path(path);
  if (std::error_code code = llvm::sys::fs::create_directories(folder))
    return llvm::createStringError("cannot make " + folder + ": " + code.message());
  std::string text;
  llvm::raw_string_ostream(text) << llvm::formatv("{0:2}", llvm::json::Value(toJson(parameters))) << "\n";
  if (llvm::Error error = writeResult(path, text))
    return error;
  llvm::outs() << llvm::format(
                      "clock %.2f GHz, caches %lld and %lld KiB, %.1f GB/s from the second, %.1f GB/s from memory\n",
                      parameters.clock / 1e9, static_cast<long long>(parameters.l1Bytes >> 10),
                      static_cast<long long>(parameters.l2Bytes >> 10), parameters.l2Bandwidth / 1e9,
                      parameters.memoryBandwidth / 1e9)
               << "kept in " << path << "\n";
  return Succeeded;
}

/// Joins databases, takes in another machine's times, or prints what a database holds.
static llvm::Expected<int> handleDatabase(const ExploreCommand &command) {
  auto database = TuningDatabase::open(command.database);
  if (!database)
    return database.takeError();
  if (!command.imported.empty()) {
    auto added = importSweep(**database, command.imported);
    if (!added)
      return added.takeError();
    llvm::outs() << *added << "\n";
  }
  if (llvm::Error error = command.merged.empty() ? llvm::Error::success() : (*database)->merge(command.merged))
    return error;
  if (!command.dumps)
    return Succeeded;
  auto text = (*database)->dump();
  if (!text)
    return text.takeError();
  llvm::outs() << *text;
  return Succeeded;
}

static llvm::Expected<int> explore(ExploreCommand &command) {
  Timing timing;
  if (command.device == "cuda") {
    if (llvm::Error error = checkCuda())
      return error;
    return llvm::createStringError(
        "--device cuda: this command measures no GPU by itself; --export writes bundles that "
        "ssm-launch --sweep measures, and --import brings the times back");
  }
  if (command.subject.mode != "forward" && (command.device != "cpu" || !command.exported.empty()))
    return llvm::createStringError("--mode " + command.subject.mode +
                                   ": schedules of steps are measured on this processor alone (--device cpu, without "
                                   "--export)");
  if (command.calibrates)
    return calibrateMachine();
  if (!command.merged.empty() || !command.imported.empty() || command.dumps)
    return handleDatabase(command);
  auto status = exploreModel(command, timing);
  if (status && command.options.timing)
    timing.print();
  return status;
}

/// `i/n`, both from 1 on.
static std::string readShard(ExploreCommand &command, const std::string &text) {
  auto [part, parts] = llvm::StringRef(text).split('/');
  if (part.getAsInteger(10, command.part) || parts.getAsInteger(10, command.parts) || command.part < 1 ||
      command.part > command.parts)
    return "expected i/n with 1 <= i <= n, found '" + text + "'";
  return "";
}

static void declareSearch(CLI::App &sub, ExploreCommand &command) {
  sub.add_option("--budget", command.limits.budget, "Variants to measure, those of earlier runs included")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  sub.add_option("--time", command.limits.seconds, "Seconds to take in all")
      ->transform(CLI::AsNumberWithUnit(std::map<std::string, double>{{"s", 1}, {"m", 60}, {"h", 3600}},
                                        CLI::AsNumberWithUnit::CASE_SENSITIVE))
      ->capture_default_str();
  sub.add_option("--order", command.limits.order,
                 "search; predicted: in the order of predictions; spread: evenly over that order")
      ->transform(CLI::CheckedTransformer(
          std::map<std::string, SearchLimits::Order>{{"search", SearchLimits::Order::Search},
                                                     {"predicted", SearchLimits::Order::Predicted},
                                                     {"spread", SearchLimits::Order::Spread}}))
      ->default_str("search");
  sub.add_flag("--coarse", command.space.coarse, "A reduced space: fewer sizes of tiles");
  sub.add_option("--shard", command.shard, "i/n: the i-th of n parts of the variants")
      ->check([&command](const std::string &text) { return readShard(command, text); });
  sub.add_option("--threads", command.subject.threads, "Threads of the processor that a call runs on")
      ->check(CLI::Range(1u, 4096u))
      ->capture_default_str();
  sub.add_option("--jobs", command.jobs, "Threads that compile; 0 for one a core")->capture_default_str();
}

void ssm::addExploreCommand(CLI::App &app, Action &action) {
  auto command = std::make_shared<ExploreCommand>();
  CLI::App *sub = app.add_subcommand("explore", "Look for the fastest schedule of a description");
  auto *model = sub->add_option("MODEL", command->subject.model, "A path to .ssm or .mlir, or a name in the library");
  sub->add_option("--device", command->device, "Where to measure")
      ->check(CLI::IsMember({"cpu", "cuda", "emulate"}))
      ->capture_default_str();
  auto *target = sub->add_option("--target", command->subject.target,
                                 "What schedules are for: cpu, or a target of a bundle (cpu:x86-64-v4, sm_90, …)");
  sub->add_option("--mode", command->subject.mode, "What to run")
      ->check(CLI::IsMember({"forward", "step", "backward", "conv"}))
      ->capture_default_str();
  declareSearch(*sub, *command);
  sub->add_option("--database", command->database, "The tuning database")
      ->envname("SSMC_TUNING")
      ->capture_default_str();
  sub->add_flag("--no-database", command->keepsNothing, "Neither read nor write a tuning database");
  auto *merge = sub->add_option("--merge", command->merged, "Add another database to the one of --database")
                    ->check(CLI::ExistingFile);
  sub->add_option("--export", command->exported,
                  "Write bundles of the most promising to this folder, for ssm-launch --sweep");
  auto *import = sub->add_option("--import", command->imported, "Take in what ssm-launch --sweep printed");
  auto *dump = sub->add_flag("--dump", command->dumps, "Print the winners of the database as SQL");
  auto *calibrates = sub->add_flag("--calibrate", command->calibrates,
                                   "Measure this processor's clock, caches and bandwidths for the cost model");
  sub->add_option("--report", command->report, "Write a page of HTML: plots, table, code of each variant");
  sub->add_option("--compare", command->compared, "Two schedules, or auto, side by side")
      ->expected(2)
      ->type_name("S1 S2");
  sub->add_option("--list", command->list, "Variants in --json and --csv that are not measured")->capture_default_str();
  sub->add_option("--rows", command->rows, "Rows of the table")->capture_default_str();
  sub->add_flag("--json", command->asJson,
                "Print one JSON object: model, mode, device, target, threads, dims, best, auto, counts, "
                "rank_correlation, seconds, interrupted, variants");
  sub->add_flag("--csv", command->asCsv, "Print a line a variant");
  command->options.declare(*sub);
  sub->callback([=, &action] {
    if (!*model && !*merge && !*import && !*dump && !*calibrates)
      throw CLI::RequiredError("MODEL");
    if (command->device == "emulate" && !*target)
      command->subject.target = "sm_90";
    command->subject.libraryFolder = command->options.libraryFolder;
    command->subject.recurrence = command->options.recurrence;
    command->subject.preparation = command->options.preparation();
    command->subject.params = command->options.paramValues();
    command->space.threads = command->subject.threads;
    action = [command] { return explore(*command); };
  });
}
