// Sums over threads of which only outputs are made: a step makes each thread's part alone, and after a group of steps
// the lanes share out the sums of all of them, and each finishes the outputs of its share.

#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "passes/Elementwise.h"
#include "passes/Peers.h"
#include "passes/TileStep.h"

using namespace mlir;
using namespace ssm;

/// The dimensions of a sum or maximum that threads share.
DimSet TileStep::sharedDims(Operation &op) {
  DimSet reduced = dims.of(op.getOperand(0)) & dims.of(op.getAttrOfType<ArrayAttr>("over")), result;
  for (unsigned dim = 0; dim < dims.count(); ++dim)
    if (reduced.contains(dim) && placement.places[dim].parts() > 1)
      result = result.with(dim);
  return result;
}

/// Whether an operation could be left out of the steps, as far as itself is concerned.
bool TileStep::mayShare(Operation &op, DimSet reduced) {
  if (op.getNumResults() != 1 || isa<ComplexType>(op.getResult(0).getType()) || !dims.variesInTime(op.getResult(0)) ||
      !(dims.of(op.getResult(0)) & reduced).empty())
    return false;
  if (!isa<SumOp, MaxOp>(op))
    return isElementwise(&op);
  // A sum over what its operand lacks is a multiple, which is no sum of the threads' parts.
  DimSet over = dims.of(op.getAttrOfType<ArrayAttr>("over"));
  return sharedDims(op) == reduced && (isa<MaxOp>(op) || (over - dims.of(op.getOperand(0))).empty());
}

/// What can be left: all that becomes of it is left as well, and all that it is made of is, or can be had at any step.
TileStep::Shares TileStep::findShares(int64_t count) {
  Shares shares;
  if (count < 2 || !llvm::isPowerOf2_64(count) || !loops.empty() || inBlocks())
    return shares;
  Block &body = recurrence.getBody().front();
  for (Operation &op : body)
    if (isa<SumOp, MaxOp>(op) && shares.reduced.empty() && !leavesParts(op.getResult(0)))
      shares.reduced = sharedDims(op);
  if (shares.reduced.empty())
    return shares;
  ComputableValues computable;
  // What only a stage needs is dropped from the steps, unless they hand it to the stage.
  DenseSet<Operation *> left, unneeded;
  for (Operation &op : llvm::reverse(body)) {
    bool isSink = links && op.getNumResults() && links->sinks.contains(op.getResult(0));
    auto output = dyn_cast<OutputOp>(op);
    if (output ? links && links->leftOut.contains(output)
               : op.getNumResults() && !isSink &&
                     llvm::all_of(op.getUsers(), [&](Operation *user) { return unneeded.contains(user); }))
      unneeded.insert(&op);
    else if (output ||
             (mayShare(op, shares.reduced) && !computable.contains(op.getResult(0)) && !leavesParts(op.getResult(0))))
      left.insert(&op);
  }
  bool isStable = false;
  while (!isStable) {
    isStable = true;
    for (Operation &op : body) {
      auto isLeft = [&](Operation *other) { return left.contains(other) || unneeded.contains(other); };
      auto isThere = [&](Value value) {
        return left.contains(value.getDefiningOp()) || computable.contains(value) || !dims.variesInTime(value);
      };
      if (!left.contains(&op))
        continue;
      bool keeps = isa<OutputOp>(op) ? left.contains(op.getOperand(0).getDefiningOp())
                   : isa<SumOp, MaxOp>(op)
                       ? llvm::all_of(op.getUsers(), isLeft)
                       : llvm::all_of(op.getUsers(), isLeft) && llvm::all_of(op.getOperands(), isThere);
      if (!keeps) {
        left.erase(&op);
        isStable = false;
      }
    }
  }
  for (Operation &op : body) {
    if (unneeded.contains(&op) && op.getNumResults())
      shares.late.insert(&op);
    if (!left.contains(&op))
      continue;
    if (isa<SumOp, MaxOp>(op))
      shares.sums.insert(&op);
    else
      shares.late.insert(&op);
    if (auto output = dyn_cast<OutputOp>(op))
      shares.outputs.push_back(output);
    else if (links && links->sinks.contains(op.getResult(0)))
      shares.sinks.push_back(op.getResult(0));
  }
  if (shares.sums.empty())
    return Shares();
  return shares;
}

/// Keeps this step's parts.
void TileStep::collectShares() {
  if (group)
    for (Operation *sum : group->shares.sums)
      group->parts[sum].push_back(get(sum->getResult(0)).front());
}

void TileStep::emitShares(OpBuilder &builder) {
  Shares shares = std::move(group->shares);
  if (shares.sums.empty())
    return;
  Location loc = recurrence.getLoc();
  SmallVector<PeerLevel> lanes, warps;
  for (unsigned dim = 0; dim < dims.count(); ++dim)
    if (shares.reduced.contains(dim))
      for (PeerLevel level : placement.peersOf(dim))
        (level.inWarp() ? lanes : warps).push_back(level);
  auto pairs = [](ArrayRef<PeerLevel> levels) {
    SmallVector<int64_t> result;
    for (PeerLevel level : levels)
      result.append({level.count, level.stride});
    return result;
  };
  int64_t count = group->count, share = count;
  for (PeerLevel level : lanes)
    share = std::max<int64_t>(1, share / level.count);
  int64_t laneCount = 1;
  for (PeerLevel level : lanes)
    laneCount *= level.count;
  int64_t holders = std::max<int64_t>(1, laneCount / count);

  llvm::MapVector<Operation *, Value> sums;
  for (auto &[sum, parts] : group->parts) {
    Value tile = joinSteps(builder, parts);
    StringRef kind = isa<MaxOp>(sum) ? "max" : "add";
    if (!warps.empty())
      tile = TileCombineOp::create(builder, sum->getLoc(), kind, tile, pairs(warps));
    if (!lanes.empty()) {
      auto type = cast<VectorType>(tile.getType());
      SmallVector<int64_t> shape(type.getShape());
      shape.back() = share;
      tile = TileShareOp::create(builder, sum->getLoc(), VectorType::get(shape, type.getElementType()), kind, tile,
                                 pairs(lanes));
    }
    sums[sum] = tile;
  }

  // The steps of this thread's share, as the tiles have them in the order of memory.
  Value thread = TilePlaceOp::create(builder, loc, builder.getI64Type(), "thread"), stores;
  Value place = peerPosition(builder, thread, lanes), zero = constantI64(builder, 0);
  auto require = [&](Value number) {
    Value isZero = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::eq, number, zero);
    stores = stores ? Value(arith::AndIOp::create(builder, loc, stores, isZero)) : isZero;
  };
  if (!warps.empty())
    require(peerPosition(builder, thread, warps));
  if (holders > 1)
    require(builder.createOrFold<arith::RemUIOp>(loc, place, constantI64(builder, holders)));
  place = builder.createOrFold<arith::DivUIOp>(loc, place, constantI64(builder, holders));
  Value distance = mulI64(builder, place, constantI64(builder, share));
  if (recurrence.getReverse())
    distance = subI64(builder, constantI64(builder, count - share), distance);
  Value first =
      recurrence.getReverse() ? subI64(builder, group->time, distance) : addI64(builder, group->time, distance);
  group = Group{builder, share, 0, first, addI64(builder, group->number, distance)};
  memory.setStoring(shares.reduced, stores);
  for (int64_t step = 0; step < share; ++step) {
    group->step = step;
    Value further = constantI64(builder, step);
    time = recurrence.getReverse() ? subI64(builder, first, further) : addI64(builder, first, further);
    scratchStep = addI64(builder, group->number, further);
    frames.emplace_back(builder, DimSet(), /*inTime=*/true);
    for (auto &[sum, tile] : sums)
      frames.back().tiles[sum->getResult(0)] = {partOfSteps(builder, tile)};
    for (Value value : shares.sinks)
      group->staged[value].push_back(get(value).front());
    for (OutputOp output : shares.outputs)
      emitOutput(builder, output);
    frames.pop_back();
  }
  writeGroup(builder);
  memory.setStoring(DimSet(), {});
}
