#ifndef SSM_FRONTEND_EXPRESSIONPARSER_H
#define SSM_FRONTEND_EXPRESSIONPARSER_H

#include "frontend/Ast.h"
#include "llvm/ADT/SmallVector.h"

namespace ssm::frontend {

/// Parses expressions, and is the reader of tokens on which Parser.cpp builds. Functions return null or false where
/// they have reported an error.
class ExpressionParser {
public:
  ExpressionParser(llvm::ArrayRef<Token> tokens, Diagnostics &diagnostics, llvm::BumpPtrAllocator &arena)
      : diagnostics(diagnostics), arena(arena), tokens(tokens) {}

  Expr *parseExpression();

protected:
  const Token &peek(size_t ahead = 0) const { return tokens[std::min(position + ahead, tokens.size() - 1)]; }
  /// The token that was taken last; the first one where none was.
  const Token &before() const { return tokens[position ? position - 1 : 0]; }
  Token advance();
  bool at(Token::Kind kind) const { return peek().is(kind); }
  bool consume(Token::Kind kind);
  /// Consumes a token of `kind`, or reports `expected <what> <where>, found …`.
  bool expect(Token::Kind kind, llvm::StringRef what, llvm::StringRef where);
  bool expectName(Identifier &name, const llvm::Twine &what);
  bool fail(const llvm::Twine &expected);

  template <typename T> llvm::ArrayRef<T> keep(llvm::ArrayRef<T> list) {
    T *copy = arena.Allocate<T>(list.size());
    std::uninitialized_copy(list.begin(), list.end(), copy);
    return {copy, list.size()};
  }

  Diagnostics &diagnostics;
  llvm::BumpPtrAllocator &arena;

private:
  Expr *parseBinary(unsigned lowest);
  Expr *parseUnary();
  Expr *parsePrimary();
  Expr *parseNamed();
  bool parseArguments(llvm::SmallVectorImpl<Expr *> &arguments);
  bool parseReducedDims(llvm::SmallVectorImpl<Identifier> &dims);
  Expr *parseArgument();
  Expr *make(Expr::Kind kind, Loc loc, llvm::ArrayRef<Expr *> operands = {});

  llvm::ArrayRef<Token> tokens;
  size_t position = 0;
  unsigned depth = 0;
};

} // namespace ssm::frontend

#endif
