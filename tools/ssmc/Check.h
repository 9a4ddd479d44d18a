#ifndef SSM_TOOLS_SSMC_CHECK_H
#define SSM_TOOLS_SSMC_CHECK_H

#include "tools/ssmc/Device.h"
#include "tools/ssmc/ModelOptions.h"

#include <optional>
#include <string>
#include <vector>

namespace ssm {

/// What `ssmc check` was asked.
struct CheckRequest {
  /// Case files, or one MODEL.
  std::vector<std::string> subjects;
  /// The description for case files, in place of the library's that they name.
  std::string model;
  ModelOptions options;
  DeviceOptions device;
  std::optional<double> tolerance;
  /// Case files run under a schedule of each kind, too.
  bool eachKind = false;
  Preparation preparation;
  std::map<std::string, double> params;
};

/// Counts what passed and failed, and prints the last line.
struct Tally {
  int passed = 0, failed = 0;
  void count(bool pass) { ++(pass ? passed : failed); }
  /// `N passed, N failed`, and the exit status that follows from it.
  int finish() const;
};

/// Compares with reference data, a line a file (design, section 10).
llvm::Expected<int> checkCases(CheckRequest &request);
/// Compares a description on random inputs with the interpreter, a line an experiment.
llvm::Expected<int> checkModel(CheckRequest &request);

/// Prints and counts whether results are the reference's, within the bound and what storing them costs.
void reportExperiment(const CheckRequest &request, Tally &tally, RecurrenceOp recurrence, const std::string &text,
                      llvm::Expected<RunResults> results, const RunResults &reference);

/// Compares packed sequences, and steps that find their states in a pool, with the interpreter, and steps one after
/// another with `whole`, what the interpreter gave for `arguments` at the sizes in `parameters`, of which that of the
/// scanned dimension is open. Where a description cannot be run so, that is said; it is an error if steps are asked
/// for.
llvm::Error checkRows(const CheckRequest &request, Model &model, const SpecializeParameters &parameters,
                      const RunArguments &arguments, const RunResults &whole, int64_t steps, Tally &tally,
                      Timing &timing);

/// The bound on the relative error: the one asked for, else 1e-10 in float64 and the larger of 2e-5 and 4 times what
/// plain sequential float32 is off by.
double errorBound(const CheckRequest &request, double float32Error);

} // namespace ssm

#endif
