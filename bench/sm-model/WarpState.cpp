// Registers and what is known of them.

#include "bench/sm-model/WarpState.h"

#include <cstring>

using namespace ssm::sm;
using Kind = Operand::Kind;

WarpState::WarpState(unsigned warp, int64_t blocks, int64_t threads, llvm::ArrayRef<uint64_t> arguments)
    : firstThread(warp * lanes) {
  // Threads of a block and blocks of the grid along x, y and z come first.
  uint32_t shape[] = {static_cast<uint32_t>(threads), 1, 1, static_cast<uint32_t>(blocks), 1, 1};
  std::memcpy(constants.data(), shape, sizeof shape);
  assert(arguments.size() <= mostArguments);
  for (size_t number = 0; number < arguments.size(); ++number)
    std::memcpy(&constants[firstArgument + number * sizeof(uint64_t)], &arguments[number], sizeof(uint64_t));
  for (const char *name : {"SR_TID.Y", "SR_TID.Z", "SR_CTAID.X", "SR_CTAID.Y", "SR_CTAID.Z", "SR_CgaCtaId"})
    special[name] = 0;
  predicates[Operand::truePredicate].value = uniformPredicates[Operand::truePredicate].value = ~0u;
}

WarpState::Predicate WarpState::read(const Operand &operand) const {
  Predicate predicate = {0, 0};
  if (operand.kind == Kind::Predicate)
    predicate = predicates[operand.index];
  else if (operand.kind == Kind::UniformPredicate)
    predicate = uniformPredicates[operand.index];
  if (operand.inverted)
    predicate.value = ~predicate.value;
  return predicate;
}

void WarpState::forget(const Operand &operand, uint32_t mask, unsigned half) {
  if (operand.kind == Kind::Register && operand.index != Operand::zeroRegister)
    registers[operand.index + half].known &= ~mask;
  else if (operand.kind == Kind::UniformRegister && operand.index != Operand::zeroUniform)
    uniform[operand.index + half].known = 0;
  else if (operand.kind == Kind::Predicate && operand.index != Operand::truePredicate)
    predicates[operand.index].known &= ~mask;
  else if (operand.kind == Kind::UniformPredicate && operand.index != Operand::truePredicate)
    uniformPredicates[operand.index].known = 0;
}

uint32_t Lane::source(unsigned number, unsigned half) {
  const Operand &from = operand(number);
  uint32_t value = 0;
  auto read = [&](const WarpState::Register &of) {
    value = of.value[lane];
    isKnown &= of.known >> lane & 1;
  };
  switch (from.kind) {
  case Kind::Register:
    if (from.index != Operand::zeroRegister)
      read(state.registers[from.index + half]);
    break;
  case Kind::UniformRegister:
    if (from.index != Operand::zeroUniform)
      read(state.uniform[from.index + half]);
    break;
  case Kind::Immediate:
    value = half ? 0 : from.value;
    break;
  case Kind::Constant:
    if (size_t end = size_t(from.value) + 4 * half + sizeof value; end <= state.constants.size())
      std::memcpy(&value, &state.constants[end - sizeof value], sizeof value);
    else
      isKnown = false;
    break;
  default:
    isKnown = false;
  }
  if (from.negated)
    value = -value;
  return from.inverted ? ~value : value;
}

uint64_t Lane::wideSource(unsigned number) {
  if (operand(number).kind == Kind::Immediate)
    return static_cast<int64_t>(static_cast<int32_t>(operand(number).value));
  return static_cast<uint64_t>(source(number, 1)) << 32 | source(number);
}

bool Lane::predicate(unsigned number) {
  WarpState::Predicate read = state.read(operand(number));
  isKnown &= read.known >> lane & 1;
  return read.value >> lane & 1;
}

static void put(uint32_t &mask, uint32_t lanes, bool value) { mask = value ? mask | lanes : mask & ~lanes; }

void Lane::set(unsigned number, uint32_t value, unsigned half) {
  const Operand &to = operand(number);
  if (to.kind == Kind::Register && to.index != Operand::zeroRegister) {
    WarpState::Register &written = state.registers[to.index + half];
    written.value[lane] = value;
    put(written.known, 1u << lane, isKnown);
  } else if (to.kind == Kind::UniformRegister && to.index != Operand::zeroUniform) {
    WarpState::Register &written = state.uniform[to.index + half];
    written.value.fill(value);
    put(written.known, ~0u, isKnown);
  }
}

void Lane::setPredicate(unsigned number, bool value) {
  const Operand &to = operand(number);
  if (!to.isPredicate() || to.index == Operand::truePredicate)
    return;
  bool isUniform = to.kind == Kind::UniformPredicate;
  WarpState::Predicate &written = (isUniform ? state.uniformPredicates : state.predicates)[to.index];
  uint32_t lanes = isUniform ? ~0u : 1u << lane;
  put(written.value, lanes, value);
  put(written.known, lanes, isKnown);
}

uint32_t Lane::packedPredicates(uint32_t mask) {
  uint32_t bits = 0;
  for (unsigned number = 0; number < Operand::truePredicate; ++number)
    if (mask >> number & 1) {
      bits |= (state.predicates[number].value >> lane & 1) << number;
      isKnown &= state.predicates[number].known >> lane & 1;
    }
  return bits;
}

void Lane::unpackPredicates(uint32_t bits, uint32_t mask) {
  for (unsigned number = 0; number < Operand::truePredicate; ++number)
    if (mask >> number & 1) {
      put(state.predicates[number].value, 1u << lane, bits >> number & 1);
      put(state.predicates[number].known, 1u << lane, isKnown);
    }
}

std::optional<uint32_t> Lane::special(llvm::StringRef name) const {
  if (name == "SR_TID.X")
    return state.firstThread + lane;
  if (name == "SR_LANEID")
    return lane;
  auto found = state.special.find(name.str());
  return found == state.special.end() ? std::nullopt : std::optional(found->second);
}
