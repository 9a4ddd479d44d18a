// Figures of machines, from schedule/machines.json, and what follows from them.

#include "schedule/Machine.h"
#include "schedule/MachineData.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/MathExtras.h"
#include <thread>

using namespace ssm;

/// One kind of GPU: the usual product of a compute capability.
struct Gpu {
  unsigned capability;
  Machine machine;
  Multiprocessor limits;
};

static std::vector<Gpu> readGpus() {
  std::vector<Gpu> gpus;
  for (const llvm::json::Value &value : *machineData().getArray("gpus")) {
    const llvm::json::Object &row = *value.getAsObject();
    auto number = [&](llvm::StringRef key) { return *row.getNumber(key); };
    auto whole = [&](llvm::StringRef key) { return *row.getInteger(key); };
    gpus.push_back({static_cast<unsigned>(whole("capability")),
                    {whole("units"), number("arithmetic"), number("special"), number("clock"), number("bandwidth"),
                     *row.getString("source")},
                    {whole("warps"), whole("blocks"), whole("shared_kib") << 10}});
  }
  return gpus;
}

/// The row of a capability, or of the nearest before it.
static const Gpu &gpu(unsigned capability) {
  static const std::vector<Gpu> gpus = readGpus();
  const Gpu *found = &gpus.front();
  for (const Gpu &row : gpus)
    if (row.capability <= capability)
      found = &row;
  return *found;
}

Machine ssm::gpuMachine(unsigned capability) { return gpu(capability).machine; }
Multiprocessor ssm::multiprocessor(unsigned capability) { return gpu(capability).limits; }

bool ssm::addsPairs(unsigned capability) { return capability >= 100; }

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
