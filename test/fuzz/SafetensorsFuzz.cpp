// safetensors files: read, compare with reading from memory, write back, read again; and no stray file is left.

#include "runtime/Safetensors.h"
#include "test/fuzz/Fuzz.h"
#include "test/fuzz/Mutation.h"

#include <cctype>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <sys/resource.h>

using namespace ssm;
using namespace ssm::fuzz;
using ssm::test::Random;
namespace fs = std::filesystem;

namespace {
const std::vector<std::string> &headerWords() {
  static const std::vector<std::string> words = {"\"dtype\"",
                                                 "\"shape\"",
                                                 "\"data_offsets\"",
                                                 "\"__metadata__\"",
                                                 "F32",
                                                 "F64",
                                                 "BF16",
                                                 "F16",
                                                 "I64",
                                                 "U8",
                                                 "BOOL",
                                                 "F8_E4M3",
                                                 "C64",
                                                 "{",
                                                 "}",
                                                 "[",
                                                 "]",
                                                 ",",
                                                 ":",
                                                 "\"",
                                                 "null",
                                                 "true",
                                                 "-1",
                                                 "1.5",
                                                 "\\u0000",
                                                 "\\",
                                                 "0",
                                                 "8",
                                                 "64",
                                                 "\x80"};
  return words;
}

Tensor randomTensor(Random &random) {
  static const std::vector<DType> types = {DType::Bool, DType::I8,  DType::U8,  DType::I16, DType::U16,
                                           DType::I32,  DType::U32, DType::I64, DType::U64, DType::F16,
                                           DType::BF16, DType::F32, DType::F64, DType::C64, DType::C128};
  Shape shape(random.below(4));
  for (int64_t &size : shape)
    size = random.below(5);
  Tensor tensor = Tensor::zeros(random.pick(types), shape);
  forEachOffset(tensor, [&](int64_t offset) { tensor.setReal(offset, 100 * random.symmetric()); });
  return tensor;
}

Safetensors randomContent(Random &random) {
  static const std::vector<std::string> names = {"u", "delta",   "state.h", "in.x", "out.y",
                                                 "",  "ünïcode", "a b",     "\"\n"};
  Safetensors content;
  for (int64_t count = random.below(5); count > 0; --count)
    content.tensors.insert_or_assign(random.pick(names), randomTensor(random));
  for (int64_t count = random.below(3); count > 0; --count)
    content.metadata[random.pick(names)] = random.pick(names);
  return content;
}

std::string readBytes(const fs::path &path) {
  std::ifstream stream(path, std::ios::binary);
  std::stringstream bytes;
  bytes << stream.rdbuf();
  return bytes.str();
}

void writeBytes(const fs::path &path, const std::string &bytes) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
}

std::string withHeaderSize(uint64_t size, const std::string &rest) {
  std::string bytes(sizeof size, '\0');
  std::memcpy(bytes.data(), &size, sizeof size);
  return bytes + rest;
}

/// Mostly the header's text changes and its length follows, since a wrong length hides everything else.
std::string mutateFile(const std::string &file, const std::string &other, Random &random) {
  uint64_t length = 0, otherLength = 0;
  std::memcpy(&length, file.data(), sizeof length);
  std::memcpy(&otherLength, other.data(), sizeof otherLength);
  std::string header = file.substr(sizeof length, length), data = file.substr(sizeof length + length);
  const MutationSources sources = {
      other.substr(sizeof otherLength, otherLength), headerWords(), {{"[", "]"}, {"{\"a\":", "}"}, {"{", "}"}}};
  switch (random.below(10)) {
  case 0: { // the length itself
    const uint64_t lengths[] = {0,           1,           length - 1,  length + 1, length + data.size(),
                                100'000'000, 100'000'001, ~uint64_t(), 1ull << 63, ~uint64_t() - 7,
                                length * 256};
    return withHeaderSize(random.pick(lengths), header + data);
  }
  case 1:
    return file.substr(0, random.below(file.size() + 1));
  case 2: // behind the end, or not enough
    if (random.chance(50) || data.empty())
      data += std::string(1 + random.below(9), 'x');
    else
      data.pop_back();
    break;
  case 3: { // bytes anywhere, data included
    std::string bytes = file;
    for (int64_t count = 1 + random.below(4); count > 0; --count)
      random.pick(bytes) = char(random.below(256));
    return bytes;
  }
  case 4: // the data alone, which may be anything
    for (char &byte : data)
      byte = char(random.below(256));
    break;
  case 5: // a space for a space, a letter for a letter: often a header still
    for (int64_t count = random.below(4); count > 0; --count)
      if (char &byte = random.pick(header); std::isalpha(static_cast<unsigned char>(byte)) || byte == ' ')
        byte = byte == ' ' ? '\n' : char('a' + random.below(26));
    break;
  default:
    header = mutate(std::move(header), sources, random);
  }
  return withHeaderSize(header.size(), header + data);
}

bool sameTensor(const Tensor &a, const Tensor &b) {
  return a.dtype() == b.dtype() && a.shape() == b.shape() &&
         (a.numBytes() == 0 || std::memcmp(a.data(), b.data(), a.numBytes()) == 0);
}

bool sameContent(const Safetensors &a, const Safetensors &b) {
  return a.metadata == b.metadata && a.tensors.size() == b.tensors.size() &&
         std::equal(a.tensors.begin(), a.tensors.end(), b.tensors.begin(), [](const auto &one, const auto &other) {
           return one.first == other.first && sameTensor(one.second, other.second);
         });
}

/// Reads every element in every way; a sanitizer watches. Makes sure that the numbers are used.
double touch(const Safetensors &content) {
  double sum = 0;
  for (const auto &[name, tensor] : content.tensors)
    forEachOffset(tensor, [&](int64_t offset) {
      sum += tensor.real(offset) + tensor.complex(offset).imag() + static_cast<double>(tensor.integer(offset));
    });
  return sum;
}

/// While it lives, files end at that many bytes, as on a full disk.
class FileSizeLimit {
public:
  explicit FileSizeLimit(rlim_t bytes) : oldHandler(std::signal(SIGXFSZ, SIG_IGN)) {
    getrlimit(RLIMIT_FSIZE, &old);
    rlimit limit = {bytes, old.rlim_max};
    setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FileSizeLimit() {
    setrlimit(RLIMIT_FSIZE, &old);
    std::signal(SIGXFSZ, oldHandler);
  }
  FileSizeLimit(const FileSizeLimit &) = delete;

private:
  rlimit old;
  void (*oldHandler)(int);
};

/// A new folder, removed with what it holds.
class TemporaryFolder {
public:
  TemporaryFolder() {
    std::string pattern = (fs::temp_directory_path() / "ssm-fuzz-XXXXXX").string();
    if (mkdtemp(pattern.data()))
      path = pattern;
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    if (!path.empty())
      fs::remove_all(path, ignored);
  }
  TemporaryFolder(const TemporaryFolder &) = delete;

  std::set<std::string> names() const {
    std::set<std::string> found;
    for (const fs::directory_entry &entry : fs::directory_iterator(path))
      found.insert(entry.path().filename().string());
    return found;
  }

  fs::path path;
};

class SafetensorsTarget : public Target {
public:
  const char *name() const override { return "safetensors"; }

  std::string run(uint64_t seed, int64_t index) override {
    if (folder.path.empty())
      return "no temporary folder can be made";
    Random random = randomOf(seed, ~index);
    const fs::path in = folder.path / "in.safetensors", out = folder.path / "out.safetensors";
    fs::remove(out);
    std::string files[2];
    for (std::string &file : files) {
      if (std::optional<Problem> problem = writeSafetensors(in.string(), randomContent(random)))
        return "a good file is not written: " + problem->message;
      if (Result<Safetensors> content = readSafetensors(in.string()); !content)
        return "a good file is refused: " + content.error();
      file = readBytes(in);
    }
    writeBytes(in, mutateFile(files[0], files[1], random));
    return feed(in, out, random);
  }

  std::string summary() const override {
    return std::to_string(refused) + " refused, " + std::to_string(read) + " read, of which " +
           std::to_string(written) + " written back; " + std::to_string(interrupted) + " writes cut short";
  }

  std::string judge(int64_t count) const override {
    if (read * 20 < count || refused * 20 < count || interrupted * 100 < count)
      return "the inputs are not a mixture: " + summary();
    return "";
  }

private:
  std::string feed(const fs::path &in, const fs::path &out, Random &random) {
    Result<Safetensors> content = readSafetensors(in.string());
    if (std::string failure = compareWithMemory(readBytes(in), content); !failure.empty())
      return failure;
    if (!content) {
      ++refused;
      const std::string failure = judgeRefusal(content.error());
      return failure.empty() ? expectFiles({"in.safetensors"}) : failure;
    }
    ++read;
    sum += touch(*content);
    return random.chance(25) ? writeCutShort(out, *content, random) : writeBack(out, *content);
  }

  /// From a block of exactly that size, outside of which a sanitizer sees every read.
  static std::string compareWithMemory(const std::string &bytes, const Result<Safetensors> &content) {
    std::shared_ptr<char[]> block(new char[bytes.size()]);
    std::copy(bytes.begin(), bytes.end(), block.get());
    Result<Safetensors> parsed = parseSafetensors(block, block.get(), bytes.size());
    if (bool(parsed) != bool(content))
      return "a file and the same bytes in memory differ: " + (content ? parsed.error() : content.error());
    return !parsed || sameContent(*parsed, *content) ? "" : "a file and the same bytes in memory have other content";
  }

  std::string writeBack(const fs::path &out, const Safetensors &content) {
    if (std::optional<Problem> problem = writeSafetensors(out.string(), content))
      return problem->message.empty() ? "not written without a reason" : expectFiles({"in.safetensors"});
    ++written;
    Result<Safetensors> again = readSafetensors(out.string());
    if (!again)
      return "what was written is refused: " + again.error();
    // Complex arrays are written as pairs of reals.
    Safetensors expected = content;
    for (auto &[name, tensor] : expected.tensors)
      tensor = tensor.asReal();
    if (!sameContent(expected, *again))
      return "what was written has other content";
    return expectFiles({"in.safetensors", "out.safetensors"});
  }

  /// A full disk, or a folder that is not there, leaves no file; an older file stays as it was.
  std::string writeCutShort(const fs::path &out, const Safetensors &content, Random &random) {
    const bool hasOld = random.chance(50);
    if (hasOld)
      writeBytes(out, "old");
    std::optional<Problem> problem;
    if (random.chance(20)) {
      problem = writeSafetensors((out.parent_path() / "missing" / "out.safetensors").string(), content);
    } else {
      FileSizeLimit limit(random.below(10));
      problem = writeSafetensors(out.string(), content);
    }
    ++interrupted;
    if (!problem || problem->message.empty())
      return "a write that cannot succeed gives no error";
    if (hasOld && readBytes(out) != "old")
      return "a failed write changed the file that was there";
    return expectFiles(hasOld ? std::set<std::string>{"in.safetensors", "out.safetensors"}
                              : std::set<std::string>{"in.safetensors"});
  }

  std::string expectFiles(const std::set<std::string> &expected) const {
    std::string stray;
    for (const std::string &name : folder.names())
      if (!expected.count(name))
        stray += " " + name;
    return stray.empty() ? "" : "stray files are left:" + stray;
  }

  TemporaryFolder folder;
  int64_t refused = 0, read = 0, written = 0, interrupted = 0;
  double sum = 0;
};
} // namespace

std::unique_ptr<Target> ssm::fuzz::makeSafetensorsTarget() { return std::make_unique<SafetensorsTarget>(); }
