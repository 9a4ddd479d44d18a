#ifndef SSM_PASSES_PEERVALUES_H
#define SSM_PASSES_PEERVALUES_H

#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "passes/Peers.h"

namespace ssm {

/// The threads of one level that share a dimension, as one of them sees the others.
class PeerValues {
public:
  PeerValues(mlir::ImplicitLocOpBuilder &builder, PeerLevel level);

  /// The number in the block of the thread `distance` places before; this thread's where there is none.
  mlir::Value before(int64_t distance);
  /// That of the thread at a place.
  mlir::Value at(int64_t place);
  /// That of the thread whose place differs in the bit `distance`; the level is in a warp.
  mlir::Value across(int64_t distance);
  /// Whether this thread's place has the bit `distance`.
  mlir::Value hasBit(int64_t distance);
  /// Whether this thread's place is `place` or later.
  mlir::Value isFrom(int64_t place);
  /// The tiles as each of the threads has them, a thread after another.
  mlir::ValueRange from(llvm::ArrayRef<mlir::Value> threads, llvm::ArrayRef<mlir::Value> tiles);

private:
  mlir::Value constant(int64_t value);

  mlir::ImplicitLocOpBuilder &builder;
  PeerLevel level;
  mlir::Value thread;
};

} // namespace ssm

#endif
