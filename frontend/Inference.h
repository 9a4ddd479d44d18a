#ifndef SSM_FRONTEND_INFERENCE_H
#define SSM_FRONTEND_INFERENCE_H

#include "frontend/Graph.h"

namespace ssm::frontend {

/// Sets each node's type and dimensions. A hidden state has those of the value that it carries, which may depend on the
/// state itself (`m = max(prev(m) + f, i)`): the result is the least fixpoint.
void infer(Graph &graph);

/// Reports what types, dimensions and optional inputs make wrong. Needs infer.
void check(Graph &graph, Diagnostics &diagnostics);

} // namespace ssm::frontend

#endif
