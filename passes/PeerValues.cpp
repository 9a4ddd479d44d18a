// Threads of one level, and what they have in their tiles.

#include "passes/PeerValues.h"
#include "dialect/Ssm.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace ssm;

PeerValues::PeerValues(ImplicitLocOpBuilder &builder, PeerLevel level)
    : builder(builder), level(level), thread(TilePlaceOp::create(builder, builder.getI64Type(), "thread")) {}

Value PeerValues::constant(int64_t value) {
  return arith::ConstantOp::create(builder, builder.getI64IntegerAttr(value));
}

Value PeerValues::before(int64_t distance) {
  Value earlier = arith::SubIOp::create(builder, thread, constant(distance * level.stride));
  return arith::SelectOp::create(builder, isFrom(distance), earlier, thread);
}

Value PeerValues::at(int64_t wanted) { return peerAt(builder, thread, level, constant(wanted)); }

Value PeerValues::across(int64_t distance) {
  return arith::XOrIOp::create(builder, thread, constant(distance * level.stride));
}

Value PeerValues::hasBit(int64_t distance) {
  Value bit = arith::AndIOp::create(builder, thread, constant(distance * level.stride));
  return arith::CmpIOp::create(builder, arith::CmpIPredicate::ne, bit, constant(0));
}

Value PeerValues::isFrom(int64_t wanted) {
  Value place = peerPosition(builder, thread, level);
  return arith::CmpIOp::create(builder, arith::CmpIPredicate::sge, place, constant(wanted));
}

ValueRange PeerValues::from(ArrayRef<Value> threads, ArrayRef<Value> tiles) {
  SmallVector<Type> types;
  for (size_t number = 0; number < threads.size(); ++number)
    llvm::append_range(types, ValueRange(tiles).getTypes());
  return TileExchangeOp::create(builder, types, level.inWarp(), tiles, threads).getResults();
}
