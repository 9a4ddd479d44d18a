// One forward walk: a level-0 region is straight-line code, so each value's operands come before it.

#include "dialect/DimensionAnalysis.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace ssm;

DimensionAnalysis::DimensionAnalysis(RecurrenceOp recurrence) {
  for (auto dim : recurrence.getDims().getAsRange<DimAttr>()) {
    numbers[dim.getName()] = names.size();
    names.push_back(dim.getName());
  }
  scanDim = number(recurrence.getScan()).value_or(0);
  for (Operation &op : recurrence.getBody().front()) {
    DimSet set = infer(op);
    for (Value result : op.getResults())
      sets[result] = set;
  }
}

DimSet DimensionAnalysis::infer(Operation &op) const {
  DimSet operands;
  for (Value operand : op.getOperands())
    operands = operands | of(operand);
  auto move = [&](DimSet from, DimSet to) { return (operands & from).empty() ? operands : (operands - from) | to; };
  return llvm::TypeSwitch<Operation *, DimSet>(&op)
      .Case([&](InputOp input) { return of(input.getLayout()); })
      .Case([&](PreviousOp previous) { return of(previous.getLayout()).with(scanDim); })
      .Case<SumOp, MaxOp, MeanOp>([&](auto reduction) { return operands - of(reduction.getOver()); })
      .Case([&](IndexOp index) { return of(index.getDim()); })
      .Case([&](RenameOp rename) { return move(of(rename.getFrom()), of(rename.getTo())); })
      .Case([&](DelayOp delay) { return (operands | of(delay.getLayout()) | of(delay.getTap())).with(scanDim); })
      .Case([&](ScanOp scan) {
        return scan.getStates().empty() ? DimSet() : of(scan.getState(0).getLayout()).with(scanDim);
      })
      .Case([&](BeforeOp) { return operands.with(scanDim); })
      .Case([&](DerivativeOp) { return operands.with(scanDim); })
      .Default(operands);
}

std::optional<unsigned> DimensionAnalysis::number(StringRef name) const {
  auto it = numbers.find(name);
  return it == numbers.end() ? std::nullopt : std::optional(it->second);
}

DimSet DimensionAnalysis::of(StringRef name) const {
  std::optional<unsigned> dim = number(name);
  return dim ? DimSet().with(*dim) : DimSet();
}

DimSet DimensionAnalysis::of(LayoutAttr layout) const {
  DimSet set;
  for (StringRef name : layout.getDims())
    set = set | of(name);
  return set;
}

DimSet DimensionAnalysis::of(ArrayAttr over) const {
  DimSet set;
  for (auto name : over.getAsRange<StringAttr>())
    set = set | of(name.getValue());
  return set;
}

SmallVector<StringRef> DimensionAnalysis::list(DimSet set) const {
  SmallVector<StringRef> result;
  for (unsigned dim = 0; dim < names.size(); ++dim)
    if (set.contains(dim))
      result.push_back(names[dim]);
  return result;
}
