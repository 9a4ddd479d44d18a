#ifndef SSM_TOOLS_SSMC_DEVICE_H
#define SSM_TOOLS_SSMC_DEVICE_H

#include "dialect/Ssm.h"
#include "runtime/Tensor.h"
#include "tools/ssmc/Timing.h"
#include "llvm/Support/Error.h"

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace CLI {
class App;
} // namespace CLI

namespace ssm {

/// Where a recurrence runs, and how.
struct DeviceOptions {
  std::string device = "cpu";
  std::string mode = "forward";
  std::string schedule = "auto";
  unsigned threads = 0;
  /// Of the emulated device's order.
  uint64_t seed = 0;
  /// Blocks on the emulated device at a time.
  unsigned blocks = 3;
  /// The emulated device looks at no access, or counts what kernels do.
  bool noAccessChecks = false, stats = false;

  /// Declares --device, --mode, --schedule, --threads and the emulated device's --seed, --blocks, --no-access-checks
  /// and --stats; names that are none of a kind are a wrong command line.
  void declare(CLI::App &app);
  /// The float64 interpreter, whatever the others.
  static DeviceOptions interpreter();
  /// Whether the device computes in float64 whatever the stored types are.
  bool isExact() const { return device == "interpret"; }
  /// Threads that are used: `threads`, or one a core.
  unsigned threadCount() const;
};

/// The arguments of one call, by the names of the description. States that are left out start from the description's
/// initial value.
struct RunArguments {
  std::map<std::string, Tensor> inputs, states;
  std::map<std::string, double> params;
  /// Sizes of dimensions that the recurrence leaves open.
  std::map<std::string, int64_t> sizes;
  /// The arrays of rows, where it has rows.
  std::map<std::string, Tensor> rows;
};

struct RunStatistics;

struct RunResults {
  std::map<std::string, Tensor> outputs, states;
};

/// A recurrence made ready for a device, to be called any number of times.
class Executor {
public:
  virtual ~Executor() = default;
  /// Any strides are fine, and any floating-point type. Results have their own memory.
  virtual llvm::Expected<RunResults> run(const RunArguments &arguments) = 0;
  /// Seconds of single calls with the same arguments and results in place, after one that is not counted: at least 3
  /// calls, then as many as fit in `budget` seconds, up to 1000.
  virtual llvm::Expected<std::vector<double>> time(const RunArguments &arguments, double budget) = 0;
  /// The schedule in full; empty where the device takes none.
  virtual std::string schedule() const { return ""; }
  /// What the last call's kernels did; null where that is not counted.
  virtual const RunStatistics *statistics() const { return nullptr; }
};

/// An error if this program cannot run on the device, or in the mode, at all.
llvm::Error checkDevice(const DeviceOptions &options);

/// Prepares a specialized and discretized recurrence, which has to live as long, for a device. Errors: as checkDevice;
/// a schedule that is not legal; what cannot be compiled.
llvm::Expected<std::unique_ptr<Executor>> makeExecutor(RecurrenceOp recurrence, const DeviceOptions &options,
                                                       Timing &timing);

/// An error if a parameter is named that the recurrence does not have.
llvm::Error checkParams(RecurrenceOp recurrence, const std::map<std::string, double> &params);

/// Results at the types in which the recurrence stores them.
void convertToStored(RecurrenceOp recurrence, RunResults &results);

} // namespace ssm

#endif
