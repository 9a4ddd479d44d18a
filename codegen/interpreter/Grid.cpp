// Coordinates of named dimensions, and the offsets they have in values and tensors.

#include "codegen/interpreter/Grid.h"

using namespace ssm;

Grid::Grid(DimSet set, llvm::ArrayRef<int64_t> sizes) : sizes(sizes) {
  for (unsigned dim = 0; dim < sizes.size(); ++dim)
    if (set.contains(dim))
      dims.push_back(dim);
}

int64_t Grid::count() const {
  Shape shape;
  for (unsigned dim : dims)
    shape.push_back(sizes[dim]);
  return countElements(shape).value_or(0);
}

int64_t Grid::positionOf(Coordinate coordinate) const {
  int64_t position = 0;
  for (unsigned dim : dims)
    position = position * sizes[dim] + coordinate[dim];
  return position;
}

Offsets Grid::tabulate(llvm::function_ref<int64_t(llvm::MutableArrayRef<int64_t>)> offset) const {
  Offsets offsets(count());
  llvm::SmallVector<int64_t> coordinate(sizes.size(), 0);
  for (int64_t &entry : offsets) {
    // `offset` may change the coordinate to look elsewhere, so it gets a copy.
    llvm::SmallVector<int64_t> here = coordinate;
    entry = offset(here);
    for (unsigned dim : llvm::reverse(dims)) {
      if (++coordinate[dim] < sizes[dim])
        break;
      coordinate[dim] = 0;
    }
  }
  return offsets;
}

Addressing::Addressing(LayoutAttr layout, const DimensionAnalysis &dims, llvm::ArrayRef<int64_t> sizes) : sizes(sizes) {
  for (unsigned axis = 0; axis < layout.getRank(); ++axis) {
    axes.emplace_back();
    for (llvm::StringRef name : layout.getAxis(axis))
      axes.back().push_back(*dims.number(name));
  }
}

std::optional<Shape> Addressing::shape() const {
  Shape shape;
  for (const auto &axis : axes) {
    Shape parts;
    for (unsigned dim : axis)
      parts.push_back(sizes[dim]);
    std::optional<int64_t> extent = countElements(parts);
    if (!extent)
      return std::nullopt;
    shape.push_back(*extent);
  }
  return shape;
}

int64_t Addressing::offsetOf(Coordinate coordinate, const Shape &strides) const {
  int64_t offset = 0;
  for (unsigned axis = 0; axis < axes.size(); ++axis) {
    int64_t index = 0;
    for (unsigned dim : axes[axis])
      index = index * sizes[dim] + coordinate[dim];
    offset += index * strides[axis];
  }
  return offset;
}

int64_t Addressing::strideOf(unsigned dim, const Shape &strides) const {
  llvm::SmallVector<int64_t> unit(sizes.size(), 0);
  unit[dim] = 1;
  return offsetOf(unit, strides);
}
