#ifndef SSM_TEST_FUZZ_FUZZ_H
#define SSM_TEST_FUZZ_FUZZ_H

#include "test/support/Random.h"

#include <memory>
#include <string>

namespace ssm::fuzz {

/// One kind of input. An input depends on the seed and its index alone, so that one can be run again by itself.
class Target {
public:
  virtual ~Target() = default;
  /// What --kind calls it.
  virtual const char *name() const = 0;
  /// Makes an input and feeds it: empty if it ended as promised, else what went wrong, with the input.
  virtual std::string run(uint64_t seed, int64_t index) = 0;
  /// How the inputs so far ended, in a line.
  virtual std::string summary() const = 0;
  /// What is wrong with `count` inputs as a whole, e.g. too few that got far; else empty.
  virtual std::string judge(int64_t count) const = 0;
};

/// The random numbers of an input.
inline test::Random randomOf(uint64_t seed, int64_t index) { return test::Random(seed * 0x9e3779b97f4a7c15 + index); }
/// What is wrong with a refusal.
inline std::string judgeRefusal(const std::string &why) { return why.empty() ? "refused without a reason" : ""; }

std::unique_ptr<Target> makeBundleTarget();
std::unique_ptr<Target> makeDescriptionTarget();
std::unique_ptr<Target> makeSafetensorsTarget();

} // namespace ssm::fuzz

#endif
