// Loads and stores of rows to memory operations. Passes.td has the contract.

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
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

Value addI(OpBuilder &builder, Location loc, Value a, Value b) {
  return builder.createOrFold<arith::AddIOp>(loc, a, b);
}

Value laneOffset(OpBuilder &builder, Location loc, Value offset, Value stride, int64_t lane) {
  Value number = arith::ConstantOp::create(builder, loc, builder.getI64IntegerAttr(lane));
  return addI(builder, loc, offset, builder.createOrFold<arith::MulIOp>(loc, stride, number));
}

/// One lane at a time, for strides other than 1 and for scalars. A lane outside the mask reads the row's first element,
/// whose address is always good, and becomes 0: no branches. Gathers are no faster than this on today's processors.
Value loadLanes(OpBuilder &builder, TileLoadOp load, int64_t lanes, Value mask) {
  Location loc = load.getLoc();
  Type stored = load.getStored();
  if (lanes == 1)
    return loadPlain(builder, loc, stored, addressOf(builder, loc, load.getPointer(), load.getOffset(), stored));
  Value result = arith::ConstantOp::create(builder, loc, builder.getZeroAttr(rowType(lanes, stored)));
  for (int64_t lane = 0; lane < lanes; ++lane) {
    Value offset = laneOffset(builder, loc, load.getOffset(), load.getStrides()[0], lane);
    if (mask)
      offset = arith::SelectOp::create(builder, loc, vector::ExtractOp::create(builder, loc, mask, lane), offset,
                                       load.getOffset());
    Value element = loadPlain(builder, loc, stored, addressOf(builder, loc, load.getPointer(), offset, stored));
    result = vector::InsertOp::create(builder, loc, element, result, lane);
  }
  return result;
}

void lowerLoad(TileLoadOp load) {
  OpBuilder builder(load);
  Location loc = load.getLoc();
  int64_t lanes = lanesOf(load.getType());
  Type stored = load.getStored(), type = rowType(lanes, stored);
  Value mask = rowMask(builder, loc, lanes, load.getLimits(), load.getCoefficients());
  Value value;
  if (lanes == 1 || !isOne(load.getStrides()[0])) {
    value = loadLanes(builder, load, lanes, mask);
    if (mask)
      value = arith::SelectOp::create(builder, loc, mask, value,
                                      arith::ConstantOp::create(builder, loc, builder.getZeroAttr(type)));
  } else {
    Value pointer = addressOf(builder, loc, load.getPointer(), load.getOffset(), stored);
    if (mask) {
      Value zero = arith::ConstantOp::create(builder, loc, builder.getZeroAttr(type));
      value = LLVM::MaskedLoadOp::create(builder, loc, type, pointer, mask, zero,
                                         builder.getI32IntegerAttr(stored.getIntOrFloatBitWidth() / 8));
    } else {
      value = loadPlain(builder, loc, type, pointer);
    }
  }
  load.replaceAllUsesWith(convertStored(builder, loc, value, getElementTypeOrSelf(load.getType())));
  load.erase();
}

/// Strided or single elements under a mask: a scatter, so that there is no control flow for each lane.
void storeMasked(OpBuilder &builder, TileStoreOp store, Value value, Value mask) {
  Location loc = store.getLoc();
  Type stored = store.getStored();
  unsigned bytes = stored.getIntOrFloatBitWidth() / 8;
  auto row = dyn_cast<VectorType>(value.getType());
  if (!row) {
    Value pointer = addressOf(builder, loc, store.getPointer(), store.getOffset(), stored);
    auto asRow = [&](Value scalar) {
      return vector::BroadcastOp::create(builder, loc, VectorType::get({1}, scalar.getType()), scalar);
    };
    LLVM::MaskedStoreOp::create(builder, loc, asRow(value), pointer, asRow(mask), builder.getI32IntegerAttr(bytes));
    return;
  }
  auto offsets = VectorType::get(row.getShape(), builder.getI64Type());
  SmallVector<int64_t> lanes = llvm::to_vector(llvm::seq(row.getNumElements()));
  Value lane = arith::ConstantOp::create(builder, loc, DenseElementsAttr::get(offsets, ArrayRef<int64_t>(lanes)));
  Value stride = vector::BroadcastOp::create(builder, loc, offsets, store.getStrides()[0]);
  Value base = addressOf(builder, loc, store.getPointer(), store.getOffset(), stored);
  Value offset = arith::MulIOp::create(builder, loc, lane, stride);
  auto pointers = VectorType::get(row.getShape(), store.getPointer().getType());
  Value addresses = LLVM::GEPOp::create(builder, loc, pointers, stored, base, ArrayRef<LLVM::GEPArg>{offset});
  LLVM::masked_scatter::create(builder, loc, value, addresses, mask, builder.getI32IntegerAttr(bytes));
}

void lowerStore(TileStoreOp store) {
  OpBuilder builder(store);
  Location loc = store.getLoc();
  int64_t lanes = lanesOf(store.getValue().getType());
  Type stored = store.getStored();
  Value mask = rowMask(builder, loc, lanes, store.getLimits(), store.getCoefficients());
  Value value = convertStored(builder, loc, store.getValue(), stored);
  if (lanes > 1 && isOne(store.getStrides()[0])) {
    Value pointer = addressOf(builder, loc, store.getPointer(), store.getOffset(), stored);
    if (mask)
      LLVM::MaskedStoreOp::create(builder, loc, value, pointer, mask,
                                  builder.getI32IntegerAttr(stored.getIntOrFloatBitWidth() / 8));
    else
      storePlain(builder, loc, value, pointer);
    store.erase();
    return;
  }
  if (mask)
    storeMasked(builder, store, value, mask);
  else
    for (int64_t lane = 0; lane < lanes; ++lane) {
      Value element = lanes > 1 ? Value(vector::ExtractOp::create(builder, loc, value, lane)) : value;
      Value offset =
          lanes > 1 ? laneOffset(builder, loc, store.getOffset(), store.getStrides()[0], lane) : store.getOffset();
      storePlain(builder, loc, element, addressOf(builder, loc, store.getPointer(), offset, stored));
    }
  store.erase();
}

struct LowerMoves : ssm::impl::LowerMovesBase<LowerMoves> {
  void runOnOperation() override {
    SmallVector<TileLoadOp> loads;
    SmallVector<TileStoreOp> stores;
    getOperation().walk([&](Operation *op) {
      if (auto load = dyn_cast<TileLoadOp>(op))
        loads.push_back(load);
      else if (auto store = dyn_cast<TileStoreOp>(op))
        stores.push_back(store);
    });
    for (TileLoadOp load : loads)
      lowerLoad(load);
    for (TileStoreOp store : stores)
      lowerStore(store);
  }
};
} // namespace
