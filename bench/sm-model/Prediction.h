#ifndef SSM_BENCH_SMMODEL_PREDICTION_H
#define SSM_BENCH_SMMODEL_PREDICTION_H

#include "bench/sm-model/Replay.h"
#include "runtime/Bundle.h"
#include "schedule/Machine.h"

namespace ssm::sm {

/// Which call of a bundle.
struct PredictionRequest {
  std::string mode = "forward", dtype;
  /// Of dimensions that the bundle leaves open.
  std::map<std::string, int64_t> sizes;
  Parameters parameters;
};

/// One kernel of a call on the multiprocessor that has most blocks.
struct KernelPrediction {
  std::string name;
  int64_t registers = 0, sharedBytes = 0, threads = 0, blocks = 0, blocksOfBusiest = 0;
  /// How many blocks there is room for at a time.
  Occupancy occupancy;
  /// Instructions of one block's first warp.
  int64_t warpInstructions = 0;
  ReplayResult replay;
};

struct Prediction {
  std::string target, schedule;
  std::vector<KernelPrediction> kernels;
  /// Of the kernels one after another, each with what its launch takes.
  double milliseconds = 0;
};

/// Predicts the time of a call whose tensors lie densely, without initial and final states. Errors: a bundle without
/// code for sm_90, or for such a call; sizes that are missing or do not fit; what `traceWarp` refuses.
llvm::Expected<Prediction> predict(const Bundle &bundle, const PredictionRequest &request);

} // namespace ssm::sm

#endif
