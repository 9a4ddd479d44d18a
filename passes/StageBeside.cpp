// Finds loops that compute beside what copies move.
//
// A copy of a square keeps the pipe that shuffles, and loads and stores; a loop over steps keeps the pipes that
// multiply. One after another, each waits for the other to end: a processor looks ahead a few hundred operations.

#include "passes/StageBeside.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/Matchers.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;
using namespace ssm;

/// The number that a value is.
static std::optional<int64_t> numberOf(Value value) {
  APInt number;
  if (matchPattern(value, m_ConstantInt(&number)))
    return number.getSExtValue();
  return std::nullopt;
}

/// The number of steps of which a loop takes all whole groups, a group at a turn, from 0 on; null for other loops.
static Value stepsOf(scf::ForOp loop) {
  std::optional<int64_t> group = numberOf(loop.getStep());
  if (loop.getNumResults() || numberOf(loop.getLowerBound()) != 0 || !group || *group < 2 || stageBlock % *group)
    return {};
  auto product = loop.getUpperBound().getDefiningOp<arith::MulIOp>();
  auto quotient = product ? product.getLhs().getDefiningOp<arith::DivUIOp>() : nullptr;
  if (!quotient || numberOf(quotient.getRhs()) != group || numberOf(product.getRhs()) != group)
    return {};
  return quotient.getLhs();
}

static bool uses(Operation *op, Value value) {
  return op
      ->walk([&](Operation *inner) {
        return llvm::is_contained(inner->getOperands(), value) ? WalkResult::interrupt() : WalkResult::advance();
      })
      .wasInterrupted();
}

std::optional<LoopOverSteps> ssm::findLoopBeside(Operation *copy, Value scratch, Value steps) {
  for (Operation *next = copy->getNextNode(); next; next = next->getNextNode()) {
    bool usesScratch = uses(next, scratch);
    auto loop = dyn_cast<scf::ForOp>(next);
    if (Value over = loop ? stepsOf(loop) : Value(); over && (!steps || over == steps))
      return LoopOverSteps{loop, usesScratch};
    if (usesScratch)
      return std::nullopt;
  }
  return std::nullopt;
}

scf::ForOp ssm::findLoopOfSteps(Operation *copy) {
  for (Operation *next = copy->getNextNode(); next; next = next->getNextNode())
    if (auto loop = dyn_cast<scf::ForOp>(next);
        loop && numberOf(loop.getLowerBound()) == 0 && numberOf(loop.getStep()) == 1 && loop.getNumResults())
      return loop;
  return {};
}

namespace {
/// One store at the end of one loop over time tiles.
class Delay {
public:
  Delay(StageStoreOp store, scf::ForOp tiles) : store(store), tiles(tiles), loc(store.getLoc()) {}

  void run() {
    scf::ForOp loop = findLoop();
    if (!loop || !addOperands())
      return;
    OpBuilder builder(loop);
    Value first = tiles.getLowerBound(), tile = tiles.getStep(), number = tiles.getInductionVar();
    Value before = arith::SubIOp::create(builder, loc, number, tile);
    Value isThere = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::sgt, number, first);
    copyTo(builder, before, isThere);

    builder.setInsertionPointAfter(tiles);
    Value one = arith::ConstantOp::create(builder, loc, builder.getI64IntegerAttr(1));
    Value extent = arith::SubIOp::create(builder, loc, tiles.getUpperBound(), first);
    Value left = arith::RemSIOp::create(builder, loc, arith::SubIOp::create(builder, loc, extent, one), tile);
    Value end = arith::SubIOp::create(builder, loc, tiles.getUpperBound(), one);
    Value last = arith::SubIOp::create(builder, loc, end, left);
    Value isAny = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::sgt, tiles.getUpperBound(), first);
    copyTo(builder, last, isAny);
    store.erase();
  }

private:
  /// A loop over the store's steps, earlier in the same tile, up to which nothing touches what the last tile has left.
  scf::ForOp findLoop() {
    for (Operation &op : *tiles.getBody()) {
      if (&op == store || uses(&op, store.getScratch()))
        return {};
      if (auto loop = dyn_cast<scf::ForOp>(op); loop && stepsOf(loop) == store.getSteps())
        return loop;
    }
    return {};
  }

  /// Collects what the store's operands are made of in the tile; false if that is more than numbers.
  bool addOperands() {
    SmallVector<Value> open(store->getOperands());
    while (!open.empty()) {
      Value value = open.pop_back_val();
      Operation *op = value.getDefiningOp();
      if (value == tiles.getInductionVar() || tiles.isDefinedOutsideOfLoop(value) || made.contains(op))
        continue;
      if (!op || op->getBlock() != tiles.getBody() || op->getNumRegions() || !isMemoryEffectFree(op))
        return false;
      made.insert(op);
      llvm::append_range(open, op->getOperands());
    }
    return true;
  }

  /// The store of the tile that begins at `number`, of no steps unless `isThere`.
  void copyTo(OpBuilder &builder, Value number, Value isThere) {
    IRMapping mapping;
    mapping.map(tiles.getInductionVar(), number);
    for (Operation &op : *tiles.getBody())
      if (made.contains(&op))
        builder.clone(op, mapping);
    auto copy = cast<StageStoreOp>(builder.clone(*store, mapping));
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPoint(copy);
    Value none = arith::ConstantOp::create(builder, loc, builder.getI64IntegerAttr(0));
    copy.getStepsMutable().assign(arith::SelectOp::create(builder, loc, isThere, copy.getSteps(), none));
  }

  StageStoreOp store;
  scf::ForOp tiles;
  Location loc;
  llvm::SmallPtrSet<Operation *, 16> made;
};
} // namespace

void ssm::delayStores(func::FuncOp kernel, llvm::function_ref<bool(StageStoreOp)> isWanted) {
  SmallVector<StageStoreOp> stores;
  kernel.walk([&](StageStoreOp store) {
    if (isa<scf::ForOp>(store->getParentOp()) && isWanted(store))
      stores.push_back(store);
  });
  for (StageStoreOp store : stores)
    Delay(store, cast<scf::ForOp>(store->getParentOp())).run();
}
