// From the text of operands to what they name.

#include "bench/sm-model/Operand.h"
#include "llvm/ADT/StringExtras.h"

using namespace ssm::sm;
using llvm::StringRef;
using Kind = Operand::Kind;

/// `R12`, `UR4`, `P0`, `UP1`, and the names of those that are constant.
static bool parseName(StringRef text, Operand &operand) {
  struct Form {
    StringRef prefix, constant;
    Kind kind;
    unsigned constantIndex;
  };
  static constexpr Form forms[] = {{"UR", "URZ", Kind::UniformRegister, Operand::zeroUniform},
                                   {"UP", "UPT", Kind::UniformPredicate, Operand::truePredicate},
                                   {"R", "RZ", Kind::Register, Operand::zeroRegister},
                                   {"P", "PT", Kind::Predicate, Operand::truePredicate}};
  for (const Form &form : forms) {
    unsigned index = form.constantIndex;
    StringRef number = text;
    if (text != form.constant &&
        (!number.consume_front(form.prefix) || number.getAsInteger(10, index) || index >= form.constantIndex))
      continue;
    operand.kind = form.kind;
    operand.index = index;
    return true;
  }
  return false;
}

static bool parseNumber(StringRef text, uint32_t &value) {
  bool isNegative = text.consume_front("-");
  uint64_t magnitude;
  // Numbers of floating point have a point, or are written without 0x.
  if (!text.starts_with("0x") || text.getAsInteger(0, magnitude))
    return false;
  value = static_cast<uint32_t>(isNegative ? -magnitude : magnitude);
  return true;
}

/// `R2.64+UR4+-0x10`, the inside of an address.
static void parseAddress(StringRef text, Operand &operand) {
  operand.kind = Kind::Memory;
  operand.index = Operand::zeroRegister;
  llvm::SmallVector<StringRef> terms;
  text.split(terms, '+', -1, /*KeepEmpty=*/false);
  for (StringRef term : terms) {
    operand.isWide |= term.contains(".64");
    Operand part;
    uint32_t offset;
    if (parseName(term.split('.').first, part))
      (part.kind == Kind::Register ? operand.index : operand.uniform) = part.index;
    else if (parseNumber(term, offset))
      operand.value += offset;
    else
      operand.kind = Kind::Other;
  }
}

Operand ssm::sm::parseOperand(StringRef text) {
  Operand operand;
  text = text.trim();
  operand.text = text.str();
  if (text.consume_front("desc[")) {
    // The descriptor says how caches are used.
    text = text.split(']').second;
  }
  if (text.consume_front("[") && text.consume_back("]")) {
    parseAddress(text, operand);
    return operand;
  }
  if (text.consume_front("`(")) {
    operand.kind = Kind::Label;
    operand.text = text.drop_back().str();
    return operand;
  }
  if (parseNumber(text, operand.value)) {
    operand.kind = Kind::Immediate;
    return operand;
  }
  operand.negated = text.consume_front("-");
  while (text.consume_front("!") || text.consume_front("~"))
    operand.inverted = true;
  if (text.consume_front("c[0x0][")) {
    operand.kind = parseNumber(text.drop_back(), operand.value) ? Kind::Constant : Kind::Other;
    return operand;
  }
  text.consume_front("|");
  text.consume_back("|");
  parseName(text.split('.').first, operand);
  return operand;
}

llvm::SmallVector<Operand> ssm::sm::parseOperands(StringRef text) {
  llvm::SmallVector<Operand> operands;
  llvm::SmallVector<StringRef> parts;
  text.trim().split(parts, ',', -1, /*KeepEmpty=*/false);
  for (StringRef part : parts)
    operands.push_back(parseOperand(part));
  return operands;
}
