// The part of the zip format that bundles use: files stored as they are, no more than 4 GB.

#include "runtime/Archive.h"
#include "runtime/AtomicFile.h"
#include "runtime/Safetensors.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <dirent.h>
#include <fcntl.h>
#include <memory>
#include <sys/stat.h>
#include <unistd.h>

using namespace ssm;

namespace {
constexpr size_t maxFile = size_t(1) << 31, maxFiles = 4096;
constexpr std::string_view localSignature("PK\3\4", 4), centralSignature("PK\1\2", 4), endSignature("PK\5\6", 4);

/// A number as `bytes` bytes, lowest first.
std::string number(uint64_t value, int bytes) {
  std::string text;
  for (; bytes > 0; --bytes, value >>= 8)
    text += static_cast<char>(value & 0xff);
  return text;
}

/// What stands the same in front of a file and in the directory at the end: version 2.0, no flags, stored, midnight of
/// the first of January 1980, checksum, both sizes, the name's length, nothing extra.
std::string commonHeader(const std::string &name, const std::string &content) {
  return number(20, 2) + number(0, 2) + number(0, 2) + number(0, 2) + number(0x21, 2) + number(crc32(content), 4) +
         number(content.size(), 4) + number(content.size(), 4) + number(name.size(), 2) + number(0, 2);
}

/// Reads numbers and strings one after another; past the end all is empty and `isShort` set.
class Cursor {
public:
  explicit Cursor(std::string_view bytes) : bytes(bytes) {}

  std::string_view take(size_t count) {
    if (count > bytes.size() - at) {
      isShort = true;
      return {};
    }
    at += count;
    return bytes.substr(at - count, count);
  }
  uint64_t number(int count) {
    uint64_t value = 0;
    std::string_view text = take(count);
    for (size_t i = text.size(); i-- > 0;)
      value = value << 8 | static_cast<unsigned char>(text[i]);
    return value;
  }
  bool comesNext(std::string_view text) const { return bytes.substr(at, text.size()) == text; }

  bool isShort = false;

private:
  std::string_view bytes;
  size_t at = 0;
};

struct Descriptor {
  explicit Descriptor(int number) : number(number) {}
  ~Descriptor() {
    if (number >= 0)
      close(number);
  }
  Descriptor(const Descriptor &) = delete;
  int number;
};

Result<std::string> readFile(int folder, const std::string &name, const std::string &shown) {
  Descriptor file(openat(folder, name.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat status;
  if (file.number < 0 || fstat(file.number, &status) != 0)
    return Problem{shown + ": " + systemError(errno)};
  if (!S_ISREG(status.st_mode))
    return Problem{shown + ": it is no file"};
  if (static_cast<uint64_t>(status.st_size) > maxFile)
    return Problem{shown + ": it is too large for a bundle"};
  std::string content(status.st_size, '\0');
  for (size_t done = 0; done < content.size();) {
    ssize_t count = read(file.number, content.data() + done, content.size() - done);
    if (count < 0 && errno == EINTR)
      continue;
    if (count <= 0)
      return Problem{shown + ": " + (count < 0 ? systemError(errno) : "it ends early")};
    done += count;
  }
  return content;
}

Result<ArchiveFiles> readFolder(const std::string &path) {
  std::unique_ptr<DIR, int (*)(DIR *)> folder(opendir(path.c_str()), closedir);
  if (!folder)
    return Problem{path + ": " + systemError(errno)};
  ArchiveFiles files;
  while (dirent *entry = readdir(folder.get())) {
    std::string name = entry->d_name;
    if (name.front() == '.')
      continue;
    if (files.size() >= maxFiles)
      return Problem{path + ": more files than a bundle has"};
    Result<std::string> content = readFile(dirfd(folder.get()), name, path + "/" + name);
    if (!content)
      return content.problem();
    files.emplace(std::move(name), std::move(*content));
  }
  return files;
}
} // namespace

uint32_t ssm::crc32(std::string_view bytes) {
  static constexpr auto table = [] {
    std::array<uint32_t, 256> entries{};
    for (uint32_t value = 0; value < 256; ++value) {
      uint32_t remainder = value;
      for (int bit = 0; bit < 8; ++bit)
        remainder = remainder & 1 ? 0xedb88320u ^ (remainder >> 1) : remainder >> 1;
      entries[value] = remainder;
    }
    return entries;
  }();
  uint32_t sum = ~0u;
  for (unsigned char byte : bytes)
    sum = table[(sum ^ byte) & 0xff] ^ (sum >> 8);
  return ~sum;
}

std::string ssm::packArchive(const ArchiveFiles &files) {
  std::string bytes, directory;
  for (const auto &[name, content] : files) {
    std::string header = commonHeader(name, content);
    // Made by version 2.0 of MS-DOS's program, no comment, on disk 0, no attributes, and where the file's header is.
    directory +=
        std::string(centralSignature) + number(20, 2) + header + number(0, 10) + number(bytes.size(), 4) + name;
    bytes += std::string(localSignature) + header + name + content;
  }
  std::string end = std::string(endSignature) + number(0, 4) + number(files.size(), 2) + number(files.size(), 2) +
                    number(directory.size(), 4) + number(bytes.size(), 4) + number(0, 2);
  return bytes + directory + end;
}

Result<ArchiveFiles> ssm::unpackArchive(std::string_view bytes) {
  ArchiveFiles files;
  Cursor cursor(bytes);
  while (cursor.comesNext(localSignature)) {
    cursor.take(localSignature.size() + 14);
    const size_t size = cursor.number(4);
    cursor.take(4);
    const size_t nameSize = cursor.number(2);
    cursor.take(2);
    std::string name(cursor.take(nameSize));
    std::string content(cursor.take(size));
    if (cursor.isShort)
      return Problem{"the bundle ends in the middle of a file"};
    const bool isNew = files.emplace(std::move(name), std::move(content)).second;
    if (!isNew || files.size() > maxFiles)
      return Problem{"the bundle has a file twice, or too many"};
  }
  if (files.empty())
    return Problem{"it is no bundle: it does not begin as a zip file"};
  if (packArchive(files) != bytes)
    return Problem{"the bundle is damaged, or was not packed by ssmc (unpacked into a folder it would do)"};
  return files;
}

Result<ArchiveFiles> ssm::readArchive(const std::string &path) {
  struct stat status;
  if (stat(path.c_str(), &status) != 0)
    return Problem{path + ": " + systemError(errno)};
  if (S_ISDIR(status.st_mode))
    return readFolder(path);
  Result<std::string> bytes = readFile(AT_FDCWD, path, path);
  if (!bytes)
    return bytes.problem();
  Result<ArchiveFiles> files = unpackArchive(*bytes);
  if (!files)
    return Problem{path + ": " + files.error()};
  return files;
}
