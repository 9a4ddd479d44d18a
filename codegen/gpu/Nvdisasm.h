#ifndef SSM_CODEGEN_GPU_NVDISASM_H
#define SSM_CODEGEN_GPU_NVDISASM_H

#include "llvm/Support/Error.h"

#include <string>

namespace ssm {

/// The machine code of a cubin as text, with the lines that instructions come from. Errors: no nvdisasm, with how to
/// get it; its own messages.
llvm::Expected<std::string> disassemble(llvm::StringRef cubin);

} // namespace ssm

#endif
