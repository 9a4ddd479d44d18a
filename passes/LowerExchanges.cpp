// Values of other threads by shuffles and shared memory. Passes.td has the contract.

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "passes/Passes.h"
#include "schedule/Placement.h"

namespace ssm {
#define GEN_PASS_DEF_LOWEREXCHANGES
#include "passes/Passes.h.inc"
} // namespace ssm

using namespace mlir;
using namespace ssm;

namespace {
/// Shared memory that one exchange takes at most; larger ones are made in several.
constexpr int64_t maxBytes = 32 << 10;

class Exchanges {
public:
  explicit Exchanges(func::FuncOp kernel)
      : kernel(kernel), threads(kernel->getAttrOfType<IntegerAttr>("ssm.threads").getInt()),
        builder(kernel.getLoc(), kernel.getContext()) {}

  void run() {
    SmallVector<TileExchangeOp> exchanges;
    kernel.walk([&](TileExchangeOp exchange) { exchanges.push_back(exchange); });
    llvm::for_each(exchanges, [&](TileExchangeOp &exchange) { exchange = byElement(exchange); });
    if (exchanges.empty())
      return;
    builder.setInsertionPointToStart(&kernel.getBody().front());
    thread = TilePlaceOp::create(builder, builder.getI64Type(), "thread");
    if (llvm::any_of(exchanges, [](TileExchangeOp exchange) { return exchange.getWarp(); }))
      mask = warpMask();
    for (TileExchangeOp exchange : exchanges) {
      builder.setLoc(exchange.getLoc());
      builder.setInsertionPoint(exchange);
      exchange.replaceAllUsesWith(exchange.getWarp() ? shuffle(exchange) : share(exchange));
      exchange.erase();
    }
    if (shared)
      shared.setBytes(bytes);
  }

private:
  Value constant(int64_t value) { return arith::ConstantOp::create(builder, builder.getI64IntegerAttr(value)); }
  Value constant32(int32_t value) { return arith::ConstantOp::create(builder, builder.getI32IntegerAttr(value)); }

  /// An exchange of rows as one of their elements.
  TileExchangeOp byElement(TileExchangeOp exchange) {
    if (!isa<VectorType>(exchange.getValues()[0].getType()))
      return exchange;
    builder.setLoc(exchange.getLoc());
    builder.setInsertionPoint(exchange);
    SmallVector<Value> elements;
    SmallVector<Type> types;
    for (Value row : exchange.getValues())
      for (int64_t element = 0; element < cast<VectorType>(row.getType()).getNumElements(); ++element)
        elements.push_back(vector::ExtractOp::create(builder, row, element));
    for (size_t source = 0; source < exchange.getSources().size(); ++source)
      llvm::append_range(types, ValueRange(elements).getTypes());
    auto result = TileExchangeOp::create(builder, types, exchange.getWarp(), elements, exchange.getSources());
    ValueRange parts = result.getResults();
    for (Value row : exchange.getResults()) {
      auto type = cast<VectorType>(row.getType());
      ValueRange own = parts.take_front(type.getNumElements());
      parts = parts.drop_front(own.size());
      row.replaceAllUsesWith(vector::FromElementsOp::create(builder, type, own));
    }
    exchange.erase();
    return result;
  }

  //===--------------------------------------------------------------------===//
  // Shuffles
  //===--------------------------------------------------------------------===//

  /// The lanes of this thread's warp that there are: the last warp may be in part.
  Value warpMask() {
    Value full = constant32(-1);
    int64_t rest = threads % PeerLevel::warpSize;
    if (rest == 0)
      return full;
    Value isLast = arith::CmpIOp::create(builder, arith::CmpIPredicate::sge, thread, constant(threads - rest));
    return arith::SelectOp::create(builder, isLast, constant32((int64_t(1) << rest) - 1), full);
  }

  SmallVector<Value> shuffle(TileExchangeOp exchange) {
    SmallVector<Value> results;
    for (Value source : exchange.getSources()) {
      Value lane = arith::TruncIOp::create(builder, builder.getI32Type(), source);
      for (Value value : exchange.getValues())
        results.push_back(shuffle(value, lane));
    }
    return results;
  }

  Value shuffleWord(Value word, Value lane) {
    return NVVM::ShflOp::create(builder, word.getType(), mask, word, lane, constant32(PeerLevel::warpSize - 1),
                                NVVM::ShflKind::idx, UnitAttr());
  }

  /// By words of 32 bits.
  Value shuffle(Value value, Value lane) {
    auto type = cast<FloatType>(value.getType());
    Type word = builder.getI32Type(), bits = builder.getIntegerType(type.getWidth());
    if (type.isF32())
      return shuffleWord(value, lane);
    Value whole = arith::BitcastOp::create(builder, bits, value);
    if (type.getWidth() < 32) {
      Value moved = shuffleWord(arith::ExtUIOp::create(builder, word, whole), lane);
      return arith::BitcastOp::create(builder, type, arith::TruncIOp::create(builder, bits, moved));
    }
    Value high = arith::TruncIOp::create(builder, word, arith::ShRUIOp::create(builder, whole, constant(32)));
    Value low = shuffleWord(arith::TruncIOp::create(builder, word, whole), lane);
    Value above = arith::ExtUIOp::create(builder, bits, shuffleWord(high, lane));
    Value moved = arith::OrIOp::create(builder, arith::ShLIOp::create(builder, above, constant(32)),
                                       arith::ExtUIOp::create(builder, bits, low));
    return arith::BitcastOp::create(builder, type, moved);
  }

  //===--------------------------------------------------------------------===//
  // Shared memory
  //===--------------------------------------------------------------------===//

  SmallVector<Value> share(TileExchangeOp exchange) {
    size_t count = exchange.getValues().size();
    SmallVector<Value> results(exchange.getNumResults());
    int64_t width = llvm::divideCeil(getElementTypeOrSelf(exchange.getValues()[0]).getIntOrFloatBitWidth(), 8);
    size_t atOnce = std::max<int64_t>(1, maxBytes / (threads * width));
    for (size_t first = 0; first < count; first += atOnce)
      sharePart(exchange, first, std::min(count, first + atOnce), results);
    return results;
  }

  /// A value of every thread after another, so that the threads of a warp meet all banks.
  Value address(Value number, size_t row, Type type) {
    int64_t width = llvm::divideCeil(type.getIntOrFloatBitWidth(), 8);
    bytes = std::max<int64_t>(bytes, (row + 1) * threads * width);
    Value start = memory();
    if (row != 0)
      start = LLVM::GEPOp::create(builder, start.getType(), type, start,
                                  ArrayRef<LLVM::GEPArg>{static_cast<int32_t>(row * threads)});
    return LLVM::GEPOp::create(builder, start.getType(), type, start, ArrayRef<LLVM::GEPArg>{number});
  }

  void sharePart(TileExchangeOp exchange, size_t first, size_t end, MutableArrayRef<Value> results) {
    OperandRange values = exchange.getValues();
    // What was there before has been read by all.
    gpu::BarrierOp::create(builder);
    for (size_t number = first; number < end; ++number)
      LLVM::StoreOp::create(builder, values[number], address(thread, number - first, values[number].getType()));
    gpu::BarrierOp::create(builder);
    for (auto [place, source] : llvm::enumerate(exchange.getSources()))
      for (size_t number = first; number < end; ++number)
        results[place * values.size() + number] = LLVM::LoadOp::create(
            builder, values[number].getType(), address(source, number - first, values[number].getType()));
  }

  Value memory() {
    if (!shared) {
      OpBuilder::InsertionGuard guard(builder);
      builder.setInsertionPointToStart(&kernel.getBody().front());
      auto pointer = LLVM::LLVMPointerType::get(builder.getContext(), unsigned(NVVM::NVVMMemorySpace::Shared));
      shared = SharedOp::create(builder, pointer, 1);
    }
    return shared;
  }

  func::FuncOp kernel;
  int64_t threads, bytes = 0;
  ImplicitLocOpBuilder builder;
  Value thread, mask;
  SharedOp shared;
};

struct LowerExchanges : ssm::impl::LowerExchangesBase<LowerExchanges> {
  void runOnOperation() override { Exchanges(getOperation()).run(); }
};
} // namespace
