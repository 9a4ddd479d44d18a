// Who decides what auto takes, and how long that takes.

#include "codegen/lowering/ScheduleChoice.h"
#include "schedule/TuningDatabase.h"
#include "test/unit/Prepared.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/MemoryBuffer.h"

#include <ctime>

using namespace ssm;
using namespace ssm::test;

namespace {
struct Case {
  std::string model;
  std::map<std::string, int64_t> sizes;
  std::string text() const {
    std::string text = model;
    for (const auto &[dim, size] : sizes)
      text += " " + dim + "=" + std::to_string(size);
    return text;
  }
};

std::map<std::string, int64_t> sizesOf(const llvm::json::Object &dims) {
  std::map<std::string, int64_t> sizes;
  for (const auto &[dim, size] : dims)
    sizes[dim.str()] = *size.getAsInteger();
  return sizes;
}

/// The sizes that bench/explore-study and bench/run-cpu measure: every model of the library is among them.
std::vector<Case> measuredCases() {
  std::vector<Case> cases;
  auto read = [](const char *name) {
    auto buffer = llvm::MemoryBuffer::getFile(std::string(SSM_SOURCE_DIR "/bench/") + name);
    EXPECT_TRUE(static_cast<bool>(buffer)) << name;
    return llvm::cantFail(llvm::json::parse((*buffer)->getBuffer()));
  };
  llvm::json::Value study = read("explore-sizes.json"), bench = read("cases.json");
  for (const auto &[model, all] : *study.getAsObject())
    for (const llvm::json::Value &dims : *all.getAsArray())
      cases.push_back({model.str(), sizesOf(*dims.getAsObject())});
  for (const auto &[name, value] : *bench.getAsObject()) {
    const llvm::json::Object &one = *value.getAsObject();
    cases.push_back({one.getString("model")->str(), sizesOf(*one.getObject("dims"))});
  }
  return cases;
}

CompileTarget cpuTarget() { return llvm::cantFail(parseTarget("cpu:x86-64-v4")); }

/// What this thread ran for, whatever else the machine runs.
double threadSeconds() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}
} // namespace

/// The fastest of some tries counts, in time of the thread's own, so that a loaded machine measures the same.
TEST(ScheduleChoice, OfAutoTakesLessThanTenMilliseconds) {
  constexpr double bound = 0.010;
  constexpr int tries = 8;
  CompileTarget target = cpuTarget();
  for (const Case &one : measuredCases())
    for (int64_t threads : {1, 16}) {
      Prepared prepared = prepareModel(one.model, one.sizes);
      // With the entries of the program's database, and with all of the space weighed.
      for (llvm::StringRef shipped : {shippedTuning(), llvm::StringRef()}) {
        double best = 1;
        for (int attempt = 0; attempt < tries && best > bound / 2; ++attempt) {
          double start = threadSeconds();
          llvm::cantFail(chooseSchedule(prepared.recurrence(), target, threads, "auto", {"", shipped}));
          best = std::min(best, threadSeconds() - start);
        }
        if (std::getenv("SSM_TEST_TIMES"))
          llvm::errs() << llvm::format("%6.2f ms  ", best * 1e3) << one.text() << ", " << threads << " threads"
                       << (shipped.empty() ? "\n" : ", shipped database\n");
        EXPECT_LT(best, bound) << one.text() << ", " << threads << " threads";
      }
    }
}

namespace {
Prepared smallRetnet() { return prepareModel("retnet", {{"batch", 1}, {"head", 2}, {"time", 64}}); }

/// A database whose winner for `prepared` on `target` is `schedule`, measured on so many threads.
std::string databaseWith(Prepared &prepared, const CompileTarget &target, const std::string &schedule,
                         int64_t threads = 1) {
  auto database = llvm::cantFail(TuningDatabase::fromText(""));
  TuningRun run;
  run.key = makeTuningKey(prepared.recurrence(), target.machine, target.isGpu() ? target.name : "", {});
  run.threads = threads;
  run.machine = "somewhere";
  llvm::cantFail(database->setChoice(run, {schedule, 1e-3, 2e-3, 9, run.machine, threads}));
  return llvm::cantFail(database->dump());
}
} // namespace

TEST(ScheduleChoice, AsksTheDatabaseBeforeTheModel) {
  Prepared prepared = smallRetnet();
  for (const char *name : {"cpu:x86-64-v4", "cpu:x86-64-v3", "sm_90"}) {
    CompileTarget target = llvm::cantFail(parseTarget(name));
    std::string schedule = "batch=grid; head=grid; value=grid; time=loop; key=loop,reg:8";
    std::string text = databaseWith(prepared, target, schedule);
    ScheduleChoice choice = llvm::cantFail(chooseSchedule(prepared.recurrence(), target, 1, "auto", {"", text}));
    EXPECT_EQ(choice.schedule, schedule) << name;
    EXPECT_EQ(choice.by, ChosenBy::ShippedDatabase) << name;
    EXPECT_NE(choice.reason.find("somewhere"), std::string::npos) << choice.reason;
    // Given words stand.
    choice = llvm::cantFail(chooseSchedule(prepared.recurrence(), target, 1, "time=loop", {"", text}));
    EXPECT_EQ(choice.schedule, "time=loop");
    EXPECT_EQ(choice.by, ChosenBy::Caller);
    choice = llvm::cantFail(chooseSchedule(prepared.recurrence(), target, 1, "auto", {"", ""}));
    EXPECT_NE(choice.schedule, schedule) << name;
  }
}

TEST(ScheduleChoice, PassesOverWinnersThatAreNotLegalHere) {
  Prepared prepared = smallRetnet();
  CompileTarget target = cpuTarget();
  std::string text = databaseWith(prepared, target, "value=thread:32; time=loop");
  ScheduleChoice choice = llvm::cantFail(chooseSchedule(prepared.recurrence(), target, 1, "auto", {"", text}));
  EXPECT_NE(choice.by, ChosenBy::ShippedDatabase);
}

/// Of a machine that is not known, the winner has to leave tasks for as many threads as the rules do.
TEST(ScheduleChoice, LeavesTasksForMachinesThatAreNotKnown) {
  Prepared prepared = prepareModel("mamba1", {{"batch", 1}, {"group", 1}, {"member", 1024}, {"time", 64}});
  CompileTarget target = cpuTarget();
  std::string alone = "member=loop,lane:16; state=reg; time=loop", spread = "member=grid,lane:16; state=reg; time=loop";
  auto chosen = [&](const std::string &schedule, int64_t threads) {
    std::string text = databaseWith(prepared, target, schedule);
    return llvm::cantFail(chooseSchedule(prepared.recurrence(), target, threads, "auto", {"", text})).schedule;
  };
  EXPECT_EQ(chosen(alone, 1), alone);
  EXPECT_NE(chosen(alone, 4), alone);
  EXPECT_NE(chosen(alone, 0), alone);
  for (int64_t threads : {0, 1, 4})
    EXPECT_EQ(chosen(spread, threads), spread) << threads;
}

/// The space of whole sequences has a promise of the model's here, and steps of the same sizes are left to the rules.
TEST(ScheduleChoice, OfStepsIsTheRulesAlone) {
  Prepared prepared = prepareModel("s4d", {{"batch", 1}, {"channel", 16}, {"state", 32}, {"time", 8192}});
  CompileTarget target = cpuTarget();
  auto chosen = [&] { return llvm::cantFail(chooseSchedule(prepared.recurrence(), target, 1, "auto", {"", ""})).by; };
  EXPECT_EQ(chosen(), ChosenBy::Model);
  mlir::PassManager passes(prepared.description.context.get());
  PackOptions options;
  options.inPlace = true;
  passes.addNestedPass<RecurrenceOp>(createPack(options));
  ASSERT_TRUE(succeeded(passes.run(*prepared.description.module)));
  EXPECT_EQ(chosen(), ChosenBy::Rules);
}
