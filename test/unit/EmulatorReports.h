#ifndef SSM_TEST_UNIT_EMULATORREPORTS_H
#define SSM_TEST_UNIT_EMULATORREPORTS_H

#include "test/support/KernelText.h"

#include <gtest/gtest.h>

namespace ssm::test {

inline Words input(const char *name, size_t count) { return {name, std::vector<int32_t>(count, 7)}; }
inline Words output(const char *name, size_t count) { return {name, std::vector<int32_t>(count), true, false}; }

/// Whether the report is `text` after the kernel's name.
inline void expectReport(const KernelText &kernel, const std::vector<Words> &arrays, const std::string &text) {
  EXPECT_EQ(kernel.run(arrays), text.empty() ? "" : "emulated device: kernel k, " + text);
}

/// Kernels in which every barrier and the like is needed: as it is nothing is reported in any order, without one of
/// them something is.
inline void expectAllNeeded(const KernelText &kernel, const std::vector<Words> &arrays, std::vector<Bug> bugs,
                            const std::string &why = "which ") {
  auto whole = kernel.compile();
  ASSERT_TRUE(static_cast<bool>(whole)) << llvm::toString(whole.takeError());
  for (uint64_t seed = 0; seed < 20; ++seed) {
    std::vector<Words> own = arrays;
    EXPECT_EQ(kernel.run(**whole, own, seed), "") << "seed " << seed;
  }
  for (Bug bug : bugs) {
    unsigned count = kernel.countPlaces(bug);
    EXPECT_GT(count, 0u) << nameOf(bug);
    for (unsigned number = 0; number < count; ++number) {
      auto broken = kernel.compile(std::pair(bug, number));
      ASSERT_TRUE(static_cast<bool>(broken)) << llvm::toString(broken.takeError());
      for (uint64_t seed = 0; seed < 5; ++seed) {
        std::vector<Words> own = arrays;
        EXPECT_NE(kernel.run(**broken, own, seed).find(why), std::string::npos)
            << nameOf(bug) << " " << number << ", seed " << seed << ": " << kernel.run(**broken, own, seed);
      }
    }
  }
}

} // namespace ssm::test

#endif
