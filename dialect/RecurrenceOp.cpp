// ssm.recurrence: queries on its dimensions and states, and what makes one valid as a whole.

#include "dialect/DimensionAnalysis.h"
#include "dialect/Ssm.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Complex/IR/Complex.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace ssm;

//===----------------------------------------------------------------------===//
// Queries
//===----------------------------------------------------------------------===//

DimAttr RecurrenceOp::lookupDim(StringRef name) {
  for (auto dim : getDims().getAsRange<DimAttr>())
    if (dim.getName() == name)
      return dim;
  return {};
}

StringRef RecurrenceOp::extentOf(StringRef name) {
  DimAttr dim = lookupDim(name);
  while (dim && dim.getLike())
    dim = lookupDim(dim.getLike().getValue());
  return dim ? dim.getName().getValue() : name;
}

std::optional<int64_t> RecurrenceOp::sizeOf(StringRef name) {
  DimAttr dim = lookupDim(extentOf(name));
  return dim ? dim.getSize() : std::nullopt;
}

/// What one of a scan's states says of the state: itself, a past step of it or a part.
static void addScanned(State &state, StateAttr attr, Type stream) {
  state.name = attr.getName();
  state.layout = attr.getLayout();
  state.stored = attr.getStored();
  state.type = attr.getPart() ? Type(ComplexType::get(stream)) : stream;
  state.depth = std::max(state.depth, attr.getBack());
  state.seededBy = attr.getSeededBy() ? attr.getSeededBy().getValue() : "";
}

SmallVector<State> ssm::getStates(RecurrenceOp recurrence) {
  llvm::MapVector<StringRef, State> states;
  for (Operation &op : recurrence.getBody().front()) {
    if (auto previous = dyn_cast<PreviousOp>(op)) {
      State &state = states[previous.getName()];
      state.name = previous.getName();
      state.layout = previous.getLayout();
      state.stored = previous.getStored().value_or(Type());
      state.type = previous.getType();
      state.depth = std::max<int64_t>(state.depth, previous.getBack());
      state.seededBy = previous.getSeededBy().value_or("");
    } else if (auto delay = dyn_cast<DelayOp>(op)) {
      State &state = states[delay.getName()];
      state.name = delay.getName();
      state.layout = delay.getLayout();
      state.stored = delay.getStored().value_or(Type());
      state.type = delay.getType();
      state.tap = delay.getTap();
      std::optional<int64_t> taps = recurrence.sizeOf(delay.getTap());
      state.depth = taps ? std::max<int64_t>(*taps - 1, 0) : -1;
    } else if (auto scan = dyn_cast<ScanOp>(op)) {
      for (auto [attr, stream] : llvm::zip(scan.getStates().getAsRange<StateAttr>(), scan.getStreams()))
        addScanned(states[attr.getName()], attr, stream.getType());
    } else if (auto before = dyn_cast<BeforeOp>(op)) {
      State &state = states[before.getName()];
      StateAttr attr = before.getState();
      state.depth = std::max<int64_t>(state.depth, before.getBack() + (attr ? attr.getBack() - 1 : 0));
    }
  }
  return llvm::map_to_vector(states, [](auto &entry) { return entry.second; });
}

Operation *ssm::lookupNext(RecurrenceOp recurrence, StringRef state) {
  for (Operation &op : recurrence.getBody().front())
    if (auto next = dyn_cast<NextOp>(op); next && next.getName() == state)
      return next;
    else if (auto derivative = dyn_cast<DerivativeOp>(op); derivative && derivative.getName() == state)
      return derivative;
  return nullptr;
}

Value ssm::lookupInitial(RecurrenceOp recurrence, StringRef state) {
  for (auto initial : recurrence.getBody().front().getOps<InitialOp>())
    if (initial.getName() == state)
      return initial.getValue();
  return {};
}

//===----------------------------------------------------------------------===//
// Verification
//===----------------------------------------------------------------------===//

static LogicalResult verifyDims(RecurrenceOp recurrence) {
  llvm::StringSet<> seen;
  if (recurrence.getDims().size() > 64)
    return recurrence.emitOpError("has ") << recurrence.getDims().size() << " dimensions; at most 64 are supported";
  for (Attribute attr : recurrence.getDims()) {
    auto dim = dyn_cast<DimAttr>(attr);
    if (!dim)
      return recurrence.emitOpError("expects its dims to be dimensions, found ") << attr;
    StringRef name = dim.getName();
    if (dim.getLike() && dim.getSize()) // recurrence_c1
      return recurrence.emitOpError("dimension '") << name << "' has both a size and a like";
    if (dim.getLike() && !seen.contains(dim.getLike().getValue())) // recurrence_c1
      return recurrence.emitOpError("dimension '")
             << name << "' is like '" << dim.getLike().getValue() << "', which is not an earlier dimension";
    if (!seen.insert(name).second) // recurrence_c1
      return recurrence.emitOpError("declares dimension '") << name << "' twice";
    if (dim.getSize().value_or(0) < 0) // recurrence_c8
      return recurrence.emitOpError("dimension '") << name << "' has the negative size " << *dim.getSize();
  }
  return success();
}

LogicalResult RecurrenceOp::verify() {
  if (failed(verifyDims(*this)))
    return failure();
  DimAttr scan = lookupDim(getScan());
  if (!scan) // recurrence_c2
    return emitOpError("scans '") << getScan() << "', which is not among its dimensions";
  if (scan.getLike()) // recurrence_c2
    return emitOpError("scans '") << getScan() << "', which is like another dimension";
  for (auto dim : getDims().getAsRange<DimAttr>())
    if (extentOf(dim.getName()) == getScan() && dim != scan) // recurrence_c2
      return emitOpError("dimension '") << dim.getName().getValue() << "' is like the scanned one";
  if (std::optional<StringRef> option = getReverseIf()) {
    DictionaryAttr options = getOptions().value_or(DictionaryAttr::get(getContext()));
    if (!isa_and_nonnull<BoolAttr>(options.get(*option))) // recurrence_c7
      return emitOpError("reverse_if names '") << *option << "', which is not an option that is true or false";
  }
  return success();
}

static LogicalResult verifyNames(RecurrenceOp recurrence) {
  llvm::StringMap<Operation *> tensors;
  llvm::StringMap<Operation *> nexts;
  llvm::StringMap<Operation *> initials;
  llvm::StringMap<Operation *> delays;
  auto once = [](llvm::StringMap<Operation *> &seen, Operation &op, StringRef name, StringRef what) -> LogicalResult {
    if (!seen.try_emplace(name, &op).second)
      return op.emitOpError("is the second ") << what << " '" << name << "'";
    return success();
  };
  for (Operation &op : recurrence.getBody().front()) {
    LogicalResult unique =
        llvm::TypeSwitch<Operation *, LogicalResult>(&op)
            .Case([&](InputOp input) { return once(tensors, op, input.getName(), "tensor named"); })
            .Case([&](OutputOp output) { return once(tensors, op, output.getName(), "tensor named"); })
            .Case([&](ParamOp param) { return once(tensors, op, param.getName(), "argument named"); })
            .Case([&](NextOp next) { return once(nexts, op, next.getName(), "next value of state"); })
            .Case([&](DerivativeOp next) { return once(nexts, op, next.getName(), "next value of state"); })
            .Case([&](InitialOp initial) { return once(initials, op, initial.getName(), "initial value of state"); })
            .Case([&](DelayOp delay) { return once(delays, op, delay.getName(), "delay that carries state"); })
            .Case([&](ScanOp scan) {
              // Past steps and parts of a state are further results of its one scan.
              for (auto state : scan.getStates().getAsRange<StateAttr>())
                if (Operation *&next = nexts[state.getName()]; next && next != &op)
                  return LogicalResult(op.emitOpError("is the second next value of state ") << state.getName());
                else
                  next = &op;
              return LogicalResult(success());
            })
            .Default(success());
    if (failed(unique)) // recurrence_c4, recurrence_c5, initial_c1
      return failure();
  }
  for (State &state : getStates(recurrence)) {
    if (state.isWindow() ? nexts.contains(state.name) : !nexts.contains(state.name)) // recurrence_c5
      return recurrence.emitOpError("state '") << state.name
                                               << (state.isWindow() ? "' is carried by a delay and has a next value too"
                                                                    : "' is read but has no next value");
  }
  return success();
}

namespace {
/// Which optional inputs a value may read where they are not given. recurrence_c6 by abstract interpretation: a
/// select on `given` drops its own input from what its true side needs.
class NeededInputs {
public:
  LogicalResult check(RecurrenceOp recurrence) {
    for (Operation &op : recurrence.getBody().front()) {
      if (isa<NextOp, OutputOp, InitialOp, DerivativeOp, DelayOp>(op))
        for (Value operand : op.getOperands())
          if (!needs[operand].empty()) // recurrence_c6
            return op.emitOpError("may read the optional input '")
                   << *needs[operand].begin()
                   << "' where it is not given; use it in the true side of a select on ssm.given \""
                   << *needs[operand].begin() << "\"";
      for (Value result : op.getResults())
        needs[result] = needsOf(op);
    }
    return success();
  }

private:
  using Names = llvm::SetVector<StringRef>;

  Names needsOf(Operation &op) {
    Names names;
    if (auto input = dyn_cast<InputOp>(op); input && input.getOptional())
      names.insert(input.getName());
    auto select = dyn_cast<arith::SelectOp>(op);
    auto given = select ? select.getCondition().getDefiningOp<GivenOp>() : GivenOp();
    for (Value operand : op.getOperands())
      for (StringRef name : needs[operand])
        if (!given || operand != select.getTrueValue() || name != given.getName())
          names.insert(name);
    // The same value may stand on both sides; then the false side still needs it.
    if (given)
      for (StringRef name : needs[select.getFalseValue()])
        names.insert(name);
    return names;
  }

  llvm::DenseMap<Value, Names> needs;
};
} // namespace

LogicalResult RecurrenceOp::verifyRegions() {
  for (Operation &op : getBody().front()) {
    StringRef dialect = op.getName().getDialectNamespace();
    if ((dialect != "arith" && dialect != "math" && dialect != "complex" && dialect != "ssm") || op.getNumRegions() ||
        op.getName().getStringRef().starts_with("ssm.tile_")) // recurrence_c3
      return op.emitOpError(
          "cannot stand in a recurrence; arith, math, complex and ssm operations on values and streams can");
  }
  if (failed(verifyNames(*this)))
    return failure();
  return NeededInputs().check(*this);
}
