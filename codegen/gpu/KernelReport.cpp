// Registers, shared memory, occupancy and waves of each kernel.

#include "codegen/gpu/KernelReport.h"
#include "llvm/Support/MathExtras.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;
using namespace ssm;
using llvm::Expected;

/// Blocks of a call; nothing where a size that the grid is made of is not known.
static std::optional<int64_t> countBlocks(RecurrenceOp recurrence, const LoweredKernel &kernel, const Placement &main) {
  SmallVector<int64_t> sizes;
  for (auto [position, dim] : llvm::enumerate(kernel.dims)) {
    bool isScan = position == kernel.placement.scan;
    bool counts = kernel.placement.places[position].grid || (isScan && kernel.placement.chunk);
    std::optional<int64_t> size = recurrence.sizeOf(dim.second);
    if (counts && !size)
      return std::nullopt;
    if (isScan && kernel.overChunks && size)
      size = countChunks(main, *size);
    sizes.push_back(size.value_or(0));
  }
  return countTasks(kernel.placement, sizes);
}

std::vector<KernelReport> ssm::reportKernels(RecurrenceOp recurrence, const Lowered &lowered,
                                             const CompileTarget &target, ArrayRef<KernelResources> resources) {
  std::vector<KernelReport> reports;
  for (const LoweredKernel &kernel : lowered.kernels) {
    auto found = llvm::find_if(resources, [&](const KernelResources &one) { return one.kernel == kernel.name; });
    if (found == resources.end())
      continue;
    KernelReport report;
    report.resources = *found;
    report.threads = kernel.placement.threads();
    report.dynamicSharedBytes = kernel.dynamicShared;
    report.occupancy = occupancy(multiprocessor(target.capability), report.threads, found->registers,
                                 found->sharedBytes + report.dynamicSharedBytes);
    report.blocks = countBlocks(recurrence, kernel, lowered.main().placement);
    if (report.blocks && report.occupancy.blocks)
      report.waves = llvm::divideCeil(*report.blocks, gpuMachine(target.capability).units * report.occupancy.blocks);
    reports.push_back(report);
  }
  return reports;
}

/// How many blocks on a multiprocessor are one wave, of kernels of which so many have room but for registers.
static WantedBlocks blocksOfOneWave(RecurrenceOp recurrence, const Lowered &lowered, const CompileTarget &target) {
  WantedBlocks wanted;
  for (const LoweredKernel &kernel : lowered.kernels) {
    std::optional<int64_t> all = countBlocks(recurrence, kernel, lowered.main().placement);
    if (all.value_or(0) == 0)
      continue;
    int64_t blocks = llvm::divideCeil(*all, gpuMachine(target.capability).units);
    Occupancy most =
        occupancy(multiprocessor(target.capability), kernel.placement.threads(), /*registers=*/1, kernel.shared);
    if (blocks <= most.blocks)
      wanted[kernel.name] = blocks;
  }
  return wanted;
}

Expected<Assembled> ssm::assembleKernels(StringRef ptx, RecurrenceOp recurrence, const Lowered &lowered,
                                         const CompileTarget &target, bool withLines) {
  return assemble(ptx, target.cpu, withLines, blocksOfOneWave(recurrence, lowered, target));
}

std::string ssm::kernelText(const KernelReport &report) {
  std::string text;
  llvm::raw_string_ostream stream(text);
  const KernelResources &kernel = report.resources;
  stream << kernel.kernel << ": " << kernel.registers << " registers, " << kernel.spillStores
         << " bytes of spill stores, " << kernel.spillLoads << " of spill loads, " << kernel.sharedBytes
         << " of shared memory, " << report.dynamicSharedBytes << " more at launch, " << kernel.stackBytes
         << " of stack; ";
  if (!report.occupancy.blocks) {
    stream << "no block of " << report.threads << " threads fits: " << report.occupancy.limit;
    return text;
  }
  stream << report.occupancy.blocks << (report.occupancy.blocks == 1 ? " block" : " blocks") << " of " << report.threads
         << " threads (" << report.occupancy.warps << " warps) a multiprocessor, limited by " << report.occupancy.limit;
  if (report.blocks)
    stream << "; " << *report.blocks << (*report.blocks == 1 ? " block" : " blocks") << " a call";
  if (report.waves)
    stream << ", " << *report.waves << (*report.waves == 1 ? " wave" : " waves");
  return text;
}
