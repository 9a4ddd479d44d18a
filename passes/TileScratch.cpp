// Scratch: tensors whose memory runs along time, a time tile of them at a time where a step's tile is contiguous.

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "passes/RowAccess.h"
#include "passes/TileMemory.h"

using namespace mlir;
using namespace ssm;

VectorType TileMemory::scratchType(unsigned number) const {
  return tileType(dims.of(interface.tensors[number].layout), computeType);
}

bool TileMemory::isStaged(unsigned number) const {
  const KernelTensor &tensor = interface.tensors[number];
  bool wanted = tensor.role == KernelTensor::Role::Input    ? placement.loadsStaged(tensor.name)
                : tensor.role == KernelTensor::Role::Output ? placement.storesStaged(tensor.name)
                                                            : false;
  if (!wanted || placement.stagesBlocks || placement.timeTile < 2 || placement.blockSteps() > 1 ||
      isa<ComplexType>(tensor.stored) || !tensor.layout.getRank())
    return false;
  // A tensor that lacks a grid dimension is stored by one task alone; that needs no scratch.
  DimSet own = dims.of(tensor.layout);
  for (unsigned dim = 0; dim < dims.count(); ++dim)
    if (tensor.role == KernelTensor::Role::Output && placement.places[dim].grid && !own.contains(dim))
      return false;
  SmallVector<StringRef> last = tensor.layout.getAxis(tensor.layout.getRank() - 1);
  return last.size() == 1 && last[0] == dims.name(dims.scan()) && scratchType(number).getNumElements() > 1;
}

int64_t TileMemory::scratchBytes(unsigned number) const {
  int64_t elements = placement.timeTile * scratchType(number).getNumElements();
  for (unsigned dim : placement.loops(LoopPlace::Inside))
    if (dims.of(interface.tensors[number].layout).contains(dim))
      elements = llvm::SaturatingMultiply<uint64_t>(elements, tileCount(dim));
  return elements * computeType.getIntOrFloatBitWidth() / 8;
}

void TileMemory::allocateScratch(OpBuilder &builder) {
  for (unsigned number = 0; number < interface.tensors.size(); ++number)
    if (isStaged(number))
      scratch[number] = LLVM::AllocaOp::create(
          builder, recurrence.getLoc(), LLVM::LLVMPointerType::get(builder.getContext()), computeType,
          constantI64(builder, scratchBytes(number) * 8 / computeType.getIntOrFloatBitWidth()), /*alignment=*/64);
}

/// Where the blocks of the tiles that are entered begin: a block is a tensor's tile for all steps of a time tile.
Value TileMemory::scratchBlock(OpBuilder &builder, unsigned number) const {
  Value offset = constantI64(builder, 0);
  DimSet own = dims.of(interface.tensors[number].layout);
  int64_t block = placement.timeTile * scratchType(number).getNumElements();
  SmallVector<unsigned> loops = placement.loops(LoopPlace::Inside);
  for (unsigned dim : llvm::reverse(loops))
    if (own.contains(dim)) {
      // A start counts coordinates, of which a block has a tile's.
      offset = addI64(builder, offset,
                      mulI64(builder, starts[dim], constantI64(builder, block / placement.places[dim].tile())));
      block *= tileCount(dim);
    }
  return offset;
}

Value TileMemory::strideOfTime(OpBuilder &builder, unsigned number) const {
  Value stride = strides[number].back();
  return recurrence.getReverse() ? subI64(builder, constantI64(builder, 0), stride) : stride;
}

void TileMemory::stage(OpBuilder &builder, unsigned number, Value time, Value steps) const {
  const KernelTensor &tensor = interface.tensors[number];
  Address address = addressOf(builder, number, plainView(number), time, 0);
  SmallVector<Value> limits;
  SmallVector<Attribute> coefficients;
  limitsOf(builder, address.set, limits, coefficients);
  DimSet own = dims.of(tensor.layout);
  auto create = [&]<typename OpTy>(OpTy *) {
    Value block = scratch.lookup(number);
    if (!(own & placement.loopSet(LoopPlace::Inside)).empty())
      block = ssm::addressOf(builder, recurrence.getLoc(), block, scratchBlock(builder, number), computeType);
    OpTy::create(builder, recurrence.getLoc(), block, computeType, scratchType(number).getShape(), tensor.stored,
                 pointers[number], address.offset, address.strides, steps, strideOfTime(builder, number), limits,
                 builder.getArrayAttr(coefficients),
                 runsAlongTime(number) ? builder.getI64IntegerAttr(placement.timeTile) : nullptr);
  };
  if (tensor.role == KernelTensor::Role::Input)
    create(static_cast<StageLoadOp *>(nullptr));
  else
    create(static_cast<StageStoreOp *>(nullptr));
}

/// A tile without lanes is read an element at a time, so that its steps may as well stay side by side.
bool TileMemory::runsAlongTime(unsigned number) const { return scratchType(number).getShape().back() == 1; }

Value TileMemory::scratchOffset(OpBuilder &builder, unsigned number, Value step) const {
  if (!runsAlongTime(number))
    step = mulI64(builder, step, constantI64(builder, scratchType(number).getNumElements()));
  return addI64(builder, scratchBlock(builder, number), step);
}

/// Strides of a tile in scratch: row-major, of elements that stand as far apart as steps do or a time tile.
SmallVector<Value> TileMemory::scratchStrides(OpBuilder &builder, unsigned number) const {
  VectorType type = scratchType(number);
  SmallVector<Value> result(type.getRank());
  int64_t stride = runsAlongTime(number) ? placement.timeTile : 1;
  for (int64_t axis = type.getRank(); axis-- > 0; stride *= type.getDimSize(axis))
    result[axis] = constantI64(builder, stride);
  return result;
}

Tiles TileMemory::loadScratch(OpBuilder &builder, unsigned number, Value step) const {
  return {TileLoadOp::create(builder, recurrence.getLoc(), scratchType(number), computeType, scratch.lookup(number),
                             scratchOffset(builder, number, step), scratchStrides(builder, number), ValueRange(),
                             builder.getArrayAttr({}))};
}

void TileMemory::storeScratch(OpBuilder &builder, unsigned number, const Tiles &tiles, Value step) const {
  TileStoreOp::create(builder, recurrence.getLoc(), tiles.front(), computeType, scratch.lookup(number),
                      scratchOffset(builder, number, step), scratchStrides(builder, number), ValueRange(),
                      builder.getArrayAttr({}));
}
