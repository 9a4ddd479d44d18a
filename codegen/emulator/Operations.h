#ifndef SSM_CODEGEN_EMULATOR_OPERATIONS_H
#define SSM_CODEGEN_EMULATOR_OPERATIONS_H

#include "codegen/emulator/Statistics.h"
#include "llvm/IR/Module.h"

#include <memory>

namespace ssm::emulator {

/// What each stretch of straight code does, and how often threads have run through it.
struct OperationProfile {
  struct Stretch {
    std::string kernel;
    OperationCounts counts;
  };
  std::vector<Stretch> stretches;
  /// One a stretch; compiled code counts here.
  std::unique_ptr<uint64_t[]> runs;

  /// Of all threads since the last call.
  OperationCounts take(llvm::StringRef kernel);
};

/// Makes a module of NVVM kernels count how often its stretches run. What becomes one fma counts as one. To be done
/// while intrinsics are a GPU's.
OperationProfile profileOperations(llvm::Module &module);

} // namespace ssm::emulator

#endif
