// What each declaration and equation adds to the graph.

#include "frontend/Resolver.h"
#include <cmath>

using namespace llvm;
using namespace ssm::frontend;

void Resolver::resolveItem(const Item &item) {
  switch (item.kind) {
  case Item::Kind::Option:
    return resolveOption(item);
  case Item::Kind::Input:
    return resolveInput(item);
  case Item::Kind::State:
    return resolveState(item);
  case Item::Kind::Output:
    return resolveOutput(item);
  case Item::Kind::Param:
    return resolveParam(item);
  case Item::Kind::Const:
    return resolveConst(item);
  case Item::Kind::Derivative:
    return resolveDerivative(item);
  case Item::Kind::Equation:
    return resolveEquation(item);
  case Item::Kind::Dim:
  case Item::Kind::Scan:
  case Item::Kind::Function:
    return;
  }
}

/// The value of an equation of the name `assigned`, which is what a delay standing alone is called.
NodeId Resolver::resolveValue(const Expr *value, StringRef assigned) {
  if (value->kind == Expr::Kind::Call && value->name == "delay")
    return resolveDelay(value, assigned);
  return resolve(value);
}

//===----------------------------------------------------------------------===//
// What is known when compiling or given at launch
//===----------------------------------------------------------------------===//

void Resolver::resolveOption(const Item &item) {
  const Identifier &name = item.names.front();
  OptionInfo option{name, OptionInfo::Kind::Number};
  NodeId fallback = poisonNode;
  if (item.value->kind == Expr::Kind::Truth) {
    option.kind = OptionInfo::Kind::Truth;
    option.truth = item.value->truth;
  } else if (item.value->kind == Expr::Kind::Word) {
    option.kind = OptionInfo::Kind::Word;
    option.word = item.value->name;
  } else {
    fallback = resolve(item.value);
    if (fallback != poisonNode && !node(fallback).fixed)
      fallback =
          fail(item.value->loc, "the default of an option is true, false, a number, a word in quotes, or made of "
                                "numbers, sizes and other options");
    option.number = node(fallback).known.value_or(std::nan(""));
    if (node(fallback).known && !std::isfinite(option.number))
      fallback = fail(item.value->loc, "the default of option '" + name.text + "' is not a finite number");
  }
  Symbol &symbol = symbols.find(name.text)->second;
  if (symbol.defined || symbol.kind != Symbol::Kind::Option)
    return; // Declared twice.
  symbol.defined = true;
  symbol.index = graph.options.size();
  symbol.value = node(fallback).known ? poisonNode : fallback;
  graph.options.push_back(option);
}

void Resolver::resolveParam(const Item &item) {
  const Identifier &name = item.names.front();
  NodeId value = resolve(item.value);
  if (value != poisonNode && !std::isfinite(node(value).known.value_or(std::nan(""))))
    value = fail(item.value->loc, "the default of a param is a finite number");
  Symbol &symbol = symbols.find(name.text)->second;
  if (symbol.defined || symbol.kind != Symbol::Kind::Param)
    return;
  symbol.defined = true;
  symbol.value =
      value == poisonNode
          ? poisonNode
          : add({.kind = Node::Kind::Param, .loc = name.loc, .name = name.text, .number = *node(value).known});
}

void Resolver::resolveConst(const Item &item) {
  NodeId value = resolve(item.value);
  if (value != poisonNode && !node(value).fixed)
    value =
        fail(item.value->loc, "a constant is made of numbers, sizes and options; for what varies write an equation: " +
                                  item.names.front().text + " = …");
  Symbol &symbol = symbols.find(item.names.front().text)->second;
  if (symbol.defined || symbol.kind != Symbol::Kind::Const)
    return;
  symbol.defined = true;
  symbol.value = value;
}

//===----------------------------------------------------------------------===//
// Tensors
//===----------------------------------------------------------------------===//

bool Resolver::resolveLayout(const Item &item, const Identifier &name, Tensor &tensor) {
  tensor.name = name;
  tensor.stored = item.type.text;
  tensor.optional = item.optional;
  bool valid = true;
  for (ArrayRef<Identifier> axis : item.layout) {
    auto &numbers = tensor.axes.emplace_back();
    for (const Identifier &part : axis) {
      std::optional<unsigned> dim = dimNamed(part.text, part.loc);
      if (dim && tensor.dims.contains(*dim)) {
        diagnostics.error(part.loc, "dimension '" + part.text + "' stands twice in the layout of '" + name.text + "'");
        dim = std::nullopt;
      }
      valid &= dim.has_value();
      numbers.push_back(dim.value_or(0));
      tensor.dims = tensor.dims.with(dim.value_or(0));
    }
  }
  return valid;
}

void Resolver::resolveInput(const Item &item) {
  for (const Identifier &name : item.names) {
    Tensor tensor;
    bool valid = resolveLayout(item, name, tensor);
    if (graph.inputs.size() == maxTensors) {
      diagnostics.error(name.loc, "a recurrence has at most " + Twine(maxTensors) + " inputs");
      return;
    }
    Symbol &symbol = symbols.find(name.text)->second;
    if (symbol.defined || symbol.kind != Symbol::Kind::Input)
      continue;
    symbol.defined = true;
    symbol.index = graph.inputs.size();
    graph.inputs.push_back(tensor);
    if (valid)
      symbol.value = add({.kind = Node::Kind::Input, .loc = name.loc, .name = name.text, .index = symbol.index});
  }
}

void Resolver::resolveState(const Item &item) {
  NodeId initial = item.value ? resolve(item.value) : poisonNode;
  for (const Identifier &name : item.names) {
    StateInfo state;
    bool valid = resolveLayout(item, name, state.tensor);
    if (valid && hasScan && state.tensor.dims.contains(graph.scan))
      valid =
          fail(name.loc, "state '" + name.text + "' is what one step hands to the next; leave the scanned dimension '" +
                             graph.dims[graph.scan].name.text + "' out of its layout");
    if (!admitState(name.loc))
      return;
    Symbol &symbol = symbols.find(name.text)->second;
    if (symbol.kind != Symbol::Kind::State || stateNames.contains(name.text))
      continue;
    symbol.index = graph.states.size();
    stateNames[name.text] = symbol.index;
    graph.states.push_back(state);
    if (!valid)
      continue;
    graph.states.back().value =
        add({.kind = Node::Kind::Previous, .loc = name.loc, .name = name.text, .index = symbol.index});
    if (initial != poisonNode) {
      NodeId cast = add({.kind = Node::Kind::Cast,
                         .loc = item.value->loc,
                         .operands = {initial},
                         .name = name.text,
                         .complex = state.tensor.isComplex()});
      add({.kind = Node::Kind::Initial,
           .loc = item.value->loc,
           .operands = {cast},
           .name = name.text,
           .index = symbol.index});
    }
  }
}

void Resolver::resolveOutput(const Item &item) {
  const Identifier &name = item.names.front();
  Tensor tensor;
  bool valid = resolveLayout(item, name, tensor);
  if (valid && hasScan && !tensor.dims.contains(graph.scan))
    valid =
        fail(name.loc, "output '" + name.text + "' lacks the scanned dimension '" + graph.dims[graph.scan].name.text +
                           "' in its layout; what remains after the last step is the final state, which every kernel "
                           "hands back without being asked");
  NodeId value = resolveValue(item.value, name.text);
  if (graph.outputs.size() == maxTensors) {
    diagnostics.error(name.loc, "a recurrence has at most " + Twine(maxTensors) + " outputs");
    return;
  }
  Symbol &symbol = symbols.find(name.text)->second;
  if (symbol.kind == Symbol::Kind::Output && !symbol.defined) {
    symbol.defined = true;
    symbol.value = value;
  }
  graph.outputs.push_back(tensor);
  if (!valid || value == poisonNode)
    return;
  NodeId cast = add({.kind = Node::Kind::Cast,
                     .loc = item.value->loc,
                     .operands = {value},
                     .name = name.text,
                     .complex = tensor.isComplex()});
  add({.kind = Node::Kind::Output,
       .loc = name.loc,
       .operands = {cast},
       .name = name.text,
       .index = unsigned(graph.outputs.size() - 1)});
}

//===----------------------------------------------------------------------===//
// Equations
//===----------------------------------------------------------------------===//

void Resolver::resolveEquation(const Item &item) {
  const Identifier &name = item.names.front();
  Symbol &symbol = symbols.find(name.text)->second;
  NodeId value = resolveValue(item.value, name.text);
  if (symbol.defined || (symbol.kind != Symbol::Kind::Local && symbol.kind != Symbol::Kind::State))
    return; // Assigned twice, which was reported.
  symbol.defined = true;
  symbol.value = value;
  auto state = stateNames.find(name.text);
  if (symbol.kind == Symbol::Kind::Local || value == poisonNode || state == stateNames.end())
    return;
  if (graph.states[symbol.index].value == poisonNode) {
    symbol.value = poisonNode;
    return;
  }
  symbol.value = add({.kind = Node::Kind::Cast,
                      .loc = item.value->loc,
                      .operands = {value},
                      .name = name.text,
                      .complex = graph.states[symbol.index].tensor.isComplex()});
  add({.kind = Node::Kind::Next,
       .loc = name.loc,
       .operands = {symbol.value},
       .name = name.text,
       .index = symbol.index});
}

void Resolver::resolveDerivative(const Item &item) {
  const Identifier &name = item.names.front();
  auto it = symbols.find(name.text);
  bool isState = it != symbols.end() && it->second.kind == Symbol::Kind::State;
  if (!isState && !recurrence.incomplete) {
    SmallVector<StringRef> states;
    for (const StateInfo &state : graph.states)
      states.push_back(state.tensor.name.text);
    diagnostics.error(name.loc, "'" + name.text + "' is not a state; der(h) is the derivative of a declared state" +
                                    suggest(name.text, states));
  }
  Symbol *symbol = isState ? &it->second : nullptr;
  derived = symbol;
  NodeId rate = resolve(item.value);
  derived = nullptr;
  NodeId step = resolve(item.step);
  StringRef methods[] = {"zoh", "bilinear", "euler", "exp_euler"};
  if (!is_contained(methods, item.method.text)) {
    diagnostics.error(item.method.loc, "unknown discretization '" + item.method.text + "'" +
                                           suggest(item.method.text, methods) +
                                           "; there are zoh, bilinear, euler and exp_euler");
    rate = poisonNode;
  }
  if (!symbol || symbol->defined)
    return;
  symbol->defined = true;
  NodeId previous = stateNames.contains(name.text) ? graph.states[symbol->index].value : poisonNode;
  if (rate == poisonNode || step == poisonNode || previous == poisonNode)
    return;
  NodeId cast = add({.kind = Node::Kind::Cast,
                     .loc = item.value->loc,
                     .operands = {rate},
                     .name = name.text,
                     .complex = graph.states[symbol->index].tensor.isComplex()});
  symbol->value = add({.kind = Node::Kind::Derivative,
                       .loc = name.loc,
                       .operands = {previous, cast, step},
                       .name = name.text,
                       .word = item.method.text,
                       .index = symbol->index});
}

//===----------------------------------------------------------------------===//
// Functions that nothing calls
//===----------------------------------------------------------------------===//

/// Looks up the names in functions that are never expanded, so that a misspelt one is found before the first call.
void Resolver::checkUncalled() {
  for (const Item &item : recurrence.items) {
    if (item.kind != Item::Kind::Function)
      continue;
    auto it = functions.find(item.names.front().text);
    if (it == functions.end() || it->second.called || it->second.item != &item)
      continue;
    SmallVector<const Expr *> pending = {item.value};
    while (!pending.empty()) {
      const Expr *expr = pending.pop_back_val();
      if (expr->kind == Expr::Kind::Call && !isFunction(expr->name))
        reportUnknownFunction(expr->name, expr->loc);
      append_range(pending, expr->operands);
      bool isArgument = any_of(item.arguments, [&](const Identifier &name) { return name.text == expr->name; });
      if (expr->kind == Expr::Kind::Name && !isArgument && !symbols.contains(expr->name) && !dims.contains(expr->name))
        reportUnknown(expr->name, expr->loc);
    }
  }
}
