#ifndef SSM_SCHEDULE_TUNINGKEY_H
#define SSM_SCHEDULE_TUNINGKEY_H

#include "schedule/Placement.h"

namespace ssm {

/// Under what a schedule is remembered.
struct TuningKey {
  /// Hash of what a step computes, without sizes, stored types and the values of constants: these change no kernel's
  /// shape.
  std::string description;
  /// A GPU's name, or the SIMD registers of a CPU: `sm_90`, `cpu/32x64`.
  std::string target;
  /// `forward`, or `step` where states are updated in place; `packed` before it where rows stand one after another.
  std::string mode;
  /// Stored types: one for all, or each tensor's.
  std::string dtype;
  /// Exact sizes of the dimensions that a task holds whole, and powers of two for others:
  /// `batch=2^0,state=16,time=2^10`.
  std::string sizeClass;

  bool operator==(const TuningKey &) const = default;
};

/// The key of a specialized and discretized recurrence. `gpu` names a GPU; empty for the CPU of `target`.
TuningKey makeTuningKey(RecurrenceOp recurrence, const Target &target, llvm::StringRef gpu, const SizeHints &hints);

/// The sizes of all dimensions that are not like another: `batch=1,member=2048`.
std::string sizesText(RecurrenceOp recurrence);

} // namespace ssm

#endif
