// Where staged values stand in shared memory.

#include "passes/StageBuffer.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace ssm;

StageBuffer::StageBuffer(const Placement &block, DimSet set, Type element, int64_t chunk, int64_t chunksPerRow,
                         bool byStep)
    : set(set), type(element), steps(block.timeTile), chunk(chunk), access(block.accessBytes), byStep(byStep),
      rowStrides(block.places.size(), 0) {
  for (unsigned dim = block.places.size(); dim-- > 0;)
    if (set.contains(dim)) {
      rowStrides[dim] = rows;
      rows *= block.places[dim].extent();
    }
  int64_t width = element.getIntOrFloatBitWidth() / 8;
  if (byStep) {
    // A warp writes the same step of so many chunks and of the rows that are left of its threads: one bank each.
    padding = block.padding ? *block.padding / width
                            : std::min<int64_t>(rows, std::max<int64_t>(1, PeerLevel::warpSize / chunksPerRow));
  } else {
    // An odd number of accesses: those at the same steps of so many rows as make up all banks meet each bank once.
    pitch = llvm::alignTo(steps * width, access);
    if (block.padding)
      pitch += *block.padding;
    else if (pitch / access % 2 == 0)
      pitch += access;
    pitch /= width;
  }
}

std::unique_ptr<StageBuffer> StageBuffer::forCopies(const Placement &block, DimSet set, Type element, int64_t slots,
                                                    bool readBySteps) {
  auto buffer = std::make_unique<StageBuffer>(block, set, element, /*chunk=*/1, block.timeTile, /*byStep=*/false);
  buffer->slots = slots;
  int64_t width = element.getIntOrFloatBitWidth() / 8;
  if (!readBySteps && !block.padding)
    buffer->pitch = llvm::alignTo(block.timeTile * width, block.accessBytes) / width;
  return buffer;
}

int64_t StageBuffer::elementsOfSlot() const {
  return byStep ? steps * rows + llvm::divideCeil(steps, chunk) * padding : rows * pitch;
}

void StageBuffer::allocate(OpBuilder &builder, Location loc) {
  auto pointer = LLVM::LLVMPointerType::get(builder.getContext(), unsigned(NVVM::NVVMMemorySpace::Shared));
  memory = SharedOp::create(builder, loc, pointer, bytes());
}

/// The largest power of two that runs of so many elements begin at multiples of, up to the widest access.
int64_t StageBuffer::alignmentOf(int64_t elements) const {
  int64_t width = type.getIntOrFloatBitWidth() / 8, bits = elements;
  if (byStep)
    bits |= rows | padding;
  else
    bits |= pitch;
  return std::min<int64_t>(access, (bits & -bits) * width);
}

StageBuffer::Place StageBuffer::placeOf(OpBuilder &builder, const TileMemory &at, Value number, int64_t count) const {
  auto constant = [&](int64_t value) { return constantI64(builder, value); };
  if (at.isReverse())
    number = subI64(builder, constant(steps - count), number);
  Place place;
  Value row = constant(0);
  for (unsigned dim = 0; dim < rowStrides.size(); ++dim)
    if (set.contains(dim))
      row = addI64(builder, row, mulI64(builder, at.threadOffset(dim), constant(rowStrides[dim])));
  int64_t between = byStep ? 1 : pitch;
  if (byStep) {
    Value before = builder.createOrFold<arith::DivUIOp>(builder.getUnknownLoc(), number, constant(chunk));
    place.offset = addI64(builder, mulI64(builder, number, constant(rows)),
                          addI64(builder, mulI64(builder, before, constant(padding)), row));
  } else {
    place.offset = addI64(builder, mulI64(builder, row, constant(pitch)), number);
  }
  if (first)
    place.offset = addI64(builder, place.offset, first);
  for (const TileAxis &axis : at.axes())
    place.strides.push_back(
        constant(axis.dim && set.contains(*axis.dim) ? axis.step * rowStrides[*axis.dim] * between : 0));
  if (count > 1)
    place.strides.back() = constant(byStep ? rows : 1);
  return place;
}

static VectorType stepsOf(VectorType type, int64_t count) {
  SmallVector<int64_t> shape(type.getShape());
  shape.back() = count;
  return VectorType::get(shape, type.getElementType());
}

Value StageBuffer::load(OpBuilder &builder, const TileMemory &at, Value number, Type element) const {
  Place place = placeOf(builder, at, number, 1);
  VectorType tile = at.tileType(set, element);
  auto load = TileLoadOp::create(builder, builder.getUnknownLoc(), tile, type, memory, place.offset, place.strides,
                                 ValueRange(), builder.getArrayAttr({}), /*changing=*/true);
  // A thread's coordinates of a step are one run, where they are along the dimension that is fastest.
  int64_t axis = tile.getRank() - 1;
  while (axis > 0 && tile.getDimSize(axis) == 1)
    --axis;
  if (byStep && getConstantIntValue(place.strides[axis]) == 1)
    load.setAligned(alignmentOf(tile.getDimSize(axis)));
  return load;
}

Value StageBuffer::loadSteps(OpBuilder &builder, const TileMemory &at, Value number, int64_t count,
                             Type element) const {
  Place place = placeOf(builder, at, number, count);
  auto load = TileLoadOp::create(builder, builder.getUnknownLoc(), stepsOf(at.tileType(set, element), count), type,
                                 memory, place.offset, place.strides, ValueRange(), builder.getArrayAttr({}),
                                 /*changing=*/true);
  load.setAligned(alignmentOf(count));
  return load;
}

void StageBuffer::store(OpBuilder &builder, const TileMemory &at, Value tile, Value number, int64_t count) const {
  if (byStep && count > 1) {
    // The steps of a chunk stand apart: one after another.
    auto whole = cast<VectorType>(tile.getType());
    for (int64_t step = 0; step < count; ++step) {
      SmallVector<int64_t> offsets(whole.getRank(), 0), extents(whole.getShape()), strides(whole.getRank(), 1);
      offsets.back() = at.isReverse() ? count - 1 - step : step;
      extents.back() = 1;
      Value part =
          vector::ExtractStridedSliceOp::create(builder, builder.getUnknownLoc(), tile, offsets, extents, strides);
      store(builder, at, part, addI64(builder, number, constantI64(builder, step)));
    }
    return;
  }
  Place place = placeOf(builder, at, number, count);
  auto store = TileStoreOp::create(builder, builder.getUnknownLoc(), tile, type, memory, place.offset, place.strides,
                                   ValueRange(), builder.getArrayAttr({}));
  if (count > 1)
    store.setAligned(alignmentOf(count));
}

void StageBuffer::copyRows(OpBuilder &builder, const TileMemory &at, unsigned tensor, Value time, int64_t count,
                           Value there) const {
  Place place = placeOf(builder, at, at.stepsBefore(), count);
  Value left = there ? subI64(builder, there, at.stepsBefore()) : there;
  at.copySteps(builder, tensor, time, count, left, memory, place.offset, ArrayRef(place.strides).drop_back());
}
