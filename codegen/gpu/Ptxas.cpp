// Runs the CUDA toolkit's assembler, which there is no library for.

#include "codegen/gpu/Ptxas.h"
#include "llvm/ADT/ScopeExit.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Program.h"
#include "llvm/Support/Regex.h"
#include "llvm/Support/raw_ostream.h"

#include <cstdlib>

using namespace ssm;
using llvm::Error;
using llvm::Expected;
using llvm::StringRef;

static Error fail(const llvm::Twine &message) {
  return llvm::createStringError(llvm::inconvertibleErrorCode(), message);
}

Expected<std::string> ssm::findPtxas() {
  if (const char *path = std::getenv("SSM_PTXAS")) {
    if (llvm::sys::fs::can_execute(path))
      return std::string(path);
    return fail("SSM_PTXAS names '" + llvm::Twine(path) + "', which cannot be executed");
  }
  for (const char *variable : {"CUDA_HOME", "CUDA_PATH"})
    if (const char *home = std::getenv(variable)) {
      std::string path = std::string(home) + "/bin/ptxas";
      if (llvm::sys::fs::can_execute(path))
        return path;
    }
  if (llvm::ErrorOr<std::string> path = llvm::sys::findProgramByName("ptxas"))
    return *path;
  if (llvm::sys::fs::can_execute("/usr/local/cuda/bin/ptxas"))
    return std::string("/usr/local/cuda/bin/ptxas");
  return fail("no CUDA toolkit was found: ptxas is neither in $CUDA_HOME/bin nor on PATH nor in /usr/local/cuda/bin; "
              "PTX (--emit ptx) needs none");
}

/// ptxas -v prints for each entry: "Compiling entry function 'k'", "N bytes stack frame, N bytes spill stores, N bytes
/// spill loads", "Used N registers, …, N bytes smem, …".
static std::vector<KernelResources> parseResources(StringRef text) {
  llvm::Regex entry("Compiling entry function '([^']+)'"),
      spills("([0-9]+) bytes stack frame, ([0-9]+) bytes spill "
             "stores, ([0-9]+) bytes spill loads"),
      registers("Used ([0-9]+) registers"), shared("([0-9]+) bytes smem");
  std::vector<KernelResources> kernels;
  llvm::SmallVector<StringRef> lines, found;
  text.split(lines, '\n');
  auto number = [&](unsigned group) {
    int64_t value = 0;
    (void)found[group].getAsInteger(10, value);
    return value;
  };
  for (StringRef line : lines) {
    if (entry.match(line, &found))
      kernels.push_back({found[1].str()});
    if (kernels.empty())
      continue;
    KernelResources &kernel = kernels.back();
    if (spills.match(line, &found)) {
      kernel.stackBytes = number(1);
      kernel.spillStores = number(2);
      kernel.spillLoads = number(3);
    }
    if (registers.match(line, &found))
      kernel.registers = number(1);
    if (shared.match(line, &found))
      kernel.sharedBytes = number(1);
  }
  return kernels;
}

Expected<Assembled> ssm::assemble(StringRef ptx, StringRef chip) {
  Expected<std::string> program = findPtxas();
  if (!program)
    return program.takeError();
  llvm::SmallString<128> source, cubin, log;
  llvm::scope_exit remove([&] {
    for (StringRef path : {source, cubin, log})
      if (!path.empty())
        llvm::sys::fs::remove(path);
  });
  for (auto [path, suffix] : {std::pair{&source, "ptx"}, {&cubin, "cubin"}, {&log, "log"}})
    if (std::error_code error = llvm::sys::fs::createTemporaryFile("ssmc", suffix, *path))
      return fail("a temporary file could not be made: " + error.message());
  {
    std::error_code error;
    llvm::raw_fd_ostream stream(source, error);
    stream << ptx;
    stream.close();
    if (error || stream.has_error())
      return fail("a temporary file could not be written: " + (error ? error : stream.error()).message());
  }
  std::string arch = ("--gpu-name=" + chip).str();
  std::string message;
  int status = llvm::sys::ExecuteAndWait(*program, {*program, "-v", arch, source, "-o", cubin}, std::nullopt,
                                         {std::nullopt, StringRef(log), StringRef(log)}, 0, 0, &message);
  auto output = llvm::MemoryBuffer::getFile(log);
  StringRef text = output ? (*output)->getBuffer() : StringRef();
  if (status != 0)
    return fail("ptxas refused the PTX: " + (message.empty() ? text.trim() : StringRef(message)));
  auto binary = llvm::MemoryBuffer::getFile(cubin);
  if (!binary)
    return fail("ptxas wrote no cubin");
  return Assembled{(*binary)->getBuffer().str(), parseResources(text)};
}
