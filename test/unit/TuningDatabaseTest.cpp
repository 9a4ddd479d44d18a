// The tuning database: what is written is there, after a crash too, and several may write.

#include "schedule/TuningDatabase.h"
#include "test/unit/Prepared.h"
#include "llvm/Support/FileSystem.h"

#include <csignal>
#include <fstream>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

using namespace ssm;
using namespace ssm::test;

namespace {
/// A path in a folder of its own, which goes with it.
class Folder {
public:
  Folder() { EXPECT_FALSE(llvm::sys::fs::createUniqueDirectory("tuning", folder)); }
  ~Folder() { llvm::sys::fs::remove_directories(folder); }
  std::string file(const std::string &name) const { return folder.str().str() + "/" + name; }

private:
  llvm::SmallString<64> folder;
};

std::unique_ptr<TuningDatabase> open(const std::string &path) { return llvm::cantFail(TuningDatabase::open(path)); }

const TuningRun run{{"d", "cpu/32x64", "forward", "f32", "time=2^4"}, "time=16", "here", 1};
TuningVariant variant(const std::string &schedule) { return {schedule, 0.5, 16, 100, {}}; }

size_t countSamples(TuningDatabase &database) {
  size_t count = 0;
  for (const TuningVariant &one : llvm::cantFail(database.variants(run)))
    count += one.seconds.size();
  return count;
}
} // namespace

TEST(TuningDatabase, GivesBackWhatWasAdded) {
  Folder folder;
  {
    auto database = open(folder.file("t.db"));
    llvm::cantFail(database->addSample(run, variant("a"), 1.5));
    llvm::cantFail(database->addSample(run, variant("b"), 3));
    llvm::cantFail(database->addSample(run, variant("a"), 2.5));
    TuningRun other = run;
    other.threads = 2;
    llvm::cantFail(database->addSample(other, variant("a"), 9));
  }
  auto database = open(folder.file("t.db"));
  std::vector<TuningVariant> found = llvm::cantFail(database->variants(run));
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0].schedule, "a");
  EXPECT_EQ(found[0].seconds, (std::vector<double>{1.5, 2.5}));
  EXPECT_EQ(found[0].registers, 16);
  EXPECT_EQ(found[1].seconds, std::vector<double>{3});
}

TEST(TuningDatabase, AChoiceReplacesTheOneBefore) {
  Folder folder;
  auto database = open(folder.file("t.db"));
  EXPECT_FALSE(llvm::cantFail(database->choice(run.key, 1)));
  llvm::cantFail(database->setChoice(run, {"a", 1, 2, 9, "here", 1}));
  llvm::cantFail(database->setChoice(run, {"b", 1, 2, 9, "here", 1}));
  EXPECT_EQ(llvm::cantFail(database->choice(run.key, 8))->schedule, "b");
  TuningKey other = run.key;
  other.dtype = "bf16";
  EXPECT_FALSE(llvm::cantFail(database->choice(other, 1)));
}

TEST(TuningDatabase, TextMakesTheSameChoices) {
  Folder folder;
  auto database = open(folder.file("t.db"));
  llvm::cantFail(database->setChoice(run, {"a='quoted'; b", 1, 2, 9, "here", 1}));
  auto copy = llvm::cantFail(TuningDatabase::fromText(llvm::cantFail(database->dump())));
  EXPECT_EQ(llvm::cantFail(copy->choice(run.key, 1))->schedule, "a='quoted'; b");
}

TEST(TuningDatabase, MergingTwiceAddsNothing) {
  Folder folder;
  auto first = open(folder.file("1.db")), second = open(folder.file("2.db"));
  llvm::cantFail(first->addSample(run, variant("a"), 1));
  llvm::cantFail(second->addSample(run, variant("a"), 2));
  llvm::cantFail(second->addSample(run, variant("b"), 3));
  llvm::cantFail(second->setChoice(run, {"b", 1, 2, 9, "here", 1}));
  for (int time = 0; time < 2; ++time)
    llvm::cantFail(first->merge(folder.file("2.db")));
  EXPECT_EQ(countSamples(*first), 3u);
  EXPECT_EQ(llvm::cantFail(first->choice(run.key, 1))->schedule, "b");
}

TEST(TuningDatabase, RefusesWhatIsNoneOfItsOwn) {
  Folder folder;
  std::ofstream(folder.file("text.db"))
      << "this is no database, and long enough to be looked at by SQLite as if it were";
  auto text = TuningDatabase::open(folder.file("text.db"));
  EXPECT_NE(llvm::toString(text.takeError()).find("not a database"), std::string::npos);
  auto missing = TuningDatabase::open(folder.file("missing.db"), /*readOnly=*/true);
  EXPECT_NE(llvm::toString(missing.takeError()).find("missing.db"), std::string::npos);
  {
    auto database = open(folder.file("cut.db"));
    for (int number = 0; number < 300; ++number)
      llvm::cantFail(database->addSample(run, variant("a" + std::to_string(number)), number));
  }
  // A file that was cut short is found out when it is read.
  ASSERT_EQ(truncate(folder.file("cut.db").c_str(), 9000), 0);
  auto cut = TuningDatabase::open(folder.file("cut.db"));
  if (cut) {
    auto found = (*cut)->variants(run);
    EXPECT_FALSE(static_cast<bool>(found));
    llvm::consumeError(found.takeError());
  } else {
    llvm::consumeError(cut.takeError());
  }
}

TEST(TuningDatabase, TwoProcessesWriteAtOnce) {
  Folder folder;
  const std::string path = folder.file("t.db");
  open(path);
  std::vector<pid_t> children;
  for (int child = 0; child < 2; ++child)
    if (pid_t id = fork(); id == 0) {
      auto database = open(path);
      for (int number = 0; number < 100; ++number)
        llvm::cantFail(database->addSample(run, variant(number % 2 ? "a" : "b"), number));
      _exit(0);
    } else {
      children.push_back(id);
    }
  for (pid_t id : children) {
    int status = -1;
    waitpid(id, &status, 0);
    EXPECT_EQ(status, 0);
  }
  EXPECT_EQ(countSamples(*open(path)), 200u);
}

TEST(TuningDatabase, AKilledWriterLosesAtMostTheRepetitionAtHand) {
  Folder folder;
  const std::string path = folder.file("t.db");
  open(path);
  size_t before = 0;
  for (int kill = 0; kill < 50; ++kill) {
    int pipes[2];
    ASSERT_EQ(pipe(pipes), 0);
    pid_t id = fork();
    if (id == 0) {
      auto database = open(path);
      while (true) {
        llvm::cantFail(database->addSample(run, variant("a"), 1));
        // Told only what is written.
        if (write(pipes[1], "x", 1) != 1)
          _exit(1);
      }
    }
    close(pipes[1]);
    char byte;
    size_t told = 0, until = 1 + kill % 7;
    while (told < until && read(pipes[0], &byte, 1) == 1)
      ++told;
    std::this_thread::sleep_for(std::chrono::microseconds(kill * 37 % 900));
    ::kill(id, SIGKILL);
    waitpid(id, nullptr, 0);
    while (read(pipes[0], &byte, 1) == 1)
      ++told;
    close(pipes[0]);
    size_t now = countSamples(*open(path));
    ASSERT_GE(now, before + told) << "kill " << kill;
    ASSERT_LE(now, before + told + 1) << "kill " << kill;
    before = now;
  }
}

TEST(TuningKey, IsOfTheStepAndNotOfSizesTypesOrConstants) {
  auto keyOf = [](Prepared prepared) { return makeTuningKey(prepared.recurrence(), {}, "", {}); };
  TuningKey one = keyOf(prepareModel("retnet", {{"batch", 1}, {"head", 8}, {"time", 1000}}));
  TuningKey longer = keyOf(prepareModel("retnet", {{"batch", 1}, {"head", 8}, {"time", 1024}}));
  TuningKey twice = keyOf(prepareModel("retnet", {{"batch", 1}, {"head", 8}, {"time", 1025}}));
  TuningKey other = keyOf(prepareModel("gla", {{"batch", 1}, {"head", 8}, {"time", 1000}}));
  EXPECT_EQ(one, longer);
  EXPECT_EQ(one.description, twice.description);
  EXPECT_NE(one.sizeClass, twice.sizeClass);
  EXPECT_NE(one.description, other.description);
  EXPECT_EQ(one.dtype, "f32");
  EXPECT_EQ(one.target, "cpu/32x64");
  EXPECT_EQ(one.sizeClass, "batch=2^0,head=2^3,key=64,value=2^6,time=2^10");
}
