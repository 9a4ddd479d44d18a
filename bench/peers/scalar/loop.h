#ifndef SSM_BENCH_PEERS_SCALAR_LOOP_H
#define SSM_BENCH_PEERS_SCALAR_LOOP_H

// What the scalar loops share. Each file defines `extern "C" void MODEL(Inputs, Sizes, Output)`, which computes what
// models/MODEL.ssm says, with its default options and from zero states, as one writes it down: time outermost, the
// states contiguous and innermost. Compiled with -O3 -march=native -ffast-math.

#include <array>
#include <cmath>
#include <cstdint>
#include <vector>

/// The inputs in the order of the description, without optional gates: row-major; complex values as (re, im).
using Inputs = const float *const *;
/// The sizes of the dimensions in the order of the description, then time's.
using Sizes = const int64_t *;
/// The output, row-major.
using Output = float *__restrict;

/// The first N of them, to be named.
template <size_t N, typename T> std::array<T, N> take(const T *list) {
  std::array<T, N> taken;
  for (size_t i = 0; i < N; ++i)
    taken[i] = list[i];
  return taken;
}

inline float sigmoid(float x) { return 1 / (1 + std::exp(-x)); }
inline float softplus(float x) { return std::log1p(std::exp(x)); }

#endif
