#ifndef SSM_TEST_SUPPORT_INTERPRETED_H
#define SSM_TEST_SUPPORT_INTERPRETED_H

#include "codegen/interpreter/Interpreter.h"
#include "test/support/Description.h"

#include <string>
#include <vector>

namespace ssm::test {

/// A tensor of f64.
inline Tensor tensor(Shape shape, const std::vector<double> &values) {
  return Tensor::fromData(DType::F64, std::move(shape), values);
}

/// A tensor of complex<f64>.
inline Tensor complexTensor(Shape shape, const std::vector<std::complex<double>> &values) {
  return Tensor::fromData(DType::C128, std::move(shape), values);
}

/// Real elements in row-major order.
inline std::vector<double> values(const Tensor &tensor) {
  std::vector<double> list;
  forEachOffset(tensor, [&](int64_t offset) { list.push_back(tensor.real(offset)); });
  return list;
}

inline std::vector<std::complex<double>> complexValues(const Tensor &tensor) {
  std::vector<std::complex<double>> list;
  forEachOffset(tensor, [&](int64_t offset) { list.push_back(tensor.complex(offset)); });
  return list;
}

/// A description of the dialect's text, run. Without results, `error` says why, be it the parser or the interpreter.
struct Interpreted {
  Interpreted(llvm::StringRef text, const InterpreterArguments &arguments) {
    Description description = parseDialect(text);
    if (!description) {
      error = description.errors;
      return;
    }
    llvm::Expected<InterpreterResults> interpreted = interpret(description.recurrence(), arguments);
    if (interpreted)
      results = std::move(*interpreted);
    else
      error = llvm::toString(interpreted.takeError());
  }

  /// Elements of an output or of a state after the last step; nothing if there is none.
  std::vector<double> output(const std::string &name) const {
    auto found = results.outputs.find(name);
    return found == results.outputs.end() ? std::vector<double>() : values(found->second);
  }
  std::vector<double> state(const std::string &name) const {
    auto found = results.states.find(name);
    return found == results.states.end() ? std::vector<double>() : values(found->second);
  }

  InterpreterResults results;
  std::string error;
};

} // namespace ssm::test

#endif
