// From graph to level 0, one node after another. Only here do real operands of complex operations get their imaginary
// zero.

#include "frontend/Emitter.h"
#include "dialect/Ssm.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Complex/IR/Complex.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/Builders.h"

using namespace mlir;
using namespace ssm;
using namespace ssm::frontend;
using llvm::SmallVector;
using llvm::StringRef;

namespace {
class Emitter {
public:
  Emitter(const Graph &graph, StringRef file, OpBuilder &builder)
      : graph(graph), file(builder.getStringAttr(file)), builder(builder), real(builder.getF64Type()),
        complex(ComplexType::get(real)), values(graph.nodes.size()) {}

  void run();

private:
  RecurrenceOp emitRecurrence();
  Attribute optionValue(const OptionInfo &option);
  std::vector<bool> findLive() const;
  Value emit(const Node &node);
  Value emitTensorNode(const Node &node);
  Value emitPrevious(const Node &node);
  Value emitDelay(const Node &node);
  Value emitBinary(const Node &node);
  Value emitComparison(const Node &node);
  Value emitReal(const Node &node);
  Value emitComplex(const Node &node);
  Value emitSign(Value x);
  void emitEffect(const Node &node);

  Location at(Loc loc) const { return FileLineColLoc::get(file, loc.line, loc.column); }
  StringAttr text(StringRef string) const { return builder.getStringAttr(string); }
  StringAttr dimName(unsigned dim) const { return text(graph.dims[dim].name.text); }
  LayoutAttr layoutOf(const Tensor &tensor) const;
  LayoutAttr layoutOf(DimSet dims) const;
  TypeAttr storedType(const Tensor &tensor) const;
  Type typeOf(const Node &node) const;
  Value number(double value) { return arith::ConstantOp::create(builder, loc, builder.getF64FloatAttr(value)); }
  /// Operand `i` as a complex number.
  Value asComplex(Value value) {
    return isa<ComplexType>(value.getType()) ? value
                                             : complex::CreateOp::create(builder, loc, complex, value, number(0));
  }
  Value operand(const Node &node, unsigned i) const { return values[node.operands[i]]; }

  const Graph &graph;
  StringAttr file;
  OpBuilder &builder;
  Type real;
  ComplexType complex;
  std::vector<Value> values;
  Location loc = builder.getUnknownLoc();
};
} // namespace

//===----------------------------------------------------------------------===//
// The recurrence
//===----------------------------------------------------------------------===//

Attribute Emitter::optionValue(const OptionInfo &option) {
  switch (option.kind) {
  case OptionInfo::Kind::Truth:
    return builder.getBoolAttr(option.truth);
  case OptionInfo::Kind::Number:
    return builder.getF64FloatAttr(option.number);
  case OptionInfo::Kind::Word:
    return text(option.word);
  }
  return {};
}

RecurrenceOp Emitter::emitRecurrence() {
  SmallVector<Attribute> dims;
  for (const Dim &dim : graph.dims)
    dims.push_back(DimAttr::get(builder.getContext(), text(dim.name.text),
                                dim.size < 0 ? std::nullopt : std::optional<int64_t>(dim.size),
                                dim.like.empty() ? StringAttr() : text(dim.like)));
  SmallVector<NamedAttribute> options;
  for (const OptionInfo &option : graph.options)
    options.push_back(builder.getNamedAttr(option.name.text, optionValue(option)));
  return RecurrenceOp::create(builder, at(graph.name.loc), graph.name.text, builder.getArrayAttr(dims),
                              options.empty() ? DictionaryAttr() : builder.getDictionaryAttr(options),
                              graph.dims[graph.scan].name.text, graph.reverse,
                              graph.reverseIf.empty() ? StringAttr() : text(graph.reverseIf),
                              graph.comment.empty() ? StringAttr() : text(graph.comment));
}

/// Numbers that only served as sizes, defaults or counts leave no operation behind.
std::vector<bool> Emitter::findLive() const {
  std::vector<bool> live(graph.nodes.size());
  for (NodeId id = graph.nodes.size(); id-- > 1;) {
    const Node &node = graph.nodes[id];
    live[id] = live[id] || !node.fixed;
    if (live[id])
      for (NodeId operand : node.operands)
        live[operand] = true;
  }
  return live;
}

void Emitter::run() {
  OpBuilder::InsertionGuard guard(builder);
  RecurrenceOp recurrence = emitRecurrence();
  builder.setInsertionPointToStart(&recurrence.getBody().emplaceBlock());
  std::vector<bool> live = findLive();
  for (NodeId id = 1; id < graph.nodes.size(); ++id) {
    if (!live[id])
      continue;
    loc = at(graph.nodes[id].loc);
    values[id] = emit(graph.nodes[id]);
  }
}

//===----------------------------------------------------------------------===//
// Tensors
//===----------------------------------------------------------------------===//

LayoutAttr Emitter::layoutOf(const Tensor &tensor) const {
  SmallVector<SmallVector<StringRef>> axes;
  for (ArrayRef<unsigned> axis : tensor.axes)
    axes.push_back(llvm::map_to_vector(axis, [&](unsigned dim) { return graph.dims[dim].name.text; }));
  return LayoutAttr::get(builder.getContext(), axes);
}

/// Layout of a hidden state: an axis a dimension, in order of declaration.
LayoutAttr Emitter::layoutOf(DimSet dims) const {
  SmallVector<SmallVector<StringRef>> axes;
  for (unsigned dim = 0; dim < graph.dims.size(); ++dim)
    if (dims.contains(dim) && dim != graph.scan)
      axes.push_back({graph.dims[dim].name.text});
  return LayoutAttr::get(builder.getContext(), axes);
}

TypeAttr Emitter::storedType(const Tensor &tensor) const {
  Type type = llvm::StringSwitch<Type>(tensor.stored)
                  .Case("f32", builder.getF32Type())
                  .Case("f64", builder.getF64Type())
                  .Case("bf16", builder.getBF16Type())
                  .Case("f16", builder.getF16Type())
                  .Case("complex<f32>", ComplexType::get(builder.getF32Type()))
                  .Case("complex<f64>", complex)
                  .Default(Type());
  return type ? TypeAttr::get(type) : TypeAttr();
}

Type Emitter::typeOf(const Node &node) const {
  switch (node.type) {
  case ValueType::Truth:
    return builder.getI1Type();
  case ValueType::Complex:
    return complex;
  default:
    return real;
  }
}

Value Emitter::emitPrevious(const Node &node) {
  const StateInfo &state = graph.states[node.index];
  LayoutAttr layout = state.isDeclared() ? layoutOf(state.tensor) : layoutOf(node.dims);
  StringAttr seed = state.seed ? text(graph.states[*state.seed].tensor.name.text) : StringAttr();
  return PreviousOp::create(builder, loc, typeOf(node), state.tensor.name.text, layout, storedType(state.tensor),
                            node.back, seed);
}

Value Emitter::emitDelay(const Node &node) {
  return DelayOp::create(builder, loc, typeOf(node), node.name, operand(node, 0), graph.dims[node.dim].name.text,
                         layoutOf(graph.nodes[node.operands[0]].dims), TypeAttr());
}

/// States and outputs: what a step leaves behind.
void Emitter::emitEffect(const Node &node) {
  if (node.kind == Node::Kind::Next) {
    NextOp::create(builder, loc, graph.states[node.index].tensor.name.text, operand(node, 0));
  } else if (node.kind == Node::Kind::Initial) {
    InitialOp::create(builder, loc, node.name, operand(node, 0));
  } else {
    const Tensor &tensor = graph.outputs[node.index];
    OutputOp::create(builder, loc, node.name, operand(node, 0), layoutOf(tensor), storedType(tensor));
  }
}

//===----------------------------------------------------------------------===//
// Operations
//===----------------------------------------------------------------------===//

Value Emitter::emitTensorNode(const Node &node) {
  using K = Node::Kind;
  SmallVector<Attribute> over = llvm::map_to_vector(node.over, [&](unsigned dim) -> Attribute { return dimName(dim); });
  switch (node.kind) {
  case K::Input: {
    const Tensor &input = graph.inputs[node.index];
    return InputOp::create(builder, loc, typeOf(node), input.name.text, layoutOf(input), storedType(input),
                           input.optional);
  }
  case K::Previous:
    return emitPrevious(node);
  case K::Delay:
    return emitDelay(node);
  case K::Sum:
    return SumOp::create(builder, loc, operand(node, 0), builder.getArrayAttr(over));
  case K::Max:
    return MaxOp::create(builder, loc, operand(node, 0), builder.getArrayAttr(over));
  case K::Mean:
    return MeanOp::create(builder, loc, operand(node, 0), builder.getArrayAttr(over));
  case K::Flip:
    return FlipOp::create(builder, loc, operand(node, 0), dimName(node.dim));
  case K::Rename:
    return RenameOp::create(builder, loc, operand(node, 0), dimName(node.dim), dimName(node.target));
  case K::Index:
    return IndexOp::create(builder, loc, real, dimName(node.dim));
  case K::Size:
    return SizeOp::create(builder, loc, real, dimName(node.dim));
  case K::Derivative:
    return DerivativeOp::create(builder, loc, typeOf(node), node.name, operand(node, 0), operand(node, 1),
                                operand(node, 2), node.word);
  default:
    emitEffect(node);
    return {};
  }
}

Value Emitter::emit(const Node &node) {
  using K = Node::Kind;
  auto truth = [&](bool value) -> Value { return arith::ConstantOp::create(builder, loc, builder.getBoolAttr(value)); };
  switch (node.kind) {
  case K::Number:
    return number(*node.known);
  case K::Truth:
    return truth(node.truth);
  case K::Param:
    return ParamOp::create(builder, loc, real, text(node.name), builder.getF64FloatAttr(node.number));
  case K::Option:
    return OptionOp::create(builder, loc, typeOf(node), node.name, StringAttr());
  case K::OptionIs:
    return OptionOp::create(builder, loc, builder.getI1Type(), node.name, text(node.word));
  case K::IsUnset:
    return arith::CmpFOp::create(builder, loc, arith::CmpFPredicate::UNO, operand(node, 0), operand(node, 0));
  case K::Given:
    return GivenOp::create(builder, loc, builder.getI1Type(), node.name);
  case K::Read:
    return operand(node, 0);
  case K::Cast:
    return node.complex ? asComplex(operand(node, 0)) : operand(node, 0);
  case K::Negate:
    if (node.type == ValueType::Complex)
      return complex::NegOp::create(builder, loc, operand(node, 0));
    return arith::NegFOp::create(builder, loc, operand(node, 0));
  case K::Not:
    return arith::XOrIOp::create(builder, loc, operand(node, 0), truth(true));
  case K::Binary:
    return node.type == ValueType::Truth ? emitComparison(node) : emitBinary(node);
  case K::Call:
    return llvm::any_of(node.operands, [&](NodeId id) { return isa<ComplexType>(values[id].getType()); })
               ? emitComplex(node)
               : emitReal(node);
  case K::Select: {
    Value yes = operand(node, 1), no = operand(node, 2);
    if (node.type == ValueType::Complex) {
      yes = asComplex(yes);
      no = asComplex(no);
    }
    return arith::SelectOp::create(builder, loc, operand(node, 0), yes, no);
  }
  default:
    return emitTensorNode(node);
  }
}

Value Emitter::emitBinary(const Node &node) {
  using E = Expr::Kind;
  Value a = operand(node, 0), b = operand(node, 1);
  if (node.type == ValueType::Complex) {
    a = asComplex(a);
    b = asComplex(b);
    switch (node.binary) {
    case E::Add:
      return complex::AddOp::create(builder, loc, a, b);
    case E::Subtract:
      return complex::SubOp::create(builder, loc, a, b);
    case E::Multiply:
      return complex::MulOp::create(builder, loc, a, b);
    default:
      return complex::DivOp::create(builder, loc, a, b);
    }
  }
  switch (node.binary) {
  case E::Add:
    return arith::AddFOp::create(builder, loc, a, b);
  case E::Subtract:
    return arith::SubFOp::create(builder, loc, a, b);
  case E::Multiply:
    return arith::MulFOp::create(builder, loc, a, b);
  default:
    return arith::DivFOp::create(builder, loc, a, b);
  }
}

Value Emitter::emitComparison(const Node &node) {
  using E = Expr::Kind;
  using P = arith::CmpFPredicate;
  Value a = operand(node, 0), b = operand(node, 1);
  if (node.binary == E::And)
    return arith::AndIOp::create(builder, loc, a, b);
  if (node.binary == E::Or)
    return arith::OrIOp::create(builder, loc, a, b);
  bool isEqual = node.binary == E::Equal;
  if (a.getType().isInteger(1)) {
    Value differ = arith::XOrIOp::create(builder, loc, a, b);
    Value truth = arith::ConstantOp::create(builder, loc, builder.getBoolAttr(true));
    return isEqual ? arith::XOrIOp::create(builder, loc, differ, truth) : differ;
  }
  if (isa<ComplexType>(a.getType()) || isa<ComplexType>(b.getType())) {
    a = asComplex(a);
    b = asComplex(b);
    if (isEqual)
      return complex::EqualOp::create(builder, loc, a, b);
    return complex::NotEqualOp::create(builder, loc, a, b);
  }
  P predicate = node.binary == E::Less           ? P::OLT
                : node.binary == E::LessEqual    ? P::OLE
                : node.binary == E::Greater      ? P::OGT
                : node.binary == E::GreaterEqual ? P::OGE
                : isEqual                        ? P::OEQ
                                                 : P::UNE;
  return arith::CmpFOp::create(builder, loc, predicate, a, b);
}

/// -1, 0 or 1; 0 for what is not a number.
Value Emitter::emitSign(Value x) {
  Value zero = number(0), one = number(1), minusOne = number(-1);
  Value below = arith::CmpFOp::create(builder, loc, arith::CmpFPredicate::OLT, x, zero);
  Value above = arith::CmpFOp::create(builder, loc, arith::CmpFPredicate::OGT, x, zero);
  Value notAbove = arith::SelectOp::create(builder, loc, below, minusOne, zero);
  return arith::SelectOp::create(builder, loc, above, one, notAbove);
}

Value Emitter::emitReal(const Node &node) {
  Value x = operand(node, 0), y = node.operands.size() > 1 ? operand(node, 1) : Value();
  switch (node.function) {
  case Function::Exp:
    return math::ExpOp::create(builder, loc, x);
  case Function::Log:
    return math::LogOp::create(builder, loc, x);
  case Function::Log1p:
    return math::Log1pOp::create(builder, loc, x);
  case Function::Expm1:
    return math::ExpM1Op::create(builder, loc, x);
  case Function::Sqrt:
    return math::SqrtOp::create(builder, loc, x);
  case Function::Rsqrt:
    return math::RsqrtOp::create(builder, loc, x);
  case Function::Abs:
    return math::AbsFOp::create(builder, loc, x);
  case Function::Sign:
    return emitSign(x);
  case Function::Floor:
    return math::FloorOp::create(builder, loc, x);
  case Function::Sin:
    return math::SinOp::create(builder, loc, x);
  case Function::Cos:
    return math::CosOp::create(builder, loc, x);
  case Function::Tanh:
    return math::TanhOp::create(builder, loc, x);
  case Function::Erf:
    return math::ErfOp::create(builder, loc, x);
  case Function::Sigmoid:
    return SigmoidOp::create(builder, loc, x);
  case Function::Silu:
    return SiluOp::create(builder, loc, x);
  case Function::Softplus:
    return SoftplusOp::create(builder, loc, x);
  case Function::Relu:
    return ReluOp::create(builder, loc, x);
  case Function::Gelu:
    return GeluOp::create(builder, loc, x);
  case Function::Min:
    return arith::MinimumFOp::create(builder, loc, x, y);
  case Function::Max:
    return arith::MaximumFOp::create(builder, loc, x, y);
  case Function::Pow:
    return math::PowFOp::create(builder, loc, x, y);
  case Function::Re:
  case Function::Conj:
    return x;
  case Function::Im:
    return number(0);
  case Function::Complex:
    return complex::CreateOp::create(builder, loc, complex, x, y);
  }
  return {};
}

/// The functions that take complex numbers (Builtins.cpp); the checks let no other come here.
Value Emitter::emitComplex(const Node &node) {
  Value z = asComplex(operand(node, 0));
  switch (node.function) {
  case Function::Exp:
    return complex::ExpOp::create(builder, loc, z);
  case Function::Log:
    return complex::LogOp::create(builder, loc, z);
  case Function::Log1p:
    return complex::Log1pOp::create(builder, loc, z);
  case Function::Expm1:
    return complex::Expm1Op::create(builder, loc, z);
  case Function::Sqrt:
    return complex::SqrtOp::create(builder, loc, z);
  case Function::Rsqrt:
    return complex::RsqrtOp::create(builder, loc, z);
  case Function::Abs:
    return complex::AbsOp::create(builder, loc, real, z);
  case Function::Sin:
    return complex::SinOp::create(builder, loc, z);
  case Function::Cos:
    return complex::CosOp::create(builder, loc, z);
  case Function::Tanh:
    return complex::TanhOp::create(builder, loc, z);
  case Function::Pow:
    return complex::PowOp::create(builder, loc, z, asComplex(operand(node, 1)));
  case Function::Re:
    return complex::ReOp::create(builder, loc, real, z);
  case Function::Im:
    return complex::ImOp::create(builder, loc, real, z);
  case Function::Conj:
    return complex::ConjOp::create(builder, loc, z);
  default:
    return {};
  }
}

void ssm::frontend::emit(const Graph &graph, StringRef file, OpBuilder &builder) {
  Emitter(graph, file, builder).run();
}
