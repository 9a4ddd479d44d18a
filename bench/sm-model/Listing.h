#ifndef SSM_BENCH_SMMODEL_LISTING_H
#define SSM_BENCH_SMMODEL_LISTING_H

#include "bench/sm-model/ControlBits.h"
#include "bench/sm-model/Operand.h"
#include "bench/sm-model/Unit.h"
#include "llvm/Support/Error.h"

#include <optional>
#include <vector>

namespace ssm::sm {

/// One instruction of machine code, with all that the model asks of it.
struct Instruction {
  unsigned address = 0;
  /// `IMAD.WIDE.U32`, and `IMAD`.
  std::string opcode, base;
  llvm::SmallVector<Operand> operands;
  /// The predicate under which it runs, if any.
  std::optional<Operand> guard;
  ControlBits control;
  Unit unit = Unit::None;
  Meaning meaning = Meaning::None;
  /// Bytes that a lane loads or stores.
  unsigned bytes = 4;
  /// Of a branch, the instruction that it goes to.
  unsigned target = 0;

  /// Whether it has a modifier such as `.WIDE`.
  bool has(llvm::StringRef modifier) const;
};

/// The machine code of one kernel.
struct Listing {
  std::string name;
  int64_t registers = 0;
  std::vector<Instruction> instructions;
};

/// Parses what `nvdisasm -hex` prints of a cubin. Errors: text that is not of that form; a branch to where there is no
/// label. An opcode that the model does not know is an error where it is run (WarpTrace.h).
llvm::Expected<std::vector<Listing>> parseListing(llvm::StringRef text);

} // namespace ssm::sm

#endif
