// What instructions of integers compute. The uniform ones (UIADD3) are as those of lanes. Meanings that are not in
// NVIDIA's table of opcodes (CUDA Binary Utilities, instruction set of Hopper) are inferred from what ptxas makes of
// small kernels.

#include "bench/sm-model/Integers.h"
#include "llvm/ADT/APFloat.h"
#include "llvm/ADT/StringMap.h"

using namespace ssm::sm;
using llvm::StringRef;
using Kind = Operand::Kind;

static uint64_t product(Lane &lane, unsigned first) {
  uint32_t a = lane.source(first), b = lane.source(first + 1);
  if (lane.code().has(".U32"))
    return static_cast<uint64_t>(a) * b;
  return static_cast<int64_t>(static_cast<int32_t>(a)) * static_cast<int32_t>(b);
}

/// Predicates that stand where results do, after the first operand.
static unsigned carriesOut(Lane &lane) {
  unsigned first = 1;
  while (first < lane.operandCount() && lane.operand(first).isPredicate())
    ++first;
  return first - 1;
}

static bool move(Lane &lane) {
  lane.set(0, lane.source(1));
  return true;
}

static bool loadConstant(Lane &lane) {
  lane.set(0, lane.source(1));
  if (lane.code().has(".64"))
    lane.set(0, lane.source(1, 1), 1);
  return lane.code().bytes == 4 || lane.code().bytes == 8;
}

static bool readSpecial(Lane &lane) {
  bool isZero = lane.operand(1).text == "SRZ";
  std::optional<uint32_t> value = isZero ? 0 : lane.special(lane.operand(1).text);
  if (!value)
    return false;
  lane.set(0, *value);
  // CS2R writes a pair unless it says otherwise.
  if (lane.code().base == "CS2R" && !lane.code().has(".32"))
    lane.set(0, 0, 1);
  return true;
}

/// The sum of up to three sources; a carry of each 2^32 in it.
static bool add(Lane &lane) {
  unsigned carries = carriesOut(lane), operand = 1 + carries;
  uint64_t sum = 0;
  for (; operand < lane.operandCount() && !lane.operand(operand).isPredicate(); ++operand) {
    uint32_t value = lane.source(operand);
    // -x is ~x + 1, which carries for 0.
    sum += value + (lane.operand(operand).negated && value == 0 ? uint64_t(1) << 32 : 0);
  }
  if (lane.code().has(".X"))
    for (; operand < lane.operandCount(); ++operand)
      sum += lane.predicate(operand);
  lane.set(0, sum);
  for (unsigned carry = 0; carry < carries; ++carry)
    lane.setPredicate(1 + carry, (sum >> 32) > carry);
  return true;
}

static bool shiftAdd(Lane &lane) {
  if (!lane.code().has(".HI")) {
    unsigned first = 1 + carriesOut(lane);
    uint64_t sum = uint64_t(lane.source(first) << lane.source(first + 2)) + lane.source(first + 1);
    lane.set(0, sum);
    if (first > 1)
      lane.setPredicate(1, sum >> 32);
    return first <= 2 && !lane.code().has(".X");
  }
  bool extends = lane.code().has(".SX32");
  unsigned first = 1 + carriesOut(lane), shift = first + (extends ? 2 : 3);
  uint64_t low = lane.source(first), value = uint64_t(lane.source(first + 2)) << 32 | low;
  if (extends)
    value = static_cast<int64_t>(static_cast<int32_t>(low));
  uint64_t sum = uint64_t(static_cast<uint32_t>((value << lane.source(shift)) >> 32)) + lane.source(first + 1);
  if (lane.code().has(".X"))
    sum += lane.predicate(shift + 1);
  lane.set(0, sum);
  if (first > 1)
    lane.setPredicate(1, sum >> 32);
  return first <= 2;
}

static bool shift(Lane &lane) {
  const Instruction &code = lane.code();
  uint64_t both = uint64_t(lane.source(3)) << 32 | lane.source(1);
  uint32_t high = both >> 32, low = both, by = lane.source(2), narrow = std::min(by, 31u);
  by = std::min(by, 63u);
  uint32_t result;
  if (code.has(".L") && code.has(".U64") && code.has(".HI"))
    result = both << by >> 32;
  else if (code.has(".L") && code.has(".U32") && !code.has(".HI"))
    result = by > 31 ? 0 : low << by;
  else if (code.has(".R") && code.has(".U32") && code.has(".HI"))
    result = by > 31 ? 0 : high >> by;
  else if (code.has(".R") && code.has(".S32") && code.has(".HI"))
    result = static_cast<int32_t>(high) >> narrow;
  else if (code.has(".R") && code.has(".U64"))
    result = (both >> by) >> (code.has(".HI") ? 32 : 0);
  else if (code.has(".R") && code.has(".S64"))
    result = (static_cast<int64_t>(both) >> by) >> (code.has(".HI") ? 32 : 0);
  else
    return false;
  lane.set(0, result);
  return true;
}

static bool logic(Lane &lane) {
  unsigned to = lane.operand(0).isPredicate() ? 1 : 0;
  uint32_t a = lane.source(to + 1), b = lane.source(to + 2), c = lane.source(to + 3), result = 0;
  uint32_t table = lane.operand(to + 4).value;
  for (unsigned row = 0; row < 8; ++row)
    if (table >> row & 1)
      result |= (row & 4 ? a : ~a) & (row & 2 ? b : ~b) & (row & 1 ? c : ~c);
  lane.set(to, result);
  if (to)
    lane.setPredicate(0, result != 0);
  return lane.code().has(".LUT");
}

static bool predicateLogic(Lane &lane) {
  unsigned row = lane.predicate(2) * 4 + lane.predicate(3) * 2 + lane.predicate(4);
  lane.setPredicate(0, lane.operand(5).value >> row & 1);
  lane.setPredicate(1, lane.operand(6).value >> row & 1);
  return true;
}

/// Compares; the upper half of a comparison of 64 bits (.EX) takes what the lower found.
static bool compare(Lane &lane) {
  const Instruction &code = lane.code();
  uint32_t a = lane.source(2), b = lane.source(3);
  bool isLess = code.has(".U32") ? a < b : static_cast<int32_t>(a) < static_cast<int32_t>(b), isEqual = a == b, result;
  bool isUpper = code.has(".EX"), below = isUpper && lane.predicate(5);
  if (code.has(".GE") || code.has(".GT"))
    result = (!isLess && !isEqual) || (isEqual && (isUpper ? below : code.has(".GE")));
  else if (code.has(".LE") || code.has(".LT"))
    result = isLess || (isEqual && (isUpper ? below : code.has(".LE")));
  else if (code.has(".NE"))
    result = !isEqual || below;
  else if (code.has(".EQ"))
    result = isEqual && (!isUpper || below);
  else
    return false;
  bool with = lane.predicate(4), isOr = code.has(".OR");
  lane.setPredicate(0, isOr ? result || with : result && with);
  lane.setPredicate(1, isOr ? !result || with : !result && with);
  return isOr || code.has(".AND");
}

static bool multiplyAdd(Lane &lane) {
  const Instruction &code = lane.code();
  unsigned first = 1 + carriesOut(lane);
  if (code.has(".WIDE") || code.has(".HI")) {
    uint64_t factors = product(lane, first), sum = factors + lane.wideSource(first + 2);
    bool carries = sum < factors;
    if (code.has(".X"))
      sum += lane.predicate(first + 3);
    lane.set(0, code.has(".HI") ? sum >> 32 : sum);
    if (code.has(".WIDE"))
      lane.set(0, sum >> 32, 1);
    if (first > 1)
      lane.setPredicate(1, carries);
    return first <= 2;
  }
  uint32_t sum = lane.source(first) * lane.source(first + 1) + lane.source(first + 2);
  if (code.has(".X"))
    sum += lane.predicate(first + 3);
  lane.set(0, sum);
  return first == 1;
}

/// Two halves at once. Where no register takes part, it puts a constant into one.
static bool multiplyAddHalves(Lane &lane) {
  bool isConstant = lane.operandCount() == 5 && lane.operand(1).isZero() && lane.operand(2).isZero();
  uint32_t bits = 0;
  for (unsigned number = 3; isConstant && number < 5; ++number) {
    llvm::APFloat half(llvm::APFloat::IEEEhalf());
    auto status = half.convertFromString(lane.operand(number).text, llvm::APFloat::rmNearestTiesToEven);
    if (!status) {
      llvm::consumeError(status.takeError());
      isConstant = false;
      break;
    }
    bits = bits << 16 | static_cast<uint32_t>(half.bitcastToAPInt().getZExtValue());
  }
  if (!isConstant)
    lane.markUnknown();
  lane.set(0, bits);
  return true;
}

static bool select(Lane &lane) {
  bool takesFirst = lane.predicate(3);
  lane.set(0, lane.source(takesFirst ? 1 : 2));
  return true;
}

static bool extendSign(Lane &lane) {
  uint32_t bits = std::min(lane.source(2), 32u), value = lane.source(1);
  if (bits == 0 || bits == 32)
    value = bits ? value : 0;
  else if (lane.code().has(".U32"))
    value &= (1u << bits) - 1;
  else
    value = static_cast<int32_t>(value << (32 - bits)) >> (32 - bits);
  lane.set(0, value);
  return true;
}

static bool minimum(Lane &lane) {
  uint32_t a = lane.source(1), b = lane.source(2);
  bool isLess = lane.code().has(".U32") ? a < b : static_cast<int32_t>(a) < static_cast<int32_t>(b);
  lane.set(0, isLess == lane.predicate(3) ? a : b);
  return true;
}

static bool permuteBytes(Lane &lane) {
  uint64_t bytes = uint64_t(lane.source(3)) << 32 | lane.source(1);
  uint32_t selector = lane.source(2), result = 0;
  for (unsigned place = 0; place < 4; ++place) {
    uint32_t choice = selector >> (4 * place) & 15, byte = bytes >> (8 * (choice & 7)) & 255;
    if (choice & 8)
      byte = byte & 128 ? 255 : 0;
    result |= byte << (8 * place);
  }
  lane.set(0, result);
  return lane.code().base == lane.code().opcode;
}

static bool absolute(Lane &lane) {
  uint32_t value = lane.source(1);
  lane.set(0, static_cast<int32_t>(value) < 0 ? -value : value);
  return true;
}

static bool predicatesToRegister(Lane &lane) {
  uint32_t mask = lane.source(3);
  lane.set(0, (lane.source(2) & ~mask) | lane.packedPredicates(mask));
  return lane.code().base == lane.code().opcode;
}

static bool registerToPredicates(Lane &lane) {
  uint32_t bits = lane.source(1);
  lane.unpackPredicates(bits, lane.source(2));
  return lane.code().base == lane.code().opcode;
}

namespace {
/// How an instruction is run, and how many operands it has at least.
struct Rule {
  bool (*run)(Lane &);
  unsigned operands;
};
} // namespace

bool ssm::sm::executeInteger(Lane &lane) {
  static const llvm::StringMap<Rule> rules = {{"MOV", {move, 2}},
                                              {"R2UR", {move, 2}},
                                              {"LDC", {loadConstant, 2}},
                                              {"S2R", {readSpecial, 2}},
                                              {"S2UR", {readSpecial, 2}},
                                              {"CS2R", {readSpecial, 2}},
                                              {"IADD3", {add, 3}},
                                              {"VIADD", {add, 3}},
                                              {"LEA", {shiftAdd, 4}},
                                              {"SHF", {shift, 4}},
                                              {"LOP3", {logic, 5}},
                                              {"PLOP3", {predicateLogic, 7}},
                                              {"ISETP", {compare, 5}},
                                              {"IMAD", {multiplyAdd, 4}},
                                              {"HFMA2", {multiplyAddHalves, 4}},
                                              {"SEL", {select, 4}},
                                              {"SGXT", {extendSign, 3}},
                                              {"IMNMX", {minimum, 4}},
                                              {"VIMNMX", {minimum, 4}},
                                              {"PRMT", {permuteBytes, 4}},
                                              {"IABS", {absolute, 2}},
                                              {"P2R", {predicatesToRegister, 4}},
                                              {"R2P", {registerToPredicates, 3}}};
  StringRef base = lane.code().base;
  base.consume_front("U");
  auto found = rules.find(base);
  return found != rules.end() && lane.operandCount() >= found->second.operands && found->second.run(lane);
}
