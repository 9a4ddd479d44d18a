// What kernels are started with, from a manifest alone.

#include "runtime/Plan.h"

#include <algorithm>
#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <limits>

using namespace ssm;

ssm_status ssm::fail(ssm_error *error, ssm_status status, const char *format, ...) {
  if (error) {
    error->status = status;
    va_list arguments;
    va_start(arguments, format);
    std::vsnprintf(error->message, sizeof error->message, format, arguments);
    va_end(arguments);
  }
  return status;
}

ssm_status ssm::succeed(ssm_error *error) {
  if (error) {
    error->status = SSM_OK;
    error->message[0] = '\0';
  }
  return SSM_OK;
}

static int64_t countTiles(const Manifest::Tiles &tiles, int64_t size) {
  return std::max(tiles.atLeast, size / tiles.tile + (size % tiles.tile != 0));
}

ssm_status ssm::checkSizes(const Manifest::Function &function, const int64_t *given, int64_t *sizes, ssm_error *error) {
  if (!given)
    return fail(error, SSM_BAD_ARGUMENT, "the sizes are missing");
  for (size_t dim = 0; dim < function.dims.size(); ++dim) {
    const Manifest::Dim &declared = function.dims[dim];
    if (given[dim] < 0)
      return fail(error, SSM_BAD_ARGUMENT, "the size %lld of '%s' is negative", (long long)given[dim],
                  declared.name.c_str());
    if (declared.size && given[dim] != *declared.size)
      return fail(error, SSM_BAD_ARGUMENT, "the size of '%s' is %lld; the kernel was compiled for %lld",
                  declared.name.c_str(), (long long)given[dim], (long long)*declared.size);
    if (given[dim] != given[declared.extent])
      return fail(error, SSM_BAD_ARGUMENT, "the size %lld of '%s' is not that of '%s', %lld", (long long)given[dim],
                  declared.name.c_str(), function.dims[declared.extent].name.c_str(),
                  (long long)given[declared.extent]);
    sizes[dim] = given[dim];
  }
  return SSM_OK;
}

ssm_status ssm::shapeOf(const Manifest::Layout &layout, int64_t depth, DType dtype, const int64_t *sizes,
                        int64_t *shape, size_t &bytes, ssm_error *error) {
  int64_t total = static_cast<int64_t>(itemSize(dtype));
  bool isEmpty = false, overflows = false;
  auto take = [&](int64_t size) {
    isEmpty |= size == 0;
    overflows |= __builtin_mul_overflow(total, std::max<int64_t>(1, size), &total);
  };
  size_t axis = 0;
  for (const std::vector<size_t> &parts : layout) {
    int64_t size = 1;
    for (size_t part : parts)
      overflows |= __builtin_mul_overflow(size, sizes[part], &size);
    shape[axis++] = size;
    take(size);
  }
  if (depth > 1) {
    shape[axis] = depth;
    take(depth);
  }
  if (overflows)
    return fail(error, SSM_BAD_ARGUMENT, "a tensor of these sizes would have more than 2^63 bytes");
  bytes = isEmpty ? 0 : static_cast<size_t>(total);
  return SSM_OK;
}

ssm_status ssm::shapeOf(const Manifest::Tensor &tensor, const int64_t *sizes, int64_t *shape, size_t &bytes,
                        ssm_error *error) {
  if (ssm_status status = shapeOf(tensor.layout, tensor.depth, tensor.dtype, sizes, shape, bytes, error))
    return status;
  if (tensor.more == 0)
    return SSM_OK;
  shape[0] += tensor.more;
  bytes += tensor.more * itemSize(tensor.dtype);
  return SSM_OK;
}

ssm_status Plan::begin(const Manifest::Function &ofFunction, const Manifest::Program &ofProgram, const int64_t *given,
                       ssm_error *error) {
  function = &ofFunction;
  program = &ofProgram;
  if (function->dims.size() + program->counts.size() > maxSizes || program->buffers.size() > maxBuffers)
    return fail(error, SSM_BAD_BUNDLE, "the bundle has more sizes or buffers than fit");
  if (ssm_status status = checkSizes(*function, given, sizes.data(), error))
    return status;
  size_t known = function->dims.size();
  for (const Manifest::Count &count : program->counts)
    sizes[known++] = countTiles(count.tiles, sizes[count.tiles.of]);
  workspaceBytes = 0;
  for (size_t number = 0; number < program->buffers.size(); ++number) {
    const Manifest::Buffer &buffer = program->buffers[number];
    int64_t shape[32];
    size_t bytes;
    if (ssm_status status = shapeOf(buffer.layout, buffer.depth, buffer.dtype, sizes.data(), shape, bytes, error))
      return status;
    offsets[number] = workspaceBytes;
    size_t padded;
    if (__builtin_add_overflow(bytes, alignment - 1, &padded) ||
        __builtin_add_overflow(workspaceBytes, padded & ~(alignment - 1), &workspaceBytes))
      return fail(error, SSM_BAD_ARGUMENT, "the workspace for these sizes would have more than 2^64 bytes");
  }
  return SSM_OK;
}

/// Appends arguments to a kernel's words.
class Plan::Words {
public:
  Words(uint64_t *words, size_t &count) : words(words), count(count) { count = 0; }

  void add(uint64_t word) {
    if (count < Plan::maxWords)
      words[count++] = word;
  }
  void add(double number) {
    uint64_t bits;
    std::memcpy(&bits, &number, sizeof bits);
    add(bits);
  }

private:
  uint64_t *words;
  size_t &count;
};

Plan::StepRange Plan::stepsOf(const Manifest::Kernel &kernel) const {
  using Which = Manifest::Steps::Which;
  const int64_t all = sizes[function->scan], block = kernel.steps.block;
  if (kernel.steps.which == Which::Blocks)
    return {all, all / block, block, 0, all >= block};
  if (kernel.steps.which == Which::Rest)
    return {all, all % block, 1, all - all % block, all < block || all % block != 0};
  return {all, all, 1, 0, true};
}

/// Addresses and strides may be anything: their arithmetic is modulo 2^64, as a kernel's is.
void Plan::addTensor(const Manifest::Argument &argument, const StepRange &steps, const ssm_call &call,
                     Words &out) const {
  const Manifest::Tensor &tensor = function->tensors[argument.index];
  // Of a state that several kernels hand on, the call has the first and the last.
  const bool isBetween =
      argument.between && (steps.block > 1 ? steps.count * steps.block < steps.all : steps.first > 0);
  if (isBetween)
    return addBuffer(*argument.between, call, out);
  const ssm_tensor &given = call.tensors[argument.index];
  const size_t scanned = function->dims[function->scan].extent;
  uint64_t address = reinterpret_cast<uintptr_t>(given.data), strides[32];
  for (size_t axis = 0; axis < tensor.rank(); ++axis) {
    strides[axis] = given.data ? static_cast<uint64_t>(given.strides[axis]) : 0;
    const bool isAlongSteps = !tensor.isState() && axis < tensor.layout.size() && tensor.layout[axis].size() == 1 &&
                              function->dims[tensor.layout[axis][0]].extent == scanned;
    if (!isAlongSteps || steps.count == steps.all)
      continue;
    // In reverse, coordinates descend from the kernel's last.
    const int64_t step = steps.first + argument.step;
    const int64_t from = function->reverse ? steps.all - 1 - step - steps.block * (steps.count - 1) : step;
    address += strides[axis] * static_cast<uint64_t>(from) * itemSize(tensor.dtype);
    strides[axis] *= static_cast<uint64_t>(steps.block);
  }
  out.add(given.data ? address : 0);
  for (size_t axis = 0; axis < tensor.rank(); ++axis)
    out.add(strides[axis]);
}

void Plan::addBuffer(size_t number, const ssm_call &call, Words &out) const {
  const Manifest::Buffer &buffer = program->buffers[number];
  int64_t shape[32];
  size_t bytes;
  // `begin` has seen that it fits.
  shapeOf(buffer.layout, buffer.depth, buffer.dtype, sizes.data(), shape, bytes, nullptr);
  out.add(reinterpret_cast<uintptr_t>(call.workspace) + offsets[number]);
  for (size_t axis = 0; axis < buffer.rank(); ++axis) {
    uint64_t stride = 1;
    for (size_t inner = axis + 1; inner < buffer.rank(); ++inner)
      stride *= static_cast<uint64_t>(shape[inner]);
    out.add(stride);
  }
}

ssm_status Plan::launch(const Manifest::Kernel &kernel, const ssm_call &call, int64_t &tasks, uint64_t *words,
                        size_t &count, ssm_error *error) const {
  using Kind = Manifest::Argument::Kind;
  const StepRange steps = stepsOf(kernel);
  tasks = 1;
  bool overflows = false, isEmpty = !steps.isRun;
  for (const Manifest::Tiles &tiles : kernel.grid) {
    int64_t factor = countTiles(tiles, sizes[tiles.of]);
    isEmpty |= factor == 0;
    overflows |= __builtin_mul_overflow(tasks, std::max<int64_t>(1, factor), &tasks);
  }
  if (overflows)
    return fail(error, SSM_BAD_ARGUMENT, "these sizes are more than 2^63 tasks of the kernel '%s'",
                kernel.entry.c_str());
  if (isEmpty)
    tasks = 0;
  Words out(words, count);
  for (const Manifest::Argument &argument : kernel.arguments)
    switch (argument.kind) {
    case Kind::Tensor:
      addTensor(argument, steps, call, out);
      break;
    case Kind::Buffer:
      addBuffer(argument.index, call, out);
      break;
    case Kind::Absent:
      for (size_t word = 0; word <= argument.index; ++word)
        out.add(uint64_t(0));
      break;
    case Kind::Parameter:
      out.add(call.parameters ? call.parameters[argument.index] : function->parameters[argument.index].byDefault);
      break;
    case Kind::Size: {
      const bool isSteps = argument.index < function->dims.size() &&
                           function->dims[argument.index].extent == function->dims[function->scan].extent;
      out.add(static_cast<uint64_t>(isSteps ? steps.count : sizes[argument.index]));
      break;
    }
    case Kind::Tasks:
      out.add(static_cast<uint64_t>(tasks));
      break;
    }
  return SSM_OK;
}

ssm_status ssm::checkCall(const Manifest::Function &function, const int64_t *sizes, const ssm_call &call,
                          ssm_error *error) {
  using Role = Manifest::Role;
  if (!call.tensors)
    return fail(error, SSM_BAD_ARGUMENT, "the tensors are missing");
  for (size_t number = 0; number < function.tensors.size(); ++number) {
    const Manifest::Tensor &tensor = function.tensors[number];
    const ssm_tensor &given = call.tensors[number];
    int64_t shape[32];
    size_t bytes;
    if (ssm_status status = shapeOf(tensor, sizes, shape, bytes, error))
      return status;
    if (!given.data && bytes && !tensor.isOptional())
      return fail(error, SSM_BAD_ARGUMENT, "the tensor '%s' is missing", tensor.name.c_str());
    if (given.data && tensor.rank() && !given.strides)
      return fail(error, SSM_BAD_ARGUMENT, "the strides of the tensor '%s' are missing", tensor.name.c_str());
    if (reinterpret_cast<uintptr_t>(given.data) % itemSize(realType(tensor.dtype)))
      return fail(error, SSM_BAD_ARGUMENT, "the tensor '%s' is not aligned to its type", tensor.name.c_str());
    if (tensor.role != Role::FinalState || tensor.inPlace || !given.data)
      continue;
    for (size_t other = 0; other < function.tensors.size(); ++other)
      if (function.tensors[other].role == Role::InitialState && function.tensors[other].name == tensor.name &&
          call.tensors[other].data == given.data)
        return fail(error, SSM_BAD_ARGUMENT,
                    "the final state '%s' may not be the array of the initial one: several blocks read that",
                    tensor.name.c_str());
  }
  return SSM_OK;
}

namespace {
/// Whether a call is one that a program takes. No shape overflows: checkCall has seen to that.
class Conditions {
public:
  Conditions(const Manifest::Function &function, const Manifest::Program &program, const int64_t *given,
             const ssm_call &call)
      : function(function), program(program), call(call) {
    std::copy(given, given + function.dims.size(), sizes.begin());
    size_t known = function.dims.size();
    for (const Manifest::Count &count : program.counts)
      if (known < sizes.size())
        sizes[known++] = countTiles(count.tiles, sizes[count.tiles.of]);
  }

  bool hold() const {
    if (function.dims.size() + program.counts.size() > sizes.size())
      return false;
    bool all = true;
    for (const Manifest::Tiles &multiple : program.multiples)
      all &= sizes[multiple.of] % multiple.tile == 0;
    for (size_t tensor = 0; program.unitStrides && tensor < function.tensors.size(); ++tensor)
      all &= hasUnitStride(tensor);
    for (const Manifest::Alignment &alignment : program.alignments)
      all &= isAligned(alignment.tensor, alignment.bytes);
    return all;
  }

private:
  /// Whether a tensor has no elements, or is left out: then it lies anywhere.
  bool isNothing(size_t number, int64_t *shape) const {
    const Manifest::Tensor &tensor = function.tensors[number];
    size_t bytes = 0;
    shapeOf(tensor, sizes.data(), shape, bytes, nullptr);
    return !call.tensors[number].data || tensor.rank() == 0 || bytes == 0;
  }

  bool hasUnitStride(size_t number) const {
    int64_t shape[32];
    if (isNothing(number, shape))
      return true;
    const size_t last = function.tensors[number].rank() - 1;
    return call.tensors[number].strides[last] == 1 || shape[last] <= 1;
  }

  bool isAligned(size_t number, int64_t bytes) const {
    int64_t shape[32];
    if (isNothing(number, shape))
      return true;
    const Manifest::Tensor &tensor = function.tensors[number];
    const ssm_tensor &given = call.tensors[number];
    bool fits = reinterpret_cast<uintptr_t>(given.data) % bytes == 0;
    for (size_t axis = 0; axis + 1 < tensor.rank(); ++axis)
      fits &= shape[axis] <= 1 || static_cast<uint64_t>(given.strides[axis]) * itemSize(tensor.dtype) % bytes == 0;
    return fits;
  }

  const Manifest::Function &function;
  const Manifest::Program &program;
  const ssm_call &call;
  std::array<int64_t, Plan::maxSizes> sizes;
};
} // namespace

const Manifest::Program *ssm::chooseProgram(const Manifest::Function &function, const int64_t *sizes,
                                            const ssm_call &call, const bool *isUsable) {
  for (size_t number = 0; number < function.programs.size(); ++number)
    if (isUsable[number] && Conditions(function, function.programs[number], sizes, call).hold())
      return &function.programs[number];
  return nullptr;
}
