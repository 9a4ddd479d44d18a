#ifndef SSM_FRONTEND_EMITTER_H
#define SSM_FRONTEND_EMITTER_H

#include "frontend/Graph.h"

namespace mlir {
class OpBuilder;
}

namespace ssm::frontend {

/// Writes a checked graph as an `ssm.recurrence` at the builder's insertion point. Operations carry the places of
/// `file` that they come from.
void emit(const Graph &graph, llvm::StringRef file, mlir::OpBuilder &builder);

} // namespace ssm::frontend

#endif
