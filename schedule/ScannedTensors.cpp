// Which tensors run along the scanned dimension.

#include "schedule/ScannedTensors.h"

using namespace mlir;
using namespace ssm;

static bool runsAlongScan(RecurrenceOp recurrence, LayoutAttr layout) {
  unsigned rank = layout.getRank();
  if (rank == 0)
    return false;
  SmallVector<StringRef> last = layout.getAxis(rank - 1);
  return last.size() == 1 && last[0] == recurrence.getScan();
}

SmallVector<ScannedTensor> ssm::tensorsAlongScan(RecurrenceOp recurrence) {
  SmallVector<ScannedTensor> tensors;
  auto add = [&](StringRef name, bool isInput, LayoutAttr layout, Type stored) {
    if (runsAlongScan(recurrence, layout) && !isa<ComplexType>(stored))
      tensors.push_back({name, isInput, layout, stored});
  };
  Block &body = recurrence.getBody().front();
  for (auto input : body.getOps<InputOp>())
    add(input.getName(), true, input.getLayout(), input.getStored().value_or(input.getType()));
  for (auto output : body.getOps<OutputOp>())
    add(output.getName(), false, output.getLayout(), output.getStored().value_or(output.getValue().getType()));
  return tensors;
}

std::optional<ScannedTensor> ssm::tensorAlongScan(RecurrenceOp recurrence, StringRef name, bool isInput) {
  for (const ScannedTensor &tensor : tensorsAlongScan(recurrence))
    if (tensor.name == name && tensor.isInput == isInput)
      return tensor;
  return std::nullopt;
}
