#ifndef SSM_CODEGEN_GPU_CUDAPROGRAM_H
#define SSM_CODEGEN_GPU_CUDAPROGRAM_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/Support/Error.h"

#include <optional>
#include <string>

namespace ssm {

/// The path of a program of the CUDA toolkit: what the variable SSM_NAME names (SSM_PTXAS), then in $CUDA_HOME/bin or
/// $CUDA_PATH/bin, beside this program, on PATH, in /usr/local/cuda/bin, and in Triton's package where a virtual
/// environment is active. Nothing where there is none; an error where the variable names what cannot be executed.
llvm::Expected<std::optional<std::string>> findCudaProgram(llvm::StringRef name);

/// A file that is there for as long as this is.
class TemporaryFile {
public:
  static llvm::Expected<TemporaryFile> create(llvm::StringRef suffix, llvm::StringRef content = "");
  TemporaryFile(TemporaryFile &&other) : path(std::move(other.path)) { other.path.clear(); }
  TemporaryFile(const TemporaryFile &) = delete;
  ~TemporaryFile();
  const std::string &name() const { return path; }
  llvm::Expected<std::string> read() const;

private:
  explicit TemporaryFile(std::string path) : path(std::move(path)) {}
  std::string path;
};

/// Runs a program and gives what it wrote to its output and its error stream, or an error that says that.
llvm::Expected<std::string> runProgram(llvm::StringRef path, llvm::ArrayRef<llvm::StringRef> arguments);

} // namespace ssm

#endif
