#ifndef SSM_FRONTEND_BUILTINS_H
#define SSM_FRONTEND_BUILTINS_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include <cstdint>
#include <optional>

namespace ssm::frontend {

/// Functions of numbers at one coordinate. docs/language.md has their meaning.
enum class Function : uint8_t {
  Exp,
  Log,
  Log1p,
  Expm1,
  Sqrt,
  Rsqrt,
  Abs,
  Sign,
  Floor,
  Sin,
  Cos,
  Tanh,
  Erf,
  Sigmoid,
  Silu,
  Softplus,
  Relu,
  Gelu,
  Min,
  Max,
  Pow,
  Re,
  Im,
  Conj,
  Complex,
};

struct Builtin {
  llvm::StringRef name;
  Function function;
  unsigned arity;
  /// Whether an argument may be complex.
  bool takesComplex;
};

/// The function of that name, or null.
const Builtin *lookupBuiltin(llvm::StringRef name);
const Builtin &builtin(Function function);
llvm::ArrayRef<Builtin> allBuiltins();

/// Names called like functions that are no functions of numbers: prev, delay, index and their like, and the reductions.
llvm::ArrayRef<llvm::StringRef> specialForms();

/// Value at numbers known when parsing, for sizes, defaults and counts; nothing where it is not worth folding.
std::optional<double> evaluate(Function function, llvm::ArrayRef<double> arguments);

} // namespace ssm::frontend

#endif
