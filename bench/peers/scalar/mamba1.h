#ifndef SSM_BENCH_PEERS_SCALAR_MAMBA1_H
#define SSM_BENCH_PEERS_SCALAR_MAMBA1_H

/// Row-major arrays of one batch, one group: u, delta, y [channels, steps]; A [channels, states]; B, C [states, steps];
/// D, deltaBias [channels].
struct ScalarMamba1 {
  long channels, states, steps;
  const float *u, *delta, *A, *B, *C, *D, *deltaBias;
  float *y;
};

/// Mamba-1's forward without a gate, softplus of delta included, from a zero state.
void scalarMamba1(const ScalarMamba1 &arguments);

#endif
