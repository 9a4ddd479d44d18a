// Loops over tiles of a dimension, and the phases that they cut a step into.

#include "passes/TileLoops.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "passes/TileStep.h"

using namespace mlir;
using namespace ssm;

//===----------------------------------------------------------------------===//
// Loops
//===----------------------------------------------------------------------===//

SmallVector<Value> ssm::loopOverTiles(OpBuilder &builder, TileMemory &memory, const Placement &placement, unsigned dim,
                                      ValueRange carried,
                                      llvm::function_ref<SmallVector<Value>(OpBuilder &, ValueRange)> body) {
  Location loc = builder.getUnknownLoc();
  DimSet masked = memory.maskedDims();
  auto enter = [&](OpBuilder &inner, Value start, ValueRange values, bool mayPass) {
    memory.enterTile(inner, dim, start);
    memory.setMasked(mayPass ? masked.with(dim) : masked);
    SmallVector<Value> result = body(inner, values);
    memory.setMasked(masked);
    memory.leaveTile(inner, dim);
    return result;
  };
  SmallVector<Value> values(carried);
  auto run = [&](Value from, Value to, bool mayPass) {
    int64_t extent = placement.places[dim].extent();
    std::optional<int64_t> first = getConstantIntValue(from), end = getConstantIntValue(to);
    if (first && end && *first >= *end)
      return;
    if (first && end && *end - *first <= extent) {
      values = enter(builder, from, values, mayPass);
      return;
    }
    auto loop = scf::ForOp::create(builder, loc, from, to, constantI64(builder, extent), values,
                                   [&](OpBuilder &inner, Location, Value start, ValueRange arguments) {
                                     scf::YieldOp::create(inner, loc, enter(inner, start, arguments, mayPass));
                                   });
    values.assign(loop.result_begin(), loop.result_end());
  };
  auto [from, to] = memory.loopBounds(builder, dim);
  bool isMasked = llvm::any_of(llvm::seq(memory.dimensions().count()), [&](unsigned d) { return memory.isMasked(d); });
  if (!memory.mayPassEnd(dim) || isMasked) {
    run(from, to, memory.mayPassEnd(dim));
    return values;
  }
  Value extent = constantI64(builder, placement.places[dim].extent());
  Value count = builder.createOrFold<arith::DivSIOp>(loc, subI64(builder, to, from), extent);
  Value full = addI64(builder, from, mulI64(builder, count, extent));
  run(from, full, false);
  run(full, to, true);
  return values;
}

void ssm::loopOverTiles(OpBuilder &builder, TileMemory &memory, const Placement &placement, DimSet set,
                        llvm::function_ref<void(OpBuilder &)> body) {
  SmallVector<unsigned> nest =
      llvm::filter_to_vector(placement.loops(LoopPlace::Inside), [&](unsigned dim) { return set.contains(dim); });
  auto level = [&](auto &self, OpBuilder &at, ArrayRef<unsigned> rest) -> void {
    if (rest.empty())
      return body(at);
    loopOverTiles(at, memory, placement, rest.front(), ValueRange(), [&](OpBuilder &inner, ValueRange) {
      self(self, inner, rest.drop_front());
      return SmallVector<Value>();
    });
  };
  level(level, builder, nest);
}

//===----------------------------------------------------------------------===//
// Phases
//===----------------------------------------------------------------------===//

void TileStep::emitPhase(const Phase &phase) {
  SmallVector<unsigned> nest = llvm::filter_to_vector(placement.loops(LoopPlace::Inside),
                                                      [&](unsigned dim) { return phase.loops.contains(dim); });
  SmallVector<RunningSum> sums;
  for (const PhaseRoot &root : phase.roots)
    if (root.kind == PhaseRoot::Kind::Sum)
      sums.push_back({root.op, levelOf(root.op, nest), {}});
  emitLevel(phase, nest, 0, sums);
  for (const PhaseRoot &root : phase.roots)
    keep(root);
}

/// Remembers in which buffer a root has left its value.
void TileStep::keep(const PhaseRoot &root) {
  if (root.kind == PhaseRoot::Kind::Sum || root.kind == PhaseRoot::Kind::Keep) {
    if (const TileBuffer *buffer = plan.bufferOf(root.value))
      kept[root.value] = {buffer, frames.back().inTime};
  } else if (root.kind == PhaseRoot::Kind::Next) {
    // A value that is broadcast into its state is no tile of it.
    const State &state = states[root.state];
    if (const TileBuffer *buffer = plan.bufferOf(state);
        buffer && dims.of(root.value).without(dims.scan()) == dims.of(state.layout))
      kept[root.value] = {buffer, true};
  }
}

/// How many loops stand around a sum's accumulator: those up to the last one that its result has.
size_t TileStep::levelOf(Operation *sum, ArrayRef<unsigned> nest) {
  DimSet left = dims.of(sum->getResult(0));
  for (size_t level = nest.size(); level > 0; --level)
    if (left.contains(nest[level - 1]))
      return level;
  return 0;
}

void TileStep::emitLevel(const Phase &phase, ArrayRef<unsigned> nest, size_t level, MutableArrayRef<RunningSum> sums) {
  OpBuilder builder = frames.back().builder;
  if (level == nest.size()) {
    emitBody(phase, sums);
  } else {
    SmallVector<RunningSum *> running;
    SmallVector<Value> carried;
    for (RunningSum &sum : sums) {
      if (sum.level == level)
        sum.tiles = neutral(builder, sum.op);
      if (sum.level > level)
        continue;
      running.push_back(&sum);
      llvm::append_range(carried, sum.tiles);
    }
    auto bind = [&](ValueRange values) {
      for (RunningSum *sum : running)
        for (Value &tile : sum->tiles) {
          tile = values.front();
          values = values.drop_front();
        }
    };
    bind(loopOverTiles(builder, memory, placement, nest[level], carried, [&](OpBuilder &inner, ValueRange values) {
      bind(values);
      frames.emplace_back(inner, frames.back().loops.with(nest[level]), frames.back().inTime);
      emitLevel(phase, nest, level + 1, sums);
      frames.pop_back();
      SmallVector<Value> result;
      for (RunningSum *sum : running)
        llvm::append_range(result, sum->tiles);
      return result;
    }));
  }
  for (RunningSum &sum : sums)
    if (sum.level == level)
      finish(sum, nest.take_front(level));
}

void TileStep::emitBody(const Phase &phase, MutableArrayRef<RunningSum> sums) {
  OpBuilder builder = frames.back().builder;
  for (RunningSum &sum : sums) {
    Tiles terms = maskSummed(builder, sum.op, get(sum.op->getOperand(0)));
    if (sum.tiles.empty())
      sum.tiles = terms;
    else
      for (auto [total, term] : llvm::zip_equal(sum.tiles, terms))
        total = combine(builder, sum.op, total, term);
  }
  for (const PhaseRoot &root : phase.roots)
    if (root.kind != PhaseRoot::Kind::Sum)
      emitRoot(builder, root);
}

void TileStep::emitRoot(OpBuilder &builder, const PhaseRoot &root) {
  Location loc = recurrence.getLoc();
  const State *state = &states[root.state];
  switch (root.kind) {
  case PhaseRoot::Kind::Sum:
    break;
  case PhaseRoot::Kind::Keep:
    plan.bufferOf(root.value)->store(builder, loc, memory, get(root.value));
    break;
  case PhaseRoot::Kind::Output:
    emitOutput(builder, cast<OutputOp>(root.op));
    break;
  case PhaseRoot::Kind::Next:
    // A carried one is handed on at the end of the step.
    if (const TileBuffer *buffer = plan.bufferOf(*state))
      buffer->store(builder, loc, memory, stretch(builder, get(root.value), dims.of(state->layout)),
                    buffer->slots() > 1 ? fresh[buffer->slots()] : Value());
    break;
  case PhaseRoot::Kind::Initial:
    if (const TileBuffer *buffer = plan.bufferOf(*state)) {
      for (auto [slot, tiles] : llvm::enumerate(emitStart(builder, *state, root)))
        buffer->store(builder, loc, memory, tiles, constantI64(builder, slot));
    } else {
      past[state->name] = emitStart(builder, *state, root);
    }
    break;
  }
}

//===----------------------------------------------------------------------===//
// Sums over loops
//===----------------------------------------------------------------------===//

/// A sum's loops are over: its lanes and registers are added, and the result is a tile or part of a buffer. `entered`
/// are the loops around it.
void TileStep::finish(RunningSum &sum, ArrayRef<unsigned> entered) {
  OpBuilder builder = frames.back().builder;
  Location loc = sum.op->getLoc();
  Value result = sum.op->getResult(0);
  Tiles tiles = emitReduction(builder, *sum.op, sum.tiles);
  sum.tiles.clear();
  const TileBuffer *buffer = plan.bufferOf(result);
  if (!buffer) {
    frames.back().tiles[result] = tiles;
    return;
  }
  // A loop that is summed over and stands around one that is not: the buffer takes the sum from tile to tile.
  Value isFirst;
  for (unsigned dim : entered)
    if (!dims.of(result).contains(dim)) {
      Value first = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::eq, memory.startInTask(dim),
                                          constantI64(builder, 0));
      isFirst = isFirst ? Value(arith::AndIOp::create(builder, loc, isFirst, first)) : first;
    }
  if (isFirst)
    for (auto [tile, before] : llvm::zip_equal(tiles, buffer->load(builder, loc, memory, buffer->plainView())))
      tile = arith::SelectOp::create(builder, loc, isFirst, tile, combine(builder, sum.op, before, tile));
  buffer->store(builder, loc, memory, tiles);
}

Value TileStep::combine(OpBuilder &builder, Operation *sum, Value a, Value b) {
  if (isa<MaxOp>(sum))
    return arith::MaximumFOp::create(builder, sum->getLoc(), a, b);
  return arith::AddFOp::create(builder, sum->getLoc(), a, b);
}

/// The neutral element, in the shape of the operand's tiles.
Tiles TileStep::neutral(OpBuilder &builder, Operation *sum) {
  Value operand = sum->getOperand(0);
  auto complex = dyn_cast<ComplexType>(operand.getType());
  auto element = cast<FloatType>(complex ? complex.getElementType() : operand.getType());
  APFloat value = isa<MaxOp>(sum) ? APFloat::getInf(element.getFloatSemantics(), /*Negative=*/true)
                                  : APFloat::getZero(element.getFloatSemantics());
  auto type = memory.tileType(dims.of(operand), element);
  Value tile = arith::ConstantOp::create(builder, sum->getLoc(), DenseElementsAttr::get(type, value));
  return Tiles(complex ? 2 : 1, tile);
}

/// Elements past the end of a loop that is summed over become neutral.
Tiles TileStep::maskSummed(OpBuilder &builder, Operation *sum, const Tiles &tiles) {
  Location loc = sum->getLoc();
  DimSet summed = dims.of(sum->getAttrOfType<ArrayAttr>("over")) & dims.of(sum->getOperand(0)) & loops;
  Tiles result = tiles;
  for (unsigned dim = 0; dim < dims.count(); ++dim) {
    if (!summed.contains(dim) || !memory.isMasked(dim))
      continue;
    Value place = coordinates(builder, dim);
    Value end = vector::BroadcastOp::create(builder, loc, place.getType(), memory.sizeOf(builder, dim));
    Value inside = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::slt, place, end);
    Tiles outside = neutral(builder, sum);
    for (auto [tile, other] : llvm::zip_equal(result, outside)) {
      Value mask = broadcast(builder, inside, cast<VectorType>(tile.getType()).getShape());
      tile = arith::SelectOp::create(builder, loc, mask, tile, other);
    }
  }
  return result;
}

//===----------------------------------------------------------------------===//
// Buffers
//===----------------------------------------------------------------------===//

Tiles TileStep::loadKept(OpBuilder &builder, const TileBuffer &buffer) {
  Value slot = buffer.slots() > 1 ? fresh[buffer.slots()] : Value();
  return buffer.load(builder, recurrence.getLoc(), memory, buffer.plainView(), slot);
}

Tiles TileStep::loadMoved(OpBuilder &builder, Value value) {
  Value moved = movedValue(value);
  auto previous = moved.getDefiningOp<PreviousOp>();
  const TileBuffer *buffer = previous ? plan.bufferOfState(previous.getName()) : plan.bufferOf(moved);
  SmallVector<SeenAs> seen = buffer->plainView();
  memory.applyMoves(value, seen);
  Value slot = previous ? slotOf(builder, *buffer, previous.getBack()) : Value();
  return buffer->load(builder, recurrence.getLoc(), memory, seen, slot);
}

/// The slot of a state `back` steps ago. Slots are filled downwards, so that older ones follow.
Value TileStep::slotOf(OpBuilder &builder, const TileBuffer &buffer, int64_t back) {
  if (buffer.slots() == 1)
    return {};
  Value slot = addI64(builder, newest[buffer.slots()], constantI64(builder, back - 1));
  if (back == 1)
    return slot;
  Location loc = recurrence.getLoc();
  Value slots = constantI64(builder, buffer.slots());
  Value wraps = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::sge, slot, slots);
  return arith::SelectOp::create(builder, loc, wraps, subI64(builder, slot, slots), slot);
}

/// The slot that the next step is written to.
Value TileStep::slotBefore(OpBuilder &builder, int64_t slots) {
  Location loc = recurrence.getLoc();
  Value isFirst = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::eq, newest[slots], constantI64(builder, 0));
  Value before = subI64(builder, newest[slots], constantI64(builder, 1));
  return arith::SelectOp::create(builder, loc, isFirst, constantI64(builder, slots - 1), before);
}
