// Tensors of a call where it runs, and what became of them.

#include "tools/ssm-launch/Arena.h"

#include <cstring>

using namespace ssm;
using Role = Manifest::Role;

/// Bytes between tensors, and what their addresses are multiples of.
static constexpr size_t gap = 256;

Result<std::unique_ptr<Arena>> Arena::make(Hardware &hardware, const ssm_function &function,
                                           const CallArguments &arguments, const std::vector<double> &parameters,
                                           Layout layout, bool withStates) {
  std::unique_ptr<Arena> arena(new Arena(hardware, function));
  arena->sizes = arguments.sizes;
  arena->parameters = parameters;
  if (std::optional<Problem> problem = arena->place(arguments, layout, withStates))
    return *problem;
  if (std::optional<Problem> problem = arena->allocate(arguments))
    return *problem;
  return arena;
}

bool Arena::isResult(size_t tensor) const {
  const Role role = function.manifest().tensors[tensor].role;
  return role == Role::Output || role == Role::FinalState;
}

/// Elements from one to the next along each axis, and bytes that all of them span.
static Shape stridesFor(const Shape &shape, Layout layout, size_t itemBytes, size_t &bytes) {
  Shape strides = contiguousStrides(shape);
  int64_t pitch = 1;
  if (layout == Layout::Scattered) {
    pitch = 3;
    for (size_t axis = 0; axis < shape.size(); ++axis) {
      strides[axis] = pitch;
      pitch *= shape[axis] + 1;
    }
    bytes = pitch * itemBytes;
  } else {
    bytes = countElements(shape).value_or(0) * itemBytes;
  }
  return strides;
}

/// Of a final state of rows, the initial one that is there: what no row writes stays, and steps update it in place.
std::optional<size_t> Arena::ownInitial(size_t tensor) const {
  const std::vector<Manifest::Tensor> &tensors = function.manifest().tensors;
  if (tensors[tensor].role == Role::FinalState && function.manifest().rows)
    for (size_t other = 0; other < tensor; ++other)
      if (tensors[other].role == Role::InitialState && tensors[other].name == tensors[tensor].name &&
          places[other].isThere)
        return other;
  return std::nullopt;
}

std::optional<Problem> Arena::place(const CallArguments &arguments, Layout layout, bool withStates) {
  const std::vector<Manifest::Tensor> &tensors = function.manifest().tensors;
  total = gap;
  for (size_t number = 0; number < tensors.size(); ++number) {
    const Manifest::Tensor &tensor = tensors[number];
    Place &place = places.emplace_back();
    std::optional<size_t> initial = ownInitial(number);
    bool isUpdated = initial && function.manifest().mode == "step";
    place.isThere = arguments.tensors[number] || tensor.role == Role::Output || isUpdated ||
                    (withStates && tensor.role == Role::FinalState);
    if (!place.isThere)
      continue;
    if (isUpdated) {
      place = places[*initial];
      tensorBytes += countElements(place.shape).value_or(0) * itemSize(tensor.dtype);
      continue;
    }
    Result<Shape> shape = shapeOf(tensor, sizes);
    if (!shape)
      return shape.problem();
    size_t bytes;
    place.shape = *shape;
    place.strides = stridesFor(*shape, layout, itemSize(tensor.dtype), bytes);
    place.offset = total;
    total += (bytes + gap - 1) / gap * gap + gap;
    tensorBytes += countElements(*shape).value_or(0) * itemSize(tensor.dtype);
  }
  return std::nullopt;
}

Tensor Arena::view(size_t tensor, std::vector<char> &bytes) const {
  const Place &place = places[tensor];
  return Tensor::wrap(function.manifest().tensors[tensor].dtype, place.shape, place.strides, nullptr,
                      bytes.data() + place.offset);
}

std::optional<Problem> Arena::allocate(const CallArguments &arguments) {
  before.assign(total, '\xff');
  for (size_t number = 0; number < places.size(); ++number)
    if (places[number].isThere && !isResult(number)) {
      Tensor here = view(number, before);
      const Tensor &from = *arguments.tensors[number];
      if (here.isContiguous() && from.isContiguous())
        std::memcpy(here.data(), from.data(), from.numBytes());
      else
        here.copyFrom(from);
    }
  for (size_t number = 0; number < places.size(); ++number)
    if (std::optional<size_t> initial = ownInitial(number); initial && places[number].isThere)
      view(number, before).copyFrom(*arguments.tensors[*initial]);
  size_t bytes = 0;
  ssm_error error;
  if (ssm_workspace(&function, sizes.data(), &bytes, &error))
    return Problem{error.message};
  for (auto [memory, size] : {std::pair(&this->memory, total), std::pair(&workspace, bytes)}) {
    Result<std::unique_ptr<DeviceMemory>> made = hardware.allocate(size);
    if (!made)
      return made.problem();
    *memory = std::move(*made);
  }
  if (std::optional<Problem> problem = reset())
    return problem;
  if (std::optional<Problem> problem = workspace->fill(0))
    return problem;
  return hardware.synchronize();
}

std::optional<Problem> Arena::reset() { return memory->upload(before.data()); }

std::vector<ssm_tensor> Arena::tensors() const {
  std::vector<ssm_tensor> result;
  for (const Place &place : places)
    result.push_back(
        {place.isThere ? static_cast<char *>(memory->begin()) + place.offset : nullptr, place.strides.data()});
  return result;
}

ssm_call Arena::call(const std::vector<ssm_tensor> &tensors) const {
  return {sizes.data(),       tensors.data(),    parameters.empty() ? nullptr : parameters.data(),
          workspace->begin(), workspace->size(), hardware.device(),
          hardware.stream()};
}

std::optional<Problem> Arena::launch() {
  const std::vector<ssm_tensor> given = tensors();
  const ssm_call whole = call(given);
  ssm_error error;
  return ssm_launch(&function, &whole, &error) ? std::optional(Problem{error.message}) : std::nullopt;
}

Result<LoadedChoice> Arena::choice() const {
  const std::vector<ssm_tensor> given = tensors();
  LoadedChoice found;
  ssm_error error;
  if (chooseLoaded(function, call(given), found, &error))
    return Problem{error.message};
  return found;
}

std::optional<Problem> Arena::fetch() {
  if (std::optional<Problem> problem = hardware.synchronize())
    return problem;
  after.resize(total);
  return memory->download(after.data());
}

std::optional<Tensor> Arena::result(size_t tensor) const {
  if (!places[tensor].isThere || !isResult(tensor))
    return std::nullopt;
  return view(tensor, after).clone();
}

bool Arena::isTidy() const {
  std::vector<char> expected = before;
  for (size_t number = 0; number < places.size(); ++number)
    if (places[number].isThere && isResult(number)) {
      const size_t size = itemSize(function.manifest().tensors[number].dtype);
      forEachOffset(view(number, after), [&](int64_t offset) {
        const size_t at = places[number].offset + offset * size;
        std::memcpy(expected.data() + at, after.data() + at, size);
      });
    }
  return expected == after;
}
