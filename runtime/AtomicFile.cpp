#include "runtime/AtomicFile.h"

#include <cerrno>
#include <cstdlib>
#include <fcntl.h>
#include <memory>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>

using namespace ssm;

std::string ssm::systemError(int code) { return std::generic_category().message(code); }

AtomicFile::AtomicFile(std::string target, std::string temporary, int descriptor)
    : target(std::move(target)), temporary(std::move(temporary)), descriptor(descriptor) {}

AtomicFile::AtomicFile(AtomicFile &&other)
    : target(std::move(other.target)), temporary(std::move(other.temporary)), descriptor(other.descriptor) {
  other.descriptor = -1;
  other.temporary.clear();
}

AtomicFile::~AtomicFile() {
  if (descriptor >= 0)
    close(descriptor);
  if (!temporary.empty())
    unlink(temporary.c_str());
}

Problem AtomicFile::problem(const char *doing) const {
  return Problem{std::string("cannot ") + doing + " " + target + ": " + systemError(errno)};
}

Result<AtomicFile> AtomicFile::create(const std::string &path) {
  std::string target = path;
  struct stat status;
  if (stat(path.c_str(), &status) == 0) {
    if (S_ISDIR(status.st_mode))
      return Problem{"cannot write " + path + ": it is a folder"};
    if (!S_ISREG(status.st_mode)) {
      AtomicFile file(path, "", open(path.c_str(), O_WRONLY | O_CLOEXEC));
      if (file.descriptor < 0)
        return file.problem("write");
      return file;
    }
    // Renaming onto a symbolic link would replace the link: go to where it leads.
    std::unique_ptr<char, decltype(&std::free)> real(realpath(path.c_str(), nullptr), &std::free);
    if (real)
      target = real.get();
  }
  for (int attempt = 0; attempt < 1000; ++attempt) {
    std::string temporary = target + ".tmp-" + std::to_string(getpid()) + "-" + std::to_string(attempt);
    int descriptor = open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (descriptor >= 0)
      return AtomicFile(std::move(target), std::move(temporary), descriptor);
    if (errno != EEXIST)
      break;
  }
  return AtomicFile(path, "", -1).problem("write");
}

std::optional<Problem> AtomicFile::write(const void *data, size_t size) {
  const char *next = static_cast<const char *>(data);
  while (size > 0) {
    ssize_t written = ::write(descriptor, next, size > (1u << 30) ? (1u << 30) : size);
    if (written < 0 && errno == EINTR)
      continue;
    if (written < 0)
      return problem("write");
    next += written;
    size -= static_cast<size_t>(written);
  }
  return std::nullopt;
}

std::optional<Problem> AtomicFile::commit() {
  int closing = descriptor;
  descriptor = -1;
  if (close(closing) != 0)
    return problem("write");
  if (!temporary.empty() && rename(temporary.c_str(), target.c_str()) != 0)
    return problem("write");
  temporary.clear();
  return std::nullopt;
}
