#ifndef SSM_CODEGEN_BUNDLE_BUNDLEWRITER_H
#define SSM_CODEGEN_BUNDLE_BUNDLEWRITER_H

#include "codegen/gpu/KernelReport.h"
#include "codegen/lowering/Lowering.h"
#include "runtime/Bundle.h"

namespace ssm {

/// A specialized and discretized recurrence that a bundle has a function for.
struct BundleFunction {
  RecurrenceOp recurrence;
  /// The choice of types, as ssmc's --dtype has it; no two functions of a mode have the same.
  std::string dtype = "f32";
};

/// What goes into a bundle.
struct BundleOptions {
  /// Name and version of the compiler, as the manifest has them.
  std::string compiler;
  /// The text that the recurrence was read from.
  std::string description;
  std::vector<CompileTarget> targets;
  std::string schedule = "auto";
  /// Whether to compile for tensors whose last stride is 1, and for any others.
  bool unitStrides = true, anyStrides = true;
  SizeHints hints;
};

/// A bundle, and what its making said.
struct WrittenBundle {
  ArchiveFiles files;
  /// The schedule in full of the last function and target.
  std::string schedule;
  std::vector<KernelReport> kernels;
  /// Why there are no cubins, where there are none.
  std::string withoutCubins;
};

/// The targets that a bundle is for: those named, `cpu` being x86-64-v4 and x86-64-v3, each once. Processors with more
/// and wider registers come before others, since the first program that fits is taken.
llvm::Expected<std::vector<CompileTarget>> parseBundleTargets(llvm::ArrayRef<std::string> names);

/// Compiles one recurrence at one or several choices of types: for GPUs PTX, and cubins where there is a CUDA toolkit;
/// for processors shared objects. Errors: a target that is whatever processor ssmc runs on, what a schedule or a pass
/// refuses, what ptxas or the linker says.
llvm::Expected<WrittenBundle> compileBundle(llvm::ArrayRef<BundleFunction> functions, const BundleOptions &options);

} // namespace ssm

#endif
