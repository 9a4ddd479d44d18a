// Memory that goes through registers before lanes: rows of it are loaded and stored as they are, and taken apart by
// halves in registers, which costs far less than a gather a row.

#include "passes/InterleaveRows.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace ssm;

std::optional<Interleaved> ssm::findInterleaved(Type tile, ValueRange strides, ArrayAttr coefficients) {
  Rows rows(tile);
  std::optional<int64_t> between = strides.empty() ? std::nullopt : getConstantIntValue(strides.back());
  if (rows.lanes == 1 || rows.lanes % 2 != 0 || !between || !llvm::isPowerOf2_64(*between) || *between == 1)
    return std::nullopt;
  for (auto [axis, extent] : llvm::enumerate(rows.extents)) {
    if (extent != *between || getConstantIntValue(strides[axis]) != 1)
      continue;
    Interleaved found{static_cast<int64_t>(axis), llvm::to_vector(strides), {}};
    found.strides.back() = strides[axis];
    SmallVector<Attribute> lists;
    for (auto list : coefficients.getAsRange<DenseI64ArrayAttr>()) {
      SmallVector<int64_t> numbers(list.asArrayRef());
      if (numbers.back() != numbers[axis] * extent)
        return std::nullopt;
      numbers.back() = numbers[axis];
      lists.push_back(DenseI64ArrayAttr::get(list.getContext(), numbers));
    }
    found.coefficients = ArrayAttr::get(coefficients.getContext(), lists);
    return found;
  }
  return std::nullopt;
}

/// Of two rows in a row, every second element from `first` on.
static Value everySecond(OpBuilder &builder, Location loc, Value a, Value b, int64_t first) {
  int64_t lanes = cast<VectorType>(a.getType()).getNumElements();
  SmallVector<int64_t> mask = llvm::map_to_vector(llvm::seq(lanes), [&](int64_t lane) { return 2 * lane + first; });
  return vector::ShuffleOp::create(builder, loc, a, b, mask);
}

SmallVector<Value> ssm::deinterleaveRows(OpBuilder &builder, Location loc, ArrayRef<Value> rows) {
  if (rows.size() == 1)
    return {rows.front()};
  SmallVector<Value> result(rows.size());
  for (int64_t first : {0, 1}) {
    SmallVector<Value> half;
    for (size_t i = 0; i < rows.size(); i += 2)
      half.push_back(everySecond(builder, loc, rows[i], rows[i + 1], first));
    for (auto [i, row] : llvm::enumerate(deinterleaveRows(builder, loc, half)))
      result[2 * i + first] = row;
  }
  return result;
}

SmallVector<Value> ssm::interleaveRows(OpBuilder &builder, Location loc, ArrayRef<Value> rows) {
  if (rows.size() == 1)
    return {rows.front()};
  int64_t lanes = cast<VectorType>(rows.front().getType()).getNumElements();
  SmallVector<Value> halves[2], result;
  for (auto [i, row] : llvm::enumerate(rows))
    halves[i % 2].push_back(row);
  for (auto [even, odd] :
       llvm::zip_equal(interleaveRows(builder, loc, halves[0]), interleaveRows(builder, loc, halves[1])))
    for (int64_t first : {int64_t(0), lanes / 2}) {
      SmallVector<int64_t> mask =
          llvm::map_to_vector(llvm::seq(lanes), [&](int64_t lane) { return first + lane / 2 + (lane % 2) * lanes; });
      result.push_back(vector::ShuffleOp::create(builder, loc, even, odd, mask));
    }
  return result;
}
