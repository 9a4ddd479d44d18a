#include "tools/ssmc/Experiment.h"
#include "codegen/binding/Binding.h"

#include <cmath>
#include <random>

using namespace mlir;
using namespace ssm;

//===----------------------------------------------------------------------===//
// Arguments
//===----------------------------------------------------------------------===//

static llvm::Expected<Tensor> randomTensor(const std::optional<Shape> &shape, Type stored, Values values,
                                           std::mt19937_64 &random) {
  if (!shape)
    return llvm::createStringError("a tensor's size is not known, or too large");
  Result<Tensor> tensor = Tensor::allocate(stored ? dtypeOf(stored) : DType::F32, *shape);
  if (!tensor)
    return llvm::createStringError(tensor.error());
  const double low = values == Values::AroundZero ? -0.5 : values == Values::Positive ? 0.1 : -0x1p-5;
  const double width = values == Values::AroundZero ? 1 : values == Values::Positive ? 0.5 : 0x1p-4;
  auto draw = [&] { return low + static_cast<double>(random() >> 11) * 0x1p-53 * width; };
  forEachOffset(*tensor, [&](int64_t offset) {
    const double real = draw();
    tensor->setComplex(offset, {real, isComplex(tensor->dtype()) ? draw() : 0});
  });
  return std::move(*tensor);
}

llvm::Expected<RunArguments> ssm::randomArguments(RecurrenceOp recurrence, Values values, const LaunchSizes &sizes) {
  std::mt19937_64 random(1);
  RunArguments arguments;
  arguments.sizes = sizes;
  for (auto input : recurrence.getBody().front().getOps<InputOp>()) {
    auto tensor =
        randomTensor(shapeOf(recurrence, input.getLayout(), sizes), input.getStored().value_or(Type()), values, random);
    if (!tensor)
      return tensor.takeError();
    arguments.inputs.emplace(input.getName().str(), std::move(*tensor));
  }
  for (const State &state : getStates(recurrence)) {
    if (state.depth < 1)
      continue;
    auto tensor = randomTensor(shapeOf(recurrence, state, sizes), state.stored, values, random);
    if (!tensor)
      return tensor.takeError();
    arguments.states.emplace(state.name.str(), std::move(*tensor));
  }
  return arguments;
}

Tensor ssm::scattered(const Tensor &tensor) {
  Shape strides(tensor.shape().size());
  int64_t stride = 3;
  for (size_t axis = 0; axis < strides.size(); ++axis) {
    strides[axis] = stride;
    stride *= tensor.size(axis) + 1;
  }
  auto storage = std::make_shared<Tensor>(Tensor::zeros(tensor.dtype(), {stride}));
  Tensor result = Tensor::wrap(tensor.dtype(), tensor.shape(), strides, storage, storage->data());
  result.copyFrom(tensor);
  return result;
}

/// The largest number that a type holds; f32 is what is stored without one.
static double largestOf(Type stored) {
  if (auto complex = dyn_cast_or_null<ComplexType>(stored))
    stored = complex.getElementType();
  const llvm::fltSemantics &semantics =
      stored ? cast<FloatType>(stored).getFloatSemantics() : llvm::APFloat::IEEEsingle();
  return llvm::APFloat::getLargest(semantics).convertToDouble();
}

static bool isWithin(const Tensor &tensor, double largest) {
  const Tensor parts = tensor.asReal();
  bool within = true;
  forEachOffset(parts, [&](int64_t offset) { within &= std::fabs(parts.real(offset)) <= largest; });
  return within;
}

bool ssm::allFinite(RecurrenceOp recurrence, const RunResults &results) {
  for (auto output : recurrence.getBody().front().getOps<OutputOp>())
    if (auto it = results.outputs.find(output.getName().str()); it != results.outputs.end())
      if (!isWithin(it->second, largestOf(output.getStored().value_or(Type()))))
        return false;
  return llvm::all_of(getStates(recurrence), [&](const State &state) {
    auto it = results.states.find(state.name.str());
    return it == results.states.end() || isWithin(it->second, largestOf(state.stored));
  });
}

//===----------------------------------------------------------------------===//
// Steps
//===----------------------------------------------------------------------===//

/// The axis of the layout that is the scanned dimension; nothing if it lacks it.
static std::optional<int64_t> scanAxis(RecurrenceOp recurrence, LayoutAttr layout) {
  for (unsigned axis = 0; axis < layout.getRank(); ++axis)
    if (llvm::is_contained(layout.getAxis(axis), recurrence.getScan()))
      return axis;
  return std::nullopt;
}

bool ssm::canSplit(RecurrenceOp recurrence) {
  auto fits = [&](LayoutAttr layout) {
    std::optional<int64_t> axis = scanAxis(recurrence, layout);
    return !axis || layout.getAxis(*axis).size() == 1;
  };
  for (Operation &op : recurrence.getBody().front()) {
    if (auto index = dyn_cast<IndexOp>(op); index && index.getDim() == recurrence.getScan())
      return false;
    if (auto size = dyn_cast<SizeOp>(op); size && size.getDim() == recurrence.getScan())
      return false;
    if (auto input = dyn_cast<InputOp>(op); input && !fits(input.getLayout()))
      return false;
    if (auto output = dyn_cast<OutputOp>(op); output && !fits(output.getLayout()))
      return false;
  }
  return true;
}

std::map<std::string, Tensor> ssm::sliceSteps(RecurrenceOp recurrence, const std::map<std::string, Tensor> &inputs,
                                              int64_t begin, int64_t count, int64_t steps) {
  // Step s of a reversed scan stands at coordinate steps-1-s.
  const int64_t coordinate = recurrence.getReverse() ? steps - begin - count : begin;
  std::map<std::string, Tensor> sliced = inputs;
  for (auto input : recurrence.getBody().front().getOps<InputOp>())
    if (std::optional<int64_t> axis = scanAxis(recurrence, input.getLayout())) {
      Tensor &tensor = sliced.at(input.getName().str());
      tensor = tensor.slice(*axis, coordinate, count);
    }
  return sliced;
}

std::map<std::string, Tensor> ssm::joinSteps(RecurrenceOp recurrence, const std::map<std::string, Tensor> &first,
                                             const std::map<std::string, Tensor> &second) {
  std::map<std::string, Tensor> joined;
  for (auto output : recurrence.getBody().front().getOps<OutputOp>()) {
    const std::string name = output.getName().str();
    const int64_t axis = *scanAxis(recurrence, output.getLayout());
    const Tensor &low = recurrence.getReverse() ? second.at(name) : first.at(name);
    const Tensor &high = recurrence.getReverse() ? first.at(name) : second.at(name);
    Shape shape = low.shape();
    shape[axis] += high.size(axis);
    Tensor whole = Tensor::zeros(low.dtype(), shape);
    whole.slice(axis, 0, low.size(axis)).copyFrom(low);
    whole.slice(axis, low.size(axis), high.size(axis)).copyFrom(high);
    joined.emplace(name, std::move(whole));
  }
  return joined;
}
