#ifndef SSM_FRONTEND_FRONTEND_H
#define SSM_FRONTEND_FRONTEND_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"

namespace llvm {
class SourceMgr;
}

namespace ssm {

/// Parses the description in the main buffer of `sourceMgr` (docs/language.md) to a module with one level-0
/// `ssm.recurrence` a recurrence, in the order of the text. Total: whatever the bytes, the result is a module that
/// verifies, or null after errors, several in one run. Errors go to the handler of `sourceMgr` if it has one, and
/// otherwise to standard error as `file:line:col: error: text`, the line and a caret. Loads the dialects that it needs
/// into `context`.
mlir::OwningOpRef<mlir::ModuleOp> parseSource(llvm::SourceMgr &sourceMgr, mlir::MLIRContext *context);

} // namespace ssm

#endif
