// Machine code in this process.

#include "runtime/SharedObject.h"
#include "runtime/AtomicFile.h"

#include <cerrno>
#include <cstdlib>
#include <dlfcn.h>
#include <string>
#include <sys/mman.h>
#include <unistd.h>

using namespace ssm;

/// A file that no folder has; negative where there can be none.
static int makeFile() {
  int file = memfd_create("ssm-kernels", MFD_CLOEXEC);
  if (file >= 0)
    return file;
  const char *folder = std::getenv("TMPDIR");
  std::string path = std::string(folder && *folder ? folder : "/tmp") + "/ssm-kernels-XXXXXX";
  file = mkostemp(path.data(), 02000000 /* O_CLOEXEC */);
  if (file >= 0)
    unlink(path.c_str());
  return file;
}

Result<std::unique_ptr<SharedObject>> SharedObject::load(std::string_view bytes) {
  std::unique_ptr<SharedObject> object(new SharedObject(makeFile()));
  if (object->file < 0)
    return Problem{"there is no file to load code from: " + systemError(errno)};
  while (!bytes.empty()) {
    const ssize_t count = write(object->file, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR)
      continue;
    if (count <= 0)
      return Problem{"the code could not be copied: " + systemError(errno)};
    bytes.remove_prefix(count);
  }
  // The loader takes an object that it has under the same name for this one: others who load so have other names.
  const std::string path = "/proc/self/./fd/" + std::to_string(object->file);
  object->handle = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!object->handle)
    return Problem{std::string("the code cannot be loaded: ") + dlerror()};
  return object;
}

SharedObject::~SharedObject() {
  if (handle)
    dlclose(handle);
  if (file >= 0)
    close(file);
}

void *SharedObject::find(const char *symbol) const { return dlsym(handle, symbol); }
