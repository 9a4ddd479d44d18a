// Loads and stores: a tensor's tile for one step, or for several steps that are consecutive memory.

#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "passes/TileMemory.h"

using namespace mlir;
using namespace ssm;

/// The real element type in memory, and how many of them an element of the tensor is.
static std::pair<Type, int64_t> partsOf(Type stored) {
  if (auto complex = dyn_cast<ComplexType>(stored))
    return {complex.getElementType(), 2};
  return {stored, 1};
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
