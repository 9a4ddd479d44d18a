// Rows of tiles that are other tiles' values at other places. Where axes number steps, with R registers and L lanes,
// lane l of register r holds step l·R + r.

#include "passes/TileRows.h"
#include "passes/RowAccess.h"

using namespace mlir;
using namespace ssm;

namespace {
/// One row of a tile some steps earlier.
class ShiftedRow {
public:
  ShiftedRow(OpBuilder &builder, TileShiftOp shift, int64_t number, RowMaker row)
      : builder(builder), shift(shift), loc(shift.getLoc()), rows(shift.getType()), index(rows.at(number)), row(row) {
    for (int64_t axis : shift.getAlong())
      if (axis == static_cast<int64_t>(rows.extents.size()))
        movesLanes = true;
      else
        registerAxis = axis;
  }

  Value make() {
    int64_t registers = registerAxis ? rows.extents[*registerAxis] : 1, lanes = movesLanes ? rows.lanes : 1;
    int64_t first = (registerAxis ? index[*registerAxis] : 0) - static_cast<int64_t>(shift.getBy());
    int64_t distance = first < 0 ? (-first + registers - 1) / registers : 0;
    if (distance >= lanes)
      return movesLanes ? inserted(Value(), first, registers, lanes) : whole(fillRow(-first - 1));
    SmallVector<int64_t> source = index;
    if (registerAxis)
      source[*registerAxis] = first + distance * registers;
    Value moved = row(shift.getValue(), rows.numberOf(source));
    if (distance == 0)
      return moved;
    return inserted(moved, first, registers, distance);
  }

private:
  /// The tile before step 0, `back` steps before the newest.
  Value fillRow(int64_t back) {
    Value tile = shift.getFill()[std::min<int64_t>(back, shift.getFill().size() - 1)];
    Rows own(tile.getType());
    SmallVector<int64_t> at = index;
    for (auto [i, extent] : llvm::zip_equal(at, own.extents))
      i = std::min(i, extent - 1);
    return row(tile, own.numberOf(at));
  }

  Value whole(Value fill) {
    Type type = rowType(rows.lanes, getElementTypeOrSelf(fill.getType()));
    return fill.getType() == type ? fill : Value(vector::BroadcastOp::create(builder, loc, type, fill));
  }

  /// `moved` (or nothing) up by `distance` lanes, which take the fill.
  Value inserted(Value moved, int64_t first, int64_t registers, int64_t distance) {
    SmallVector<Value> fills;
    for (int64_t lane = 0; lane < distance; ++lane)
      fills.push_back(fillRow(-(first + lane * registers) - 1));
    if (rows.lanes == 1)
      return fills.front();
    Value oldest = whole(fills.front());
    SmallVector<int64_t> mask;
    for (int64_t lane = 0; lane < rows.lanes; ++lane)
      mask.push_back(lane < distance ? rows.lanes : lane - distance);
    Value result = moved ? Value(vector::ShuffleOp::create(builder, loc, moved, oldest, mask)) : oldest;
    for (auto [lane, fill] : llvm::enumerate(fills))
      if (fill != fills.front())
        result = vector::InsertOp::create(builder, loc, fill, result, static_cast<int64_t>(lane));
    return result;
  }

  OpBuilder &builder;
  TileShiftOp shift;
  Location loc;
  Rows rows;
  SmallVector<int64_t> index;
  RowMaker row;
  bool movesLanes = false;
  std::optional<int64_t> registerAxis;
};
} // namespace

Value ssm::shiftRow(OpBuilder &builder, TileShiftOp shift, int64_t number, RowMaker row) {
  return ShiftedRow(builder, shift, number, row).make();
}

Value ssm::sliceRow(OpBuilder &builder, vector::ExtractStridedSliceOp slice, int64_t number, RowMaker row) {
  Value tile = slice.getSource();
  Rows source(tile.getType()), target(slice.getType());
  SmallVector<int64_t> offsets;
  for (auto offset : slice.getOffsets().getAsRange<IntegerAttr>())
    offsets.push_back(offset.getInt());
  SmallVector<int64_t> index = target.at(number);
  for (auto [i, offset] : llvm::zip(index, offsets))
    i += offset;
  Value part = row(tile, source.numberOf(index));
  if (source.lanes == target.lanes)
    return part;
  if (target.lanes == 1)
    return vector::ExtractOp::create(builder, slice.getLoc(), part, offsets.back());
  return vector::ExtractStridedSliceOp::create(builder, slice.getLoc(), part, {offsets.back()}, {target.lanes},
                                               {int64_t(1)});
}

/// Coordinate that an element has along axes, the last of them fastest.
static int64_t coordinateAlong(ArrayRef<int64_t> axes, ArrayRef<int64_t> shape, ArrayRef<int64_t> index) {
  int64_t coordinate = 0;
  for (int64_t axis : axes)
    coordinate = coordinate * shape[axis] + index[axis];
  return coordinate;
}

/// The element of the operand that stands at `index` of the result.
static SmallVector<int64_t> sourceIndex(TileMoveOp move, SmallVector<int64_t> index) {
  ArrayRef<int64_t> from = cast<VectorType>(move.getValue().getType()).getShape();
  ArrayRef<int64_t> to = cast<VectorType>(move.getType()).getShape();
  int64_t size = move.getSize();
  int64_t coordinate = std::min(coordinateAlong(move.getTo(), to, index), size - 1);
  if (move.getReversed())
    coordinate = size - 1 - coordinate;
  for (int64_t axis : move.getTo())
    index[axis] = 0;
  for (int64_t axis : llvm::reverse(move.getFrom())) {
    index[axis] = coordinate % from[axis];
    coordinate /= from[axis];
  }
  return index;
}

Value ssm::moveRow(OpBuilder &builder, TileMoveOp move, int64_t number, RowMaker row) {
  Rows source(move.getValue().getType()), target(move.getType());
  SmallVector<int64_t> index = target.at(number);
  index.push_back(0);
  int64_t lastAxis = source.extents.size();
  bool movesLanes = llvm::is_contained(move.getFrom(), lastAxis) || llvm::is_contained(move.getTo(), lastAxis);
  if (!movesLanes) {
    SmallVector<int64_t> from = sourceIndex(move, index);
    return row(move.getValue(), source.numberOf(ArrayRef(from).drop_back()));
  }
  SmallVector<Value> elements;
  for (int64_t lane = 0; lane < target.lanes; ++lane) {
    index.back() = lane;
    SmallVector<int64_t> from = sourceIndex(move, index);
    Value part = row(move.getValue(), source.numberOf(ArrayRef(from).drop_back()));
    elements.push_back(source.lanes == 1 ? part
                                         : Value(vector::ExtractOp::create(builder, move.getLoc(), part, from.back())));
  }
  if (target.lanes == 1)
    return elements[0];
  auto type = cast<VectorType>(rowType(target.lanes, getElementTypeOrSelf(move.getType())));
  return vector::FromElementsOp::create(builder, move.getLoc(), type, elements);
}
