#ifndef SSM_PASSES_PEERS_H
#define SSM_PASSES_PEERS_H

#include "mlir/IR/Builders.h"
#include "schedule/Placement.h"

namespace ssm {

/// The place of a thread (i64, its number in the block) among those that share a dimension.
mlir::Value peerPosition(mlir::OpBuilder &builder, mlir::Value thread, llvm::ArrayRef<PeerLevel> levels);
/// The number of the thread at another place among them.
mlir::Value peerAt(mlir::OpBuilder &builder, mlir::Value thread, llvm::ArrayRef<PeerLevel> levels, mlir::Value place);
/// The levels that an operation's `peers` are.
llvm::SmallVector<PeerLevel> peerLevels(llvm::ArrayRef<int64_t> pairs);
/// Levels as an operation has them.
llvm::SmallVector<int64_t> peerPairs(llvm::ArrayRef<PeerLevel> levels);
/// Where the first `count` of a block's threads go on; the builder's own place where these are all.
mlir::OpBuilder forFirstThreads(mlir::OpBuilder &builder, mlir::Location loc, int64_t count, int64_t threads);

} // namespace ssm

#endif
