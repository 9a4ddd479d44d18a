// Gives a recurrence rows; Passes.td has the contract.
//
// Rows are a dimension like any other, so that whatever is proved of a batch holds for them, and one row is the code of
// one sequence. What differs is where a row's steps and states stand in memory, and that kernels alone know.

#include "dialect/RowPlan.h"
#include "passes/Passes.h"
#include "llvm/ADT/TypeSwitch.h"

namespace ssm {
#define GEN_PASS_DEF_PACK
#include "passes/Passes.h.inc"
} // namespace ssm

using namespace mlir;
using namespace ssm;

/// Name of the dimension of rows where the description has none.
static constexpr StringRef addedName = "sequence";

namespace {
struct Pack : ssm::impl::PackBase<Pack> {
  using PackBase::PackBase;

  void runOnOperation() override {
    RecurrenceOp recurrence = getOperation();
    DictionaryAttr types;
    bool isAdded = false;
    FailureOr<StringRef> rows = failure();
    if (failed(readArrays(types)) || failed(rows = chooseRows(!!types.get("cu_seqlens"), isAdded)))
      return signalPassFailure();
    Builder builder(&getContext());
    NamedAttrList plan;
    plan.set("dim", builder.getStringAttr(*rows));
    plan.set("arrays", types);
    if (inPlace)
      plan.set("in_place", builder.getUnitAttr());
    if (isAdded) {
      plan.set("added", builder.getUnitAttr());
      addRows(*rows);
    }
    openSizes(*rows, !!types.get("cu_seqlens"));
    recurrence->setAttr(RowPlan::attribute, plan.getDictionary(&getContext()));
  }

private:
  LogicalResult readArrays(DictionaryAttr &types) {
    RecurrenceOp recurrence = getOperation();
    Builder builder(&getContext());
    NamedAttrList list;
    for (StringRef text : arrays) {
      auto [name, type] = text.split('=');
      if (!llvm::is_contained(RowPlan::arrays(), name))
        return recurrence.emitError("there is no array '")
               << name << "' of rows; there are " << llvm::join(RowPlan::arrays(), ", ");
      if (type != "i32" && type != "i64" && !type.empty())
        return recurrence.emitError("the array '") << name << "' is of type " << type << "; expected i32 or i64";
      for (Operation &op : recurrence.getBody().front())
        if (auto input = dyn_cast<InputOp>(op); input && input.getName() == name)
          return input.emitError("'") << name << "' is an input of the description and an array of rows";
      if (name.starts_with("slots") && recurrence.lookupDim(RowPlan::slots))
        return recurrence.emitError("recurrence '") << recurrence.getSymName() << "' has a dimension '"
                                                    << RowPlan::slots << "', which is the name of the pool's size";
      list.set(name, TypeAttr::get(type == "i64" ? builder.getI64Type() : builder.getI32Type()));
    }
    types = list.getDictionary(&getContext());
    return success();
  }

  FailureOr<StringRef> chooseRows(bool isPacked, bool &isAdded) {
    RecurrenceOp recurrence = getOperation();
    if (isPacked && failed(checkTime()))
      return failure();
    llvm::Expected<StringRef> found = findRows(recurrence, isPacked);
    if (found)
      return *found;
    std::string why = llvm::toString(found.takeError());
    if (!isPacked)
      return recurrence.emitError("recurrence '")
             << recurrence.getSymName()
             << "' has no dimension of rows, which would be the first axis of every state and an axis of every output: "
             << why;
    if (recurrence.lookupDim(addedName))
      return recurrence.emitError("recurrence '")
             << recurrence.getSymName() << "' has a dimension '" << addedName
             << "', which is the name of packed sequences, and it cannot be that: " << why;
    isAdded = true;
    return addedName;
  }

  /// Where rows begin is a number of steps: these are an axis wherever they stand.
  LogicalResult checkTime() {
    StringRef scanned = getOperation().getScan();
    for (Operation &op : getOperation().getBody().front()) {
      LayoutAttr layout;
      if (auto input = dyn_cast<InputOp>(op))
        layout = input.getLayout();
      else if (auto output = dyn_cast<OutputOp>(op))
        layout = output.getLayout();
      if (layout && llvm::is_contained(layout.getDims(), scanned) && !hasAxis(layout, scanned))
        return op.emitError("packed sequences: '") << scanned << "' is not an axis of its own";
    }
    return success();
  }

  /// A dimension in front of every state and output.
  void addRows(StringRef name) {
    RecurrenceOp recurrence = getOperation();
    auto withRows = [&](LayoutAttr layout) {
      SmallVector<SmallVector<StringRef>> axes{{name}};
      for (unsigned axis = 0; axis < layout.getRank(); ++axis)
        axes.push_back(layout.getAxis(axis));
      return LayoutAttr::get(&getContext(), axes);
    };
    for (Operation &op : recurrence.getBody().front())
      llvm::TypeSwitch<Operation *>(&op).Case<PreviousOp, DelayOp, OutputOp>(
          [&](auto named) { named.setLayoutAttr(withRows(named.getLayout())); });
    SmallVector<Attribute> dims(recurrence.getDims().getValue());
    dims.insert(dims.begin(), DimAttr::get(&getContext(), StringAttr::get(&getContext(), name), std::nullopt, {}));
    recurrence.setDimsAttr(ArrayAttr::get(&getContext(), dims));
  }

  /// How many rows there are is the launch's to say, and of packed ones how many steps.
  void openSizes(StringRef rows, bool isPacked) {
    RecurrenceOp recurrence = getOperation();
    SmallVector<Attribute> dims;
    for (auto dim : recurrence.getDims().getAsRange<DimAttr>()) {
      bool isOpen = dim.getName() == rows || (isPacked && dim.getName() == recurrence.getScan());
      dims.push_back(isOpen ? DimAttr::get(&getContext(), dim.getName(), std::nullopt, dim.getLike()) : dim);
    }
    recurrence.setDimsAttr(ArrayAttr::get(&getContext(), dims));
  }
};
} // namespace
