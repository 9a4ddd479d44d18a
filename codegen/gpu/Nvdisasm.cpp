// Runs NVIDIA's disassembler, the only one that there is.

#include "codegen/gpu/Nvdisasm.h"
#include "codegen/gpu/CudaProgram.h"

using namespace ssm;
using llvm::Expected;

Expected<std::string> ssm::disassemble(llvm::StringRef cubin, Disassembly kind) {
  Expected<std::optional<std::string>> program = findCudaProgram("nvdisasm");
  if (!program)
    return program.takeError();
  if (!*program)
    return llvm::createStringError(
        "nvdisasm was not found in a CUDA toolkit, on PATH or beside ssmc: scripts/fetch-nvdisasm takes it from "
        "Triton's package, and $SSM_NVDISASM names one that is elsewhere");
  Expected<TemporaryFile> file = TemporaryFile::create("cubin", cubin);
  if (!file)
    return file.takeError();
  llvm::SmallVector<llvm::StringRef> arguments = {"-hex"};
  if (kind == Disassembly::Lines)
    arguments = {"-c", "-g"};
  arguments.push_back(file->name());
  Expected<std::string> text = runProgram(**program, arguments);
  if (!text)
    return llvm::createStringError("nvdisasm refused the cubin: " + llvm::toString(text.takeError()));
  return text;
}
