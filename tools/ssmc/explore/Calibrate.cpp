// Micro-benchmarks of this processor, each the best of several runs: what others do on the machine only makes them
// longer.

#include "tools/ssmc/explore/Calibrate.h"
#include "llvm/TargetParser/Host.h"

#include <cstring>
#include <ctime>
#include <unistd.h>

using namespace ssm;

static constexpr int runs = 15;
/// Well beyond any last cache's share of one core.
static constexpr size_t memoryBytes = 256 << 20;

static double threadSeconds() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

template <typename Work> static double shortest(Work work) {
  double best = 1e9;
  for (int run = 0; run < runs; ++run) {
    double start = threadSeconds();
    work();
    best = std::min(best, threadSeconds() - start);
  }
  return best;
}

/// A value that the compiler must compute, and knows nothing of afterwards.
template <typename T> static void keep(T &value) { asm volatile("" : "+r"(value)); }

/// Multiplications of 64-bit integers that wait for each other take 3 clocks each on x86-64 processors since 2008.
static double measureClock() {
  constexpr int64_t count = 1 << 21;
  uint64_t factor = 0x9e3779b97f4a7c15;
  keep(factor);
  double seconds = shortest([factor] {
    uint64_t value = 3;
    for (int64_t i = 0; i < count; ++i) {
      value *= factor;
      keep(value);
    }
  });
  return 3.0 * count / seconds;
}

/// Bytes a second that a search through an array of so many bytes reads: the C library's is written for each
/// processor's widest loads.
static double measureBandwidth(size_t bytes, int repetitions) {
  std::vector<char> array(bytes, 1);
  double seconds = shortest([&] {
    for (int repetition = 0; repetition < repetitions; ++repetition) {
      const void *found = std::memchr(array.data(), 0, bytes);
      keep(found);
    }
  });
  return static_cast<double>(bytes) * repetitions / seconds;
}

static int64_t cacheBytes(int name, int64_t otherwise) {
  long bytes = sysconf(name);
  return bytes > 0 ? bytes : otherwise;
}

CpuParameters ssm::calibrate(int64_t vectorBytes) {
  CpuParameters parameters = cpuParameters(vectorBytes);
  parameters.vectorBytes = vectorBytes;
  parameters.clock = measureClock();
  parameters.l1Bytes = cacheBytes(_SC_LEVEL1_DCACHE_SIZE, parameters.l1Bytes);
  parameters.l2Bytes = cacheBytes(_SC_LEVEL2_CACHE_SIZE, parameters.l2Bytes);
  parameters.l2Bandwidth = measureBandwidth(parameters.l2Bytes / 2, 20);
  parameters.memoryBandwidth = measureBandwidth(memoryBytes, 1);
  parameters.source =
      "clock, caches and bandwidths measured by ssmc explore --calibrate on a " + llvm::sys::getHostCPUName().str();
  return parameters;
}
