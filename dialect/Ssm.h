#ifndef SSM_DIALECT_SSM_H
#define SSM_DIALECT_SSM_H

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/Dialect/LLVMIR/LLVMTypes.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "dialect/SsmDialect.h.inc"
#define GET_ATTRDEF_CLASSES
#include "dialect/SsmAttributes.h.inc"
#define GET_OP_CLASSES
#include "dialect/SsmOps.h.inc"

namespace ssm {

/// A state of a recurrence, hidden ones included: what its `previous` operations, or its `delay`, say of it.
struct State {
  llvm::StringRef name;
  LayoutAttr layout;
  /// Type in memory, null until it is specialized; type of the value in the recurrence.
  mlir::Type stored, type;
  /// How many past steps are carried: 1 but for hidden states.
  int64_t depth = 1;
  /// For the window of a `delay`: the tap dimension, and depth is size(tap)-1, or -1 while that size is open.
  llvm::StringRef tap;
  llvm::StringRef seededBy;
  bool isWindow() const { return !tap.empty(); }
};

/// The recurrence's states in the order in which they first appear.
llvm::SmallVector<State> getStates(RecurrenceOp recurrence);

/// The `ssm.next` of each state by name; a derivative is the next of its state.
mlir::Operation *lookupNext(RecurrenceOp recurrence, llvm::StringRef state);
/// The value of `ssm.initial` for a state, or null.
mlir::Value lookupInitial(RecurrenceOp recurrence, llvm::StringRef state);

} // namespace ssm

#endif
