#ifndef SSM_CODEGEN_SASS_SASSPROGRAM_H
#define SSM_CODEGEN_SASS_SASSPROGRAM_H

#include "llvm/ADT/BitVector.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/Support/Error.h"

#include <string>
#include <vector>

namespace ssm {

/// One instruction of machine code.
struct SassInstruction {
  std::string opcode;
  /// Where its line table says that it comes from; 0 where that is not known.
  unsigned line = 0;
};

/// A straight run of instructions, and the blocks that can follow it.
struct SassBlock {
  unsigned begin = 0, end = 0;
  llvm::SmallVector<unsigned, 2> successors;
};

/// A natural loop: the blocks of it, those of loops inside it among them.
struct SassLoop {
  unsigned header;
  llvm::BitVector blocks;
  /// The innermost loop around it, by number; -1 where there is none.
  int parent = -1;
};

/// The machine code of one kernel.
struct SassFunction {
  std::string name;
  std::vector<SassInstruction> instructions;
  std::vector<SassBlock> blocks;
  /// Outer loops stand before inner ones.
  std::vector<SassLoop> loops;

  /// The innermost loop around a block; -1 where there is none.
  int loopOf(unsigned block) const;
  /// Whether loop `outer` is `inner` or around it.
  bool contains(int outer, int inner) const;
};

/// Parses what `nvdisasm -c -g` prints: instructions, their lines, blocks and loops of each kernel. Branches that are
/// taken only where a warp has come apart in a place where it may not (BRA.DIV) count as not there. Errors: text that
/// is not of that form, or a branch to where there is no label.
llvm::Expected<std::vector<SassFunction>> parseSass(llvm::StringRef text);

} // namespace ssm

#endif
