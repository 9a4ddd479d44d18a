#include "tools/ssmc/explore/CpuTrials.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/raw_ostream.h"

#include <csignal>
#include <unistd.h>

using namespace ssm;

/// A repetition lasts this long at least: a call of microseconds is not timed well alone.
static constexpr double shortestRepetition = 2e-3;
/// Outputs may differ by this much of the largest value from those of the default schedule, by rounding.
static constexpr double mostDifference = 1e-2;

std::atomic<bool> ssm::interrupted = false;

static void onSignal(int number) {
  interrupted = true;
  std::signal(number, SIG_DFL);
}

void ssm::catchInterrupts() {
  std::signal(SIGINT, onSignal);
  std::signal(SIGTERM, onSignal);
}

ProgressLine::ProgressLine() : isTerminal(isatty(STDERR_FILENO)) {}

void ProgressLine::show(double share, const std::string &text) {
  if (!isTerminal)
    return;
  const int width = 20, full = static_cast<int>(std::clamp(share, 0.0, 1.0) * width);
  llvm::errs() << "\r\033[K[" << std::string(full, '#') << std::string(width - full, '.') << "] " << text;
  llvm::errs().flush();
  isShown = true;
}

void ProgressLine::clear() {
  if (isShown)
    llvm::errs() << "\r\033[K";
  isShown = false;
}

double CpuTrials::elapsed() const {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

void CpuTrials::progress(llvm::StringRef doing) {
  const Variant *best = nullptr;
  for (const Variant &variant : variants)
    if (variant.isMeasured() && variant.error.empty() && (!best || variant.median() < best->median()))
      best = &variant;
  std::string text;
  llvm::raw_string_ostream stream(text);
  stream << doing << ", " << counts.measured << " measured, " << llvm::format("%.0f s", elapsed());
  if (best)
    stream << llvm::format(", best %.4f ms: ", best->median() * 1e3) << best->schedule.substr(0, 60);
  double byBudget = static_cast<double>(counts.measured) / std::max<size_t>(limits.budget, 1);
  line.show(std::max(byBudget, elapsed() / limits.seconds), text);
}

void CpuTrials::compile(llvm::ArrayRef<Variant *> wanted) {
  std::vector<Variant *> missing;
  std::vector<std::string> schedules;
  for (Variant *variant : wanted)
    if (variant->error.empty() && !kernels.count(variant)) {
      missing.push_back(variant);
      schedules.push_back(variant->schedule);
    }
  std::vector<CompiledVariant> compiled = bench.compile(schedules, interrupted, [&](size_t) { progress("compiling"); });
  for (auto [variant, result] : llvm::zip_equal(missing, compiled)) {
    variant->error = result.error;
    if (!result.kernel)
      continue;
    // A schedule that computes something else is no candidate, however fast.
    auto difference = bench.difference(*result.kernel);
    if (!difference)
      variant->error = llvm::toString(difference.takeError());
    else if (*difference > mostDifference)
      llvm::raw_string_ostream(variant->error)
          << "its outputs differ from the default schedule's by " << llvm::format("%.1e", *difference);
    if (variant->error.empty())
      kernels[variant] = std::move(result.kernel);
  }
}

llvm::Error CpuTrials::measure(llvm::ArrayRef<Variant *> wanted, unsigned rounds,
                               llvm::function_ref<void(Variant &, double)> sample) {
  std::vector<CpuKernel *> ready;
  for (Variant *variant : wanted)
    ready.push_back(kernels.at(variant).get());
  return bench.measure(ready, rounds, shortestRepetition, interrupted, [&](size_t number, double seconds) {
    sample(*wanted[number], seconds);
    recorder(*wanted[number], seconds);
  });
}
