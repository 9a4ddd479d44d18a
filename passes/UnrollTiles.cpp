// Cuts tiles into rows on demand. Passes.td has the contract.
//
// LLVM takes n-D elementwise code in whole-tile order: every row of each temporary is live at once, and the registers
// overflow. Making a row only when a store, a sum or a carried state asks for it puts each row's chain in one piece.

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/IRMapping.h"
#include "passes/Passes.h"
#include "passes/RowAccess.h"
#include "passes/TileRows.h"
#include "passes/UnrollAccesses.h"
#include "passes/UnrollSums.h"
#include "llvm/ADT/TypeSwitch.h"

namespace ssm {
#define GEN_PASS_DEF_UNROLLTILES
#include "passes/Passes.h.inc"
} // namespace ssm

using namespace mlir;
using namespace ssm;

namespace {
bool isTile(Type type) { return isa<VectorType>(type); }
bool touchesTiles(Operation &op) {
  return llvm::any_of(op.getOperandTypes(), isTile) || llvm::any_of(op.getResultTypes(), isTile);
}

class Unroller {
public:
  Unroller(func::FuncOp kernel, int64_t partialsOfFew)
      : kernel(kernel), builder(kernel.getContext()), partialsOfFew(partialsOfFew) {}

  LogicalResult run() {
    process(kernel.getBody().front());
    // Dead operations use each other and the arguments of dead loops, so all uses go first.
    for (Operation *op : dead)
      op->dropAllReferences();
    for (Operation *op : dead)
      op->erase();
    return llvm::failure(failed);
  }

private:
  //===--------------------------------------------------------------------===//
  // Blocks, in order; what asks for rows
  //===--------------------------------------------------------------------===//

  void process(Block &block) {
    for (Operation &op : llvm::make_early_inc_range(block)) {
      root = &op;
      if (auto loop = dyn_cast<scf::ForOp>(op))
        processFor(loop);
      else if (auto choice = dyn_cast<scf::IfOp>(op))
        processIf(choice);
      else if (auto store = dyn_cast<TileStoreOp>(op))
        processStore(store);
      else if (auto copy = dyn_cast<TileCopyOp>(op))
        processCopy(copy);
      else if (auto yield = dyn_cast<scf::YieldOp>(op))
        processYield(yield);
      else if (touchesTiles(op))
        dead.push_back(&op);
    }
  }

  SmallVector<Value> allRows(ValueRange values) {
    SmallVector<Value> result;
    for (Value value : values) {
      if (!isTile(value.getType())) {
        result.push_back(value);
        continue;
      }
      for (int64_t number = 0, count = Rows(value.getType()).count(); number < count; ++number)
        result.push_back(row(value, number));
    }
    return result;
  }

  /// Takes as many of `parts` as `value` has rows.
  void bindRows(Value value, ValueRange &parts) {
    if (!isTile(value.getType())) {
      value.replaceAllUsesWith(parts.front());
      parts = parts.drop_front();
      return;
    }
    size_t count = Rows(value.getType()).count();
    known[value].assign(parts.begin(), parts.begin() + count);
    parts = parts.drop_front(count);
  }

  void processFor(scf::ForOp loop) {
    SmallVector<Value> inits = allRows(loop.getInitArgs());
    builder.setInsertionPoint(loop);
    auto unrolled =
        scf::ForOp::create(builder, loop.getLoc(), loop.getLowerBound(), loop.getUpperBound(), loop.getStep(), inits);
    if (inits.empty())
      unrolled.getBody()->getTerminator()->erase();
    ValueRange arguments = unrolled.getRegionIterArgs();
    loop.getInductionVar().replaceAllUsesWith(unrolled.getInductionVar());
    for (Value argument : loop.getRegionIterArgs())
      bindRows(argument, arguments);
    unrolled.getBody()->getOperations().splice(unrolled.getBody()->end(), loop.getBody()->getOperations());
    process(*unrolled.getBody());
    ValueRange results = unrolled.getResults();
    for (Value result : loop.getResults())
      bindRows(result, results);
    dead.push_back(loop);
  }

  void processIf(scf::IfOp choice) {
    SmallVector<Type> types;
    for (Type type : choice.getResultTypes()) {
      if (!isTile(type))
        types.push_back(type);
      else
        types.append(Rows(type).count(), rowType(Rows(type).lanes, cast<VectorType>(type).getElementType()));
    }
    builder.setInsertionPoint(choice);
    auto unrolled = scf::IfOp::create(builder, choice.getLoc(), types, choice.getCondition(),
                                      /*addThenBlock=*/false, /*addElseBlock=*/false);
    unrolled.getThenRegion().takeBody(choice.getThenRegion());
    unrolled.getElseRegion().takeBody(choice.getElseRegion());
    for (Region *region : unrolled.getRegions())
      if (!region->empty())
        process(region->front());
    ValueRange results = unrolled.getResults();
    for (Value result : choice.getResults())
      bindRows(result, results);
    dead.push_back(choice);
  }

  void processYield(scf::YieldOp yield) {
    SmallVector<Value> values = allRows(yield.getResults());
    builder.setInsertionPoint(yield);
    scf::YieldOp::create(builder, yield.getLoc(), values);
    // Its block is no longer its old parent's, so it cannot wait with the dead ones.
    yield.erase();
  }

  void processStore(TileStoreOp store) {
    if (!isTile(store.getValue().getType()))
      return;
    storeRows(builder, store, [&](Value tile, int64_t number) { return row(tile, number); });
    store.erase();
  }

  /// Copies are there without being asked for.
  void processCopy(TileCopyOp copy) {
    if (copy.getShape().size() == 1)
      return;
    copyRows(builder, copy);
    copy.erase();
  }

  //===--------------------------------------------------------------------===//
  // Rows
  //===--------------------------------------------------------------------===//

  Value row(Value tile, int64_t number) {
    SmallVector<Value> &rows = known[tile];
    if (rows.empty())
      rows.resize(Rows(tile.getType()).count());
    if (rows[number])
      return rows[number];
    Operation *op = tile.getDefiningOp();
    Value made = makeRow(*op, tile, number);
    return known[tile][number] = made;
  }

  /// Rows stand in the block of the operation that defines their tile, just before what asks for them.
  void insertFor(Operation &op) { builder.setInsertionPoint(op.getBlock()->findAncestorOpInBlock(*root)); }

  Value makeRow(Operation &op, Value tile, int64_t number) {
    auto ask = [&](Value source, int64_t at) {
      Value made = row(source, at);
      insertFor(op);
      return made;
    };
    return llvm::TypeSwitch<Operation *, Value>(&op)
        .Case([&](vector::BroadcastOp broadcast) { return broadcastRow(broadcast, number); })
        .Case([&](arith::ConstantOp constant) { return constantRow(constant, number); })
        .Case([&](TileLoadOp load) { return loadRow(load, number); })
        .Case([&](TileReduceOp reduce) {
          insertFor(op);
          return reduceRow(builder, reduce, number, partialsOfFew, ask);
        })
        .Case([&](TileDelayOp delay) { return delayRow(delay, number); })
        .Case([&](TileMoveOp move) { return moveRow(builder, move, number, ask); })
        .Case([&](TileShiftOp shift) { return shiftRow(builder, shift, number, ask); })
        .Case([&](TileExchangeOp exchange) { return exchangeRow(exchange, tile, number); })
        .Case([&](vector::ExtractStridedSliceOp slice) { return sliceRow(builder, slice, number, ask); })
        .Default([&](Operation *) { return elementwiseRow(op, number); });
  }

  Type rowTypeOf(Value tile) {
    auto type = cast<VectorType>(tile.getType());
    return rowType(Rows(type).lanes, type.getElementType());
  }

  Value elementwiseRow(Operation &op, int64_t number) {
    if (op.getNumRegions() || op.getNumResults() != 1 || !isMemoryEffectFree(&op)) {
      failed = true;
      op.emitError("cannot be cut into rows");
    }
    SmallVector<Value> operands = llvm::map_to_vector(
        op.getOperands(), [&](Value operand) { return isTile(operand.getType()) ? row(operand, number) : operand; });
    insertFor(op);
    IRMapping mapping;
    for (auto [from, to] : llvm::zip_equal(op.getOperands(), operands))
      mapping.map(from, to);
    Operation *clone = builder.clone(op, mapping);
    clone->getResult(0).setType(rowTypeOf(op.getResult(0)));
    return clone->getResult(0);
  }

  Value broadcastRow(vector::BroadcastOp broadcast, int64_t number) {
    Value source = broadcast.getSource();
    Rows rows(broadcast.getType());
    int64_t lanes = 1;
    if (isTile(source.getType())) {
      Rows from(source.getType());
      SmallVector<int64_t> index = rows.at(number);
      for (auto [i, extent] : llvm::zip_equal(index, from.extents))
        i = std::min(i, extent - 1);
      lanes = from.lanes;
      // Other rows that read the same one share its broadcast over the lanes.
      int64_t sourceRow = from.numberOf(index);
      source = row(source, sourceRow);
      if (lanes == rows.lanes)
        return source;
      Value &shared = splats[{broadcast.getSource(), sourceRow}];
      if (shared)
        return shared;
      // The row's block: a tile that a loop carries was an argument of the old loop, whose body has moved.
      builder.setInsertionPoint(source.getParentBlock()->findAncestorOpInBlock(*root));
      return shared = vector::BroadcastOp::create(builder, broadcast.getLoc(), rowTypeOf(broadcast), source);
    }
    if (rows.lanes == 1)
      return source;
    insertFor(*broadcast);
    return vector::BroadcastOp::create(builder, broadcast.getLoc(), rowTypeOf(broadcast), source);
  }

  Value constantRow(arith::ConstantOp constant, int64_t number) {
    auto elements = cast<DenseElementsAttr>(constant.getValue());
    int64_t lanes = Rows(constant.getType()).lanes;
    auto all = elements.getValues<Attribute>();
    insertFor(*constant);
    if (lanes == 1)
      return arith::ConstantOp::create(builder, constant.getLoc(), cast<TypedAttr>(all[number]));
    auto type = cast<VectorType>(rowTypeOf(constant));
    if (elements.isSplat())
      return arith::ConstantOp::create(builder, constant.getLoc(), elements.resizeSplat(type));
    SmallVector<Attribute> part(all.begin() + number * lanes, all.begin() + (number + 1) * lanes);
    return arith::ConstantOp::create(builder, constant.getLoc(), DenseElementsAttr::get(type, part));
  }

  Value loadRow(TileLoadOp load, int64_t number) {
    insertFor(*load);
    SmallVector<Value> &rows = known[load];
    for (auto [at, made] : loadRows(builder, load, number, /*together=*/isa<scf::YieldOp, scf::ForOp>(root)))
      rows[at] = made;
    return rows[number];
  }

  Value delayRow(TileDelayOp delay, int64_t number) {
    Rows rows(delay.getType());
    SmallVector<int64_t> index = rows.at(number);
    if (delay.getAxis() == index.size()) {
      SmallVector<Value> lanes = llvm::map_to_vector(delay.getValues(), [&](Value tile) { return row(tile, number); });
      insertFor(*delay);
      return vector::FromElementsOp::create(builder, delay.getLoc(), cast<VectorType>(rowTypeOf(delay)), lanes);
    }
    int64_t step = std::exchange(index[delay.getAxis()], 0);
    Value source = delay.getValues()[std::min<int64_t>(step, delay.getValues().size() - 1)];
    return row(source, Rows(source.getType()).numberOf(index));
  }

  /// All rows at once: the threads wait for each other once.
  Value exchangeRow(TileExchangeOp exchange, Value tile, int64_t wanted) {
    SmallVector<Value> values;
    for (Value value : exchange.getValues())
      for (int64_t number = 0, count = Rows(value.getType()).count(); number < count; ++number)
        values.push_back(row(value, number));
    SmallVector<Type> types;
    for (size_t source = 0; source < exchange.getSources().size(); ++source)
      llvm::append_range(types, ValueRange(values).getTypes());
    insertFor(*exchange);
    auto made =
        TileExchangeOp::create(builder, exchange.getLoc(), types, exchange.getWarp(), values, exchange.getSources());
    ValueRange parts = made.getResults();
    for (Value result : exchange.getResults())
      bindRows(result, parts);
    return known[tile][wanted];
  }

  func::FuncOp kernel;
  OpBuilder builder;
  int64_t partialsOfFew;
  /// The operation that asks for rows now.
  Operation *root = nullptr;
  llvm::DenseMap<Value, SmallVector<Value>> known;
  llvm::DenseMap<std::pair<Value, int64_t>, Value> splats;
  SmallVector<Operation *> dead;
  bool failed = false;
};

struct UnrollTiles : ssm::impl::UnrollTilesBase<UnrollTiles> {
  using UnrollTilesBase::UnrollTilesBase;

  void runOnOperation() override {
    if (mlir::failed(Unroller(getOperation(), partialSums).run()))
      signalPassFailure();
  }
};
} // namespace
