#ifndef SSM_CODEGEN_EMULATOR_EMULATEDMODULE_H
#define SSM_CODEGEN_EMULATOR_EMULATEDMODULE_H

#include "codegen/emulator/Statistics.h"
#include "codegen/emulator/Threads.h"
#include "llvm/ExecutionEngine/Orc/ThreadSafeModule.h"
#include "llvm/Support/Error.h"

namespace ssm::emulator {

/// An LLVM module of NVVM kernels, compiled for this processor.
class EmulatedModule {
public:
  virtual ~EmulatedModule() = default;
  /// What Memory and a grid's sites are of.
  virtual const Program &getProgram() const = 0;
  /// Runs a kernel, whose arguments are 64 bits each. Errors: as runGrid.
  virtual llvm::Error run(llvm::StringRef kernel, llvm::ArrayRef<int64_t> words, GridOptions grid) const = 0;
  /// What threads have computed in a kernel since the last call; nothing where operations are not counted.
  virtual OperationCounts takeOperations(llvm::StringRef kernel) = 0;
};

struct ModuleOptions {
  /// Plain accesses go through the host as well as atomic ones and asynchronous copies.
  bool accesses = true;
  bool countsOperations = false;
};

/// Compiles the kernels of that name. `module` is as it would become PTX. Errors: what the emulator does not know, by
/// name.
llvm::Expected<std::unique_ptr<EmulatedModule>> compileModule(llvm::orc::ThreadSafeModule module,
                                                              llvm::ArrayRef<std::string> kernels,
                                                              const ModuleOptions &options = {});

} // namespace ssm::emulator

#endif
