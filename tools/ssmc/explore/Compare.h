#ifndef SSM_TOOLS_SSMC_EXPLORE_COMPARE_H
#define SSM_TOOLS_SSMC_EXPLORE_COMPARE_H

#include "tools/ssmc/explore/Subject.h"

namespace ssm {

/// Two schedules side by side.
struct Comparison {
  Variant first, second;
  /// What differs of their tiles, a line for each dimension and knob.
  std::vector<std::string> differences;
};

/// Places and weighs both. Errors: one is not legal.
llvm::Expected<Comparison> compareSchedules(const Subject &subject, const std::string &first,
                                            const std::string &second);

void printComparison(const Comparison &comparison, llvm::raw_ostream &stream);
nlohmann::ordered_json toJson(const Comparison &comparison);

} // namespace ssm

#endif
