#ifndef SSM_CODEGEN_GPU_PTXAS_H
#define SSM_CODEGEN_GPU_PTXAS_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/Error.h"

#include <string>
#include <vector>

namespace ssm {

/// What ptxas says of a kernel.
struct KernelResources {
  std::string kernel;
  int64_t registers = 0, spillStores = 0, spillLoads = 0, sharedBytes = 0, stackBytes = 0;
};

/// A cubin and what its kernels take.
struct Assembled {
  std::string cubin;
  std::vector<KernelResources> kernels;
};

/// The path of ptxas, found as findCudaProgram says. An error that says where it was looked for, where there is none.
llvm::Expected<std::string> findPtxas();

/// Kernels' names, and how many blocks of each are to be on a multiprocessor.
using WantedBlocks = llvm::StringMap<int64_t>;

/// Assembles PTX for a chip such as sm_90 with the toolkit's ptxas, for more registers where it would spill. With
/// lines, the cubin has the numbers that `.loc` gives its instructions. Kernels of which `wanted` says how many blocks
/// are to be on a multiprocessor get the registers for so many, unless that makes them spill. Errors: no toolkit;
/// ptxas' own messages.
llvm::Expected<Assembled> assemble(llvm::StringRef ptx, llvm::StringRef chip, bool withLines = false,
                                   WantedBlocks wanted = {});

} // namespace ssm

#endif
