// Programs of the CUDA toolkit, which there are no libraries for.

#include "codegen/gpu/CudaProgram.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/Twine.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Program.h"
#include "llvm/Support/raw_ostream.h"

#include <cstdlib>

using namespace ssm;
using llvm::Error;
using llvm::Expected;
using llvm::StringRef;

static Error fail(const llvm::Twine &message) {
  return llvm::createStringError(llvm::inconvertibleErrorCode(), message);
}

/// Folders in which a toolkit, or a package that ships parts of it, has its programs.
static std::vector<std::string> programFolders() {
  std::vector<std::string> folders;
  for (const char *variable : {"CUDA_HOME", "CUDA_PATH"})
    if (const char *home = std::getenv(variable))
      folders.push_back(std::string(home) + "/bin");
  static int anchor;
  std::string self = llvm::sys::fs::getMainExecutable("ssmc", &anchor);
  folders.push_back(llvm::sys::path::parent_path(self).str());
  llvm::SmallVector<StringRef> path;
  if (const char *text = std::getenv("PATH"))
    StringRef(text).split(path, ':', -1, /*KeepEmpty=*/false);
  for (StringRef folder : path)
    folders.push_back(folder.str());
  folders.push_back("/usr/local/cuda/bin");
  if (const char *environment = std::getenv("VIRTUAL_ENV")) {
    std::error_code error;
    for (llvm::sys::fs::directory_iterator it(std::string(environment) + "/lib", error), end; it != end && !error;
         it.increment(error))
      folders.push_back(it->path() + "/site-packages/triton/backends/nvidia/bin");
  }
  return folders;
}

Expected<std::optional<std::string>> ssm::findCudaProgram(StringRef name) {
  std::string variable = "SSM_" + name.upper();
  if (const char *path = std::getenv(variable.c_str())) {
    if (llvm::sys::fs::can_execute(path))
      return std::string(path);
    return fail(variable + " names '" + llvm::Twine(path) + "', which cannot be executed");
  }
  for (const std::string &folder : programFolders())
    if (std::string path = folder + "/" + name.str(); llvm::sys::fs::can_execute(path))
      return path;
  return std::nullopt;
}

Expected<TemporaryFile> TemporaryFile::create(StringRef suffix, StringRef content) {
  llvm::SmallString<128> path;
  int descriptor;
  if (std::error_code error = llvm::sys::fs::createTemporaryFile("ssmc", suffix, descriptor, path))
    return fail("a temporary file could not be made: " + error.message());
  TemporaryFile file(path.str().str());
  llvm::raw_fd_ostream stream(descriptor, /*shouldClose=*/true);
  stream << content;
  stream.close();
  if (stream.has_error()) {
    std::string message = stream.error().message();
    stream.clear_error();
    return fail("a temporary file could not be written: " + message);
  }
  return file;
}

TemporaryFile::~TemporaryFile() {
  if (!path.empty())
    llvm::sys::fs::remove(path);
}

Expected<std::string> TemporaryFile::read() const {
  auto buffer = llvm::MemoryBuffer::getFile(path);
  if (!buffer)
    return fail("a temporary file could not be read: " + buffer.getError().message());
  return (*buffer)->getBuffer().str();
}

Expected<std::string> ssm::runProgram(StringRef path, llvm::ArrayRef<StringRef> arguments) {
  Expected<TemporaryFile> log = TemporaryFile::create("log");
  if (!log)
    return log.takeError();
  llvm::SmallVector<StringRef> all = {path};
  llvm::append_range(all, arguments);
  std::string message;
  int status = llvm::sys::ExecuteAndWait(path, all, std::nullopt, {std::nullopt, StringRef(log->name()), log->name()},
                                         0, 0, &message);
  Expected<std::string> output = log->read();
  if (!output)
    return output.takeError();
  if (status != 0)
    return fail(message.empty() ? StringRef(*output).trim() : StringRef(message));
  return output;
}
