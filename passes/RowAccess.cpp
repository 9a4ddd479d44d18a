// What loads, stores and copies of rows have in common: conversions, masks, addresses.

#include "passes/RowAccess.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace ssm;

/// `like` with another element type: a vector of the same shape, or a scalar.
static Type withElement(Type like, Type element) {
  auto vector = dyn_cast<VectorType>(like);
  return vector ? Type(vector.clone(element)) : element;
}

/// bf16 is the upper half of an f32.
static Value widenBf16(OpBuilder &builder, Location loc, Value value) {
  Type half = withElement(value.getType(), builder.getI16Type());
  Type word = withElement(value.getType(), builder.getI32Type());
  Value bits = arith::BitcastOp::create(builder, loc, half, value);
  Value wide = arith::ExtUIOp::create(builder, loc, word, bits);
  Value shifted = arith::ShLIOp::create(builder, loc, wide, createScalarOrSplatConstant(builder, loc, word, 16));
  return arith::BitcastOp::create(builder, loc, withElement(value.getType(), builder.getF32Type()), shifted);
}

static bool isOfPairs(Value value) {
  auto type = dyn_cast<VectorType>(value.getType());
  return type && type.getRank() == 1 && type.getNumElements() % 2 == 0;
}

/// Two bf16 that come as a word: the lower one is shifted up, of the upper one the rest is masked away. Taken apart
/// first, the upper one would take two operations.
static Value widenPairs(OpBuilder &builder, Location loc, Value value) {
  int64_t pairs = cast<VectorType>(value.getType()).getNumElements() / 2;
  auto words = VectorType::get({pairs}, builder.getI32Type()), numbers = VectorType::get({pairs}, builder.getF32Type());
  Value bits = vector::BitCastOp::create(builder, loc, words, value);
  Value lower = arith::ShLIOp::create(builder, loc, bits, createScalarOrSplatConstant(builder, loc, words, 16));
  Value upper = arith::AndIOp::create(builder, loc, bits, createScalarOrSplatConstant(builder, loc, words, 0xffff0000));
  return vector::InterleaveOp::create(builder, loc, arith::BitcastOp::create(builder, loc, numbers, lower),
                                      arith::BitcastOp::create(builder, loc, numbers, upper));
}

/// Adds half a unit in the last place, less one where the kept part is even, and keeps the upper half. NaN could carry
/// into infinity that way, so it becomes the quiet NaN.
static Value narrowBf16(OpBuilder &builder, Location loc, Value value) {
  Type word = withElement(value.getType(), builder.getI32Type());
  Value bits = arith::BitcastOp::create(builder, loc, word, value);
  Value sixteen = createScalarOrSplatConstant(builder, loc, word, 16);
  Value odd = arith::AndIOp::create(builder, loc, arith::ShRUIOp::create(builder, loc, bits, sixteen),
                                    createScalarOrSplatConstant(builder, loc, word, 1));
  Value bias = arith::AddIOp::create(builder, loc, odd, createScalarOrSplatConstant(builder, loc, word, 0x7fff));
  Value rounded = arith::ShRUIOp::create(builder, loc, arith::AddIOp::create(builder, loc, bits, bias), sixteen);
  Value isNan = arith::CmpFOp::create(builder, loc, arith::CmpFPredicate::UNO, value, value);
  Value kept =
      arith::SelectOp::create(builder, loc, isNan, createScalarOrSplatConstant(builder, loc, word, 0x7fc0), rounded);
  Value half = arith::TruncIOp::create(builder, loc, withElement(value.getType(), builder.getI16Type()), kept);
  return arith::BitcastOp::create(builder, loc, withElement(value.getType(), builder.getBF16Type()), half);
}

/// Rounds f64 to f32 so that a rounding after it to fewer digits is the one of the f64: what is not exact is cut, and
/// the last digit set.
static Value narrowToOdd(OpBuilder &builder, Location loc, Value value) {
  Type word = withElement(value.getType(), builder.getI32Type()), wide = value.getType();
  Value nearest = arith::TruncFOp::create(builder, loc, withElement(wide, builder.getF32Type()), value);
  Value back = arith::ExtFOp::create(builder, loc, wide, nearest);
  // The order of sizes is that of the bits without the sign.
  auto size = [&](Value number) {
    Type bits = withElement(wide, builder.getI64Type());
    return arith::AndIOp::create(builder, loc, arith::BitcastOp::create(builder, loc, bits, number),
                                 createScalarOrSplatConstant(builder, loc, bits, std::numeric_limits<int64_t>::max()));
  };
  Value isBeyond = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::ugt, size(back), size(value));
  Value isInexact = arith::CmpFOp::create(builder, loc, arith::CmpFPredicate::ONE, back, value);
  auto number = [&](Value whether) { return arith::ExtUIOp::create(builder, loc, word, whether); };
  Value bits = arith::BitcastOp::create(builder, loc, word, nearest);
  Value cut = arith::SubIOp::create(builder, loc, bits, number(isBeyond));
  return arith::BitcastOp::create(builder, loc, nearest.getType(),
                                  arith::OrIOp::create(builder, loc, cut, number(isInexact)));
}

Value ssm::convertStored(OpBuilder &builder, Location loc, Value value, Type element, bool gpu) {
  Type from = getElementTypeOrSelf(value.getType()), f32 = builder.getF32Type();
  if (from == element)
    return value;
  if (from.isBF16())
    return convertStored(builder, loc,
                         gpu && isOfPairs(value) ? widenPairs(builder, loc, value) : widenBf16(builder, loc, value),
                         element);
  // No x86-64 processor has an instruction from f64 to f16, and none to bf16.
  if (from.isF64() && (element.isBF16() || (element.isF16() && !gpu)))
    return convertStored(builder, loc, narrowToOdd(builder, loc, value), element, gpu);
  if (element.isBF16() && !(gpu && from.isF32()))
    return narrowBf16(builder, loc, convertStored(builder, loc, value, f32));
  Type result = withElement(value.getType(), element);
  if (from.getIntOrFloatBitWidth() < element.getIntOrFloatBitWidth())
    return arith::ExtFOp::create(builder, loc, result, value);
  return arith::TruncFOp::create(builder, loc, result, value);
}

Value ssm::rowMask(OpBuilder &builder, Location loc, int64_t lanes, ValueRange limits, ArrayAttr coefficients) {
  Value mask;
  for (auto [limit, list] : llvm::zip_equal(limits, coefficients.getAsRange<DenseI64ArrayAttr>())) {
    Value inside;
    int64_t coefficient = list.empty() ? 0 : list[0];
    if (lanes == 1 || coefficient == 0) {
      Value zero = arith::ConstantOp::create(builder, loc, builder.getI64IntegerAttr(0));
      inside = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::slt, zero, limit);
      if (lanes > 1)
        inside = vector::BroadcastOp::create(builder, loc, VectorType::get({lanes}, builder.getI1Type()), inside);
    } else {
      auto type = VectorType::get({lanes}, builder.getI64Type());
      SmallVector<int64_t> numbers =
          llvm::map_to_vector(llvm::seq(lanes), [&](int64_t lane) { return lane * coefficient; });
      Value lane = arith::ConstantOp::create(builder, loc, DenseElementsAttr::get(type, ArrayRef<int64_t>(numbers)));
      Value end = vector::BroadcastOp::create(builder, loc, type, limit);
      inside = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::slt, lane, end);
    }
    mask = mask ? Value(arith::AndIOp::create(builder, loc, mask, inside)) : inside;
  }
  return mask;
}

Value ssm::addressOf(OpBuilder &builder, Location loc, Value pointer, Value offset, Type element) {
  return LLVM::GEPOp::create(builder, loc, pointer.getType(), element, pointer, ArrayRef<LLVM::GEPArg>{offset});
}

static unsigned bytesOf(Type type) { return getElementTypeOrSelf(type).getIntOrFloatBitWidth() / 8; }

Type ssm::bitsOf(Type type) {
  return getElementTypeOrSelf(type).isBF16() ? withElement(type, IntegerType::get(type.getContext(), 16)) : type;
}

Value ssm::toBits(OpBuilder &builder, Location loc, Value value) {
  Type bits = bitsOf(value.getType());
  return bits == value.getType() ? value : Value(arith::BitcastOp::create(builder, loc, bits, value));
}

Value ssm::fromBits(OpBuilder &builder, Location loc, Value bits, Type type) {
  return bits.getType() == type ? bits : Value(arith::BitcastOp::create(builder, loc, type, bits));
}

Value ssm::loadPlain(OpBuilder &builder, Location loc, Type type, Value address, std::optional<uint64_t> aligned) {
  return LLVM::LoadOp::create(builder, loc, type, address, aligned.value_or(bytesOf(type)));
}

void ssm::storePlain(OpBuilder &builder, Location loc, Value value, Value address, std::optional<uint64_t> aligned) {
  LLVM::StoreOp::create(builder, loc, value, address, aligned.value_or(bytesOf(value.getType())));
}

int64_t ssm::timesCounted(Value offset, scf::ForOp loop) {
  if (offset == loop.getInductionVar())
    return 1;
  Operation *op = offset.getDefiningOp();
  if (!loop->isProperAncestor(offset.getParentBlock()->getParentOp()) && offset.getParentBlock() != loop.getBody())
    return 0;
  // The number of a loop inside goes its own way, from where it begins.
  if (auto inner = scf::getForInductionVarOwner(offset))
    return timesCounted(inner.getLowerBound(), loop);
  if (!op || !isMemoryEffectFree(op))
    return 2;
  int64_t times = 0;
  for (Value operand : op->getOperands())
    times += timesCounted(operand, loop);
  return isa<arith::AddIOp>(op) || times == 0 ? times : 2;
}

std::optional<int64_t> ssm::turnsOf(scf::ForOp loop) {
  std::optional<int64_t> from = getConstantIntValue(loop.getLowerBound()),
                         to = getConstantIntValue(loop.getUpperBound()), step = getConstantIntValue(loop.getStep());
  if (!from || !to || !step || *step <= 0)
    return std::nullopt;
  return llvm::divideCeil(std::max<int64_t>(*to - *from, 0), *step);
}

Type ssm::rowType(int64_t lanes, Type element) {
  return lanes == 1 ? element : Type(VectorType::get({lanes}, element));
}
