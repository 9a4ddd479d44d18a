// Arguments and addresses: a tensor's element stands at Σ stride(axis)·coordinate(axis), a composite axis counting its
// last part fastest. Everything is i64, so that no offset can wrap.

#include "passes/TileMemory.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "passes/ComputeType.h"
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
Value ssm::andI1(OpBuilder &builder, Value a, Value b) {
  return a ? arith::AndIOp::create(builder, builder.getUnknownLoc(), a, b) : b;
}

Value ssm::chunkCount(OpBuilder &builder, Value steps, int64_t chunk) {
  Location loc = builder.getUnknownLoc();
  Value count = builder.createOrFold<arith::CeilDivUIOp>(loc, steps, constantI64(builder, chunk));
  return builder.createOrFold<arith::MaxUIOp>(loc, count, constantI64(builder, 1));
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
// Addresses
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

TileMemory::Address TileMemory::addressOf(OpBuilder &builder, unsigned number, ArrayRef<SeenAs> seen, Value time,
                                          int64_t past) const {
  const KernelTensor &tensor = interface.tensors[number];
  Address address;
  address.offset = constantI64(builder, 0);
  address.strides.assign(placement.axes.size(), address.offset);
  Value zero = address.offset, ofTime = zero;
  unsigned position = seen.size();
  for (unsigned axis = tensor.layout.getRank(); axis-- > 0;) {
    std::optional<unsigned> place = strideOfAxis(tensor, axis);
    Value step = place ? strides[number][*place] : constantI64(builder, 0);
    for (unsigned part = tensor.layout.getAxis(axis).size(); part-- > 0;) {
      SeenAs at = seen[--position];
      // Time's part is added last, without the thread's own steps: the rest stays the same from tile to tile.
      bool isApart =
          at.dim == dims.scan() && !at.flipped && !mayBeOutside(at.dim) && placement.places[at.dim].parts() > 1;
      if (isApart)
        ofTime = mulI64(builder, time, step);
      Value coordinate = coordinateInMemory(builder, tensor, at, isApart ? zero : time);
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
  address.offset = addI64(builder, address.offset, ofTime);
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
