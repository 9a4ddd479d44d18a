#ifndef SSM_TEST_SUPPORT_DESCRIPTION_H
#define SSM_TEST_SUPPORT_DESCRIPTION_H

#include "dialect/Ssm.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"

#include <memory>
#include <string>

namespace ssm::test {

/// A parsed description and the context that it lives in. Without a module, `errors` says why.
struct Description {
  std::unique_ptr<mlir::MLIRContext> context;
  mlir::OwningOpRef<mlir::ModuleOp> module;
  std::string errors;

  explicit operator bool() const { return static_cast<bool>(module); }
  /// The first recurrence.
  RecurrenceOp recurrence();
};

/// Parses the dialect's own text, and verifies it.
Description parseDialect(llvm::StringRef text);
/// Parses the language (.ssm).
Description parseLanguage(llvm::StringRef text);
/// Parses a file of the library, e.g. "mamba1.ssm", or any other path by its extension.
Description parseFile(llvm::StringRef path);

/// The description in the dialect's text.
std::string print(Description &description);

} // namespace ssm::test

#endif
