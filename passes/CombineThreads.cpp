// Sums and steps over threads as exchanges of tiles. Passes.td has the contract.

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "passes/Passes.h"
#include "passes/PeerValues.h"

namespace ssm {
#define GEN_PASS_DEF_COMBINETHREADS
#include "passes/Passes.h.inc"
} // namespace ssm

using namespace mlir;
using namespace ssm;

namespace {
Value combine(ImplicitLocOpBuilder &builder, StringRef kind, Value a, Value b) {
  if (kind == "max")
    return arith::MaximumFOp::create(builder, a, b);
  return arith::AddFOp::create(builder, a, b);
}

/// Neighbours first, so that the order is the same in every thread.
Value combineAll(ImplicitLocOpBuilder &builder, StringRef kind, SmallVector<Value> tiles) {
  while (tiles.size() > 1) {
    SmallVector<Value> halved;
    for (size_t i = 0; i < tiles.size(); i += 2)
      halved.push_back(i + 1 < tiles.size() ? combine(builder, kind, tiles[i], tiles[i + 1]) : tiles[i]);
    tiles = std::move(halved);
  }
  return tiles.front();
}

void lowerCombine(TileCombineOp op) {
  ImplicitLocOpBuilder builder(op.getLoc(), op);
  Value tile = op.getValue();
  for (PeerLevel level : peerLevels(op.getPeers())) {
    PeerValues peers(builder, level);
    if (level.inWarp()) {
      for (int64_t distance = 1; distance < level.count; distance *= 2)
        tile = combine(builder, op.getKind(), tile, peers.from(peers.across(distance), tile).front());
      continue;
    }
    SmallVector<Value> places;
    for (int64_t place = 0; place < level.count; ++place)
      places.push_back(peers.at(place));
    tile = combineAll(builder, op.getKind(), llvm::to_vector(peers.from(places, tile)));
  }
  op.replaceAllUsesWith(tile);
  op.erase();
}

/// Half of a tile along its last axis.
Value half(ImplicitLocOpBuilder &builder, Value tile, bool upper) {
  auto type = cast<VectorType>(tile.getType());
  SmallVector<int64_t> offsets(type.getRank(), 0), extents(type.getShape()), strides(type.getRank(), 1);
  extents.back() /= 2;
  offsets.back() = upper ? extents.back() : 0;
  return vector::ExtractStridedSliceOp::create(builder, tile, offsets, extents, strides);
}

/// Halves what a lane has with each exchange: it keeps one half, and gets the other lane's of it for its own other one.
/// Lanes that are left when one element is left add as in a butterfly.
void lowerShare(TileShareOp op) {
  ImplicitLocOpBuilder builder(op.getLoc(), op);
  Value tile = op.getValue();
  SmallVector<PeerLevel> levels = peerLevels(op.getPeers());
  for (PeerLevel level : llvm::reverse(levels)) {
    PeerValues peers(builder, level);
    for (int64_t distance = level.count / 2; distance > 0; distance /= 2) {
      if (cast<VectorType>(tile.getType()).getShape().back() == 1) {
        tile = combine(builder, op.getKind(), tile, peers.from(peers.across(distance), tile).front());
        continue;
      }
      Value lower = half(builder, tile, false), upper = half(builder, tile, true);
      Value isUpper = peers.hasBit(distance);
      Value kept = arith::SelectOp::create(builder, isUpper, upper, lower);
      Value given = arith::SelectOp::create(builder, isUpper, lower, upper);
      tile = combine(builder, op.getKind(), kept, peers.from(peers.across(distance), given).front());
    }
  }
  op.replaceAllUsesWith(tile);
  op.erase();
}

/// A shift of steps that several threads hold.
class ShiftOverThreads {
public:
  explicit ShiftOverThreads(TileShiftOp shift)
      : shift(shift), builder(shift.getLoc(), shift), type(cast<VectorType>(shift.getType())), along(shift.getAlong()),
        levels(peerLevels(shift.getPeers())), thread(TilePlaceOp::create(builder, builder.getI64Type(), "thread")),
        place(peerPosition(builder, thread, levels)) {}

  void run() {
    int64_t steps = 1;
    for (int64_t axis : along)
      steps *= type.getDimSize(axis);
    SmallVector<Value> made;
    for (int64_t step = 0; step < steps; ++step)
      made.push_back(earlier(step, steps));
    shift.replaceAllUsesWith(steps == 1 ? made[0] : TileDelayOp::create(builder, type, made, stepAxis()).getResult());
    shift.erase();
  }

private:
  /// Threads hold steps on registers alone.
  int64_t stepAxis() {
    return *llvm::max_element(along, [&](int64_t a, int64_t b) { return type.getDimSize(a) < type.getDimSize(b); });
  }

  Value take(Value tile, int64_t step) {
    if (along.empty())
      return tile;
    SmallVector<int64_t> offsets(type.getRank(), 0), extents(type.getShape()), strides(type.getRank(), 1);
    offsets[stepAxis()] = step;
    extents[stepAxis()] = 1;
    return vector::ExtractStridedSliceOp::create(builder, tile, offsets, extents, strides);
  }

  /// What came before the block's step 0, `back` steps before it, in the shape of a step.
  Value filled(int64_t back, Type step) {
    OperandRange fill = shift.getFill();
    Value tile = fill[std::min<int64_t>(back, fill.size()) - 1];
    return tile.getType() == step ? tile : builder.createOrFold<vector::BroadcastOp>(step, tile);
  }

  Value earlier(int64_t step, int64_t steps) {
    int64_t wanted = step - static_cast<int64_t>(shift.getBy());
    int64_t threads = wanted >= 0 ? 0 : llvm::divideCeil(-wanted, steps);
    Value own = take(shift.getValue(), wanted + threads * steps);
    if (threads == 0)
      return own;
    auto constant = [&](int64_t value) {
      return Value(arith::ConstantOp::create(builder, builder.getI64IntegerAttr(value)));
    };
    auto isFrom = [&](int64_t first) {
      return Value(arith::CmpIOp::create(builder, arith::CmpIPredicate::sge, place, constant(first)));
    };
    Value earlier = arith::SubIOp::create(builder, place, constant(threads));
    Value known = arith::SelectOp::create(builder, isFrom(threads), earlier, place);
    Value source = peerAt(builder, thread, levels, known);
    bool inWarp = llvm::all_of(levels, [](PeerLevel level) { return level.inWarp(); });
    Value result = TileExchangeOp::create(builder, own.getType(), inWarp, own, source).getResult(0);
    Value before = filled(-wanted, own.getType());
    for (int64_t first = 1; first < threads; ++first)
      before = arith::SelectOp::create(builder, isFrom(first), filled(-wanted - first * steps, own.getType()), before);
    return arith::SelectOp::create(builder, isFrom(threads), result, before);
  }

  TileShiftOp shift;
  ImplicitLocOpBuilder builder;
  VectorType type;
  ArrayRef<int64_t> along;
  SmallVector<PeerLevel> levels;
  Value thread, place;
};

struct CombineThreads : ssm::impl::CombineThreadsBase<CombineThreads> {
  void runOnOperation() override {
    SmallVector<TileCombineOp> sums;
    SmallVector<TileShareOp> shares;
    SmallVector<TileShiftOp> shifts;
    getOperation().walk([&](Operation *op) {
      if (auto sum = dyn_cast<TileCombineOp>(op))
        sums.push_back(sum);
      else if (auto share = dyn_cast<TileShareOp>(op))
        shares.push_back(share);
      else if (auto shift = dyn_cast<TileShiftOp>(op); shift && !shift.getPeers().empty())
        shifts.push_back(shift);
    });
    llvm::for_each(sums, lowerCombine);
    llvm::for_each(shares, lowerShare);
    for (TileShiftOp shift : shifts)
      ShiftOverThreads(shift).run();
  }
};
} // namespace
