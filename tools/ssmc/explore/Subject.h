#ifndef SSM_TOOLS_SSMC_EXPLORE_SUBJECT_H
#define SSM_TOOLS_SSMC_EXPLORE_SUBJECT_H

#include "codegen/lowering/CompileTarget.h"
#include "codegen/lowering/SpaceSource.h"
#include "schedule/TuningDatabase.h"
#include "tools/ssmc/Device.h"
#include "tools/ssmc/Model.h"
#include "tools/ssmc/explore/ExploreResult.h"

namespace ssm {

/// What is explored: a recurrence of known sizes, for a target and a mode.
class Subject {
public:
  struct Options {
    std::string model, libraryFolder, recurrence, mode = "forward", target = "cpu";
    Preparation preparation;
    std::map<std::string, double> params;
    unsigned threads = 1;
  };
  /// Errors: as of Model::load, prepare and parseTarget; a size that is open; a mode that no pass makes.
  static llvm::Expected<std::unique_ptr<Subject>> make(const Options &options, Timing &timing);

  RecurrenceOp recurrence() const { return model.recurrence(); }
  const CompileTarget &target() const { return machine; }
  const CostModel &cost() const { return *costModel; }
  /// The text that was read.
  llvm::StringRef text() const { return model.text(); }
  TuningRun run() const;

  /// A schedule as the search takes it. Errors: it is not legal.
  llvm::Expected<Candidate> place(llvm::StringRef schedule) const;
  /// The schedule of `auto`, in full.
  llvm::Expected<std::string> automatic() const;
  /// What is known before anything is listed.
  ExploreResult describe() const;
  /// Lists all schedules that fit the machine in `result`, with predictions; that of `auto` is among them.
  llvm::Error list(const SpaceLimits &limits, ExploreResult &result, Timing &timing) const;

private:
  Subject(Model model, Options options) : model(std::move(model)), options(std::move(options)) {}

  Model model;
  Options options;
  CompileTarget machine;
  PreparedSource prepared;
  std::unique_ptr<CostModel> costModel;
};

} // namespace ssm

#endif
