// Where staged values stand in shared memory.

#include "passes/StageBuffer.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "passes/Peers.h"
#include "llvm/ADT/DenseSet.h"

using namespace mlir;
using namespace ssm;

StageBuffer::StageBuffer(const Placement &block, const StagedValue &value)
    : set(value.set), shared(value.shared), type(value.element), steps(block.timeTile), chunk(value.chunk),
      together(value.together), access(block.accessBytes), byStep(value.byStep), along(value.along),
      rowStrides(block.places.size(), 0) {
  int64_t width = type.getIntOrFloatBitWidth() / 8;
  if (along) {
    rowStrides[*along] = 1;
    rows = block.places[*along].extent();
    if (together)
      rows = llvm::alignTo(rows + (rows - 1) / together * accessElements(), accessElements());
  }
  for (unsigned dim = block.places.size(); dim-- > 0;)
    if (set.contains(dim) && dim != along) {
      rowStrides[dim] = rows;
      rows *= block.places[dim].extent();
      if (block.places[dim].threads > 1 && rowsBetween == 0)
        rowsBetween = rowStrides[dim] * block.places[dim].regs;
    }
  for (unsigned dim = 0; dim < block.places.size(); ++dim)
    if (shared.contains(dim))
      llvm::append_range(sharers, block.peersOf(dim));
  if (along) {
    padding = 0;
  } else if (byStep) {
    int64_t chunks = llvm::divideCeil(steps, chunk);
    // A warp writes the same step of so many chunks and of the rows that are left of its threads: one bank each. But
    // steps are read more often than they are written, and runs of rows by accesses that are as wide as may be.
    padding = block.padding ? *block.padding / width
                            : std::min<int64_t>(rows, std::max<int64_t>(1, PeerLevel::warpSize / chunks));
    if (!block.padding && rows % accessElements() == 0)
      padding = llvm::alignTo(padding, accessElements());
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
  auto buffer = std::make_unique<StageBuffer>(block, StagedValue{{}, set, element});
  buffer->slots = slots;
  int64_t width = element.getIntOrFloatBitWidth() / 8;
  if (!readBySteps && !block.padding)
    buffer->pitch = llvm::alignTo(block.timeTile * width, block.accessBytes) / width;
  return buffer;
}

int64_t StageBuffer::elementsOfSlot() const {
  return byStep ? steps * rows + llvm::divideCeil(steps, chunk) * padding : rows * pitch;
}

int64_t StageBuffer::parts() const {
  int64_t count = 1;
  for (PeerLevel level : sharers)
    count *= level.count;
  return count;
}

/// Elements from one slot or part to the next. Threads that store their parts of the same rows at once meet other banks
/// than each other, and than those with the rows behind.
int64_t StageBuffer::elementsToNext() const {
  if (parts() == 1)
    return elementsOfSlot();
  int64_t width = type.getIntOrFloatBitWidth() / 8;
  return (llvm::alignTo(elementsOfSlot() * width, bankBytes) + accessesBetweenParts() * access) / width;
}

/// How many accesses a part's rows begin behind another's, beside what all banks hold.
int64_t StageBuffer::accessesBetweenParts() const {
  int64_t banks = bankBytes / access, rowsAtOnce = std::max<int64_t>(1, banks / parts());
  int64_t between = rowsBetween * pitch * type.getIntOrFloatBitWidth() / 8 / access;
  // Which accesses the threads with neighbouring rows of all parts meet: each should be met once.
  auto meetsAll = [&](int64_t distance) {
    llvm::SmallDenseSet<int64_t> met;
    for (int64_t part = 0; part < parts(); ++part)
      for (int64_t row = 0; row < rowsAtOnce; ++row)
        if (!met.insert((part * distance + row * between) % banks).second)
          return false;
    return true;
  };
  for (int64_t distance = rowsAtOnce; distance > 0; --distance)
    if (meetsAll(distance))
      return distance;
  return rowsAtOnce;
}

Value StageBuffer::offsetOfPart(OpBuilder &builder, Value part) const {
  return mulI64(builder, part, constantI64(builder, elementsToNext()));
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

StageBuffer::Place StageBuffer::placeOf(OpBuilder &builder, const TileMemory &at, StepOfRun step, int64_t count) const {
  auto constant = [&](int64_t value) { return constantI64(builder, value); };
  // Of a run of whole chunks, the place of each step is that of the run and a constant.
  auto [run, further, length] = step;
  if (!byStep || length % chunk != 0) {
    run = addI64(builder, run, constant(further));
    further = 0;
    length = count;
  }
  if (at.isReverse()) {
    run = subI64(builder, constant(steps - length), run);
    further = length - count - further;
  }
  Place place;
  Value row = constant(0);
  for (unsigned dim = 0; dim < rowStrides.size(); ++dim)
    if (set.contains(dim))
      row = addI64(builder, row, mulI64(builder, at.threadOffset(dim), constant(rowStrides[dim])));
  if (together) {
    Value gaps =
        builder.createOrFold<arith::DivUIOp>(builder.getUnknownLoc(), at.threadOffset(*along), constant(together));
    row = addI64(builder, row, mulI64(builder, gaps, constant(accessElements())));
  }
  int64_t between = byStep ? 1 : pitch;
  if (byStep) {
    Value before = builder.createOrFold<arith::DivUIOp>(builder.getUnknownLoc(), run, constant(chunk));
    Value begin = length % chunk == 0 ? mulI64(builder, before, constant(chunk * rows + padding))
                                      : addI64(builder, mulI64(builder, run, constant(rows)),
                                               mulI64(builder, before, constant(padding)));
    place.offset = addI64(builder, addI64(builder, begin, row), constant(further * rows + further / chunk * padding));
  } else {
    place.offset = addI64(builder, mulI64(builder, row, constant(pitch)), run);
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

/// A thread's coordinates of a step are one run, where they are along the dimension that is fastest: how many.
int64_t StageBuffer::runOfStep(VectorType tile, const Place &place) const {
  int64_t axis = tile.getRank() - 1;
  while (axis > 0 && tile.getDimSize(axis) == 1)
    --axis;
  return byStep && getConstantIntValue(place.strides[axis]) == 1 ? tile.getDimSize(axis) : 1;
}

Value StageBuffer::load(OpBuilder &builder, const TileMemory &at, StepOfRun step, Type element, int64_t part) const {
  Place place = placeOf(builder, at, step, 1);
  place.offset = addI64(builder, place.offset, offsetOfPart(builder, constantI64(builder, part)));
  VectorType tile = at.tileType(set, element);
  auto load = TileLoadOp::create(builder, builder.getUnknownLoc(), tile, type, memory, place.offset, place.strides,
                                 ValueRange(), builder.getArrayAttr({}), /*changing=*/true);
  if (int64_t run = runOfStep(tile, place); run > 1)
    load.setAligned(alignmentOf(run));
  return load;
}

Value StageBuffer::loadSteps(OpBuilder &builder, const TileMemory &at, Value number, int64_t count, Type element,
                             int64_t part) const {
  Place place = placeOf(builder, at, {number}, count);
  place.offset = addI64(builder, place.offset, offsetOfPart(builder, constantI64(builder, part)));
  auto load = TileLoadOp::create(builder, builder.getUnknownLoc(), stepsOf(at.tileType(set, element), count), type,
                                 memory, place.offset, place.strides, ValueRange(), builder.getArrayAttr({}),
                                 /*changing=*/true);
  load.setAligned(alignmentOf(count));
  return load;
}

void StageBuffer::store(OpBuilder &builder, const TileMemory &at, Value tile, Value number, int64_t count) const {
  if (!byStep || count == 1)
    return storeRun(builder, at, tile, {number}, count);
  // The steps of a chunk stand apart: one after another.
  auto whole = cast<VectorType>(tile.getType());
  for (int64_t step = 0; step < count; ++step) {
    SmallVector<int64_t> offsets(whole.getRank(), 0), extents(whole.getShape()), strides(whole.getRank(), 1);
    offsets.back() = at.isReverse() ? count - 1 - step : step;
    extents.back() = 1;
    Value part =
        vector::ExtractStridedSliceOp::create(builder, builder.getUnknownLoc(), tile, offsets, extents, strides);
    storeRun(builder, at, part, {number, step, count}, 1);
  }
}

/// Steps that stand side by side.
void StageBuffer::storeRun(OpBuilder &builder, const TileMemory &at, Value tile, StepOfRun step, int64_t count) const {
  Place place = placeOf(builder, at, step, count);
  if (!sharers.empty()) {
    Value thread = TilePlaceOp::create(builder, builder.getUnknownLoc(), builder.getI64Type(), "thread");
    place.offset = addI64(builder, place.offset, offsetOfPart(builder, peerPosition(builder, thread, sharers)));
  }
  auto store = TileStoreOp::create(builder, builder.getUnknownLoc(), tile, type, memory, place.offset, place.strides,
                                   ValueRange(), builder.getArrayAttr({}));
  if (int64_t run = count > 1 ? count : runOfStep(cast<VectorType>(tile.getType()), place); run > 1)
    store.setAligned(alignmentOf(run));
}

void StageBuffer::copyRows(OpBuilder &builder, const TileMemory &at, unsigned tensor, Value time, int64_t count,
                           Value there) const {
  Place place = placeOf(builder, at, {at.stepsBefore()}, count);
  Value left = there ? subI64(builder, there, at.stepsBefore()) : there;
  at.copySteps(builder, tensor, time, count, left, memory, place.offset, ArrayRef(place.strides).drop_back());
}
