#ifndef SSM_CODEGEN_EMULATOR_EMULATEDMODULE_H
#define SSM_CODEGEN_EMULATOR_EMULATEDMODULE_H

#include "codegen/emulator/Instrument.h"
#include "codegen/emulator/Threads.h"
#include "llvm/ExecutionEngine/Orc/ThreadSafeModule.h"

namespace ssm::emulator {

/// An LLVM module of NVVM kernels, compiled for this processor.
class EmulatedModule {
public:
  virtual ~EmulatedModule() = default;
  /// What Memory and a grid's sites are of.
  virtual const Program &getProgram() const = 0;
  /// Runs a kernel, whose arguments are 64 bits each. Errors: as runGrid.
  virtual llvm::Error run(llvm::StringRef kernel, llvm::ArrayRef<int64_t> words, GridOptions grid) const = 0;
};

/// Compiles the kernels of that name. `module` is as it would become PTX. Errors: what the emulator does not know, by
/// name.
llvm::Expected<std::unique_ptr<EmulatedModule>> compileModule(llvm::orc::ThreadSafeModule module,
                                                              llvm::ArrayRef<std::string> kernels,
                                                              const InstrumentOptions &options = {});

} // namespace ssm::emulator

#endif
