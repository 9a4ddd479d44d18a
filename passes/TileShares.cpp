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

/// What could be left as far as each operation is concerned, and what only a stage needs: that is dropped from the
/// steps, unless they hand it to the stage.
TileStep::LeftOut TileStep::mayLeave(DimSet reduced) {
  LeftOut result;
  ComputableValues computable;
  for (Operation &op : llvm::reverse(recurrence.getBody().front())) {
    bool isSink = links && op.getNumResults() && links->sinks.contains(op.getResult(0));
    auto output = dyn_cast<OutputOp>(op);
    if (output ? links && links->leftOut.contains(output)
               : op.getNumResults() && !isSink &&
                     llvm::all_of(op.getUsers(), [&](Operation *user) { return result.unneeded.contains(user); }))
      result.unneeded.insert(&op);
    else if (output ||
             (mayShare(op, reduced) && !computable.contains(op.getResult(0)) && !leavesParts(op.getResult(0))))
      result.left.insert(&op);
  }
  return result;
}

/// What is left stays so if all that becomes of it is left as well, and all that it is made of is, or can be had at any
/// step.
void TileStep::keepWhole(LeftOut &out) {
  ComputableValues computable;
  auto isLeft = [&](Operation *other) { return out.left.contains(other) || out.unneeded.contains(other); };
  auto isThere = [&](Value value) {
    return out.left.contains(value.getDefiningOp()) || computable.contains(value) || !dims.variesInTime(value);
  };
  auto stays = [&](Operation &op) {
    if (isa<OutputOp>(op))
      return out.left.contains(op.getOperand(0).getDefiningOp());
    return llvm::all_of(op.getUsers(), isLeft) && (isa<SumOp, MaxOp>(op) || llvm::all_of(op.getOperands(), isThere));
  };
  bool isStable = false;
  while (!isStable) {
    isStable = true;
    for (Operation &op : recurrence.getBody().front())
      if (out.left.contains(&op) && !stays(op)) {
        out.left.erase(&op);
        isStable = false;
      }
  }
}

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
  LeftOut out = mayLeave(shares.reduced);
  keepWhole(out);
  for (Operation &op : body) {
    if (out.unneeded.contains(&op) && op.getNumResults())
      shares.late.insert(&op);
    if (!out.left.contains(&op))
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
  return shares.sums.empty() ? Shares() : shares;
}

/// Keeps this step's parts.
void TileStep::collectShares() {
  if (group)
    for (Operation *sum : group->shares.sums)
      group->parts[sum].push_back(get(sum->getResult(0)).front());
}

TileStep::Sharers TileStep::sharersOf(DimSet reduced) const {
  Sharers result;
  for (unsigned dim = 0; dim < dims.count(); ++dim)
    if (reduced.contains(dim))
      for (PeerLevel level : placement.peersOf(dim))
        (level.inWarp() ? result.lanes : result.warps).push_back(level);
  result.share = group->count;
  int64_t laneCount = 1;
  for (PeerLevel level : result.lanes) {
    result.share = std::max<int64_t>(1, result.share / level.count);
    laneCount *= level.count;
  }
  result.holders = std::max<int64_t>(1, laneCount / group->count);
  return result;
}

/// The sums of this thread's share of the steps, from all threads' parts.
llvm::MapVector<Operation *, Value> TileStep::joinShares(OpBuilder &builder, const Sharers &sharers) {
  llvm::MapVector<Operation *, Value> sums;
  for (auto &[sum, parts] : group->parts) {
    Value tile = joinSteps(builder, parts);
    StringRef kind = isa<MaxOp>(sum) ? "max" : "add";
    if (!sharers.warps.empty())
      tile = TileCombineOp::create(builder, sum->getLoc(), kind, tile, peerPairs(sharers.warps));
    if (!sharers.lanes.empty()) {
      auto type = cast<VectorType>(tile.getType());
      SmallVector<int64_t> shape(type.getShape());
      shape.back() = sharers.share;
      tile = TileShareOp::create(builder, sum->getLoc(), VectorType::get(shape, type.getElementType()), kind, tile,
                                 peerPairs(sharers.lanes));
    }
    sums[sum] = tile;
  }
  return sums;
}

/// Makes the group that of this thread's share of the steps, as the tiles have them in the order of memory.
void TileStep::enterShare(OpBuilder &builder, const Sharers &sharers, DimSet reduced) {
  Location loc = recurrence.getLoc();
  Value thread = TilePlaceOp::create(builder, loc, builder.getI64Type(), "thread"), stores;
  Value place = peerPosition(builder, thread, sharers.lanes), zero = constantI64(builder, 0);
  auto require = [&](Value number) {
    stores = andI1(builder, stores, arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::eq, number, zero));
  };
  if (!sharers.warps.empty())
    require(peerPosition(builder, thread, sharers.warps));
  if (sharers.holders > 1)
    require(builder.createOrFold<arith::RemUIOp>(loc, place, constantI64(builder, sharers.holders)));
  place = builder.createOrFold<arith::DivUIOp>(loc, place, constantI64(builder, sharers.holders));
  Value distance = mulI64(builder, place, constantI64(builder, sharers.share));
  if (recurrence.getReverse())
    distance = subI64(builder, constantI64(builder, group->count - sharers.share), distance);
  Value first =
      recurrence.getReverse() ? subI64(builder, group->time, distance) : addI64(builder, group->time, distance);
  group = Group{builder, sharers.share, 0, first, addI64(builder, group->number, distance)};
  memory.setStoring(reduced, stores);
}

void TileStep::emitShares(OpBuilder &builder) {
  Shares shares = std::move(group->shares);
  if (shares.sums.empty())
    return;
  Sharers sharers = sharersOf(shares.reduced);
  llvm::MapVector<Operation *, Value> sums = joinShares(builder, sharers);
  enterShare(builder, sharers, shares.reduced);
  for (int64_t step = 0; step < sharers.share; ++step) {
    group->step = step;
    Value further = constantI64(builder, step);
    time = recurrence.getReverse() ? subI64(builder, group->time, further) : addI64(builder, group->time, further);
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
