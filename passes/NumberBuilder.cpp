// Real or complex, one formula: the operation is chosen by the operands' type, and zeros and ones fold on the way.

#include "passes/NumberBuilder.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Complex/IR/Complex.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace ssm;

static bool isComplex(Value value) { return isa<ComplexType>(value.getType()); }

Value NumberBuilder::constant(Type type, double value) {
  auto complexType = dyn_cast<ComplexType>(type);
  if (!complexType)
    return arith::ConstantOp::create(*this, getFloatAttr(type, value));
  Type element = complexType.getElementType();
  ArrayAttr parts = getArrayAttr({getFloatAttr(element, value), getFloatAttr(element, 0)});
  return complex::ConstantOp::create(*this, type, parts);
}

Value NumberBuilder::add(Value a, Value b) {
  if (!a || !b)
    return a ? a : b;
  return isComplex(a) ? createOrFold<complex::AddOp>(a, b) : createOrFold<arith::AddFOp>(a, b);
}

Value NumberBuilder::sub(Value a, Value b) {
  if (!a || !b)
    return a ? a : neg(b);
  return isComplex(a) ? createOrFold<complex::SubOp>(a, b) : createOrFold<arith::SubFOp>(a, b);
}

Value NumberBuilder::neg(Value a) {
  if (!a)
    return a;
  return isComplex(a) ? createOrFold<complex::NegOp>(a) : createOrFold<arith::NegFOp>(a);
}

Value NumberBuilder::mul(Value a, Value b) {
  if (!a || !b)
    return {};
  // Folders look for the constant on the right.
  if (matchPattern(a, m_Constant()))
    std::swap(a, b);
  return isComplex(a) ? createOrFold<complex::MulOp>(a, b) : createOrFold<arith::MulFOp>(a, b);
}

Value NumberBuilder::div(Value a, Value b) {
  if (!a)
    return a;
  return isComplex(a) ? createOrFold<complex::DivOp>(a, b) : createOrFold<arith::DivFOp>(a, b);
}

Value NumberBuilder::select(Value condition, Value a, Value b) {
  a = a ? a : constant(b.getType(), 0);
  b = b ? b : constant(a.getType(), 0);
  return createOrFold<arith::SelectOp>(condition, a, b);
}

Value NumberBuilder::exp(Value a) {
  return isComplex(a) ? createOrFold<complex::ExpOp>(a) : createOrFold<math::ExpOp>(a);
}

Value NumberBuilder::scale(Value factor, Value a) {
  if (!factor || !a || isComplex(factor) || !isComplex(a))
    return mul(a, factor);
  return complex(mul(re(a), factor), mul(im(a), factor));
}

Value NumberBuilder::re(Value a) { return a && isComplex(a) ? createOrFold<complex::ReOp>(a) : a; }

Value NumberBuilder::im(Value a) { return a && isComplex(a) ? createOrFold<complex::ImOp>(a) : Value(); }

Value NumberBuilder::complex(Value a, Value b) {
  a = a ? a : constant(b.getType(), 0);
  b = b ? b : constant(a.getType(), 0);
  auto type = ComplexType::get(a.getType());
  Attribute re, im;
  if (matchPattern(a, m_Constant(&re)) && matchPattern(b, m_Constant(&im)))
    return complex::ConstantOp::create(*this, type, getArrayAttr({re, im}));
  return createOrFold<complex::CreateOp>(type, a, b);
}
