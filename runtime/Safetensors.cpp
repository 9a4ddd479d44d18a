#include "runtime/Safetensors.h"
#include "runtime/AtomicFile.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <limits>
#include <nlohmann/json.hpp>
#include <sys/mman.h>
#include <sys/stat.h>
#include <tuple>
#include <unistd.h>

using namespace ssm;
using nlohmann::json;

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "safetensors files are little-endian, and mapped as they are");

namespace {

// The format's own limit on the header, and more axes than anything has.
constexpr uint64_t maxHeader = 100'000'000;
constexpr size_t maxRank = 64;

struct DTypeName {
  const char *name;
  DType type;
};
constexpr DTypeName dtypeNames[] = {
    {"BOOL", DType::Bool}, {"I8", DType::I8},   {"U8", DType::U8},   {"I16", DType::I16}, {"U16", DType::U16},
    {"I32", DType::I32},   {"U32", DType::U32}, {"I64", DType::I64}, {"U64", DType::U64}, {"F16", DType::F16},
    {"BF16", DType::BF16}, {"F32", DType::F32}, {"F64", DType::F64}, {"C64", DType::C64}};

std::optional<DType> lookupDType(const std::string &name) {
  for (const DTypeName &entry : dtypeNames)
    if (name == entry.name)
      return entry.type;
  return std::nullopt;
}

const char *fileName(DType type) {
  for (const DTypeName &entry : dtypeNames)
    if (entry.type == type)
      return entry.name;
  return nullptr;
}

/// One tensor of the header. A field that is absent has no value.
struct Entry {
  std::string name;
  std::optional<std::string> dtype;
  std::optional<std::vector<uint64_t>> shape, offsets;
};

/// Reads the header's JSON as it is parsed: what has no place in a header is refused at once, so that nesting,
/// duplicate names and long lists cost nothing.
class HeaderReader : public nlohmann::json_sax<json> {
public:
  std::vector<Entry> entries;
  std::map<std::string, std::string> metadata;
  std::string error;

  bool null() override { return unexpected("null"); }
  bool boolean(bool) override { return unexpected("true or false"); }
  bool number_float(number_float_t, const string_t &) override { return unexpected("a number with a fraction"); }
  bool binary(binary_t &) override { return unexpected("binary data"); }
  bool number_integer(number_integer_t) override { return unexpected("a negative number"); }

  bool number_unsigned(number_unsigned_t value) override {
    if (place != InList)
      return unexpected("a number");
    if (value > static_cast<uint64_t>(std::numeric_limits<int64_t>::max()))
      return refuse("a number in the entry of tensor " + printable(entries.back().name) + " is too large");
    if (list->size() >= maxRank)
      return refuse("tensor " + printable(entries.back().name) + " has too many axes");
    list->push_back(value);
    return true;
  }

  bool string(string_t &value) override {
    if (place == InMetadata) {
      metadata[field] = value;
      return true;
    }
    if (place != InEntry || field != "dtype")
      return unexpected("a string");
    entries.back().dtype = value;
    return true;
  }

  bool start_object(std::size_t) override {
    switch (place) {
    case Outside:
      place = InHeader;
      return true;
    case InHeader:
      place = field == "__metadata__" ? InMetadata : InEntry;
      if (place == InEntry)
        entries.push_back({field, {}, {}, {}});
      return true;
    default:
      return unexpected("an object");
    }
  }

  bool end_object() override {
    place = place == InHeader ? Outside : InHeader;
    return true;
  }

  bool start_array(std::size_t) override {
    if (place != InEntry || field == "dtype")
      return unexpected("a list");
    list = &(field == "shape" ? entries.back().shape : entries.back().offsets).emplace();
    place = InList;
    return true;
  }

  bool end_array() override {
    place = InEntry;
    return true;
  }

  bool key(string_t &name) override {
    field = name;
    switch (place) {
    case InHeader:
      if (!names.emplace(name, true).second)
        return refuse("the header names " + printable(name) + " twice");
      return true;
    case InMetadata:
      if (metadata.count(name))
        return refuse("the metadata name " + printable(name) + " twice");
      return true;
    default:
      return entryKey(name);
    }
  }

  bool parse_error(std::size_t position, const std::string &, const json::exception &) override {
    return refuse("the header is not JSON at byte " + std::to_string(position));
  }

private:
  enum Place { Outside, InHeader, InMetadata, InEntry, InList };

  bool entryKey(const std::string &name) {
    const Entry &entry = entries.back();
    if (name != "dtype" && name != "shape" && name != "data_offsets")
      return refuse("the entry of tensor " + printable(entry.name) + " has an unknown field " + printable(name));
    const bool twice = name == "dtype"   ? entry.dtype.has_value()
                       : name == "shape" ? entry.shape.has_value()
                                         : entry.offsets.has_value();
    return twice ? refuse("the entry of tensor " + printable(entry.name) + " has " + name + " twice") : true;
  }

  bool refuse(std::string why) {
    if (error.empty())
      error = std::move(why);
    return false;
  }

  bool unexpected(const char *what) {
    if (place == Outside)
      return refuse(std::string("the header is ") + what + ", not an object");
    return refuse(std::string("the header has ") + what + " at " + printable(field) + ", where none belongs");
  }

  Place place = Outside;
  std::string field;
  std::map<std::string, bool> names;
  std::vector<uint64_t> *list = nullptr;
};

/// A tensor of the header after its own fields have been checked, but not yet against the others.
struct Placed {
  std::string name;
  DType type;
  Shape shape;
  uint64_t begin, end;
};

Result<Placed> checkEntry(const Entry &entry, uint64_t dataSize) {
  const std::string subject = "tensor " + printable(entry.name);
  if (!entry.dtype || !entry.shape || !entry.offsets)
    return Problem{subject + " lacks " + (!entry.dtype ? "dtype" : !entry.shape ? "shape" : "data_offsets")};
  std::optional<DType> type = lookupDType(*entry.dtype);
  if (!type)
    return Problem{subject + " has dtype " + printable(*entry.dtype) + ", which is not supported"};
  if (entry.offsets->size() != 2)
    return Problem{subject + " has data_offsets that are not two numbers"};
  const uint64_t begin = (*entry.offsets)[0], end = (*entry.offsets)[1];
  if (begin > end || end > dataSize)
    return Problem{subject + " has data_offsets " + std::to_string(begin) + ", " + std::to_string(end) +
                   ", outside the file's " + std::to_string(dataSize) + " bytes of data"};
  Shape shape(entry.shape->begin(), entry.shape->end());
  std::optional<int64_t> count = countElements(shape);
  if (!count || static_cast<uint64_t>(*count) > std::numeric_limits<int64_t>::max() / itemSize(*type) ||
      static_cast<uint64_t>(*count) * itemSize(*type) != end - begin)
    return Problem{subject + " has shape " + shapeText(shape) + " of " + *entry.dtype + ", which does not take the " +
                   std::to_string(end - begin) + " bytes of its data_offsets"};
  return Placed{entry.name, *type, std::move(shape), begin, end};
}

Result<std::vector<Placed>> checkEntries(const std::vector<Entry> &entries, uint64_t dataSize) {
  std::vector<Placed> placed;
  for (const Entry &entry : entries) {
    Result<Placed> one = checkEntry(entry, dataSize);
    if (!one)
      return one.problem();
    placed.push_back(std::move(*one));
  }
  std::sort(placed.begin(), placed.end(), [](const Placed &a, const Placed &b) {
    return std::tie(a.begin, a.end, a.name) < std::tie(b.begin, b.end, b.name);
  });
  uint64_t reached = 0;
  for (const Placed &one : placed) {
    if (one.begin != reached)
      return Problem{"tensor " + printable(one.name) + " begins at byte " + std::to_string(one.begin) +
                     " of the data, " +
                     (one.begin < reached ? "inside the tensor before it" : "leaving a hole before it")};
    reached = one.end;
  }
  if (reached != dataSize)
    return Problem{"the file has " + std::to_string(dataSize - reached) + " bytes behind its last tensor"};
  return placed;
}

Result<Tensor> makeTensor(const Placed &placed, const std::shared_ptr<const void> &owner, char *data) {
  char *first = data + placed.begin;
  const size_t item = itemSize(realType(placed.type));
  if (reinterpret_cast<uintptr_t>(first) % item == 0)
    return Tensor::wrap(placed.type, placed.shape, contiguousStrides(placed.shape), owner, first);
  Result<Tensor> copy = Tensor::allocate(placed.type, placed.shape);
  if (copy && placed.end > placed.begin)
    std::memcpy(copy->data(), first, placed.end - placed.begin);
  return copy;
}

/// The header's JSON text, padded so that the data begin at a multiple of 8.
std::string headerText(const std::vector<std::pair<std::string, Tensor>> &tensors, const Safetensors &content) {
  json header = json::object();
  if (!content.metadata.empty())
    header["__metadata__"] = content.metadata;
  uint64_t offset = 0;
  for (const auto &[name, tensor] : tensors) {
    const uint64_t end = offset + tensor.numBytes();
    header[name] = {{"dtype", fileName(tensor.dtype())}, {"shape", tensor.shape()}, {"data_offsets", {offset, end}}};
    offset = end;
  }
  std::string text = header.dump();
  text.append((8 - text.size() % 8) % 8, ' ');
  return text;
}

} // namespace

std::string ssm::printable(std::string_view name) {
  constexpr size_t longest = 80;
  std::string text = "'";
  for (char c : name.substr(0, longest)) {
    const auto code = static_cast<unsigned char>(c);
    if (code >= 0x20 && code != 0x7f) {
      text += c;
    } else {
      constexpr char digits[] = "0123456789abcdef";
      text += {'\\', 'x', digits[code >> 4], digits[code & 15]};
    }
  }
  return text + (name.size() > longest ? "…'" : "'");
}

Result<Safetensors> ssm::parseSafetensors(std::shared_ptr<const void> owner, void *data, size_t size) {
  uint64_t headerSize = 0;
  if (size < sizeof headerSize)
    return Problem{"the file has " + std::to_string(size) + " bytes, too few for a safetensors file"};
  std::memcpy(&headerSize, data, sizeof headerSize);
  if (headerSize > maxHeader || headerSize > size - sizeof headerSize)
    return Problem{"the header's length of " + std::to_string(headerSize) + " passes the end of the file of " +
                   std::to_string(size) + " bytes"};
  char *text = static_cast<char *>(data) + sizeof headerSize;
  char *body = text + headerSize;
  const uint64_t dataSize = size - sizeof headerSize - headerSize;

  if (headerSize == 0 || *text != '{')
    return Problem{"the header does not begin with {"};
  HeaderReader reader;
  try {
    if (!json::sax_parse(text, body, &reader))
      return Problem{reader.error.empty() ? "the header is not JSON" : reader.error};
  } catch (const std::exception &exception) {
    return Problem{std::string("the header cannot be read: ") + exception.what()};
  }
  Result<std::vector<Placed>> placed = checkEntries(reader.entries, dataSize);
  if (!placed)
    return placed.problem();
  Safetensors content;
  content.metadata = std::move(reader.metadata);
  for (const Placed &one : *placed) {
    Result<Tensor> tensor = makeTensor(one, owner, body);
    if (!tensor)
      return tensor.problem();
    content.tensors.emplace(one.name, std::move(*tensor));
  }
  return content;
}

Result<Safetensors> ssm::readSafetensors(const std::string &path) {
  auto problem = [&](const std::string &why) { return Problem{"cannot read " + path + ": " + why}; };
  const int descriptor = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0)
    return problem(systemError(errno));
  struct Closer {
    int descriptor;
    ~Closer() { close(descriptor); }
  } closer{descriptor};
  struct stat status;
  if (fstat(descriptor, &status) != 0)
    return problem(systemError(errno));
  if (!S_ISREG(status.st_mode))
    return problem("it is not a regular file");
  const auto size = static_cast<size_t>(status.st_size);
  if (size == 0)
    return problem("the file is empty");
  // Private, so that a write to a tensor reaches neither the file nor a read-only page.
  void *data = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE, descriptor, 0);
  if (data == MAP_FAILED)
    return problem(systemError(errno));
  std::shared_ptr<const void> owner(data, [size](void *mapping) { munmap(mapping, size); });
  Result<Safetensors> content = parseSafetensors(owner, data, size);
  if (!content)
    return problem(content.error());
  return content;
}

std::optional<Problem> ssm::writeSafetensors(const std::string &path, const Safetensors &content) {
  std::vector<std::pair<std::string, Tensor>> tensors;
  for (const auto &[name, tensor] : content.tensors) {
    if (name == "__metadata__")
      return Problem{"cannot write " + path + ": no tensor can be named __metadata__"};
    tensors.emplace_back(name, tensor.asReal().contiguous());
  }
  std::sort(tensors.begin(), tensors.end(), [](const auto &a, const auto &b) {
    const size_t sizeA = itemSize(a.second.dtype()), sizeB = itemSize(b.second.dtype());
    return sizeA != sizeB ? sizeA > sizeB : a.first < b.first;
  });
  std::string header;
  try {
    header = headerText(tensors, content);
  } catch (const std::exception &exception) {
    return Problem{"cannot write " + path + ": " + exception.what()};
  }
  Result<AtomicFile> file = AtomicFile::create(path);
  if (!file)
    return file.problem();
  const uint64_t headerSize = header.size();
  std::optional<Problem> problem = file->write(&headerSize, sizeof headerSize);
  if (!problem)
    problem = file->write(header);
  for (const auto &[name, tensor] : tensors)
    if (!problem)
      problem = file->write(tensor.data(), tensor.numBytes());
  return problem ? problem : file->commit();
}
