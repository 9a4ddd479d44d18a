// Addresses: a tensor's element stands at Σ stride(axis)·coordinate(axis), a composite axis counting its last part
// fastest. Everything is i64, so that no offset can wrap.

#include "passes/TileMemory.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "passes/ComputeType.h"

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

static Value andI1(OpBuilder &builder, Value a, Value b) {
  return a ? arith::AndIOp::create(builder, builder.getUnknownLoc(), a, b) : b;
}

TileMemory::TileMemory(RecurrenceOp recurrence, const Placement &placement, const KernelInterface &interface,
                       bool packed)
    : recurrence(recurrence), placement(placement), interface(interface), packed(packed), dims(recurrence),
      computeType(ssm::computeType(recurrence)) {}

SmallVector<Type> TileMemory::argumentTypes() const {
  MLIRContext *context = recurrence->getContext();
  SmallVector<Type> types;
  for (const KernelTensor &tensor : interface.tensors) {
    types.push_back(LLVM::LLVMPointerType::get(context));
    types.append(tensor.getRank(), IntegerType::get(context, 64));
  }
  types.append(interface.parameters.size(), Float64Type::get(context));
  types.append(interface.sizes.size(), IntegerType::get(context, 64));
  return types;
}

void TileMemory::bindArguments(OpBuilder &builder, Block &entry) {
  auto argument = entry.args_begin();
  for (const KernelTensor &tensor : interface.tensors) {
    pointers.push_back(*argument++);
    strides.emplace_back(argument, argument + tensor.getRank());
    argument += tensor.getRank();
    if (packed && tensor.getRank())
      strides.back().back() = constantI64(builder, 1);
  }
  for (auto &[name, value] : interface.parameters)
    parameters[name] = *argument++;
  for (const std::string &name : interface.sizes) {
    Value given = *argument++;
    std::optional<int64_t> known = recurrence.sizeOf(name);
    sizes[name] = known ? constantI64(builder, *known) : given;
  }
}

Value TileMemory::sizeOf(OpBuilder &, unsigned dim) const { return sizes.lookup(recurrence.extentOf(dims.name(dim))); }

Value TileMemory::parameter(StringRef name) const { return parameters.lookup(name); }

unsigned TileMemory::lookup(KernelTensor::Role role, StringRef name) const {
  for (auto [number, tensor] : llvm::enumerate(interface.tensors))
    if (tensor.role == role && tensor.name == name)
      return number;
  llvm_unreachable("a kernel has every tensor of its recurrence");
}

//===----------------------------------------------------------------------===//
// Coordinates and edges
//===----------------------------------------------------------------------===//

void TileMemory::bindCoordinates(OpBuilder &builder) {
  Location loc = recurrence.getLoc();
  Value zero = constantI64(builder, 0);
  bases.assign(dims.count(), zero);
  Value task = TilePlaceOp::create(builder, loc, builder.getI64Type(), "grid");
  Value thread =
      placement.threads() > 1 ? Value(TilePlaceOp::create(builder, loc, builder.getI64Type(), "thread")) : zero;
  auto takeFrom = [&](Value &number, Value count) {
    Value taken = builder.createOrFold<arith::RemUIOp>(loc, number, count);
    number = builder.createOrFold<arith::DivUIOp>(loc, number, count);
    return taken;
  };
  for (unsigned dim = dims.count(); dim-- > 0;) {
    const DimPlace &place = placement.places[dim];
    if (place.grid) {
      Value extent = constantI64(builder, place.extent());
      Value count = builder.createOrFold<arith::CeilDivUIOp>(loc, sizeOf(builder, dim), extent);
      bases[dim] = mulI64(builder, takeFrom(task, count), extent);
    }
    if (place.threads > 1) {
      Value own = takeFrom(thread, constantI64(builder, place.threads));
      bases[dim] = addI64(builder, bases[dim], mulI64(builder, own, constantI64(builder, place.tile())));
    }
  }
}

Value TileMemory::insideThreads(OpBuilder &builder) {
  Value inside;
  for (unsigned dim = 0; dim < dims.count(); ++dim)
    if (placement.places[dim].threads > 1)
      inside = andI1(builder, inside,
                     arith::CmpIOp::create(builder, recurrence.getLoc(), arith::CmpIPredicate::slt, bases[dim],
                                           sizeOf(builder, dim)));
  return inside;
}

/// Whether a dimension on a grid may end inside a tile.
static bool mayEndInside(const DimPlace &place, std::optional<int64_t> size) {
  return place.grid && place.tile() > 1 && (!size || *size % place.tile() != 0);
}

Value TileMemory::isFull(OpBuilder &builder) {
  Value full;
  for (unsigned dim = 0; dim < dims.count(); ++dim)
    if (mayEndInside(placement.places[dim], recurrence.sizeOf(dims.name(dim)))) {
      Value end = addI64(builder, bases[dim], constantI64(builder, placement.places[dim].tile()));
      full = andI1(
          builder, full,
          arith::CmpIOp::create(builder, recurrence.getLoc(), arith::CmpIPredicate::sle, end, sizeOf(builder, dim)));
    }
  return full;
}

void TileMemory::limitsOf(OpBuilder &builder, DimSet set, SmallVectorImpl<Value> &limits,
                          SmallVectorImpl<Attribute> &coefficients) const {
  for (unsigned dim = 0; dim < dims.count(); ++dim) {
    const DimPlace &place = placement.places[dim];
    std::optional<int64_t> size = recurrence.sizeOf(dims.name(dim));
    bool padded = !place.grid && size && *size < place.tile();
    if (!set.contains(dim) || !(padded || (masked && mayEndInside(place, size))))
      continue;
    limits.push_back(subI64(builder, sizeOf(builder, dim), bases[dim]));
    coefficients.push_back(builder.getDenseI64ArrayAttr(llvm::map_to_vector(
        placement.axes, [&](const TileAxis &axis) { return axis.dim == dim ? axis.step : int64_t(0); })));
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

TileMemory::Address TileMemory::addressOf(OpBuilder &builder, unsigned number, ArrayRef<SeenAs> seen, Value time,
                                          int64_t past) const {
  const KernelTensor &tensor = interface.tensors[number];
  Address address;
  address.offset = constantI64(builder, 0);
  address.strides.assign(placement.axes.size(), address.offset);
  unsigned position = seen.size();
  for (unsigned axis = tensor.layout.getRank(); axis-- > 0;) {
    Value step = strides[number][axis];
    for (unsigned part = tensor.layout.getAxis(axis).size(); part-- > 0;) {
      SeenAs at = seen[--position];
      Value coordinate = at.dim == dims.scan() ? time : bases[at.dim];
      Value size = sizeOf(builder, at.dim);
      if (at.flipped)
        coordinate = subI64(builder, subI64(builder, size, constantI64(builder, 1)), coordinate);
      address.offset = addI64(builder, address.offset, mulI64(builder, coordinate, step));
      address.set = address.set.with(at.dim);
      for (auto [k, tileAxis] : llvm::enumerate(placement.axes))
        if (tileAxis.dim == at.dim)
          address.strides[k] =
              addI64(builder, address.strides[k],
                     mulI64(builder, step, constantI64(builder, at.flipped ? -tileAxis.step : tileAxis.step)));
      if (part > 0)
        step = mulI64(builder, step, size);
    }
  }
  if (tensor.depth > 1)
    address.offset =
        addI64(builder, address.offset, mulI64(builder, strides[number].back(), constantI64(builder, past)));
  return address;
}

/// The real element type in memory, and how many of them an element of the tensor is.
static std::pair<Type, int64_t> partsOf(Type stored) {
  if (auto complex = dyn_cast<ComplexType>(stored))
    return {complex.getElementType(), 2};
  return {stored, 1};
}

Tiles TileMemory::load(OpBuilder &builder, unsigned number, ArrayRef<SeenAs> seen, Value time, Type element,
                       int64_t past) const {
  Address address = addressOf(builder, number, seen, time, past);
  SmallVector<Value> limits;
  SmallVector<Attribute> coefficients;
  limitsOf(builder, address.set, limits, coefficients);
  auto [stored, parts] = partsOf(interface.tensors[number].stored);
  Value scale = constantI64(builder, parts);
  SmallVector<Value> scaled =
      llvm::map_to_vector(address.strides, [&](Value stride) { return mulI64(builder, stride, scale); });
  Tiles tiles;
  for (int64_t part = 0; part < parts; ++part) {
    Value offset = addI64(builder, mulI64(builder, address.offset, scale), constantI64(builder, part));
    tiles.push_back(TileLoadOp::create(builder, recurrence.getLoc(), tileType(address.set, element), stored,
                                       pointers[number], offset, scaled, limits, builder.getArrayAttr(coefficients)));
  }
  return tiles;
}

void TileMemory::store(OpBuilder &builder, unsigned number, const Tiles &tiles, Value time, int64_t past) const {
  Location loc = recurrence.getLoc();
  OpBuilder::InsertionGuard guard(builder);
  DimSet own = dims.of(interface.tensors[number].layout);
  Value first;
  for (unsigned dim = 0; dim < dims.count(); ++dim)
    if (const DimPlace &place = placement.places[dim]; (place.grid || place.threads > 1) && !own.contains(dim))
      first = andI1(builder, first,
                    arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::eq, bases[dim], constantI64(builder, 0)));
  if (first) {
    auto guarded = scf::IfOp::create(builder, loc, first, /*withElseRegion=*/false);
    builder.setInsertionPointToStart(guarded.thenBlock());
  }
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
    TileStoreOp::create(builder, loc, tile, stored, pointers[number], offset, scaled, limits,
                        builder.getArrayAttr(coefficients));
  }
}

//===----------------------------------------------------------------------===//
// Scratch
//===----------------------------------------------------------------------===//

VectorType TileMemory::scratchType(unsigned number) const {
  return tileType(dims.of(interface.tensors[number].layout), computeType);
}

bool TileMemory::isStaged(unsigned number) const {
  const KernelTensor &tensor = interface.tensors[number];
  bool wanted = tensor.role == KernelTensor::Role::Input    ? placement.stagedLoads
                : tensor.role == KernelTensor::Role::Output ? placement.stagedStores
                                                            : false;
  if (!wanted || placement.timeTile < 2 || isa<ComplexType>(tensor.stored) || !tensor.layout.getRank())
    return false;
  // A tensor that lacks a grid dimension is stored by one task alone; that needs no scratch.
  DimSet own = dims.of(tensor.layout);
  for (unsigned dim = 0; dim < dims.count(); ++dim)
    if (tensor.role == KernelTensor::Role::Output && placement.places[dim].grid && !own.contains(dim))
      return false;
  SmallVector<StringRef> last = tensor.layout.getAxis(tensor.layout.getRank() - 1);
  return last.size() == 1 && last[0] == dims.name(dims.scan()) && scratchType(number).getNumElements() > 1;
}

void TileMemory::allocateScratch(OpBuilder &builder) {
  for (unsigned number = 0; number < interface.tensors.size(); ++number)
    if (isStaged(number))
      scratch[number] = LLVM::AllocaOp::create(
          builder, recurrence.getLoc(), LLVM::LLVMPointerType::get(builder.getContext()), computeType,
          constantI64(builder, placement.timeTile * scratchType(number).getNumElements()), /*alignment=*/64);
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
  auto create = [&]<typename OpTy>(OpTy *) {
    OpTy::create(builder, recurrence.getLoc(), scratch.lookup(number), computeType, scratchType(number).getShape(),
                 tensor.stored, pointers[number], address.offset, address.strides, steps, strideOfTime(builder, number),
                 limits, builder.getArrayAttr(coefficients));
  };
  if (tensor.role == KernelTensor::Role::Input)
    create(static_cast<StageLoadOp *>(nullptr));
  else
    create(static_cast<StageStoreOp *>(nullptr));
}

Value TileMemory::scratchOffset(OpBuilder &builder, unsigned number, Value step) const {
  return mulI64(builder, step, constantI64(builder, scratchType(number).getNumElements()));
}

/// Strides of a row-major tile.
static SmallVector<Value> rowMajor(OpBuilder &builder, VectorType type) {
  SmallVector<Value> strides(type.getRank());
  int64_t stride = 1;
  for (int64_t axis = type.getRank(); axis-- > 0; stride *= type.getDimSize(axis))
    strides[axis] = constantI64(builder, stride);
  return strides;
}

Tiles TileMemory::loadScratch(OpBuilder &builder, unsigned number, Value step) const {
  VectorType type = scratchType(number);
  return {TileLoadOp::create(builder, recurrence.getLoc(), type, computeType, scratch.lookup(number),
                             scratchOffset(builder, number, step), rowMajor(builder, type), ValueRange(),
                             builder.getArrayAttr({}))};
}

void TileMemory::storeScratch(OpBuilder &builder, unsigned number, const Tiles &tiles, Value step) const {
  VectorType type = scratchType(number);
  TileStoreOp::create(builder, recurrence.getLoc(), tiles.front(), computeType, scratch.lookup(number),
                      scratchOffset(builder, number, step), rowMajor(builder, type), ValueRange(),
                      builder.getArrayAttr({}));
}
