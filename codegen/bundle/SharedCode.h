#ifndef SSM_CODEGEN_BUNDLE_SHAREDCODE_H
#define SSM_CODEGEN_BUNDLE_SHAREDCODE_H

#include "codegen/lowering/CompileTarget.h"

#include <string>
#include <vector>

namespace ssm {

/// Makes a target one whose code a bundle can hold: code for it uses nothing but what a program can look for on the
/// processor that it runs on. Gives the names of what it uses, as a manifest has them. An error for a target that
/// stands for whatever processor ssmc runs on.
llvm::Expected<std::vector<std::string>> requireFeatures(CompileTarget &target);

/// Links an object file of a processor's kernels into a shared object, with LLD. An error where the code calls
/// functions other than the C library's that copy, fill and compare memory.
llvm::Expected<std::string> linkShared(llvm::StringRef object, const CompileTarget &target);

} // namespace ssm

#endif
