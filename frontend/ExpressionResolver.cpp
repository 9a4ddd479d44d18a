// Expressions to nodes. Recursion follows the tree, whose depth the parser bounds, and expanded functions; chains of
// binary operators, which may be long, are walked in a loop.

#include "frontend/Resolver.h"
#include "llvm/Support/SaveAndRestore.h"
#include <cmath>

using namespace llvm;
using namespace ssm::frontend;

/// Nesting of expressions through function calls.
static constexpr unsigned maxDepth = 500;

NodeId Resolver::resolve(const Expr *expr) {
  if (tooLarge || diagnostics.isFull())
    return poisonNode;
  SaveAndRestore nesting(depth, depth + 1);
  if (depth > maxDepth)
    return fail(expr->loc,
                "expressions nest more than " + Twine(maxDepth) + " levels deep once functions are expanded");
  return resolveInner(expr);
}

NodeId Resolver::resolveInner(const Expr *expr) {
  using E = Expr::Kind;
  switch (expr->kind) {
  case E::Number:
    return add({.kind = Node::Kind::Number, .loc = expr->loc, .known = expr->number});
  case E::Truth:
    return add({.kind = Node::Kind::Truth, .loc = expr->loc, .truth = expr->truth});
  case E::Word:
    return fail(expr->loc, "a word is only compared with an option, as in: activation == \"" + expr->name + "\"");
  case E::Name:
    return readName(expr);
  case E::Negate:
  case E::Not: {
    NodeId operand = resolve(expr->operands[0]);
    if (operand == poisonNode)
      return poisonNode;
    Node result{
        .kind = expr->kind == E::Not ? Node::Kind::Not : Node::Kind::Negate, .loc = expr->loc, .operands = {operand}};
    if (expr->kind == E::Negate && node(operand).known)
      result.known = -*node(operand).known;
    return add(result);
  }
  case E::Conditional:
    return resolveConditional(expr);
  case E::Call:
    return resolveCall(expr);
  case E::Reduce:
    return resolveReduction(expr);
  case E::Pair:
    return fail(expr->loc, "'" + expr->name + ": …' renames a dimension, and stands only in rename(x, from: to)");
  default:
    return resolveBinary(expr);
  }
}

static std::optional<double> fold(Expr::Kind kind, std::optional<double> a, std::optional<double> b) {
  if (!a || !b)
    return std::nullopt;
  switch (kind) {
  case Expr::Kind::Add:
    return *a + *b;
  case Expr::Kind::Subtract:
    return *a - *b;
  case Expr::Kind::Multiply:
    return *a * *b;
  case Expr::Kind::Divide:
    return *a / *b;
  default:
    return std::nullopt;
  }
}

NodeId Resolver::resolveBinary(const Expr *expr) {
  SmallVector<const Expr *> chain; // From the outermost operator to the innermost.
  auto comparesWord = [](const Expr *e) {
    return (e->kind == Expr::Kind::Equal || e->kind == Expr::Kind::NotEqual) &&
           (e->operands[0]->kind == Expr::Kind::Word || e->operands[1]->kind == Expr::Kind::Word);
  };
  while (expr->isBinary() && !comparesWord(expr)) {
    chain.push_back(expr);
    expr = expr->operands[0];
  }
  NodeId left = expr->isBinary() ? resolveWordComparison(expr) : resolve(expr);
  for (const Expr *link : reverse(chain)) {
    NodeId right = resolve(link->operands[1]);
    if (left == poisonNode || right == poisonNode) {
      left = poisonNode;
      continue;
    }
    left = add({.kind = Node::Kind::Binary,
                .loc = link->loc,
                .operands = {left, right},
                .binary = link->kind,
                .known = fold(link->kind, node(left).known, node(right).known)});
  }
  return left;
}

/// option == "word"
NodeId Resolver::resolveWordComparison(const Expr *expr) {
  bool isEqual = expr->kind == Expr::Kind::Equal;
  const Expr *word = expr->operands[1], *name = expr->operands[0];
  if (word->kind != Expr::Kind::Word)
    std::swap(word, name);
  std::optional<Binding> binding = name->kind == Expr::Kind::Name ? lookup(name->name) : std::nullopt;
  if (name->kind == Expr::Kind::Name && !binding) {
    reportUnknown(name->name, name->loc);
    return poisonNode;
  }
  if (!binding || !binding->symbol || binding->symbol->kind != Symbol::Kind::Option)
    return fail(expr->loc, "a word is only compared with an option");
  const Symbol &symbol = *binding->symbol;
  if (!symbol.defined) {
    reportUndefined(symbol, name->loc);
    return poisonNode;
  }
  if (graph.options[symbol.index].kind != OptionInfo::Kind::Word)
    return fail(expr->loc,
                "option '" + symbol.name.text + "' is not a word: its default, in line " + Twine(symbol.name.loc.line) +
                    ", is " +
                    (graph.options[symbol.index].kind == OptionInfo::Kind::Truth ? "true or false" : "a number"));
  NodeId is = add({.kind = Node::Kind::OptionIs, .loc = expr->loc, .name = symbol.name.text, .word = word->name});
  return isEqual || is == poisonNode ? is : add({.kind = Node::Kind::Not, .loc = expr->loc, .operands = {is}});
}

/// Conditions are taken apart so that each `given` is the condition of a select of its own, which is what the checks of
/// optional inputs look for: `given(z) && c ? a : b` is `given(z) ? (c ? a : b) : b`, and `!c ? a : b` is `c ? b : a`.
NodeId Resolver::resolveConditional(const Expr *expr) {
  const Expr *condition = expr->operands[0], *yes = expr->operands[1], *no = expr->operands[2];
  while (condition->kind == Expr::Kind::Not) {
    condition = condition->operands[0];
    std::swap(yes, no);
  }
  auto isGiven = [](const Expr *e) { return e->kind == Expr::Kind::Call && e->name == "given"; };
  SmallVector<const Expr *> conjuncts;
  const Expr *first = condition;
  for (; first->kind == Expr::Kind::And; first = first->operands[0])
    conjuncts.push_back(first->operands[1]);
  conjuncts.push_back(first);
  SmallVector<NodeId> conditions; // From the innermost select to the outermost.
  if (none_of(conjuncts, isGiven))
    conditions.push_back(resolve(condition));
  else
    for (bool outer : {false, true})
      for (const Expr *conjunct : conjuncts)
        if (isGiven(conjunct) == outer)
          conditions.push_back(resolve(conjunct));
  NodeId value = resolve(yes), otherwise = resolve(no);
  if (value == poisonNode || otherwise == poisonNode || is_contained(conditions, poisonNode))
    return poisonNode;
  for (NodeId id : conditions)
    value = add({.kind = Node::Kind::Select, .loc = expr->loc, .operands = {id, value, otherwise}});
  return value;
}

NodeId Resolver::resolveReduction(const Expr *expr) {
  Node result{.kind = expr->name == "sum"   ? Node::Kind::Sum
                      : expr->name == "max" ? Node::Kind::Max
                                            : Node::Kind::Mean,
              .loc = expr->loc};
  bool valid = true;
  for (const Identifier &name : expr->dims) {
    std::optional<unsigned> dim = dimNamed(name.text, name.loc);
    valid &= dim.has_value();
    if (!dim)
      continue;
    if (*dim == graph.scan)
      valid = fail(name.loc, "nothing looks ahead: '" + name.text + "' is the scanned dimension, and " + expr->name +
                                 " cannot run over it; carry the running value in a state");
    if (is_contained(result.over, *dim))
      valid = fail(name.loc, "dimension '" + name.text + "' stands twice");
    result.over.push_back(*dim);
  }
  NodeId operand = resolve(expr->operands[0]);
  if (!valid || operand == poisonNode)
    return poisonNode;
  result.operands = {operand};
  return add(result);
}

//===----------------------------------------------------------------------===//
// Names
//===----------------------------------------------------------------------===//

std::optional<Resolver::Binding> Resolver::lookup(StringRef name) const {
  if (frame)
    for (const auto &[argument, binding] : zip(frame->function->arguments, frame->arguments))
      if (argument.text == name)
        return binding;
  auto it = symbols.find(name);
  if (it == symbols.end())
    return std::nullopt;
  // A function outside the recurrence sees the constants there alone.
  if (frame && functions.lookup(frame->function->names.front().text).shared && !it->second.shared)
    return std::nullopt;
  return Binding{const_cast<Symbol *>(&it->second), poisonNode};
}

NodeId Resolver::readName(const Expr *expr) {
  std::optional<Binding> binding = lookup(expr->name);
  if (!binding) {
    reportUnknown(expr->name, expr->loc);
    return poisonNode;
  }
  return binding->symbol ? readSymbol(*binding->symbol, expr->loc) : binding->value;
}

void Resolver::reportUnknown(StringRef name, Loc loc) {
  if (recurrence.incomplete)
    return;
  if (lookupBuiltin(name) || is_contained(specialForms(), name) || functions.contains(name)) {
    diagnostics.error(loc, "'" + name + "' is a function; write " + name + "(…)");
    return;
  }
  if (frame && symbols.contains(name)) {
    diagnostics.error(loc, "'" + name +
                               "' is not seen here: a function outside the recurrences sees its arguments and the "
                               "constants outside; make it an argument");
    return;
  }
  if (dims.contains(name)) {
    diagnostics.error(loc, "'" + name + "' is a dimension; index(" + name + ") is the coordinate along it, size(" +
                               name + ") its extent");
    return;
  }
  SmallVector<StringRef> known;
  for (const auto &entry : symbols)
    known.push_back(entry.first());
  if (frame)
    for (const Identifier &argument : frame->function->arguments)
      known.push_back(argument.text);
  sort(known); // Hashing must not choose among equally near names.
  diagnostics.error(loc, "unknown value '" + name + "'" + suggest(name, known));
}

void Resolver::reportUndefined(const Symbol &symbol, Loc loc) {
  StringRef name = symbol.name.text;
  using K = Symbol::Kind;
  if (symbol.kind != K::State && symbol.kind != K::Local && symbol.kind != K::Output) {
    diagnostics.error(loc, "'" + name + "' is declared only in line " + Twine(symbol.name.loc.line) +
                               "; declare it before its use");
    return;
  }
  if (symbol.kind == K::State && !symbol.equation.line && recurrence.incomplete)
    return;
  std::string where =
      symbol.equation.line ? " (its equation is in line " + std::to_string(symbol.equation.line) + ")" : "";
  diagnostics.error(loc, "'" + name + "' has no value yet at this step" + where + "; prev(" + name +
                             ") is its value one step ago");
}

NodeId Resolver::readSymbol(Symbol &symbol, Loc loc) {
  if (&symbol == derived)
    return stateNames.contains(symbol.name.text) ? graph.states[symbol.index].value : poisonNode;
  if (!symbol.defined) {
    reportUndefined(symbol, loc);
    return poisonNode;
  }
  if (symbol.kind == Symbol::Kind::Option)
    return readOption(symbol, loc);
  if (symbol.kind == Symbol::Kind::Input && symbol.value != poisonNode && graph.inputs[symbol.index].optional)
    return add({.kind = Node::Kind::Read, .loc = loc, .operands = {symbol.value}, .index = symbol.index});
  return symbol.value;
}

NodeId Resolver::readOption(Symbol &symbol, Loc loc) {
  const OptionInfo &option = graph.options[symbol.index];
  if (option.kind == OptionInfo::Kind::Word)
    return fail(loc, "option '" + symbol.name.text + "' is a word; compare it: " + symbol.name.text + " == \"" +
                         option.word + "\"");
  NodeId value = add({.kind = Node::Kind::Option, .loc = loc, .name = symbol.name.text, .index = symbol.index});
  if (option.kind == OptionInfo::Kind::Truth || !std::isnan(option.number) || value == poisonNode)
    return value;
  if (symbol.value == poisonNode) // The default was wrong.
    return poisonNode;
  NodeId unset = add({.kind = Node::Kind::IsUnset, .loc = loc, .operands = {value}});
  return add({.kind = Node::Kind::Select, .loc = loc, .operands = {unset, symbol.value, value}});
}
