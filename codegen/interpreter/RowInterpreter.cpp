// Cuts a call into rows, and puts what they hand back where it belongs.

#include "codegen/interpreter/RowInterpreter.h"
#include "codegen/interpreter/Arguments.h"

#include <optional>

using namespace mlir;
using namespace ssm;
using llvm::Error;
using llvm::Expected;

namespace {
/// The axis of a layout that is `dim` alone.
std::optional<int64_t> axisOf(LayoutAttr layout, StringRef dim) {
  for (unsigned axis = 0; axis < layout.getRank(); ++axis)
    if (layout.getAxis(axis) == SmallVector<StringRef>{dim})
      return axis;
  return std::nullopt;
}

/// One row of a call.
struct Row {
  int64_t number = 0, start = 0, steps = 0, slotIn = 0, slotOut = 0;
  bool hasState = true, isLeftOut = false;
};

class RowInterpretation {
public:
  RowInterpretation(RecurrenceOp recurrence, const RowArguments &arguments)
      : recurrence(recurrence), arguments(arguments), plan(recurrence),
        rowCount(arguments.given.sizes.at(plan.dim().str())),
        allSteps(arguments.given.sizes.at(recurrence.getScan().str())),
        slots(plan.hasPool() ? arguments.given.sizes.at(RowPlan::slots.str()) : rowCount) {}

  Expected<InterpreterResults> run() {
    if (Error error = makeStates())
      return std::move(error);
    for (int64_t number = 0; number < rowCount; ++number)
      if (Error error = runRow(rowOf(number)))
        return std::move(error);
    // Shapes, and outputs where there is no row at all.
    if (rowCount == 0)
      if (Error error = runRow({}))
        return std::move(error);
    return std::move(results);
  }

private:
  std::optional<int64_t> entry(StringRef array, int64_t index) {
    auto given = arguments.rows.find(array.str());
    if (!plan.has(array) || given == arguments.rows.end())
      return std::nullopt;
    const Tensor &tensor = given->second;
    return tensor.integer(index * tensor.stride(0));
  }

  /// As a kernel reads the arrays, whatever stands in them.
  Row rowOf(int64_t number) {
    Row row{number, 0, allSteps, number, number, true, false};
    if (plan.isPacked()) {
      row.start = std::clamp<int64_t>(*entry("cu_seqlens", number), 0, allSteps);
      row.steps = std::clamp<int64_t>(*entry("cu_seqlens", number + 1), row.start, allSteps) - row.start;
    }
    row.hasState = entry("has_state", number).value_or(1) != 0;
    row.slotIn = entry("slots_in", number).value_or(number);
    row.slotOut = entry("slots_out", number).value_or(plan.isInPlace() ? row.slotIn : number);
    row.isLeftOut = plan.hasPool() && (!isSlot(row.slotIn) || !isSlot(row.slotOut));
    return row;
  }

  bool isSlot(int64_t slot) const { return slot >= 0 && slot < slots; }

  /// The place that the state after a step is written to, if there is one.
  std::optional<int64_t> slotAt(const Row &row, int64_t coordinate) {
    auto given = arguments.rows.find("slots_at");
    if (!plan.has("slots_at") || given == arguments.rows.end())
      return std::nullopt;
    const Tensor &tensor = given->second;
    int64_t slot = plan.isPacked() ? tensor.integer((row.start + coordinate) * tensor.stride(0))
                                   : tensor.integer(row.number * tensor.stride(0) + coordinate * tensor.stride(1));
    return isSlot(slot) ? std::optional(slot) : std::nullopt;
  }

  /// The arrays of states, as they are before the call.
  Error makeStates() {
    for (const auto &[name, tensor] : arguments.given.states)
      results.states.emplace(name, tensor.convert(isComplex(tensor.dtype()) ? DType::C128 : DType::F64).clone());
    return Error::success();
  }

  Tensor partOf(const Tensor &whole, LayoutAttr layout, const Row &row) {
    Tensor part = whole;
    if (std::optional<int64_t> axis = axisOf(layout, plan.dim()); axis && !plan.isPacked())
      part = part.slice(*axis, row.number, 1);
    if (std::optional<int64_t> axis = axisOf(layout, recurrence.getScan()))
      part = part.slice(*axis, row.start, row.steps);
    return part;
  }

  Error runRow(const Row &row) {
    InterpreterArguments own = arguments.given;
    own.sizes[plan.dim().str()] = 1;
    own.sizes[recurrence.getScan().str()] = row.steps;
    own.sizes.erase(RowPlan::slots.str());
    bool isThere = row.number < rowCount;
    for (auto input : recurrence.getBody().front().getOps<InputOp>())
      if (auto it = own.inputs.find(input.getName().str()); it != own.inputs.end())
        it->second = isThere ? partOf(it->second, plan.inMemory(input.getLayout()), row) : emptyOf(it->second, input);
    for (auto it = own.states.begin(); it != own.states.end();)
      if (isThere && row.hasState && isSlot(row.slotIn)) {
        it->second = it->second.slice(0, row.slotIn, 1);
        ++it;
      } else {
        it = own.states.erase(it);
      }
    for (int64_t step = 0; step < row.steps; ++step)
      if (slotAt(row, step))
        own.statesAt.push_back(step);
    Expected<InterpreterResults> made = interpret(recurrence, own);
    if (!made)
      return made.takeError();
    return keep(row, *made, isThere);
  }

  /// An input of no rows and no steps, as one of a row without steps.
  Tensor emptyOf(const Tensor &tensor, InputOp input) {
    Shape shape = tensor.shape();
    LayoutAttr layout = plan.inMemory(input.getLayout());
    if (std::optional<int64_t> axis = axisOf(layout, plan.dim()))
      shape[*axis] = 1;
    if (std::optional<int64_t> axis = axisOf(layout, recurrence.getScan()))
      shape[*axis] = 0;
    return Tensor::zeros(tensor.dtype(), shape);
  }

  Error keep(const Row &row, const InterpreterResults &made, bool isThere) {
    for (auto output : recurrence.getBody().front().getOps<OutputOp>()) {
      const Tensor &part = made.outputs.at(output.getName().str());
      LayoutAttr layout = plan.inMemory(output.getLayout());
      Tensor &whole = outputOf(output, part, layout);
      if (isThere && !row.isLeftOut)
        partOf(whole, layout, row).copyFrom(withAxesOf(part, output.getLayout(), layout));
    }
    for (const auto &[name, state] : made.states) {
      auto [it, isNew] = results.states.try_emplace(name);
      if (isNew) {
        Shape shape = state.shape();
        shape[0] = slots;
        it->second = Tensor::zeros(state.dtype(), shape);
      }
      if (!isThere || row.isLeftOut)
        continue;
      it->second.slice(0, row.slotOut, 1).copyFrom(state);
    }
    // A row's own last state comes last, as kernels store it.
    for (const auto &[step, states] : made.statesAt)
      for (const auto &[name, state] : states)
        if (int64_t slot = *slotAt(row, step); !row.isLeftOut && slot != row.slotOut)
          results.states.at(name).slice(0, slot, 1).copyFrom(state);
    return Error::success();
  }

  /// A row's output has an axis of rows of extent 1, which memory may lack.
  Tensor withAxesOf(const Tensor &part, LayoutAttr layout, LayoutAttr memory) {
    if (layout.getRank() == memory.getRank())
      return part;
    Tensor dense = part.contiguous();
    Shape shape = dense.shape();
    shape.erase(shape.begin() + *axisOf(layout, plan.dim()));
    auto owner = std::make_shared<Tensor>(dense);
    return Tensor::wrap(dense.dtype(), shape, contiguousStrides(shape), owner, owner->data());
  }

  /// The whole output, made where it is not there yet.
  Tensor &outputOf(OutputOp output, const Tensor &part, LayoutAttr layout) {
    auto [it, isNew] = results.outputs.try_emplace(output.getName().str());
    if (!isNew)
      return it->second;
    Shape shape = withAxesOf(part, output.getLayout(), layout).shape();
    if (std::optional<int64_t> axis = axisOf(layout, plan.dim()))
      shape[*axis] = rowCount;
    shape[*axisOf(layout, recurrence.getScan())] = allSteps;
    return it->second = Tensor::zeros(part.dtype(), shape);
  }

  RecurrenceOp recurrence;
  const RowArguments &arguments;
  RowPlan plan;
  int64_t rowCount, allSteps, slots;
  InterpreterResults results;
};
} // namespace

Expected<InterpreterResults> ssm::interpretRows(RecurrenceOp recurrence, const RowArguments &arguments) {
  return RowInterpretation(recurrence, arguments).run();
}
