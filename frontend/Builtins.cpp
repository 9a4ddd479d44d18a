// The table of functions, in the order of the enumeration.

#include "frontend/Builtins.h"
#include "llvm/ADT/STLExtras.h"
#include <cmath>

using namespace llvm;
using namespace ssm::frontend;

static constexpr Builtin table[] = {
    {"exp", Function::Exp, 1, true},
    {"log", Function::Log, 1, true},
    {"log1p", Function::Log1p, 1, true},
    {"expm1", Function::Expm1, 1, true},
    {"sqrt", Function::Sqrt, 1, true},
    {"rsqrt", Function::Rsqrt, 1, true},
    {"abs", Function::Abs, 1, true},
    {"sign", Function::Sign, 1, false},
    {"floor", Function::Floor, 1, false},
    {"sin", Function::Sin, 1, true},
    {"cos", Function::Cos, 1, true},
    {"tanh", Function::Tanh, 1, true},
    {"erf", Function::Erf, 1, false},
    {"sigmoid", Function::Sigmoid, 1, false},
    {"silu", Function::Silu, 1, false},
    {"softplus", Function::Softplus, 1, false},
    {"relu", Function::Relu, 1, false},
    {"gelu", Function::Gelu, 1, false},
    {"min", Function::Min, 2, false},
    {"max", Function::Max, 2, false},
    {"pow", Function::Pow, 2, true},
    {"re", Function::Re, 1, true},
    {"im", Function::Im, 1, true},
    {"conj", Function::Conj, 1, true},
    {"complex", Function::Complex, 2, false},
};

static_assert(
    [] {
      for (size_t i = 0; i < std::size(table); ++i)
        if (size_t(table[i].function) != i)
          return false;
      return std::size(table) == size_t(Function::Complex) + 1;
    }(),
    "the table follows the enumeration");

const Builtin *ssm::frontend::lookupBuiltin(StringRef name) {
  const Builtin *found = find_if(table, [&](const Builtin &entry) { return entry.name == name; });
  return found == std::end(table) ? nullptr : found;
}

const Builtin &ssm::frontend::builtin(Function function) { return table[size_t(function)]; }

ArrayRef<Builtin> ssm::frontend::allBuiltins() { return table; }

ArrayRef<StringRef> ssm::frontend::specialForms() {
  static constexpr StringRef names[] = {"prev", "delay", "index", "size", "rename", "flip", "given", "sum", "mean"};
  return names;
}

std::optional<double> ssm::frontend::evaluate(Function function, ArrayRef<double> arguments) {
  switch (function) {
  case Function::Exp:
    return std::exp(arguments[0]);
  case Function::Log:
    return std::log(arguments[0]);
  case Function::Sqrt:
    return std::sqrt(arguments[0]);
  case Function::Pow:
    return std::pow(arguments[0], arguments[1]);
  default:
    return std::nullopt;
  }
}
