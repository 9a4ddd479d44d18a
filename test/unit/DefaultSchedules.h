#ifndef SSM_TEST_UNIT_DEFAULTSCHEDULES_H
#define SSM_TEST_UNIT_DEFAULTSCHEDULES_H

#include "mlir/Pass/PassManager.h"
#include "passes/Passes.h"
#include "passes/Pipeline.h"
#include "passes/Specialize.h"
#include "schedule/Placement.h"
#include "test/support/Description.h"

#include <gtest/gtest.h>

namespace ssm::test {

/// A default schedule, or why there is none.
struct ChosenSchedule {
  Schedule schedule;
  std::string text, error;
  /// Count of a dimension at a level; 0 where it is not on it.
  int64_t on(llvm::StringRef dim, Level level) const {
    const DimPlacement *placement = schedule.lookup(dim);
    return placement && placement->isOn(level) ? placement->countAt(level) : 0;
  }
};

/// The default schedule of a description, or of a model of the library, for sizes that are known, a machine (AVX-512)
/// and likely sizes; checks that it is legal.
inline ChosenSchedule choose(Description description, const std::map<std::string, int64_t> &sizes,
                             const Target &target = {}, const SizeHints &hints = {}, const std::string &dtype = "f32") {
  ChosenSchedule result;
  EXPECT_TRUE(description) << description.errors;
  SpecializeParameters parameters;
  parameters.dims = sizes;
  parameters.dtype = dtype;
  EXPECT_TRUE(succeeded(specialize(description.recurrence(), parameters)));
  mlir::PassManager passes(description.context.get());
  passes.addNestedPass<RecurrenceOp>(createDiscretize());
  addPrepare(passes);
  EXPECT_TRUE(succeeded(passes.run(*description.module)));
  RecurrenceOp recurrence = description.recurrence();
  llvm::Expected<Schedule> schedule = defaultSchedule(recurrence, target, hints);
  if (!schedule) {
    result.error = llvm::toString(schedule.takeError());
    return result;
  }
  result.schedule = *schedule;
  result.text = printSchedule(*schedule);
  // Whatever the rules choose has to be legal.
  Schedule stepwise =
      blockedSteps(recurrence, *schedule, target) ? scheduleOfBlocks(*schedule, recurrence.getScan(), 1) : *schedule;
  llvm::Expected<Placement> placement = placeSchedule(recurrence, stepwise, target);
  EXPECT_TRUE(static_cast<bool>(placement)) << result.text << ": " << llvm::toString(placement.takeError());
  return result;
}

inline ChosenSchedule choose(llvm::StringRef model, const std::map<std::string, int64_t> &sizes,
                             const Target &target = {}, const SizeHints &hints = {}, const std::string &dtype = "f32") {
  return choose(parseFile((SSM_SOURCE_DIR "/models/" + model + ".ssm").str()), sizes, target, hints, dtype);
}

} // namespace ssm::test

#endif
