#ifndef SSM_TOOLS_SSMC_EXPLORE_EXPLORERESULT_H
#define SSM_TOOLS_SSMC_EXPLORE_EXPLORERESULT_H

#include "tools/ssmc/explore/Search.h"
#include "llvm/Support/raw_ostream.h"

#include <nlohmann/json.hpp>
#include <optional>

namespace ssm {

/// What `ssmc explore` found.
struct ExploreResult {
  std::string model, mode, device = "cpu", target;
  unsigned threads = 1;
  std::vector<std::pair<std::string, int64_t>> dims;
  /// Schedules written down, legal ones, different kernels among these, those that fit the machine.
  int64_t written = 0, legal = 0, distinct = 0, fitting = 0;
  /// Variants that were measured before this run.
  size_t known = 0;
  SearchCounts counts;
  std::vector<Variant> variants;
  size_t best = 0, automatic = 0;
  double seconds = 0;
  bool interrupted = false;

  /// Spearman's rank correlation of predicted with measured seconds; nothing where fewer than three are measured.
  std::optional<double> correlation() const;
  /// Numbers of the variants, measured ones first by their time, then by prediction.
  std::vector<size_t> ranking() const;
};

/// The documented object: `best`, `auto`, `counts`, `variants`, and what was explored. At most `most` variants that are
/// not measured.
nlohmann::ordered_json toJson(const ExploreResult &result, size_t most);
/// One variant of it.
nlohmann::ordered_json describeVariant(const Variant &variant);
/// A line a variant, with a head; as many variants as the object has.
std::string toCsv(const ExploreResult &result, size_t most);
/// A table of the best with bars, the counts, and why the best is what it is.
void printTable(const ExploreResult &result, llvm::raw_ostream &stream, size_t rows);

/// Spearman's rank correlation; ties share their mean rank.
double rankCorrelation(llvm::ArrayRef<double> a, llvm::ArrayRef<double> b);

} // namespace ssm

#endif
