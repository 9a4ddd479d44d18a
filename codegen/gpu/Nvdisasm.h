#ifndef SSM_CODEGEN_GPU_NVDISASM_H
#define SSM_CODEGEN_GPU_NVDISASM_H

#include "llvm/Support/Error.h"

#include <string>

namespace ssm {

/// What a disassembly shows beside instructions: the lines that they come from, or the bits that they are and all
/// sections.
enum class Disassembly { Lines, Bits };

/// The machine code of a cubin as text. Errors: no nvdisasm, with how to get it; its own messages.
llvm::Expected<std::string> disassemble(llvm::StringRef cubin, Disassembly kind = Disassembly::Lines);

} // namespace ssm

#endif
