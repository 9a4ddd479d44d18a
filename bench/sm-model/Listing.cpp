// From nvdisasm's text to instructions.

#include "bench/sm-model/Listing.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/Regex.h"

using namespace ssm::sm;
using llvm::Error;
using llvm::Expected;
using llvm::StringRef;

bool Instruction::has(StringRef modifier) const {
  StringRef rest = StringRef(opcode).drop_front(base.size());
  for (size_t at = rest.find(modifier); at != StringRef::npos; at = rest.find(modifier, at + 1))
    if (at + modifier.size() == rest.size() || rest[at + modifier.size()] == '.')
      return true;
  return false;
}

static unsigned bytesOf(const Instruction &instruction) {
  if (instruction.has(".128"))
    return 16;
  if (instruction.has(".64"))
    return 8;
  if (instruction.has(".U16") || instruction.has(".S16"))
    return 2;
  return instruction.has(".U8") || instruction.has(".S8") ? 1 : 4;
}

/// `@!P0 BRA `(.L_x_1)` or `IMAD.WIDE R2, R3, 0x4, R4`.
static Instruction parseInstruction(unsigned address, StringRef text) {
  Instruction instruction;
  instruction.address = address;
  if (text.consume_front("@")) {
    auto [guard, rest] = text.split(' ');
    instruction.guard = parseOperand(guard);
    text = rest.ltrim();
  }
  auto [opcode, operands] = text.split(' ');
  instruction.opcode = opcode.str();
  instruction.base = opcode.split('.').first.str();
  instruction.operands = parseOperands(operands);
  instruction.bytes = bytesOf(instruction);
  if (std::optional<UnitAndMeaning> known = lookUpOpcode(instruction.base)) {
    instruction.unit = known->unit;
    instruction.meaning = known->meaning;
  }
  return instruction;
}

namespace {
class ListingParser {
public:
  Expected<std::vector<Listing>> parse(StringRef text) {
    llvm::SmallVector<StringRef> lines;
    text.split(lines, '\n');
    for (StringRef line : lines)
      take(line.trim());
    for (auto [listing, own] : llvm::zip(listings, labels)) {
      if (Error error = resolve(listing, own))
        return std::move(error);
      listing.registers = registers.lookup(listing.name);
    }
    if (listings.empty())
      return llvm::createStringError("nvdisasm printed no machine code");
    return std::move(listings);
  }

private:
  void take(StringRef line) {
    llvm::SmallVector<StringRef> found;
    if (section.match(line, &found)) {
      isCode = found[1].consume_front("text.");
      if (isCode) {
        listings.emplace_back().name = found[1].str();
        labels.emplace_back();
      }
    } else if (!isCode) {
      takeAttribute(line);
    } else if (label.match(line, &found)) {
      labels.back()[found[1]] = listings.back().instructions.size();
    } else if (code.match(line, &found)) {
      unsigned address = 0;
      (void)found[1].getAsInteger(16, address);
      listings.back().instructions.push_back(parseInstruction(address, found[2].rtrim()));
    } else if (upperHalf.match(line, &found) && !listings.back().instructions.empty()) {
      uint64_t upper = 0;
      (void)found[1].getAsInteger(16, upper);
      listings.back().instructions.back().control = decodeControlBits(upper);
    }
  }

  /// Registers stand among a cubin's attributes: the kernel's name, and the number in the next word.
  void takeAttribute(StringRef line) {
    llvm::SmallVector<StringRef> found;
    if (line.contains("nvinfo :")) {
      isRegisterCount = line.contains("EIATTR_REGCOUNT");
      kernel.clear();
    } else if (isRegisterCount && kernelName.match(line, &found)) {
      kernel = found[1].str();
    } else if (isRegisterCount && !kernel.empty() && word.match(line, &found)) {
      (void)found[1].getAsInteger(16, registers[kernel]);
    }
  }

  static Error resolve(Listing &listing, const llvm::StringMap<unsigned> &labels) {
    for (Instruction &instruction : listing.instructions) {
      if (instruction.base != "BRA" || instruction.operands.empty())
        continue;
      const std::string &name = instruction.operands.back().text;
      auto found = labels.find(name);
      if (found == labels.end())
        return llvm::createStringError("the machine code of '" + listing.name + "' branches to '" + name +
                                       "', which is not there");
      instruction.target = found->second;
    }
    return Error::success();
  }

  llvm::Regex section{"^//-+ \\.([^ ]+) +-+$"}, label{"^(\\.L[A-Za-z0-9_]*|\\$?[A-Za-z_][A-Za-z0-9_$]*):$"},
      code{"^/\\*([0-9a-f]+)\\*/ +([^;]+);"}, upperHalf{"^/\\* 0x([0-9a-f]+) \\*/$"},
      kernelName{"\\.word[ \t]+index@\\((.+)\\)"}, word{"\\.word[ \t]+0x([0-9a-f]+)"};
  std::vector<Listing> listings;
  std::vector<llvm::StringMap<unsigned>> labels;
  llvm::StringMap<int64_t> registers;
  bool isCode = false, isRegisterCount = false;
  std::string kernel;
};
} // namespace

Expected<std::vector<Listing>> ssm::sm::parseListing(StringRef text) { return ListingParser().parse(text); }
