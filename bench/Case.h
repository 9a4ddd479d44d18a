#ifndef SSM_BENCH_CASE_H
#define SSM_BENCH_CASE_H

#include "codegen/cpu/CpuKernel.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "llvm/Support/Error.h"

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

namespace ssm {

/// One row of bench/cases.json: a recurrence of fixed sizes, compiled, with random inputs and memory for its output.
class BenchCase {
public:
  /// `description` is an entry of cases.json. The model is read from the source tree.
  static llvm::Expected<BenchCase> make(mlir::MLIRContext &context, const nlohmann::json &description);

  /// Compiles it for calls on so many threads of this processor, with what `--schedule auto` takes for those who have
  /// no tuning database of their own.
  llvm::Expected<std::unique_ptr<CpuKernel>> compile(unsigned threads);

  const KernelArguments &arguments() const { return values; }
  /// The inputs in the order of the description, as scalar loops take them.
  std::vector<const float *> inputs() const;
  /// Sizes of the dimensions in the order of the description, then that of the scanned one.
  std::vector<int64_t> sizes() const;
  const Tensor &output() const { return values.outputs.begin()->second; }

  /// Writes every input as NAME.f32 to a folder, for peers in other processes.
  llvm::Error writeInputs(const std::string &folder) const;

private:
  llvm::Error makeArguments(const nlohmann::json &description);

  mlir::OwningOpRef<mlir::ModuleOp> module;
  RecurrenceOp recurrence;
  KernelArguments values;
};

} // namespace ssm

#endif
