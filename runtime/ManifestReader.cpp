// Reads manifest.json, for which nobody vouches.

#include "runtime/Manifest.h"
#include "runtime/Safetensors.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

using namespace ssm;
using json = nlohmann::ordered_json;
using Role = Manifest::Role;
using Kind = Manifest::Argument::Kind;

namespace {
// More than any recurrence has: what is read stays small whatever the file says.
constexpr size_t maxText = 16 << 20, maxName = 256, maxList = 4096, maxRank = 16;
/// Bytes of arguments that every driver takes are 4096; a processor's kernel reads any number, and has some for each
/// step of a block.
constexpr size_t maxWords = 512, maxWordsOfProcessor = 2048;
constexpr int64_t maxTile = int64_t(1) << 40, maxShared = 1 << 20;
constexpr Role roles[] = {Role::Input, Role::Output, Role::InitialState, Role::FinalState, Role::Rows};

/// Why a manifest is refused; leaves parseManifest as a problem.
struct Malformed {
  std::string message;
};

/// A value of the file, and where it stands.
class Value {
public:
  Value(const json &content, std::string place) : content(content), place(std::move(place)) {}

  [[noreturn]] void refuse(const std::string &why) const { throw Malformed{(place.empty() ? "" : place + ": ") + why}; }

  /// The field, which has to be there.
  Value operator[](const char *name) const {
    const json *found = find(name);
    if (!found)
      refuse(std::string("there is no field '") + name + "'");
    return Value(*found, place.empty() ? name : place + "." + name);
  }
  bool has(const char *name) const { return find(name) != nullptr; }

  std::vector<Value> list(size_t most = maxList) const {
    if (!content.is_array())
      refuse("it is no list");
    if (content.size() > most)
      refuse("the list is too long");
    std::vector<Value> values;
    for (size_t i = 0; i < content.size(); ++i)
      values.emplace_back(content[i], place + "[" + std::to_string(i) + "]");
    return values;
  }

  int64_t integer(int64_t least, int64_t most) const {
    bool fits = content.is_number_integer() &&
                (!content.is_number_unsigned() ||
                 content.get<uint64_t>() <= static_cast<uint64_t>(std::numeric_limits<int64_t>::max()));
    if (!fits || content.get<int64_t>() < least || content.get<int64_t>() > most)
      refuse("expected a whole number from " + std::to_string(least) + " to " + std::to_string(most));
    return content.get<int64_t>();
  }

  double number() const {
    if (!content.is_number() || !std::isfinite(content.get<double>()))
      refuse("expected a number");
    return content.get<double>();
  }

  bool truth() const {
    if (!content.is_boolean())
      refuse("expected true or false");
    return content.get<bool>();
  }

  std::string text(size_t most = maxText) const {
    if (!content.is_string())
      refuse("expected a string");
    std::string value = content.get<std::string>();
    if (value.size() > most || value.find('\0') != std::string::npos)
      refuse("the string is too long, or holds a zero byte");
    return value;
  }

  /// A name: not empty, and nothing in it that could stand for something else in a path or a message.
  std::string name() const {
    std::string value = text(maxName);
    bool isPlain = std::all_of(value.begin(), value.end(), [](unsigned char c) { return c > ' ' && c != 127; });
    if (value.empty() || !isPlain)
      refuse("expected a name, found " + printable(value));
    return value;
  }

  /// The place in `names` of the name that stands here.
  size_t oneOf(const std::vector<std::string> &names, const char *what) const {
    std::string value = name();
    auto it = std::find(names.begin(), names.end(), value);
    if (it == names.end())
      refuse(std::string("there is no ") + what + " " + printable(value));
    return it - names.begin();
  }

private:
  const json *find(const char *name) const {
    if (!content.is_object())
      refuse("it is no object");
    auto it = content.find(name);
    return it == content.end() ? nullptr : &*it;
  }

  const json &content;
  std::string place;
};

/// Adds a name that may not be there yet.
void addNew(std::vector<std::string> &names, const Value &value, const std::string &name) {
  if (std::find(names.begin(), names.end(), name) != names.end())
    value.refuse(printable(name) + " is named twice");
  names.push_back(name);
}

class FunctionReader {
public:
  FunctionReader(const Value &value, const std::vector<std::string> &files) : value(value), files(files) {}

  Manifest::Function read() {
    function.mode = value["mode"].name();
    if (value.has("dtype"))
      function.dtype = value["dtype"].name();
    readDims();
    function.scan = value["scan"].oneOf(sizes, "dimension");
    function.reverse = value["reverse"].truth();
    if (value.has("rows"))
      function.rows = value["rows"].oneOf(sizes, "dimension");
    readTensors();
    std::vector<std::string> programs;
    for (const Value &entry : value["parameters"].list()) {
      addNew(parameters, entry, entry["name"].name());
      function.parameters.push_back({parameters.back(), entry["default"].number()});
    }
    for (const Value &entry : value["programs"].list())
      function.programs.push_back(readProgram(entry));
    return std::move(function);
  }

private:
  void readDims() {
    for (const Value &entry : value["dims"].list(64)) {
      Manifest::Dim dim;
      dim.name = entry["name"].name();
      dim.extent = sizes.size();
      if (entry.has("like")) {
        dim.extent = entry["like"].oneOf(sizes, "dimension before it");
        if (function.dims[dim.extent].extent != dim.extent)
          entry.refuse("it is like a dimension that is like another");
      } else if (entry.has("size")) {
        dim.size = entry["size"].integer(0, std::numeric_limits<int64_t>::max());
      }
      addNew(sizes, entry, dim.name);
      function.dims.push_back(dim);
    }
  }

  Manifest::Layout readLayout(const Value &from, const std::vector<std::string> &names) {
    Manifest::Layout layout;
    for (const Value &axis : from.list(maxRank)) {
      layout.emplace_back();
      for (const Value &part : axis.list(maxRank))
        layout.back().push_back(part.oneOf(names, "dimension or count"));
    }
    return layout;
  }

  static DType readDType(const Value &from) {
    std::optional<DType> type = parseDType(from.name());
    if (!type)
      from.refuse("there is no such type");
    return *type;
  }

  void readTensors() {
    for (const Value &entry : value["tensors"].list(512)) {
      Manifest::Tensor tensor;
      std::string role = entry["role"].name();
      auto it = std::find_if(std::begin(roles), std::end(roles), [&](Role known) { return role == roleName(known); });
      if (it == std::end(roles))
        entry.refuse("there is no role " + printable(role));
      tensor.role = *it;
      tensor.name = entry["name"].name();
      tensor.dtype = readDType(entry["dtype"]);
      tensor.layout = readLayout(entry["layout"], sizes);
      tensor.depth = entry.has("depth") ? entry["depth"].integer(1, maxTile) : 1;
      tensor.inPlace = entry.has("in_place") && entry["in_place"].truth();
      tensor.optional = entry.has("optional") && entry["optional"].truth();
      tensor.more = entry.has("more") ? entry["more"].integer(0, 1) : 0;
      if (tensor.more && tensor.layout.size() != 1)
        entry.refuse("there is no one axis that could have more entries");
      addNew(tensors, entry, role + " " + tensor.name);
      function.tensors.push_back(std::move(tensor));
    }
  }

  static Manifest::Tiles readTiles(const Value &entry, const std::vector<std::string> &names) {
    Manifest::Tiles tiles;
    tiles.of = entry["of"].oneOf(names, "dimension or count");
    tiles.tile = entry["tile"].integer(1, maxTile);
    tiles.atLeast = entry.has("at_least") ? entry["at_least"].integer(0, 1) : 0;
    return tiles;
  }

  Manifest::Program readProgram(const Value &entry) {
    Manifest::Program program;
    program.target = entry["target"].name();
    program.schedule = entry["schedule"].text(maxList);
    program.unitStrides = entry["unit_strides"].truth();
    program.bound = entry["bound"].number();
    if (entry.has("features"))
      for (const Value &feature : entry["features"].list(256))
        program.features.push_back(feature.name());
    for (const Value &code : entry["code"].list(64)) {
      program.code.push_back({code["kind"].name(), code["file"].name()});
      code["file"].oneOf(files, "file");
    }
    std::vector<std::string> names = sizes, buffers;
    for (const Value &count : entry["counts"].list(64)) {
      Manifest::Tiles tiles = readTiles(count, names);
      addNew(names, count, count["name"].name());
      program.counts.push_back({names.back(), tiles});
    }
    for (const Value &from : entry["alignments"].list(512))
      program.alignments.push_back({readTensorName(from), from["bytes"].integer(1, 4096)});
    for (const Value &from : entry["multiples"].list(64))
      program.multiples.push_back(readTiles(from, names));
    for (const Value &from : entry["buffers"].list(64)) {
      Manifest::Buffer buffer;
      buffer.name = from["name"].name();
      buffer.dtype = readDType(from["dtype"]);
      buffer.layout = readLayout(from["layout"], names);
      buffer.depth = from.has("depth") ? from["depth"].integer(1, maxTile) : 1;
      addNew(buffers, from, buffer.name);
      program.buffers.push_back(std::move(buffer));
    }
    for (const Value &kernel : entry["kernels"].list(64))
      program.kernels.push_back(readKernel(kernel, program, names, buffers));
    if (program.kernels.empty())
      entry.refuse("it has no kernel");
    return program;
  }

  Manifest::Kernel readKernel(const Value &entry, const Manifest::Program &program,
                              const std::vector<std::string> &names, const std::vector<std::string> &buffers) {
    Manifest::Kernel kernel;
    kernel.entry = entry["entry"].name();
    kernel.threads = entry["threads"].integer(1, 1024);
    Value shared = entry["shared_memory"];
    kernel.staticShared = shared["static"].integer(0, maxShared);
    kernel.dynamicShared = shared["dynamic"].integer(0, maxShared);
    for (const Value &factor : entry["grid"].list(64))
      kernel.grid.push_back(readTiles(factor, names));
    if (entry.has("steps"))
      readSteps(entry["steps"], kernel);
    size_t words = 0;
    const size_t most = isForProcessor(program) ? maxWordsOfProcessor : maxWords;
    for (const Value &argument : entry["arguments"].list(most)) {
      kernel.arguments.push_back(readArgument(argument, names, buffers));
      readPart(argument, program, kernel.steps, buffers, kernel.arguments.back());
      words += wordsOf(function, program, kernel.arguments.back());
    }
    if (words > most)
      entry.refuse("its arguments are more than " + std::to_string(most * 8) + " bytes");
    return kernel;
  }

  bool isScanned(size_t size) const {
    return size < function.dims.size() && function.dims[size].extent == function.dims[function.scan].extent;
  }

  void readSteps(const Value &entry, Manifest::Kernel &kernel) {
    const bool isRest = entry.has("rest_of");
    kernel.steps.which = isRest ? Manifest::Steps::Which::Rest : Manifest::Steps::Which::Blocks;
    kernel.steps.block = entry[isRest ? "rest_of" : "blocks_of"].integer(2, maxTile);
    for (const Manifest::Tiles &tiles : kernel.grid)
      if (isScanned(tiles.of))
        entry.refuse("the scanned dimension is on the grid: there are no parts of its steps");
  }

  /// What an argument has of a kernel's part of the steps.
  void readPart(const Value &entry, const Manifest::Program &program, const Manifest::Steps &steps,
                const std::vector<std::string> &buffers, Manifest::Argument &argument) {
    using Which = Manifest::Steps::Which;
    if (steps.which == Which::All || argument.kind != Kind::Tensor)
      return;
    const Manifest::Tensor &tensor = function.tensors[argument.index];
    if (tensor.isState()) {
      if (!entry.has("between"))
        return;
      const Manifest::Buffer &buffer = program.buffers[*(argument.between = entry["between"].oneOf(buffers, "buffer"))];
      if (tensor.role != (steps.which == Which::Blocks ? Role::FinalState : Role::InitialState))
        entry.refuse("no other kernel's steps stand between it and the call's");
      if (buffer.dtype != tensor.dtype || buffer.layout != tensor.layout || buffer.depth != tensor.depth)
        entry.refuse("the buffer " + printable(buffer.name) + " is not as the state " + printable(tensor.name));
      return;
    }
    for (const std::vector<size_t> &axis : tensor.layout)
      if (axis.size() > 1 && std::any_of(axis.begin(), axis.end(), [&](size_t part) { return isScanned(part); }))
        entry.refuse("the scanned dimension is a part of an axis: there are no parts of its steps");
    if (entry.has("step"))
      argument.step = entry["step"].integer(0, steps.which == Which::Blocks ? steps.block - 1 : 0);
  }

  Manifest::Argument readArgument(const Value &entry, const std::vector<std::string> &names,
                                  const std::vector<std::string> &buffers) {
    std::string kind = entry["kind"].name();
    if (kind == kindName(Kind::Tasks))
      return {Kind::Tasks, 0};
    if (kind == kindName(Kind::Absent))
      return {Kind::Absent, static_cast<size_t>(entry["axes"].integer(0, maxRank + 2))};
    if (kind == kindName(Kind::Size))
      return {Kind::Size, entry["name"].oneOf(names, "dimension or count")};
    if (kind == kindName(Kind::Buffer))
      return {Kind::Buffer, entry["name"].oneOf(buffers, "buffer")};
    if (kind == kindName(Kind::Parameter))
      return {Kind::Parameter, entry["name"].oneOf(parameters, "parameter")};
    return {Kind::Tensor, readTensorName(entry)};
  }

  /// The place of the tensor of that kind and name.
  size_t readTensorName(const Value &entry) {
    std::string tensor = entry["kind"].name() + " " + entry["name"].name();
    auto it = std::find(tensors.begin(), tensors.end(), tensor);
    if (it == tensors.end())
      entry.refuse("there is no tensor " + printable(tensor));
    return it - tensors.begin();
  }

  const Value &value;
  const std::vector<std::string> &files;
  Manifest::Function function;
  /// Dimensions; tensors as `role name`.
  std::vector<std::string> sizes, tensors, parameters;
};

bool isFileName(const std::string &name) {
  bool isPlain = std::all_of(name.begin(), name.end(), [](unsigned char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
           c == '-';
  });
  return isPlain && name.front() != '.';
}

Manifest read(const Value &value) {
  if (value["format"].name() != "ssm-bundle")
    value.refuse("it is no manifest of a bundle");
  const int64_t major = value["version"]["major"].integer(0, maxTile);
  if (major != Manifest::majorVersion)
    value.refuse("the bundle is of version " + std::to_string(major) + "; this program reads version " +
                 std::to_string(Manifest::majorVersion));
  value["version"]["minor"].integer(0, maxTile);
  value["state_version"].integer(0, maxTile);
  Manifest manifest;
  manifest.compiler = value["compiler"].text(maxName);
  manifest.model = value["model"].name();
  manifest.sha256 = value["description"]["sha256"].text(maxName);
  manifest.description = value["description"]["text"].text();
  std::vector<std::string> files;
  for (const Value &entry : value["files"].list()) {
    Manifest::File file;
    file.name = entry["name"].name();
    if (!isFileName(file.name) || file.name == "manifest.json")
      entry.refuse(printable(file.name) + " is no name of a file in a bundle");
    file.bytes = entry["bytes"].integer(0, std::numeric_limits<int64_t>::max());
    file.crc32 = entry["crc32"].integer(0, std::numeric_limits<uint32_t>::max());
    addNew(files, entry, file.name);
    manifest.files.push_back(file);
  }
  for (const Value &entry : value["functions"].list())
    manifest.functions.push_back(FunctionReader(entry, files).read());
  return manifest;
}
} // namespace

Result<Manifest> ssm::parseManifest(std::string_view text) {
  if (text.size() > maxText)
    return Problem{"the manifest is too long"};
  json content = json::parse(text.begin(), text.end(), nullptr, /*allow_exceptions=*/false);
  if (content.is_discarded())
    return Problem{"the manifest is not JSON"};
  try {
    return read(Value(content, ""));
  } catch (const Malformed &malformed) {
    return Problem{"the manifest is malformed: " + malformed.message};
  }
}
