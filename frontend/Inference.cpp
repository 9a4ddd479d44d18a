// A worklist over the graph. Types only go from unknown to real to complex and sets of dimensions only grow, so each
// node is looked at a bounded number of times.

#include "frontend/Inference.h"
#include <deque>

using namespace llvm;
using namespace ssm;
using namespace ssm::frontend;

namespace {
class Inference {
public:
  explicit Inference(Graph &graph) : graph(graph), users(graph.nodes.size()), queued(graph.nodes.size(), true) {}

  void run() {
    for (NodeId id = 0; id < graph.nodes.size(); ++id) {
      worklist.push_back(id);
      for (NodeId operand : graph.nodes[id].operands)
        users[operand].push_back(id);
      if (const StateInfo *state = carried(graph.nodes[id]))
        users[state->value].push_back(id);
    }
    while (!worklist.empty()) {
      NodeId id = worklist.front();
      worklist.pop_front();
      queued[id] = false;
      update(id);
    }
    for (Node &node : graph.nodes)
      if (node.type == ValueType::Unknown)
        node.type = ValueType::Real;
  }

private:
  /// The hidden state that a previous value reads, if it takes type and dimensions from what it carries.
  const StateInfo *carried(const Node &node) const {
    if (node.kind != Node::Kind::Previous || graph.states[node.index].isDeclared())
      return nullptr;
    return &graph.states[node.index];
  }

  void update(NodeId id) {
    Node &node = graph.nodes[id];
    ValueType type = typeOf(node);
    DimSet dims = dimsOf(node);
    if (type == node.type && dims == node.dims)
      return;
    node.type = type;
    node.dims = dims;
    for (NodeId user : users[id])
      if (!queued[user]) {
        queued[user] = true;
        worklist.push_back(user);
      }
  }

  ValueType typeOf(const Node &node) const;
  DimSet dimsOf(const Node &node) const;

  /// The greatest of the operands' types from the operand `first` on.
  ValueType join(const Node &node, size_t first = 0) const {
    ValueType type = ValueType::Unknown;
    for (NodeId id : ArrayRef(node.operands).drop_front(first))
      type = std::max(type, graph.nodes[id].type);
    return type;
  }

  Graph &graph;
  std::vector<SmallVector<NodeId, 2>> users;
  std::vector<bool> queued;
  std::deque<NodeId> worklist;
};
} // namespace

static ValueType tensorType(const Tensor &tensor) { return tensor.isComplex() ? ValueType::Complex : ValueType::Real; }

ValueType Inference::typeOf(const Node &node) const {
  using K = Node::Kind;
  switch (node.kind) {
  case K::Truth:
  case K::OptionIs:
  case K::IsUnset:
  case K::Given:
  case K::Not:
    return ValueType::Truth;
  case K::Option:
    return graph.options[node.index].kind == OptionInfo::Kind::Truth ? ValueType::Truth : ValueType::Real;
  case K::Poison:
  case K::Number:
  case K::Param:
  case K::Index:
  case K::Size:
    return ValueType::Real;
  case K::Input:
    return tensorType(graph.inputs[node.index]);
  case K::Previous:
    if (const StateInfo *state = carried(node))
      return graph.nodes[state->value].type;
    return tensorType(graph.states[node.index].tensor);
  case K::Binary:
    return node.binary >= Expr::Kind::Less ? ValueType::Truth : std::max(join(node), ValueType::Real);
  case K::Call:
    if (node.function == Function::Complex)
      return ValueType::Complex;
    if (node.function == Function::Re || node.function == Function::Im || node.function == Function::Abs)
      return ValueType::Real;
    return std::max(join(node), ValueType::Real);
  case K::Select:
    return join(node, /*first=*/1);
  case K::Cast:
    return node.complex ? ValueType::Complex : join(node);
  case K::Derivative:
    return graph.nodes[node.operands[0]].type;
  case K::Read:
  case K::Negate:
  case K::Sum:
  case K::Max:
  case K::Mean:
  case K::Flip:
  case K::Rename:
  case K::Delay:
  case K::Next:
  case K::Initial:
  case K::Output:
    return join(node);
  }
  return ValueType::Unknown;
}

DimSet Inference::dimsOf(const Node &node) const {
  using K = Node::Kind;
  DimSet dims;
  for (NodeId operand : node.operands)
    dims = dims | graph.nodes[operand].dims;
  switch (node.kind) {
  case K::Input:
    return graph.inputs[node.index].dims;
  case K::Previous:
    dims = graph.states[node.index].tensor.dims;
    if (const StateInfo *state = carried(node))
      dims = graph.nodes[state->value].dims;
    return dims.with(graph.scan);
  case K::Sum:
  case K::Max:
  case K::Mean:
    for (unsigned dim : node.over)
      dims = dims.without(dim);
    return dims;
  case K::Index:
    return dims.with(node.dim);
  case K::Rename:
    return dims.contains(node.dim) ? dims.without(node.dim).with(node.target) : dims;
  case K::Delay:
    return dims.with(node.dim).with(graph.scan);
  case K::Derivative:
    return dims.with(graph.scan);
  default:
    return dims;
  }
}

void ssm::frontend::infer(Graph &graph) { Inference(graph).run(); }
