/* Mamba's selective scan from a bundle, on the processor, in a C program that knows its header and ssm.h alone: a
 * prompt, then token by token.
 *
 *   ssmc compile mamba1 --target cpu --mode forward,step --emit bundle -o mamba1.ssmb --without z
 *   mkdir -p mamba1 && unzip -o mamba1.ssmb mamba1.h -d mamba1
 *   cc call_mamba1.c -Imamba1 -I… -lssm_runtime -lm -o call_mamba1 && ./call_mamba1 mamba1.ssmb
 */
#include "mamba1.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { Batch = 2, Channels = 24, State = 16, Prompt = 50, Steps = 150 };

static float u[Batch][Channels][Steps], delta[Batch][Channels][Steps], A[Channels][State], D[Channels], bias[Channels];
static float B[Batch][1][State][Steps], C[Batch][1][State][Steps], y[Batch][Channels][Steps];
static float h[Batch][Channels][State];

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

static int fail(const ssm_error *problem) { return fprintf(stderr, "error: %s\n", problem->message), 1; }

int main(int argc, char **argv) {
  ssm_error problem = {SSM_BAD_ARGUMENT, "which bundle?"};
  ssm_bundle *bundle;
  draw(u, sizeof u, -1, 1), draw(delta, sizeof delta, -4, 0), draw(A, sizeof A, -8, -0.1f), draw(D, sizeof D, -1, 1);
  draw(bias, sizeof bias, -1, 0), draw(B, sizeof B, -1, 1), draw(C, sizeof C, -1, 1);
  if (argc != 2 || ssm_open(argv[1], &bundle, &problem) || ssm_prepare_cpu(bundle, 0, &problem))
    return fail(&problem);

  /* The prompt in one call, which leaves the state. */
  const int64_t rows[] = {Channels * Steps, Steps, 1}, columns[] = {State * Steps, State * Steps, Steps, 1};
  const int64_t one[] = {1}, two[] = {State, 1}, three[] = {Channels * State, State, 1};
  mamba1_forward_call prompt = mamba1_forward_defaults();
  prompt.device = SSM_CPU;
  prompt.sizes.batch = Batch, prompt.sizes.group = 1, prompt.sizes.member = Channels, prompt.sizes.time = Prompt;
  prompt.in.u = (ssm_tensor){u, rows}, prompt.in.delta = (ssm_tensor){delta, rows};
  prompt.in.B = (ssm_tensor){B, columns}, prompt.in.C = (ssm_tensor){C, columns}, prompt.in.A = (ssm_tensor){A, two};
  prompt.in.D = (ssm_tensor){D, one}, prompt.in.delta_bias = (ssm_tensor){bias, one};
  prompt.out.y = (ssm_tensor){y, rows}, prompt.final.h = (ssm_tensor){h, three};
  if (mamba1_forward_workspace(bundle, &prompt, &prompt.workspace_size, &problem))
    return fail(&problem);
  prompt.workspace = prompt.workspace_size ? aligned_alloc(256, (prompt.workspace_size + 255) / 256 * 256) : NULL;
  if (prompt.workspace)
    memset(prompt.workspace, 0, prompt.workspace_size);
  if (mamba1_forward(bundle, &prompt, &problem))
    return fail(&problem);
  free(prompt.workspace);

  /* Then a token a call; the state is updated where it stands. */
  mamba1_step_call token = mamba1_step_defaults();
  token.device = SSM_CPU;
  token.sizes.batch = token.sizes.slots = Batch, token.sizes.group = 1, token.sizes.member = Channels;
  token.sizes.time = 1;
  token.in.A = prompt.in.A, token.in.D = prompt.in.D, token.in.delta_bias = prompt.in.delta_bias;
  token.initial.h = token.final.h = prompt.final.h;
  for (int t = Prompt; t < Steps; ++t) {
    token.in.u = (ssm_tensor){&u[0][0][t], rows}, token.in.delta = (ssm_tensor){&delta[0][0][t], rows};
    token.in.B = (ssm_tensor){&B[0][0][0][t], columns}, token.in.C = (ssm_tensor){&C[0][0][0][t], columns};
    token.out.y = (ssm_tensor){&y[0][0][t], rows};
    if (mamba1_step(bundle, &token, &problem))
      return fail(&problem);
  }
  ssm_close(bundle);

  const double off = error();
  printf("%d steps and %d single ones of %d channels: off by %.1e of the largest value\n", Prompt, Steps - Prompt,
         Batch * Channels, off);
  return off < 2e-5 ? 0 : 1;
}
