#include "tools/ssmc/KernelCall.h"
#include "codegen/binding/Binding.h"

using namespace mlir;
using namespace ssm;

/// Tensors at their stored types; those that have them already are passed as they are.
static void convert(RecurrenceOp recurrence, const RunArguments &arguments, KernelArguments &passed) {
  for (auto input : recurrence.getBody().front().getOps<InputOp>())
    if (auto it = arguments.inputs.find(input.getName().str()); it != arguments.inputs.end())
      passed.inputs.emplace(it->first, it->second.convert(dtypeOf(*input.getStored())));
  for (const State &state : getStates(recurrence))
    if (auto it = arguments.states.find(state.name.str()); it != arguments.states.end())
      passed.initialStates.emplace(it->first, it->second.convert(dtypeOf(state.stored)));
}

static llvm::Error allocate(RecurrenceOp recurrence, const RunArguments &arguments, KernelArguments &passed) {
  auto add = [](std::map<std::string, Tensor> &tensors, StringRef name, Type stored,
                std::optional<Shape> shape) -> llvm::Error {
    if (!shape)
      return llvm::createStringError("the size of '" + name + "' is not known, or too large");
    Result<Tensor> tensor = Tensor::allocate(dtypeOf(stored), *shape);
    if (!tensor)
      return llvm::createStringError("'" + name + "': " + tensor.error());
    tensors.emplace(name.str(), std::move(*tensor));
    return llvm::Error::success();
  };
  for (auto output : recurrence.getBody().front().getOps<OutputOp>())
    if (llvm::Error error = add(passed.outputs, output.getName(), *output.getStored(),
                                shapeOf(recurrence, output.getLayout(), arguments.sizes)))
      return error;
  for (const State &state : getStates(recurrence))
    if (state.depth > 0)
      if (llvm::Error error =
              add(passed.finalStates, state.name, state.stored, shapeOf(recurrence, state, arguments.sizes)))
        return error;
  return llvm::Error::success();
}

/// What no row writes stays in the pool, and a state that is updated in place is one array.
static void keepPool(RecurrenceOp recurrence, KernelArguments &passed) {
  RowPlan rows(recurrence);
  for (auto &[name, final] : passed.finalStates) {
    auto given = passed.initialStates.find(name);
    if (given == passed.initialStates.end() || (!rows.hasPool() && !rows.isInPlace()))
      continue;
    final.copyFrom(given->second);
    if (rows.isInPlace())
      given->second = final;
  }
}

llvm::Expected<KernelArguments> ssm::kernelArguments(RecurrenceOp recurrence, const RunArguments &arguments) {
  KernelArguments passed;
  passed.parameters = arguments.params;
  passed.sizes = arguments.sizes;
  passed.rows = arguments.rows;
  convert(recurrence, arguments, passed);
  if (llvm::Error error = allocate(recurrence, arguments, passed))
    return error;
  keepPool(recurrence, passed);
  return passed;
}
