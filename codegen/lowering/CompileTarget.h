#ifndef SSM_CODEGEN_LOWERING_COMPILETARGET_H
#define SSM_CODEGEN_LOWERING_COMPILETARGET_H

#include "schedule/Placement.h"
#include "llvm/Support/Error.h"

#include <string>

namespace ssm {

/// What `--target` names, with what the schedule and LLVM need to know of it.
struct CompileTarget {
  /// As it was written: `cpu`, `cpu:x86-64-v3`, `sm_90`.
  std::string name;
  std::string triple, cpu, features;
  Target machine;
  /// A GPU's compute capability: 90 for sm_90 and sm_90a.
  unsigned capability = 0;

  bool isGpu() const { return machine.gpu; }
};

/// Parses `cpu` (this processor), `cpu:NAME` (an LLVM processor name such as x86-64-v3 or znver4) or `sm_NN`, from
/// sm_80 to sm_120, with an optional a or f. Errors say what was expected.
llvm::Expected<CompileTarget> parseTarget(llvm::StringRef name);

} // namespace ssm

#endif
