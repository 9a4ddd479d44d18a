// Streams, and blocks of steps that are one tile: states before a step are the stream moved along the block's axes.

#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "passes/Peers.h"
#include "passes/TileStep.h"

using namespace mlir;
using namespace ssm;

static bool isComplex(Value value) { return isa<ComplexType>(value.getType()); }

/// The tiles of one state of a scan among those of the whole state.
static Tiles partOf(StateAttr state, const Tiles &tiles) {
  if (StringAttr part = state.getPart())
    return {tiles[part.getValue() == "im"]};
  return tiles;
}

//===----------------------------------------------------------------------===//
// Scans
//===----------------------------------------------------------------------===//

/// The axis of each dimension, -1 where it has none.
SmallVector<int64_t> TileStep::axesOfNames(std::optional<ArrayAttr> names) {
  SmallVector<int64_t> axes;
  if (!names)
    return axes;
  for (auto name : names->getAsRange<StringAttr>()) {
    SmallVector<int64_t> own = placement.axesOf(*dims.number(name.getValue()));
    axes.push_back(own.empty() ? -1 : own.front());
  }
  return axes;
}

SmallVector<int64_t> TileStep::peersOf(unsigned dim) const { return peerPairs(placement.peersOf(dim)); }

/// How many of this thread's steps of a block in part are in the sequence; null where all are.
Value TileStep::stepsLeftHere(OpBuilder &builder) {
  Value left = memory.getStepsLeft();
  return left ? subI64(builder, left, memory.stepsBefore()) : left;
}

/// Emits a scan, and hands back its streams.
void TileStep::emitScan(OpBuilder &builder, ScanOp scan, llvm::DenseMap<Value, Tiles> &tiles) {
  DimSet set = overSteps(scan.getState(0).getLayout());
  SmallVector<Value> transition, drive, carry;
  bool isMatrixComplex = llvm::any_of(scan.getTransition(), isComplex);
  for (Value entry : scan.getTransition()) {
    Tiles parts = get(entry);
    if (isMatrixComplex && parts.size() == 1)
      parts.push_back(zeros(builder, cast<VectorType>(parts.front().getType())));
    llvm::append_range(transition, parts);
  }
  for (auto [state, value] : llvm::zip_equal(scan.getStates().getAsRange<StateAttr>(), scan.getDrive())) {
    llvm::append_range(drive, stretch(builder, get(value), set));
    llvm::append_range(carry, partOf(state, emitPast(builder, state.getName(), state.getBack())));
  }
  SmallVector<int64_t> sizes;
  if (scan.getOver())
    for (auto name : scan.getOver()->getAsRange<StringAttr>())
      sizes.push_back(*recurrence.sizeOf(name.getValue()));
  bool areComplex = isComplex(scan.getStreams().front());
  auto made = TileScanOp::create(builder, scan.getLoc(), ValueRange(drive).getTypes(), scan.getMax(), scan.getLog(),
                                 areComplex, transition, drive, carry, along, axesOfNames(scan.getOver()),
                                 axesOfNames(scan.getFrom()), sizes, peersOf(dims.scan()), stepsLeftHere(builder));
  ValueRange results = made.getStreams();
  for (Value stream : scan.getStreams()) {
    tiles[stream] = Tiles(results.take_front(1 + areComplex));
    results = results.drop_front(1 + areComplex);
  }
}

/// A state's new value.
Tiles TileStep::nextTiles(const State &state) {
  auto streams = streamsOf(recurrence, state.name);
  if (streams.empty())
    return get(nextValue(recurrence, state.name));
  Tiles result;
  for (Value part : streams.front())
    llvm::append_range(result, get(part));
  return result;
}

//===----------------------------------------------------------------------===//
// What was before
//===----------------------------------------------------------------------===//

/// Each step of a block reads what stands `back` steps before it, the first ones what was before the block.
Tiles TileStep::emitEarlier(OpBuilder &builder, const Tiles &values, ArrayRef<Tiles> before, int64_t back) {
  Tiles result;
  for (auto [part, tile] : llvm::enumerate(values)) {
    SmallVector<Value> fill =
        llvm::map_to_vector(before.take_front(back), [&](const Tiles &step) { return step[part]; });
    result.push_back(TileShiftOp::create(builder, recurrence.getLoc(), tile, back, along, peersOf(dims.scan()), fill));
  }
  return result;
}

Tiles TileStep::emitPrevious(OpBuilder &builder, PreviousOp previous) {
  if (!inBlocks())
    return emitPast(builder, previous.getName(), previous.getBack());
  // Not recurrent, or it were a scan.
  Value next = nextValue(recurrence, previous.getName());
  return emitEarlier(builder, stretch(builder, get(next), overSteps(previous.getLayout())), pastOf(previous.getName()),
                     previous.getBack());
}

Tiles TileStep::emitBefore(OpBuilder &builder, BeforeOp before) {
  StateAttr state = before.getState();
  int64_t back = before.getBack(), first = state.getBack();
  if (!inBlocks())
    return partOf(state, emitPast(builder, before.getName(), first + back - 1));
  SmallVector<Tiles> steps;
  for (int64_t step = first; step < first + back; ++step)
    steps.push_back(partOf(state, pastOf(before.getName())[step - 1]));
  return emitEarlier(builder, get(before.getStream()), steps, back);
}

//===----------------------------------------------------------------------===//
// What is carried on
//===----------------------------------------------------------------------===//

/// A state `back` steps before the first step after the block.
Tiles TileStep::emitAfterBlock(OpBuilder &builder, const State &state, int64_t back) {
  DimSet set = overSteps(state.layout);
  auto streams = streamsOf(recurrence, state.name);
  if (streams.empty())
    return emitLast(builder, stretch(builder, get(nextValue(recurrence, state.name)), set), pastOf(state.name), back,
                    memory.getStepsLeft());
  int64_t step = std::min<int64_t>(back, streams.size());
  Tiles values;
  for (Value part : streams[step - 1])
    llvm::append_range(values, get(part));
  // Steps past the end have left the state as it was.
  Value count = back == step ? Value() : memory.getStepsLeft();
  return emitLast(builder, values, pastOf(state.name).drop_front(step - 1), back - step + 1, count);
}

/// A tile as the thread at a place among those that share the steps has it.
Value TileStep::fromThread(OpBuilder &builder, Value tile, int64_t place) {
  SmallVector<PeerLevel> levels = placement.peersOf(dims.scan());
  if (levels.empty())
    return tile;
  Location loc = recurrence.getLoc();
  Value thread = TilePlaceOp::create(builder, loc, builder.getI64Type(), "thread");
  Value source = peerAt(builder, thread, levels, constantI64(builder, place));
  bool inWarp = llvm::all_of(levels, [](PeerLevel level) { return level.inWarp(); });
  return TileExchangeOp::create(builder, loc, tile.getType(), inWarp, tile, source).getResult(0);
}

/// The value `back` steps before the end of the block, of which `count` steps are in the sequence (all where it is
/// null).
Tiles TileStep::emitLast(OpBuilder &builder, const Tiles &values, ArrayRef<Tiles> before, int64_t back, Value count) {
  Location loc = recurrence.getLoc();
  int64_t steps = placement.blockSteps();
  if (!count && back > steps)
    return before[back - steps - 1];
  Tiles result;
  for (auto [part, tile] : llvm::enumerate(values)) {
    auto type = cast<VectorType>(tile.getType());
    SmallVector<int64_t> offsets(type.getRank(), 0), extents(type.getShape()), strides(type.getRank(), 1);
    for (int64_t axis : along)
      extents[axis] = 1;
    if (!count) {
      // Places and steps within the last of them.
      int64_t step = (steps - back) % placement.places[dims.scan()].tile();
      for (int64_t axis : llvm::reverse(along)) {
        offsets[axis] = step % type.getDimSize(axis);
        step /= type.getDimSize(axis);
      }
      Value last = vector::ExtractStridedSliceOp::create(builder, loc, tile, offsets, extents, strides);
      result.push_back(fromThread(builder, last, (steps - back) / placement.places[dims.scan()].tile()));
      continue;
    }
    Value number = this->offsets(builder, dims.scan(), /*ascending=*/true);
    Value wanted = subI64(builder, subI64(builder, count, constantI64(builder, back)), memory.stepsBefore());
    Value isIt = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::eq, number,
                                       vector::BroadcastOp::create(builder, loc, number.getType(), wanted));
    Value alone =
        arith::SelectOp::create(builder, loc, broadcast(builder, isIt, type.getShape()), tile, zeros(builder, type));
    Value value = TileReduceOp::create(builder, loc, VectorType::get(extents, type.getElementType()), "add", alone,
                                       along, ValueRange(), builder.getArrayAttr({}));
    if (SmallVector<int64_t> peers = peersOf(dims.scan()); !peers.empty())
      value = TileCombineOp::create(builder, loc, "add", value, peers);
    for (int64_t missing = 1; missing < back; ++missing) {
      Value isBefore =
          arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::eq, count, constantI64(builder, back - missing));
      value = arith::SelectOp::create(builder, loc, isBefore, before[missing - 1][part], value);
    }
    result.push_back(value);
  }
  return result;
}
