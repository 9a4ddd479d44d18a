#include "test/fuzz/KernelFuzz.h"
#include "codegen/binding/Binding.h"
#include "codegen/cpu/CpuKernel.h"
#include "passes/ComputeType.h"

#include <cmath>
#include <cstring>
#include <limits>

using namespace mlir;
using namespace ssm;
using namespace ssm::fuzz;

namespace {
/// Beyond this a result says little about the arithmetic: float32's own errors have grown with it.
constexpr double tame = 1e4;

/// An array with a pattern before and behind it, which nothing may change.
class Guarded {
public:
  Guarded(DType dtype, const Shape &shape)
      : bytes(countElements(shape).value_or(0) * itemSize(dtype)),
        storage(std::make_shared<std::vector<unsigned char>>(bytes + 2 * guard + 64, pattern)) {
    auto address = reinterpret_cast<uintptr_t>(storage->data()) + guard;
    begin = storage->data() + guard + (64 - address % 64) % 64;
    std::memset(begin, 0, bytes);
    tensor.emplace(Tensor::wrap(dtype, shape, contiguousStrides(shape), storage, begin));
  }
  const Tensor &get() const { return *tensor; }
  bool intact() const {
    const auto isPattern = [](unsigned char byte) { return byte == pattern; };
    const unsigned char *low = storage->data(), *high = low + storage->size(), *first = begin;
    return std::all_of(low, first, isPattern) && std::all_of(first + bytes, high, isPattern);
  }

private:
  static constexpr size_t guard = 512;
  static constexpr unsigned char pattern = 0xa5;
  size_t bytes;
  std::shared_ptr<std::vector<unsigned char>> storage;
  unsigned char *begin = nullptr;
  std::optional<Tensor> tensor;
};

/// The kernel's arguments, and what it writes.
struct KernelCall {
  KernelArguments arguments;
  std::vector<Guarded> written;

  KernelCall(RecurrenceOp recurrence, const InterpreterArguments &from) {
    arguments.inputs = from.inputs;
    arguments.initialStates = from.states;
    arguments.sizes = from.sizes;
    for (auto output : recurrence.getBody().front().getOps<OutputOp>())
      add(arguments.outputs, output.getName(), *output.getStored(),
          shapeOf(recurrence, output.getLayout(), from.sizes));
    for (const State &state : getStates(recurrence))
      if (state.depth > 0)
        add(arguments.finalStates, state.name, state.stored, shapeOf(recurrence, state, from.sizes));
  }

  bool intact() const {
    return llvm::all_of(written, [](const Guarded &one) { return one.intact(); });
  }
  InterpreterResults results() const { return {arguments.outputs, arguments.finalStates, {}}; }

private:
  void add(std::map<std::string, Tensor> &tensors, StringRef name, Type stored, const std::optional<Shape> &shape) {
    written.emplace_back(dtypeOf(stored), shape.value_or(Shape()));
    tensors.emplace(name.str(), written.back().get());
  }
};

/// What a stored type and the arithmetic may lose, relative to the largest value. Stored f32, f16 and bf16 round to
/// 2^-24, 2^-11 and 2^-8; arithmetic in f32 has a few thousand roundings to gather errors from.
double kernelTolerance(Type stored, bool isDouble) {
  if (auto complex = dyn_cast<ComplexType>(stored))
    stored = complex.getElementType();
  const double storing = stored.isF64() ? 0 : stored.isBF16() ? 1e-2 : stored.isF16() ? 2e-3 : 1e-6;
  return storing + (isDouble ? 1e-8 : 1e-3);
}

std::map<std::string, double> tolerances(RecurrenceOp recurrence, bool isDouble) {
  std::map<std::string, double> all;
  for (auto output : recurrence.getBody().front().getOps<OutputOp>())
    all["output " + output.getName().str()] = kernelTolerance(*output.getStored(), isDouble);
  for (const State &state : getStates(recurrence))
    all["state " + state.name.str()] = kernelTolerance(state.stored, isDouble);
  return all;
}

/// The arguments with every real part moved by up to a few roundings of float32 or float64.
InterpreterArguments nudged(const InterpreterArguments &arguments, bool isDouble) {
  InterpreterArguments result = arguments;
  int64_t count = 0;
  const double step = isDouble ? 1e-14 : 1e-6;
  for (auto *tensors : {&result.inputs, &result.states})
    for (auto &[name, tensor] : *tensors) {
      tensor = tensor.convert(isComplex(tensor.dtype()) ? DType::C128 : DType::F64).clone();
      forEachOffset(tensor, [&](int64_t offset) {
        const double factor = 1 + step * (count++ * 7 % 5 - 2);
        tensor.setComplex(offset, tensor.complex(offset) * factor);
      });
    }
  return result;
}

/// Whether rounding the inputs moves the results by less than `share` of the tolerance.
bool isStable(RecurrenceOp recurrence, const InterpreterArguments &arguments, const InterpreterResults &reference,
              const std::map<std::string, double> &allowed, bool isDouble) {
  llvm::Expected<InterpreterResults> other = interpret(recurrence, nudged(arguments, isDouble));
  if (!other) {
    llvm::consumeError(other.takeError());
    return false;
  }
  return difference(*other, reference,
                    [&](StringRef name, bool isState) {
                      auto found = allowed.find((isState ? "state " : "output ") + name.str());
                      return found == allowed.end() ? std::numeric_limits<double>::infinity() : found->second / 4;
                    })
      .empty();
}
} // namespace

double ssm::fuzz::magnitude(const InterpreterResults &results) {
  double largest = 0;
  for (const auto *tensors : {&results.outputs, &results.states})
    for (const auto &[name, tensor] : *tensors)
      forEachOffset(tensor, [&](int64_t offset) {
        const double value = std::abs(tensor.complex(offset));
        largest = std::isfinite(value) ? std::max(largest, value) : std::numeric_limits<double>::infinity();
      });
  return largest;
}

std::string ssm::fuzz::difference(const InterpreterResults &values, const InterpreterResults &reference,
                                  llvm::function_ref<double(StringRef name, bool isState)> bound) {
  std::string text;
  llvm::raw_string_ostream stream(text);
  auto compare = [&](const std::map<std::string, Tensor> &list, const std::map<std::string, Tensor> &references,
                     bool isState) {
    for (const auto &[name, tensor] : list) {
      auto found = references.find(name);
      if (found == references.end() || found->second.shape() != tensor.shape()) {
        stream << "'" << name << "' has no counterpart of the shape " << shapeText(tensor.shape()) << "\n";
        continue;
      }
      const Tensor expected = found->second.contiguous(), given = tensor.contiguous();
      double largest = 0, error = 0;
      for (int64_t i = 0; i < given.numElements(); ++i) {
        const double off = std::abs(given.complex(i) - expected.complex(i));
        largest = std::max(largest, std::abs(expected.complex(i)));
        error = std::isnan(off) ? off : std::max(off, error);
        if (std::isnan(error))
          break;
      }
      // Far below 1 an error is measured by what went in, which is about 1.
      const double allowed = bound(name, isState);
      if (!(error <= allowed * std::max(largest, 1.0)))
        stream << (isState ? "state '" : "output '") << name << "' is off by " << error << ", the largest value being "
               << largest << "; allowed " << allowed << "\n";
    }
  };
  compare(values.outputs, reference.outputs, false);
  compare(values.states, reference.states, true);
  return text;
}

KernelOutcome ssm::fuzz::compareKernel(RecurrenceOp recurrence, const InterpreterArguments &arguments,
                                       const InterpreterResults &reference) {
  llvm::Expected<std::unique_ptr<CpuKernel>> kernel = compileForCpu(recurrence, "auto");
  if (!kernel) {
    const std::string why = llvm::toString(kernel.takeError());
    return {why.empty() ? KernelEnd::Failed : KernelEnd::Refused, why.empty() ? "refused without a reason" : why};
  }
  KernelCall call(recurrence, arguments);
  if (llvm::Error error = (*kernel)->run(call.arguments, /*threads=*/1))
    return {KernelEnd::Failed, "the kernel does not run: " + llvm::toString(std::move(error))};
  if (!call.intact())
    return {KernelEnd::Failed, "the kernel wrote outside its tensors"};
  const bool isDouble = computeType(recurrence).isF64();
  const auto allowed = tolerances(recurrence, isDouble);
  if (magnitude(reference) > tame || !isStable(recurrence, arguments, reference, allowed, isDouble))
    return {KernelEnd::Wild, ""};
  const std::string off = difference(call.results(), reference, [&](StringRef name, bool isState) {
    return allowed.at((isState ? "state " : "output ") + name.str());
  });
  if (off.empty())
    return {KernelEnd::Compared, ""};
  return {KernelEnd::Disagrees, "the kernel (" + (*kernel)->schedule() + ") and the interpreter disagree: " + off};
}
