// The selective scan as one writes it down: Gu & Dao 2023, equations 2a and 2b with a diagonal A. Time outermost,
// states contiguous; compiled with -O3 -march=native.

#include "bench/peers/scalar/mamba1.h"

#include <cmath>
#include <vector>

void scalarMamba1(const ScalarMamba1 &a) {
  std::vector<float> h(a.channels * a.states, 0.0f);
  for (long t = 0; t < a.steps; ++t)
    for (long c = 0; c < a.channels; ++c) {
      const float raw = a.delta[c * a.steps + t] + a.deltaBias[c];
      const float dt = std::log1p(std::exp(raw));
      const float u = a.u[c * a.steps + t];
      float y = 0.0f;
      for (long n = 0; n < a.states; ++n) {
        float &state = h[c * a.states + n];
        state = std::exp(dt * a.A[c * a.states + n]) * state + dt * a.B[n * a.steps + t] * u;
        y += a.C[n * a.steps + t] * state;
      }
      a.y[c * a.steps + t] = y + a.D[c] * u;
    }
}
