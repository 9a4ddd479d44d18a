#ifndef SSM_CODEGEN_LOWERING_MACHINE_H
#define SSM_CODEGEN_LOWERING_MACHINE_H

#include "codegen/lowering/CompileTarget.h"
#include "llvm/Support/Error.h"
#include "llvm/Target/TargetMachine.h"

#include <memory>
#include <string>

namespace llvm {
class Module;
} // namespace llvm

namespace ssm {

/// LLVM's back end for a target.
llvm::Expected<std::unique_ptr<llvm::TargetMachine>> createMachine(const CompileTarget &target);

/// Runs LLVM's optimizations for the machine.
void optimize(llvm::Module &module, llvm::TargetMachine &machine);

/// Machine code as assembly text (PTX for a GPU) or an object file.
llvm::Expected<std::string> emitCode(llvm::Module &module, llvm::TargetMachine &machine, llvm::CodeGenFileType type);

} // namespace ssm

#endif
