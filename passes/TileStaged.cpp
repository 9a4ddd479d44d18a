// Values that threads hand each other through shared memory: reading and writing them, and computing them for that.

#include "mlir/Dialect/SCF/IR/SCF.h"
#include "passes/TileStep.h"

using namespace mlir;
using namespace ssm;

/// Whether each thread hands over its own part of a sum.
bool TileStep::leavesParts(Value value) const {
  const StageBuffer *buffer = links ? links->sinks.lookup(value) : nullptr;
  return buffer && buffer->parts() > 1;
}

/// What threads have left of a value, neighbours added up first.
Value TileStep::joinParts(OpBuilder &builder, Value value, const StageBuffer &buffer,
                          llvm::function_ref<Value(int64_t)> read) {
  SmallVector<Value> parts = llvm::map_to_vector(llvm::seq(buffer.parts()), read);
  while (parts.size() > 1) {
    SmallVector<Value> joined;
    for (size_t part = 0; part < parts.size(); part += 2)
      joined.push_back(part + 1 < parts.size() ? combine(builder, value.getDefiningOp(), parts[part], parts[part + 1])
                                               : parts[part]);
    parts = std::move(joined);
  }
  return parts.front();
}

/// The tile of a value that stands in shared memory.
Tiles TileStep::readStaged(OpBuilder &builder, Value value, const StageBuffer &buffer) {
  Type element = value.getType();
  if (!group || group->count == 1 || buffer.isByStep()) {
    StepOfRun step = group && getConstantIntValue(memory.stepsBefore()) == 0
                         ? StepOfRun{group->number, group->step, group->count}
                         : StepOfRun{addI64(builder, scratchStep, memory.stepsBefore())};
    return {joinParts(builder, value, buffer,
                      [&](int64_t part) { return buffer.load(builder, memory, step, element, part); })};
  }
  return readOfGroup(builder, value, [&](OpBuilder &at) -> Tiles {
    Value first = addI64(at, group->number, memory.stepsBefore());
    return {joinParts(at, value, buffer,
                      [&](int64_t part) { return buffer.loadSteps(at, memory, first, group->count, element, part); })};
  });
}

/// Keeps this step's part of what goes to shared memory.
void TileStep::collectStaged(OpBuilder &builder) {
  if (!links || !group)
    return;
  for (auto &[value, buffer] : links->sinks)
    if (!llvm::is_contained(group->shares.sinks, value))
      group->staged[value].push_back(get(value).front());
}

/// Stores what the steps of a group have come to, by one of the threads that hold it.
void TileStep::writeStaged(OpBuilder &builder) {
  Location loc = recurrence.getLoc();
  for (auto &[value, tiles] : group->staged) {
    const StageBuffer &buffer = *links->sinks.lookup(value);
    OpBuilder at = builder;
    if (Value stores = memory.storesShared(builder, buffer.dims().with(dims.scan()) | buffer.sharedDims()))
      at = OpBuilder::atBlockTerminator(scf::IfOp::create(builder, loc, stores, /*withElseRegion=*/false).thenBlock());
    Value number = addI64(at, group->number, memory.stepsBefore());
    Value tile = tiles.size() == 1 ? tiles.front() : joinSteps(at, tiles);
    buffer.store(at, memory, tile, number, group->count);
  }
}

/// An input that is only moved keeps its type in memory.
bool TileStep::moveAsStored(OpBuilder &builder, Value value, const StageBuffer &buffer) {
  auto input = value.getDefiningOp<InputOp>();
  if (!input || group->count == 1 || sourceOf(value))
    return false;
  unsigned number = memory.lookup(KernelTensor::Role::Input, input.getName());
  if (!memory.isWide(number))
    return false;
  Type element = memory.tensor(number).stored;
  Value tile = memory.loadSteps(builder, number, memory.plainView(number), group->time, group->count, element);
  // Where steps stand apart, they are converted one by one.
  if (buffer.element() != element)
    return false;
  buffer.store(builder, memory, tile, addI64(builder, group->number, memory.stepsBefore()), group->count);
  return true;
}

/// So does an output.
bool TileStep::moveAsStored(OpBuilder &builder, OutputOp output) {
  const StageBuffer *buffer = sourceOf(output.getValue());
  unsigned number = memory.lookup(KernelTensor::Role::Output, output.getName());
  DimSet layout = dims.of(output.getLayout()).without(dims.scan());
  if (!buffer || buffer->parts() > 1 || group->count == 1 || buffer->element() != memory.tensor(number).stored ||
      buffer->dims() != layout)
    return false;
  Value first = addI64(builder, group->number, memory.stepsBefore());
  Value tile = buffer->loadSteps(builder, memory, first, group->count, buffer->element());
  memory.storeSteps(builder, number, tile, group->time, group->count);
  return true;
}

/// What does not vary in time is asked for before the loop.
void TileStep::needInvariant(Value value, DenseSet<Value> &seen) {
  if (!seen.insert(value).second || sourceOf(value))
    return;
  if (!dims.variesInTime(value)) {
    get(value);
    return;
  }
  for (Value operand : value.getDefiningOp()->getOperands())
    needInvariant(operand, seen);
}

void TileStep::emitInvariantOfStage(OpBuilder &builder) {
  frames.emplace_back(builder, DimSet(), /*inTime=*/false);
  DenseSet<Value> seen;
  for (auto &[value, buffer] : links->sinks)
    needInvariant(value, seen);
  for (OutputOp output : links->outputs)
    needInvariant(output.getValue(), seen);
}

void TileStep::emitStage(OpBuilder &builder, Value first, Value number, int64_t count) {
  group = Group{builder, count, 0, first, number};
  SmallVector<Value> computed;
  for (auto &[value, buffer] : links->sinks)
    if (!moveAsStored(builder, value, *buffer))
      computed.push_back(value);
  SmallVector<OutputOp> outputs;
  for (auto output : recurrence.getBody().front().getOps<OutputOp>())
    if (links->outputs.contains(output) && !moveAsStored(builder, output))
      outputs.push_back(output);
  for (int64_t step = 0; step < count; ++step) {
    group->step = step;
    Value distance = constantI64(builder, step);
    time = recurrence.getReverse() ? subI64(builder, first, distance) : addI64(builder, first, distance);
    scratchStep = addI64(builder, number, distance);
    frames.emplace_back(builder, DimSet(), /*inTime=*/true);
    for (Value value : computed)
      group->staged[value].push_back(get(value).front());
    for (OutputOp output : outputs)
      emitOutput(builder, output);
    frames.pop_back();
  }
  writeGroup(builder);
  group.reset();
}
