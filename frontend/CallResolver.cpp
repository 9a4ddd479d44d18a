// Calls: the user's functions, expanded where they are called; functions of numbers; and the forms that speak of names,
// dimensions and time.

#include "frontend/Resolver.h"
#include "llvm/Support/SaveAndRestore.h"

using namespace llvm;
using namespace ssm::frontend;

bool Resolver::isFunction(StringRef name) const {
  return functions.contains(name) || lookupBuiltin(name) || is_contained(specialForms(), name);
}

void Resolver::reportUnknownFunction(StringRef name, Loc loc) {
  if (recurrence.incomplete)
    return;
  SmallVector<StringRef> known(specialForms());
  for (const Builtin &entry : allBuiltins())
    known.push_back(entry.name);
  SmallVector<StringRef> defined;
  for (const auto &entry : functions)
    defined.push_back(entry.first());
  sort(defined); // Hashing must not choose among equally near names.
  append_range(known, defined);
  std::string hint = suggest(name, known);
  if (symbols.contains(name))
    hint = "; it is a value, and takes no argument: everything is at the current step";
  else if (name == "if" || name == "where" || name == "select")
    hint = "; a choice is written c ? a : b";
  diagnostics.error(loc, "unknown function '" + name + "'" + hint);
}

NodeId Resolver::resolveCall(const Expr *expr) {
  StringRef name = expr->name;
  if (auto it = functions.find(name); it != functions.end())
    return expandFunction(expr, it->second);
  if (const Builtin *function = lookupBuiltin(name))
    return resolveBuiltin(expr, *function);
  if (name == "prev")
    return resolvePrevious(expr);
  if (name == "delay")
    return resolveDelay(expr, "");
  if (name == "index" || name == "size")
    return resolveDimFunction(expr);
  if (name == "rename")
    return resolveRename(expr);
  if (name == "flip")
    return resolveFlip(expr);
  if (name == "given")
    return resolveGiven(expr);
  if (name == "sum" || name == "mean")
    return fail(expr->loc, "'" + name + "' runs over dimensions; name them: " + name + "[state](…)");
  reportUnknownFunction(name, expr->loc);
  return poisonNode;
}

bool Resolver::checkArity(const Expr *expr, size_t least, size_t most, StringRef usage) {
  size_t count = expr->operands.size();
  if (count >= least && count <= most)
    return true;
  std::string expected = least == most ? std::to_string(least) : std::to_string(least) + " or " + std::to_string(most);
  diagnostics.error(expr->loc, "'" + expr->name + "' takes " + expected + (most == 1 ? " argument" : " arguments") +
                                   ", found " + Twine(count) + "; write " + usage);
  return false;
}

//===----------------------------------------------------------------------===//
// Functions of numbers
//===----------------------------------------------------------------------===//

/// A name stays a name inside the function, so that prev, delay and given may speak of it.
Resolver::Binding Resolver::bindArgument(const Expr *expr) {
  if (expr->kind != Expr::Kind::Name)
    return {nullptr, resolve(expr)};
  std::optional<Binding> binding = lookup(expr->name);
  if (!binding)
    reportUnknown(expr->name, expr->loc);
  return binding.value_or(Binding{nullptr, poisonNode});
}

NodeId Resolver::expandFunction(const Expr *expr, FunctionInfo &function) {
  const Item *item = function.item;
  function.called = true;
  if (++expanded > maxNodes) { // Calls may double without a single operation.
    tooLarge = true;
    return fail(expr->loc,
                "recurrence '" + recurrence.name.text + "' expands more than " + Twine(maxNodes) + " function calls");
  }
  if (expr->operands.size() != item->arguments.size())
    return fail(expr->loc, "function '" + expr->name + "' takes " + Twine(item->arguments.size()) +
                               (item->arguments.size() == 1 ? " argument" : " arguments") + ", found " +
                               Twine(expr->operands.size()));
  for (const Frame *outer = frame; outer; outer = outer->caller)
    if (outer->function == item)
      return fail(expr->loc,
                  "function '" + expr->name + "' calls itself; what depends on the past is written with prev");
  if (frame && functions.lookup(frame->function->names.front().text).shared && !function.shared)
    return fail(expr->loc, "function '" + expr->name +
                               "' is not seen here: it belongs to a recurrence, and the function "
                               "that calls it stands outside");
  Frame inner{item, {}, frame};
  for (const Expr *operand : expr->operands)
    inner.arguments.push_back(bindArgument(operand));
  SaveAndRestore call(frame, static_cast<const Frame *>(&inner));
  return resolve(item->value);
}

NodeId Resolver::resolveBuiltin(const Expr *expr, const Builtin &function) {
  std::string usage = (function.name + (function.arity == 2 ? "(x, y)" : "(x)")).str();
  if (function.function == Function::Max)
    usage += ", or max[d](x) over a dimension";
  if (!checkArity(expr, function.arity, function.arity, usage))
    return poisonNode;
  Node result{.kind = Node::Kind::Call, .loc = expr->loc, .function = function.function};
  SmallVector<double> numbers;
  for (const Expr *operand : expr->operands) {
    NodeId value = resolve(operand);
    result.operands.push_back(value);
    if (node(value).known)
      numbers.push_back(*node(value).known);
  }
  if (is_contained(result.operands, poisonNode))
    return poisonNode;
  if (numbers.size() == result.operands.size())
    result.known = evaluate(function.function, numbers);
  return add(result);
}

//===----------------------------------------------------------------------===//
// The past
//===----------------------------------------------------------------------===//

bool Resolver::admitState(Loc loc) {
  if (windows.size() + graph.states.size() < maxTensors)
    return true;
  diagnostics.error(loc, "a recurrence has at most " + Twine(maxTensors) + " states, hidden ones included");
  return false;
}

NodeId Resolver::resolvePrevious(const Expr *expr) {
  if (!checkArity(expr, 1, 2, "prev(x), or prev(x, 3) for three steps ago"))
    return poisonNode;
  int64_t back = 1;
  if (expr->operands.size() == 2) {
    NodeId steps = resolve(expr->operands[1]);
    if (steps == poisonNode)
      return poisonNode;
    double number = node(steps).known.value_or(0);
    if (!(number >= 1 && number <= maxBack) || number != double(int64_t(number)))
      return fail(expr->operands[1]->loc, "prev looks back a whole number of steps from 1 to " + Twine(maxBack));
    back = int64_t(number);
  }
  const Expr *argument = expr->operands[0];
  Symbol *symbol = nullptr;
  if (argument->kind == Expr::Kind::Name) {
    std::optional<Binding> binding = lookup(argument->name);
    if (!binding) {
      reportUnknown(argument->name, argument->loc);
      return poisonNode;
    }
    symbol = binding->symbol;
    if (!symbol && binding->value == poisonNode)
      return poisonNode;
  }
  if (!symbol)
    return fail(argument->loc, "prev takes the name of a state, an input or a local; give the expression a name first");
  using K = Symbol::Kind;
  if (symbol->kind == K::State)
    return previousOfState(*symbol, back, expr->loc);
  if (symbol->kind != K::Input && symbol->kind != K::Local && symbol->kind != K::Output)
    return fail(argument->loc,
                "'" + symbol->name.text + "' is the same at every step; prev takes a state, an input or a local");
  if (symbol->kind == K::Input && symbol->defined && symbol->value == poisonNode)
    return poisonNode;
  StringRef name = symbol->name.text;
  if (auto it = windows.find(name); it != windows.end())
    return fail(expr->loc, "prev(" + name + ") carries its past as '" + name + "', which is what delay does in line " +
                               Twine(it->second.loc.line) + "; give the delay a name of its own: past = delay(…)");
  if (!symbol->hidden) {
    if (!admitState(expr->loc))
      return poisonNode;
    symbol->hidden = graph.states.size();
    symbol->hiddenUse = expr->loc;
    stateNames[name] = *symbol->hidden;
    graph.states.push_back({.tensor = {.name = {name, expr->loc}}, .hidden = true});
  }
  return add({.kind = Node::Kind::Previous, .loc = expr->loc, .name = name, .index = *symbol->hidden, .back = back});
}

/// Values older than a declared state's last are those of a hidden state h.past, which carries prev(h).
NodeId Resolver::previousOfState(Symbol &symbol, int64_t back, Loc loc) {
  if (!stateNames.contains(symbol.name.text)) { // Declared further down.
    diagnostics.error(loc, "state '" + symbol.name.text + "' is declared only in line " + Twine(symbol.name.loc.line) +
                               "; declare it before its use");
    return poisonNode;
  }
  NodeId last = graph.states[symbol.index].value;
  if (last == poisonNode || back == 1)
    return last;
  std::string past = (symbol.name.text + ".past").str();
  if (!symbol.hidden) {
    if (!admitState(loc))
      return poisonNode;
    symbol.hidden = graph.states.size();
    symbol.hiddenUse = loc;
    StateInfo state{.tensor = graph.states[symbol.index].tensor, .hidden = true, .value = last, .seed = symbol.index};
    stateNames.try_emplace(past, *symbol.hidden);
    state.tensor.name = {graph.madeNames.emplace_back(past), loc};
    if (!state.tensor.isComplex()) // A complex state's type is what makes it complex.
      state.tensor.stored = "";
    graph.states.push_back(state);
  }
  StringRef name = graph.states[*symbol.hidden].tensor.name.text;
  return add({.kind = Node::Kind::Previous, .loc = loc, .name = name, .index = *symbol.hidden, .back = back - 1});
}

NodeId Resolver::resolveDelay(const Expr *expr, StringRef assigned) {
  if (!checkArity(expr, 2, 2, "delay(x, tap)"))
    return poisonNode;
  Binding binding = bindArgument(expr->operands[0]);
  Symbol *symbol = binding.symbol;
  NodeId value = symbol ? readSymbol(*symbol, expr->operands[0]->loc) : binding.value;
  std::optional<unsigned> dim = dimArgument(expr->operands[1]);
  if (dim && *dim == graph.scan)
    return fail(expr->operands[1]->loc, "delay needs a dimension of its own for its taps; '" +
                                            graph.dims[*dim].name.text + "' is the scanned one");
  if (value == poisonNode || !dim)
    return poisonNode;
  StringRef name = assigned;
  if (name.empty() || (stateNames.contains(name) && !graph.states[stateNames.lookup(name)].hidden))
    name = symbol ? symbol->name.text : "";
  if (name.empty())
    return fail(expr->loc, "delay carries its past under the name of its value, and this value has none; write: "
                           "past = delay(…, " +
                               graph.dims[*dim].name.text + ")");
  if (auto it = windows.find(name); it != windows.end()) {
    const Window &window = it->second;
    bool same = symbol ? window.symbol == symbol : !window.symbol && window.value == value;
    if (same && window.dim == *dim)
      return window.node;
    return fail(expr->loc, "the past that another delay carries, in line " + Twine(window.loc.line) + ", is named '" +
                               name + "' already; give this one a name: past = delay(…)");
  }
  if (stateNames.contains(name))
    return fail(expr->loc, "'" + name + "' is the name of a state already, or of what prev(" + name +
                               ") carries; give the delay a name of its own: past = delay(…)");
  if (!admitState(expr->loc))
    return poisonNode;
  NodeId node = add({.kind = Node::Kind::Delay, .loc = expr->loc, .operands = {value}, .name = name, .dim = *dim});
  windows.try_emplace(name, Window{*dim, value, symbol, node, expr->loc});
  return node;
}

//===----------------------------------------------------------------------===//
// Dimensions, and what is given
//===----------------------------------------------------------------------===//

std::optional<unsigned> Resolver::dimArgument(const Expr *expr) {
  if (expr->kind == Expr::Kind::Name)
    return dimNamed(expr->name, expr->loc);
  diagnostics.error(expr->loc, "expected the name of a dimension");
  return std::nullopt;
}

NodeId Resolver::resolveDimFunction(const Expr *expr) {
  bool isIndex = expr->name == "index";
  if (!checkArity(expr, 1, 1, isIndex ? "index(d), where d is a dimension" : "size(d), where d is a dimension"))
    return poisonNode;
  std::optional<unsigned> dim = dimArgument(expr->operands[0]);
  if (!dim)
    return poisonNode;
  return add({.kind = isIndex ? Node::Kind::Index : Node::Kind::Size, .loc = expr->loc, .dim = *dim});
}

NodeId Resolver::resolveRename(const Expr *expr) {
  if (expr->operands.size() < 2)
    return fail(expr->loc, "rename takes a value and a new name for a dimension; write rename(x, state: col)");
  NodeId value = resolve(expr->operands[0]);
  for (const Expr *pair : expr->operands.drop_front()) {
    if (pair->kind != Expr::Kind::Pair)
      return fail(pair->loc, "expected a dimension and its new name, as in rename(x, state: col)");
    std::optional<unsigned> from = dimNamed(pair->name, pair->loc);
    std::optional<unsigned> to = dimNamed(pair->dims.front().text, pair->dims.front().loc);
    if (!from || !to)
      return poisonNode;
    if (*from == graph.scan || *to == graph.scan)
      return fail(pair->loc, "the scanned dimension cannot be renamed");
    if (*from == *to)
      return fail(pair->loc, "'" + pair->name + "' is renamed to itself");
    if (graph.dims[*from].extent != graph.dims[*to].extent)
      return fail(pair->loc, "'" + pair->name + "' and '" + graph.dims[*to].name.text +
                                 "' need not be of one extent; declare: dim " + graph.dims[*to].name.text + " like " +
                                 pair->name);
    if (value != poisonNode)
      value = add({.kind = Node::Kind::Rename, .loc = expr->loc, .operands = {value}, .dim = *from, .target = *to});
  }
  return value;
}

NodeId Resolver::resolveFlip(const Expr *expr) {
  if (!checkArity(expr, 2, 2, "flip(x, d), where d is a dimension"))
    return poisonNode;
  NodeId value = resolve(expr->operands[0]);
  std::optional<unsigned> dim = dimArgument(expr->operands[1]);
  if (dim && *dim == graph.scan)
    return fail(expr->operands[1]->loc, "nothing looks ahead: the scanned dimension '" + graph.dims[*dim].name.text +
                                            "' cannot be flipped; to run from the end, write: scan " +
                                            graph.dims[*dim].name.text + " reverse");
  if (value == poisonNode || !dim)
    return poisonNode;
  return add({.kind = Node::Kind::Flip, .loc = expr->loc, .operands = {value}, .dim = *dim});
}

NodeId Resolver::resolveGiven(const Expr *expr) {
  if (!checkArity(expr, 1, 1, "given(z), where z is an optional input"))
    return poisonNode;
  const Expr *argument = expr->operands[0];
  std::optional<Binding> binding = argument->kind == Expr::Kind::Name ? lookup(argument->name) : std::nullopt;
  if (argument->kind == Expr::Kind::Name && !binding) {
    reportUnknown(argument->name, argument->loc);
    return poisonNode;
  }
  if (!binding || !binding->symbol || binding->symbol->kind != Symbol::Kind::Input)
    return fail(argument->loc, "given takes the name of an optional input");
  const Symbol &symbol = *binding->symbol;
  if (!symbol.defined) {
    reportUndefined(symbol, argument->loc);
    return poisonNode;
  }
  if (!graph.inputs[symbol.index].optional)
    return fail(argument->loc, "input '" + symbol.name.text + "' is always given; declare it optional: input " +
                                   symbol.name.text + " […] optional");
  return add({.kind = Node::Kind::Given, .loc = expr->loc, .name = symbol.name.text, .index = symbol.index});
}
