#ifndef SSM_CODEGEN_EMULATOR_HOSTINTRINSICS_H
#define SSM_CODEGEN_EMULATOR_HOSTINTRINSICS_H

#include "codegen/emulator/Program.h"
#include "llvm/ExecutionEngine/Orc/LLJIT.h"
#include "llvm/IR/Module.h"

namespace ssm::emulator {

/// Before the names of Threads.h that a module calls.
constexpr const char *hostPrefix = "ssm.emulator.";

/// Makes a module of NVVM kernels one for this processor: intrinsics of the GPU become calls of Threads.h or
/// arithmetic, and what a block shares becomes a part of its memory, which `program` lists. Errors: an intrinsic that
/// this does not know, by name.
llvm::Error replaceIntrinsics(llvm::Module &module, Program &program);

/// Makes what the replacements call known to a JIT.
llvm::Error defineSymbols(llvm::orc::LLJIT &jit);

} // namespace ssm::emulator

#endif
