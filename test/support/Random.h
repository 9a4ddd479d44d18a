#ifndef SSM_TEST_SUPPORT_RANDOM_H
#define SSM_TEST_SUPPORT_RANDOM_H

#include <cstdint>
#include <random>

namespace ssm::test {

/// Random numbers that are the same with every standard library; the standard's distributions are not.
class Random {
public:
  explicit Random(uint64_t seed) : engine(seed) {}
  /// 0 … count-1.
  uint64_t below(uint64_t count) { return engine() % count; }
  bool chance(unsigned percent) { return below(100) < percent; }
  /// Uniform in [-1, 1], in steps of 2^-20, so that f32 holds it exactly.
  double symmetric() { return double(int64_t(below((uint64_t(2) << 20) + 1)) - (int64_t(1) << 20)) / (1 << 20); }
  template <typename List> auto &pick(List &list) { return list[below(std::size(list))]; }

private:
  std::mt19937_64 engine;
};

} // namespace ssm::test

#endif
