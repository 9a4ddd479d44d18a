// Figures of machines, each with its source.

#include "schedule/Machine.h"
#include <thread>

using namespace ssm;

Machine ssm::gpuMachine(unsigned capability) {
  // Throughput of arithmetic instructions: CUDA C++ Programming Guide, table of the section of that name. Memory and
  // clock: the vendor's data sheets of the largest product.
  if (capability >= 100)
    return {148, 128, 16, 1.85e9, 8.0e12, "B200: 148 SMs, 8.0 TB/s, 1.85 GHz (data sheet)"};
  if (capability == 90)
    return {132, 128, 16, 1.755e9, 3.0e12, "H100 SXM: 132 SMs at 1.755 GHz (data sheet), 3.0 TB/s (a measured copy)"};
  if (capability == 86 || capability == 89)
    return {capability == 89 ? 128 : 84,
            128,
            16,
            capability == 89 ? 2.52e9 : 1.74e9,
            capability == 89 ? 1.0e12 : 0.77e12,
            "RTX 4090 / A40 class (data sheet)"};
  return {108, 64, 16, 1.41e9, 2.0e12, "A100 80 GB: 108 SMs, 2.0 TB/s, 1.41 GHz (data sheet)"};
}

Machine ssm::cpuMachine(int64_t vectorBytes) {
  // Two vector pipes: the cores of Intel and AMD since 2013 (Agner Fog's instruction tables). The clock and the
  // bandwidth are those of a server's core under vector load; both vary by half.
  int64_t cores = std::max(1u, std::thread::hardware_concurrency());
  return {cores, 2.0 * vectorBytes / 4, 0, 2.6e9, 12e9 * cores, "two vector pipes a core, 2.6 GHz, 12 GB/s a core"};
}
