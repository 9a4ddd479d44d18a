#ifndef SSM_FRONTEND_RESOLVER_H
#define SSM_FRONTEND_RESOLVER_H

#include "frontend/Graph.h"
#include "llvm/ADT/StringMap.h"

namespace ssm::frontend {

/// Nodes that a recurrence may have after its functions are expanded.
constexpr unsigned maxNodes = 10000;
/// Inputs, outputs or states that it may have.
constexpr unsigned maxTensors = 256;
/// Steps that `prev` may look back.
constexpr unsigned maxBack = 65536;

/// Looks up the names of one recurrence and builds its graph; errors go to the diagnostics.
class Resolver {
public:
  Resolver(const File &file, const Recurrence &recurrence, Diagnostics &diagnostics, Graph &graph);

  void run();

private:
  struct Symbol {
    enum class Kind : uint8_t { Input, State, Local, Output, Param, Const, Option };
    Kind kind;
    Identifier name;
    /// Where its equation stands; of a state, none until one is found.
    Loc equation;
    bool shared = false; // A constant outside the recurrence.
    bool defined = false;
    NodeId value = poisonNode;
    unsigned index = 0;
    /// The hidden state that carries its past, once `prev` asks for one, and where it did.
    std::optional<unsigned> hidden = {};
    Loc hiddenUse = {};
  };
  /// What an argument of a function stands for: a value, and the symbol that it is if it is one.
  struct Binding {
    Symbol *symbol = nullptr;
    NodeId value = poisonNode;
  };
  struct Frame {
    const Item *function;
    llvm::SmallVector<Binding> arguments;
    const Frame *caller;
  };
  struct FunctionInfo {
    const Item *item;
    bool shared;
    bool called = false;
  };
  struct Window {
    unsigned dim;
    NodeId value;
    Symbol *symbol;
    NodeId node;
    Loc loc;
  };

  // Resolver.cpp: declarations.
  void declareDims();
  void declareDim(Identifier name, int64_t size, Identifier like);
  void declareScan(const Item &item);
  void checkScan(const Item *scan);
  void declareFunctions(llvm::ArrayRef<Item> items, bool shared);
  void declareSymbols(llvm::ArrayRef<Item> items, bool shared);
  void declareSymbol(Symbol::Kind kind, const Identifier &name, bool shared);
  void declareEquation(const Item &item);
  void declareOutput(const Identifier &name);
  void finish();
  void finishHidden(Symbol &symbol);

  // ItemResolver.cpp: what each declaration and equation means.
  void resolveItem(const Item &item);
  void resolveOption(const Item &item);
  void resolveParam(const Item &item);
  void resolveConst(const Item &item);
  void resolveInput(const Item &item);
  void resolveState(const Item &item);
  void resolveEquation(const Item &item);
  void resolveDerivative(const Item &item);
  void resolveOutput(const Item &item);
  bool resolveLayout(const Item &item, const Identifier &name, Tensor &tensor);
  NodeId resolveValue(const Expr *value, llvm::StringRef assigned);
  void checkUncalled();

  // ExpressionResolver.cpp: expressions.
  NodeId resolve(const Expr *expr);
  NodeId resolveInner(const Expr *expr);
  NodeId resolveBinary(const Expr *expr);
  NodeId resolveWordComparison(const Expr *expr);
  NodeId resolveConditional(const Expr *expr);
  NodeId resolveReduction(const Expr *expr);
  NodeId readName(const Expr *expr);
  NodeId readSymbol(Symbol &symbol, Loc loc);
  NodeId readOption(Symbol &symbol, Loc loc);
  std::optional<Binding> lookup(llvm::StringRef name) const;
  void reportUnknown(llvm::StringRef name, Loc loc);
  void reportUndefined(const Symbol &symbol, Loc loc);

  // CallResolver.cpp: calls.
  NodeId resolveCall(const Expr *expr);
  NodeId expandFunction(const Expr *expr, FunctionInfo &function);
  NodeId resolvePrevious(const Expr *expr);
  NodeId previousOfState(Symbol &symbol, int64_t back, Loc loc);
  NodeId resolveDelay(const Expr *expr, llvm::StringRef assigned);
  NodeId resolveDimFunction(const Expr *expr);
  NodeId resolveRename(const Expr *expr);
  NodeId resolveFlip(const Expr *expr);
  NodeId resolveGiven(const Expr *expr);
  NodeId resolveBuiltin(const Expr *expr, const Builtin &function);
  bool isFunction(llvm::StringRef name) const;
  void reportUnknownFunction(llvm::StringRef name, Loc loc);
  bool admitState(Loc loc);
  bool checkArity(const Expr *expr, size_t least, size_t most, llvm::StringRef usage);
  std::optional<unsigned> dimArgument(const Expr *expr);
  Binding bindArgument(const Expr *expr);

  std::optional<unsigned> dimNamed(llvm::StringRef name, Loc loc);
  NodeId add(Node node);
  NodeId fail(Loc loc, const llvm::Twine &message);
  Node &node(NodeId id) { return graph.nodes[id]; }

  const File &file;
  const Recurrence &recurrence;
  Diagnostics &diagnostics;
  Graph &graph;
  llvm::StringMap<unsigned> dims;
  llvm::StringMap<FunctionInfo> functions;
  llvm::StringMap<Symbol> symbols;
  llvm::StringMap<Loc> outputs;
  /// What delays carry, and other states, declared and hidden, by name.
  llvm::StringMap<Window> windows;
  llvm::StringMap<unsigned> stateNames;
  const Frame *frame = nullptr;
  const Symbol *derived = nullptr;
  unsigned depth = 0, expanded = 0;
  bool tooLarge = false, hasScan = true;
};

} // namespace ssm::frontend

#endif
