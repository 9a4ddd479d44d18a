// Figures of machines, each with its source.

#include "schedule/Machine.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/MathExtras.h"
#include <thread>

using namespace ssm;

/// One kind of GPU: the usual product of a compute capability. Throughput and limits: CUDA C++ Programming Guide, the
/// tables of arithmetic instructions and of technical specifications. Multiprocessors, clock and memory: the maker's
/// data sheets of the product.
struct Gpu {
  unsigned capability;
  Machine machine;
  Multiprocessor limits;
};

static constexpr int64_t KiB = 1 << 10;
static const Gpu gpus[] = {
    {80, {108, 64, 16, 1.41e9, 2.0e12, "A100 80 GB: 108 SMs, 2.0 TB/s, 1.41 GHz (data sheet)"}, {64, 32, 164 * KiB}},
    {86, {82, 128, 16, 1.70e9, 0.936e12, "RTX 3090: 82 SMs, 0.94 TB/s, 1.70 GHz (data sheet)"}, {48, 16, 100 * KiB}},
    {87, {16, 128, 16, 1.3e9, 0.2e12, "Orin: 16 SMs, 0.2 TB/s, 1.3 GHz (data sheet)"}, {48, 16, 164 * KiB}},
    {89, {128, 128, 16, 2.52e9, 1.0e12, "RTX 4090: 128 SMs, 1.0 TB/s, 2.52 GHz (data sheet)"}, {48, 24, 100 * KiB}},
    {90,
     {132, 128, 16, 1.755e9, 3.0e12, "H100 SXM: 132 SMs at 1.755 GHz (data sheet), 3.0 TB/s (a measured copy)"},
     {64, 32, 228 * KiB}},
    {100, {148, 128, 16, 1.85e9, 8.0e12, "B200: 148 SMs, 8.0 TB/s, 1.85 GHz (data sheet)"}, {64, 32, 228 * KiB}},
    {101, {20, 128, 16, 1.57e9, 0.27e12, "Thor: 20 SMs, 0.27 TB/s, 1.57 GHz (data sheet)"}, {48, 24, 228 * KiB}},
    {103, {148, 128, 16, 1.85e9, 8.0e12, "B300: as B200, 148 SMs, 8.0 TB/s, 1.85 GHz"}, {64, 32, 228 * KiB}},
    {120, {170, 128, 16, 2.41e9, 1.79e12, "RTX 5090: 170 SMs, 1.79 TB/s, 2.41 GHz (data sheet)"}, {48, 24, 100 * KiB}},
    {121, {48, 128, 16, 2.5e9, 0.27e12, "Spark: 48 SMs, 0.27 TB/s, 2.5 GHz (data sheet)"}, {48, 24, 100 * KiB}},
};

/// The row of a capability, or of the nearest before it.
static const Gpu &gpu(unsigned capability) {
  const Gpu *found = &gpus[0];
  for (const Gpu &row : gpus)
    if (row.capability <= capability)
      found = &row;
  return *found;
}

Machine ssm::gpuMachine(unsigned capability) { return gpu(capability).machine; }
Multiprocessor ssm::multiprocessor(unsigned capability) { return gpu(capability).limits; }

Occupancy ssm::occupancy(const Multiprocessor &limits, int64_t threads, int64_t registers, int64_t sharedBytes) {
  using M = Multiprocessor;
  int64_t warps = llvm::divideCeil(std::max<int64_t>(threads, 1), M::warpSize);
  int64_t ofWarp = llvm::alignTo(std::max<int64_t>(registers, 1) * M::warpSize, M::registerGranule);
  int64_t shared = llvm::alignTo(sharedBytes + M::sharedReserved, M::sharedGranule);
  // A launch is refused if warps, as many to each scheduler, would not find their registers.
  bool fits = registers <= M::registersPerThread && sharedBytes <= limits.sharedPerBlock() &&
              ofWarp * static_cast<int64_t>(llvm::alignTo(warps, M::schedulers)) <= M::registers;
  const std::pair<int64_t, llvm::StringRef> bounds[] = {
      {limits.warps / warps, "warps"},
      {limits.blocks, "blocks"},
      {limits.sharedBytes / shared, "shared memory"},
      {fits ? M::registers / M::schedulers / ofWarp * M::schedulers / warps : 0, "registers"},
  };
  auto [blocks, limit] = *llvm::min_element(bounds, llvm::less_first());
  if (sharedBytes > limits.sharedPerBlock())
    limit = "shared memory";
  return {blocks, blocks * warps, limit};
}

Machine ssm::cpuMachine(int64_t vectorBytes) {
  // Two vector pipes: the cores of Intel and AMD since 2013 (Agner Fog's instruction tables). The clock and the
  // bandwidth are those of a server's core under vector load; both vary by half.
  int64_t cores = std::max(1u, std::thread::hardware_concurrency());
  return {cores, 2.0 * vectorBytes / 4, 0, 2.6e9, 12e9 * cores, "two vector pipes a core, 2.6 GHz, 12 GB/s a core"};
}
