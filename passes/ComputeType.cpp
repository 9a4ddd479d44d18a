// The rule that says in which type a recurrence computes; specialize and narrow both stand on it.

#include "passes/ComputeType.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

static bool isF64(Type stored) {
  auto complex = dyn_cast_if_present<ComplexType>(stored);
  return complex ? complex.getElementType().isF64() : stored && stored.isF64();
}

FloatType ssm::computeType(RecurrenceOp recurrence) {
  auto computesInF64 = [](Operation &op) {
    return llvm::TypeSwitch<Operation *, bool>(&op)
        .Case<InputOp, PreviousOp, DelayOp>([](auto held) { return isF64(held.getStored().value_or(Type())); })
        .Case([](ScanOp scan) {
          return llvm::any_of(scan.getStates().getAsRange<StateAttr>(),
                              [](StateAttr state) { return isF64(state.getStored()); });
        })
        .Default(false);
  };
  MLIRContext *context = recurrence.getContext();
  if (llvm::any_of(recurrence.getBody().front(), computesInF64))
    return Float64Type::get(context);
  return Float32Type::get(context);
}
