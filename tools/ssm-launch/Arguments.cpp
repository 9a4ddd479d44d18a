// The tensors of a call, from files or drawn.

#include "tools/ssm-launch/Arguments.h"
#include "runtime/Plan.h"
#include "runtime/Safetensors.h"

#include <algorithm>

using namespace ssm;
using Role = Manifest::Role;

static bool startsWith(const std::string &text, const char *prefix) { return text.rfind(prefix, 0) == 0; }

/// Arrays of rows stand beside the inputs in a file.
static std::string key(const Manifest::Tensor &tensor) {
  const Role role = tensor.role == Role::Rows ? Role::Input : tensor.role;
  return std::string(roleName(role)) + " " + tensor.name;
}

std::string ssm::fileName(const Manifest::Tensor &tensor) { return (tensor.isState() ? "state." : "") + tensor.name; }

/// Names in a description have no dots, so no input can be taken for a case's.
static bool isCase(const std::map<std::string, Tensor> &file) {
  return std::any_of(file.begin(), file.end(), [](const auto &entry) {
    return startsWith(entry.first, "in.") || startsWith(entry.first, "state0.") || startsWith(entry.first, "out.");
  });
}

/// Renames what begins with one of the prefixes; the rest is dropped.
static std::map<std::string, Tensor> renamed(const std::map<std::string, Tensor> &file,
                                             const std::vector<std::pair<const char *, const char *>> &prefixes) {
  std::map<std::string, Tensor> result;
  for (const auto &[name, tensor] : file)
    for (auto [from, to] : prefixes)
      if (startsWith(name, from)) {
        result.emplace(to + name.substr(std::string_view(from).size()), tensor);
        break;
      }
  return result;
}

std::map<std::string, Tensor> ssm::argumentsOf(const std::map<std::string, Tensor> &file) {
  if (isCase(file))
    return renamed(file, {{"in.", "input "}, {"state0.", "initial_state "}});
  return renamed(file, {{"state.", "initial_state "}, {"", "input "}});
}

std::map<std::string, Tensor> ssm::resultsOf(const std::map<std::string, Tensor> &file) {
  if (isCase(file))
    return renamed(file, {{"out.", "output "}, {"state.", "final_state "}});
  return renamed(file, {{"state.", "final_state "}, {"", "output "}});
}

Result<Shape> ssm::shapeOf(const Manifest::Tensor &tensor, const std::vector<int64_t> &sizes) {
  Shape shape(tensor.rank());
  size_t bytes;
  ssm_error error;
  if (shapeOf(tensor, sizes.data(), shape.data(), bytes, &error))
    return Problem{error.message};
  return shape;
}

namespace {
/// Finds the sizes that make shapes fit; -1 where one is open.
class SizeFinder {
public:
  SizeFinder(const Manifest::Function &function) : function(function), sizes(function.dims.size(), -1) {
    for (size_t dim = 0; dim < sizes.size(); ++dim)
      sizes[dim] = function.dims[dim].size.value_or(-1);
  }

  std::optional<Problem> know(const Sizes &known) {
    for (const auto &[name, size] : known) {
      auto it = std::find_if(function.dims.begin(), function.dims.end(),
                             [&, &wanted = name](const Manifest::Dim &dim) { return dim.name == wanted; });
      if (it == function.dims.end())
        return Problem{"there is no dimension " + printable(name)};
      if (std::optional<Problem> problem = set(it - function.dims.begin(), size))
        return problem;
    }
    return std::nullopt;
  }

  /// Reads what one tensor's shape tells; `found` is set where it told something new.
  std::optional<Problem> read(const Manifest::Tensor &tensor, const Shape &shape, bool &found) {
    if (shape.size() != tensor.rank())
      return Problem{"'" + fileName(tensor) + "' has the shape " + shapeText(shape) + "; it has to have " +
                     std::to_string(tensor.rank()) + " axes"};
    for (size_t axis = 0; axis < tensor.layout.size(); ++axis) {
      int64_t rest = shape[axis] - tensor.more;
      std::vector<size_t> open;
      for (size_t part : tensor.layout[axis]) {
        int64_t size = sizes[function.dims[part].extent];
        if (size < 0)
          open.push_back(function.dims[part].extent);
        else if (size > 0 && rest % size == 0)
          rest /= size;
      }
      if (open.size() != 1)
        continue;
      found = true;
      if (std::optional<Problem> problem = set(open.front(), rest))
        return problem;
    }
    return std::nullopt;
  }

  Result<std::vector<int64_t>> take() {
    for (size_t dim = 0; dim < sizes.size(); ++dim) {
      sizes[dim] = sizes[function.dims[dim].extent];
      if (sizes[dim] < 0)
        return Problem{"the size of '" + function.dims[dim].name + "' is not known; give it with --dim"};
    }
    return sizes;
  }

private:
  std::optional<Problem> set(size_t dim, int64_t size) {
    int64_t &known = sizes[function.dims[dim].extent];
    if (size < 0 || (known >= 0 && known != size))
      return Problem{"the size of '" + function.dims[dim].name + "' is " + std::to_string(known) + ", not " +
                     std::to_string(size)};
    known = size;
    return std::nullopt;
  }

  const Manifest::Function &function;
  std::vector<int64_t> sizes;
};
} // namespace

/// Brings a file's tensor to the function's type.
static Result<Tensor> convert(const Manifest::Tensor &wanted, Tensor tensor) {
  if (wanted.role == Role::Rows) {
    if (tensor.dtype() == wanted.dtype)
      return tensor;
    return Problem{"'" + wanted.name + "' has elements of type " + std::string(dtypeName(tensor.dtype())) +
                   "; the bundle takes " + std::string(dtypeName(wanted.dtype))};
  }
  if (isComplex(wanted.dtype) && !isComplex(tensor.dtype())) {
    Result<Tensor> complex = tensor.asComplex();
    if (!complex)
      return Problem{"'" + fileName(wanted) + "': " + complex.error()};
    tensor = *complex;
  }
  if (isComplex(tensor.dtype()) != isComplex(wanted.dtype) || isInteger(tensor.dtype()))
    return Problem{"'" + fileName(wanted) + "' holds no numbers of the right kind"};
  return tensor.convert(wanted.dtype);
}

/// Sizes from all shapes, then the shapes against the sizes.
static Result<CallArguments> settle(const Manifest::Function &function, CallArguments call, const Sizes &known) {
  SizeFinder finder(function);
  if (std::optional<Problem> problem = finder.know(known))
    return *problem;
  for (bool found = true; found;) {
    found = false;
    for (size_t number = 0; number < call.tensors.size(); ++number)
      if (call.tensors[number])
        if (std::optional<Problem> problem =
                finder.read(function.tensors[number], call.tensors[number]->shape(), found))
          return *problem;
  }
  Result<std::vector<int64_t>> sizes = finder.take();
  if (!sizes)
    return sizes.problem();
  call.sizes = *sizes;
  for (size_t number = 0; number < call.tensors.size(); ++number) {
    if (!call.tensors[number])
      continue;
    Result<Shape> shape = shapeOf(function.tensors[number], call.sizes);
    if (!shape)
      return shape.problem();
    if (*shape != call.tensors[number]->shape())
      return Problem{"'" + fileName(function.tensors[number]) + "' has the shape " +
                     shapeText(call.tensors[number]->shape()) + "; expected " + shapeText(*shape)};
  }
  return call;
}

Result<CallArguments> ssm::bindArguments(const Manifest::Function &function, std::map<std::string, Tensor> given,
                                         const Sizes &known) {
  CallArguments call;
  for (const Manifest::Tensor &tensor : function.tensors) {
    call.tensors.emplace_back();
    auto it = given.find(key(tensor));
    if (it == given.end()) {
      if (tensor.role == Role::Input || (tensor.role == Role::Rows && !tensor.optional))
        return Problem{"the input '" + tensor.name + "' is missing"};
      continue;
    }
    Result<Tensor> converted = convert(tensor, it->second);
    if (!converted)
      return converted.problem();
    call.tensors.back() = *converted;
    given.erase(it);
  }
  if (!given.empty())
    return Problem{"the bundle takes no " + printable(given.begin()->first)};
  return settle(function, std::move(call), known);
}

/// A generator of bits that is the same everywhere (SplitMix64).
static uint64_t nextBits(uint64_t &state) {
  uint64_t bits = state += 0x9e3779b97f4a7c15;
  bits = (bits ^ (bits >> 30)) * 0xbf58476d1ce4e5b9;
  bits = (bits ^ (bits >> 27)) * 0x94d049bb133111eb;
  return bits ^ (bits >> 31);
}

/// Millions of elements: rounded here where setReal would look at the type of each.
static void draw(Tensor &tensor, Range range, uint64_t seed) {
  uint64_t state = seed;
  auto next = [&] {
    return range.low + (range.high - range.low) * static_cast<double>(nextBits(state) >> 11) * 0x1p-53;
  };
  const int64_t count = tensor.numElements();
  if (tensor.dtype() == DType::BF16 || tensor.dtype() == DType::F16)
    for (int64_t i = 0; i < count; ++i)
      tensor.dataAs<uint16_t>()[i] = tensor.dtype() == DType::BF16 ? toBF16(next()) : toF16(next());
  else if (tensor.dtype() == DType::F32)
    for (int64_t i = 0; i < count; ++i)
      tensor.dataAs<float>()[i] = static_cast<float>(next());
  else
    forEachOffset(tensor, [&](int64_t offset) {
      double real = next();
      tensor.setComplex(offset, {real, isComplex(tensor.dtype()) ? next() : 0});
    });
}

Result<CallArguments> ssm::drawArguments(const Manifest::Function &function, const Sizes &known,
                                         const std::map<std::string, Range> &ranges, uint64_t seed) {
  CallArguments call;
  call.tensors.resize(function.tensors.size());
  Result<CallArguments> sized = settle(function, std::move(call), known);
  if (!sized)
    return sized;
  for (const auto &[name, range] : ranges)
    if (std::none_of(function.tensors.begin(), function.tensors.end(), [&, &wanted = name](const auto &tensor) {
          return tensor.role == Role::Input && tensor.name == wanted;
        }))
      return Problem{"there is no input " + printable(name) + " to draw"};
  for (size_t number = 0; number < function.tensors.size(); ++number) {
    const Manifest::Tensor &tensor = function.tensors[number];
    // A step is there to move states on.
    if (tensor.role != Role::Input && !(tensor.role == Role::InitialState && function.mode == "step"))
      continue;
    Result<Shape> shape = shapeOf(tensor, sized->sizes);
    if (!shape)
      return shape.problem();
    Result<Tensor> made = Tensor::allocate(tensor.dtype, *shape);
    if (!made)
      return made.problem();
    auto range = ranges.find(tensor.name);
    draw(*made, range == ranges.end() ? Range() : range->second, seed * 1000 + number);
    sized->tensors[number] = *made;
  }
  return sized;
}
