#ifndef SSM_TOOLS_SSM_LAUNCH_JOB_H
#define SSM_TOOLS_SSM_LAUNCH_JOB_H

#include "tools/ssm-launch/Arguments.h"
#include "tools/ssm-launch/Hardware.h"

#include <nlohmann/json.hpp>

namespace ssm {

/// What one line of the command asks for.
struct JobOptions {
  std::string bundle, mode = "forward", dtype, in, out, name, code, strides = "unit";
  std::vector<std::string> checks;
  std::optional<double> tolerance;
  Sizes dims;
  std::map<std::string, double> parameters;
  std::map<std::string, Range> ranges;
  uint64_t seed = 1;
  unsigned repetitions = 50;
  bool bench = false, info = false;
};

/// Hardware, and what times calls on it; there from the first job on that needs it.
struct OpenedHardware {
  std::unique_ptr<Hardware> hardware;
  std::unique_ptr<Stopwatch> stopwatch;
};

/// What all jobs of a process share.
struct Session {
  enum class Where { Anywhere, Gpu, Processor };
  Where where = Where::Anywhere;
  /// Number of the GPU; threads of the processor, 0 for one a core.
  int ordinal = 0;
  unsigned threads = 0;
  OpenedHardware gpu, processor;
  /// Why there is no GPU, where one was looked for.
  std::string withoutGpu;
  /// What was drawn last, and for what: another schedule of the same sizes takes it as it is.
  std::string drawnFor;
  CallArguments drawn;

  bool isLost() const { return gpu.hardware && gpu.hardware->isLost(); }
};

/// Opens a bundle and does what is asked. The report has what was found (docs/bundles.md); `passed` is false where a
/// check failed. Problems: everything that kept the job from being done.
Result<nlohmann::ordered_json> runJob(const JobOptions &options, Session &session);

} // namespace ssm

#endif
