#ifndef SSM_TOOLS_SSMC_EMIT_H
#define SSM_TOOLS_SSMC_EMIT_H

#include "dialect/Ssm.h"
#include "tools/ssmc/Timing.h"
#include "llvm/Support/Error.h"

#include <string>

namespace ssm {

/// What `ssmc compile` makes of a prepared recurrence.
struct EmitOptions {
  /// tiled, gpu, nvvm, llvm, ptx, cubin, obj or asm.
  std::string level;
  std::string target, schedule;
  /// The last axis of every tensor has stride 1.
  bool packed = true;
};

/// The text, or the bytes, of a specialized and discretized recurrence at a level. Errors: a level that the target does
/// not have, or that no pass makes; a schedule that is not legal; a cubin where there is no ptxas.
llvm::Expected<std::string> emit(RecurrenceOp recurrence, const EmitOptions &options, Timing &timing);

} // namespace ssm

#endif
