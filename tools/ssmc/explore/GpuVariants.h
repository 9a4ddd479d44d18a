#ifndef SSM_TOOLS_SSMC_EXPLORE_GPUVARIANTS_H
#define SSM_TOOLS_SSMC_EXPLORE_GPUVARIANTS_H

#include "tools/ssmc/explore/Subject.h"

namespace ssm {

/// Runs a variant on the emulated device and takes down what its kernels did, beside what the model counted: special
/// functions, arithmetic, shuffles, and requests and sectors of memory. It has no time. Errors: as compileForEmulator
/// and its run.
llvm::Error emulateVariant(const Subject &subject, const RunArguments &arguments, Variant &variant);

/// Assembles a variant for its GPU where there is a toolkit, and predicts it anew with the registers and shared memory
/// that it takes. Errors: it cannot be compiled.
llvm::Error refineVariant(const Subject &subject, Variant &variant);

} // namespace ssm

#endif
