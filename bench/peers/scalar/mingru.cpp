// minGRU with the positive candidate. Feng, Tung, Ahmed, Bengio & Hajimirsadeghi 2024.

#include "bench/peers/scalar/loop.h"

extern "C" void mingru(Inputs inputs, Sizes sizes, Output y) {
  const auto [x, z] = take<2>(inputs);
  const auto [batch, channel, time] = take<3>(sizes);
  std::vector<float> states(batch * channel);
  for (int64_t t = 0; t < time; ++t)
    for (int64_t b = 0; b < batch; ++b) {
      float *__restrict h = &states[b * channel];
      for (int64_t c = 0, at = (b * time + t) * channel; c < channel; ++c, ++at) {
        const float candidate = x[at] >= 0 ? x[at] + 0.5f : sigmoid(x[at]), gate = sigmoid(z[at]);
        h[c] = (1 - gate) * h[c] + gate * candidate;
        y[at] = h[c];
      }
    }
}
