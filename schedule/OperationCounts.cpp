// What a time step computes. A multiplication whose only use is an addition is one FMA with it.

#include "schedule/OperationCounts.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace ssm;

StringRef ssm::nameOf(OperationKind kind) {
  switch (kind) {
  case OperationKind::Arithmetic:
    return "arithmetic";
  case OperationKind::Division:
    return "division";
  case OperationKind::Special:
    return "special";
  case OperationKind::Reduction:
    return "reduction";
  }
  llvm_unreachable("all kinds are named");
}

void OperationCounts::add(OperationKind kind, DimSet dims, double count, double arithmetic) {
  for (Entry &entry : entries)
    if (entry.kind == kind && entry.dims == dims) {
      entry.count += count;
      entry.arithmetic += arithmetic;
      return;
    }
  entries.push_back({kind, dims, count, arithmetic});
}

namespace {
/// How many special functions an operation takes on a GPU, and how long its formula is in arithmetic on a CPU.
struct Cost {
  OperationKind kind;
  double count, arithmetic;
};
} // namespace

static bool joinsAddition(Operation &op) {
  return op.getResult(0).hasOneUse() && isa<arith::AddFOp, arith::SubFOp>(*op.getUsers().begin());
}

static std::optional<Cost> costOf(Operation &op) {
  using Kind = OperationKind;
  return llvm::TypeSwitch<Operation *, std::optional<Cost>>(&op)
      .Case(
          [&](arith::MulFOp) { return joinsAddition(op) ? std::nullopt : std::optional(Cost{Kind::Arithmetic, 1, 1}); })
      .Case<arith::AddFOp, arith::SubFOp, arith::NegFOp, arith::MaximumFOp, arith::MinimumFOp, arith::MaxNumFOp,
            arith::MinNumFOp, arith::CmpFOp, arith::SelectOp, math::AbsFOp, math::FloorOp, math::CopySignOp,
            math::FmaOp, ReluOp>([](auto) { return Cost{Kind::Arithmetic, 1, 1}; })
      .Case<arith::DivFOp, math::SqrtOp, math::RsqrtOp>([](auto) { return Cost{Kind::Division, 1, 8}; })
      // One exponential, and one logarithm or quotient with it.
      .Case<SoftplusOp, SigmoidOp, SiluOp, math::TanhOp>([](auto) { return Cost{Kind::Special, 2, 20}; })
      .Case<math::ExpOp, math::Exp2Op, math::LogOp, math::Log2Op, math::ExpM1Op>(
          [](auto) { return Cost{Kind::Special, 1, 10}; })
      .Case<GeluOp>([](auto) { return Cost{Kind::Special, 2, 30}; })
      .Case<SumOp, MaxOp, MeanOp>([](auto) { return Cost{Kind::Reduction, 1, 1}; })
      .Default([](Operation *other) -> std::optional<Cost> {
        if (other->getDialect()->getNamespace() == "math")
          return Cost{Kind::Special, 1, 20};
        return std::nullopt;
      });
}

OperationCounts ssm::countOperations(RecurrenceOp recurrence, const DimensionAnalysis &dims) {
  OperationCounts counts;
  for (Operation &op : recurrence.getBody().front()) {
    if (op.getNumResults() == 0 || !dims.variesInTime(op.getResult(0)))
      continue;
    std::optional<Cost> cost = costOf(op);
    if (!cost)
      continue;
    DimSet set = dims.of(op.getResult(0));
    if (cost->kind == OperationKind::Reduction)
      set = dims.of(op.getOperand(0));
    counts.add(cost->kind, set, cost->count, cost->arithmetic);
  }
  return counts;
}
