#ifndef SSM_TEST_SUPPORT_KERNELCASE_H
#define SSM_TEST_SUPPORT_KERNELCASE_H

#include "llvm/ADT/STLFunctionalExtras.h"

#include <cstdint>
#include <map>
#include <set>
#include <string>

namespace ssm::test {

/// A kernel and one run of it, written out: what a failure is reported as, and what is made smaller.
struct KernelCase {
  /// The recurrence in the language.
  std::string text;
  std::map<std::string, int64_t> sizes;
  /// The dimensions whose sizes are known when compiling.
  std::set<std::string> known;
  /// `auto`, or a schedule in full.
  std::string schedule = "auto";
  /// Of the arguments' values, and of the memory that they lie in.
  uint64_t seed = 0;
  bool withOptionalInputs = false;
  unsigned threads = 1;

  /// All of it, for people: the text, the sizes, the schedule.
  std::string print() const;
};

/// A case for which `fails` still holds and of which nothing single can be left out or made smaller: lines of the text
/// and parts of its expressions, sizes, levels, counts and knobs of the schedule. `fails` is asked `attempts` times at
/// most.
KernelCase shrink(const KernelCase &failing, llvm::function_ref<bool(const KernelCase &)> fails, unsigned attempts);

} // namespace ssm::test

#endif
