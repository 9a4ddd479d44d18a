// Where a row has its steps and states: arrays in memory say it, which the host never reads, so that whatever stands in
// them must not lead outside the tensors.

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "passes/RowAccess.h"
#include "passes/TileMemory.h"

using namespace mlir;
using namespace ssm;

static Value isNull(OpBuilder &builder, Location loc, Value pointer) {
  Value null = LLVM::ZeroOp::create(builder, loc, pointer.getType());
  return LLVM::ICmpOp::create(builder, loc, LLVM::ICmpPredicate::eq, pointer, null);
}

/// Entry `index`, an offset in elements, of one of the arrays.
Value TileMemory::loadRowEntry(OpBuilder &builder, StringRef array, Value index) const {
  Location loc = recurrence.getLoc();
  unsigned number = lookup(KernelTensor::Role::Rows, array);
  Type stored = interface.tensors[number].stored;
  Value entry = loadPlain(builder, loc, stored, ssm::addressOf(builder, loc, pointers[number], index, stored));
  return stored.isInteger(64) ? entry : Value(arith::ExtSIOp::create(builder, loc, builder.getI64Type(), entry));
}

/// The row's entry of an array that may be left out.
Value TileMemory::slotOfRow(OpBuilder &builder, StringRef array, Value otherwise) const {
  if (!rows.has(array))
    return otherwise;
  Location loc = recurrence.getLoc();
  unsigned number = lookup(KernelTensor::Role::Rows, array);
  auto choice = scf::IfOp::create(
      builder, loc, isNull(builder, loc, pointers[number]),
      [&](OpBuilder &inner, Location) { scf::YieldOp::create(inner, loc, otherwise); },
      [&](OpBuilder &inner, Location) {
        Value index = mulI64(inner, bases[*dims.number(rows.dim())], strides[number].front());
        scf::YieldOp::create(inner, loc, loadRowEntry(inner, array, index));
      });
  return choice.getResult(0);
}

/// No negative number is below the size as an unsigned one.
Value TileMemory::isInPool(OpBuilder &builder, Value slot) const {
  return arith::CmpIOp::create(builder, recurrence.getLoc(), arith::CmpIPredicate::ult, slot,
                               sizes.lookup(RowPlan::slots));
}

/// A row's steps, inside those that there are whatever the array says.
void TileMemory::bindSteps(OpBuilder &builder) {
  Location loc = recurrence.getLoc();
  Value row = bases[*dims.number(rows.dim())], steps = sizes.lookup(recurrence.getScan());
  Value stride = strides[lookup(KernelTensor::Role::Rows, "cu_seqlens")].front();
  auto inside = [&](Value index, Value least) -> Value {
    Value step = loadRowEntry(builder, "cu_seqlens", mulI64(builder, index, stride));
    step = arith::MinSIOp::create(builder, loc, step, steps);
    return arith::MaxSIOp::create(builder, loc, step, least);
  };
  rowStart = inside(row, constantI64(builder, 0));
  rowSteps = subI64(builder, inside(addI64(builder, row, constantI64(builder, 1)), rowStart), rowStart);
}

void TileMemory::bindRow(OpBuilder &builder) {
  Location loc = recurrence.getLoc();
  Value row = bases[*dims.number(rows.dim())];
  if (rows.isPacked())
    bindSteps(builder);
  if (rows.has("has_state"))
    hasState = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::ne,
                                     slotOfRow(builder, "has_state", constantI64(builder, 1)), constantI64(builder, 0));
  if (!rows.hasPool())
    return;
  slotIn = slotOfRow(builder, "slots_in", row);
  slotOut = slotOfRow(builder, "slots_out", rows.isInPlace() ? slotIn : row);
  runs = arith::AndIOp::create(builder, loc, isInPool(builder, slotIn), isInPool(builder, slotOut));
}

std::pair<Value, Value> TileMemory::slotAt(OpBuilder &builder, Value time) const {
  unsigned number = lookup(KernelTensor::Role::Rows, "slots_at");
  if (rowStart)
    time = addI64(builder, time, rowStart);
  Value index = mulI64(builder, time, strides[number].back());
  if (!rows.isPacked())
    index = addI64(builder, index, mulI64(builder, bases[*dims.number(rows.dim())], strides[number].front()));
  Value slot = loadRowEntry(builder, "slots_at", index);
  return {slot, isInPool(builder, slot)};
}

/// The number of the stride of an axis of the layout; nothing for an axis of rows that is not there in memory.
std::optional<unsigned> TileMemory::strideOfAxis(const KernelTensor &tensor, unsigned axis) const {
  unsigned before = !tensor.perTile.empty() + tensor.perChunk;
  if (tensor.inMemory().getRank() == tensor.layout.getRank())
    return before + axis;
  for (unsigned other = 0; other <= axis; ++other)
    if (tensor.layout.getAxis(other) == SmallVector<StringRef>{rows.dim()})
      return other == axis ? std::nullopt : std::optional(before + axis - 1);
  return before + axis;
}

/// Where the tile's first coordinate of a dimension is in memory: of rows the place of the state in the pool, or the
/// one place that there is.
Value TileMemory::coordinateInMemory(OpBuilder &builder, const KernelTensor &tensor, SeenAs at, Value time) const {
  if (rows && dims.name(at.dim) == rows.dim()) {
    if (tensor.isState() && rows.hasPool())
      return tensor.role == KernelTensor::Role::InitialState ? slotIn : slotOfStep ? slotOfStep : slotOut;
    if (!tensor.isState() && rows.isPacked())
      return constantI64(builder, 0);
  }
  Value coordinate = firstCoordinate(builder, at.dim, time);
  return rowStart && at.dim == dims.scan() ? addI64(builder, coordinate, rowStart) : coordinate;
}
