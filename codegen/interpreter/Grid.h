#ifndef SSM_CODEGEN_INTERPRETER_GRID_H
#define SSM_CODEGEN_INTERPRETER_GRID_H

#include "dialect/DimensionAnalysis.h"
#include "runtime/Tensor.h"

#include <vector>

namespace ssm {

/// One entry for each of a recurrence's dimensions, by number.
using Coordinate = llvm::ArrayRef<int64_t>;
/// An offset for each coordinate of a grid, in the grid's order.
using Offsets = std::vector<int64_t>;

/// All coordinates of a set of dimensions, in order of the dimensions' numbers, the last fastest.
class Grid {
public:
  Grid() = default;
  /// `sizes` holds those of all of the recurrence's dimensions.
  Grid(DimSet dims, llvm::ArrayRef<int64_t> sizes);

  /// How many coordinates there are; it must be representable.
  int64_t count() const;
  /// Position of a coordinate in the grid's order. Dimensions that the grid lacks do not matter: this is broadcasting.
  int64_t positionOf(Coordinate coordinate) const;
  /// `offset(coordinate)` of every coordinate in order. In dimensions that the grid lacks the coordinate is 0.
  Offsets tabulate(llvm::function_ref<int64_t(llvm::MutableArrayRef<int64_t>)> offset) const;

private:
  llvm::SmallVector<unsigned> dims;
  llvm::SmallVector<int64_t> sizes;
};

/// Where a tensor's elements lie: its layout by dimension numbers, and the sizes that make the shape.
class Addressing {
public:
  Addressing() = default;
  Addressing(LayoutAttr layout, const DimensionAnalysis &dims, llvm::ArrayRef<int64_t> sizes);

  /// Shape of a tensor of this layout; nothing where a composite axis is too long to be represented.
  std::optional<Shape> shape() const;
  /// Offset of a coordinate's element in a tensor with these strides. Strides beyond the layout's axes do not matter.
  int64_t offsetOf(Coordinate coordinate, const Shape &strides) const;
  /// What one step along a dimension adds to the offset.
  int64_t strideOf(unsigned dim, const Shape &strides) const;

private:
  llvm::SmallVector<llvm::SmallVector<unsigned>> axes;
  llvm::SmallVector<int64_t> sizes;
};

} // namespace ssm

#endif
