#ifndef SSM_CODEGEN_EMIT_EMIT_H
#define SSM_CODEGEN_EMIT_EMIT_H

#include "codegen/gpu/KernelReport.h"
#include "codegen/lowering/Lowering.h"

#include <string>
#include <utility>
#include <vector>

namespace ssm {

/// A recurrence at one of the levels below it.
struct Emitted {
  std::string content;
  /// Whether `content` is not text.
  bool isBinary = false;
  /// The schedule in full.
  std::string schedule;
  /// What each kernel takes, for a cubin.
  std::vector<KernelReport> kernels;
  /// Phases and their seconds.
  std::vector<std::pair<std::string, double>> times;
};

/// Emits a specialized and discretized recurrence as `level`: scan, which no target or schedule
/// has a say in; tiled, llvm for any target; gpu, nvvm, ptx, cubin for a
/// GPU; asm, obj for a CPU. Errors: a level that the target does not have, what the schedule or a pass refuses, no CUDA
/// toolkit.
llvm::Expected<Emitted> emit(RecurrenceOp recurrence, llvm::StringRef level, const LoweringOptions &options);

} // namespace ssm

#endif
