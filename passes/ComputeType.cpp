// The rule that says in which type a recurrence computes; specialize and narrow both stand on it.

#include "passes/ComputeType.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

FloatType ssm::computeType(RecurrenceOp recurrence) {
  for (Operation &op : recurrence.getBody().front()) {
    Type stored = llvm::TypeSwitch<Operation *, Type>(&op)
                      .Case<InputOp, PreviousOp, DelayOp>([](auto held) { return held.getStored().value_or(Type()); })
                      .Default(Type());
    if (auto complex = dyn_cast_if_present<ComplexType>(stored))
      stored = complex.getElementType();
    if (stored && stored.isF64())
      return Float64Type::get(recurrence.getContext());
  }
  return Float32Type::get(recurrence.getContext());
}
