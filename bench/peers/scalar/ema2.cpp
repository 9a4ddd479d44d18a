// A damped, driven oscillator a channel: the force at the old position, the damping at the new velocity. Rusch & Rus
// 2024.

#include "bench/peers/scalar/loop.h"

extern "C" void ema2(Inputs inputs, Sizes sizes, Output y) {
  const auto [u, omega2, damp, dt, b, c, d] = take<7>(inputs);
  const auto [batch, channel, time] = take<3>(sizes);
  std::vector<float> positions(batch * channel), velocities(positions);
  for (int64_t t = 0; t < time; ++t)
    for (int64_t n = 0; n < batch; ++n) {
      float *__restrict x = &positions[n * channel], *__restrict z = &velocities[n * channel];
      for (int64_t i = 0, at = (n * time + t) * channel; i < channel; ++i, ++at) {
        z[i] = (z[i] + dt[i] * (b[i] * u[at] - omega2[i] * x[i])) / (1 + dt[i] * damp[i]);
        x[i] += dt[i] * z[i];
        y[at] = c[i] * x[i] + d[i] * u[at];
      }
    }
}
