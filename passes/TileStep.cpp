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

void TileStep::emitConstant(OpBuilder &builder, Operation &op) {
  if (auto constant = dyn_cast<complex::ConstantOp>(op)) {
    Type element = realOf(constant.getType());
    for (Attribute part : constant.getValue())
      tiles[constant].push_back(arith::ConstantOp::create(
          builder, op.getLoc(), DenseElementsAttr::get(memory.tileType(DimSet(), element), part)));
    return;
  }
  auto constant = cast<arith::ConstantOp>(op);
  auto type = memory.tileType(DimSet(), constant.getType());
  tiles[constant] = {
      arith::ConstantOp::create(builder, op.getLoc(), DenseElementsAttr::get(type, constant.getValue()))};
}

void TileStep::emitElementwise(OpBuilder &builder, Operation &op) {
  DimSet set;
  for (Value operand : op.getOperands())
    set = set | dims.of(operand);
  SmallVector<Tiles> operands =
      llvm::map_to_vector(op.getOperands(), [&](Value operand) { return stretch(builder, tiles[operand], set); });
  // A complex value has been split into parts, and of the operations on one only select is left.
  size_t parts = isa<ComplexType>(op.getResult(0).getType()) ? 2 : 1;
  for (size_t part = 0; part < parts; ++part) {
    IRMapping mapping;
    for (auto [operand, mapped] : llvm::zip_equal(op.getOperands(), operands))
      mapping.map(operand, mapped.size() > 1 ? mapped[part] : mapped[0]);
    Operation *clone = builder.clone(op, mapping);
    clone->getResult(0).setType(memory.tileType(set, realOf(op.getResult(0).getType())));
    tiles[op.getResult(0)].push_back(clone->getResult(0));
  }
}

Tiles TileStep::emitReduction(OpBuilder &builder, Operation &op, ArrayAttr over) {
  Value value = op.getOperand(0);
  DimSet own = dims.of(value), reduced = dims.of(over) & own, absent = dims.of(over) - own;
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
  Tiles result;
  for (Value tile : tiles[value]) {
    Type element = cast<VectorType>(tile.getType()).getElementType();
    Value sum = tile;
    if (!axes.empty())
      sum = TileReduceOp::create(builder, op.getLoc(), memory.tileType(own - reduced, element),
                                 isa<MaxOp>(op) ? "max" : "add", tile, builder.getDenseI64ArrayAttr(axes), limits,
                                 builder.getArrayAttr(coefficients));
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
    return tiles[value];
  DimSet moved = dims.of(value).without(source).with(target);
  return llvm::map_to_vector<2>(tiles[value], [&](Value tile) -> Value {
    return TileMoveOp::create(builder, recurrence.getLoc(),
                              memory.tileType(moved, cast<VectorType>(tile.getType()).getElementType()), tile,
                              placement.axesOf(source), placement.axesOf(target), *recurrence.sizeOf(from), reversed);
  });
}

Tiles TileStep::emitDelay(OpBuilder &builder, DelayOp delay) {
  unsigned tap = *dims.number(delay.getTap());
  DimSet layout = dims.of(delay.getLayout());
  SmallVector<Tiles> window = {stretch(builder, tiles[delay.getValue()], layout)};
  llvm::append_range(window, past[delay.getName()]);
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

Tiles TileStep::emitIndex(OpBuilder &builder, IndexOp index) {
  unsigned dim = *dims.number(index.getDim());
  Location loc = index.getLoc();
  auto type = memory.tileType(dims.of(index.getResult()), builder.getI64Type());
  Value base = dim == dims.scan() ? time : memory.coordinate(dim);
  Value coordinates = vector::BroadcastOp::create(builder, loc, type, base);
  for (auto [number, axis] : llvm::enumerate(placement.axes)) {
    if (axis.dim != dim || axis.extent == 1)
      continue;
    SmallVector<int64_t> steps(type.getNumElements());
    int64_t inner = 1;
    for (int64_t k = type.getRank() - 1; k > static_cast<int64_t>(number); --k)
      inner *= type.getDimSize(k);
    for (size_t element = 0; element < steps.size(); ++element)
      steps[element] = static_cast<int64_t>(element) / inner % axis.extent * axis.step;
    Value offsets = arith::ConstantOp::create(builder, loc, DenseElementsAttr::get(type, ArrayRef<int64_t>(steps)));
    coordinates = arith::AddIOp::create(builder, loc, coordinates, offsets);
  }
  return {arith::SIToFPOp::create(builder, loc, type.clone(index.getType()), coordinates)};
}

bool TileStep::isReadPlainly(InputOp input) {
  return llvm::any_of(input->getUsers(), [](Operation *user) { return !isa<RenameOp, FlipOp>(user); });
}

/// Loads an input as it is seen through renames and flips.
Tiles TileStep::emitInput(OpBuilder &builder, Value value) {
  SmallVector<Operation *> views;
  while (!value.getDefiningOp<InputOp>()) {
    views.push_back(value.getDefiningOp());
    value = views.back()->getOperand(0);
  }
  auto input = value.getDefiningOp<InputOp>();
  unsigned number = memory.lookup(KernelTensor::Role::Input, input.getName());
  if (views.empty() && memory.isStaged(number))
    return memory.loadScratch(builder, number, scratchStep);
  SmallVector<SeenAs> seen = memory.plainView(number);
  for (Operation *view : llvm::reverse(views))
    for (SeenAs &at : seen) {
      if (auto rename = dyn_cast<RenameOp>(view); rename && dims.name(at.dim) == rename.getFrom())
        at.dim = *dims.number(rename.getTo());
      else if (auto flip = dyn_cast<FlipOp>(view); flip && dims.name(at.dim) == flip.getDim())
        at.flipped = !at.flipped;
    }
  return memory.load(builder, number, seen, time, realOf(input.getType()));
}

static bool isInputView(Value value) {
  while (isa_and_nonnull<RenameOp, FlipOp>(value.getDefiningOp()))
    value = value.getDefiningOp()->getOperand(0);
  return isa_and_nonnull<InputOp>(value.getDefiningOp());
}

void TileStep::emit(OpBuilder &builder, Operation &op) {
  auto set = [&](Tiles value) { tiles[op.getResult(0)] = std::move(value); };
  llvm::TypeSwitch<Operation *>(&op)
      .Case([&](InputOp input) {
        if (isReadPlainly(input))
          set(emitInput(builder, input));
      })
      .Case([&](ParamOp param) {
        Value value = memory.parameter(param.getName());
        if (param.getType() != value.getType())
          value = arith::TruncFOp::create(builder, op.getLoc(), param.getType(), value);
        set({asTile(builder, value)});
      })
      .Case([&](PreviousOp previous) {
        // A recurrence may read a state without carrying it through every step that is emitted: before the loop, none
        // is read.
        set(past[previous.getName()][previous.getBack() - 1]);
      })
      .Case<SumOp, MaxOp, MeanOp>([&](auto reduction) { set(emitReduction(builder, op, reduction.getOver())); })
      .Case([&](IndexOp index) { set(emitIndex(builder, index)); })
      .Case([&](SizeOp size) {
        Value count = memory.sizeOf(builder, *dims.number(size.getDim()));
        set({asTile(builder, arith::SIToFPOp::create(builder, op.getLoc(), size.getType(), count))});
      })
      .Case([&](RenameOp rename) {
        set(isInputView(rename) ? emitInput(builder, rename)
                                : emitMove(builder, rename.getValue(), rename.getFrom(), rename.getTo(), false));
      })
      .Case([&](FlipOp flip) {
        set(isInputView(flip) ? emitInput(builder, flip)
                              : emitMove(builder, flip.getValue(), flip.getDim(), flip.getDim(), true));
      })
      .Case([&](DelayOp delay) { set(emitDelay(builder, delay)); })
      .Case([&](complex::CreateOp create) {
        DimSet set = dims.of(create);
        tiles[create] = {stretch(builder, tiles[create.getReal()], set).front(),
                         stretch(builder, tiles[create.getImaginary()], set).front()};
      })
      .Case([&](complex::ReOp part) { set({tiles[part.getComplex()][0]}); })
      .Case([&](complex::ImOp part) { set({tiles[part.getComplex()][1]}); })
      .Case<complex::ConstantOp, arith::ConstantOp>([&](auto) { emitConstant(builder, op); })
      .Case<NextOp, OutputOp, InitialOp>([](auto) {})
      .Default([&](Operation *) { emitElementwise(builder, op); });
}

//===----------------------------------------------------------------------===//
// The step
//===----------------------------------------------------------------------===//

void TileStep::emitInvariant(OpBuilder &builder) {
  for (Operation &op : recurrence.getBody().front())
    if (op.getNumResults() && !dims.variesInTime(op.getResult(0)))
      emit(builder, op);
}

SmallVector<Value> TileStep::emitInitial(OpBuilder &builder) {
  SmallVector<Value> carried;
  llvm::StringMap<Tiles> newest;
  SmallVector<State> states = getStates(recurrence);
  // A seeded state starts from its seed's tiles, so seeds go first; results keep the states' order.
  llvm::StringMap<SmallVector<Value>> all;
  for (bool seeded : {false, true})
    for (const State &state : states) {
      if (state.seededBy.empty() == seeded || state.depth == 0)
        continue;
      DimSet set = dims.of(state.layout);
      Tiles fallback;
      if (seeded)
        fallback = newest[state.seededBy];
      else if (Value initial = lookupInitial(recurrence, state.name))
        fallback = stretch(builder, tiles[initial], set);
      else
        fallback.assign(isa<ComplexType>(state.type) ? 2 : 1, zeros(builder, memory.tileType(set, realOf(state.type))));
      unsigned number = memory.lookup(KernelTensor::Role::InitialState, state.name);
      Location loc = recurrence.getLoc();
      Value pointer = memory.pointerOf(number);
      Value null = LLVM::ZeroOp::create(builder, loc, pointer.getType());
      Value given = LLVM::ICmpOp::create(builder, loc, LLVM::ICmpPredicate::ne, pointer, null);
      for (int64_t step = 0; step < state.depth; ++step) {
        auto choice = scf::IfOp::create(
            builder, loc, given,
            [&](OpBuilder &inner, Location) {
              scf::YieldOp::create(inner, loc,
                                   memory.load(inner, number, memory.plainView(number), {}, realOf(state.type), step));
            },
            [&](OpBuilder &inner, Location) { scf::YieldOp::create(inner, loc, fallback); });
        llvm::append_range(all[state.name], choice.getResults());
        if (step == 0)
          newest[state.name].assign(choice.result_begin(), choice.result_end());
      }
    }
  for (const State &state : states)
    llvm::append_range(carried, all[state.name]);
  return carried;
}

SmallVector<Value> TileStep::emitStep(OpBuilder &builder, Value timeCoordinate, Value step, ValueRange carried) {
  time = timeCoordinate;
  scratchStep = step;
  SmallVector<State> states = getStates(recurrence);
  auto next = carried.begin();
  for (const State &state : states) {
    past[state.name].clear();
    for (int64_t back = 0; back < state.depth; ++back) {
      size_t parts = isa<ComplexType>(state.type) ? 2 : 1;
      past[state.name].emplace_back(next, next + parts);
      next += parts;
    }
  }
  for (Operation &op : recurrence.getBody().front())
    if (op.getNumResults() && dims.variesInTime(op.getResult(0)))
      emit(builder, op);
  for (auto output : recurrence.getBody().front().getOps<OutputOp>()) {
    unsigned number = memory.lookup(KernelTensor::Role::Output, output.getName());
    DimSet set = dims.of(output.getLayout()).without(dims.scan());
    Tiles value = stretch(builder, tiles[output.getValue()], set);
    if (memory.isStaged(number))
      memory.storeScratch(builder, number, value, scratchStep);
    else
      memory.store(builder, number, value, time);
  }
  SmallVector<Value> result;
  for (const State &state : states) {
    if (state.depth == 0)
      continue;
    Value value;
    for (Operation &op : recurrence.getBody().front()) {
      if (auto nextOp = dyn_cast<NextOp>(op); nextOp && nextOp.getName() == state.name)
        value = nextOp.getValue();
      else if (auto delay = dyn_cast<DelayOp>(op); delay && delay.getName() == state.name)
        value = delay.getValue();
    }
    llvm::append_range(result, stretch(builder, tiles[value], dims.of(state.layout)));
    for (int64_t back = 0; back + 1 < state.depth; ++back)
      llvm::append_range(result, past[state.name][back]);
  }
  return result;
}

void TileStep::emitFinal(OpBuilder &builder, ValueRange carried) {
  auto next = carried.begin();
  for (const State &state : getStates(recurrence)) {
    if (state.depth == 0)
      continue;
    unsigned number = memory.lookup(KernelTensor::Role::FinalState, state.name);
    Location loc = recurrence.getLoc();
    Value pointer = memory.pointerOf(number);
    Value null = LLVM::ZeroOp::create(builder, loc, pointer.getType());
    Value wanted = LLVM::ICmpOp::create(builder, loc, LLVM::ICmpPredicate::ne, pointer, null);
    auto guarded = scf::IfOp::create(builder, loc, wanted, /*withElseRegion=*/false);
    OpBuilder inner = OpBuilder::atBlockTerminator(guarded.thenBlock());
    size_t parts = isa<ComplexType>(state.type) ? 2 : 1;
    for (int64_t step = 0; step < state.depth; ++step, next += parts)
      memory.store(inner, number, Tiles(next, next + parts), {}, step);
  }
}
