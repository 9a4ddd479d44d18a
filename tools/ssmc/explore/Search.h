#ifndef SSM_TOOLS_SSMC_EXPLORE_SEARCH_H
#define SSM_TOOLS_SSMC_EXPLORE_SEARCH_H

#include "schedule/CostModel.h"

#include <atomic>
#include <functional>
#include <string>
#include <vector>

namespace ssm {

/// One schedule of the search.
struct Variant {
  Variant(std::string schedule, llvm::SmallVector<uint16_t> choices, Prediction prediction)
      : schedule(std::move(schedule)), choices(std::move(choices)), prediction(std::move(prediction)) {}

  std::string schedule;
  llvm::SmallVector<uint16_t> choices;
  Prediction prediction;
  /// Seconds of its repetitions, scaled by how fast the machine was while they were taken.
  std::vector<double> seconds;
  /// Repetitions of the last comparison of the best; these are as they were taken.
  std::vector<double> confirmed;
  /// Why it could not be compiled or was wrong.
  std::string error;
  /// What its kernels did on the emulated device, by kind.
  std::vector<std::pair<std::string, double>> counted;
  /// Predicted with the registers that the assembler gave it.
  bool isRefined = false;
  /// Measured before this run.
  bool isOld = false;

  bool isMeasured() const { return !seconds.empty() || !confirmed.empty(); }
  double median() const;
  double minimum() const;
};

/// What a search asks for: to compile variants, and to measure them in turn.
class Trials {
public:
  virtual ~Trials() = default;
  /// Compiles each; those that cannot be get their error.
  virtual void compile(llvm::ArrayRef<Variant *> variants) = 0;
  /// `rounds` repetitions of each, in turn; `sample` is told each one's.
  virtual llvm::Error measure(llvm::ArrayRef<Variant *> variants, unsigned rounds,
                              llvm::function_ref<void(Variant &, double)> sample) = 0;
  /// Lets go of what was compiled of it.
  virtual void forget(Variant &variant) = 0;
  /// Seconds since the search began.
  virtual double elapsed() const = 0;
  virtual bool stopped() const = 0;
  /// Something has changed that a user would want to see.
  virtual void progress(llvm::StringRef doing) = 0;
};

struct SearchLimits {
  /// Variants to measure, and seconds in all.
  size_t budget = 40;
  double seconds = 60;
  /// In place of a search: variants in the order of their predictions, or spread evenly over that order.
  enum class Order { Search, Predicted, Spread } order = Order::Search;
  /// Repetitions of each in the last comparison, and how many of the best take part.
  unsigned confirmations = 9;
  size_t finalists = 5;
};

/// How a search went.
struct SearchCounts {
  size_t compiled = 0, failed = 0, measured = 0;
};

/// Looks for the fastest of `variants`, which are sorted by nothing; the one at `first` is measured first and takes
/// part in the last comparison. Goes in batches: a part of each batch are the variants that the model puts first,
/// corrected by how far it was off for the nearest variant measured, the rest are neighbours of the best (one choice
/// differs). A batch is compiled, then raced against the first and the best so far: two repetitions each, three more
/// for those within half of the best, four more for those within 15 percent. In the end the best few and the first are
/// compared, repetition by repetition in turn. Returns the number of the winner of that.
llvm::Expected<size_t> search(std::vector<Variant> &variants, size_t first, const SearchLimits &limits, Trials &trials,
                              SearchCounts &counts);

double medianOf(std::vector<double> values);

} // namespace ssm

#endif
