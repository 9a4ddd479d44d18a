// Declares what a recurrence names, walks its items in the order of the text, and closes the hidden states at the end.
// Names are all declared first, so that `prev` may speak of a value that is defined further down.

#include "frontend/Resolver.h"

using namespace llvm;
using namespace ssm::frontend;

std::string Graph::list(DimSet set) const {
  std::string text;
  for (unsigned dim = 0; dim < dims.size(); ++dim)
    if (set.contains(dim))
      text += (text.empty() ? "" : ", ") + dims[dim].name.text.str();
  return text;
}

Resolver::Resolver(const File &file, const Recurrence &recurrence, Diagnostics &diagnostics, Graph &graph)
    : file(file), recurrence(recurrence), diagnostics(diagnostics), graph(graph) {
  graph.name = recurrence.name;
  graph.comment = recurrence.comment;
  Node poison;
  poison.poisoned = true;
  graph.nodes.push_back(poison);
}

void Resolver::run() {
  declareDims();
  declareFunctions(file.shared, /*shared=*/true);
  declareFunctions(recurrence.items, /*shared=*/false);
  declareSymbols(file.shared, /*shared=*/true);
  declareSymbols(recurrence.items, /*shared=*/false);
  for (const Item &item : file.shared)
    resolveItem(item);
  for (const Item &item : recurrence.items)
    if (!diagnostics.isFull() && !tooLarge)
      resolveItem(item);
  if (!tooLarge)
    finish();
}

//===----------------------------------------------------------------------===//
// Dimensions
//===----------------------------------------------------------------------===//

void Resolver::declareDims() {
  const Item *scan = nullptr;
  for (const Item &item : recurrence.items) {
    if (item.kind == Item::Kind::Dim) {
      for (auto [name, size, like] : zip_equal(item.names, item.sizes, item.likes))
        declareDim(name, size, like);
    } else if (item.kind == Item::Kind::Scan && scan) {
      diagnostics.error(item.loc, "a recurrence runs along one dimension; this is the second scan");
      diagnostics.note(scan->loc, "the first is here");
    } else if (item.kind == Item::Kind::Scan) {
      scan = &item;
      declareScan(item);
    }
  }
  checkScan(scan);
}

void Resolver::declareDim(Identifier name, int64_t size, Identifier like) {
  if (auto it = dims.find(name.text); it != dims.end()) {
    diagnostics.error(name.loc, "dimension '" + name.text + "' is declared twice");
    diagnostics.note(graph.dims[it->second].name.loc, "it is declared here");
    return;
  }
  constexpr unsigned most = 64; // DimSet is one word.
  if (graph.dims.size() == most) {
    diagnostics.error(name.loc, "a recurrence has at most " + Twine(most) + " dimensions");
    return;
  }
  Dim dim{name, size, "", unsigned(graph.dims.size())};
  auto isDeclaredLater = [&](const Item &item) {
    return item.kind == Item::Kind::Dim &&
           any_of(item.names, [&](const Identifier &other) { return other.text == like.text; });
  };
  if (like && like.text != name.text && !dims.contains(like.text) && any_of(recurrence.items, isDeclaredLater)) {
    diagnostics.error(like.loc, "'" + like.text + "' is declared after '" + name.text + "'; declare it before: dim " +
                                    like.text + ", " + name.text + " like " + like.text);
  } else if (like) {
    if (std::optional<unsigned> other = dimNamed(like.text, like.loc)) {
      dim.like = like.text;
      dim.extent = graph.dims[*other].extent;
    }
  }
  dims[name.text] = graph.dims.size();
  graph.dims.push_back(dim);
}

void Resolver::declareScan(const Item &item) {
  const Identifier &name = item.names.front();
  if (!dims.contains(name.text))
    declareDim(name, -1, {});
  graph.scan = dims.lookup(name.text);
  graph.reverse = item.reverse && !item.reverseIf;
  graph.reverseIf = item.reverseIf.text;
}

void Resolver::checkScan(const Item *scan) {
  if (!scan) {
    if (!recurrence.incomplete)
      diagnostics.error(recurrence.name.loc, "recurrence '" + recurrence.name.text +
                                                 "' does not say which dimension it runs along; write: scan time");
    // One that no layout can name stands in, so that the lack is one error.
    hasScan = false;
    constexpr unsigned last = 63;
    graph.scan = std::min<unsigned>(graph.dims.size(), last);
    if (graph.scan == graph.dims.size())
      graph.dims.push_back({{"", recurrence.name.loc}, -1, "", graph.scan});
    return;
  }
  for (const auto &[number, dim] : enumerate(graph.dims)) {
    if (dim.extent == number || (number != graph.scan && dim.extent != graph.scan))
      continue;
    diagnostics.error(dim.name.loc, "'" + dim.name.text + "' is like '" + dim.like +
                                        "', but the scanned dimension shares its extent with no other");
  }
}

std::optional<unsigned> Resolver::dimNamed(StringRef name, Loc loc) {
  if (auto it = dims.find(name); it != dims.end())
    return it->second;
  if (recurrence.incomplete)
    return std::nullopt;
  SmallVector<StringRef> known;
  for (const Dim &dim : graph.dims)
    known.push_back(dim.name.text);
  std::string hint = suggest(name, known);
  if (hint.empty())
    hint = symbols.contains(name) ? "; it is a value" : "; declare it: dim " + name.str();
  diagnostics.error(loc, "unknown dimension '" + name + "'" + hint);
  return std::nullopt;
}

//===----------------------------------------------------------------------===//
// Functions and values
//===----------------------------------------------------------------------===//

void Resolver::declareFunctions(ArrayRef<Item> items, bool shared) {
  for (const Item &item : items) {
    if (item.kind != Item::Kind::Function)
      continue;
    const Identifier &name = item.names.front();
    if (lookupBuiltin(name.text) || is_contained(specialForms(), name.text)) {
      diagnostics.error(name.loc, "'" + name.text + "' is a function of the language; choose another name");
    } else if (auto [it, isNew] = functions.try_emplace(name.text, FunctionInfo{&item, shared}); !isNew) {
      diagnostics.error(name.loc, "function '" + name.text + "' is defined twice");
      diagnostics.note(it->second.item->loc, "it is defined here");
    }
    for (const auto &[position, argument] : enumerate(item.arguments))
      for (const Identifier &earlier : item.arguments.take_front(position))
        if (earlier.text == argument.text)
          diagnostics.error(argument.loc, "argument '" + argument.text + "' stands twice in the list");
  }
}

void Resolver::declareSymbols(ArrayRef<Item> items, bool shared) {
  using I = Item::Kind;
  for (const Item &item : items) {
    std::optional<Symbol::Kind> kind;
    switch (item.kind) {
    case I::Input:
      kind = Symbol::Kind::Input;
      break;
    case I::State:
      kind = Symbol::Kind::State;
      break;
    case I::Param:
      kind = Symbol::Kind::Param;
      break;
    case I::Const:
      kind = Symbol::Kind::Const;
      break;
    case I::Option:
      kind = Symbol::Kind::Option;
      break;
    case I::Output:
      declareOutput(item.names.front());
      break;
    case I::Equation:
    case I::Derivative:
      declareEquation(item);
      break;
    default:
      break;
    }
    if (kind)
      for (const Identifier &name : item.names)
        declareSymbol(*kind, name, shared);
  }
}

void Resolver::declareSymbol(Symbol::Kind kind, const Identifier &name, bool shared) {
  auto [it, isNew] = symbols.try_emplace(name.text, Symbol{kind, name, name.loc, shared});
  if (isNew) {
    if (kind == Symbol::Kind::State)
      it->second.equation = {};
    return;
  }
  const Symbol &first = it->second;
  if (kind == Symbol::Kind::State && first.kind == Symbol::Kind::Local)
    diagnostics.error(name.loc, "state '" + name.text + "' is declared after its equation in line " +
                                    Twine(first.name.loc.line) + "; declare it before");
  else
    diagnostics.error(name.loc,
                      "'" + name.text + "' is already the name of a value in line " + Twine(first.name.loc.line));
}

void Resolver::declareEquation(const Item &item) {
  const Identifier &name = item.names.front();
  auto it = symbols.find(name.text);
  if (it == symbols.end()) {
    if (item.kind == Item::Kind::Equation)
      symbols.try_emplace(name.text, Symbol{Symbol::Kind::Local, name, name.loc});
    return; // der of what is no state is reported where it is resolved.
  }
  Symbol &symbol = it->second;
  switch (symbol.kind) {
  case Symbol::Kind::State:
    if (symbol.equation.line)
      diagnostics.error(name.loc,
                        "state '" + name.text + "' has an equation already, in line " + Twine(symbol.equation.line));
    else
      symbol.equation = name.loc;
    break;
  case Symbol::Kind::Local:
  case Symbol::Kind::Output:
    diagnostics.error(name.loc, "'" + name.text + "' is assigned twice; first in line " + Twine(symbol.name.loc.line));
    break;
  default:
    if (item.kind == Item::Kind::Equation)
      diagnostics.error(name.loc, "'" + name.text + "' is declared in line " + Twine(symbol.name.loc.line) +
                                      " and cannot be assigned; give the result another name");
    break;
  }
}

/// An output may bear the name of a state or local that it hands out; otherwise its name is one more local.
void Resolver::declareOutput(const Identifier &name) {
  if (auto [it, isNew] = outputs.try_emplace(name.text, name.loc); !isNew) {
    diagnostics.error(name.loc,
                      "output '" + name.text + "' is declared twice; first in line " + Twine(it->second.line));
    return;
  }
  auto [it, isNew] = symbols.try_emplace(name.text, Symbol{Symbol::Kind::Output, name, name.loc});
  if (isNew || it->second.kind == Symbol::Kind::State || it->second.kind == Symbol::Kind::Local)
    return;
  diagnostics.error(name.loc,
                    "'" + name.text + "' is already the name of a value in line " + Twine(it->second.name.loc.line));
}

//===----------------------------------------------------------------------===//
// Nodes, and the end of the recurrence
//===----------------------------------------------------------------------===//

NodeId Resolver::add(Node node) {
  if (graph.nodes.size() >= maxNodes) {
    if (!tooLarge)
      diagnostics.error(node.loc, "recurrence '" + recurrence.name.text + "' has more than " + Twine(maxNodes) +
                                      " operations once its functions are expanded");
    tooLarge = true;
    return poisonNode;
  }
  using K = Node::Kind;
  switch (node.kind) {
  case K::Number:
  case K::Truth:
  case K::Option:
  case K::OptionIs:
  case K::Given:
  case K::Size:
    node.fixed = true;
    break;
  case K::IsUnset:
  case K::Negate:
  case K::Not:
  case K::Binary:
  case K::Call:
  case K::Select:
    node.fixed = all_of(node.operands, [&](NodeId id) { return graph.nodes[id].fixed; });
    break;
  default:
    break;
  }
  graph.nodes.push_back(std::move(node));
  return graph.nodes.size() - 1;
}

NodeId Resolver::fail(Loc loc, const Twine &message) {
  diagnostics.error(loc, message);
  return poisonNode;
}

void Resolver::finish() {
  // In the order of the text, so that the result does not depend on hashing.
  SmallVector<Symbol *> ordered;
  for (auto &entry : symbols)
    ordered.push_back(&entry.second);
  sort(ordered, [](Symbol *a, Symbol *b) { return a->name.loc.pointer < b->name.loc.pointer; });
  for (Symbol *symbol : ordered) {
    if (symbol->kind == Symbol::Kind::State && !symbol->equation.line && !recurrence.incomplete)
      diagnostics.error(symbol->name.loc, "state '" + symbol->name.text + "' has no equation; write " +
                                              symbol->name.text + " = … prev(" + symbol->name.text + ") …");
    if (symbol->hidden && (symbol->defined || symbol->kind == Symbol::Kind::State))
      finishHidden(*symbol);
  }
  if (!graph.reverseIf.empty()) {
    auto it = find_if(graph.options, [&](const OptionInfo &option) { return option.name.text == graph.reverseIf; });
    SmallVector<StringRef> known;
    for (const OptionInfo &option : graph.options)
      known.push_back(option.name.text);
    Loc loc;
    for (const Item &item : recurrence.items)
      if (item.kind == Item::Kind::Scan && item.reverseIf)
        loc = item.reverseIf.loc;
    if (it == graph.options.end() && !recurrence.incomplete)
      diagnostics.error(loc, "unknown option '" + graph.reverseIf + "'" + suggest(graph.reverseIf, known));
    else if (it != graph.options.end() && it->kind != OptionInfo::Kind::Truth)
      diagnostics.error(loc,
                        "option '" + graph.reverseIf + "' is not true or false, and cannot say whether to reverse");
  }
  checkUncalled();
  if (graph.outputs.empty() && graph.states.empty() && !recurrence.incomplete && !diagnostics.hasErrors())
    diagnostics.error(recurrence.name.loc,
                      "recurrence '" + recurrence.name.text + "' has neither a state nor an output");
}

/// Says what a hidden state carries, now that the value is known.
void Resolver::finishHidden(Symbol &symbol) {
  NodeId value = symbol.value;
  if (symbol.kind == Symbol::Kind::Input)
    value = readSymbol(symbol, symbol.hiddenUse);
  if (symbol.kind == Symbol::Kind::State)
    value = graph.states[symbol.index].value;
  graph.states[*symbol.hidden].value = value;
  add({.kind = Node::Kind::Next, .loc = symbol.hiddenUse, .operands = {value}, .index = *symbol.hidden});
}
