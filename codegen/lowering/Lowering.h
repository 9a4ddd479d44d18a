#ifndef SSM_CODEGEN_LOWERING_LOWERING_H
#define SSM_CODEGEN_LOWERING_LOWERING_H

#include "codegen/lowering/CompileTarget.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "passes/KernelInterface.h"

#include <memory>
#include <string>

namespace llvm {
class LLVMContext;
class Module;
} // namespace llvm

namespace ssm {

/// How a recurrence is compiled.
struct LoweringOptions {
  CompileTarget target;
  /// Schedule; `auto` or empty for the default.
  std::string schedule = "auto";
  /// The last axis of every tensor has stride 1.
  bool packed = true;
  /// Sizes that are likely, for the default schedule.
  SizeHints hints;
};

/// How far to go: to tiles, to kernels of the target, to the LLVM dialect.
enum class LoweringLevel { Tiled, Kernels, Llvm };

/// A recurrence on its way to machine code.
struct Lowered {
  mlir::OwningOpRef<mlir::ModuleOp> module;
  /// The schedule in full.
  std::string schedule;
  Placement placement;
  KernelInterface interface;
  /// Name of the kernel; on a CPU the function that runs a range of tasks is `<name>_tasks`.
  std::string kernel;
};

/// Compiles a copy of a specialized and discretized recurrence. Errors: a schedule that is not legal, with the reason;
/// what a pass refuses has been reported at its operation.
llvm::Expected<Lowered> lower(RecurrenceOp recurrence, const LoweringOptions &options, LoweringLevel level);

/// The LLVM module of a recurrence lowered to LoweringLevel::Llvm, not yet optimized. An error if it calls anything but
/// intrinsics, since a kernel stands alone.
llvm::Expected<std::unique_ptr<llvm::Module>> translate(const Lowered &lowered, const CompileTarget &target,
                                                        llvm::LLVMContext &context);

} // namespace ssm

#endif
