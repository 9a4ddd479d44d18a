#ifndef SSM_CODEGEN_SASS_CODELINES_H
#define SSM_CODEGEN_SASS_CODELINES_H

#include "llvm/Target/TargetMachine.h"

#include <optional>
#include <string>
#include <vector>

namespace llvm {
class Module;
} // namespace llvm

namespace ssm {

/// A loop of a kernel's LLVM code.
struct CodeLoop {
  /// The loop around it, by number; -1 where there is none. Outer loops stand before inner ones.
  int parent = -1;
  /// How often it turns, where the code says so.
  std::optional<int64_t> turns;
};

/// An instruction of LLVM's: its loop, and whether one instruction of the machine stands for it.
struct CodeLine {
  int loop = -1;
  bool isSingle = false;
  /// f32 arithmetic and special functions: what a step consists of.
  bool isWork = false;
};

/// The instructions of a kernel, which bear their numbers as lines: `lines[n - first]` is line n.
struct CodeLines {
  std::string kernel;
  unsigned first = 1;
  std::vector<CodeLine> lines;
  std::vector<CodeLoop> loops;

  /// The line of a number; null for one of another kernel's or none.
  const CodeLine *lookup(unsigned number) const;
  /// Whether loop `outer` is `inner` or around it.
  bool contains(int outer, int inner) const;
};

/// Gives each instruction of an optimized module a line of its own, so that what becomes of it in machine code can be
/// found again, and says which loop each is in. Lines change nothing of what the back end makes.
std::vector<CodeLines> numberLines(llvm::Module &module, llvm::TargetMachine &machine);

} // namespace ssm

#endif
