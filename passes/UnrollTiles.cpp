// Cuts tiles into rows on demand. Passes.td has the contract.
//
// LLVM takes n-D elementwise code in whole-tile order: every row of each temporary is live at once, and the registers
// overflow. Making a row only when a store, a sum or a carried state asks for it puts each row's chain in one piece.

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/Matchers.h"
#include "passes/InterleaveRows.h"
#include "passes/Passes.h"
#include "passes/RowAccess.h"
#include "passes/TileRows.h"
#include "passes/TransposeRows.h"
#include "llvm/ADT/TypeSwitch.h"

namespace ssm {
#define GEN_PASS_DEF_UNROLLTILES
#include "passes/Passes.h.inc"
} // namespace ssm

using namespace mlir;
using namespace ssm;

namespace {
/// Sums over rows add into two partial sums, so that their latencies overlap; over few rows into as many as the pass is
/// told.
constexpr int64_t partialsOfMany = 2, fewRows = 16;
/// Elements of 16 bytes, the least that is worth an access.
constexpr int64_t shortPiece = 4;

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
    Value value = store.getValue();
    if (!isTile(value.getType()))
      return;
    Rows rows(value.getType());
    auto found = findInterleaved(value.getType(), store.getStrides(), store.getCoefficients());
    if (store.getAligned() && rows.lanes == 1)
      return storeRuns(store);
    if (auto pieces = findPieces(value.getType(), store.getStrides(), store.getCoefficients()); pieces && !found)
      return storePieces(store, *pieces);
    for (int64_t number = 0; number < rows.count(); ++number) {
      SmallVector<int64_t> index = rows.at(number);
      if (!found)
        storeRowAt(store, index, store.getStrides(), store.getCoefficients(), [&] { return row(value, number); });
      else if (index[found->axis] == 0)
        storeInterleaved(store, index, *found);
    }
    store.erase();
  }

  void storeRowAt(TileStoreOp store, ArrayRef<int64_t> index, ValueRange strides, ArrayAttr coefficients,
                  llvm::function_ref<Value()> part, int64_t run = 0) {
    RowAddress address = addressRow(store.getLoc(), index, run ? run : Rows(store.getValue().getType()).lanes,
                                    store.getOffset(), strides, store.getLimits(), coefficients, store);
    if (address.outside)
      return;
    Value value = part();
    builder.setInsertionPoint(store);
    TileStoreOp::create(builder, store.getLoc(), value, store.getStored(), store.getPointer(), address.offset,
                        address.strides, address.limits, builder.getArrayAttr(address.coefficients),
                        isTile(value.getType()) ? store.getAlignedAttr() : IntegerAttr());
  }

  /// Copies are there without being asked for, also of rows outside the limits: those become 0.
  void processCopy(TileCopyOp copy) {
    if (copy.getShape().size() == 1)
      return;
    Rows rows(VectorType::get(copy.getShape(), copy.getStored()));
    builder.setInsertionPoint(copy);
    Value one = arith::ConstantOp::create(builder, copy.getLoc(), builder.getI64IntegerAttr(1));
    SmallVector<Value> strides(copy.getStrides()), places(copy.getPlaces());
    strides.push_back(one);
    places.push_back(one);
    for (int64_t number = 0; number < rows.count(); ++number) {
      SmallVector<int64_t> index = rows.at(number);
      RowAddress from = addressRow(copy.getLoc(), index, rows.lanes, copy.getOffset(), strides, copy.getLimits(),
                                   copy.getCoefficients(), copy);
      RowAddress to = addressRow(copy.getLoc(), index, rows.lanes, copy.getPlace(), places, ValueRange(),
                                 builder.getArrayAttr({}), copy);
      builder.setInsertionPoint(copy);
      // A row of one element: whether it exists no longer depends on where it is along the row.
      for (Attribute &list : from.coefficients)
        if (rows.lanes == 1)
          list = builder.getDenseI64ArrayAttr({0});
      TileCopyOp::create(builder, copy.getLoc(), copy.getStored(), ArrayRef(rows.lanes), copy.getSource(), from.offset,
                         ValueRange(), copy.getTarget(), to.offset, ValueRange(), from.limits,
                         builder.getArrayAttr(from.coefficients), copy.getAligned());
    }
    copy.erase();
  }

  /// One more than the number of the axis that runs of single elements go along; 0 where there is one element.
  static size_t runAxis(const Rows &rows) {
    size_t axis = rows.extents.size();
    while (axis > 0 && rows.extents[axis - 1] == 1)
      --axis;
    return axis;
  }

  /// Rows of one element each that stand at consecutive addresses, by one access.
  void storeRuns(TileStoreOp store) {
    Rows rows(store.getValue().getType());
    size_t axis = runAxis(rows);
    int64_t length = axis ? rows.extents[axis - 1] : 1;
    SmallVector<Value> strides(store.getStrides());
    if (axis)
      strides.back() = strides[axis - 1];
    for (int64_t first = 0; first < rows.count(); first += length) {
      SmallVector<Value> elements;
      for (int64_t i = 0; i < length; ++i)
        elements.push_back(row(store.getValue(), first + i));
      storeRowAt(
          store, rows.at(first), strides, store.getCoefficients(),
          [&]() -> Value {
            if (length == 1)
              return elements.front();
            builder.setInsertionPoint(store);
            auto type = VectorType::get({length}, elements.front().getType());
            return vector::FromElementsOp::create(builder, store.getLoc(), type, elements);
          },
          length);
    }
    store.erase();
  }

  /// Each lane's registers, a piece of memory at a time.
  void storePieces(TileStoreOp store, const Pieces &found) {
    Rows rows(store.getValue().getType());
    SmallVector<Value> strides = withLane(store.getStrides(), store.getStrides()[found.axis]);
    ArrayAttr coefficients = coefficientsOfPiece(store.getCoefficients());
    for (int64_t number = 0; number < rows.count(); ++number) {
      SmallVector<int64_t> index = rows.at(number);
      if (index[found.axis] % found.length != 0)
        continue;
      SmallVector<Value> parts;
      SmallVector<int64_t> at = index;
      for (int64_t i = 0; i < found.length; ++i, ++at[found.axis])
        parts.push_back(row(store.getValue(), rows.numberOf(at)));
      builder.setInsertionPoint(store);
      for (auto [lane, piece] : llvm::enumerate(piecesOfRows(builder, store.getLoc(), parts)))
        storeRowAt(store, withLane(index, lane), strides, coefficients, [&] { return piece; }, found.length);
    }
    store.erase();
  }

  /// A piece is a row of an access that has the lanes as one more register axis.
  static SmallVector<int64_t> withLane(ArrayRef<int64_t> index, int64_t lane) {
    SmallVector<int64_t> result(index);
    result.push_back(lane);
    return result;
  }
  static SmallVector<Value> withLane(ValueRange strides, Value piece) {
    SmallVector<Value> result(strides);
    result.push_back(piece);
    return result;
  }
  ArrayAttr coefficientsOfPiece(ArrayAttr coefficients) {
    return builder.getArrayAttr(
        llvm::map_to_vector(coefficients.getAsRange<DenseI64ArrayAttr>(), [&](DenseI64ArrayAttr list) -> Attribute {
          return builder.getDenseI64ArrayAttr(withLane(list.asArrayRef(), 0));
        }));
  }

  /// The rows of all registers along the axis, as rows of consecutive memory.
  void storeInterleaved(TileStoreOp store, SmallVector<int64_t> index, const Interleaved &found) {
    Rows rows(store.getValue().getType());
    SmallVector<Value> parts;
    for (int64_t i = 0; i < rows.extents[found.axis]; ++i) {
      index[found.axis] = i;
      parts.push_back(row(store.getValue(), rows.numberOf(index)));
    }
    builder.setInsertionPoint(store);
    for (auto [i, part] : llvm::enumerate(interleaveRows(builder, store.getLoc(), parts))) {
      index[found.axis] = i * rows.lanes;
      storeRowAt(store, index, found.strides, found.coefficients, [&] { return part; });
    }
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
        .Case([&](TileReduceOp reduce) { return reduceRow(reduce, number); })
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
    Rows rows(constant.getType());
    insertFor(*constant);
    Type type = rowTypeOf(constant);
    if (elements.isSplat()) {
      Attribute value = elements.getSplatValue<Attribute>();
      return arith::ConstantOp::create(
          builder, constant.getLoc(),
          rows.lanes == 1 ? cast<TypedAttr>(value)
                          : cast<TypedAttr>(Attribute(DenseElementsAttr::get(cast<ShapedType>(type), value))));
    }
    auto all = elements.getValues<Attribute>();
    SmallVector<Attribute> part(all.begin() + number * rows.lanes, all.begin() + (number + 1) * rows.lanes);
    return arith::ConstantOp::create(
        builder, constant.getLoc(),
        rows.lanes == 1 ? cast<TypedAttr>(part[0])
                        : cast<TypedAttr>(Attribute(DenseElementsAttr::get(cast<ShapedType>(type), part))));
  }

  struct RowAddress {
    Value offset;
    SmallVector<Value> strides, limits;
    SmallVector<Attribute> coefficients;
    bool outside = false;
  };

  std::optional<int64_t> constantOf(Value value) {
    APInt number;
    return matchPattern(value, m_ConstantInt(&number)) ? std::optional(number.getSExtValue()) : std::nullopt;
  }

  /// A row of an access: its leading coordinates move into the offset and the limits; limits that are known to hold go.
  RowAddress addressRow(Location loc, ArrayRef<int64_t> index, int64_t lanes, Value offset, ValueRange strides,
                        ValueRange limits, ArrayAttr coefficients, Operation *op) {
    insertFor(*op);
    auto constant = [&](int64_t value) {
      return arith::ConstantOp::create(builder, loc, builder.getI64IntegerAttr(value));
    };
    RowAddress address;
    address.offset = offset;
    for (auto [i, stride] : llvm::zip(index, strides))
      if (i != 0)
        address.offset = builder.createOrFold<arith::AddIOp>(
            loc, address.offset, builder.createOrFold<arith::MulIOp>(loc, stride, constant(i)));
    if (lanes > 1)
      address.strides.push_back(strides.back());
    for (auto [limit, list] : llvm::zip_equal(limits, coefficients.getAsRange<DenseI64ArrayAttr>())) {
      int64_t base = 0;
      for (auto [i, coefficient] : llvm::zip(index, list.asArrayRef()))
        base += i * coefficient;
      int64_t last = lanes > 1 ? list.asArrayRef().back() : 0;
      if (std::optional<int64_t> known = constantOf(limit)) {
        if (base + std::max<int64_t>(last * (lanes - 1), 0) < *known)
          continue;
        if (base + std::min<int64_t>(last * (lanes - 1), 0) >= *known)
          address.outside = true;
      }
      address.limits.push_back(base == 0 ? limit : builder.createOrFold<arith::SubIOp>(loc, limit, constant(base)));
      address.coefficients.push_back(lanes > 1 ? builder.getDenseI64ArrayAttr({last})
                                               : builder.getDenseI64ArrayAttr({}));
    }
    return address;
  }

  Value zeroRow(Location loc, Type type) { return arith::ConstantOp::create(builder, loc, builder.getZeroAttr(type)); }

  Value loadRow(TileLoadOp load, int64_t number) {
    Rows rows(load.getType());
    SmallVector<int64_t> index = rows.at(number);
    if (load.getAligned() && rows.lanes == 1)
      return loadRun(load, number);
    auto found = findInterleaved(load.getType(), load.getStrides(), load.getCoefficients());
    if (auto pieces = findPieces(load.getType(), load.getStrides(), load.getCoefficients()); pieces && !found)
      return loadPieces(load, number, *pieces);
    if (!found)
      return loadRowAt(load, index, load.getStrides(), load.getCoefficients());
    SmallVector<Value> consecutive;
    int64_t wanted = index[found->axis];
    for (int64_t i = 0; i < rows.extents[found->axis]; ++i) {
      index[found->axis] = i * rows.lanes;
      consecutive.push_back(loadRowAt(load, index, found->strides, found->coefficients));
    }
    insertFor(*load);
    SmallVector<Value> made = deinterleaveRows(builder, load.getLoc(), consecutive);
    for (auto [i, part] : llvm::enumerate(made)) {
      index[found->axis] = i;
      known[load][rows.numberOf(index)] = part;
    }
    return made[wanted];
  }

  /// Rows of one element each that stand at consecutive addresses, by one access.
  Value loadRun(TileLoadOp load, int64_t wanted) {
    Rows rows(load.getType());
    size_t axis = runAxis(rows);
    if (axis == 0)
      return loadRowAt(load, rows.at(wanted), load.getStrides(), load.getCoefficients());
    int64_t length = rows.extents[axis - 1], first = wanted / length * length;
    // The run takes the place of the lanes.
    SmallVector<Value> strides(load.getStrides());
    strides.back() = strides[axis - 1];
    Value run = loadRowAt(load, rows.at(first), strides, load.getCoefficients(), length);
    for (int64_t i = 0; i < length; ++i)
      known[load][first + i] = vector::ExtractOp::create(builder, load.getLoc(), run, i);
    return known[load][wanted];
  }

  /// The rows of a piece at once: of a long one where all are asked for together, else of a short one, so that few wait
  /// in registers.
  Value loadPieces(TileLoadOp load, int64_t wanted, Pieces found) {
    Rows rows(load.getType());
    if (!isa<scf::YieldOp, scf::ForOp>(root))
      found.length = std::min(found.length, shortPiece);
    SmallVector<int64_t> index = rows.at(wanted);
    index[found.axis] -= index[found.axis] % found.length;
    SmallVector<Value> strides = withLane(load.getStrides(), load.getStrides()[found.axis]), pieces;
    ArrayAttr coefficients = coefficientsOfPiece(load.getCoefficients());
    for (int64_t lane = 0; lane < rows.lanes; ++lane)
      pieces.push_back(loadRowAt(load, withLane(index, lane), strides, coefficients, found.length));
    insertFor(*load);
    for (Value made : rowsOfPieces(builder, load.getLoc(), pieces)) {
      known[load][rows.numberOf(index)] = made;
      ++index[found.axis];
    }
    return known[load][wanted];
  }

  Value loadRowAt(TileLoadOp load, ArrayRef<int64_t> index, ValueRange strides, ArrayAttr coefficients,
                  int64_t run = 0) {
    Rows rows(load.getType());
    if (run)
      rows.lanes = run;
    Type type = rowType(rows.lanes, cast<VectorType>(load.getType()).getElementType());
    RowAddress address =
        addressRow(load.getLoc(), index, rows.lanes, load.getOffset(), strides, load.getLimits(), coefficients, load);
    if (address.outside)
      return zeroRow(load.getLoc(), type);
    // Of a row that may lie outside, the first address has to be good all the same: the tile's first is.
    Value exists;
    for (Value limit : address.limits)
      if (!llvm::is_contained(load.getLimits(), limit)) {
        Value zero = arith::ConstantOp::create(builder, load.getLoc(), builder.getI64IntegerAttr(0));
        Value below = arith::CmpIOp::create(builder, load.getLoc(), arith::CmpIPredicate::slt, zero, limit);
        exists = exists ? Value(arith::AndIOp::create(builder, load.getLoc(), exists, below)) : below;
      }
    if (exists)
      address.offset = arith::SelectOp::create(builder, load.getLoc(), exists, address.offset, load.getOffset());
    return TileLoadOp::create(builder, load.getLoc(), type, load.getStored(), load.getPointer(), address.offset,
                              address.strides, address.limits, builder.getArrayAttr(address.coefficients),
                              load.getChanging(), rows.lanes > 1 ? load.getAlignedAttr() : IntegerAttr());
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

  //===--------------------------------------------------------------------===//
  // Reductions
  //===--------------------------------------------------------------------===//

  Value combine(TileReduceOp reduce, Value a, Value b) {
    insertFor(*reduce);
    if (reduce.getKind() == "max")
      return arith::MaximumFOp::create(builder, reduce.getLoc(), a, b);
    // A product becomes an fma here: left to LLVM, the first two terms of a sum do, and the first waits for the second.
    if (auto product = b.getDefiningOp<arith::MulFOp>(); product && product->use_empty())
      return math::FmaOp::create(builder, reduce.getLoc(), product.getLhs(), product.getRhs(), a);
    return arith::AddFOp::create(builder, reduce.getLoc(), a, b, arith::FastMathFlags::contract);
  }

  /// The neutral element, as a row.
  Value neutral(TileReduceOp reduce, Type type) {
    auto element = cast<FloatType>(getElementTypeOrSelf(type));
    if (reduce.getKind() != "max")
      return zeroRow(reduce.getLoc(), type);
    auto lowest = builder.getFloatAttr(element, APFloat::getInf(element.getFloatSemantics(), /*Negative=*/true));
    auto vector = dyn_cast<VectorType>(type);
    return arith::ConstantOp::create(builder, reduce.getLoc(),
                                     vector ? cast<TypedAttr>(Attribute(DenseElementsAttr::get(vector, lowest)))
                                            : cast<TypedAttr>(lowest));
  }

  /// A row of the operand with the neutral element outside the limits; null if all of it is outside.
  Value termOf(TileReduceOp reduce, int64_t number) {
    Rows rows(reduce.getValue().getType());
    RowAddress address = limitRow(reduce, rows, number);
    if (address.outside)
      return {};
    Value term = row(reduce.getValue(), number);
    insertFor(*reduce);
    Value mask =
        rowMask(builder, reduce.getLoc(), rows.lanes, address.limits, builder.getArrayAttr(address.coefficients));
    if (!mask)
      return term;
    return arith::SelectOp::create(builder, reduce.getLoc(), mask, term, neutral(reduce, term.getType()));
  }

  RowAddress limitRow(TileReduceOp reduce, const Rows &rows, int64_t number) {
    insertFor(*reduce);
    Value zero = arith::ConstantOp::create(builder, reduce.getLoc(), builder.getI64IntegerAttr(0));
    SmallVector<Value> strides(rows.extents.size() + 1, zero);
    return addressRow(reduce.getLoc(), rows.at(number), rows.lanes, zero, strides, reduce.getLimits(),
                      reduce.getCoefficients(), reduce);
  }

  Value reduceRow(TileReduceOp reduce, int64_t number) {
    Rows source(reduce.getValue().getType()), target(reduce.getType());
    SmallVector<int64_t> index = target.at(number);
    SmallVector<Value> partials;
    size_t count = 0;
    int64_t sourceRows = source.count();
    size_t mostPartials = sourceRows / target.count() <= fewRows ? partialsOfFew : partialsOfMany;
    for (int64_t from = 0; from < sourceRows; ++from) {
      SmallVector<int64_t> at = source.at(from);
      for (int64_t axis : reduce.getAxes())
        if (axis < static_cast<int64_t>(at.size()))
          at[axis] = 0;
      if (at != index)
        continue;
      Value term = termOf(reduce, from);
      if (!term)
        continue;
      if (partials.size() < mostPartials)
        partials.push_back(term);
      else
        partials[count % mostPartials] = combine(reduce, partials[count % mostPartials], term);
      ++count;
    }
    insertFor(*reduce);
    if (partials.empty())
      return neutral(reduce, rowTypeOf(reduce));
    while (partials.size() > 1) {
      SmallVector<Value> halved;
      for (size_t i = 0; i < partials.size(); i += 2)
        halved.push_back(i + 1 < partials.size() ? combine(reduce, partials[i], partials[i + 1]) : partials[i]);
      partials = std::move(halved);
    }
    if (source.lanes == target.lanes)
      return partials[0];
    return TileReduceOp::create(builder, reduce.getLoc(), rowTypeOf(reduce), reduce.getKind(), partials[0],
                                builder.getDenseI64ArrayAttr({0}), ValueRange(), builder.getArrayAttr({}));
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
