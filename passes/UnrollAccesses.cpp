// Rows of loads, stores and copies. Memory that does not run along the lanes is moved in longer pieces where it can be,
// and put in order in registers.

#include "passes/UnrollAccesses.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "passes/InterleaveRows.h"
#include "passes/RowAccess.h"
#include "passes/TransposeRows.h"

using namespace mlir;
using namespace ssm;

namespace {
/// Elements of 16 bytes, the least that is worth an access.
constexpr int64_t shortPiece = 4;

Value constantI64(OpBuilder &builder, Location loc, int64_t value) {
  return arith::ConstantOp::create(builder, loc, builder.getI64IntegerAttr(value));
}

/// The axis that runs of single elements go along, the last with more than one; none where there is one element.
std::optional<size_t> runAxis(const Rows &rows) {
  for (size_t axis = rows.extents.size(); axis-- > 0;)
    if (rows.extents[axis] > 1)
      return axis;
  return std::nullopt;
}

/// A piece is a row of an access that has the lanes as one more register axis.
template <typename T, typename Range> SmallVector<T> withLane(const Range &list, T lane) {
  SmallVector<T> result(list);
  result.push_back(lane);
  return result;
}
ArrayAttr coefficientsOfPiece(OpBuilder &builder, ArrayAttr coefficients) {
  return builder.getArrayAttr(
      llvm::map_to_vector(coefficients.getAsRange<DenseI64ArrayAttr>(), [&](DenseI64ArrayAttr list) -> Attribute {
        return builder.getDenseI64ArrayAttr(withLane<int64_t>(list.asArrayRef(), 0));
      }));
}

class StoredRows {
public:
  StoredRows(OpBuilder &builder, TileStoreOp store, RowMaker row)
      : builder(builder), store(store), loc(store.getLoc()), rows(store.getValue().getType()), row(row) {}

  void make() {
    Type type = store.getValue().getType();
    auto found = findInterleaved(type, store.getStrides(), store.getCoefficients());
    if (store.getAligned() && rows.lanes == 1)
      return storeRuns();
    if (auto pieces = findPieces(type, store.getStrides(), store.getCoefficients()); pieces && !found)
      return storePieces(*pieces);
    for (int64_t number = 0; number < rows.count(); ++number) {
      SmallVector<int64_t> index = rows.at(number);
      if (!found)
        storeAt(index, store.getStrides(), store.getCoefficients(), rows.lanes, [&] { return rowAt(number); });
      else if (index[found->axis] == 0)
        storeInterleaved(index, *found);
    }
  }

private:
  Value rowAt(int64_t number) {
    Value made = row(store.getValue(), number);
    builder.setInsertionPoint(store);
    return made;
  }

  void storeAt(ArrayRef<int64_t> index, ValueRange strides, ArrayAttr coefficients, int64_t lanes,
               llvm::function_ref<Value()> part) {
    RowAddress address =
        addressRow(builder, loc, index, lanes, store.getOffset(), strides, store.getLimits(), coefficients);
    if (address.outside)
      return;
    Value value = part();
    TileStoreOp::create(builder, loc, value, store.getStored(), store.getPointer(), address.offset, address.strides,
                        address.limits, builder.getArrayAttr(address.coefficients),
                        isa<VectorType>(value.getType()) ? store.getAlignedAttr() : IntegerAttr());
  }

  /// Rows of one element each that stand at consecutive addresses, by one access.
  void storeRuns() {
    std::optional<size_t> axis = runAxis(rows);
    int64_t length = axis ? rows.extents[*axis] : 1;
    SmallVector<Value> strides(store.getStrides());
    if (axis)
      strides.back() = strides[*axis];
    for (int64_t first = 0; first < rows.count(); first += length) {
      SmallVector<Value> elements;
      for (int64_t i = 0; i < length; ++i)
        elements.push_back(rowAt(first + i));
      storeAt(rows.at(first), strides, store.getCoefficients(), length, [&]() -> Value {
        if (length == 1)
          return elements.front();
        auto type = VectorType::get({length}, elements.front().getType());
        return vector::FromElementsOp::create(builder, loc, type, elements);
      });
    }
  }

  /// The rows of `count` registers along an axis from the one at `index` on.
  SmallVector<Value> rowsAlong(SmallVector<int64_t> index, int64_t axis, int64_t count) {
    SmallVector<Value> parts;
    for (int64_t i = 0; i < count; ++i, ++index[axis])
      parts.push_back(rowAt(rows.numberOf(index)));
    return parts;
  }

  /// Each lane's registers, a piece of memory at a time.
  void storePieces(const Pieces &found) {
    SmallVector<Value> strides = withLane<Value>(store.getStrides(), store.getStrides()[found.axis]);
    ArrayAttr coefficients = coefficientsOfPiece(builder, store.getCoefficients());
    for (int64_t number = 0; number < rows.count(); ++number) {
      SmallVector<int64_t> index = rows.at(number);
      if (index[found.axis] % found.length != 0)
        continue;
      SmallVector<Value> pieces = piecesOfRows(builder, loc, rowsAlong(index, found.axis, found.length));
      for (auto [lane, piece] : llvm::enumerate(pieces))
        storeAt(withLane<int64_t>(index, lane), strides, coefficients, found.length, [&] { return piece; });
    }
  }

  /// The rows of all registers along the axis, as rows of consecutive memory.
  void storeInterleaved(SmallVector<int64_t> index, const Interleaved &found) {
    SmallVector<Value> parts = rowsAlong(index, found.axis, rows.extents[found.axis]);
    for (auto [i, part] : llvm::enumerate(interleaveRows(builder, loc, parts))) {
      index[found.axis] = i * rows.lanes;
      storeAt(index, found.strides, found.coefficients, rows.lanes, [&] { return part; });
    }
  }

  OpBuilder &builder;
  TileStoreOp store;
  Location loc;
  Rows rows;
  RowMaker row;
};

class LoadedRows {
public:
  using Numbered = SmallVector<std::pair<int64_t, Value>>;

  LoadedRows(OpBuilder &builder, TileLoadOp load)
      : builder(builder), load(load), loc(load.getLoc()), rows(load.getType()) {}

  Numbered make(int64_t wanted, bool together) {
    if (load.getAligned() && rows.lanes == 1)
      return loadRun(wanted);
    if (auto found = findInterleaved(load.getType(), load.getStrides(), load.getCoefficients()))
      return loadInterleaved(wanted, *found);
    if (auto pieces = findPieces(load.getType(), load.getStrides(), load.getCoefficients())) {
      // Of a long piece, rows that nobody asks for yet would wait in registers.
      if (!together)
        pieces->length = std::min(pieces->length, shortPiece);
      return loadPieces(wanted, *pieces);
    }
    return {{wanted, loadAt(rows.at(wanted), load.getStrides(), load.getCoefficients(), rows.lanes)}};
  }

private:
  /// Rows of one element each that stand at consecutive addresses, by one access.
  Numbered loadRun(int64_t wanted) {
    std::optional<size_t> axis = runAxis(rows);
    if (!axis)
      return {{wanted, loadAt(rows.at(wanted), load.getStrides(), load.getCoefficients(), 1)}};
    int64_t length = rows.extents[*axis], first = wanted / length * length;
    // The run takes the place of the lanes.
    SmallVector<Value> strides(load.getStrides());
    strides.back() = strides[*axis];
    Value run = loadAt(rows.at(first), strides, load.getCoefficients(), length);
    Numbered made;
    for (int64_t i = 0; i < length; ++i)
      made.emplace_back(first + i, vector::ExtractOp::create(builder, loc, run, i));
    return made;
  }

  Numbered loadInterleaved(int64_t wanted, const Interleaved &found) {
    SmallVector<int64_t> index = rows.at(wanted);
    SmallVector<Value> consecutive;
    for (int64_t i = 0; i < rows.extents[found.axis]; ++i) {
      index[found.axis] = i * rows.lanes;
      consecutive.push_back(loadAt(index, found.strides, found.coefficients, rows.lanes));
    }
    index[found.axis] = 0;
    return numbered(deinterleaveRows(builder, loc, consecutive), index, found.axis);
  }

  Numbered loadPieces(int64_t wanted, const Pieces &found) {
    SmallVector<int64_t> index = rows.at(wanted);
    index[found.axis] -= index[found.axis] % found.length;
    SmallVector<Value> strides = withLane<Value>(load.getStrides(), load.getStrides()[found.axis]), pieces;
    ArrayAttr coefficients = coefficientsOfPiece(builder, load.getCoefficients());
    for (int64_t lane = 0; lane < rows.lanes; ++lane)
      pieces.push_back(loadAt(withLane<int64_t>(index, lane), strides, coefficients, found.length));
    return numbered(rowsOfPieces(builder, loc, pieces), index, found.axis);
  }

  /// Rows that stand one after another along an axis from `index` on.
  Numbered numbered(ArrayRef<Value> made, SmallVector<int64_t> index, int64_t axis) {
    Numbered result;
    for (Value part : made) {
      result.emplace_back(rows.numberOf(index), part);
      ++index[axis];
    }
    return result;
  }

  Value loadAt(ArrayRef<int64_t> index, ValueRange strides, ArrayAttr coefficients, int64_t lanes) {
    Type type = rowType(lanes, getElementTypeOrSelf(load.getType()));
    RowAddress address =
        addressRow(builder, loc, index, lanes, load.getOffset(), strides, load.getLimits(), coefficients);
    if (address.outside)
      return arith::ConstantOp::create(builder, loc, builder.getZeroAttr(type));
    // Of a row that may lie outside, the first address has to be good all the same: the tile's first is.
    Value exists;
    for (Value limit : address.limits)
      if (!llvm::is_contained(load.getLimits(), limit)) {
        Value zero = constantI64(builder, loc, 0);
        Value below = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::slt, zero, limit);
        exists = exists ? Value(arith::AndIOp::create(builder, loc, exists, below)) : below;
      }
    if (exists)
      address.offset = arith::SelectOp::create(builder, loc, exists, address.offset, load.getOffset());
    return TileLoadOp::create(builder, loc, type, load.getStored(), load.getPointer(), address.offset, address.strides,
                              address.limits, builder.getArrayAttr(address.coefficients), load.getChanging(),
                              lanes > 1 ? load.getAlignedAttr() : IntegerAttr());
  }

  OpBuilder &builder;
  TileLoadOp load;
  Location loc;
  Rows rows;
};
} // namespace

RowAddress ssm::addressRow(OpBuilder &builder, Location loc, ArrayRef<int64_t> index, int64_t lanes, Value offset,
                           ValueRange strides, ValueRange limits, ArrayAttr coefficients) {
  RowAddress address;
  address.offset = offset;
  for (auto [i, stride] : llvm::zip(index, strides))
    if (i != 0)
      address.offset = builder.createOrFold<arith::AddIOp>(
          loc, address.offset, builder.createOrFold<arith::MulIOp>(loc, stride, constantI64(builder, loc, i)));
  if (lanes > 1)
    address.strides.push_back(strides.back());
  for (auto [limit, list] : llvm::zip_equal(limits, coefficients.getAsRange<DenseI64ArrayAttr>())) {
    int64_t base = 0;
    for (auto [i, coefficient] : llvm::zip(index, list.asArrayRef()))
      base += i * coefficient;
    int64_t last = lanes > 1 ? list.asArrayRef().back() : 0;
    if (std::optional<int64_t> known = getConstantIntValue(limit)) {
      if (base + std::max<int64_t>(last * (lanes - 1), 0) < *known)
        continue;
      if (base + std::min<int64_t>(last * (lanes - 1), 0) >= *known)
        address.outside = true;
    }
    address.limits.push_back(
        base == 0 ? limit : builder.createOrFold<arith::SubIOp>(loc, limit, constantI64(builder, loc, base)));
    address.coefficients.push_back(lanes > 1 ? builder.getDenseI64ArrayAttr({last}) : builder.getDenseI64ArrayAttr({}));
  }
  return address;
}

SmallVector<std::pair<int64_t, Value>> ssm::loadRows(OpBuilder &builder, TileLoadOp load, int64_t wanted,
                                                     bool together) {
  return LoadedRows(builder, load).make(wanted, together);
}

void ssm::storeRows(OpBuilder &builder, TileStoreOp store, RowMaker row) {
  builder.setInsertionPoint(store);
  StoredRows(builder, store, row).make();
}

void ssm::copyRows(OpBuilder &builder, TileCopyOp copy) {
  Location loc = copy.getLoc();
  Rows rows(VectorType::get(copy.getShape(), copy.getStored()));
  builder.setInsertionPoint(copy);
  Value one = constantI64(builder, loc, 1);
  SmallVector<Value> strides(copy.getStrides()), places(copy.getPlaces());
  strides.push_back(one);
  places.push_back(one);
  for (int64_t number = 0; number < rows.count(); ++number) {
    SmallVector<int64_t> index = rows.at(number);
    RowAddress from = addressRow(builder, loc, index, rows.lanes, copy.getOffset(), strides, copy.getLimits(),
                                 copy.getCoefficients());
    RowAddress to =
        addressRow(builder, loc, index, rows.lanes, copy.getPlace(), places, ValueRange(), builder.getArrayAttr({}));
    // A row of one element: whether it exists no longer depends on where it is along the row.
    for (Attribute &list : from.coefficients)
      if (rows.lanes == 1)
        list = builder.getDenseI64ArrayAttr({0});
    TileCopyOp::create(builder, loc, copy.getStored(), ArrayRef(rows.lanes), copy.getSource(), from.offset,
                       ValueRange(), copy.getTarget(), to.offset, ValueRange(), from.limits,
                       builder.getArrayAttr(from.coefficients), copy.getAligned());
  }
}
