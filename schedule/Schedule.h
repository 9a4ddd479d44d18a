#ifndef SSM_SCHEDULE_SCHEDULE_H
#define SSM_SCHEDULE_SCHEDULE_H

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include <optional>
#include <string>
#include <vector>

namespace ssm {

/// Where a part of a dimension lives, outermost first (design, section 4).
enum class Level { Grid, Loop, Mma, Thread, Lane, Reg };

llvm::StringRef nameOf(Level level);

/// One level of one dimension: `thread:128` is {Thread, 128}, `grid` is {Grid, nothing}.
struct LevelCount {
  Level level;
  std::optional<int64_t> count;
};

/// All levels of one dimension, outermost first.
struct DimPlacement {
  std::string dim;
  std::vector<LevelCount> levels;

  /// The count at `level`: 1 where the dimension is not on it.
  int64_t countAt(Level level) const;
  bool isOn(Level level) const;
  /// The count written at `level`, if one is.
  std::optional<int64_t> countWritten(Level level) const;
};

/// `load=staged`, `store(y)=direct`: a knob, the names that it is restricted to, and its value.
struct Knob {
  std::string name;
  std::vector<std::string> of;
  std::string value;
};

/// A schedule as it is written: `batch=grid; member=grid,lane:16; state=reg:16; time=loop:64; load=staged`.
/// It says nothing of a recurrence; `placeSchedule` joins the two.
struct Schedule {
  std::vector<DimPlacement> dims;
  std::vector<Knob> knobs;

  const DimPlacement *lookup(llvm::StringRef dim) const;
  /// The value of a knob without names, or nothing.
  std::optional<llvm::StringRef> knob(llvm::StringRef name) const;
};

/// Parses the schedule language. Errors name the piece of text and what was expected there: unknown level or knob, a
/// count that is not a positive number, levels out of order or twice, a dimension or knob named twice.
llvm::Expected<Schedule> parseSchedule(llvm::StringRef text);

/// The text that parses back to the same schedule.
std::string printSchedule(const Schedule &schedule);

} // namespace ssm

#endif
