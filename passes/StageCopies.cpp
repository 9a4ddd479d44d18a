// Rows of inputs on their way to shared memory. In each turn of the loop over time tiles, a thread waits for what it
// has copied of the tile; after a barrier all rows are there, and nobody reads those of the tile before, in whose slot
// the copy of a tile further on begins. Where stages read what their threads have copied themselves, the
// barriers around the steps do that.

#include "passes/StageCopies.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "passes/Peers.h"

using namespace mlir;
using namespace ssm;

StageCopies::StageCopies(RecurrenceOp recurrence, const Placement &placement, const KernelInterface &interface,
                         const StagePlan &stages, const KernelInterface *whole)
    : recurrence(recurrence), placement(placement), stages(stages) {
  for (const StageGroup &group : stages.copies())
    crews.emplace_back(new Crew{group, TileMemory(recurrence, group.placement, interface, /*packed=*/true, whole)});
  for (const StagedValue &input : stages.copied())
    rows[input.value] = StageBuffer::forCopies(placement, input.set, input.element, placement.copyStages,
                                               stages.feedsSteps(input.value));
}

void StageCopies::bind(OpBuilder &builder, Block &entry) {
  for (auto &crew : crews) {
    crew->memory.bindArguments(builder, entry);
    crew->memory.bindCoordinates(builder);
  }
  for (auto &[input, buffer] : rows)
    buffer->allocate(builder, recurrence.getLoc());
}

void StageCopies::enterTile(OpBuilder &builder, unsigned dim, Value start) {
  for (auto &crew : crews)
    crew->memory.enterTile(builder, dim, start);
}

void StageCopies::setMasked(DimSet masked) {
  for (auto &crew : crews)
    crew->memory.setMasked(masked);
}

/// Of a tile, of which the first `there` steps exist (null: all do).
void StageCopies::emitCopies(OpBuilder &builder, Value start, Value there) {
  Location loc = recurrence.getLoc();
  for (auto &crew : crews) {
    const Placement &own = crew->group.placement;
    OpBuilder at = forFirstThreads(builder, loc, own.threads(), placement.threads());
    Value time = start;
    if (recurrence.getReverse()) {
      Value last = subI64(at, crew->memory.sizeOf(at, placement.scan), constantI64(at, 1));
      time = subI64(at, last, start);
    }
    for (unsigned number : crew->group.values) {
      Value input = stages.copied()[number].value;
      unsigned tensor = crew->memory.lookup(KernelTensor::Role::Input, input.getDefiningOp<InputOp>().getName());
      rows[input]->copyRows(at, crew->memory, tensor, time, own.copies(), there);
    }
  }
}

/// The copies of one tile are waited for together, also where there is none: turns count.
void StageCopies::emitTile(OpBuilder &builder, Value start, Value end, Value slot) {
  Location loc = recurrence.getLoc();
  Value isThere = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::slt, start, end);
  OpBuilder at =
      OpBuilder::atBlockTerminator(scf::IfOp::create(builder, loc, isThere, /*withElseRegion=*/false).thenBlock());
  for (auto &[input, buffer] : rows)
    buffer->enterSlot(at, slot);
  std::optional<int64_t> known = recurrence.sizeOf(recurrence.getScan());
  if (known && *known % placement.timeTile == 0) {
    emitCopies(at, start, /*there=*/{});
  } else {
    Value there = subI64(at, end, start);
    Value areAll =
        arith::CmpIOp::create(at, loc, arith::CmpIPredicate::sge, there, constantI64(at, placement.timeTile));
    auto choice = scf::IfOp::create(at, loc, areAll, /*withElseRegion=*/true);
    OpBuilder whole = OpBuilder::atBlockTerminator(choice.thenBlock());
    emitCopies(whole, start, /*there=*/{});
    OpBuilder part = OpBuilder::atBlockTerminator(choice.elseBlock());
    emitCopies(part, start, there);
  }
  NVVM::CpAsyncCommitGroupOp::create(builder, loc);
}

Value StageCopies::emitAhead(OpBuilder &builder, Value first, Value end) {
  // The task before this one may still read the rows of its last tile.
  if (hasBarrier() && stages.readsRowsLast())
    gpu::BarrierOp::create(builder, recurrence.getLoc());
  for (int64_t tile = 0; tile + 1 < placement.copyStages; ++tile)
    emitTile(builder, addI64(builder, first, constantI64(builder, tile * placement.timeTile)), end,
             constantI64(builder, tile));
  return constantI64(builder, 0);
}

void StageCopies::emitTurn(OpBuilder &builder, Value start, Value end, Value slot) {
  Location loc = recurrence.getLoc();
  int64_t ahead = placement.copyStages - 1;
  NVVM::CpAsyncWaitGroupOp::create(builder, loc, static_cast<uint32_t>(ahead - 1));
  if (hasBarrier())
    gpu::BarrierOp::create(builder, loc);
  // One more lies n - 1 slots further on, which is one back.
  Value isFirst = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::eq, slot, constantI64(builder, 0));
  Value back = arith::SelectOp::create(builder, loc, isFirst, constantI64(builder, ahead),
                                       subI64(builder, slot, constantI64(builder, 1)));
  emitTile(builder, addI64(builder, start, constantI64(builder, ahead * placement.timeTile)), end, back);
  for (auto &[input, buffer] : rows)
    buffer->enterSlot(builder, slot);
}

Value StageCopies::slotAfter(OpBuilder &builder, Value slot) const {
  Location loc = recurrence->getLoc();
  Value next = addI64(builder, slot, constantI64(builder, 1));
  Value isLast =
      arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::eq, next, constantI64(builder, placement.copyStages));
  return arith::SelectOp::create(builder, loc, isLast, constantI64(builder, 0), next);
}
