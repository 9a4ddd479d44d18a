// S4 with a dense transition that is fixed in time. Gu, Goel & Ré 2021.

#include "bench/peers/scalar/loop.h"

extern "C" void s4(Inputs inputs, Sizes sizes, Output y) {
  const auto [u, A, B, C, D] = take<5>(inputs);
  const auto [batch, channel, state, time] = take<4>(sizes);
  std::vector<float> states(batch * channel * state), before(state);
  for (int64_t t = 0; t < time; ++t)
    for (int64_t b = 0; b < batch; ++b)
      for (int64_t c = 0; c < channel; ++c) {
        const float input = u[(b * channel + c) * time + t];
        float *h = &states[(b * channel + c) * state];
        before.assign(h, h + state);
        float sum = 0;
        for (int64_t n = 0; n < state; ++n) {
          const float *row = &A[(c * state + n) * state];
          float next = B[c * state + n] * input;
          for (int64_t k = 0; k < state; ++k)
            next += row[k] * before[k];
          h[n] = next;
          sum += C[c * state + n] * next;
        }
        y[(b * channel + c) * time + t] = sum + D[c] * input;
      }
}
