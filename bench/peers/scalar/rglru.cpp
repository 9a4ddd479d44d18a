// RG-LRU, Griffin's recurrence. De, Smith, Fernando et al. 2024.

#include "bench/peers/scalar/loop.h"

extern "C" void rglru(Inputs inputs, Sizes sizes, Output y) {
  const auto [x, r, i, Lambda] = take<4>(inputs);
  const auto [batch, channel, time] = take<3>(sizes);
  std::vector<float> states(batch * channel), rate(channel);
  for (int64_t c = 0; c < channel; ++c)
    rate[c] = -8 * softplus(Lambda[c]);
  for (int64_t t = 0; t < time; ++t)
    for (int64_t b = 0; b < batch; ++b) {
      float *__restrict h = &states[b * channel];
      for (int64_t c = 0, at = (b * time + t) * channel; c < channel; ++c, ++at) {
        const float logA = rate[c] * sigmoid(r[at]);
        h[c] = std::exp(logA) * h[c] + std::sqrt(-std::expm1(2 * logA)) * sigmoid(i[at]) * x[at];
        y[at] = h[c];
      }
    }
}
