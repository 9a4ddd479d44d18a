// DeltaNet: a matrix state corrected towards each new value. Yang, Wang, Zhang, Shen & Kim 2024.

#include "bench/peers/scalar/loop.h"

extern "C" void deltanet(Inputs inputs, Sizes sizes, Output y) {
  const auto [q, k, v, beta] = take<4>(inputs);
  const auto [batch, head, key, value, time] = take<5>(sizes);
  std::vector<float> states(batch * head * key * value), missing(value);
  float *__restrict miss = missing.data();
  for (int64_t t = 0; t < time; ++t)
    for (int64_t b = 0; b < batch; ++b)
      for (int64_t j = 0; j < head; ++j) {
        const int64_t row = (b * time + t) * head + j;
        float *out = &y[row * value], *first = &states[(b * head + j) * key * value];
        for (int64_t n = 0; n < value; ++n)
          miss[n] = v[row * value + n], out[n] = 0;
        for (int64_t m = 0; m < key; ++m) {
          const float *__restrict S = first + m * value;
          for (int64_t n = 0; n < value; ++n)
            miss[n] -= k[row * key + m] * S[n];
        }
        for (int64_t m = 0; m < key; ++m) {
          float *__restrict S = first + m * value;
          for (int64_t n = 0; n < value; ++n) {
            S[n] += beta[row] * k[row * key + m] * miss[n];
            out[n] += q[row * key + m] * S[n];
          }
        }
      }
}
