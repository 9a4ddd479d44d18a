/* A kernel's PTX with the CUDA driver alone: neither ssmc's runtime nor CUDA's headers. Where there is no driver, it
 * goes as far as loading and says so.
 *
 *   ssmc compile rglru --target sm_80 --emit ptx --schedule 'channel=grid,thread:64; time=loop' -o rglru.ptx
 *   cc load_ptx.c -lm -o load_ptx && ./load_ptx rglru.ptx
 *
 * The PTX begins with how the kernel is called: for each tensor a pointer and a stride an axis, then the sizes and the
 * number of tasks, 64 bits each. A block of 64 threads takes 64 channels of one sequence.
 */
#include <dlfcn.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { Batch = 2, Steps = 40, Channels = 100, Threads = 64, Values = Batch * Steps * Channels };

typedef unsigned long long address; /* CUdeviceptr */

static void *driver;

/* Calls a function of the driver; what it returns is 0 where it succeeded. */
#define CALL(types, name, ...)                                                                                         \
  do {                                                                                                                 \
    int(*function) types = (int(*) types)dlsym(driver, name);                                                          \
    const int result = function ? function(__VA_ARGS__) : -1;                                                          \
    if (result != 0) {                                                                                                 \
      fprintf(stderr, "error: %s gives %d\n", name, result);                                                           \
      exit(1);                                                                                                         \
    }                                                                                                                  \
  } while (0)

static char *readFile(const char *path) {
  FILE *file = fopen(path, "rb");
  if (!file || fseek(file, 0, SEEK_END))
    return NULL;
  const long size = ftell(file);
  char *text = calloc((size_t)size + 1, 1);
  rewind(file);
  const size_t count = text ? fread(text, 1, (size_t)size, file) : 0;
  fclose(file);
  return count == (size_t)size ? text : NULL;
}

static address upload(const float *values, size_t count) {
  address memory = 0;
  CALL((address *, size_t), "cuMemAlloc_v2", &memory, count * sizeof(float));
  CALL((address, const void *, size_t), "cuMemcpyHtoD_v2", memory, values, count * sizeof(float));
  return memory;
}

int main(int argc, char **argv) {
  static float x[Values], r[Values], i[Values], y[Values], lambda[Channels];
  for (int n = 0; n < Values; ++n)
    x[n] = sinf(0.1f * (float)n), r[n] = cosf(0.3f * (float)n), i[n] = sinf(0.7f * (float)n);
  for (int c = 0; c < Channels; ++c)
    lambda[c] = 0.02f * (float)c - 1;
  char *ptx = argc == 2 ? readFile(argv[1]) : NULL;
  if (!ptx)
    return fprintf(stderr, "error: a file with PTX is needed\n"), 1;
  driver = dlopen("libcuda.so.1", RTLD_NOW);
  if (!driver) {
    printf("there is no CUDA driver here: the PTX is not loaded\n");
    return 0;
  }
  int device;
  void *context, *module, *kernel;
  CALL((unsigned), "cuInit", 0);
  CALL((int *, int), "cuDeviceGet", &device, 0);
  CALL((void **, int), "cuDevicePrimaryCtxRetain", &context, device);
  CALL((void *), "cuCtxSetCurrent", context);
  CALL((void **, const void *), "cuModuleLoadData", &module, ptx);
  CALL((void **, void *, const char *), "cuModuleGetFunction", &kernel, module, "rglru_forward");

  const uint64_t tasks = Batch * ((Channels + Threads - 1) / Threads), rows[] = {Steps * Channels, Channels, 1};
  const address out = upload(y, Values);
  uint64_t words[] = {upload(x, Values),
                      rows[0],
                      rows[1],
                      rows[2],
                      upload(r, Values),
                      rows[0],
                      rows[1],
                      rows[2],
                      upload(i, Values),
                      rows[0],
                      rows[1],
                      rows[2],
                      upload(lambda, Channels),
                      1,
                      out,
                      rows[0],
                      rows[1],
                      rows[2],
                      0,
                      0,
                      0, /* no state before the first step: zeros */
                      0,
                      0,
                      0, /* nor is the one after the last asked for */
                      Batch,
                      Channels,
                      Steps,
                      tasks};
  void *arguments[sizeof words / sizeof *words];
  for (size_t n = 0; n < sizeof words / sizeof *words; ++n)
    arguments[n] = &words[n];
  CALL((void *, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, void *, void **, void **),
       "cuLaunchKernel", kernel, (unsigned)tasks, 1, 1, Threads, 1, 1, 0, NULL, arguments, NULL);
  CALL((void), "cuCtxSynchronize");
  CALL((void *, address, size_t), "cuMemcpyDtoH_v2", y, out, sizeof y);

  double worst = 0;
  for (int b = 0; b < Batch; ++b)
    for (int c = 0; c < Channels; ++c) {
      double h = 0;
      for (int t = 0; t < Steps; ++t) {
        const int at = (b * Steps + t) * Channels + c;
        const double log_a = -8 * log1p(exp((double)lambda[c])) / (1 + exp(-(double)r[at]));
        h = exp(log_a) * h + sqrt(-expm1(2 * log_a)) * x[at] / (1 + exp(-(double)i[at]));
        worst = fmax(worst, fabs(h - y[at]));
      }
    }
  printf("%d steps: off by %.1e\n", Steps, worst);
  return worst < 2e-5 ? 0 : 1;
}
