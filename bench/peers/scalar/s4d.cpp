// S4D with zero-order hold: a complex diagonal transition that is fixed in time. Gu, Gupta, Goel & Ré 2022.

#include "bench/peers/scalar/loop.h"

#include <complex>

extern "C" void s4d(Inputs inputs, Sizes sizes, Output y) {
  const auto [u, A, C, D, dt] = take<5>(inputs);
  const auto [batch, channel, state, time] = take<4>(sizes);
  // Real and imaginary parts apart, so that compilers find vectors in the loop.
  std::vector<float> aRe(channel * state), aIm(aRe), bRe(aRe), bIm(aRe), cRe(aRe), cIm(aRe);
  for (int64_t i = 0; i < channel * state; ++i) {
    const std::complex<double> a(A[2 * i], A[2 * i + 1]), step = std::exp(a * double(dt[i / state]));
    const std::complex<double> hold = (step - 1.0) / a;
    aRe[i] = step.real(), aIm[i] = step.imag();
    bRe[i] = hold.real(), bIm[i] = hold.imag();
    cRe[i] = C[2 * i], cIm[i] = C[2 * i + 1];
  }
  std::vector<float> statesRe(batch * channel * state), statesIm(statesRe);
  for (int64_t t = 0; t < time; ++t)
    for (int64_t b = 0; b < batch; ++b)
      for (int64_t c = 0; c < channel; ++c) {
        const float input = u[(b * channel + c) * time + t];
        float *__restrict hRe = &statesRe[(b * channel + c) * state];
        float *__restrict hIm = &statesIm[(b * channel + c) * state];
        float sum = 0;
        for (int64_t n = 0, i = c * state; n < state; ++n, ++i) {
          const float re = aRe[i] * hRe[n] - aIm[i] * hIm[n] + bRe[i] * input;
          const float im = aRe[i] * hIm[n] + aIm[i] * hRe[n] + bIm[i] * input;
          hRe[n] = re, hIm[n] = im;
          sum += cRe[i] * re - cIm[i] * im;
        }
        y[(b * channel + c) * time + t] = 2 * sum + D[c] * input;
      }
}
