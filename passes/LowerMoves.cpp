// Loads and stores of rows to memory operations. Passes.td has the contract.

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/Matchers.h"
#include "passes/Passes.h"
#include "passes/RowAccess.h"

namespace ssm {
#define GEN_PASS_DEF_LOWERMOVES
#include "passes/Passes.h.inc"
} // namespace ssm

using namespace mlir;
using namespace ssm;

namespace {
int64_t lanesOf(Type type) {
  auto row = dyn_cast<VectorType>(type);
  return row ? row.getNumElements() : 1;
}

bool isOne(Value value) { return matchPattern(value, m_One()); }

/// The address of each lane of a row.
Value laneAddresses(OpBuilder &builder, Location loc, Value pointer, Value offset, Value stride, int64_t lanes,
                    Type stored) {
  auto offsets = VectorType::get({lanes}, builder.getI64Type());
  SmallVector<int64_t> numbers = llvm::to_vector(llvm::seq(lanes));
  Value lane = arith::ConstantOp::create(builder, loc, DenseElementsAttr::get(offsets, ArrayRef<int64_t>(numbers)));
  Value strides = vector::BroadcastOp::create(builder, loc, offsets, stride);
  Value steps = arith::MulIOp::create(builder, loc, lane, strides);
  Value base = addressOf(builder, loc, pointer, offset, stored);
  auto pointers = VectorType::get({lanes}, pointer.getType());
  return LLVM::GEPOp::create(builder, loc, pointers, stored, base, ArrayRef<LLVM::GEPArg>{steps});
}

Value allLanes(OpBuilder &builder, Location loc, int64_t lanes) {
  return arith::ConstantOp::create(builder, loc,
                                   DenseElementsAttr::get(VectorType::get({lanes}, builder.getI1Type()), true));
}

Value zeroOf(OpBuilder &builder, Location loc, Type type) {
  return arith::ConstantOp::create(builder, loc, builder.getZeroAttr(type));
}

void lowerLoad(TileLoadOp load, bool gpu) {
  OpBuilder builder(load);
  Location loc = load.getLoc();
  int64_t lanes = lanesOf(load.getType());
  Type stored = gpu ? load.getStored() : bitsOf(load.getStored()), type = rowType(lanes, stored);
  auto alignment = builder.getI32IntegerAttr(stored.getIntOrFloatBitWidth() / 8);
  Value mask = rowMask(builder, loc, lanes, load.getLimits(), load.getCoefficients());
  Value value;
  if (lanes > 1 && !isOne(load.getStrides()[0])) {
    Value addresses =
        laneAddresses(builder, loc, load.getPointer(), load.getOffset(), load.getStrides()[0], lanes, stored);
    value = LLVM::masked_gather::create(builder, loc, type, addresses, mask ? mask : allLanes(builder, loc, lanes),
                                        zeroOf(builder, loc, type), alignment);
  } else {
    Value pointer = addressOf(builder, loc, load.getPointer(), load.getOffset(), stored);
    if (load.getAligned()) {
      value = loadPlain(builder, loc, type, pointer, load.getAligned());
      // The first address is good, and the row is inside its limits as a whole or not at all.
      if (mask && lanes > 1)
        value = arith::SelectOp::create(builder, loc, mask, value, zeroOf(builder, loc, type));
    } else if (mask && lanes > 1)
      value = LLVM::MaskedLoadOp::create(builder, loc, type, pointer, mask, zeroOf(builder, loc, type), alignment);
    else
      value = loadPlain(builder, loc, type, pointer);
    // A single element's address is good also outside its limits (ssm-unroll-tiles sees to it): no branch.
    if (mask && lanes == 1)
      value = arith::SelectOp::create(builder, loc, mask, value, zeroOf(builder, loc, type));
  }
  value = fromBits(builder, loc, value, rowType(lanes, load.getStored()));
  load.replaceAllUsesWith(convertStored(builder, loc, value, getElementTypeOrSelf(load.getType()), gpu));
  load.erase();
}

/// A single element under a mask: a store of a vector of one, which needs no control flow here.
void storeElement(OpBuilder &builder, TileStoreOp store, Value value, Value mask) {
  Location loc = store.getLoc();
  Type stored = value.getType();
  Value pointer = addressOf(builder, loc, store.getPointer(), store.getOffset(), stored);
  if (!mask)
    return storePlain(builder, loc, value, pointer);
  auto asRow = [&](Value scalar) {
    return vector::BroadcastOp::create(builder, loc, VectorType::get({1}, scalar.getType()), scalar);
  };
  LLVM::MaskedStoreOp::create(builder, loc, asRow(value), pointer, asRow(mask),
                              builder.getI32IntegerAttr(stored.getIntOrFloatBitWidth() / 8));
}

void storeRow(OpBuilder &builder, TileStoreOp store, Value value, Value mask, int64_t lanes) {
  Location loc = store.getLoc();
  Type stored = getElementTypeOrSelf(value.getType());
  Value stride = store.getStrides()[0];
  auto alignment = builder.getI32IntegerAttr(stored.getIntOrFloatBitWidth() / 8);
  if (!isOne(stride)) {
    Value addresses = laneAddresses(builder, loc, store.getPointer(), store.getOffset(), stride, lanes, stored);
    LLVM::masked_scatter::create(builder, loc, value, addresses, mask ? mask : allLanes(builder, loc, lanes),
                                 alignment);
    return;
  }
  Value pointer = addressOf(builder, loc, store.getPointer(), store.getOffset(), stored);
  if (mask && store.getAligned()) {
    // All of the row or nothing.
    Value any = vector::ExtractOp::create(builder, loc, mask, int64_t(0));
    OpBuilder inner =
        OpBuilder::atBlockTerminator(scf::IfOp::create(builder, loc, any, /*withElseRegion=*/false).thenBlock());
    storePlain(inner, loc, value, pointer, store.getAligned());
  } else if (mask) {
    LLVM::MaskedStoreOp::create(builder, loc, value, pointer, mask, alignment);
  } else {
    storePlain(builder, loc, value, pointer, store.getAligned());
  }
}

void lowerStore(TileStoreOp store, bool gpu) {
  OpBuilder builder(store);
  int64_t lanes = lanesOf(store.getValue().getType());
  Value mask = rowMask(builder, store.getLoc(), lanes, store.getLimits(), store.getCoefficients());
  Value value = convertStored(builder, store.getLoc(), store.getValue(), store.getStored(), gpu);
  if (!gpu)
    value = toBits(builder, store.getLoc(), value);
  if (lanes > 1)
    storeRow(builder, store, value, mask, lanes);
  else
    storeElement(builder, store, value, mask);
  store.erase();
}

/// How many bytes of an access of `elements` from element `first` of a row on are within the limits; null where all
/// are.
Value bytesInside(OpBuilder &builder, TileCopyOp copy, int64_t first, int64_t elements) {
  Location loc = copy.getLoc();
  auto constant = [&](int64_t value) {
    return arith::ConstantOp::create(builder, loc, builder.getI64IntegerAttr(value));
  };
  Value count;
  for (auto [number, limit] : llvm::enumerate(copy.getLimits())) {
    int64_t along = copy.getCoefficientsOf(number).back();
    Value inside;
    if (along > 0) {
      Value left = arith::SubIOp::create(builder, loc, limit, constant(first));
      inside = arith::MinSIOp::create(builder, loc, arith::MaxSIOp::create(builder, loc, left, constant(0)),
                                      constant(elements));
    } else {
      // All of an access or nothing.
      Value is = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::slt, constant(along * first), limit);
      inside = arith::SelectOp::create(builder, loc, is, constant(elements), constant(0));
    }
    count = count ? Value(arith::MinSIOp::create(builder, loc, count, inside)) : inside;
  }
  if (!count)
    return count;
  Value bytes = arith::MulIOp::create(builder, loc, count, constant(copy.getStored().getIntOrFloatBitWidth() / 8));
  return arith::TruncIOp::create(builder, loc, builder.getI32Type(), bytes);
}

/// A row is so many accesses. Those of 16 bytes leave the first-level cache out.
void lowerCopy(TileCopyOp copy) {
  OpBuilder builder(copy);
  Location loc = copy.getLoc();
  Type stored = copy.getStored();
  int64_t bytes = copy.getAligned(), elements = bytes * 8 / stored.getIntOrFloatBitWidth();
  auto global = LLVM::LLVMPointerType::get(builder.getContext(), unsigned(NVVM::NVVMMemorySpace::Global));
  auto cache = bytes == 16 ? NVVM::LoadCacheModifierKind::CG : NVVM::LoadCacheModifierKind::CA;
  Value source = addressOf(builder, loc, copy.getSource(), copy.getOffset(), stored);
  source = LLVM::AddrSpaceCastOp::create(builder, loc, global, source);
  Value target = addressOf(builder, loc, copy.getTarget(), copy.getPlace(), stored);
  for (int64_t first = 0; first < copy.getShape().back(); first += elements) {
    Value at = arith::ConstantOp::create(builder, loc, builder.getI64IntegerAttr(first));
    NVVM::CpAsyncOp::create(builder, loc, first ? addressOf(builder, loc, target, at, stored) : target,
                            first ? addressOf(builder, loc, source, at, stored) : source, bytes, cache,
                            bytesInside(builder, copy, first, elements));
  }
  copy.erase();
}

struct LowerMoves : ssm::impl::LowerMovesBase<LowerMoves> {
  using LowerMovesBase::LowerMovesBase;

  void runOnOperation() override {
    SmallVector<TileLoadOp> loads;
    SmallVector<TileStoreOp> stores;
    SmallVector<TileCopyOp> copies;
    getOperation().walk([&](Operation *op) {
      if (auto load = dyn_cast<TileLoadOp>(op))
        loads.push_back(load);
      else if (auto store = dyn_cast<TileStoreOp>(op))
        stores.push_back(store);
      else if (auto copy = dyn_cast<TileCopyOp>(op))
        copies.push_back(copy);
    });
    for (TileLoadOp load : loads)
      lowerLoad(load, gpu);
    for (TileStoreOp store : stores)
      lowerStore(store, gpu);
    for (TileCopyOp copy : copies)
      lowerCopy(copy);
  }
};
} // namespace
