#ifndef SSM_CODEGEN_LOWERING_SPACESOURCE_H
#define SSM_CODEGEN_LOWERING_SPACESOURCE_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "schedule/ScheduleSpace.h"

namespace ssm {

/// A recurrence made ready for its schedules to be listed and weighed.
struct PreparedSource {
  mlir::OwningOpRef<mlir::ModuleOp> sequential, composed;
  SpaceSource source;
};

/// Prepares copies of a specialized and discretized recurrence. Errors: what a pass refuses.
llvm::Expected<PreparedSource> prepareSource(RecurrenceOp recurrence);

} // namespace ssm

#endif
