#include "tools/ssmc/explore/GpuVariants.h"
#include "codegen/emit/Emit.h"
#include "codegen/emulator/EmulatedKernel.h"
#include "codegen/gpu/Ptxas.h"
#include "tools/ssmc/KernelCall.h"

using namespace ssm;

llvm::Error ssm::emulateVariant(const Subject &subject, const RunArguments &arguments, Variant &variant) {
  EmulatorOptions options;
  options.target = subject.target().name;
  options.checkAccesses = false;
  options.statistics = true;
  auto kernel = compileForEmulator(subject.recurrence(), variant.schedule, options);
  if (!kernel)
    return kernel.takeError();
  auto passed = kernelArguments(subject.recurrence(), arguments);
  if (!passed)
    return passed.takeError();
  if (llvm::Error error = (*kernel)->run(*passed))
    return error;
  using emulator::OperationKind;
  emulator::OperationCounts sum;
  double sectors = 0, requests = 0, conflicts = 0;
  for (const emulator::KernelStatistics &one : (*kernel)->statistics().kernels) {
    for (size_t kind = 0; kind < emulator::operationKinds; ++kind)
      sum.counts[kind] += one.operations.counts[kind];
    sectors += static_cast<double>(one.loads.sectors + one.stores.sectors);
    requests += static_cast<double>(one.loads.requests + one.stores.requests);
    conflicts += static_cast<double>(one.sharedLoads.conflicts + one.sharedStores.conflicts);
  }
  auto count = [&](OperationKind kind) { return static_cast<double>(sum[kind]); };
  variant.counted = {{"arithmetic", count(OperationKind::Fma) + count(OperationKind::Float32)},
                     {"special", count(OperationKind::Special)},
                     {"shuffle", count(OperationKind::Shuffle)},
                     {"integer", count(OperationKind::Integer)},
                     {"global_requests", requests},
                     {"sectors", sectors},
                     {"bank_conflicts", conflicts}};
  return llvm::Error::success();
}

llvm::Error ssm::refineVariant(const Subject &subject, Variant &variant) {
  if (auto toolkit = findPtxas(); !toolkit) {
    llvm::consumeError(toolkit.takeError());
    return llvm::Error::success();
  }
  LoweringOptions options;
  options.target = subject.target();
  options.schedule = variant.schedule;
  auto emitted = emit(subject.recurrence(), "cubin", options);
  if (!emitted)
    return emitted.takeError();
  auto candidate = subject.place(variant.schedule);
  if (!candidate)
    return candidate.takeError();
  // The kernel that takes most decides how many blocks there are at a time.
  Compiled compiled;
  for (const KernelReport &report : emitted->kernels) {
    compiled.registers = std::max(compiled.registers, report.resources.registers);
    compiled.sharedBytes = std::max(compiled.sharedBytes, report.resources.sharedBytes + report.dynamicSharedBytes);
  }
  variant.prediction = subject.cost().predict(*candidate, compiled);
  variant.isRefined = true;
  return llvm::Error::success();
}
