// Where the elements of a task's buffers are.

#include "passes/TileLoopsBuffer.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

using namespace mlir;
using namespace ssm;

TileBuffer::TileBuffer(DimSet set, Type type, int64_t slots, const Placement &placement, const TileMemory &memory)
    : placement(&placement), element(type), slotCount(slots) {
  if (auto complex = dyn_cast<ComplexType>(type)) {
    element = complex.getElementType();
    parts = 2;
  }
  const DimensionAnalysis &dims = memory.dimensions();
  std::optional<unsigned> laneDim = placement.axes.back().dim;
  for (unsigned dim = 0; dim < dims.count(); ++dim)
    if (set.contains(dim) && dim != dims.scan() && dim != laneDim)
      order.push_back(dim);
  if (laneDim && set.contains(*laneDim))
    order.push_back(*laneDim);
  for (unsigned dim : order) {
    const DimPlace &place = placement.places[dim];
    extents.push_back(place.loop == LoopPlace::Inside ? memory.tileCount(dim) * place.tile() : place.tile());
  }
}

int64_t TileBuffer::elements() const {
  uint64_t count = 1;
  for (int64_t extent : extents)
    count = llvm::SaturatingMultiply<uint64_t>(count, extent);
  return std::min<uint64_t>(count, int64_t(1) << 48);
}

int64_t TileBuffer::bytes() const { return elements() * parts * slotCount * element.getIntOrFloatBitWidth() / 8; }

void TileBuffer::allocate(OpBuilder &builder, Location loc) {
  pointer = LLVM::AllocaOp::create(builder, loc, LLVM::LLVMPointerType::get(builder.getContext()), element,
                                   constantI64(builder, std::max<int64_t>(1, elements() * parts * slotCount)),
                                   /*alignment=*/64);
}

SmallVector<SeenAs> TileBuffer::plainView() const {
  return llvm::map_to_vector(order, [](unsigned dim) { return SeenAs{dim}; });
}

TileBuffer::Access TileBuffer::access(OpBuilder &builder, const TileMemory &memory, ArrayRef<SeenAs> seen,
                                      Value slot) const {
  Access result;
  result.offset = slot ? mulI64(builder, slot, constantI64(builder, elements() * parts)) : constantI64(builder, 0);
  result.strides.assign(placement->axes.size(), constantI64(builder, 0));
  DimSet moved;
  int64_t stride = 1;
  for (size_t position = order.size(); position-- > 0; stride *= extents[position]) {
    SeenAs at = seen[position];
    // The array is filled anew for every tile of a loop that stands outside time's.
    bool isInside = placement->places[at.dim].loop == LoopPlace::Inside;
    Value coordinate = isInside ? memory.startInTask(at.dim) : constantI64(builder, 0);
    Value step = constantI64(builder, stride);
    // What is moved along is no dimension of the grid: it starts at 0.
    if (at.flipped)
      coordinate =
          subI64(builder, subI64(builder, memory.sizeOf(builder, at.dim), constantI64(builder, 1)), coordinate);
    if (at.flipped || at.dim != order[position])
      moved = moved.with(at.dim);
    result.offset = addI64(builder, result.offset, mulI64(builder, coordinate, step));
    result.set = result.set.with(at.dim);
    for (auto [axis, tileAxis] : llvm::enumerate(placement->axes))
      if (tileAxis.dim == at.dim)
        result.strides[axis] =
            addI64(builder, result.strides[axis],
                   mulI64(builder, step, constantI64(builder, at.flipped ? -tileAxis.step : tileAxis.step)));
  }
  // Under its own names a tile lies inside the padded array.
  memory.limitsOf(builder, moved, result.limits, result.coefficients);
  return result;
}

Tiles TileBuffer::load(OpBuilder &builder, Location loc, const TileMemory &memory, ArrayRef<SeenAs> seen,
                       Value slot) const {
  Access at = access(builder, memory, seen, slot);
  Tiles tiles;
  for (int64_t part = 0; part < parts; ++part)
    tiles.push_back(TileLoadOp::create(builder, loc, memory.tileType(at.set, element), element, pointer,
                                       addI64(builder, at.offset, constantI64(builder, part * elements())), at.strides,
                                       at.limits, builder.getArrayAttr(at.coefficients), /*changing=*/true));
  return tiles;
}

void TileBuffer::store(OpBuilder &builder, Location loc, const TileMemory &memory, const Tiles &tiles,
                       Value slot) const {
  Access at = access(builder, memory, plainView(), slot);
  for (auto [part, tile] : llvm::enumerate(tiles))
    TileStoreOp::create(builder, loc, tile, element, pointer,
                        addI64(builder, at.offset, constantI64(builder, part * elements())), at.strides, at.limits,
                        builder.getArrayAttr(at.coefficients));
}
