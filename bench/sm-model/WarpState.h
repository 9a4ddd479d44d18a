#ifndef SSM_BENCH_SMMODEL_WARPSTATE_H
#define SSM_BENCH_SMMODEL_WARPSTATE_H

#include "bench/sm-model/Listing.h"

#include <array>
#include <map>

namespace ssm::sm {

/// The registers of one warp. Each bit of a mask is a lane's. Values that follow from loads or from floats are not
/// known.
struct WarpState {
  static constexpr unsigned lanes = 32;
  /// Where a kernel's arguments begin in constant bank 0 of sm_90, and how many there is room for here.
  static constexpr unsigned firstArgument = 0x210, constantBytes = 8192,
                            mostArguments = (constantBytes - firstArgument) / sizeof(uint64_t);

  struct Register {
    std::array<uint32_t, lanes> value = {};
    uint32_t known = ~0u;
  };
  struct Predicate {
    uint32_t value = 0, known = ~0u;
  };

  std::array<Register, 256> registers;
  /// The lanes of these are all the same.
  std::array<Register, 64> uniform;
  std::array<Predicate, 8> predicates, uniformPredicates;
  std::array<uint8_t, constantBytes> constants = {};
  /// The thread's own memory by address, 4 bytes each: what does not fit into registers.
  std::map<uint64_t, Register> local;
  /// What S2R reads.
  std::map<std::string, uint32_t> special;
  unsigned firstThread = 0;

  /// The constant bank as a launch of `blocks` blocks of `threads` threads fills it, and the registers of a warp of
  /// block 0.
  WarpState(unsigned warp, int64_t blocks, int64_t threads, llvm::ArrayRef<uint64_t> arguments);

  /// A predicate operand's lanes.
  Predicate read(const Operand &operand) const;
  /// Makes a register or predicate unknown in these lanes.
  void forget(const Operand &operand, uint32_t mask, unsigned half = 0);
};

/// One lane of a warp, or the warp's own registers, that runs an instruction. What it reads says whether what it
/// writes is known.
class Lane {
public:
  Lane(WarpState &state, const Instruction &instruction, unsigned lane)
      : state(state), instruction(instruction), lane(lane) {}

  const Instruction &code() const { return instruction; }
  const Operand &operand(unsigned number) const { return instruction.operands[number]; }
  unsigned operandCount() const { return instruction.operands.size(); }
  unsigned number() const { return lane; }

  uint32_t source(unsigned number, unsigned half = 0);
  uint64_t wideSource(unsigned number);
  bool predicate(unsigned number);
  void set(unsigned number, uint32_t value, unsigned half = 0);
  void setPredicate(unsigned number, bool value);
  /// The predicates of a mask as bits, and back.
  uint32_t packedPredicates(uint32_t mask);
  void unpackPredicates(uint32_t bits, uint32_t mask);
  std::optional<uint32_t> special(llvm::StringRef name) const;
  void markUnknown() { isKnown = false; }

private:
  WarpState &state;
  const Instruction &instruction;
  unsigned lane;
  bool isKnown = true;
};

} // namespace ssm::sm

#endif
