#include "dialect/RowPlan.h"

using namespace mlir;
using namespace ssm;

RowPlan::RowPlan(RecurrenceOp recurrence)
    : recurrence(recurrence), plan(recurrence->getAttrOfType<DictionaryAttr>(attribute)) {}

ArrayRef<StringRef> RowPlan::arrays() {
  static constexpr StringRef names[] = {"cu_seqlens", "slots_in", "slots_out", "has_state", "slots_at"};
  return names;
}

StringRef RowPlan::dim() const { return plan ? plan.getAs<StringAttr>("dim").getValue() : StringRef(); }

bool RowPlan::isAdded() const { return plan && plan.contains("added"); }

bool RowPlan::isInPlace() const { return plan && plan.contains("in_place"); }

Type RowPlan::typeOf(StringRef array) const {
  auto types = plan ? plan.getAs<DictionaryAttr>("arrays") : DictionaryAttr();
  auto type = types ? types.getAs<TypeAttr>(array) : TypeAttr();
  return type ? type.getValue() : Type();
}

LayoutAttr RowPlan::layoutOf(StringRef array) const {
  // A handle's accessors are not const.
  RecurrenceOp of = recurrence;
  SmallVector<SmallVector<StringRef>> axes;
  if (array != "slots_at" || !isPacked())
    axes.push_back({dim()});
  if (array == "slots_at")
    axes.push_back({of.getScan()});
  return LayoutAttr::get(of.getContext(), axes);
}

/// The layout with its axis of rows as `axis` has it; without any where that is not set.
static LayoutAttr withRowsAs(LayoutAttr layout, StringRef rows, std::optional<SmallVector<StringRef>> axis) {
  SmallVector<SmallVector<StringRef>> axes;
  for (unsigned number = 0; number < layout.getRank(); ++number) {
    SmallVector<StringRef> parts = layout.getAxis(number);
    if (parts != SmallVector<StringRef>{rows})
      axes.push_back(parts);
    else if (axis)
      axes.push_back(*axis);
  }
  return LayoutAttr::get(layout.getContext(), axes);
}

LayoutAttr RowPlan::inMemory(LayoutAttr layout) const {
  if (!isPacked())
    return layout;
  return withRowsAs(layout, dim(), isAdded() ? std::nullopt : std::optional(SmallVector<StringRef>()));
}

LayoutAttr RowPlan::stateInMemory(LayoutAttr layout) const {
  return hasPool() ? withRowsAs(layout, dim(), SmallVector<StringRef>{slots}) : layout;
}
