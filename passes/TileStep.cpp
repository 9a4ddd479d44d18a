// Level 0 to tiles, one operation at a time. An elementwise operation stays what it is, on vectors; operations that
// change dimensions become tile operations; states are tiles handed from step to step.

#include "passes/TileStep.h"
#include "mlir/Dialect/Complex/IR/Complex.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/IRMapping.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace ssm;

static Type realOf(Type type) {
  auto complex = dyn_cast<ComplexType>(type);
  return complex ? complex.getElementType() : type;
}

//===----------------------------------------------------------------------===//
// Shapes
//===----------------------------------------------------------------------===//

Value TileStep::broadcast(OpBuilder &builder, Value tile, ArrayRef<int64_t> shape) {
  auto type = cast<VectorType>(tile.getType());
  if (type.getShape() == shape)
    return tile;
  return vector::BroadcastOp::create(builder, recurrence.getLoc(), VectorType::get(shape, type.getElementType()), tile);
}

Value TileStep::asTile(OpBuilder &builder, Value scalar) {
  return vector::BroadcastOp::create(builder, recurrence.getLoc(), memory.tileType(DimSet(), scalar.getType()), scalar);
}

Tiles TileStep::stretch(OpBuilder &builder, const Tiles &values, DimSet set) {
  return llvm::map_to_vector<2>(values, [&](Value tile) {
    return broadcast(builder, tile, memory.tileType(set, builder.getF32Type()).getShape());
  });
}

Value TileStep::zeros(OpBuilder &builder, VectorType type) {
  return arith::ConstantOp::create(builder, recurrence.getLoc(), builder.getZeroAttr(type));
}

//===----------------------------------------------------------------------===//
// Operations
//===----------------------------------------------------------------------===//

Tiles TileStep::emitConstant(OpBuilder &builder, Operation &op) {
  Tiles result;
  auto add = [&](Type element, Attribute part) {
    auto type = memory.tileType(DimSet(), element);
    result.push_back(arith::ConstantOp::create(builder, op.getLoc(), DenseElementsAttr::get(type, part)));
  };
  if (auto constant = dyn_cast<complex::ConstantOp>(op))
    for (Attribute part : constant.getValue())
      add(realOf(constant.getType()), part);
  else
    add(op.getResult(0).getType(), cast<arith::ConstantOp>(op).getValue());
  return result;
}

Tiles TileStep::emitElementwise(OpBuilder &builder, Operation &op) {
  DimSet set;
  for (Value operand : op.getOperands())
    set = set | dims.of(operand);
  SmallVector<Tiles> operands =
      llvm::map_to_vector(op.getOperands(), [&](Value operand) { return stretch(builder, get(operand), set); });
  // A complex value has been split into parts, and of the operations on one only select is left.
  size_t parts = isa<ComplexType>(op.getResult(0).getType()) ? 2 : 1;
  Tiles result;
  for (size_t part = 0; part < parts; ++part) {
    IRMapping mapping;
    for (auto [operand, mapped] : llvm::zip_equal(op.getOperands(), operands))
      mapping.map(operand, mapped.size() > 1 ? mapped[part] : mapped[0]);
    Operation *clone = builder.clone(op, mapping);
    clone->getResult(0).setType(memory.tileType(set, realOf(op.getResult(0).getType())));
    result.push_back(clone->getResult(0));
  }
  return result;
}

/// Reduces tiles of the operand of a sum, maximum or mean; of dimensions on loops, they hold what all tiles have come
/// to.
Tiles TileStep::emitReduction(OpBuilder &builder, Operation &op, const Tiles &values) {
  DimSet own = dims.of(op.getOperand(0)), over = dims.of(op.getAttrOfType<ArrayAttr>("over"));
  DimSet reduced = over & own, absent = over - own;
  SmallVector<int64_t> axes;
  for (auto [number, axis] : llvm::enumerate(placement.axes))
    if (axis.dim && reduced.contains(*axis.dim))
      axes.push_back(number);
  SmallVector<Value> limits;
  SmallVector<Attribute> coefficients;
  memory.limitsOf(builder, reduced, limits, coefficients);
  // A sum over a dimension that the value lacks counts it size times; a mean divides by the sizes that it did sum over.
  Value factor;
  auto scaleBy = [&](DimSet set) {
    for (unsigned dim = 0; dim < dims.count(); ++dim)
      if (set.contains(dim))
        factor = factor ? mulI64(builder, factor, memory.sizeOf(builder, dim)) : memory.sizeOf(builder, dim);
  };
  scaleBy(isa<SumOp>(op) ? absent : isa<MeanOp>(op) ? reduced : DimSet());
  bool isShared = (group && group->shares.sums.contains(&op)) || leavesParts(op.getResult(0));
  Tiles result;
  for (Value tile : values) {
    Type element = cast<VectorType>(tile.getType()).getElementType();
    Value sum = tile;
    StringRef kind = isa<MaxOp>(op) ? "max" : "add";
    if (!axes.empty() || !limits.empty())
      sum = TileReduceOp::create(builder, op.getLoc(), memory.tileType(own - reduced, element), kind, tile,
                                 builder.getDenseI64ArrayAttr(axes), limits, builder.getArrayAttr(coefficients));
    for (unsigned dim = 0; dim < dims.count(); ++dim)
      if (SmallVector<int64_t> peers = peersOf(dim); reduced.contains(dim) && !peers.empty() && !isShared)
        sum = TileCombineOp::create(builder, op.getLoc(), kind, sum, peers);
    if (factor) {
      Value number = asTile(builder, arith::SIToFPOp::create(builder, op.getLoc(), element, factor));
      number = broadcast(builder, number, cast<VectorType>(sum.getType()).getShape());
      sum = isa<MeanOp>(op) ? Value(arith::DivFOp::create(builder, op.getLoc(), sum, number))
                            : Value(arith::MulFOp::create(builder, op.getLoc(), sum, number));
    }
    result.push_back(sum);
  }
  return result;
}

Tiles TileStep::emitMove(OpBuilder &builder, Value value, StringRef from, StringRef to, bool reversed) {
  unsigned source = *dims.number(from), target = *dims.number(to);
  if (!dims.of(value).contains(source))
    return get(value);
  DimSet moved = dims.of(value).without(source).with(target);
  return llvm::map_to_vector<2>(get(value), [&](Value tile) -> Value {
    return TileMoveOp::create(builder, recurrence.getLoc(),
                              memory.tileType(moved, cast<VectorType>(tile.getType()).getElementType()), tile,
                              placement.axesOf(source), placement.axesOf(target), *recurrence.sizeOf(from), reversed);
  });
}

Tiles TileStep::emitDelay(OpBuilder &builder, DelayOp delay) {
  unsigned tap = *dims.number(delay.getTap());
  DimSet layout = overSteps(delay.getLayout());
  SmallVector<Tiles> window = {stretch(builder, get(delay.getValue()), layout)};
  for (int64_t back = 1; back < *recurrence.sizeOf(delay.getTap()); ++back)
    window.push_back(inBlocks() ? emitEarlier(builder, window.front(), pastOf(delay.getName()), back)
                                : emitPast(builder, delay.getName(), back));
  SmallVector<int64_t> axes = placement.axesOf(tap);
  if (axes.empty())
    return window.front();
  Tiles result;
  for (size_t part = 0; part < window.front().size(); ++part) {
    SmallVector<Value> values = llvm::map_to_vector(window, [&](Tiles &step) { return step[part]; });
    Type element = cast<VectorType>(values.front().getType()).getElementType();
    result.push_back(
        TileDelayOp::create(builder, delay.getLoc(), memory.tileType(layout.with(tap), element), values, axes.front()));
  }
  return result;
}

/// A tile of the coordinates along a dimension.
Value TileStep::coordinates(OpBuilder &builder, unsigned dim) {
  Location loc = recurrence.getLoc();
  auto type = memory.tileType(DimSet().with(dim), builder.getI64Type());
  Value base = dim == dims.scan() ? memory.timeOfThread(builder, time) : memory.coordinate(dim);
  Value result = vector::BroadcastOp::create(builder, loc, type, base);
  if (type.getNumElements() == 1)
    return result;
  return arith::AddIOp::create(builder, loc, result, offsets(builder, dim, /*ascending=*/false));
}

/// A tile of the coordinates along a dimension from the tile's first; with `ascending` in the order of steps.
Value TileStep::offsets(OpBuilder &builder, unsigned dim, bool ascending) {
  auto type = memory.tileType(DimSet().with(dim), builder.getI64Type());
  SmallVector<int64_t> steps(type.getNumElements(), 0);
  int64_t inner = 1;
  for (auto [extent, axis] : llvm::reverse(llvm::zip_equal(type.getShape(), placement.axes))) {
    if (axis.dim == dim)
      for (auto [element, step] : llvm::enumerate(steps))
        step += static_cast<int64_t>(element) / inner % extent * (ascending ? axis.step : memory.stepAlong(axis));
    inner *= extent;
  }
  return arith::ConstantOp::create(builder, recurrence.getLoc(),
                                   DenseElementsAttr::get(type, ArrayRef<int64_t>(steps)));
}

bool TileStep::isReadPlainly(InputOp input) {
  return llvm::any_of(input->getUsers(), [](Operation *user) { return !isa<RenameOp, FlipOp>(user); });
}

/// Loads an input as it is seen through renames and flips.
Tiles TileStep::emitInput(OpBuilder &builder, Value value) {
  auto input = movedValue(value).getDefiningOp<InputOp>();
  unsigned number = memory.lookup(KernelTensor::Role::Input, input.getName());
  if (value == input.getResult() && memory.isStaged(number))
    return memory.loadScratch(builder, number, scratchStep);
  SmallVector<SeenAs> seen = memory.plainView(number);
  memory.applyMoves(value, seen);
  if (readsTogether(value))
    return readOfGroup(builder, value, [&](OpBuilder &at) -> Tiles {
      return {memory.loadSteps(at, number, seen, group->time, group->count, input.getType())};
    });
  return memory.load(builder, number, seen, time, realOf(input.getType()));
}

/// Renames and flips: of what stands in memory another load, of what stands in registers a move.
Tiles TileStep::emitView(OpBuilder &builder, Value value) {
  if (isa<InputOp>(movedValue(value).getDefiningOp()))
    return emitInput(builder, value);
  if (plan.isReadMoved(value))
    return loadMoved(builder, value);
  if (auto rename = value.getDefiningOp<RenameOp>())
    return emitMove(builder, rename.getValue(), rename.getFrom(), rename.getTo(), false);
  auto flip = value.getDefiningOp<FlipOp>();
  return emitMove(builder, flip.getValue(), flip.getDim(), flip.getDim(), true);
}

Tiles TileStep::emit(OpBuilder &builder, Operation &op) {
  return llvm::TypeSwitch<Operation *, Tiles>(&op)
      .Case([&](InputOp input) { return emitInput(builder, input); })
      .Case([&](ParamOp param) -> Tiles {
        Value value = memory.parameter(param.getName());
        if (param.getType() != value.getType())
          value = arith::TruncFOp::create(builder, op.getLoc(), param.getType(), value);
        return {asTile(builder, value)};
      })
      .Case([&](PreviousOp previous) { return emitPrevious(builder, previous); })
      .Case([&](BeforeOp before) { return emitBefore(builder, before); })
      .Case<SumOp, MaxOp, MeanOp>([&](auto reduction) { return emitReduction(builder, op, get(reduction.getValue())); })
      .Case([&](IndexOp index) -> Tiles {
        Value number = coordinates(builder, *dims.number(index.getDim()));
        auto type = cast<VectorType>(number.getType()).clone(index.getType());
        return {arith::SIToFPOp::create(builder, op.getLoc(), type, number)};
      })
      .Case([&](SizeOp size) -> Tiles {
        Value count = memory.sizeOf(builder, *dims.number(size.getDim()));
        return {asTile(builder, arith::SIToFPOp::create(builder, op.getLoc(), size.getType(), count))};
      })
      .Case<RenameOp, FlipOp>([&](auto move) { return emitView(builder, move); })
      .Case([&](DelayOp delay) { return emitDelay(builder, delay); })
      .Case([&](complex::CreateOp create) -> Tiles {
        DimSet set = dims.of(create);
        return {stretch(builder, get(create.getReal()), set).front(),
                stretch(builder, get(create.getImaginary()), set).front()};
      })
      .Case([&](complex::ReOp part) -> Tiles { return {get(part.getComplex())[0]}; })
      .Case([&](complex::ImOp part) -> Tiles { return {get(part.getComplex())[1]}; })
      .Case<complex::ConstantOp, arith::ConstantOp>([&](auto) { return emitConstant(builder, op); })
      .Default([&](Operation *) { return emitElementwise(builder, op); });
}

//===----------------------------------------------------------------------===//
// The step
//===----------------------------------------------------------------------===//

Tiles TileStep::get(Value value) {
  // It stands in shared memory at each step, whether it varies or not.
  if (const StageBuffer *buffer = sourceOf(value)) {
    assert(frames.back().inTime && "what is staged is asked for in a step");
    if (auto it = frames.back().tiles.find(value); it != frames.back().tiles.end())
      return it->second;
    OpBuilder builder = frames.back().builder;
    Tiles read = readStaged(builder, value, *buffer);
    return frames.back().tiles[value] = read;
  }
  size_t number = 0;
  while (!frames[number].loops.containsAll(dims.of(value) & loops) ||
         (!frames[number].inTime && dims.variesInTime(value))) {
    ++number;
    assert(number < frames.size() && "a phase runs over the loops of all that it computes");
  }
  if (auto it = frames[number].tiles.find(value); it != frames[number].tiles.end())
    return it->second;
  // Frames may move while others are entered.
  OpBuilder builder = frames[number].builder;
  if (auto scan = value.getDefiningOp<ScanOp>()) {
    llvm::DenseMap<Value, Tiles> streams;
    emitScan(builder, scan, streams);
    for (auto &[stream, tiles] : streams)
      frames[number].tiles[stream] = tiles;
    return frames[number].tiles[value];
  }
  auto it = kept.find(value);
  Tiles made = it != kept.end() ? loadKept(builder, *it->second.buffer) : emit(builder, *value.getDefiningOp());
  return frames[number].tiles[value] = made;
}

/// Emits all values without loops in their order.
void TileStep::emitAll(bool inTime) {
  for (Operation &op : recurrence.getBody().front()) {
    Value value = op.getNumResults() ? Value(op.getResult(0)) : Value();
    if (!value || !plan.isNeeded(value) || dims.variesInTime(value) != inTime || !(dims.of(value) & loops).empty())
      continue;
    if (group && group->shares.leaves(&op))
      continue;
    if (auto input = dyn_cast<InputOp>(op); !input || isReadPlainly(input))
      get(value);
  }
}

void TileStep::emitInvariant(OpBuilder &builder) {
  frames.emplace_back(builder, DimSet(), /*inTime=*/false);
  for (int64_t slots : plan.slotCounts())
    newest[slots] = constantI64(builder, 0);
  // With loops, values may have to wait for a phase.
  if (loops.empty())
    emitAll(/*inTime=*/false);
  for (const Phase &phase : plan.before())
    emitPhase(phase);
  // What a step asks for stands before the first one.
  emitAll(/*inTime=*/false);
}

Tiles TileStep::choose(OpBuilder &builder, Value condition, llvm::function_ref<Tiles(OpBuilder &)> yes,
                       llvm::function_ref<Tiles(OpBuilder &)> no) {
  Location loc = recurrence.getLoc();
  auto choice = scf::IfOp::create(
      builder, loc, condition, [&](OpBuilder &inner, Location) { scf::YieldOp::create(inner, loc, yes(inner)); },
      [&](OpBuilder &inner, Location) { scf::YieldOp::create(inner, loc, no(inner)); });
  return Tiles(choice.getResults());
}

/// A state `back` steps before the sequence: the array given at launch, else `fallback`.
Tiles TileStep::emitBeforeStart(OpBuilder &builder, const State &state, int64_t back, const Tiles &fallback) {
  unsigned number = memory.lookup(KernelTensor::Role::InitialState, state.name);
  Location loc = recurrence.getLoc();
  Value pointer = memory.pointerOf(number);
  Value null = LLVM::ZeroOp::create(builder, loc, pointer.getType());
  Value given = LLVM::ICmpOp::create(builder, loc, LLVM::ICmpPredicate::ne, pointer, null);
  for (Value condition : {memory.rowHasState(), memory.holdsSome(builder, dims.of(state.layout))})
    if (condition)
      given = arith::AndIOp::create(builder, loc, given, condition);
  auto load = [&](OpBuilder &inner) {
    return memory.load(inner, number, memory.plainView(number), {}, realOf(state.type), back);
  };
  return choose(builder, given, load, [&](OpBuilder &) { return fallback; });
}

/// A state `back` steps before this task's first one, which in the first chunk is the sequence's.
Tiles TileStep::emitBeforeChunk(OpBuilder &builder, const State &state, int64_t back, const Tiles &fallback) {
  ChunkRole::Start start = chunks.start(state.name);
  if (!memory.chunkNumber() || start == ChunkRole::Start::Own)
    return emitBeforeStart(builder, state, back, fallback);
  auto later = [&](OpBuilder &inner) -> Tiles {
    if (start == ChunkRole::Start::Carried) {
      unsigned number = memory.lookup(KernelTensor::Role::CarriedState, state.name);
      return memory.load(inner, number, memory.plainView(number), {}, realOf(state.type), back);
    }
    VectorType type = memory.tileType(dims.of(state.layout), realOf(state.type));
    Attribute number = inner.getFloatAttr(type.getElementType(), chunks.constant(state.name));
    Value constant = arith::ConstantOp::create(inner, recurrence.getLoc(), DenseElementsAttr::get(type, number));
    if (isa<ComplexType>(state.type))
      return {constant, zeros(inner, type)};
    return {constant};
  };
  Value isFirst = arith::CmpIOp::create(builder, recurrence.getLoc(), arith::CmpIPredicate::eq, memory.chunkNumber(),
                                        constantI64(builder, 0));
  return choose(
      builder, isFirst, [&](OpBuilder &inner) { return emitBeforeStart(inner, state, back, fallback); }, later);
}

/// A state's past steps before this task's first one, newest first, at the tiles that are entered.
SmallVector<Tiles> TileStep::emitStart(OpBuilder &builder, const State &state, const PhaseRoot &root) {
  DimSet set = dims.of(state.layout);
  Tiles fallback;
  if (!state.seededBy.empty())
    fallback = emitPast(builder, state.seededBy, 1);
  else if (root.imaginary)
    fallback = stretch(builder, {get(root.value).front(), get(root.imaginary).front()}, set);
  else if (root.value)
    fallback = stretch(builder, get(root.value), set);
  else
    fallback.assign(isa<ComplexType>(state.type) ? 2 : 1, zeros(builder, memory.tileType(set, realOf(state.type))));
  SmallVector<Tiles> steps;
  for (int64_t back = 0; back < state.depth; ++back)
    steps.push_back(emitBeforeChunk(builder, state, back, fallback));
  return steps;
}

SmallVector<Value> TileStep::emitInitial() {
  SmallVector<Value> carried;
  for (const State &state : states)
    for (const Tiles &step : past[state.name])
      llvm::append_range(carried, step);
  for (int64_t slots : plan.slotCounts())
    carried.push_back(newest[slots]);
  return carried;
}

/// Takes the states as they are carried into a step, or out of the last one.
void TileStep::bindCarried(ValueRange carried) {
  auto next = carried.begin();
  for (const State &state : states) {
    past[state.name].clear();
    size_t parts = isa<ComplexType>(state.type) ? 2 : 1;
    for (int64_t back = 0; back < state.depth && !plan.bufferOf(state); ++back, next += parts)
      past[state.name].emplace_back(next, next + parts);
  }
  for (int64_t slots : plan.slotCounts())
    newest[slots] = *next++;
}

Tiles TileStep::emitPast(OpBuilder &builder, StringRef state, int64_t back) {
  const TileBuffer *buffer = plan.bufferOfState(state);
  if (!buffer)
    return past[state][back - 1];
  return buffer->load(builder, recurrence.getLoc(), memory, buffer->plainView(), slotOf(builder, *buffer, back));
}

void TileStep::emitOutput(OpBuilder &builder, OutputOp output) {
  if ((links && links->leftOut.contains(output)) || (group && group->shares.leaves(output)))
    return;
  unsigned number = memory.lookup(KernelTensor::Role::Output, output.getName());
  DimSet set = dims.of(output.getLayout());
  Tiles value = stretch(builder, get(output.getValue()), set);
  if (writesTogether(number))
    group->written[number].push_back(value.front());
  else if (memory.isStaged(number))
    memory.storeScratch(builder, number, value, scratchStep);
  else
    memory.store(builder, number, value, time);
}

SmallVector<Value> TileStep::emitStep(OpBuilder &builder, Value timeCoordinate, Value step, ValueRange carried) {
  time = timeCoordinate;
  scratchStep = step;
  bindCarried(carried);
  frames.emplace_back(builder, DimSet(), /*inTime=*/true);
  for (int64_t slots : plan.slotCounts())
    fresh[slots] = slotBefore(builder, slots);
  if (loops.empty())
    emitAll(/*inTime=*/true);
  for (const Phase &phase : plan.step())
    emitPhase(phase);
  collectStaged(builder);
  collectShares();
  SmallVector<Value> result;
  for (const State &state : states) {
    if (state.depth == 0 || plan.bufferOf(state))
      continue;
    if (inBlocks()) {
      for (int64_t back = 1; back <= state.depth; ++back)
        llvm::append_range(result, emitAfterBlock(builder, state, back));
      continue;
    }
    llvm::append_range(result, stretch(builder, nextTiles(state), dims.of(state.layout)));
    for (int64_t back = 0; back + 1 < state.depth; ++back)
      llvm::append_range(result, past[state.name][back]);
  }
  for (int64_t slots : plan.slotCounts())
    result.push_back(fresh[slots]);
  frames.pop_back();
  kept.remove_if([](auto &entry) { return entry.second.inTime; });
  if (memory.writesStatesAt())
    emitAt(builder, result);
  return result;
}

/// Stores the states after this step where the caller wants them.
void TileStep::emitAt(OpBuilder &builder, ValueRange carried) {
  Location loc = recurrence.getLoc();
  auto [slot, isWanted] = memory.slotAt(builder, time);
  auto choice = scf::IfOp::create(builder, loc, isWanted, /*withElseRegion=*/false);
  OpBuilder inner = OpBuilder::atBlockTerminator(choice.thenBlock());
  memory.setSlot(slot);
  emitFinal(inner, carried);
  memory.setSlot({});
}

/// Whether this task stores a final state: each chunk its own, or the last one the sequence's where it is wanted.
Value TileStep::storesFinal(OpBuilder &builder, unsigned number) {
  const KernelTensor &tensor = memory.tensor(number);
  if (tensor.perChunk)
    return {};
  Location loc = recurrence.getLoc();
  Value pointer = memory.pointerOf(number);
  Value null = LLVM::ZeroOp::create(builder, loc, pointer.getType());
  Value wanted = LLVM::ICmpOp::create(builder, loc, LLVM::ICmpPredicate::ne, pointer, null);
  if (!memory.chunkNumber())
    return wanted;
  Value isLast = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::eq, memory.endStep(builder),
                                       memory.sizeOf(builder, dims.scan()));
  return arith::AndIOp::create(builder, loc, wanted, isLast);
}

void TileStep::emitFinal(OpBuilder &builder, ValueRange carried) {
  bindCarried(carried);
  for (const State &state : states) {
    if (state.depth == 0 || !memory.has(KernelTensor::Role::FinalState, state.name))
      continue;
    unsigned number = memory.lookup(KernelTensor::Role::FinalState, state.name);
    OpBuilder inner = builder;
    if (Value stores = storesFinal(builder, number))
      inner = OpBuilder::atBlockTerminator(
          scf::IfOp::create(builder, recurrence.getLoc(), stores, /*withElseRegion=*/false).thenBlock());
    DimSet set = dims.of(state.layout) & loops;
    loopOverTiles(inner, memory, placement, set, [&](OpBuilder &body) {
      for (int64_t back = 1; back <= state.depth; ++back)
        memory.store(body, number, emitPast(body, state.name, back), {}, back - 1);
    });
  }
}
