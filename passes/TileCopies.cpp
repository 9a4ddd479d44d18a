// Steps one after another, each with code of its own: what runs along time in memory is one wide access for all of
// them.

#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "passes/TileStep.h"

using namespace mlir;
using namespace ssm;

/// Whether an input is read for all steps of the group at once.
bool TileStep::readsTogether(Value value) {
  if (!group || group->count == 1)
    return false;
  auto input = movedValue(value).getDefiningOp<InputOp>();
  unsigned number = memory.lookup(KernelTensor::Role::Input, input.getName());
  bool isFlipped = llvm::any_of(recurrence.getBody().front().getOps<FlipOp>(),
                                [&](FlipOp flip) { return flip.getDim() == recurrence.getScan(); });
  return memory.isWide(number) && !isFlipped && (dims.of(value) & loops).empty();
}

bool TileStep::writesTogether(unsigned output) {
  return group && group->count > 1 && memory.isWide(output) && (dims.of(memory.tensor(output).layout) & loops).empty();
}

/// This step's part of what is read for the group; `read` reads it for all, in the order of memory.
Tiles TileStep::readOfGroup(OpBuilder &builder, Value key, llvm::function_ref<Tiles(OpBuilder &)> read) {
  Tiles &whole = group->read[key];
  if (whole.empty())
    whole = read(group->builder);
  return llvm::map_to_vector<2>(whole, [&](Value tile) { return partOfSteps(builder, tile); });
}

/// This step's part of a tile of the group's steps, which are in the order of memory along the last axis.
Value TileStep::partOfSteps(OpBuilder &builder, Value tile) {
  auto type = cast<VectorType>(tile.getType());
  SmallVector<int64_t> offsets(type.getRank(), 0), extents(type.getShape()), strides(type.getRank(), 1);
  offsets.back() = recurrence.getReverse() ? group->count - 1 - group->step : group->step;
  extents.back() = 1;
  return vector::ExtractStridedSliceOp::create(builder, recurrence.getLoc(), tile, offsets, extents, strides);
}

/// One tile of the steps' tiles, in the order of memory along the last axis.
Value TileStep::joinSteps(OpBuilder &builder, ArrayRef<Value> tiles) {
  auto type = cast<VectorType>(tiles.front().getType());
  SmallVector<int64_t> extents(type.getShape());
  extents.back() = tiles.size();
  SmallVector<Value> steps(tiles);
  if (recurrence.getReverse())
    std::reverse(steps.begin(), steps.end());
  return TileDelayOp::create(builder, recurrence.getLoc(), VectorType::get(extents, type.getElementType()), steps,
                             type.getRank() - 1);
}

void TileStep::writeGroup(OpBuilder &builder) {
  for (auto &[output, tiles] : group->written)
    memory.storeSteps(builder, output, joinSteps(builder, tiles), group->time, group->count);
  writeStaged(builder);
}

SmallVector<Value> TileStep::emitSteps(OpBuilder &builder, Value first, Value number, int64_t count,
                                       ValueRange carried) {
  group = Group{builder, count, 0, first, number};
  group->shares = findShares(count);
  SmallVector<Value> values(carried);
  for (int64_t step = 0; step < count; ++step) {
    group->step = step;
    Value distance = constantI64(builder, step);
    Value at = recurrence.getReverse() ? subI64(builder, first, distance) : addI64(builder, first, distance);
    values = emitStep(builder, at, addI64(builder, number, distance), values);
  }
  writeGroup(builder);
  emitShares(builder);
  group.reset();
  return values;
}
