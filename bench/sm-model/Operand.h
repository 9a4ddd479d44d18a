#ifndef SSM_BENCH_SMMODEL_OPERAND_H
#define SSM_BENCH_SMMODEL_OPERAND_H

#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"

#include <string>

namespace ssm::sm {

/// An operand of machine code.
struct Operand {
  enum class Kind {
    Register,
    UniformRegister,
    Predicate,
    UniformPredicate,
    Immediate,
    /// Of constant bank 0, at the byte `value`.
    Constant,
    /// The address `index` + `uniform` + `value`, without either register where it is `zero…`.
    Memory,
    /// A place in the code; `text` is the label.
    Label,
    /// Anything else: special registers, numbers of floating point, other constant banks.
    Other
  };
  static constexpr unsigned zeroRegister = 255, zeroUniform = 63, truePredicate = 7;

  Kind kind = Kind::Other;
  unsigned index = 0;
  uint32_t value = 0;
  /// `-`, or `!` and `~`.
  bool negated = false, inverted = false;
  /// Of an address: its uniform register, and whether its registers are pairs.
  unsigned uniform = zeroUniform;
  bool isWide = false;
  std::string text;

  bool isPredicate() const { return kind == Kind::Predicate || kind == Kind::UniformPredicate; }
  bool isZero() const { return kind == Kind::Register && index == zeroRegister; }
};

/// Parses one operand as nvdisasm prints it.
Operand parseOperand(llvm::StringRef text);

/// Splits operands at their commas.
llvm::SmallVector<Operand> parseOperands(llvm::StringRef text);

} // namespace ssm::sm

#endif
