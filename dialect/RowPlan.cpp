#include "dialect/RowPlan.h"
#include "llvm/ADT/TypeSwitch.h"

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

//===----------------------------------------------------------------------===//
// What can be rows
//===----------------------------------------------------------------------===//

bool ssm::hasAxis(LayoutAttr layout, StringRef dim) {
  return llvm::any_of(llvm::seq(layout.getRank()),
                      [&](unsigned axis) { return layout.getAxis(axis) == SmallVector<StringRef>{dim}; });
}

static bool hasDim(LayoutAttr layout, StringRef dim) { return llvm::is_contained(layout.getDims(), dim); }

/// Why an operation keeps `dim` from being that of rows; empty where it does not.
static std::string explainOperation(RecurrenceOp recurrence, Operation &op, StringRef dim, bool isPacked) {
  auto named = [&](std::optional<StringRef> name) { return name == dim; };
  auto inLayout = [&](StringRef kind, StringRef name, LayoutAttr layout, bool isAxis) -> std::string {
    return isAxis ? "" : (kind + " '" + name + "' does not have it as an axis of its own").str();
  };
  return llvm::TypeSwitch<Operation *, std::string>(&op)
      .Case([&](InputOp input) -> std::string {
        if (hasDim(input.getLayout(), dim) && !hasDim(input.getLayout(), recurrence.getScan()))
          return ("input '" + input.getName() + "' has it and does not vary along '" + recurrence.getScan() + "'")
              .str();
        return inLayout("input", input.getName(), input.getLayout(),
                        !hasDim(input.getLayout(), dim) || hasAxis(input.getLayout(), dim));
      })
      .Case([&](OutputOp output) -> std::string {
        if (isPacked && output.getLayout().getAxis(0) != SmallVector<StringRef>{dim})
          return ("it is not the first axis of the output '" + output.getName() + "'").str();
        return inLayout("output", output.getName(), output.getLayout(), hasAxis(output.getLayout(), dim));
      })
      .Case<SumOp, MaxOp, MeanOp>([&](auto reduction) -> std::string {
        bool isOver = llvm::any_of(reduction.getOver().template getAsRange<StringAttr>(),
                                   [&](StringAttr name) { return name.getValue() == dim; });
        return isOver ? "it is summed over" : "";
      })
      .Case<IndexOp, SizeOp>(
          [&](auto op) -> std::string { return named(op.getDim()) ? "a value is computed from its coordinate" : ""; })
      .Case([&](RenameOp op) -> std::string {
        return named(op.getFrom()) || named(op.getTo()) ? "it is moved along" : "";
      })
      .Case([&](FlipOp op) -> std::string { return named(op.getDim()) ? "it is moved along" : ""; })
      .Case([&](DelayOp op) -> std::string { return named(op.getTap()) ? "it is the taps of a delay" : ""; })
      .Default([](Operation *) { return std::string(); });
}

llvm::Expected<StringRef> ssm::findRows(RecurrenceOp recurrence, bool isPacked) {
  SmallVector<State> states = getStates(recurrence);
  if (states.empty() || states.front().layout.getRank() == 0 || states.front().layout.getAxis(0).size() != 1)
    return llvm::createStringError("its states have no first axis of one dimension");
  StringRef dim = states.front().layout.getAxis(0).front();
  auto refuse = [&](const Twine &reason) { return llvm::createStringError("'" + dim + "' is none: " + reason); };
  for (const State &state : states)
    if (state.layout.getRank() == 0 || state.layout.getAxis(0) != SmallVector<StringRef>{dim})
      return refuse("it is not the first axis of the state '" + state.name + "'");
  for (auto other : recurrence.getDims().getAsRange<DimAttr>())
    if (recurrence.extentOf(other.getName().getValue()) == recurrence.extentOf(dim) && other.getName() != dim)
      return refuse("'" + other.getName().getValue() + "' has the same extent by 'like'");
  for (Operation &op : recurrence.getBody().front())
    if (std::string reason = explainOperation(recurrence, op, dim, isPacked); !reason.empty())
      return refuse(reason);
  return dim;
}
