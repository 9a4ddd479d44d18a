#ifndef SSM_FRONTEND_GRAPH_H
#define SSM_FRONTEND_GRAPH_H

#include "dialect/DimensionAnalysis.h"
#include "frontend/Ast.h"
#include "frontend/Builtins.h"
#include "llvm/ADT/SmallVector.h"
#include <deque>

namespace ssm::frontend {

/// A recurrence with names looked up and functions expanded: one node an operation, operands before their users but for
/// the previous value of a hidden state, whose value may come later. What each node's type and dimensions are is
/// inferred afterwards (Inference.h), since a hidden state has those of a value that may depend on it.

enum class ValueType : uint8_t { Unknown, Truth, Real, Complex };

using NodeId = unsigned;
/// The node that stands for whatever an error was reported for; nothing more is said of what depends on it.
constexpr NodeId poisonNode = 0;

struct Node {
  enum class Kind : uint8_t {
    Poison,
    Number,
    Truth,
    Input, // index: the input
    Read,  // a use of an optional input: operand, index
    Param,
    Option,
    OptionIs,
    IsUnset,
    Given,    // name; OptionIs: word; Param: number
    Previous, // index: the state; back
    Negate,
    Not,
    Binary,
    Call,
    Select,
    Sum,
    Max,
    Mean, // over
    Index,
    Size,
    Flip,   // dim
    Rename, // dim, target
    Delay,  // dim: taps; name
    Cast,   // to complex if `complex`, else unchanged
    Derivative,
    Next,
    Initial, // index: the state
    Output,  // index: the output
  };
  Kind kind = Kind::Poison;
  Loc loc;
  llvm::SmallVector<NodeId, 3> operands = {};
  Expr::Kind binary = Expr::Kind::Add;
  Function function = Function::Exp;
  llvm::StringRef name = {}, word = {};
  unsigned index = 0, dim = 0, target = 0;
  llvm::SmallVector<unsigned, 2> over = {};
  int64_t back = 1;
  bool truth = false, complex = false;
  double number = 0;
  /// The value, where it is a number known now.
  std::optional<double> known = {};
  /// Made of numbers, sizes, options and `given` alone.
  bool fixed = false;

  ValueType type = ValueType::Unknown;
  DimSet dims = {};
  bool poisoned = false;
};

struct Dim {
  Identifier name;
  int64_t size = -1;
  llvm::StringRef like;
  /// The dimension whose extent it has: itself, or what `like` leads to.
  unsigned extent = 0;
};

/// An input, output or declared state.
struct Tensor {
  Identifier name;
  llvm::SmallVector<llvm::SmallVector<unsigned, 2>> axes = {};
  DimSet dims = {};
  /// Stored type as written, or empty.
  llvm::StringRef stored = {};
  bool optional = false;
  bool isComplex() const { return stored.starts_with("complex"); }
};

struct StateInfo {
  /// Layout and type of a declared state; of a hidden one only the name.
  Tensor tensor;
  bool hidden = false;
  /// Of a declared state, its previous value; of a hidden one, the value that it carries.
  NodeId value = poisonNode;
  /// The declared state whose older values a hidden one carries.
  std::optional<unsigned> seed = {};
  /// Whether `tensor` says what the state's layout and type are.
  bool isDeclared() const { return !hidden || seed; }
};

struct OptionInfo {
  Identifier name;
  enum class Kind : uint8_t { Truth, Number, Word } kind;
  bool truth = false;
  double number = 0; // NaN: the value is the expression that the declaration gives.
  llvm::StringRef word = {};
};

struct Graph {
  Identifier name;
  std::string comment;
  std::vector<Dim> dims;
  unsigned scan = 0;
  bool reverse = false;
  llvm::StringRef reverseIf;
  std::vector<OptionInfo> options;
  std::vector<Tensor> inputs, outputs;
  std::vector<StateInfo> states;
  std::vector<Node> nodes;
  /// Names that are not in the text, those of hidden states; they stay where they are.
  std::deque<std::string> madeNames;

  /// Names of a set in order of declaration, separated by commas.
  std::string list(DimSet set) const;
};

} // namespace ssm::frontend

#endif
