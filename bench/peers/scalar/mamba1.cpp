// The selective scan. Gu & Dao 2023, equations 2a and 2b with a diagonal A; no gate.

#include "bench/peers/scalar/loop.h"

extern "C" void mamba1(Inputs inputs, Sizes sizes, Output y) {
  const auto [u, delta, A, B, C, D, deltaBias] = take<7>(inputs);
  const auto [batch, group, member, state, time] = take<5>(sizes);
  const int64_t channels = group * member;
  std::vector<float> states(batch * channels * state);
  for (int64_t t = 0; t < time; ++t)
    for (int64_t b = 0; b < batch; ++b)
      for (int64_t c = 0; c < channels; ++c) {
        const int64_t at = (b * channels + c) * time + t, shared = (b * group + c / member) * state * time + t;
        const float dt = softplus(delta[at] + deltaBias[c]);
        float *__restrict h = &states[(b * channels + c) * state];
        float sum = 0;
        for (int64_t n = 0; n < state; ++n) {
          h[n] = std::exp(dt * A[c * state + n]) * h[n] + dt * B[shared + n * time] * u[at];
          sum += C[shared + n * time] * h[n];
        }
        y[at] = sum + D[c] * u[at];
      }
}
