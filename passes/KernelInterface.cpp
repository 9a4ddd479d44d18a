// What a kernel is called with; the host that launches and the pass that builds it share this one order.

#include "passes/KernelInterface.h"

using namespace mlir;
using namespace ssm;

KernelInterface ssm::getKernelInterface(RecurrenceOp recurrence) {
  using Role = KernelTensor::Role;
  KernelInterface interface;
  Block &body = recurrence.getBody().front();
  auto storedOf = [](std::optional<Type> stored, Type value) { return stored.value_or(value); };
  for (auto input : body.getOps<InputOp>())
    interface.tensors.push_back(
        {Role::Input, input.getName().str(), input.getLayout(), storedOf(input.getStored(), input.getType())});
  for (auto output : body.getOps<OutputOp>())
    interface.tensors.push_back({Role::Output, output.getName().str(), output.getLayout(),
                                 storedOf(output.getStored(), output.getValue().getType())});
  for (Role role : {Role::InitialState, Role::FinalState})
    for (const State &state : getStates(recurrence))
      if (state.depth != 0)
        interface.tensors.push_back(
            {role, state.name.str(), state.layout, state.stored ? state.stored : state.type, state.depth});
  for (auto param : body.getOps<ParamOp>())
    interface.parameters.emplace_back(param.getName().str(), param.getDefaultValue().convertToDouble());
  for (auto dim : recurrence.getDims().getAsRange<DimAttr>())
    if (!dim.getLike())
      interface.sizes.push_back(dim.getName().str());
  return interface;
}

int64_t ssm::countTasks(const Placement &placement, ArrayRef<int64_t> sizes) {
  int64_t tasks = 1;
  for (auto [place, size] : llvm::zip_equal(placement.places, sizes))
    if (place.grid)
      tasks *= llvm::divideCeil(size, place.extent());
  return tasks;
}
