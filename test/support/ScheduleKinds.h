#ifndef SSM_TEST_SUPPORT_SCHEDULEKINDS_H
#define SSM_TEST_SUPPORT_SCHEDULEKINDS_H

#include "schedule/Placement.h"

#include <map>
#include <set>
#include <string>
#include <vector>

namespace ssm::test {

/// A recurrence's dimensions by what a schedule may do with them, whatever they are named.
struct ScheduleDims {
  explicit ScheduleDims(RecurrenceOp recurrence);

  std::string scan;
  /// Summed over or moved along: on no grid, and their loops stand inside the scanned dimension's. The taps of delays,
  /// which can be on registers alone, are left out.
  std::vector<std::string> held;
  /// All others, first the one that most states and contiguous axes have.
  std::vector<std::string> parallel;
};

/// How schedules that belong together are written for any recurrence.
struct ScheduleKind {
  const char *name;
  /// Steps of the scanned dimension run side by side, in chunks or on lanes: two of them have to make one of the same
  /// structure.
  bool isCut;
  /// The schedule, or nothing where the recurrence lacks a dimension of the sort that the kind is about. `size`: of the
  /// dimensions that are held, so that no tile of registers grows large.
  std::string (*write)(const ScheduleDims &dims, int64_t size);
};

/// Kinds that differ in where a dimension is or how tensors are reached; a new kind is one more entry of the table.
llvm::ArrayRef<ScheduleKind> scheduleKinds();

/// The dimensions whose size has to be known when compiling: held whole on registers or lanes, or with a loop inside
/// the scanned dimension's, for which states are kept. Those `like` another are named as it is.
std::set<std::string> dimsToKnow(RecurrenceOp recurrence, const Schedule &schedule);

/// Why the scanned dimension cannot be cut, in part; nothing where it can.
std::string whyUncut(RecurrenceOp recurrence);

} // namespace ssm::test

#endif
