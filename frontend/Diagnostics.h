#ifndef SSM_FRONTEND_DIAGNOSTICS_H
#define SSM_FRONTEND_DIAGNOSTICS_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/ADT/Twine.h"

namespace llvm {
class SourceMgr;
}

namespace ssm::frontend {

/// A place in the description. Line and column (in bytes) count from 1; the lexer counts them once, so that asking for
/// them stays cheap on a file of one long line.
struct Loc {
  const char *pointer = nullptr;
  unsigned line = 0, column = 0;
};

/// Collects the errors of one description and prints them as clang does: `file:line:col: error: text`, the line, a
/// caret. A handler set on the SourceMgr gets each as an llvm::SMDiagnostic instead.
class Diagnostics {
public:
  /// Errors printed before giving up.
  static constexpr unsigned maxErrors = 20;

  explicit Diagnostics(llvm::SourceMgr &sourceMgr);

  /// Reports an error; the same text at the same place is reported once.
  void error(Loc loc, const llvm::Twine &message);
  /// Adds to the error just reported.
  void note(Loc loc, const llvm::Twine &message);

  bool hasErrors() const { return count != 0; }
  /// True after the last error that is printed: whoever sees it stops looking for more.
  bool isFull() const { return count >= maxErrors; }

private:
  void print(Loc loc, bool isError, llvm::StringRef message);

  llvm::SourceMgr &sourceMgr;
  llvm::StringRef buffer;
  llvm::StringSet<> seen;
  unsigned count = 0;
  bool lastWasPrinted = false;
};

/// `; did you mean 'delta'?` with the candidate nearest to `name`, or nothing if none is near.
std::string suggest(llvm::StringRef name, llvm::ArrayRef<llvm::StringRef> candidates);

/// `text` with whatever could disturb a terminal or is not UTF-8 replaced by question marks.
std::string printable(llvm::StringRef text);

} // namespace ssm::frontend

#endif
