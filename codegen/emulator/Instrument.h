#ifndef SSM_CODEGEN_EMULATOR_INSTRUMENT_H
#define SSM_CODEGEN_EMULATOR_INSTRUMENT_H

#include "codegen/emulator/Program.h"
#include "llvm/IR/Module.h"
#include "llvm/Support/Error.h"

namespace ssm::emulator {

struct InstrumentOptions {
  /// Plain accesses as well as atomic ones and asynchronous copies.
  bool accesses = true;
};

/// Puts a call of Threads.h before what touches memory in a module of NVVM kernels, and makes fences and asynchronous
/// copies such calls; each has a site in `program`. To be done while the module is a GPU's. Errors: what touches memory
/// in a way that this does not know, by name.
llvm::Error instrument(llvm::Module &module, Program &program, const InstrumentOptions &options = {});

} // namespace ssm::emulator

#endif
