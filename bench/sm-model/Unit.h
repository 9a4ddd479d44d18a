#ifndef SSM_BENCH_SMMODEL_UNIT_H
#define SSM_BENCH_SMMODEL_UNIT_H

#include "llvm/ADT/StringRef.h"

#include <optional>

namespace ssm::sm {

/// What executes an instruction.
enum class Unit {
  Fma,      // f32 multiplies and adds, on either of two pipes
  FmaHeavy, // integer multiplies and halves, on one of them
  Alu,
  Double,
  Special, // special functions and conversions
  Uniform, // the warp's own registers
  Constant,
  SharedLoad,
  SharedStore,
  Shuffle,
  GlobalLoad, // with a thread's own memory, as GlobalStore
  GlobalStore,
  AsyncCopy,
  Barrier,
  Branch,
  None // the scheduler alone
};

/// Whether it goes through the queue of the load/store unit.
bool usesMemoryQueue(Unit unit);

/// How a result of an instruction is known to the model.
enum class Meaning {
  Integer, // computed
  Float,   // not computed, since neither addresses nor branches follow from it
  Memory,
  Flow,
  None
};

struct UnitAndMeaning {
  Unit unit;
  Meaning meaning;
};

/// By the opcode without modifiers; nothing for one that the model does not know.
std::optional<UnitAndMeaning> lookUpOpcode(llvm::StringRef base);

} // namespace ssm::sm

#endif
