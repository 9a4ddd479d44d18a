// Addresses: a tensor's element stands at Σ stride(axis)·coordinate(axis), a composite axis counting its last part
// fastest. Everything is i64, so that no offset can wrap.

#include "passes/TileMemory.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "passes/ComputeType.h"
#include "passes/Peers.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace ssm;

Value ssm::constantI64(OpBuilder &builder, int64_t value) {
  return arith::ConstantOp::create(builder, builder.getUnknownLoc(), builder.getI64IntegerAttr(value));
}
Value ssm::mulI64(OpBuilder &builder, Value a, Value b) {
  return builder.createOrFold<arith::MulIOp>(builder.getUnknownLoc(), a, b);
}
Value ssm::addI64(OpBuilder &builder, Value a, Value b) {
  return builder.createOrFold<arith::AddIOp>(builder.getUnknownLoc(), a, b);
}
Value ssm::subI64(OpBuilder &builder, Value a, Value b) {
  return builder.createOrFold<arith::SubIOp>(builder.getUnknownLoc(), a, b);
}

/// How many chunks cover `steps` steps, at least one.
static Value chunkCount(OpBuilder &builder, Value steps, int64_t chunk) {
  Location loc = builder.getUnknownLoc();
  Value count = builder.createOrFold<arith::CeilDivUIOp>(loc, steps, constantI64(builder, chunk));
  return builder.createOrFold<arith::MaxUIOp>(loc, count, constantI64(builder, 1));
}

/// Coordinates from one thread's first element to the next thread's: threads stand together where the elements of each
/// stand apart.
static int64_t betweenThreads(const Placement &placement, unsigned dim) {
  const DimPlace &place = placement.places[dim];
  SmallVector<int64_t> axes = placement.axesOf(dim);
  bool isApart = place.threads > 1 && axes.size() == 1 && placement.axes[axes[0]].step == place.threads;
  return isApart ? 1 : place.tile();
}

static Value andI1(OpBuilder &builder, Value a, Value b) {
  return a ? arith::AndIOp::create(builder, builder.getUnknownLoc(), a, b) : b;
}

TileMemory::TileMemory(RecurrenceOp recurrence, const Placement &placement, const KernelInterface &interface,
                       bool packed, const KernelInterface *whole)
    : recurrence(recurrence), placement(placement), interface(interface), whole(whole), packed(packed),
      rows(recurrence), dims(recurrence), computeType(ssm::computeType(recurrence)) {}

SmallVector<Type> TileMemory::argumentTypes() const {
  MLIRContext *context = recurrence->getContext();
  SmallVector<Type> types;
  for (const KernelTensor &tensor : kernelInterface().tensors) {
    types.push_back(LLVM::LLVMPointerType::get(context));
    types.append(tensor.getRank(), IntegerType::get(context, 64));
  }
  types.append(kernelInterface().parameters.size(), Float64Type::get(context));
  types.append(kernelInterface().sizes.size(), IntegerType::get(context, 64));
  return types;
}

/// Each tensor's pointer and strides among the arguments of the kernel. A state that the kernel does not know (a
/// product of decays) has no initial value that a caller could give.
void TileMemory::bindTensors(OpBuilder &builder, ArrayRef<Value> arguments) {
  for (const KernelTensor &tensor : interface.tensors) {
    unsigned argument = 0;
    auto given = kernelInterface().tensors.begin(), end = kernelInterface().tensors.end();
    for (; given != end && !isSameArray(*given, tensor); ++given)
      argument += 1 + given->getRank();
    if (given == end) {
      auto type = LLVM::LLVMPointerType::get(builder.getContext());
      pointers.push_back(LLVM::ZeroOp::create(builder, recurrence.getLoc(), type));
      strides.emplace_back(tensor.getRank(), constantI64(builder, 0));
      continue;
    }
    pointers.push_back(arguments[argument]);
    strides.emplace_back(arguments.slice(argument + 1, tensor.getRank()));
    if (packed && tensor.getRank())
      strides.back().back() = constantI64(builder, 1);
  }
}

void TileMemory::bindArguments(OpBuilder &builder, Block &entry) {
  SmallVector<Value> arguments(entry.getArguments());
  bindTensors(builder, arguments);
  auto argument = arguments.begin();
  for (const KernelTensor &tensor : kernelInterface().tensors)
    argument += 1 + tensor.getRank();
  // Two elements of any type.
  if (llvm::any_of(placement.places, [](const DimPlace &place) { return place.runsEmpty; }))
    elsewhere = LLVM::AllocaOp::create(builder, recurrence.getLoc(), LLVM::LLVMPointerType::get(builder.getContext()),
                                       builder.getF64Type(), constantI64(builder, 2));
  for (auto &[name, value] : kernelInterface().parameters)
    parameters[name] = *argument++;
  for (const std::string &name : kernelInterface().sizes) {
    Value given = *argument++;
    std::optional<int64_t> known = recurrence.sizeOf(name);
    sizes[name] = known ? constantI64(builder, *known) : given;
  }
  // A join's steps are the chunks of the kernel that it is a part of.
  if (ChunkRole role(recurrence); whole && role.isJoin()) {
    Value &steps = sizes[recurrence.getScan()];
    steps = chunkCount(builder, steps, role.steps());
  }
}

Value TileMemory::sizeOf(OpBuilder &, unsigned dim) const {
  if (rowSteps && dim == dims.scan())
    return rowSteps;
  return sizes.lookup(recurrence.extentOf(dims.name(dim)));
}

Value TileMemory::parameter(StringRef name) const { return parameters.lookup(name); }

bool TileMemory::has(KernelTensor::Role role, StringRef name) const {
  return llvm::any_of(interface.tensors,
                      [&](const KernelTensor &tensor) { return tensor.role == role && tensor.name == name; });
}

unsigned TileMemory::lookup(KernelTensor::Role role, StringRef name) const {
  for (auto [number, tensor] : llvm::enumerate(interface.tensors))
    if (tensor.role == role && tensor.name == name)
      return number;
  llvm_unreachable("a kernel has every tensor of its recurrence");
}

//===----------------------------------------------------------------------===//
// Coordinates and edges
//===----------------------------------------------------------------------===//

/// A dimension's size, at least 1 where a task runs even if there is nothing of it.
Value TileMemory::orOne(OpBuilder &builder, unsigned dim) const {
  Value size = sizeOf(builder, dim);
  if (!placement.places[dim].runsEmpty)
    return size;
  return builder.createOrFold<arith::MaxSIOp>(recurrence.getLoc(), size, constantI64(builder, 1));
}

void TileMemory::bindCoordinates(OpBuilder &builder) {
  Location loc = recurrence.getLoc();
  Value zero = constantI64(builder, 0);
  for (SmallVector<Value> *values : {&taskBases, &threadOffsets, &starts})
    values->assign(dims.count(), zero);
  Value task = TilePlaceOp::create(builder, loc, builder.getI64Type(), "grid");
  Value thread =
      placement.threads() > 1 ? Value(TilePlaceOp::create(builder, loc, builder.getI64Type(), "thread")) : zero;
  auto takeFrom = [&](Value &number, Value count) {
    Value taken = builder.createOrFold<arith::RemUIOp>(loc, number, count);
    number = builder.createOrFold<arith::DivUIOp>(loc, number, count);
    return taken;
  };
  if (placement.chunk)
    chunk = takeFrom(task, chunkCount(builder, sizeOf(builder, dims.scan()), placement.chunk));
  gridTiles.assign(dims.count(), zero);
  gridCounts.assign(dims.count(), constantI64(builder, 1));
  for (unsigned dim = dims.count(); dim-- > 0;)
    if (placement.places[dim].grid) {
      Value span = constantI64(builder, placement.places[dim].span());
      gridCounts[dim] = builder.createOrFold<arith::CeilDivUIOp>(loc, orOne(builder, dim), span);
      gridTiles[dim] = takeFrom(task, gridCounts[dim]);
      taskBases[dim] = mulI64(builder, gridTiles[dim], span);
    }
  for (unsigned dim = 0; dim < dims.count(); ++dim)
    threadOffsets[dim] = mulI64(builder, peerPosition(builder, thread, placement.peersOf(dim)),
                                constantI64(builder, betweenThreads(placement, dim)));
  bases.resize(dims.count());
  for (unsigned dim = 0; dim < dims.count(); ++dim)
    leaveTile(builder, dim);
}

void TileMemory::enterTile(OpBuilder &builder, unsigned dim, Value start) {
  bases[dim] = addI64(builder, start, threadOffsets[dim]);
  starts[dim] = subI64(builder, start, taskBases[dim]);
}

void TileMemory::leaveTile(OpBuilder &builder, unsigned dim) { enterTile(builder, dim, taskBases[dim]); }

std::pair<Value, Value> TileMemory::loopBounds(OpBuilder &builder, unsigned dim) const {
  const DimPlace &place = placement.places[dim];
  Value end = place.loop == LoopPlace::Outside ? orOne(builder, dim) : sizeOf(builder, dim);
  if (place.grid)
    end = arith::MinSIOp::create(builder, recurrence.getLoc(), end,
                                 addI64(builder, taskBases[dim], constantI64(builder, place.span())));
  return {taskBases[dim], end};
}

bool TileMemory::mayPassEnd(unsigned dim) const {
  const DimPlace &place = placement.places[dim];
  std::optional<int64_t> size = recurrence.sizeOf(dims.name(dim));
  bool isEmpty = place.runsEmpty && place.loop != LoopPlace::Inside;
  // A thread with nothing of a dimension runs only where others wait for it.
  int64_t extent = placement.exchanged.empty() ? place.tile() : place.extent();
  return isEmpty || (extent > 1 && (!size || *size % extent != 0));
}

int64_t TileMemory::tileCount(unsigned dim) const {
  const DimPlace &place = placement.places[dim];
  return llvm::divideCeil(place.grid ? place.span() : *recurrence.sizeOf(dims.name(dim)), place.extent());
}

Value TileMemory::firstStep(OpBuilder &builder) const {
  return chunk ? mulI64(builder, chunk, constantI64(builder, placement.chunk)) : constantI64(builder, 0);
}

Value TileMemory::endStep(OpBuilder &builder) const {
  Value steps = sizeOf(builder, dims.scan());
  if (!chunk)
    return steps;
  Value end = addI64(builder, firstStep(builder), constantI64(builder, placement.chunk));
  return arith::MinSIOp::create(builder, recurrence.getLoc(), end, steps);
}

Value TileMemory::insideThreads(OpBuilder &builder) {
  Value inside;
  if (!placement.exchanged.empty())
    return inside;
  for (unsigned dim = 0; dim < dims.count(); ++dim)
    if (placement.places[dim].parts() > 1)
      inside = andI1(builder, inside,
                     arith::CmpIOp::create(builder, recurrence.getLoc(), arith::CmpIPredicate::slt, bases[dim],
                                           orOne(builder, dim)));
  return inside;
}

/// Whether a thread may run with nothing of a dimension that is not the scanned one.
bool TileMemory::mayHoldNone(unsigned dim) const {
  const DimPlace &place = placement.places[dim];
  std::optional<int64_t> size = recurrence.sizeOf(dims.name(dim));
  bool isPadded = !place.grid && place.loop == LoopPlace::None && size && *size <= place.extent() - place.tile();
  return place.parts() > 1 && !placement.exchanged.empty() && (isMasked(dim) || isPadded);
}

Value TileMemory::holdsSome(OpBuilder &builder, DimSet set) {
  Value holds;
  for (unsigned dim = 0; dim < dims.count(); ++dim)
    if (set.contains(dim) && dim != dims.scan() && mayHoldNone(dim))
      holds = andI1(builder, holds,
                    arith::CmpIOp::create(builder, recurrence.getLoc(), arith::CmpIPredicate::slt, bases[dim],
                                          sizeOf(builder, dim)));
  return holds;
}

bool TileMemory::isMasked(unsigned dim) const {
  const DimPlace &place = placement.places[dim];
  return masked.contains(dim) && (place.grid || place.loop != LoopPlace::None || place.runsEmpty) && mayPassEnd(dim);
}

Value TileMemory::isFull(OpBuilder &builder) {
  Value full;
  for (unsigned dim = 0; dim < dims.count(); ++dim) {
    const DimPlace &place = placement.places[dim];
    bool isEntered =
        place.loop == LoopPlace::Outside || (place.grid && place.loop == LoopPlace::None) || place.runsEmpty;
    if (!isEntered || !mayPassEnd(dim))
      continue;
    // The same for all threads that wait for each other.
    Value end = placement.exchanged.empty() ? addI64(builder, bases[dim], constantI64(builder, place.tile()))
                                            : addI64(builder, addI64(builder, taskBases[dim], starts[dim]),
                                                     constantI64(builder, place.extent()));
    full = andI1(
        builder, full,
        arith::CmpIOp::create(builder, recurrence.getLoc(), arith::CmpIPredicate::sle, end, sizeOf(builder, dim)));
  }
  return full;
}

int64_t TileMemory::stepAlong(const TileAxis &axis) const {
  return axis.dim == dims.scan() && recurrence.getReverse() ? -axis.step : axis.step;
}

void TileMemory::limitsOf(OpBuilder &builder, DimSet set, SmallVectorImpl<Value> &limits,
                          SmallVectorImpl<Attribute> &coefficients) const {
  auto add = [&](unsigned dim, Value limit) {
    limits.push_back(limit);
    coefficients.push_back(builder.getDenseI64ArrayAttr(llvm::map_to_vector(
        placement.axes, [&](const TileAxis &axis) { return axis.dim == dim ? axis.step : int64_t(0); })));
  };
  for (unsigned dim = 0; dim < dims.count(); ++dim) {
    if (!set.contains(dim))
      continue;
    if (dim == dims.scan()) {
      if (stepsLeft)
        add(dim, subI64(builder, stepsLeft, threadOffsets[dim]));
      continue;
    }
    const DimPlace &place = placement.places[dim];
    std::optional<int64_t> size = recurrence.sizeOf(dims.name(dim));
    bool padded = !place.grid && place.loop == LoopPlace::None && size && *size < place.extent();
    if (padded || isMasked(dim))
      add(dim, subI64(builder, sizeOf(builder, dim), bases[dim]));
  }
}

VectorType TileMemory::tileType(DimSet set, Type element) const {
  return VectorType::get(llvm::map_to_vector(placement.axes,
                                             [&](const TileAxis &axis) {
                                               return axis.dim && set.contains(*axis.dim) ? axis.extent : int64_t(1);
                                             }),
                         element);
}

//===----------------------------------------------------------------------===//
// Loads and stores
//===----------------------------------------------------------------------===//

SmallVector<SeenAs> TileMemory::plainView(unsigned tensor) const {
  return llvm::map_to_vector(interface.tensors[tensor].layout.getDims(),
                             [&](StringRef name) { return SeenAs{*dims.number(name)}; });
}

void TileMemory::applyMoves(Value value, MutableArrayRef<SeenAs> seen) const {
  SmallVector<Operation *> moves;
  for (; isa<RenameOp, FlipOp>(value.getDefiningOp()); value = moves.back()->getOperand(0))
    moves.push_back(value.getDefiningOp());
  for (Operation *move : llvm::reverse(moves))
    for (SeenAs &at : seen) {
      if (auto rename = dyn_cast<RenameOp>(move); rename && dims.name(at.dim) == rename.getFrom())
        at.dim = *dims.number(rename.getTo());
      else if (auto flip = dyn_cast<FlipOp>(move); flip && dims.name(at.dim) == flip.getDim())
        at.flipped = !at.flipped;
    }
}

Value TileMemory::timeOfThread(OpBuilder &builder, Value time) const {
  Value offset = threadOffsets[dims.scan()];
  return recurrence.getReverse() ? subI64(builder, time, offset) : addI64(builder, time, offset);
}

/// The coordinate of this thread's tile, or the last one where it has nothing of the dimension but runs all the same: a
/// load's first address is read whatever the limits are.
Value TileMemory::firstCoordinate(OpBuilder &builder, unsigned dim, Value time) const {
  Location loc = recurrence.getLoc();
  const DimPlace &place = placement.places[dim];
  bool isScanned = dim == dims.scan();
  Value coordinate = isScanned ? timeOfThread(builder, time) : bases[dim];
  bool mayBeOutside = isScanned ? stepsLeft && place.parts() > 1 && !placement.exchanged.empty() : mayHoldNone(dim);
  if (!mayBeOutside)
    return coordinate;
  Value zero = constantI64(builder, 0);
  if (isScanned && recurrence.getReverse())
    return arith::MaxSIOp::create(builder, loc, coordinate, zero);
  Value last = subI64(builder, sizeOf(builder, dim), constantI64(builder, 1));
  return arith::MinSIOp::create(builder, loc, coordinate, arith::MaxSIOp::create(builder, loc, last, zero));
}

TileMemory::Address TileMemory::addressOf(OpBuilder &builder, unsigned number, ArrayRef<SeenAs> seen, Value time,
                                          int64_t past) const {
  const KernelTensor &tensor = interface.tensors[number];
  Address address;
  address.offset = constantI64(builder, 0);
  address.strides.assign(placement.axes.size(), address.offset);
  unsigned position = seen.size();
  for (unsigned axis = tensor.layout.getRank(); axis-- > 0;) {
    std::optional<unsigned> place = strideOfAxis(tensor, axis);
    Value step = place ? strides[number][*place] : constantI64(builder, 0);
    for (unsigned part = tensor.layout.getAxis(axis).size(); part-- > 0;) {
      SeenAs at = seen[--position];
      Value coordinate = coordinateInMemory(builder, tensor, at, time);
      Value size = sizeOf(builder, at.dim);
      if (at.flipped)
        coordinate = subI64(builder, subI64(builder, size, constantI64(builder, 1)), coordinate);
      address.offset = addI64(builder, address.offset, mulI64(builder, coordinate, step));
      address.set = address.set.with(at.dim);
      for (auto [k, tileAxis] : llvm::enumerate(placement.axes))
        if (tileAxis.dim == at.dim)
          address.strides[k] = addI64(
              builder, address.strides[k],
              mulI64(builder, step, constantI64(builder, at.flipped ? -stepAlong(tileAxis) : stepAlong(tileAxis))));
      if (part > 0)
        step = mulI64(builder, step, size);
    }
  }
  address.offset = addI64(builder, address.offset, offsetBetween(builder, number));
  if (tensor.depth > 1)
    address.offset =
        addI64(builder, address.offset, mulI64(builder, strides[number].back(), constantI64(builder, past)));
  return address;
}

/// What a thread's registers are aligned to where they are consecutive memory, as the view shows it; 0 where not.
int64_t TileMemory::alignmentOfRun(unsigned number, ArrayRef<SeenAs> seen) const {
  const KernelTensor &tensor = interface.tensors[number];
  if (!packed || tensor.alignment == 1 || runsAlongSteps(recurrence, tensor))
    return 0;
  DimSet set;
  for (SeenAs at : seen)
    set = set.with(at.dim);
  bool isPlain = !seen.back().flipped && seen.back().dim == *dims.number(tensor.layout.getDims().back());
  if (!isPlain || innermostInTile(placement, set) != seen.back().dim)
    return 0;
  int64_t regs = placement.places[seen.back().dim].regs, bytes = tensor.stored.getIntOrFloatBitWidth() / 8;
  return regs % 2 == 0 ? std::min(tensor.alignment, (regs & -regs) * bytes) : 0;
}

/// From the beginning of what is between chunks to what this task has of it.
Value TileMemory::offsetBetween(OpBuilder &builder, unsigned number) const {
  const KernelTensor &tensor = interface.tensors[number];
  Value offset = constantI64(builder, 0);
  if (tensor.perChunk) {
    // A chunk begins with what the one before it left behind.
    bool isCarried = tensor.role == KernelTensor::Role::CarriedState;
    Value index = isCarried ? subI64(builder, chunk, constantI64(builder, 1)) : chunk;
    offset = mulI64(builder, index, strides[number][!tensor.perTile.empty()]);
  }
  Value tile = constantI64(builder, 0);
  for (const std::string &name : tensor.perTile) {
    unsigned dim = *dims.number(name);
    tile = addI64(builder, mulI64(builder, tile, gridCounts[dim]), gridTiles[dim]);
  }
  return tensor.perTile.empty() ? offset : addI64(builder, offset, mulI64(builder, tile, strides[number].front()));
}

/// The real element type in memory, and how many of them an element of the tensor is.
static std::pair<Type, int64_t> partsOf(Type stored) {
  if (auto complex = dyn_cast<ComplexType>(stored))
    return {complex.getElementType(), 2};
  return {stored, 1};
}

Location TileMemory::locOf(unsigned number) const {
  const KernelTensor &tensor = interface.tensors[number];
  for (Operation &op : recurrence.getBody().front()) {
    StringRef name = TypeSwitch<Operation *, StringRef>(&op)
                         .Case<InputOp, OutputOp, NextOp, FinalOp>([](auto named) { return named.getName(); })
                         .Default(StringRef());
    if (name == tensor.name && tensor.isState() == isa<NextOp, FinalOp>(op))
      return op.getLoc();
  }
  return recurrence.getLoc();
}

/// A tile's first element is read whether it is inside the limits or not. Where a task runs with nothing of one of its
/// dimensions, a tensor may have no element at all: the tile is somewhere else then.
Value TileMemory::avoidEmpty(OpBuilder &builder, unsigned number, Address &address) const {
  Location loc = recurrence.getLoc();
  Value isEmpty;
  for (unsigned dim = 0; dim < dims.count(); ++dim)
    if (address.set.contains(dim) && placement.places[dim].runsEmpty && isMasked(dim)) {
      Value isNone =
          arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::eq, sizeOf(builder, dim), constantI64(builder, 0));
      isEmpty = isEmpty ? Value(arith::OrIOp::create(builder, loc, isEmpty, isNone)) : isNone;
    }
  if (!isEmpty)
    return pointers[number];
  Value zero = constantI64(builder, 0);
  address.offset = arith::SelectOp::create(builder, loc, isEmpty, zero, address.offset);
  for (Value &stride : address.strides)
    stride = arith::SelectOp::create(builder, loc, isEmpty, zero, stride);
  return arith::SelectOp::create(builder, loc, isEmpty, elsewhere, pointers[number]);
}

/// Where few steps are along the last axis, it may be one, and lanes along the axis before it consecutive memory:
/// whether they are shows at run time. Null where they do not run so, or that is known.
Value TileMemory::lanesAreConsecutive(OpBuilder &builder, unsigned number, ValueRange strides, DimSet set) const {
  const KernelTensor &tensor = interface.tensors[number];
  const TileAxis &lanes = placement.axes.back();
  if (!rows.isInPlace() || !packed || lanes.extent == 1 || !set.contains(*lanes.dim) || *lanes.dim == dims.scan() ||
      !runsAlongSteps(recurrence, tensor) || getConstantIntValue(strides.back()))
    return {};
  return arith::CmpIOp::create(builder, recurrence.getLoc(), arith::CmpIPredicate::eq, strides.back(),
                               constantI64(builder, 1));
}

/// An access made for lanes that are consecutive, and for others.
static Value eitherWay(OpBuilder &builder, Value consecutive, ArrayRef<Value> strides,
                       llvm::function_ref<Value(OpBuilder &, ValueRange)> create) {
  Location loc = consecutive.getLoc();
  SmallVector<Value> ones(strides);
  ones.back() = constantI64(builder, 1);
  auto build = [&](ValueRange own) {
    return [&, own](OpBuilder &inner, Location) {
      Value made = create(inner, own);
      scf::YieldOp::create(inner, loc, made ? ValueRange(made) : ValueRange());
    };
  };
  auto choice = scf::IfOp::create(builder, loc, consecutive, build(ones), build(strides));
  return choice.getNumResults() ? choice.getResult(0) : Value();
}

Tiles TileMemory::load(OpBuilder &builder, unsigned number, ArrayRef<SeenAs> seen, Value time, Type element,
                       int64_t past) const {
  Address address = addressOf(builder, number, seen, time, past);
  SmallVector<Value> limits;
  SmallVector<Attribute> coefficients;
  limitsOf(builder, address.set, limits, coefficients);
  auto [stored, parts] = partsOf(interface.tensors[number].stored);
  Value pointer = avoidEmpty(builder, number, address);
  Value scale = constantI64(builder, parts);
  SmallVector<Value> scaled =
      llvm::map_to_vector(address.strides, [&](Value stride) { return mulI64(builder, stride, scale); });
  Tiles tiles;
  for (int64_t part = 0; part < parts; ++part) {
    Value offset = addI64(builder, mulI64(builder, address.offset, scale), constantI64(builder, part));
    auto create = [&](OpBuilder &at, ValueRange strides) -> Value {
      auto load = TileLoadOp::create(at, locOf(number), tileType(address.set, element), stored, pointer, offset,
                                     strides, limits, at.getArrayAttr(coefficients));
      if (int64_t aligned = alignmentOfRun(number, seen))
        load.setAligned(aligned);
      return load;
    };
    Value consecutive = lanesAreConsecutive(builder, number, scaled, address.set);
    tiles.push_back(consecutive ? eitherWay(builder, consecutive, scaled, create) : create(builder, scaled));
  }
  return tiles;
}

Value TileMemory::storesShared(OpBuilder &builder, DimSet own) const {
  Value stores;
  for (unsigned dim = 0; dim < dims.count(); ++dim)
    if (placement.places[dim].parts() > 1 && !own.contains(dim) && !shared.contains(dim))
      stores = andI1(builder, stores,
                     arith::CmpIOp::create(builder, recurrence.getLoc(), arith::CmpIPredicate::eq, threadOffsets[dim],
                                           constantI64(builder, 0)));
  return storing ? andI1(builder, stores, storing) : stores;
}

OpBuilder TileMemory::storingOnce(OpBuilder &builder, unsigned number) const {
  Location loc = recurrence.getLoc();
  DimSet own = dims.of(interface.tensors[number].layout);
  Value stores;
  auto require = [&](arith::CmpIPredicate predicate, Value a, Value b) {
    stores = andI1(builder, stores, arith::CmpIOp::create(builder, loc, predicate, a, b));
  };
  const std::vector<std::string> &perTile = interface.tensors[number].perTile;
  for (unsigned dim = 0; dim < dims.count(); ++dim) {
    const DimPlace &place = placement.places[dim];
    if (own.contains(dim) || shared.contains(dim))
      continue;
    Value zero = constantI64(builder, 0);
    bool isOwn = llvm::is_contained(perTile, dims.name(dim));
    if (place.loop == LoopPlace::Outside) {
      // The last tile of the loop: a final state may stand where the tiles before it still read the initial one.
      Value start = addI64(builder, taskBases[dim], starts[dim]);
      require(arith::CmpIPredicate::sge, addI64(builder, start, constantI64(builder, place.extent())),
              isOwn ? loopBounds(builder, dim).second : sizeOf(builder, dim));
      if (place.parts() > 1)
        require(arith::CmpIPredicate::eq, threadOffsets[dim], zero);
    } else if (isOwn ? place.parts() > 1 : place.grid || place.parts() > 1) {
      require(arith::CmpIPredicate::eq, isOwn ? threadOffsets[dim] : bases[dim], zero);
    }
  }
  if (storing)
    stores = andI1(builder, stores, storing);
  if (!stores)
    return builder;
  return OpBuilder::atBlockTerminator(scf::IfOp::create(builder, loc, stores, /*withElseRegion=*/false).thenBlock());
}

void TileMemory::store(OpBuilder &at, unsigned number, const Tiles &tiles, Value time, int64_t past) const {
  Location loc = locOf(number);
  OpBuilder builder = storingOnce(at, number);
  Address address = addressOf(builder, number, plainView(number), time, past);
  SmallVector<Value> limits;
  SmallVector<Attribute> coefficients;
  limitsOf(builder, address.set, limits, coefficients);
  auto [stored, parts] = partsOf(interface.tensors[number].stored);
  Value scale = constantI64(builder, parts);
  SmallVector<Value> scaled =
      llvm::map_to_vector(address.strides, [&](Value stride) { return mulI64(builder, stride, scale); });
  for (auto [part, tile] : llvm::enumerate(tiles)) {
    Value offset = addI64(builder, mulI64(builder, address.offset, scale), constantI64(builder, part));
    auto create = [&, value = tile](OpBuilder &at, ValueRange strides) -> Value {
      auto store = TileStoreOp::create(at, loc, value, stored, pointers[number], offset, strides, limits,
                                       at.getArrayAttr(coefficients));
      if (int64_t aligned = alignmentOfRun(number, plainView(number)))
        store.setAligned(aligned);
      return {};
    };
    if (Value consecutive = lanesAreConsecutive(builder, number, scaled, address.set))
      eitherWay(builder, consecutive, scaled, create);
    else
      create(builder, scaled);
  }
}

//===----------------------------------------------------------------------===//
// Several steps in one access
//===----------------------------------------------------------------------===//

TileMemory::Address TileMemory::addressOfSteps(OpBuilder &builder, unsigned number, ArrayRef<SeenAs> seen, Value time,
                                               int64_t count) const {
  if (recurrence.getReverse())
    time = subI64(builder, time, constantI64(builder, count - 1));
  Address address = addressOf(builder, number, seen, time, 0);
  address.strides.back() = constantI64(builder, 1);
  return address;
}

int64_t TileMemory::alignmentOf(unsigned number, int64_t steps) const {
  int64_t bytes = steps * interface.tensors[number].stored.getIntOrFloatBitWidth() / 8;
  return std::min<int64_t>(interface.tensors[number].alignment, bytes & -bytes);
}

/// A tile whose last axis counts steps.
static VectorType overSteps(VectorType type, int64_t count) {
  SmallVector<int64_t> shape(type.getShape());
  shape.back() = count;
  return VectorType::get(shape, type.getElementType());
}

Value TileMemory::loadSteps(OpBuilder &builder, unsigned number, ArrayRef<SeenAs> seen, Value time, int64_t count,
                            Type element) const {
  Address address = addressOfSteps(builder, number, seen, time, count);
  SmallVector<Value> limits;
  SmallVector<Attribute> coefficients;
  limitsOf(builder, address.set, limits, coefficients);
  Value pointer = avoidEmpty(builder, number, address);
  auto load = TileLoadOp::create(builder, locOf(number), overSteps(tileType(address.set, element), count),
                                 interface.tensors[number].stored, pointer, address.offset, address.strides, limits,
                                 builder.getArrayAttr(coefficients));
  load.setAligned(alignmentOf(number, count));
  return load;
}

void TileMemory::storeSteps(OpBuilder &at, unsigned number, Value tile, Value time, int64_t count) const {
  OpBuilder builder = storingOnce(at, number);
  Address address = addressOfSteps(builder, number, plainView(number), time, count);
  SmallVector<Value> limits;
  SmallVector<Attribute> coefficients;
  limitsOf(builder, address.set, limits, coefficients);
  auto store = TileStoreOp::create(builder, locOf(number), tile, interface.tensors[number].stored, pointers[number],
                                   address.offset, address.strides, limits, builder.getArrayAttr(coefficients));
  store.setAligned(alignmentOf(number, count));
}

void TileMemory::copySteps(OpBuilder &builder, unsigned number, Value time, int64_t count, Value left, Value target,
                           Value place, ArrayRef<Value> places) const {
  Address address = addressOfSteps(builder, number, plainView(number), time, count);
  SmallVector<Value> limits;
  SmallVector<Attribute> coefficients;
  limitsOf(builder, address.set, limits, coefficients);
  if (left) {
    // In reverse the last steps stand first in memory.
    bool isReverse = recurrence.getReverse();
    SmallVector<int64_t> alongSteps(placement.axes.size(), 0);
    alongSteps.back() = isReverse ? -1 : 1;
    limits.push_back(isReverse ? subI64(builder, left, constantI64(builder, count - 1)) : left);
    coefficients.push_back(builder.getDenseI64ArrayAttr(alongSteps));
  }
  SmallVector<int64_t> shape(tileType(address.set, builder.getF32Type()).getShape());
  shape.back() = count;
  TileCopyOp::create(builder, locOf(number), interface.tensors[number].stored, shape, pointers[number], address.offset,
                     ArrayRef(address.strides).drop_back(), target, place, places, limits,
                     builder.getArrayAttr(coefficients), alignmentOf(number, count));
}
