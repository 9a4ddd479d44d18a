// Replaces elementary functions by arithmetic; Passes.td has the contract, docs/math.md errors and edge values.

#include "dialect/Ssm.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "passes/MathFunctions.h"
#include "passes/Passes.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/ADT/TypeSwitch.h"
#include <limits>

namespace ssm {
#define GEN_PASS_DEF_EXPANDMATH
#include "passes/Passes.h.inc"
} // namespace ssm

using namespace mlir;
using ssm::Formula;
using ssm::MathTarget;
using ssm::Real;
using ssm::Truth;

//===----------------------------------------------------------------------===//
// Rounding and classification
//===----------------------------------------------------------------------===//

static Real expandCeil(Real x) { return -floor(-x); }
static Real expandTrunc(Real x) { return copySign(floor(abs(x)), x); }
/// Halves go away from zero. The fraction is exact, which |x| + 1/2 is not.
static Real expandRound(Real x) {
  Real magnitude = abs(x), whole = floor(magnitude);
  return copySign(whole + select(magnitude - whole >= 0.5, x.formula->constant(1), 0.0), x);
}

static constexpr double infinity = std::numeric_limits<double>::infinity();
static Truth isInfinite(Real x) { return abs(x) == infinity; }
static Truth isFinite(Real x) { return abs(x) < infinity; }
static Truth isNormal(Real x) { return isFinite(x) & (abs(x) >= x.formula->smallestNormal()); }

/// As math.clampf: the lower bound wins, NaN stays NaN.
static Real clamp(Real x, Real low, Real high) {
  Formula &f = *x.formula;
  Value upper = arith::MinimumFOp::create(f.builder, f.loc, x.value, high.value, f.flags);
  return f.real(arith::MaximumFOp::create(f.builder, f.loc, upper, low.value, f.flags));
}

//===----------------------------------------------------------------------===//
// From operations to formulas
//===----------------------------------------------------------------------===//

using Function = Real (*)(Real);

static const llvm::StringMap<Function> &functions() {
  static const llvm::StringMap<Function> table = {
      {math::ExpOp::getOperationName(), ssm::exp},          {math::Exp2Op::getOperationName(), ssm::exp2},
      {math::ExpM1Op::getOperationName(), ssm::expm1},      {math::LogOp::getOperationName(), ssm::log},
      {math::Log2Op::getOperationName(), ssm::log2},        {math::Log10Op::getOperationName(), ssm::log10},
      {math::Log1pOp::getOperationName(), ssm::log1p},      {math::CbrtOp::getOperationName(), ssm::cbrt},
      {math::SinhOp::getOperationName(), ssm::sinh},        {math::CoshOp::getOperationName(), ssm::cosh},
      {math::TanhOp::getOperationName(), ssm::tanh},        {math::AsinhOp::getOperationName(), ssm::asinh},
      {math::AcoshOp::getOperationName(), ssm::acosh},      {math::AtanhOp::getOperationName(), ssm::atanh},
      {math::SinOp::getOperationName(), ssm::sin},          {math::CosOp::getOperationName(), ssm::cos},
      {math::TanOp::getOperationName(), ssm::tan},          {math::AsinOp::getOperationName(), ssm::asin},
      {math::AcosOp::getOperationName(), ssm::acos},        {math::AtanOp::getOperationName(), ssm::atan},
      {math::ErfOp::getOperationName(), ssm::erf},          {math::ErfcOp::getOperationName(), ssm::erfc},
      {math::RsqrtOp::getOperationName(), ssm::rsqrt},      {math::CeilOp::getOperationName(), expandCeil},
      {math::TruncOp::getOperationName(), expandTrunc},     {math::RoundOp::getOperationName(), expandRound},
      {ssm::SoftplusOp::getOperationName(), ssm::softplus}, {ssm::SigmoidOp::getOperationName(), ssm::sigmoid},
      {ssm::SiluOp::getOperationName(), ssm::silu},         {ssm::ReluOp::getOperationName(), ssm::relu},
      {ssm::GeluOp::getOperationName(), ssm::gelu},
  };
  return table;
}

/// What replaces the operation's results; nothing where there is no formula.
static SmallVector<Value> expand(Operation *op, Formula &f) {
  auto operand = [&](unsigned i) { return f.real(op->getOperand(i)); };
  if (auto function = functions().lookup(op->getName().getStringRef()))
    return {function(operand(0)).value};
  return llvm::TypeSwitch<Operation *, SmallVector<Value>>(op)
      .Case([&](math::PowFOp) { return SmallVector<Value>{ssm::pow(operand(0), operand(1)).value}; })
      .Case([&](math::Atan2Op) { return SmallVector<Value>{ssm::atan2(operand(0), operand(1)).value}; })
      .Case([&](math::ClampFOp) { return SmallVector<Value>{clamp(operand(0), operand(1), operand(2)).value}; })
      .Case([&](math::SincosOp) {
        auto [sine, cosine] = ssm::sincos(operand(0));
        return SmallVector<Value>{sine.value, cosine.value};
      })
      .Case([&](math::IsNaNOp) { return SmallVector<Value>{isNaN(operand(0)).value}; })
      .Case([&](math::IsInfOp) { return SmallVector<Value>{isInfinite(operand(0)).value}; })
      .Case([&](math::IsFiniteOp) { return SmallVector<Value>{isFinite(operand(0)).value}; })
      .Case([&](math::IsNormalOp) { return SmallVector<Value>{isNormal(operand(0)).value}; })
      .Default([](Operation *) { return SmallVector<Value>(); });
}

/// What processors do themselves.
static bool isPrimitive(Operation *op) {
  return isa<math::FmaOp, math::RoundEvenOp, math::SqrtOp, math::AbsFOp, math::FloorOp, math::CopySignOp>(op);
}

/// Whether the operation is one that this pass removes: activations, and all of math on numbers but the primitives.
static bool needsExpansion(Operation *op) {
  if (isa<ssm::SoftplusOp, ssm::SigmoidOp, ssm::SiluOp, ssm::ReluOp, ssm::GeluOp>(op))
    return true;
  if (!isa_and_nonnull<math::MathDialect>(op->getDialect()))
    return false;
  return !isPrimitive(op) && isa<FloatType>(getElementTypeOrSelf(op->getOperand(0).getType()));
}

static bool isExpandable(Type type) {
  Type element = type;
  if (auto vector = dyn_cast<VectorType>(type)) {
    if (vector.isScalable())
      return false;
    element = vector.getElementType();
  }
  return element.isF32() || element.isF64();
}

static LogicalResult replace(Operation *op, MathTarget target, bool contract, ssm::ExponentialSplit *split) {
  Type type = op->getOperand(0).getType();
  if (!isExpandable(type))
    return op->emitOpError() << "cannot be expanded on " << type << ", only on f32, f64 and fixed vectors of them";
  OpBuilder builder(op);
  Formula formula(builder, op->getLoc(), type, target, contract, split);
  SmallVector<Value> results = expand(op, formula);
  if (results.empty())
    return op->emitOpError("has no expansion into arithmetic");
  op->replaceAllUsesWith(results);
  op->erase();
  return success();
}

/// A sigmoid of x and one of -x in one block, as gates have them: both are made of one exponential, at the first of the
/// two. Takes them out of `found`.
static void replacePairs(SmallVectorImpl<Operation *> &found, MathTarget target, bool contract) {
  llvm::MapVector<std::pair<Value, Block *>, Operation *> ofPositive;
  for (Operation *op : found)
    if (isa<ssm::SigmoidOp>(op) && isExpandable(op->getResult(0).getType()))
      ofPositive[{op->getOperand(0), op->getBlock()}] = op;
  llvm::DenseSet<Operation *> done;
  for (Operation *op : found) {
    auto negation = isa<ssm::SigmoidOp>(op) ? op->getOperand(0).getDefiningOp<arith::NegFOp>() : nullptr;
    Operation *positive = negation ? ofPositive.lookup({negation.getOperand(), op->getBlock()}) : nullptr;
    if (!positive || done.contains(positive))
      continue;
    OpBuilder builder(op->isBeforeInBlock(positive) ? op : positive);
    Formula formula(builder, op->getLoc(), op->getResult(0).getType(), target, contract);
    ssm::BothSigmoids both = ssm::sigmoids(formula.real(negation.getOperand()));
    positive->getResult(0).replaceAllUsesWith(both.ofX.value);
    op->getResult(0).replaceAllUsesWith(both.ofNegative.value);
    done.insert(op);
    done.insert(positive);
  }
  llvm::erase_if(found, [&](Operation *op) { return done.contains(op); });
  for (Operation *op : done)
    op->erase();
}

/// Upstream's conversion to NVVM makes library calls of all of math, fma included, and of LLVM's own operations for
/// most; it leaves intrinsics alone. Vectors of more than one axis, which they do not take, stay as they are.
static void makeIntrinsic(Operation *op) {
  auto name = llvm::TypeSwitch<Operation *, llvm::StringRef>(op)
                  .Case([](math::RoundEvenOp) { return "llvm.roundeven"; })
                  .Case([](math::SqrtOp) { return "llvm.sqrt"; })
                  .Case([](math::AbsFOp) { return "llvm.fabs"; })
                  .Case([](math::FloorOp) { return "llvm.floor"; })
                  .Case([](math::CopySignOp) { return "llvm.copysign"; })
                  .Default([](Operation *) { return ""; });
  OpBuilder builder(op);
  Value result;
  if (isa<math::FmaOp>(op))
    result = LLVM::FMAOp::create(builder, op->getLoc(), op->getResultTypes(), op->getOperands());
  else
    result = LLVM::CallIntrinsicOp::create(builder, op->getLoc(), op->getResult(0).getType(),
                                           builder.getStringAttr(name), op->getOperands())
                 .getResult(0);
  op->getResult(0).replaceAllUsesWith(result);
  op->erase();
}

namespace {
struct ExpandMath : ssm::impl::ExpandMathBase<ExpandMath> {
  using ExpandMathBase::ExpandMathBase;

  void runOnOperation() override {
    std::optional<MathTarget> place = llvm::StringSwitch<std::optional<MathTarget>>(target)
                                          .Case("cpu", MathTarget::Cpu)
                                          .Case("avx512", MathTarget::Avx512)
                                          .Case("nvptx", MathTarget::Nvptx)
                                          .Default(std::nullopt);
    if (!place) {
      getOperation()->emitError() << "ssm-expand-math: unknown target '" << target
                                  << "', expected cpu, avx512 or nvptx";
      return signalPassFailure();
    }
    SmallVector<Operation *> found;
    getOperation()->walk([&](Operation *op) {
      if (needsExpansion(op))
        found.push_back(op);
      else if (contract && isa<arith::AddFOp, arith::SubFOp, arith::MulFOp, arith::DivFOp, arith::NegFOp>(op))
        allowContraction(cast<arith::ArithFastMathInterface>(op));
    });
    std::optional<ssm::ExponentialSplit> split;
    if (auto wanted = getOperation()->getAttrOfType<IntegerAttr>("ssm.polynomials"))
      split.emplace(wanted.getInt());
    // Special functions are cheap, so that a GPU gains nothing.
    if (*place != MathTarget::Nvptx)
      replacePairs(found, *place, contract);
    for (Operation *op : found)
      if (failed(replace(op, *place, contract, split ? &*split : nullptr)))
        signalPassFailure();
    if (split)
      getOperation()->setAttr("ssm.exponentials",
                              DenseI64ArrayAttr::get(&getContext(), {split->special, split->polynomials}));
    if (*place == MathTarget::Nvptx)
      getOperation()->walk([&](Operation *op) {
        if (isPrimitive(op) && LLVM::isCompatibleType(op->getResult(0).getType()))
          makeIntrinsic(op);
      });
  }

  static void allowContraction(arith::ArithFastMathInterface op) {
    arith::FastMathFlags flags = op.getFastMathFlagsAttr().getValue() | arith::FastMathFlags::contract;
    op->setAttr(op.getFastMathAttrName(), arith::FastMathFlagsAttr::get(op.getContext(), flags));
  }
};
} // namespace
