// Schedules of the recurrences that a scan in chunks becomes, from that of the recurrence that was cut.

#include "passes/ChunkSchedule.h"
#include "passes/KernelInterface.h"
#include "schedule/ScannedTensors.h"

using namespace mlir;
using namespace ssm;

/// A product of matrices of more rows is on a loop: registers do not hold it.
static constexpr int64_t maxRows = 8;

Schedule ssm::scheduleOfTotal(RecurrenceOp part, const Schedule &whole) {
  Schedule result = whole;
  auto inputs = part.getBody().front().getOps<InputOp>();
  bool isAnyStageable =
      llvm::any_of(tensorsAlongScan(part), [](const ScannedTensor &tensor) { return tensor.isInput; });
  llvm::erase_if(result.knobs, [&](Knob &knob) {
    bool namesAll = knob.of.empty();
    // A total has no outputs.
    llvm::erase_if(knob.of, [&](const std::string &name) {
      return !(knob.name == "at" && name == "free") &&
             (knob.name != "load" || llvm::none_of(inputs, [&](InputOp input) { return input.getName() == name; }));
    });
    bool isStaged = knob.value == "staged" && !isAnyStageable;
    return knob.name == "store" || (knob.name == "load" && isStaged) || (!namesAll && knob.of.empty());
  });
  return result;
}

Schedule ssm::scheduleInTicketOrder(RecurrenceOp part, RecurrenceOp last, const Schedule &whole,
                                    const Placement &placement) {
  Schedule result = scheduleOfTotal(part, whole);
  if (ChunkRole(part).isJoin()) {
    for (DimPlacement &written : result.dims)
      if (written.dim == part.getScan())
        written.levels = {{Level::Grid, 1}};
    llvm::erase_if(result.knobs, [](const Knob &knob) { return knob.name != "scan"; });
  }
  DimensionAnalysis dims(last);
  for (unsigned dim : placement.order) {
    const DimPlace &place = placement.places[dim];
    Level level = place.grid ? Level::Grid : place.loop != LoopPlace::None ? Level::Loop : Level::Reg;
    if (!result.lookup(dims.name(dim)))
      result.dims.push_back({dims.name(dim).str(), {{level, std::nullopt}}});
  }
  int64_t rows = 1;
  SmallVector<StringRef> columns;
  for (auto dim : part.getDims().getAsRange<DimAttr>())
    if (StringRef name = dim.getName(); !result.lookup(name)) {
      columns.push_back(name);
      rows = llvm::SaturatingMultiply<uint64_t>(rows, part.sizeOf(name).value_or(maxRows + 1));
    }
  for (StringRef name : columns)
    result.dims.push_back({name.str(), {{rows > maxRows ? Level::Loop : Level::Reg, std::nullopt}}});
  return result;
}
