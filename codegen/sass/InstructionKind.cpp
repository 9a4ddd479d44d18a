// Which unit an opcode goes to, and for how long.
//
// NVIDIA documents opcodes by a word each (CUDA Binary Utilities) and throughput by kinds of PTX operations (CUDA C++
// Programming Guide, table of arithmetic instructions). Which of the two belong together is taken from their names.

#include "codegen/sass/InstructionKind.h"
#include "schedule/Machine.h"
#include "llvm/ADT/STLExtras.h"

using namespace ssm;
using llvm::StringRef;
using Kind = InstructionKind;

StringRef ssm::nameOf(InstructionKind kind) {
  constexpr StringRef names[] = {"f32 arithmetic",    "special functions", "integers and moves",
                                 "64-bit multiplies", "conversions",       "f64 arithmetic",
                                 "matrix products",   "shuffles",          "votes",
                                 "global loads",      "global stores",     "shared loads",
                                 "shared stores",     "local memory",      "constant loads",
                                 "barriers",          "control flow",      "other"};
  static_assert(std::size(names) == numInstructionKinds);
  return names[static_cast<unsigned>(kind)];
}

namespace {
/// Opcodes that begin so, the more special ones first.
struct Row {
  StringRef prefix;
  Kind kind;
};
} // namespace

static constexpr Row rows[] = {
    {"MUFU", Kind::Special},
    {"IMAD.WIDE", Kind::WideMultiply},
    {"UIMAD.WIDE", Kind::WideMultiply},
    {"F2FP", Kind::Conversion},
    {"F2F", Kind::Conversion},
    {"F2I", Kind::Conversion},
    {"I2F", Kind::Conversion},
    {"FRND", Kind::Conversion},
    {"HADD2.F32", Kind::Conversion},
    {"FFMA", Kind::Float},
    {"FMUL", Kind::Float},
    {"FADD", Kind::Float},
    {"FSETP", Kind::Float},
    {"FSET", Kind::Float},
    {"FSEL", Kind::Float},
    {"FMNMX", Kind::Float},
    {"FCHK", Kind::Float},
    {"FSWZADD", Kind::Float},
    {"HFMA2", Kind::Float},
    {"HMUL2", Kind::Float},
    {"HADD2", Kind::Float},
    {"HMNMX2", Kind::Float},
    {"HSETP2", Kind::Float},
    {"HMMA", Kind::Matrix},
    {"HGMMA", Kind::Matrix},
    {"UTC", Kind::Matrix},
    {"IMMA", Kind::Matrix},
    {"DMMA", Kind::Matrix},
    {"DFMA", Kind::Double},
    {"DADD", Kind::Double},
    {"DMUL", Kind::Double},
    {"DSETP", Kind::Double},
    {"SHFL", Kind::Shuffle},
    {"VOTE", Kind::Vote},
    {"R2UR", Kind::Integer},
    {"REDUX", Kind::Vote},
    {"MATCH", Kind::Vote},
    {"LDGSTS", Kind::GlobalLoad},
    {"LDGDEPBAR", Kind::Control},
    {"LDG", Kind::GlobalLoad},
    {"LDSM", Kind::SharedLoad},
    {"LDS", Kind::SharedLoad},
    {"LDL", Kind::Local},
    {"LDCU", Kind::Constant},
    {"LDC", Kind::Constant},
    {"ULDC", Kind::Constant},
    {"LD.", Kind::GlobalLoad},
    {"UBLKCP", Kind::GlobalLoad},
    {"STG", Kind::GlobalStore},
    {"STS", Kind::SharedStore},
    {"STL", Kind::Local},
    {"ST.", Kind::GlobalStore},
    {"RED", Kind::GlobalStore},
    {"ATOMG", Kind::GlobalStore},
    {"ATOMS", Kind::SharedStore},
    {"ATOM", Kind::GlobalStore},
    {"BAR", Kind::Barrier},
    {"BRA", Kind::Control},
    {"BRX", Kind::Control},
    {"BSSY", Kind::Control},
    {"BSYNC", Kind::Control},
    {"BREAK", Kind::Control},
    {"BMOV", Kind::Control},
    {"CALL", Kind::Control},
    {"RET", Kind::Control},
    {"EXIT", Kind::Control},
    {"WARPSYNC", Kind::Control},
    {"YIELD", Kind::Control},
    {"NOP", Kind::Control},
    {"DEPBAR", Kind::Control},
    {"MEMBAR", Kind::Control},
    {"ERRBAR", Kind::Control},
    {"CCTL", Kind::Control},
    {"IMAD", Kind::Integer},
    {"IADD", Kind::Integer},
    {"IABS", Kind::Integer},
    {"IMNMX", Kind::Integer},
    {"ISETP", Kind::Integer},
    {"ISCADD", Kind::Integer},
    {"LEA", Kind::Integer},
    {"LOP", Kind::Integer},
    {"PLOP", Kind::Integer},
    {"SHF", Kind::Integer},
    {"SHL", Kind::Integer},
    {"SHR", Kind::Integer},
    {"PRMT", Kind::Integer},
    {"SEL", Kind::Integer},
    {"MOV", Kind::Integer},
    {"CS2R", Kind::Integer},
    {"S2R", Kind::Integer},
    {"S2UR", Kind::Integer},
    {"P2R", Kind::Integer},
    {"R2P", Kind::Integer},
    {"VIADD", Kind::Integer},
    {"VIMNMX", Kind::Integer},
    {"BMSK", Kind::Integer},
    {"SGXT", Kind::Integer},
    {"POPC", Kind::Integer},
    {"FLO", Kind::Integer},
    // Instructions of a warp as a whole, on a unit of their own.
    {"U", Kind::Integer},
};

InstructionKind ssm::kindOf(StringRef opcode) {
  auto row = llvm::find_if(rows, [&](const Row &row) { return opcode.starts_with(row.prefix); });
  return row == std::end(rows) ? Kind::Other : row->kind;
}

/// Bytes that a lane moves.
static int64_t bytesOf(StringRef opcode) { return opcode.contains(".128") ? 16 : opcode.contains(".64") ? 8 : 4; }

PipeClocks ssm::clocksOf(StringRef opcode, unsigned capability) {
  using M = Multiprocessor;
  Machine machine = gpuMachine(capability);
  double ofScheduler = static_cast<double>(M::warpSize * M::schedulers);
  double floats = ofScheduler / machine.arithmetic, specials = ofScheduler / machine.special;
  // Half of the f32 lanes take integers as well; all of them from sm_120 on.
  double integers = ofScheduler / (capability >= 120 ? 128 : 64);
  PipeClocks clocks;
  switch (kindOf(opcode)) {
  case Kind::Float:
    // A pair is two operations of the lanes in one slot.
    clocks.floats =
        opcode.starts_with("FFMA2") || opcode.starts_with("FMUL2") || opcode.starts_with("FADD2") ? 2 * floats : floats;
    break;
  case Kind::Special:
    clocks.specials = specials;
    break;
  case Kind::Conversion:
    // Packing two floats is arithmetic; the others go through the special-function unit.
    if (opcode.starts_with("F2FP") || opcode.starts_with("HADD2"))
      clocks.integers = integers;
    else
      clocks.specials = specials;
    break;
  case Kind::Integer:
    if (!opcode.starts_with("U") && !opcode.starts_with("S2") && !opcode.starts_with("R2UR"))
      clocks.integers = integers;
    break;
  case Kind::WideMultiply:
    clocks.integers = 2 * integers;
    break;
  case Kind::Shuffle:
    clocks.memory = 1;
    break;
  // 128 bytes a clock. What all lanes read at one address takes one of 4 bytes and two of 16.
  case Kind::SharedLoad:
    clocks.memory = std::max<int64_t>(1, bytesOf(opcode) / 8);
    break;
  case Kind::SharedStore:
  case Kind::GlobalLoad:
  case Kind::GlobalStore:
  case Kind::Local:
    clocks.memory = bytesOf(opcode) / 4;
    break;
  default:
    break;
  }
  return clocks;
}
