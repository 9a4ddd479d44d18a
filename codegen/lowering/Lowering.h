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
  /// Schedule; `auto` for the default.
  std::string schedule = "auto";
  /// The last axis of every tensor has stride 1.
  bool packed = true;
  /// Sizes that are likely, for the default schedule.
  SizeHints hints;
  /// LLVM instructions say which place in the description they come from.
  bool locations = false;
};

/// How far to go: to prepared recurrences with their schedules, to tiles, to kernels of the target, to the LLVM
/// dialect.
enum class LoweringLevel { Scheduled, Tiled, Kernels, Llvm };

/// One kernel of a mode.
struct LoweredKernel {
  /// On a CPU the function that runs a range of tasks is `<name>_tasks`.
  std::string name;
  Placement placement;
  KernelInterface interface;
  /// Its dimensions, each with the one whose extent it has.
  std::vector<std::pair<std::string, std::string>> dims;
  /// It runs over the chunks of a scan: its scanned dimension counts those of the last kernel.
  bool overChunks = false;
  /// How many steps are one of its own; it runs whole blocks of so many. 0 where each is.
  int64_t blockSteps = 0;
  /// It runs what is left of blocks of so many steps; 0 where it runs all.
  int64_t restOf = 0;
  /// Bytes of shared memory of each block, and those of them that it is given at launch: the others stand in the
  /// kernel's code.
  int64_t shared = 0, dynamicShared = 0;
};

/// A recurrence on its way to machine code.
struct Lowered {
  mlir::OwningOpRef<mlir::ModuleOp> module;
  /// The schedule in full.
  std::string schedule;
  /// Why `auto` chose it, for a GPU.
  std::vector<std::string> reasons;
  /// In the order in which they run, one after another: more than one where a scan runs in chunks over the grid. The
  /// last writes the outputs.
  std::vector<LoweredKernel> kernels;
  const LoweredKernel &main() const { return kernels.back(); }
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
