// Feeds mutated descriptions, safetensors files and bundles to the compiler in one process: each has to end in an error
// or in a correct result, soon, and without a file half written. Built with sanitizers by scripts/test.

#include "test/fuzz/Fuzz.h"
#include "test/fuzz/Watchdog.h"
#include "llvm/Support/CommandLine.h"

#include <cstdio>

using namespace ssm::fuzz;

namespace {
/// Runs the inputs of one kind. What is wrong with all of them together counts as one failure more.
void runTarget(Target &target, uint64_t seed, int64_t first, int64_t end, bool judged, Tally &tally) {
  for (int64_t index = first; index < end; ++index) {
    std::string failure;
    {
      Watch watch(target.name(), seed, index, tally);
      failure = target.run(seed, index);
    }
    ++(failure.empty() ? tally.passed : tally.failed);
    if (!failure.empty())
      std::printf("error: ssm-fuzz --kind %s --seed %llu --only %lld: %s\n", target.name(),
                  static_cast<unsigned long long>(seed), static_cast<long long>(index), failure.c_str());
    std::fflush(stdout);
  }
  std::printf("%s: %s\n", target.name(), target.summary().c_str());
  if (std::string failure = target.judge(end - first); judged && !failure.empty()) {
    ++tally.failed;
    std::printf("error: %s: %s\n", target.name(), failure.c_str());
  }
}
} // namespace

int main(int argc, char **argv) {
  llvm::cl::OptionCategory category("ssm-fuzz");
  llvm::cl::opt<int64_t> count("count", llvm::cl::desc("Inputs of each kind"), llvm::cl::init(10000),
                               llvm::cl::cat(category));
  llvm::cl::opt<uint64_t> seed("seed", llvm::cl::desc("Seed of all inputs"), llvm::cl::init(1),
                               llvm::cl::cat(category));
  llvm::cl::opt<int64_t> only("only", llvm::cl::desc("Run the input of this index alone"), llvm::cl::init(-1),
                              llvm::cl::cat(category));
  llvm::cl::opt<int64_t> first("first", llvm::cl::desc("Index of the first input"), llvm::cl::init(0),
                               llvm::cl::cat(category));
  llvm::cl::opt<std::string> kind("kind", llvm::cl::desc("Only description, safetensors or bundle"), llvm::cl::init(""),
                                  llvm::cl::cat(category));
  llvm::cl::HideUnrelatedOptions(category);
  llvm::cl::ParseCommandLineOptions(argc, argv, "Feeds broken and hostile input to ssmc\n");
  installWatchdog();

  const bool isAlone = only >= 0;
  const int64_t begin = isAlone ? only : first, end = isAlone ? only + 1 : first + count;
  Tally tally;
  for (auto make : {makeDescriptionTarget, makeSafetensorsTarget, makeBundleTarget}) {
    std::unique_ptr<Target> target = make();
    if (kind.empty() || kind == target->name())
      runTarget(*target, seed, begin, end, /*judged=*/!isAlone, tally);
  }
  std::printf("%lld passed, %lld failed\n", static_cast<long long>(tally.passed), static_cast<long long>(tally.failed));
  return tally.failed == 0 && tally.passed > 0 ? 0 : 1;
}
