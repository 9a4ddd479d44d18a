// From f64, in which level 0 is written and folded, to the type in which the kernels compute; Passes.td has the
// contract.

#include "dialect/DimensionAnalysis.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Complex/IR/Complex.h"
#include "passes/ComputeType.h"
#include "passes/Passes.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/Support/DebugLog.h"

#define DEBUG_TYPE "ssm-narrow"

namespace ssm {
#define GEN_PASS_DEF_NARROW
#include "passes/Passes.h.inc"
} // namespace ssm

using namespace mlir;
using namespace ssm;

static Type narrowType(Type type, FloatType compute) {
  if (auto complex = dyn_cast<ComplexType>(type))
    return ComplexType::get(narrowType(complex.getElementType(), compute));
  return type.isF64() ? Type(compute) : type;
}

/// `value` rounded to `type`; null, with an error at `op`, if that makes a finite number infinite.
static FloatAttr roundNumber(Operation &op, FloatAttr value, FloatType type) {
  APFloat rounded = value.getValue();
  bool exact;
  rounded.convert(type.getFloatSemantics(), APFloat::rmNearestTiesToEven, &exact);
  if (rounded.isFinite() || !value.getValue().isFinite())
    return FloatAttr::get(type, rounded);
  SmallString<32> digits;
  value.getValue().toString(digits, /*FormatPrecision=*/6);
  op.emitOpError("has the value ") << digits << ", which is not finite in " << type
                                   << "; store an input or a state as f64 to compute in f64";
  return {};
}

/// `value` with each f64 in it rounded to `compute`; null on an error.
static Attribute roundConstant(Operation &op, Attribute value, FloatType compute) {
  if (auto number = dyn_cast<FloatAttr>(value))
    return number.getType().isF64() ? roundNumber(op, number, compute) : number;
  auto parts = dyn_cast<ArrayAttr>(value);
  if (!parts)
    return value;
  SmallVector<Attribute> rounded;
  for (Attribute part : parts) {
    rounded.push_back(roundConstant(op, part, compute));
    if (!rounded.back())
      return {};
  }
  return ArrayAttr::get(op.getContext(), rounded);
}

namespace {
/// Values that do not vary in time stay f64: where something that varies reads one, it reads the rounded value. An
/// input is stored in no more bits than the compute type, so one that nothing else reads is loaded as that at once.
class Rounder {
public:
  Rounder(RecurrenceOp recurrence, FloatType compute)
      : recurrence(recurrence), compute(compute), dims(recurrence), builder(recurrence) {}

  LogicalResult run() {
    Block &body = recurrence.getBody().front();
    for (Operation &op : body)
      if (isInvariant(op))
        kept.insert(&op);
    for (auto input : body.getOps<InputOp>())
      if (kept.contains(input) && isOnlyRounded(input))
        release(input);
    for (Operation &op : llvm::make_early_inc_range(body))
      if (failed(kept.contains(&op) ? success() : narrow(op)))
        return failure();
    for (Operation *op : llvm::reverse(replaced))
      if (op->use_empty())
        op->erase();
    return success();
  }

private:
  bool isInvariant(Operation &op) { return op.getNumResults() && !dims.variesInTime(op.getResult(0)); }

  /// Whether nothing reads a value of f64, be it through renames and flips, in f64.
  bool isOnlyRounded(Value value) {
    return llvm::all_of(value.getUsers(), [&](Operation *user) {
      return !kept.contains(user) || (isa<RenameOp, FlipOp>(user) && isOnlyRounded(user->getResult(0)));
    });
  }

  void release(Operation *op) {
    if (kept.erase(op))
      for (Operation *user : op->getUsers())
        release(user);
  }

  LogicalResult narrow(Operation &op) {
    if (isa<arith::BitcastOp, complex::BitcastOp>(op))
      return op.emitOpError("reads the bits of a number, which ssm-narrow would change");
    for (OpOperand &operand : op.getOpOperands()) {
      Value value = operand.get();
      if (narrowType(value.getType(), compute) == value.getType())
        continue;
      Value rounded = roundedOf(value);
      if (!rounded)
        return failure();
      operand.set(rounded);
    }
    for (OpResult result : op.getResults())
      result.setType(narrowType(result.getType(), compute));
    // A conversion between two widths that have become one.
    if (isa<arith::ExtFOp, arith::TruncFOp>(op) && op.getOperand(0).getType() == op.getResult(0).getType()) {
      op.replaceAllUsesWith(op.getOperands());
      op.erase();
    }
    return success();
  }

  /// The value in the compute type, made once, where the value is.
  Value roundedOf(Value value) {
    Value &result = rounded[value];
    if (result)
      return result;
    Operation *op = value.getDefiningOp();
    builder.setInsertionPointAfter(op);
    if (isa<arith::ConstantOp, complex::ConstantOp>(op)) {
      replaced.insert(op);
      Operation *copy = builder.clone(*op);
      Attribute number = roundConstant(*copy, copy->getAttr("value"), compute);
      if (!number)
        return {};
      copy->setAttr("value", number);
      copy->getResult(0).setType(narrowType(value.getType(), compute));
      return result = copy->getResult(0);
    }
    if (auto param = dyn_cast<ParamOp>(op); param && !roundNumber(*op, param.getDefaultValueAttr(), compute))
      return {};
    return result = round(value);
  }

  Value round(Value value) {
    Location loc = value.getLoc();
    Type type = narrowType(value.getType(), compute);
    if (!isa<ComplexType>(type))
      return arith::TruncFOp::create(builder, loc, type, value);
    Value re = complex::ReOp::create(builder, loc, value), im = complex::ImOp::create(builder, loc, value);
    re = arith::TruncFOp::create(builder, loc, compute, re);
    return complex::CreateOp::create(builder, loc, type, re, arith::TruncFOp::create(builder, loc, compute, im));
  }

  RecurrenceOp recurrence;
  FloatType compute;
  DimensionAnalysis dims;
  OpBuilder builder;
  /// What stays f64.
  llvm::DenseSet<Operation *> kept;
  llvm::DenseMap<Value, Value> rounded;
  llvm::SetVector<Operation *> replaced;
};

struct Narrow : ssm::impl::NarrowBase<Narrow> {
  using NarrowBase::NarrowBase;

  void runOnOperation() override {
    FloatType compute = computeType(getOperation());
    LDBG() << getOperation().getName() << " computes in " << compute;
    if (!compute.isF64() && failed(Rounder(getOperation(), compute).run()))
      signalPassFailure();
  }
};
} // namespace
