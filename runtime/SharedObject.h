#ifndef SSM_RUNTIME_SHAREDOBJECT_H
#define SSM_RUNTIME_SHAREDOBJECT_H

#include "runtime/Result.h"

#include <memory>
#include <string_view>

namespace ssm {

/// A shared object that was loaded from memory.
class SharedObject {
public:
  /// Loads it with the system's loader, which reads it from a file in memory, or where there is no such thing from one
  /// without a name in TMPDIR or /tmp. Its symbols are nobody else's. Problems: what the loader says.
  static Result<std::unique_ptr<SharedObject>> load(std::string_view bytes);
  ~SharedObject();
  SharedObject(const SharedObject &) = delete;

  /// The symbol's address; null where there is none.
  void *find(const char *symbol) const;

private:
  explicit SharedObject(int file) : file(file) {}

  /// Open as long as the object is: its number is part of the name by which the loader knows objects.
  int file;
  void *handle = nullptr;
};

} // namespace ssm

#endif
