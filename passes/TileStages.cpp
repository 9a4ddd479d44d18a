// Time tiles through shared memory. The threads of a block put into it what the steps read, each a run of steps of some
// coordinates; after a barrier, each thread runs its own steps; after another, all store what the steps have left
// there.

#include "passes/TileStages.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "passes/Peers.h"

using namespace mlir;
using namespace ssm;

TileStages::TileStages(RecurrenceOp recurrence, const Placement &placement, const KernelInterface &interface,
                       TileMemory &steps, const KernelInterface *whole)
    : recurrence(recurrence), placement(placement), interface(interface), whole(whole),
      stages(recurrence, steps.dimensions(), placement, interface),
      copies(recurrence, placement, interface, stages, whole) {}

llvm::Error TileStages::bind(OpBuilder &builder, Block &entry) {
  if (placement.copyStages && copies.isEmpty() && !ChunkRole(recurrence).isPart())
    return llvm::createStringError("'copy=cp.async' copies inputs, and what the schedule stages is made of none whose "
                                   "memory runs along '" +
                                   recurrence.getScan() + "'");
  copies.bind(builder, entry);
  for (const StagedValue &value : stages.values()) {
    buffers.push_back(std::make_unique<StageBuffer>(placement, value));
    buffers.back()->allocate(builder, recurrence.getLoc());
  }
  auto addCrew = [&](const StageGroup &group, std::vector<std::unique_ptr<Crew>> &crews) -> llvm::Error {
    auto crew = std::make_unique<Crew>(recurrence, group, interface, whole);
    crew->memory.bindArguments(builder, entry);
    crew->memory.bindCoordinates(builder);
    llvm::Expected<TileLoopsPlan> plan = TileLoopsPlan::make(recurrence, group.placement, crew->memory);
    if (!plan)
      return plan.takeError();
    crew->plan = std::move(*plan);
    for (auto &[input, rows] : copies.buffers())
      crew->links.sources[input] = rows.get();
    crews.push_back(std::move(crew));
    return llvm::Error::success();
  };
  for (auto &[input, rows] : copies.buffers())
    if (stages.feedsSteps(input))
      links.sources[input] = rows.get();
  for (const StageGroup &group : stages.before()) {
    if (llvm::Error error = addCrew(group, before))
      return error;
    for (unsigned number : group.values) {
      before.back()->links.sinks[stages.values()[number].value] = buffers[number].get();
      links.sources[stages.values()[number].value] = buffers[number].get();
    }
  }
  for (const StageGroup &group : stages.after()) {
    if (llvm::Error error = addCrew(group, after))
      return error;
    for (unsigned number : group.values) {
      after.back()->links.sources[stages.values()[number].value] = buffers[number].get();
      links.sinks[stages.values()[number].value] = buffers[number].get();
    }
    for (OutputOp output : group.outputs) {
      after.back()->links.outputs.insert(output);
      links.leftOut.insert(output);
    }
  }
  return llvm::Error::success();
}

void TileStages::enterTile(OpBuilder &builder, unsigned dim, Value start) {
  for (auto *crews : {&before, &after})
    for (auto &crew : *crews)
      crew->memory.enterTile(builder, dim, start);
  copies.enterTile(builder, dim, start);
}

void TileStages::setMasked(DimSet masked) {
  for (auto *crews : {&before, &after})
    for (auto &crew : *crews)
      crew->memory.setMasked(masked);
  copies.setMasked(masked);
}

void TileStages::emitInvariant(OpBuilder &builder) {
  for (auto *crews : {&before, &after})
    for (auto &crew : *crews) {
      crew->step =
          std::make_unique<TileStep>(recurrence, crew->group.placement, crew->memory, crew->plan, &crew->links);
      crew->step->emitInvariantOfStage(builder);
    }
}

void TileStages::emitCrew(OpBuilder &builder, Crew &crew, Value time, Value count) {
  Location loc = recurrence.getLoc();
  const Placement &own = crew.group.placement;
  OpBuilder at = forFirstThreads(builder, loc, own.threads(), placement.threads());
  int64_t together = own.copies();
  Value zero = constantI64(at, 0), number = crew.memory.stepsBefore();
  if (getConstantIntValue(count) == placement.timeTile)
    return crew.step->emitStage(at, time, zero, together);
  // A thread's steps are there as a whole, or it takes those that are there one by one.
  Value left = subI64(at, count, number);
  Value areAll = arith::CmpIOp::create(at, loc, arith::CmpIPredicate::sge, left, constantI64(at, together));
  auto choice = scf::IfOp::create(at, loc, areAll, /*withElseRegion=*/true);
  OpBuilder whole = OpBuilder::atBlockTerminator(choice.thenBlock());
  crew.step->emitStage(whole, time, zero, together);
  OpBuilder part = OpBuilder::atBlockTerminator(choice.elseBlock());
  scf::ForOp::create(part, loc, zero, left, constantI64(part, 1), ValueRange(),
                     [&](OpBuilder &inner, Location, Value step, ValueRange) {
                       Value now = recurrence.getReverse() ? subI64(inner, time, step) : addI64(inner, time, step);
                       crew.step->emitStage(inner, now, step, 1);
                       scf::YieldOp::create(inner, loc);
                     });
}

SmallVector<Value> TileStages::emitAhead(OpBuilder &builder, Value first, Value end) {
  if (copies.isEmpty())
    return {};
  return {copies.emitAhead(builder, first, end)};
}

SmallVector<Value> TileStages::carryOn(OpBuilder &builder, ValueRange carried) {
  if (copies.isEmpty())
    return {};
  return {copies.slotAfter(builder, carried.front())};
}

void TileStages::emitBefore(OpBuilder &builder, Value start, Value end, Value time, Value count, ValueRange carried) {
  if (!copies.isEmpty())
    copies.emitTurn(builder, start, end, carried.front());
  for (auto &crew : before)
    emitCrew(builder, *crew, time, count);
  // One of the copies' own is enough where nothing is computed.
  if (!copies.hasBarrier() || !before.empty())
    gpu::BarrierOp::create(builder, recurrence.getLoc());
}

void TileStages::emitAfter(OpBuilder &builder, Value time, Value count) {
  // And where nothing follows, that of the next tile.
  if (!copies.hasBarrier() || !after.empty())
    gpu::BarrierOp::create(builder, recurrence.getLoc());
  for (auto &crew : after)
    emitCrew(builder, *crew, time, count);
}
