// Memory that runs along registers where lanes run along another dimension: whole pieces of it are moved and
// transposed in registers, which costs far less than a gather a row.

#include "passes/TransposeRows.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "passes/InterleaveRows.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace ssm;

std::optional<Pieces> ssm::findPieces(Type tile, ValueRange strides, ArrayAttr coefficients) {
  Rows rows(tile);
  if (rows.lanes < 4 || !llvm::isPowerOf2_64(rows.lanes) || getConstantIntValue(strides.back()) == 1)
    return std::nullopt;
  for (auto [axis, extent] : llvm::enumerate(rows.extents)) {
    bool isWhole = extent % rows.lanes == 0 || (llvm::isPowerOf2_64(extent) && extent >= 4 && extent < rows.lanes);
    if (!isWhole || getConstantIntValue(strides[axis]) != 1)
      continue;
    bool isCut = llvm::any_of(coefficients.getAsRange<DenseI64ArrayAttr>(),
                              [&](DenseI64ArrayAttr list) { return list.asArrayRef()[axis] != 0; });
    if (!isCut)
      return Pieces{static_cast<int64_t>(axis), std::min(extent, rows.lanes)};
  }
  return std::nullopt;
}

static int64_t lanesOf(Value row) { return cast<VectorType>(row.getType()).getNumElements(); }

void ssm::transposeSquare(OpBuilder &builder, Location loc, SmallVectorImpl<Value> &rows) {
  int64_t size = rows.size();
  for (int64_t distance = size / 2; distance > 0; distance /= 2)
    for (int64_t i = 0; i < size; ++i) {
      if (i & distance)
        continue;
      SmallVector<int64_t> low, high;
      for (int64_t j = 0; j < size; ++j) {
        low.push_back(j & distance ? size + j - distance : j);
        high.push_back(j & distance ? size + j : j + distance);
      }
      Value a = rows[i], b = rows[i + distance];
      rows[i] = vector::ShuffleOp::create(builder, loc, a, b, low);
      rows[i + distance] = vector::ShuffleOp::create(builder, loc, a, b, high);
    }
}

/// Vectors one after another as one.
static Value concatenate(OpBuilder &builder, Location loc, ArrayRef<Value> parts) {
  if (parts.size() == 1)
    return parts.front();
  size_t half = parts.size() / 2;
  Value a = concatenate(builder, loc, parts.take_front(half)), b = concatenate(builder, loc, parts.drop_front(half));
  return vector::ShuffleOp::create(builder, loc, a, b, llvm::to_vector(llvm::seq<int64_t>(2 * lanesOf(a))));
}

SmallVector<Value> ssm::rowsOfPieces(OpBuilder &builder, Location loc, ArrayRef<Value> pieces) {
  SmallVector<Value> rows(pieces);
  int64_t lanes = pieces.size(), length = lanesOf(pieces.front());
  if (length == lanes) {
    transposeSquare(builder, loc, rows);
    return rows;
  }
  SmallVector<Value> consecutive;
  for (int64_t row = 0, together = lanes / length; row < length; ++row)
    consecutive.push_back(concatenate(builder, loc, pieces.slice(row * together, together)));
  return deinterleaveRows(builder, loc, consecutive);
}

SmallVector<Value> ssm::piecesOfRows(OpBuilder &builder, Location loc, ArrayRef<Value> rows) {
  SmallVector<Value> pieces(rows);
  int64_t lanes = lanesOf(rows.front()), length = rows.size();
  if (length == lanes) {
    transposeSquare(builder, loc, pieces);
    return pieces;
  }
  pieces.clear();
  for (Value row : interleaveRows(builder, loc, rows))
    for (int64_t first = 0; first < lanes; first += length) {
      SmallVector<int64_t> mask = llvm::to_vector(llvm::seq(first, first + length));
      pieces.push_back(vector::ShuffleOp::create(builder, loc, row, row, mask));
    }
  return pieces;
}
