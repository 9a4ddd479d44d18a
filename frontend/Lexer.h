#ifndef SSM_FRONTEND_LEXER_H
#define SSM_FRONTEND_LEXER_H

#include "frontend/Diagnostics.h"
#include <vector>

namespace ssm::frontend {

struct Token {
  enum class Kind : uint8_t {
    End,
    Name,
    Number,
    Word,
    LeftParen,
    RightParen,
    LeftBracket,
    RightBracket,
    LeftBrace,
    RightBrace,
    Less,
    Greater,
    Comma,
    Colon,
    Question,
    Equal,
    EqualEqual,
    NotEqual,
    LessEqual,
    GreaterEqual,
    And,
    Or,
    Not,
    Plus,
    Minus,
    Times,
    Divide,
    Power, // `^` or `**`, which the language does not have: kept to say what to write instead.
  };
  Kind kind = Kind::End;
  /// First of its line: where the parser takes up again after an error.
  bool startsLine = false;
  Loc loc;
  /// The token as written; of a word, what stands between its quotes.
  llvm::StringRef text;
  /// Value of a number.
  double number = 0;

  bool is(Kind other) const { return kind == other; }
  bool isName(llvm::StringRef name) const { return kind == Kind::Name && text == name; }
};

/// Cuts a description into tokens, the last of them End. Total: bytes that begin no token are reported and left out.
std::vector<Token> tokenize(llvm::StringRef source, Diagnostics &diagnostics);

/// The text of the `//` lines directly above the line of `token`, joined by newlines.
std::string commentAbove(llvm::StringRef source, const Token &token);

/// How a token is named in an error: `'sum'`, `number 3`, `the end of the file`.
std::string describe(const Token &token);

/// What is written here in place of a word that other languages have, as the end of an error; empty for any other
/// token.
llvm::StringRef hintOf(const Token &token);

} // namespace ssm::frontend

#endif
