#ifndef SSM_RUNTIME_ATOMICFILE_H
#define SSM_RUNTIME_ATOMICFILE_H

#include "runtime/Result.h"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace ssm {

/// A file that appears complete or not at all: it is written beside its place under another name and renamed by
/// commit(). Without a commit nothing is left. What is no regular file (a terminal, a pipe, /dev/null) is written as it
/// stands.
class AtomicFile {
public:
  static Result<AtomicFile> create(const std::string &path);
  AtomicFile(AtomicFile &&other);
  AtomicFile &operator=(AtomicFile &&) = delete;
  ~AtomicFile();

  std::optional<Problem> write(const void *data, size_t size);
  std::optional<Problem> write(std::string_view text) { return write(text.data(), text.size()); }
  std::optional<Problem> commit();

private:
  AtomicFile(std::string target, std::string temporary, int descriptor);
  Problem problem(const char *doing) const;

  std::string target;
  /// Empty where the target is written as it stands.
  std::string temporary;
  int descriptor;
};

/// The text of a system error.
std::string systemError(int code);

} // namespace ssm

#endif
