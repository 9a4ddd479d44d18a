#include "passes/Formula.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Utils/IndexingUtils.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/BuiltinTypes.h"
#include <bit>
#include <cfloat>

using namespace mlir;
using ssm::Bits;
using ssm::Formula;
using ssm::Real;
using ssm::Term;
using ssm::Truth;

Formula::Formula(OpBuilder &builder, Location loc, Type type, MathTarget target, bool contract, ExponentialSplit *split)
    : builder(builder), loc(loc), type(type), target(target),
      flags(contract ? arith::FastMathFlags::contract : arith::FastMathFlags::none),
      width(getElementTypeOrSelf(type).getIntOrFloatBitWidth()), split(split) {
  assert((width == 32 || width == 64) && "f32 or f64");
  bitsType = builder.getIntegerType(width);
  if (auto vector = dyn_cast<VectorType>(type))
    bitsType = vector.clone(bitsType);
}

double Formula::smallestNormal() const { return isDouble() ? DBL_MIN : FLT_MIN; }

Real Formula::constant(double value) {
  Value &cached = constants[{true, std::bit_cast<uint64_t>(value)}];
  if (!cached)
    cached = createScalarOrSplatConstant(builder, loc, type,
                                         builder.getFloatAttr(getElementTypeOrSelf(type), value).getValue());
  return {this, cached};
}

Bits Formula::bitsConstant(int64_t value) {
  Value &cached = constants[{false, static_cast<uint64_t>(value)}];
  if (!cached)
    cached = createScalarOrSplatConstant(builder, loc, bitsType,
                                         APInt(width, value, /*isSigned=*/true, /*implicitTrunc=*/true));
  return {this, cached};
}

Bits Formula::bitsConstantOf(double value) {
  return bitsConstant(isDouble() ? std::bit_cast<int64_t>(value)
                                 : int64_t{std::bit_cast<int32_t>(static_cast<float>(value))});
}

Real Formula::eachElement(Real x, llvm::function_ref<Value(OpBuilder &, Location, Value)> function) {
  auto vector = dyn_cast<VectorType>(type);
  if (!vector)
    return real(function(builder, loc, x.value));
  SmallVector<Value> elements;
  SmallVector<int64_t> strides = computeStrides(vector.getShape());
  for (int64_t i = 0; i < vector.getNumElements(); ++i) {
    Value element = vector::ExtractOp::create(builder, loc, x.value, delinearize(i, strides));
    elements.push_back(function(builder, loc, element));
  }
  return real(vector::FromElementsOp::create(builder, loc, vector, elements));
}

bool Formula::hasScaling() const {
  auto vector = dyn_cast<VectorType>(type);
  if (target != MathTarget::Avx512 || !vector || vector.getRank() != 1)
    return false;
  int64_t bits = vector.getNumElements() * width;
  return bits == 128 || bits == 256 || bits % 512 == 0;
}

Real Formula::eachRegister(ArrayRef<Real> operands, StringRef name, std::optional<int32_t> immediate) {
  int64_t elements = cast<VectorType>(type).getNumElements(), part = std::min<int64_t>(elements, 512 / width);
  auto partType = VectorType::get({part}, getElementTypeOrSelf(type));
  auto constantOf = [&](Type integer, int64_t value) -> Value {
    return arith::ConstantOp::create(builder, loc, builder.getIntegerAttr(integer, value));
  };
  std::string full = (name + (isDouble() ? ".pd." : ".ps.") + llvm::Twine(part * width)).str();
  Value result;
  for (int64_t first = 0; first < elements; first += part) {
    SmallVector<Value> arguments;
    for (Real operand : operands)
      arguments.push_back(part == elements ? operand.value
                                           : vector::ExtractStridedSliceOp::create(
                                                 builder, loc, operand.value, ArrayRef<int64_t>{first},
                                                 ArrayRef<int64_t>{part}, ArrayRef<int64_t>{1}));
    Value other = arguments.front();
    if (immediate)
      arguments.push_back(constantOf(builder.getI32Type(), *immediate));
    // What masked elements are (none is), the mask, and the current rounding mode, which full registers alone have.
    arguments.push_back(other);
    arguments.push_back(constantOf(builder.getIntegerType(std::max<int64_t>(part, 8)), -1));
    if (part * width == 512)
      arguments.push_back(constantOf(builder.getI32Type(), 4));
    Value made =
        LLVM::CallIntrinsicOp::create(builder, loc, partType, builder.getStringAttr(full), arguments).getResult(0);
    if (part == elements)
      return real(made);
    if (!result)
      result = constant(0).value;
    result = vector::InsertStridedSliceOp::create(builder, loc, made, result, ArrayRef<int64_t>{first},
                                                  ArrayRef<int64_t>{1});
  }
  return real(result);
}

//===----------------------------------------------------------------------===//
// Numbers
//===----------------------------------------------------------------------===//

template <typename Op> static Real arithmetic(Real a, Term b) {
  Formula &f = *a.formula;
  return f.real(Op::create(f.builder, f.loc, a.value, f.get(b).value, f.flags));
}
Real ssm::operator+(Real a, Term b) { return arithmetic<arith::AddFOp>(a, b); }
Real ssm::operator-(Real a, Term b) { return arithmetic<arith::SubFOp>(a, b); }
Real ssm::operator*(Real a, Term b) { return arithmetic<arith::MulFOp>(a, b); }
Real ssm::operator/(Real a, Term b) { return arithmetic<arith::DivFOp>(a, b); }
Real ssm::operator+(double a, Real b) { return b.formula->constant(a) + b; }
Real ssm::operator-(double a, Real b) { return b.formula->constant(a) - b; }
Real ssm::operator*(double a, Real b) { return b * a; }
Real ssm::operator/(double a, Real b) { return b.formula->constant(a) / b; }

Real ssm::operator-(Real a) {
  Formula &f = *a.formula;
  return f.real(arith::NegFOp::create(f.builder, f.loc, a.value, f.flags));
}

Real ssm::fma(Real a, Term b, Term c) {
  Formula &f = *a.formula;
  return f.real(math::FmaOp::create(f.builder, f.loc, a.value, f.get(b).value, f.get(c).value));
}

Real ssm::roundedProduct(Real a, Term b) { return fma(a, b, -0.0); }

Real ssm::abs(Real x) { return x.formula->real(math::AbsFOp::create(x.formula->builder, x.formula->loc, x.value)); }
Real ssm::floor(Real x) { return x.formula->real(math::FloorOp::create(x.formula->builder, x.formula->loc, x.value)); }
Real ssm::sqrt(Real x) { return x.formula->real(math::SqrtOp::create(x.formula->builder, x.formula->loc, x.value)); }

Real ssm::copySign(Real magnitude, Real sign) {
  Formula &f = *magnitude.formula;
  return f.real(math::CopySignOp::create(f.builder, f.loc, magnitude.value, sign.value));
}

Real ssm::reciprocal(Real x) {
  if (!x.formula->hasSpecialFunctions())
    return 1.0 / x;
  return x.formula->eachElement(x, [](OpBuilder &builder, Location loc, Value element) -> Value {
    return NVVM::RcpApproxFtzF32Op::create(builder, loc, element.getType(), element);
  });
}

// 9: with the integer at or below taken off, whatever the rounding mode, and without raising an exception.
Real ssm::fractionAboveFloor(Real x) { return x.formula->eachRegister({x}, "llvm.x86.avx512.mask.reduce", 9); }
Real ssm::timesPowerOfFloor(Real x, Real n) { return x.formula->eachRegister({x, n}, "llvm.x86.avx512.mask.scalef"); }

Real ssm::polynomial(Real x, ArrayRef<double> coefficients) {
  Real sum = x.formula->constant(coefficients.back());
  for (double c : llvm::reverse(coefficients.drop_back()))
    sum = fma(sum, x, c);
  return sum;
}

//===----------------------------------------------------------------------===//
// Truth and choice
//===----------------------------------------------------------------------===//

static Truth compare(arith::CmpFPredicate predicate, Real a, Term b) {
  Formula &f = *a.formula;
  return {&f, arith::CmpFOp::create(f.builder, f.loc, predicate, a.value, f.get(b).value)};
}
Truth ssm::operator<(Real a, Term b) { return compare(arith::CmpFPredicate::OLT, a, b); }
Truth ssm::operator<=(Real a, Term b) { return compare(arith::CmpFPredicate::OLE, a, b); }
Truth ssm::operator>(Real a, Term b) { return compare(arith::CmpFPredicate::OGT, a, b); }
Truth ssm::operator>=(Real a, Term b) { return compare(arith::CmpFPredicate::OGE, a, b); }
Truth ssm::operator==(Real a, Term b) { return compare(arith::CmpFPredicate::OEQ, a, b); }
Truth ssm::isNaN(Real x) { return compare(arith::CmpFPredicate::UNO, x, x); }

Truth ssm::operator&(Truth a, Truth b) {
  return {a.formula, arith::AndIOp::create(a.formula->builder, a.formula->loc, a.value, b.value)};
}
Truth ssm::operator|(Truth a, Truth b) {
  return {a.formula, arith::OrIOp::create(a.formula->builder, a.formula->loc, a.value, b.value)};
}
Truth ssm::operator!(Truth a) {
  Formula &f = *a.formula;
  Value all = createScalarOrSplatConstant(f.builder, f.loc, a.value.getType(), /*value=*/1);
  return {&f, arith::XOrIOp::create(f.builder, f.loc, a.value, all)};
}

static Truth compare(arith::CmpIPredicate predicate, Bits a, int64_t b) {
  Formula &f = *a.formula;
  return {&f, arith::CmpIOp::create(f.builder, f.loc, predicate, a.value, f.bitsConstant(b).value)};
}
Truth ssm::operator==(Bits a, int64_t b) { return compare(arith::CmpIPredicate::eq, a, b); }
Truth ssm::operator<(Bits a, int64_t b) { return compare(arith::CmpIPredicate::slt, a, b); }

Real ssm::select(Truth condition, Real a, Term b) {
  Formula &f = *a.formula;
  return f.real(arith::SelectOp::create(f.builder, f.loc, condition.value, a.value, f.get(b).value));
}

// x86's minimum and maximum return the second operand where one is NaN, which is `bound > x ? bound : x` exactly;
// PTX has them with NaN instead, for f32.
Real ssm::atLeast(Real x, double bound) {
  Formula &f = *x.formula;
  if (f.hasSpecialFunctions())
    return f.real(arith::MaximumFOp::create(f.builder, f.loc, x.value, f.constant(bound).value));
  return select(f.constant(bound) > x, f.constant(bound), x);
}
Real ssm::atMost(Real x, double bound) {
  Formula &f = *x.formula;
  if (f.hasSpecialFunctions())
    return f.real(arith::MinimumFOp::create(f.builder, f.loc, x.value, f.constant(bound).value));
  return select(f.constant(bound) < x, f.constant(bound), x);
}

//===----------------------------------------------------------------------===//
// Bits
//===----------------------------------------------------------------------===//

Bits ssm::bitsOf(Real x) {
  Formula &f = *x.formula;
  return {&f, arith::BitcastOp::create(f.builder, f.loc, f.bitsType, x.value)};
}
Real ssm::realOf(Bits x) {
  return x.formula->real(arith::BitcastOp::create(x.formula->builder, x.formula->loc, x.formula->type, x.value));
}
Real ssm::toReal(Bits x) {
  Formula &f = *x.formula;
  if (!f.isDouble())
    return f.real(arith::SIToFPOp::create(f.builder, f.loc, f.type, x.value));
  // Few processors convert vectors of 64-bit integers: added to the bits of 1.5·2^52 they are its lowest bits.
  constexpr double magic = 0x1.8p52;
  return realOf(x + f.bitsConstantOf(magic)) - magic;
}

template <typename Op> static Bits integer(Bits a, Bits b) {
  return {a.formula, Op::create(a.formula->builder, a.formula->loc, a.value, b.value)};
}
Bits ssm::operator+(Bits a, Bits b) { return integer<arith::AddIOp>(a, b); }
Bits ssm::operator-(Bits a, Bits b) { return integer<arith::SubIOp>(a, b); }
Bits ssm::operator^(Bits a, Bits b) { return integer<arith::XOrIOp>(a, b); }
Bits ssm::operator&(Bits a, int64_t mask) { return integer<arith::AndIOp>(a, a.formula->bitsConstant(mask)); }
Bits ssm::operator<<(Bits a, int by) { return integer<arith::ShLIOp>(a, a.formula->bitsConstant(by)); }
Bits ssm::operator>>(Bits a, int by) { return integer<arith::ShRSIOp>(a, a.formula->bitsConstant(by)); }
