#ifndef SSM_TOOLS_SSMC_EXPLORE_CPUTRIALS_H
#define SSM_TOOLS_SSMC_EXPLORE_CPUTRIALS_H

#include "tools/ssmc/explore/Search.h"
#include "tools/ssmc/explore/Workbench.h"

#include <chrono>

namespace ssm {

/// Set once the user has asked to stop (SIGINT, SIGTERM); a second signal ends the program at once.
extern std::atomic<bool> interrupted;
void catchInterrupts();

/// A line on a terminal that is written over: what goes on, how far it is, and the best so far. Nothing where standard
/// error is no terminal.
class ProgressLine {
public:
  ProgressLine();
  ~ProgressLine() { clear(); }
  void show(double share, const std::string &text);
  void clear();

private:
  bool isTerminal, isShown = false;
};

/// Trials in this process.
class CpuTrials : public Trials {
public:
  /// What is told each repetition, as it ends.
  using Recorder = std::function<void(const Variant &, double)>;

  CpuTrials(Workbench &bench, const std::vector<Variant> &variants, const SearchLimits &limits,
            const SearchCounts &counts, Recorder recorder)
      : bench(bench), variants(variants), limits(limits), counts(counts), recorder(std::move(recorder)) {}

  void compile(llvm::ArrayRef<Variant *> wanted) override;
  llvm::Error measure(llvm::ArrayRef<Variant *> variants, unsigned rounds,
                      llvm::function_ref<void(Variant &, double)> sample) override;
  void forget(Variant &variant) override { kernels.erase(&variant); }
  double elapsed() const override;
  bool stopped() const override { return interrupted; }
  void progress(llvm::StringRef doing) override;

private:
  Workbench &bench;
  const std::vector<Variant> &variants;
  const SearchLimits &limits;
  const SearchCounts &counts;
  Recorder recorder;
  std::map<const Variant *, std::shared_ptr<CpuKernel>> kernels;
  std::chrono::steady_clock::time_point start = std::chrono::steady_clock::now();
  ProgressLine line;
};

} // namespace ssm

#endif
