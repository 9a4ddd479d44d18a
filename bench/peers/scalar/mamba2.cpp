// SSD: one decay a head. Dao & Gu 2024; no gate.

#include "bench/peers/scalar/loop.h"

extern "C" void mamba2(Inputs inputs, Sizes sizes, Output y) {
  const auto [x, dt, A, B, C, D, dtBias] = take<7>(inputs);
  const auto [batch, group, perGroup, headdim, state, time] = take<6>(sizes);
  const int64_t heads = group * perGroup;
  std::vector<float> states(batch * heads * headdim * state);
  for (int64_t t = 0; t < time; ++t)
    for (int64_t b = 0; b < batch; ++b)
      for (int64_t j = 0; j < heads; ++j) {
        const int64_t row = (b * time + t) * heads + j;
        const float delta = softplus(dt[row] + dtBias[j]), decay = std::exp(delta * A[j]);
        const int64_t shared = ((b * time + t) * group + j / perGroup) * state;
        for (int64_t p = 0; p < headdim; ++p) {
          const float value = x[row * headdim + p];
          float *__restrict h = &states[((b * heads + j) * headdim + p) * state];
          float sum = 0;
          for (int64_t n = 0; n < state; ++n) {
            h[n] = decay * h[n] + delta * value * B[shared + n];
            sum += C[shared + n] * h[n];
          }
          y[row * headdim + p] = sum + D[j] * value;
        }
      }
}
