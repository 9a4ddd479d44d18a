#ifndef SSM_TEST_UNIT_CPUKERNELRUN_H
#define SSM_TEST_UNIT_CPUKERNELRUN_H

#include "codegen/binding/Binding.h"
#include "codegen/cpu/CpuKernel.h"
#include "codegen/emulator/EmulatedKernel.h"
#include "codegen/interpreter/Interpreter.h"
#include "mlir/Pass/PassManager.h"
#include "passes/KernelInterface.h"
#include "passes/Passes.h"
#include "test/support/Description.h"
#include "test/support/Random.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

#include <cstring>
#include <gtest/gtest.h>
#include <sys/mman.h>

namespace ssm::test {

//===----------------------------------------------------------------------===//
// Tensors in memory that tells
//===----------------------------------------------------------------------===//

/// How the axes of a tensor lie in memory.
enum class Memory {
  Dense,
  /// Row-major, the last element just before a page that may not be touched; the first just after one.
  BeforeForbidden,
  AfterForbidden,
  /// Axes in reverse order: the first one is contiguous.
  Transposed,
  /// A part that begins at 1 of a larger array along every axis.
  OddOffset,
  /// Rows of the last axis with a gap between them.
  PaddedRows,
  /// Every third element along the last axis.
  EveryThird,
  /// All strides negative; all but the last.
  Reversed,
  ReversedRows,
  /// Rows repeat nothing, but their order is rotated: the middle axes run fastest after the last.
  SwappedRows,
};
inline constexpr Memory allMemories[] = {
    Memory::Dense,      Memory::BeforeForbidden, Memory::AfterForbidden, Memory::Transposed,   Memory::OddOffset,
    Memory::PaddedRows, Memory::EveryThird,      Memory::Reversed,       Memory::ReversedRows, Memory::SwappedRows};

/// A tensor inside a larger block of NaN that is enclosed by pages that may not be touched.
class Guarded {
public:
  Guarded(DType type, const Shape &shape, Memory memory) {
    int64_t rank = shape.size();
    Shape order, pad(rank, 0), step(rank, 1), begin(rank, 0), sign(rank, 1);
    for (int64_t axis = rank; axis-- > 0;)
      order.push_back(axis);
    if (memory == Memory::Transposed)
      std::reverse(order.begin(), order.end());
    if (memory == Memory::SwappedRows && rank > 2)
      std::reverse(order.begin() + 1, order.end());
    if (memory == Memory::OddOffset) {
      pad.assign(rank, 2);
      begin.assign(rank, 1);
    }
    if (memory == Memory::PaddedRows && rank)
      pad.back() = 5;
    if (memory == Memory::EveryThird && rank)
      step.back() = 3;
    if (memory == Memory::Reversed || memory == Memory::ReversedRows)
      sign.assign(rank, -1);
    if (memory == Memory::ReversedRows && rank)
      sign.back() = 1;
    Shape strides(rank);
    int64_t pitch = 1, first = 0;
    for (int64_t axis : order) {
      int64_t stride = pitch * step[axis];
      first += begin[axis] * pitch + (sign[axis] < 0 ? std::max<int64_t>(shape[axis] - 1, 0) * stride : 0);
      strides[axis] = sign[axis] * stride;
      pitch *= shape[axis] * step[axis] + pad[axis];
    }
    // 7 elements keep the base off every alignment but the element's own.
    bool isTight = memory == Memory::BeforeForbidden || memory == Memory::AfterForbidden;
    size_t before = isTight ? 0 : 7 * itemSize(type), after = isTight ? 0 : 64 * itemSize(type);
    size_t used = before + pitch * itemSize(type) + after;
    size_t page = 4096, pages = std::max<size_t>(1, (used + page - 1) / page) * page;
    mapped = pages + 2 * page;
    base = static_cast<char *>(mmap(nullptr, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    mprotect(base, page, PROT_NONE);
    mprotect(base + page + pages, page, PROT_NONE);
    block = base + page;
    size = pages;
    fillWithNan(realType(type), block, size);
    char *start = memory == Memory::BeforeForbidden ? block + size - used : block + before;
    value = Tensor::wrap(type, shape, strides, nullptr, start + first * itemSize(type));
  }
  ~Guarded() { munmap(base, mapped); }
  Guarded(const Guarded &) = delete;

  const Tensor &tensor() const { return value; }
  Tensor &tensor() { return value; }

  /// Remembers the block as it is now.
  void remember() { copy.assign(block, block + size); }
  /// Whether everything is as it was; with `mayWrite`, everything but the elements.
  bool isUntouched(bool mayWrite) const {
    std::vector<char> now(block, block + size);
    if (mayWrite)
      forEachOffset(value, [&](int64_t offset) {
        const char *element = static_cast<const char *>(value.data()) + offset * int64_t(itemSize(value.dtype()));
        std::memcpy(now.data() + (element - block), copy.data() + (element - block), itemSize(value.dtype()));
      });
    return now == copy;
  }

private:
  static void fillWithNan(DType type, char *memory, size_t size) {
    uint64_t bits = type == DType::F64    ? 0x7ff800000000beefull
                    : type == DType::F16  ? 0x7e017e017e017e01ull
                    : type == DType::BF16 ? 0x7fc17fc17fc17fc1ull
                                          : 0x7fc0beef7fc0beefull;
    for (size_t i = 0; i < size; i += sizeof bits)
      std::memcpy(memory + i, &bits, sizeof bits);
  }

  char *base = nullptr, *block = nullptr;
  size_t mapped = 0, size = 0;
  Tensor value;
  std::vector<char> copy;
};

//===----------------------------------------------------------------------===//
// Recurrences
//===----------------------------------------------------------------------===//

inline std::vector<std::string> libraryModels() {
  std::vector<std::string> names;
  std::error_code error;
  for (llvm::sys::fs::directory_iterator it(SSM_SOURCE_DIR "/models", error), end; it != end && !error;
       it.increment(error))
    if (llvm::sys::path::extension(it->path()) == ".ssm")
      names.push_back(llvm::sys::path::stem(it->path()).str());
  llvm::sort(names);
  return names;
}

/// A dimension's default size is only a default: here every size comes from the test.
inline void dropSizes(RecurrenceOp recurrence) {
  llvm::SmallVector<mlir::Attribute> dims;
  for (auto dim : recurrence.getDims().getAsRange<DimAttr>())
    dims.push_back(DimAttr::get(recurrence.getContext(), dim.getName(), std::nullopt, dim.getLike()));
  recurrence.setDimsAttr(mlir::ArrayAttr::get(recurrence.getContext(), dims));
}

/// Specializes and discretizes; an error is the test's.
inline bool prepare(Description &description, const SpecializeParameters &parameters) {
  if (failed(specialize(description.recurrence(), parameters)))
    return false;
  mlir::PassManager passes(description.context.get());
  passes.addNestedPass<RecurrenceOp>(createDiscretize());
  return succeeded(passes.run(*description.module));
}

//===----------------------------------------------------------------------===//
// Values that a model is meant for
//===----------------------------------------------------------------------===//

/// Inputs are within ±0.5 but for these, so that states neither vanish nor explode: steps and rates are positive,
/// decays below one, keys of unit length.
struct Range {
  double low = -0.5, high = 0.5;
};

inline Range rangeOf(llvm::StringRef model, llvm::StringRef tensor, const std::map<std::string, int64_t> &sizes) {
  auto size = [&](const char *dim) { return std::max<double>(1, sizes.at(dim)); };
  if (tensor == "A" && model == "s4")
    return {-0.9 / std::sqrt(size("state")), 0.9 / std::sqrt(size("state"))};
  if (tensor == "A")
    return {-1, -0.1};
  if (tensor == "gamma")
    return {0.8, 0.99};
  if (tensor == "beta")
    return {0, 1};
  if (model == "deltanet" && tensor == "k")
    return {-1 / std::sqrt(size("key")), 1 / std::sqrt(size("key"))};
  if (tensor == "omega2" || tensor == "damp")
    return {0.1, 1};
  if (tensor == "dt" && (model == "ema2" || model == "s4d"))
    return {0.05, 0.3};
  return {};
}

inline void fillRandomly(Tensor &tensor, Range range, Random &random) {
  auto draw = [&](Range range) {
    return (range.low + range.high) / 2 + (range.high - range.low) / 2 * random.symmetric();
  };
  forEachOffset(tensor, [&](int64_t offset) {
    double real = draw(range);
    if (isComplex(tensor.dtype()))
      tensor.setComplex(offset, {real, draw({-1, 1})});
    else
      tensor.setReal(offset, real);
  });
}

/// Arguments at the stored types of the kernel's own tensors, contiguous.
inline InterpreterArguments argumentsFor(RecurrenceOp recurrence, llvm::StringRef model,
                                         const std::map<std::string, int64_t> &sizes, bool withStates, uint64_t seed) {
  InterpreterArguments arguments;
  arguments.sizes = sizes;
  Random random(seed);
  for (auto input : recurrence.getBody().front().getOps<InputOp>()) {
    Tensor tensor = Tensor::zeros(dtypeOf(input.getStored().value_or(input.getType())),
                                  *shapeOf(recurrence, input.getLayout(), sizes));
    fillRandomly(tensor, rangeOf(model, input.getName(), sizes), random);
    arguments.inputs.emplace(input.getName().str(), tensor);
  }
  for (const State &state : getStates(recurrence))
    if (std::optional<Shape> shape = shapeOf(recurrence, state, sizes); withStates && shape) {
      Tensor tensor = Tensor::zeros(dtypeOf(state.stored ? state.stored : state.type), *shape);
      fillRandomly(tensor, {}, random);
      arguments.states.emplace(state.name.str(), tensor);
    }
  return arguments;
}

//===----------------------------------------------------------------------===//
// Runs
//===----------------------------------------------------------------------===//

/// How one run differs from the next.
struct RunOptions {
  /// Memory of a tensor by its number in the kernel's order.
  std::function<Memory(size_t)> memory = [](size_t) { return Memory::Dense; };
  bool finalStates = true;
  unsigned threads = 1;
  /// Largest error of the arithmetic, of the largest value of the tensor in the reference, or of `atLeast`. What
  /// rounding to the stored type costs is added.
  double tolerance = 2e-5, atLeast = 1e-30;
};

/// Half a unit in the last place, relative to the largest value, and a little.
inline double roundingOf(DType type) {
  return type == DType::BF16 ? 4.4e-3 : type == DType::F16 ? 5.8e-4 : realType(type) == DType::F32 ? 1e-7 : 0;
}

inline void expectNear(const std::string &name, const Tensor &value, const Tensor &reference,
                       const RunOptions &options) {
  Tensor a = value.contiguous().asReal(), b = reference.contiguous().asReal();
  ASSERT_EQ(a.shape(), b.shape()) << name;
  double largest = options.atLeast, error = 0;
  int64_t worst = 0;
  for (int64_t i = 0; i < b.numElements(); ++i) {
    largest = std::max(largest, std::abs(b.real(i)));
    double difference = std::abs(a.real(i) - b.real(i));
    ASSERT_FALSE(std::isnan(difference)) << name << " " << shapeText(b.shape()) << " at element " << i << ": "
                                         << a.real(i) << " for " << b.real(i);
    if (difference > error)
      std::tie(error, worst) = std::pair(difference, i);
  }
  double tolerance = options.tolerance + roundingOf(value.dtype());
  ASSERT_LE(error, tolerance * largest) << name << " " << shapeText(b.shape()) << " at element " << worst << ": "
                                        << a.real(worst) << " for " << b.real(worst);
}

/// Runs the kernel on the arguments, in guarded memory, and compares with what the interpreter gave.
inline void runAndCompare(llvm::function_ref<llvm::Error(const KernelArguments &)> run, RecurrenceOp recurrence,
                          const InterpreterArguments &arguments, const InterpreterResults &expected,
                          const RunOptions &options) {
  using Role = KernelTensor::Role;
  KernelArguments call;
  call.sizes = arguments.sizes;
  call.parameters = arguments.params;
  std::vector<std::pair<std::unique_ptr<Guarded>, const KernelTensor *>> blocks;
  KernelInterface interface = getKernelInterface(recurrence);
  for (auto [number, tensor] : llvm::enumerate(interface.tensors)) {
    const Tensor *from = nullptr;
    if (tensor.role == Role::Input)
      from = &arguments.inputs.at(tensor.name);
    else if (auto it = arguments.states.find(tensor.name);
             tensor.role == Role::InitialState && it != arguments.states.end())
      from = &it->second;
    if (tensor.role == Role::InitialState && !from)
      continue;
    if (tensor.role == Role::FinalState && !options.finalStates)
      continue;
    Shape shape = from ? from->shape()
                       : (tensor.role == Role::Output ? expected.outputs : expected.states).at(tensor.name).shape();
    auto block = std::make_unique<Guarded>(dtypeOf(tensor.stored), shape, options.memory(number));
    if (from)
      block->tensor().copyFrom(*from);
    block->remember();
    auto &list = tensor.role == Role::Input          ? call.inputs
                 : tensor.role == Role::Output       ? call.outputs
                 : tensor.role == Role::InitialState ? call.initialStates
                                                     : call.finalStates;
    list.emplace(tensor.name, block->tensor());
    blocks.emplace_back(std::move(block), &tensor);
  }
  llvm::Error error = run(call);
  ASSERT_FALSE(static_cast<bool>(error)) << llvm::toString(std::move(error));
  for (auto &[block, tensor] : blocks) {
    bool isResult = tensor->role == Role::Output || tensor->role == Role::FinalState;
    ASSERT_TRUE(block->isUntouched(isResult)) << "memory that is not its own was written around "
                                              << (tensor->role == Role::FinalState ? "state." : "") << tensor->name;
    if (tensor->role == Role::Output)
      expectNear(tensor->name, block->tensor(), expected.outputs.at(tensor->name), options);
    if (tensor->role == Role::FinalState)
      expectNear("state." + tensor->name, block->tensor(), expected.states.at(tensor->name), options);
    if (testing::Test::HasFatalFailure())
      return;
  }
}

inline void runAndCompare(CpuKernel &kernel, RecurrenceOp recurrence, const InterpreterArguments &arguments,
                          const InterpreterResults &expected, const RunOptions &options) {
  runAndCompare([&](const KernelArguments &call) { return kernel.run(call, options.threads); }, recurrence, arguments,
                expected, options);
}

inline void runAndCompare(EmulatedKernel &kernel, RecurrenceOp recurrence, const InterpreterArguments &arguments,
                          const InterpreterResults &expected, const RunOptions &options) {
  runAndCompare([&](const KernelArguments &call) { return kernel.run(call); }, recurrence, arguments, expected,
                options);
}

inline std::string sizesText(const std::map<std::string, int64_t> &sizes) {
  std::string text;
  for (auto &[name, size] : sizes)
    text += (text.empty() ? "" : ", ") + name + "=" + std::to_string(size);
  return text;
}

} // namespace ssm::test

#endif
