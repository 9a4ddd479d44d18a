// Threads of a block that share a dimension, and how they find each other.

#include "passes/Peers.h"
#include "dialect/Ssm.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "passes/TileMemory.h"

using namespace mlir;
using namespace ssm;

static Value digit(OpBuilder &builder, Value number, int64_t unit, int64_t count) {
  Location loc = builder.getUnknownLoc();
  Value units = builder.createOrFold<arith::DivUIOp>(loc, number, constantI64(builder, unit));
  return builder.createOrFold<arith::RemUIOp>(loc, units, constantI64(builder, count));
}

Value ssm::peerPosition(OpBuilder &builder, Value thread, ArrayRef<PeerLevel> levels) {
  Value place = constantI64(builder, 0);
  int64_t inner = 1;
  for (PeerLevel level : levels) {
    Value own = digit(builder, thread, level.stride, level.count);
    place = addI64(builder, place, mulI64(builder, own, constantI64(builder, inner)));
    inner *= level.count;
  }
  return place;
}

Value ssm::peerAt(OpBuilder &builder, Value thread, ArrayRef<PeerLevel> levels, Value place) {
  int64_t inner = 1;
  for (PeerLevel level : levels) {
    Value own = digit(builder, thread, level.stride, level.count), wanted = digit(builder, place, inner, level.count);
    Value distance = mulI64(builder, subI64(builder, wanted, own), constantI64(builder, level.stride));
    thread = addI64(builder, thread, distance);
    inner *= level.count;
  }
  return thread;
}

SmallVector<PeerLevel> ssm::peerLevels(ArrayRef<int64_t> pairs) {
  SmallVector<PeerLevel> levels;
  for (size_t level = 0; level < pairs.size(); level += 2)
    levels.push_back({pairs[level], pairs[level + 1]});
  return levels;
}

SmallVector<int64_t> ssm::peerPairs(ArrayRef<PeerLevel> levels) {
  SmallVector<int64_t> pairs;
  for (PeerLevel level : levels)
    pairs.append({level.count, level.stride});
  return pairs;
}

OpBuilder ssm::forFirstThreads(OpBuilder &builder, Location loc, int64_t count, int64_t threads) {
  if (count >= threads)
    return builder;
  Value thread = TilePlaceOp::create(builder, loc, builder.getI64Type(), "thread");
  Value isIn = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::slt, thread, constantI64(builder, count));
  return OpBuilder::atBlockTerminator(scf::IfOp::create(builder, loc, isIn, /*withElseRegion=*/false).thenBlock());
}
