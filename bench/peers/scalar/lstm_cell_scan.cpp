// An LSTM cell with diagonal recurrent weights. Hochreiter & Schmidhuber 1997; Gers, Schmidhuber & Cummins 2000.

#include "bench/peers/scalar/loop.h"

extern "C" void lstm_cell_scan(Inputs inputs, Sizes sizes, Output y) {
  const auto [xi, xf, xo, xg, wi, wf, wo, wg] = take<8>(inputs);
  const auto [batch, channel, time] = take<3>(sizes);
  std::vector<float> statesH(batch * channel), statesC(statesH);
  for (int64_t t = 0; t < time; ++t)
    for (int64_t b = 0; b < batch; ++b) {
      float *__restrict h = &statesH[b * channel], *__restrict cell = &statesC[b * channel];
      for (int64_t c = 0, at = (b * time + t) * channel; c < channel; ++c, ++at) {
        const float i = sigmoid(xi[at] + wi[c] * h[c]), f = sigmoid(xf[at] + wf[c] * h[c]);
        const float o = sigmoid(xo[at] + wo[c] * h[c]), g = std::tanh(xg[at] + wg[c] * h[c]);
        cell[c] = f * cell[c] + i * g;
        h[c] = o * std::tanh(cell[c]);
        y[at] = h[c];
      }
    }
}
