#ifndef SSM_CODEGEN_BUNDLE_DESCRIBE_H
#define SSM_CODEGEN_BUNDLE_DESCRIBE_H

#include "codegen/lowering/Lowering.h"
#include "runtime/Manifest.h"

namespace ssm {

/// What a caller of the forward kernels has to know, but for the programs: dimensions, tensors, parameters.
Manifest::Function describeFunction(RecurrenceOp recurrence, const Lowered &lowered);

/// How kernels compiled for the target are started: what Launch.cpp does with a call in this process, for programs that
/// have the manifest alone. The conditions are those of the packed variant. Code, features and static shared memory are
/// the caller's to add.
llvm::Expected<Manifest::Program> describeProgram(RecurrenceOp recurrence, const Lowered &lowered,
                                                  const CompileTarget &target, const Manifest::Function &function);

} // namespace ssm

#endif
