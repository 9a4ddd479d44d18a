// Retention: linear attention with a fixed decay a head. Sun, Dong, Huang et al. 2023.

#include "bench/peers/scalar/loop.h"

extern "C" void retnet(Inputs inputs, Sizes sizes, Output y) {
  const auto [q, k, v, gamma] = take<4>(inputs);
  const auto [batch, head, key, value, time] = take<5>(sizes);
  std::vector<float> states(batch * head * key * value);
  for (int64_t t = 0; t < time; ++t)
    for (int64_t b = 0; b < batch; ++b)
      for (int64_t j = 0; j < head; ++j) {
        const int64_t row = (b * time + t) * head + j;
        float *out = &y[row * value];
        for (int64_t n = 0; n < value; ++n)
          out[n] = 0;
        for (int64_t m = 0; m < key; ++m) {
          float *__restrict S = &states[((b * head + j) * key + m) * value];
          for (int64_t n = 0; n < value; ++n) {
            S[n] = gamma[j] * S[n] + k[row * key + m] * v[row * value + n];
            out[n] += q[row * key + m] * S[n];
          }
        }
      }
}
