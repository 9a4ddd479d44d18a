#include "test/support/RandomArguments.h"
#include "test/support/Random.h"

using namespace mlir;
using namespace ssm;
using namespace ssm::test;

std::map<std::string, int64_t> ssm::test::randomSizes(RecurrenceOp recurrence, int64_t steps, int64_t largest,
                                                      uint64_t seed) {
  Random random(seed);
  std::map<std::string, int64_t> sizes;
  for (auto dim : recurrence.getDims().getAsRange<DimAttr>()) {
    StringRef name = dim.getName();
    if (dim.getLike())
      continue;
    int64_t size = dim.getSize().value_or(1 + random.below(largest));
    sizes[name.str()] = name == recurrence.getScan() ? steps : size;
  }
  return sizes;
}

namespace {
class ArgumentMaker {
public:
  ArgumentMaker(RecurrenceOp recurrence, const std::map<std::string, int64_t> &sizes, uint64_t seed,
                const RandomArgumentsOptions &options)
      : recurrence(recurrence), options(options), random(seed) {
    arguments.sizes = sizes;
  }

  InterpreterArguments make() {
    for (auto input : recurrence.getBody().front().getOps<InputOp>()) {
      Tensor tensor = values(shapeOf(input.getLayout()), input.getType(), input.getStored().value_or(Type()));
      if (!input.getOptional() || random.chance(options.optionalInputs))
        arguments.inputs.emplace(input.getName().str(), tensor);
    }
    for (const State &state : getStates(recurrence)) {
      Shape shape = shapeOf(state.layout);
      int64_t depth = state.isWindow() ? sizeOf(state.tap) - 1 : state.depth;
      if (depth > 1)
        shape.push_back(depth);
      Tensor tensor = values(shape, state.type, state.stored);
      if (depth >= 1 && random.chance(options.states))
        arguments.states.emplace(state.name.str(), tensor);
    }
    return arguments;
  }

private:
  int64_t sizeOf(StringRef dim) {
    auto passed = arguments.sizes.find(recurrence.extentOf(dim).str());
    return passed != arguments.sizes.end() ? passed->second : recurrence.sizeOf(dim).value_or(0);
  }

  Shape shapeOf(LayoutAttr layout) {
    Shape shape;
    for (unsigned axis = 0; axis < layout.getRank(); ++axis) {
      shape.push_back(1);
      for (StringRef dim : layout.getAxis(axis))
        shape.back() *= sizeOf(dim);
    }
    return shape;
  }

  static DType typeOf(Type type, Type stored) {
    Type element = stored ? stored : Type();
    if (auto complex = dyn_cast_if_present<ComplexType>(stored))
      element = complex.getElementType();
    bool isF64 = element && element.isF64();
    if (isa<ComplexType>(type))
      return isF64 ? DType::C128 : DType::C64;
    if (element && element.isBF16())
      return DType::BF16;
    if (element && element.isF16())
      return DType::F16;
    return isF64 ? DType::F64 : DType::F32;
  }

  Tensor values(const Shape &shape, Type type, Type stored) {
    size_t count = countElements(shape).value_or(0);
    DType dtype = typeOf(type, stored);
    if (isComplex(dtype)) {
      std::vector<std::complex<double>> numbers(count);
      for (auto &number : numbers) {
        double real = random.symmetric();
        number = {0.7 * options.magnitude * real, 0.7 * options.magnitude * random.symmetric()};
      }
      return Tensor::fromData(dtype, shape, numbers);
    }
    std::vector<double> numbers(count);
    for (double &number : numbers)
      number = options.magnitude * random.symmetric();
    return Tensor::fromData(dtype, shape, numbers);
  }

  RecurrenceOp recurrence;
  const RandomArgumentsOptions &options;
  Random random;
  InterpreterArguments arguments;
};
} // namespace

InterpreterArguments ssm::test::randomArguments(RecurrenceOp recurrence, const std::map<std::string, int64_t> &sizes,
                                                uint64_t seed, const RandomArgumentsOptions &options) {
  return ArgumentMaker(recurrence, sizes, seed, options).make();
}
