#ifndef SSM_CODEGEN_SASS_INSTRUCTIONKIND_H
#define SSM_CODEGEN_SASS_INSTRUCTIONKIND_H

#include "llvm/ADT/StringRef.h"

#include <array>

namespace ssm {

/// Kinds of instructions by what executes them, or by what they are a sign of.
enum class InstructionKind {
  Float,        // f32 adds, multiplies, FMAs, comparisons; pairs of f32
  Special,      // the special-function unit
  Integer,      // integers, logic, moves, predicates
  WideMultiply, // 64-bit products
  Conversion,   // between types of numbers
  Double,       // f64
  Matrix,       // tensor cores
  Shuffle,      // between lanes
  Vote,         // masks of lanes
  GlobalLoad,   // with asynchronous copies
  GlobalStore,  // with atomics
  SharedLoad,
  SharedStore,
  Local,    // spills and a thread's own arrays
  Constant, // from constant memory to a register
  Barrier,  // of the block
  Control,  // branches and what lanes need to come together
  Other,
};
constexpr unsigned numInstructionKinds = static_cast<unsigned>(InstructionKind::Other) + 1;

/// As it is printed, and with _ for each space as a key of JSON.
llvm::StringRef nameOf(InstructionKind kind);

/// The kind of an opcode with its modifiers, such as `IMAD.WIDE.U32`.
InstructionKind kindOf(llvm::StringRef opcode);

/// What one instruction of a warp takes of the pipes of a multiprocessor.
struct PipeClocks {
  /// Of its own scheduler and the part of the units that is its scheduler's.
  double floats = 0, specials = 0, integers = 0;
  /// Of the one load/store unit that all schedulers share, at least: neighbours read neighbours, or all the same.
  double memory = 0;
};
PipeClocks clocksOf(llvm::StringRef opcode, unsigned capability);

} // namespace ssm

#endif
