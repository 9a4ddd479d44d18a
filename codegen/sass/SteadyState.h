#ifndef SSM_CODEGEN_SASS_STEADYSTATE_H
#define SSM_CODEGEN_SASS_STEADYSTATE_H

#include "codegen/sass/CodeLines.h"
#include "codegen/sass/InstructionKind.h"
#include "codegen/sass/SassProgram.h"

#include <map>

namespace ssm {

/// What a schedule makes of a kernel's loops.
struct LoopPlan {
  /// Steps of one turn of the innermost loop over time, and of a time tile around it that is copied at once; the same
  /// where nothing is.
  int64_t steps = 1, tile = 1;
  /// Turns of the loops inside it, over other dimensions, outermost first.
  std::vector<int64_t> inside;
};

/// The loop over time in which a kernel spends its life. Counts are of one thread and one step of the block.
struct SteadyState {
  /// Instructions, each as often as it runs, by kind, and by opcode.
  std::array<double, numInstructionKinds> counts = {};
  std::map<std::string, double> opcodes;
  /// Steps of one turn of the loop in machine code, and instructions that it consists of, loops inside it once.
  double steps = 0;
  int64_t instructions = 0;
  /// Loops inside it whose turns are not known: what is left of a tile at its end. They do not count.
  int64_t unknownLoops = 0;

  double total() const;
  double operator[](InstructionKind kind) const { return counts[static_cast<unsigned>(kind)]; }
};

/// Finds the loop in machine code that `lines` tell of, and counts. Errors: no loop in which work is done.
llvm::Expected<SteadyState> findSteadyState(const SassFunction &function, const CodeLines &lines, const LoopPlan &plan);

} // namespace ssm

#endif
