/* Mamba's selective scan from a bundle, on the processor, in a C program that knows its header and ssm.h alone.
 *
 *   ssmc compile mamba1 --target cpu --emit bundle -o mamba1.ssmb --without z
 *   mkdir -p mamba1 && unzip -o mamba1.ssmb mamba1.h -d mamba1
 *   cc call_mamba1.c -Imamba1 -I… -lssm_runtime -lm -o call_mamba1 && ./call_mamba1 mamba1.ssmb
 */
#include "mamba1.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { Batch = 2, Channels = 24, State = 16, Steps = 50 };

static float u[Batch][Channels][Steps], delta[Batch][Channels][Steps], A[Channels][State], D[Channels], bias[Channels];
static float B[Batch][1][State][Steps], C[Batch][1][State][Steps], y[Batch][Channels][Steps];

static void draw(void *values, size_t bytes, float low, float high) {
  for (size_t i = 0; i < bytes / sizeof(float); ++i)
    ((float *)values)[i] = low + (high - low) * ((float)rand() / (float)RAND_MAX);
}

/* The largest difference from the recurrence as the paper writes it, computed in double. */
static double error(void) {
  double worst = 0, largest = 0;
  for (int b = 0; b < Batch; ++b)
    for (int c = 0; c < Channels; ++c) {
      double h[State] = {0};
      for (int t = 0; t < Steps; ++t) {
        const double dt = log1p(exp((double)delta[b][c][t] + bias[c]));
        double sum = D[c] * u[b][c][t];
        for (int n = 0; n < State; ++n) {
          h[n] = exp(dt * A[c][n]) * h[n] + dt * B[b][0][n][t] * u[b][c][t];
          sum += C[b][0][n][t] * h[n];
        }
        worst = fmax(worst, fabs(sum - y[b][c][t]));
        largest = fmax(largest, fabs(sum));
      }
    }
  return worst / largest;
}

int main(int argc, char **argv) {
  ssm_error problem;
  ssm_bundle *bundle;
  draw(u, sizeof u, -1, 1), draw(delta, sizeof delta, -4, 0), draw(A, sizeof A, -8, -0.1f), draw(D, sizeof D, -1, 1);
  draw(bias, sizeof bias, -1, 0), draw(B, sizeof B, -1, 1), draw(C, sizeof C, -1, 1);

  if (argc != 2 || ssm_open(argv[1], &bundle, &problem) || ssm_prepare_cpu(bundle, 0, &problem))
    return fprintf(stderr, "error: %s\n", argc == 2 ? problem.message : "which bundle?"), 1;
  const int64_t channels[] = {Channels * Steps, Steps, 1}, states[] = {State * Steps, State * Steps, Steps, 1};
  const int64_t one[] = {1}, two[] = {State, 1};
  mamba1_forward_call call = mamba1_forward_defaults();
  call.device = SSM_CPU;
  call.sizes.batch = Batch, call.sizes.group = 1, call.sizes.member = Channels, call.sizes.time = Steps;
  call.in.u = (ssm_tensor){u, channels}, call.in.delta = (ssm_tensor){delta, channels};
  call.in.A = (ssm_tensor){A, two}, call.in.D = (ssm_tensor){D, one}, call.in.delta_bias = (ssm_tensor){bias, one};
  call.in.B = (ssm_tensor){B, states}, call.in.C = (ssm_tensor){C, states};
  call.out.y = (ssm_tensor){y, channels};
  if (mamba1_forward_workspace(bundle, &call, &call.workspace_size, &problem))
    return fprintf(stderr, "error: %s\n", problem.message), 1;
  call.workspace = call.workspace_size ? aligned_alloc(256, call.workspace_size) : NULL;
  if (call.workspace)
    memset(call.workspace, 0, call.workspace_size);
  if (mamba1_forward(bundle, &call, &problem))
    return fprintf(stderr, "error: %s\n", problem.message), 1;
  free(call.workspace);
  ssm_close(bundle);
  const double off = error();
  printf("%d steps of %d channels: off by %.1e of the largest value\n", Steps, Batch * Channels, off);
  return off < 2e-5 ? 0 : 1;
}
