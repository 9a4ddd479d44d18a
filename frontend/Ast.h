#ifndef SSM_FRONTEND_AST_H
#define SSM_FRONTEND_AST_H

#include "frontend/Lexer.h"
#include "llvm/Support/Allocator.h"
#include <vector>

namespace ssm::frontend {

struct Identifier {
  llvm::StringRef text;
  Loc loc;
  explicit operator bool() const { return !text.empty(); }
};

/// An expression. Nodes live in the arena of their file and are never freed one by one, so that a deep tree costs no
/// recursion when it goes.
struct Expr {
  enum class Kind : uint8_t {
    Number, // 1.5
    Truth,  // true
    Word,   // "gelu"
    Name,   // u
    Negate,
    Not, // one operand
    Add,
    Subtract,
    Multiply,
    Divide,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    Equal,
    NotEqual,
    And,
    Or,
    Conditional, // condition, then, else
    Call,        // name(operands)
    Reduce,      // name[dims](operand)
    Pair,        // name: target, an argument of rename
  };
  Kind kind;
  Loc loc;
  double number = 0;
  bool truth = false;
  /// Of a word, name, call, reduction or pair.
  llvm::StringRef name;
  /// Dimensions of a reduction; the target of a pair.
  llvm::ArrayRef<Identifier> dims;
  llvm::ArrayRef<Expr *> operands;

  bool isBinary() const { return kind >= Kind::Add && kind <= Kind::Or; }
};

/// `[batch, (group member), time]`: axes, each of one or several dimensions.
using Layout = llvm::ArrayRef<llvm::ArrayRef<Identifier>>;

/// A declaration or an equation.
struct Item {
  enum class Kind : uint8_t {
    Dim,
    Option,
    Scan,
    Input,
    State,
    Output,
    Param,
    Const,
    Function,
    Derivative,
    Equation,
  };
  Kind kind;
  Loc loc;
  /// What is declared or assigned: several names of `dim`, `input` and `state`, else one.
  llvm::ArrayRef<Identifier> names;
  /// For each name of `dim`: its size, or -1; and the dimension that it is like, or none.
  llvm::ArrayRef<int64_t> sizes;
  llvm::ArrayRef<Identifier> likes;
  Layout layout;
  Identifier type;
  bool optional = false;
  /// Of `scan`: whether it runs backwards, and the option that says so.
  bool reverse = false;
  Identifier reverseIf;
  /// Arguments of a function.
  llvm::ArrayRef<Identifier> arguments;
  /// Right-hand side, default or initial value; the step of a derivative.
  Expr *value = nullptr, *step = nullptr;
  Identifier method;
};

struct Recurrence {
  Identifier name;
  std::string comment;
  std::vector<Item> items;
  /// Part of it could not be parsed: what is missing may have been declared there.
  bool incomplete = false;
};

/// What one description holds. `shared` are the functions and constants outside the recurrences.
struct File {
  std::vector<Item> shared;
  std::vector<Recurrence> recurrences;
  llvm::BumpPtrAllocator arena;
};

} // namespace ssm::frontend

#endif
