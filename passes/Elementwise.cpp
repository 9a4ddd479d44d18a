// What threads may compute anew of inputs.

#include "passes/Elementwise.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

using namespace mlir;
using namespace ssm;

bool ssm::isElementwise(Operation *op) {
  return op->getNumResults() == 1 && op->getNumRegions() == 0 && isMemoryEffectFree(op) &&
         !isa<InputOp, PreviousOp, BeforeOp, ScanOp, FinalOp, SumOp, MaxOp, MeanOp, RenameOp, FlipOp, DelayOp, IndexOp>(
             op) &&
         !isa<ComplexType>(op->getResult(0).getType()) &&
         llvm::none_of(op->getOperandTypes(), [](Type type) { return isa<ComplexType>(type); });
}

bool ComputableValues::contains(Value value) {
  if (auto it = known.find(value); it != known.end())
    return it->second;
  Operation *op = value.getDefiningOp();
  bool result =
      (isa<InputOp>(op) && !isa<ComplexType>(value.getType())) ||
      (isElementwise(op) && llvm::all_of(op->getOperands(), [&](Value operand) { return contains(operand); }));
  return known[value] = result;
}
