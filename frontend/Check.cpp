// What types, dimensions and optional inputs forbid. One forward walk: a node that is wrong poisons its users, so that
// one mistake is one error.

#include "frontend/Inference.h"

using namespace llvm;
using namespace ssm;
using namespace ssm::frontend;

namespace {
class Checker {
public:
  Checker(Graph &graph, Diagnostics &diagnostics) : graph(graph), diagnostics(diagnostics) {}

  void run() {
    for (Node &node : graph.nodes) {
      node.poisoned |= any_of(node.operands, [&](NodeId id) { return graph.nodes[id].poisoned; });
      if (!node.poisoned)
        node.poisoned = !check(node);
    }
    for (const auto &[index, input] : enumerate(graph.inputs))
      if (input.optional)
        checkOptional(index);
  }

private:
  bool check(const Node &node);
  bool checkBinary(const Node &node);
  bool checkCall(const Node &node);
  bool checkSelect(const Node &node);
  bool checkCast(const Node &node);
  bool checkFits(const Node &node, const Tensor &tensor, const Twine &what, bool mayVaryInTime);
  bool checkNumbers(const Node &node);
  bool checkTruths(const Node &node);
  bool checkReal(const Node &node, StringRef what);
  void checkOptional(unsigned input);

  bool fail(Loc loc, const Twine &message) {
    diagnostics.error(loc, message);
    return false;
  }
  ValueType typeOf(NodeId id) const { return graph.nodes[id].type; }
  StringRef scanName() const { return graph.dims[graph.scan].name.text; }

  Graph &graph;
  Diagnostics &diagnostics;
};
} // namespace

//===----------------------------------------------------------------------===//
// Types
//===----------------------------------------------------------------------===//

bool Checker::checkNumbers(const Node &node) {
  for (NodeId id : node.operands)
    if (typeOf(id) == ValueType::Truth)
      return fail(node.loc, "expected a number, found a truth value; write c ? 1 : 0");
  return true;
}

bool Checker::checkTruths(const Node &node) {
  for (NodeId id : node.operands)
    if (typeOf(id) != ValueType::Truth)
      return fail(node.loc, "expected a condition, found a number; compare it, as in x > 0");
  return true;
}

bool Checker::checkReal(const Node &node, StringRef what) {
  for (NodeId id : node.operands)
    if (typeOf(id) == ValueType::Complex)
      return fail(node.loc, what + " is not defined for complex numbers; take re(…), im(…) or abs(…) first");
  return true;
}

bool Checker::checkBinary(const Node &node) {
  using E = Expr::Kind;
  if (node.binary == E::And || node.binary == E::Or)
    return checkTruths(node);
  if (node.binary == E::Equal || node.binary == E::NotEqual) {
    bool truth = typeOf(node.operands[0]) == ValueType::Truth;
    if (truth != (typeOf(node.operands[1]) == ValueType::Truth))
      return fail(node.loc, "a truth value is compared with a number");
    return true;
  }
  if (!checkNumbers(node))
    return false;
  return node.binary < E::Less || checkReal(node, "an order");
}

bool Checker::checkCall(const Node &node) {
  if (!checkNumbers(node))
    return false;
  const Builtin &function = builtin(node.function);
  if (function.takesComplex)
    return true;
  if (node.function == Function::Complex) {
    for (NodeId id : node.operands)
      if (typeOf(id) == ValueType::Complex)
        return fail(node.loc, "complex(re, im) takes two real numbers");
    return true;
  }
  return checkReal(node, ("'" + function.name + "'").str());
}

bool Checker::checkSelect(const Node &node) {
  if (typeOf(node.operands[0]) != ValueType::Truth)
    return fail(node.loc, "expected a condition before '?', found a number; compare it, as in x > 0");
  bool truth = typeOf(node.operands[1]) == ValueType::Truth;
  if (truth != (typeOf(node.operands[2]) == ValueType::Truth))
    return fail(node.loc, "one side of ':' is a truth value and the other a number");
  return true;
}

bool Checker::checkCast(const Node &node) {
  if (!checkNumbers(node))
    return false;
  if (node.complex || typeOf(node.operands[0]) != ValueType::Complex)
    return true;
  return fail(node.loc, "'" + node.name + "' is real, but this value is complex; declare '" + node.name +
                            "' as complex<f32>, or take re(…)");
}

//===----------------------------------------------------------------------===//
// Dimensions
//===----------------------------------------------------------------------===//

bool Checker::checkFits(const Node &node, const Tensor &tensor, const Twine &what, bool mayVaryInTime) {
  DimSet dims;
  for (NodeId id : node.operands)
    dims = dims | graph.nodes[id].dims;
  if (!mayVaryInTime && dims.contains(graph.scan))
    return fail(node.loc, what + " varies along the scanned dimension '" + scanName() + "', and there is but one");
  DimSet extra = (dims - tensor.dims).without(graph.scan);
  if (extra.empty())
    return true;
  std::string names = graph.list(extra);
  return fail(node.loc, what + " varies along '" + names + "', which its layout lacks; reduce it, as in sum[" + names +
                            "](…), or add '" + names + "' to the layout");
}

bool Checker::check(const Node &node) {
  using K = Node::Kind;
  switch (node.kind) {
  case K::Previous:
    return node.type != ValueType::Truth ||
           fail(node.loc, "prev carries numbers, and '" + node.name + "' is a truth value; carry c ? 1 : 0");
  case K::Not:
    return checkTruths(node);
  case K::Binary:
    return checkBinary(node);
  case K::Call:
    return checkCall(node);
  case K::Select:
    return checkSelect(node);
  case K::Negate:
  case K::Sum:
  case K::Mean:
    return checkNumbers(node);
  case K::Max:
    return checkNumbers(node) && checkReal(node, "a maximum");
  case K::Rename:
    if (graph.nodes[node.operands[0]].dims.contains(node.target)) {
      const std::string from = graph.dims[node.dim].name.text.str(), to = graph.dims[node.target].name.text.str();
      return fail(node.loc, "the value varies along '" + to +
                                "' already; where the two change places, a third of the " +
                                "same extent stands in: rename(…, " + to + ": third, " + from + ": " + to +
                                ", third: " + from + ")");
    }
    return true;
  case K::Delay:
    if (graph.nodes[node.operands[0]].dims.contains(node.dim))
      return fail(node.loc, "delay needs a dimension of its own for its taps; its value varies along '" +
                                graph.dims[node.dim].name.text + "' already");
    return checkNumbers(node);
  case K::Cast:
    return checkCast(node);
  case K::Derivative:
    if (typeOf(node.operands[2]) != ValueType::Real)
      return fail(node.loc, "the step size is a real number");
    return checkFits(node, graph.states[node.index].tensor, "the equation of '" + node.name + "'",
                     /*mayVaryInTime=*/true);
  case K::Next:
    return graph.states[node.index].hidden || checkFits(node, graph.states[node.index].tensor,
                                                        "the equation of '" + node.name + "'", /*mayVaryInTime=*/true);
  case K::Initial:
    return checkFits(node, graph.states[node.index].tensor, "the initial value of '" + node.name + "'",
                     /*mayVaryInTime=*/false);
  case K::Output:
    return checkFits(node, graph.outputs[node.index], "output '" + node.name + "'", /*mayVaryInTime=*/true);
  default:
    return true;
  }
}

//===----------------------------------------------------------------------===//
// Optional inputs
//===----------------------------------------------------------------------===//

/// recurrence_c6: what reads an optional input reaches a state, delay or output through the true side of a select on
/// its own `given` alone. Follows each use of the input forward.
void Checker::checkOptional(unsigned input) {
  using K = Node::Kind;
  std::vector<NodeId> use(graph.nodes.size(), poisonNode); // The use that a node needs, if any.
  for (NodeId id = 0; id < graph.nodes.size(); ++id) {
    const Node &node = graph.nodes[id];
    if (node.kind == K::Read && node.index == input) {
      use[id] = id;
      continue;
    }
    bool guards = node.kind == K::Select && graph.nodes[node.operands[0]].kind == K::Given &&
                  graph.nodes[node.operands[0]].index == input;
    if (guards) {
      use[id] = use[node.operands[2]];
      continue;
    }
    for (NodeId operand : node.operands)
      if (use[operand] != poisonNode)
        use[id] = use[operand];
    bool leaves = node.kind == K::Next || node.kind == K::Initial || node.kind == K::Output || node.kind == K::Delay ||
                  node.kind == K::Derivative;
    StringRef name = graph.inputs[input].name.text;
    if (leaves && use[id] != poisonNode && !node.poisoned)
      diagnostics.error(graph.nodes[use[id]].loc, "optional input '" + name +
                                                      "' may be left out, and is needed here; write " + "given(" +
                                                      name + ") ? … : …");
  }
}

void ssm::frontend::check(Graph &graph, Diagnostics &diagnostics) { Checker(graph, diagnostics).run(); }
