#ifndef SSM_CODEGEN_EMULATOR_ROUNDING_H
#define SSM_CODEGEN_EMULATOR_ROUNDING_H

namespace llvm {
class Module;
}

namespace ssm::emulator {

/// Makes maximum and minimum of numbers of 16 bits, which a processor may have no instruction for, those of f32.
void widenBounds(llvm::Module &module);

/// Replaces what rounds f32 to bf16, which a processor may have no instruction for or one that flushes small numbers:
/// to nearest even, NaN to the one that a GPU makes.
void expandBf16Rounding(llvm::Module &module);

} // namespace ssm::emulator

#endif
