#include "codegen/binding/Binding.h"
#include "codegen/binding/RowArrays.h"
#include "codegen/binding/SizeSolver.h"
#include "dialect/RowPlan.h"
#include "runtime/Safetensors.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace ssm;
using llvm::Error;
using llvm::Expected;
using llvm::Twine;

//===----------------------------------------------------------------------===//
// Declarations
//===----------------------------------------------------------------------===//

std::string ssm::layoutText(LayoutAttr layout) {
  std::string text = "[";
  for (unsigned axis = 0; axis < layout.getRank(); ++axis) {
    SmallVector<StringRef> parts = layout.getAxis(axis);
    const std::string names = parts.empty() ? "1" : llvm::join(parts, " ");
    text += (axis ? ", " : "") + (parts.size() <= 1 ? names : "(" + names + ")");
  }
  return text + "]";
}

/// The shape of an array with those axes in memory.
static std::optional<Shape> shapeOfAxes(RecurrenceOp recurrence, LayoutAttr layout, const LaunchSizes &sizes) {
  Shape shape;
  for (unsigned axis = 0; axis < layout.getRank(); ++axis) {
    Shape parts;
    for (StringRef part : layout.getAxis(axis)) {
      const auto given = sizes.find(recurrence.extentOf(part).str());
      const std::optional<int64_t> size = recurrence.sizeOf(part);
      if (!size && given == sizes.end())
        return std::nullopt;
      parts.push_back(size ? *size : given->second);
    }
    std::optional<int64_t> product = countElements(parts);
    if (!product)
      return std::nullopt;
    shape.push_back(*product);
  }
  return shape;
}

std::optional<Shape> ssm::shapeOf(RecurrenceOp recurrence, LayoutAttr layout, const LaunchSizes &sizes) {
  return shapeOfAxes(recurrence, RowPlan(recurrence).inMemory(layout), sizes);
}

std::optional<Shape> ssm::shapeOf(RecurrenceOp recurrence, const State &state, const LaunchSizes &sizes) {
  std::optional<Shape> shape = shapeOfAxes(recurrence, RowPlan(recurrence).stateInMemory(state.layout), sizes);
  if (!shape || state.depth < 1)
    return std::nullopt;
  if (state.depth > 1)
    shape->push_back(state.depth);
  return shape;
}

DType ssm::dtypeOf(Type stored) {
  if (auto complex = dyn_cast<ComplexType>(stored))
    return complex.getElementType().isF64() ? DType::C128 : DType::C64;
  if (stored.isInteger(64))
    return DType::I64;
  if (stored.isInteger(32))
    return DType::I32;
  if (stored.isF64())
    return DType::F64;
  if (stored.isBF16())
    return DType::BF16;
  return stored.isF16() ? DType::F16 : DType::F32;
}

SmallVector<StringRef> ssm::openDims(RecurrenceOp recurrence) {
  SmallVector<StringRef> open;
  for (auto dim : recurrence.getDims().getAsRange<DimAttr>())
    if (!dim.getLike() && !dim.getSize())
      open.push_back(dim.getName().getValue());
  return open;
}

namespace {
/// What a recurrence declares under one name.
struct Declaration {
  LayoutAttr layout;
  Type type;
  std::optional<State> state;
};
using Declarations = std::map<std::string, Declaration>;

struct AllDeclarations {
  Declarations inputs, outputs, states;
  explicit AllDeclarations(RecurrenceOp recurrence) {
    RowPlan rows(recurrence);
    for (Operation &op : recurrence.getBody().front()) {
      if (auto input = dyn_cast<InputOp>(op))
        inputs[input.getName().str()] = {rows.inMemory(input.getLayout()), input.getType(), {}};
      else if (auto output = dyn_cast<OutputOp>(op))
        outputs[output.getName().str()] = {rows.inMemory(output.getLayout()), output.getValue().getType(), {}};
    }
    for (const State &state : getStates(recurrence))
      states[state.name.str()] = {rows.stateInMemory(state.layout), state.type, state};
  }
};
} // namespace

//===----------------------------------------------------------------------===//
// Adopting tensors
//===----------------------------------------------------------------------===//

static Error adopt(StringRef what, const std::string &name, Tensor &tensor, const Declarations &declared) {
  auto declaration = declared.find(name);
  if (declaration == declared.end()) {
    const std::string known = declared.empty() ? "none" : llvm::join(llvm::make_first_range(declared), ", ");
    return llvm::createStringError("there is no " + what + " " + printable(name) + "; there is " + known);
  }
  const std::string subject = (what + " " + printable(name)).str();
  if (!isa<ComplexType>(declaration->second.type)) {
    if (isFloat(tensor.dtype()))
      return Error::success();
    return llvm::createStringError(subject + " has elements of type " + std::string(dtypeName(tensor.dtype())) +
                                   "; expected real floating-point numbers");
  }
  if (isComplex(tensor.dtype()))
    return Error::success();
  Result<Tensor> complex = tensor.asComplex();
  if (!complex)
    return llvm::createStringError(subject + " is complex: " + complex.error());
  tensor = std::move(*complex);
  return Error::success();
}

static Error adoptTensors(RecurrenceOp recurrence, GivenTensors &tensors) {
  const AllDeclarations declared(recurrence);
  Error errors = Error::success();
  auto adoptAll = [&](StringRef what, std::map<std::string, Tensor> &given, const Declarations &declarations) {
    for (auto &[name, tensor] : given)
      errors = llvm::joinErrors(std::move(errors), adopt(what, name, tensor, declarations));
  };
  adoptAll("input", tensors.inputs, declared.inputs);
  adoptAll("state", tensors.initialStates, declared.states);
  adoptAll("output", tensors.outputs, declared.outputs);
  adoptAll("state", tensors.finalStates, declared.states);
  return errors;
}

//===----------------------------------------------------------------------===//
// Binding
//===----------------------------------------------------------------------===//

static Error wrongRank(const std::string &name, const Shape &shape, LayoutAttr layout, StringRef more = "") {
  return llvm::createStringError("tensor " + printable(name) + " has the shape " + shapeText(shape) +
                                 ", which does not fit its layout " + layoutText(layout) + more);
}

/// Adds a tensor's axes to the solver. The array of a state may have an axis of past steps behind its layout's.
static Error addTensor(SizeSolver &solver, const std::string &name, const Shape &shape,
                       const Declaration &declaration) {
  LayoutAttr layout = declaration.layout;
  const std::optional<State> &state = declaration.state;
  const size_t rank = layout.getRank();
  const bool hasPast = state && state->depth != 1 && shape.size() == rank + 1;
  if (shape.size() != rank && !hasPast)
    return wrongRank(name, shape, layout);
  for (unsigned axis = 0; axis < rank; ++axis)
    if (layout.getAxis(axis).empty() && shape[axis] != 1)
      return llvm::createStringError("tensor " + printable(name) + " has size " + Twine(shape[axis]) + " along axis " +
                                     Twine(axis) + " of " + layoutText(layout) +
                                     ": packed sequences have all their steps in one row, which cu_seqlens cuts");
    else if (layout.getAxis(axis) != SmallVector<StringRef>{RowPlan::slots})
      solver.addAxis(name, axis, shape[axis], layout.getAxis(axis));
  if (!state)
    return Error::success();
  const int64_t depth = hasPast ? shape.back() : 1;
  if (state->isWindow()) {
    const std::string source = "tensor " + printable(name) + " holds " + std::to_string(depth) + " past steps";
    return solver.set(state->tap, depth + 1, source);
  }
  if (depth != state->depth)
    return wrongRank(name, shape, layout, (" with " + Twine(state->depth) + " past steps along a last axis").str());
  return Error::success();
}

static Error checkRequired(RecurrenceOp recurrence, const GivenTensors &tensors) {
  Error errors = Error::success();
  for (auto input : recurrence.getBody().front().getOps<InputOp>())
    if (!input.getOptional() && !tensors.inputs.count(input.getName().str()))
      errors =
          llvm::joinErrors(std::move(errors), llvm::createStringError("input '" + input.getName() + "' " +
                                                                      layoutText(input.getLayout()) + " is missing"));
  return errors;
}

static Error collectAxes(RecurrenceOp recurrence, const GivenTensors &tensors, SizeSolver &solver) {
  const AllDeclarations declared(recurrence);
  Error errors = Error::success();
  auto addAll = [&](StringRef prefix, const std::map<std::string, Tensor> &given, const Declarations &declarations) {
    for (const auto &[name, tensor] : given) {
      auto declaration = declarations.find(name);
      if (declaration != declarations.end())
        errors = llvm::joinErrors(std::move(errors),
                                  addTensor(solver, prefix.str() + name, tensor.shape(), declaration->second));
    }
  };
  addAll("", tensors.inputs, declared.inputs);
  addAll("state.", tensors.initialStates, declared.states);
  addAll("", tensors.outputs, declared.outputs);
  addAll("state.", tensors.finalStates, declared.states);
  return errors;
}

Error ssm::requireSizes(RecurrenceOp recurrence, const LaunchSizes &known) {
  SmallVector<StringRef> open =
      llvm::filter_to_vector(openDims(recurrence), [&](StringRef dim) { return !known.count(dim.str()); });
  if (open.empty())
    return Error::success();
  const std::string names = llvm::join(open, ", ");
  return llvm::createStringError("no tensor tells the size of " + names + "; give it as --dim " + open[0] + "=SIZE");
}

Expected<SpecializeParameters> ssm::bindTensors(RecurrenceOp recurrence, GivenTensors &tensors,
                                                const SpecializeParameters &requested,
                                                std::map<std::string, int64_t> *launch) {
  if (Error error = adoptTensors(recurrence, tensors))
    return error;
  for (const std::string &name : requested.without)
    tensors.inputs.erase(name);
  if (Error error = checkRequired(recurrence, tensors))
    return error;
  SizeSolver solver(recurrence);
  for (const auto &[name, size] : requested.dims)
    if (recurrence.lookupDim(name))
      if (Error error = solver.set(name, size, "--dim " + name + "=" + std::to_string(size)))
        return error;
  if (Error error = collectAxes(recurrence, tensors, solver))
    return error;
  if (Error error = addRowArrays(recurrence, tensors, solver))
    return error;
  if (Error error = solver.solve())
    return error;

  SpecializeParameters bound = requested;
  for (const auto &[name, size] : solver.sizes())
    bound.dims[name] = size;
  bound.given.emplace();
  for (const auto &[name, tensor] : tensors.inputs)
    bound.given->push_back(name);
  if (RowPlan(recurrence))
    if (Error error = bindRowArrays(recurrence, tensors, bound, launch))
      return error;
  return bound;
}
