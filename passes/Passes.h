#ifndef SSM_PASSES_PASSES_H
#define SSM_PASSES_PASSES_H

#include "dialect/Ssm.h"
#include "mlir/Pass/Pass.h"

namespace ssm {

#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "passes/Passes.h.inc"

} // namespace ssm

#endif
