#ifndef SSM_TEST_SUPPORT_KERNELTEXT_H
#define SSM_TEST_SUPPORT_KERNELTEXT_H

#include "codegen/emulator/EmulatedModule.h"
#include "test/support/PlantedBugs.h"

#include <optional>

namespace ssm::test {

/// An array of 32-bit words, or of floats as their bits.
struct Words {
  std::string name;
  std::vector<int32_t> values;
  bool writable = false, initialized = true;
};

/// A kernel `@k` in the text of LLVM IR as it would become PTX, that takes pointers alone. Intrinsics need not be
/// declared.
struct KernelText {
  std::string text;
  unsigned blocks = 1, threads = 32, residentBlocks = 3;
  size_t dynamicSharedBytes = 0;

  /// How many bugs of a kind can be planted.
  unsigned countPlaces(Bug bug) const;
  /// Compiles it, with the bug of that kind and number.
  llvm::Expected<std::unique_ptr<emulator::EmulatedModule>>
  compile(std::optional<std::pair<Bug, unsigned>> bug = {}) const;
  /// Runs it on the arrays, which are its arguments in order; what is reported, or nothing.
  std::string run(const emulator::EmulatedModule &module, std::vector<Words> &arrays, uint64_t seed) const;
  /// Compiles and runs it.
  std::string run(std::vector<Words> arrays, uint64_t seed = 0) const;
};

} // namespace ssm::test

#endif
