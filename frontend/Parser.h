#ifndef SSM_FRONTEND_PARSER_H
#define SSM_FRONTEND_PARSER_H

#include "frontend/Ast.h"

namespace ssm::frontend {

/// Levels of parentheses, calls, conditionals and unary operators that an expression may have.
constexpr unsigned maxNesting = 200;

/// Parses a description. Total: after an error it takes up again at the next declaration, and what could not be
/// read is left out of `file`.
void parseFile(llvm::StringRef source, Diagnostics &diagnostics, File &file);

} // namespace ssm::frontend

#endif
