#ifndef SSM_TOOLS_SSM_LAUNCH_SWEEP_H
#define SSM_TOOLS_SSM_LAUNCH_SWEEP_H

#include "tools/ssm-launch/Job.h"

namespace ssm {

/// Times the bundles of a folder that `ssmc explore --export` wrote: each has its share of the repetitions in every one
/// of three rounds, so that what changes on the machine meets all of them. Gives what the folder's sweep.json says,
/// with `device`, and of each variant `seconds` or its `error`. Problems: a folder without a sweep, or with one that is
/// broken; no device.
Result<nlohmann::ordered_json> runSweep(const std::string &folder, const JobOptions &options, Session &session);

} // namespace ssm

#endif
