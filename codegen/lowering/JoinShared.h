#ifndef SSM_CODEGEN_LOWERING_JOINSHARED_H
#define SSM_CODEGEN_LOWERING_JOINSHARED_H

namespace llvm {
class Module;
} // namespace llvm

namespace ssm {

/// Makes one array of the shared arrays (address space 3) that a kernel has to itself, so that places in them differ by
/// constants: addresses that the code computes for one are good for the others. Errors there are none.
void joinSharedArrays(llvm::Module &module);

} // namespace ssm

#endif
