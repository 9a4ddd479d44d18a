// Rows of tiles whose axes number steps. With R registers and L lanes, lane l of register r holds step l·R + r.

#include "passes/StepRows.h"
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

Value ssm::stepRow(OpBuilder &builder, TileShiftOp shift, int64_t number, RowMaker row) {
  return ShiftedRow(builder, shift, number, row).make();
}

Value ssm::stepRow(OpBuilder &builder, vector::ExtractStridedSliceOp slice, int64_t number, RowMaker row) {
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
