// Writes manifest.json.

#include "runtime/Manifest.h"

#include <nlohmann/json.hpp>

using namespace ssm;
using json = nlohmann::ordered_json;
using Role = Manifest::Role;
using Kind = Manifest::Argument::Kind;

namespace {
/// Names of a function's sizes.
std::vector<std::string> dimNames(const Manifest::Function &function) {
  std::vector<std::string> names;
  for (const Manifest::Dim &dim : function.dims)
    names.push_back(dim.name);
  return names;
}

json print(const Manifest::Layout &layout, const std::vector<std::string> &names) {
  json axes = json::array();
  for (const std::vector<size_t> &axis : layout) {
    axes.push_back(json::array());
    for (size_t part : axis)
      axes.back().push_back(names[part]);
  }
  return axes;
}

json print(const Manifest::Tiles &tiles, const std::vector<std::string> &names) {
  json entry = {{"of", names[tiles.of]}, {"tile", tiles.tile}};
  if (tiles.atLeast)
    entry["at_least"] = tiles.atLeast;
  return entry;
}

json printName(const Manifest::Tensor &tensor) {
  return {{"kind", std::string(roleName(tensor.role))}, {"name", tensor.name}};
}

json print(const Manifest::Argument &argument, const Manifest::Function &function, const Manifest::Program &program,
           const std::vector<std::string> &names) {
  std::string kind(kindName(argument.kind));
  switch (argument.kind) {
  case Kind::Tensor: {
    json entry = printName(function.tensors[argument.index]);
    if (argument.step)
      entry["step"] = argument.step;
    if (argument.between)
      entry["between"] = program.buffers[*argument.between].name;
    return entry;
  }
  case Kind::Buffer:
    return {{"kind", kind}, {"name", program.buffers[argument.index].name}};
  case Kind::Absent:
    return {{"kind", kind}, {"axes", argument.index}};
  case Kind::Parameter:
    return {{"kind", kind}, {"name", function.parameters[argument.index].name}};
  case Kind::Size:
    return {{"kind", kind}, {"name", names[argument.index]}};
  case Kind::Tasks:
    break;
  }
  return {{"kind", kind}};
}

json print(const Manifest::Kernel &kernel, const Manifest::Function &function, const Manifest::Program &program,
           const std::vector<std::string> &names) {
  json grid = json::array(), arguments = json::array();
  for (const Manifest::Tiles &tiles : kernel.grid)
    grid.push_back(print(tiles, names));
  for (const Manifest::Argument &argument : kernel.arguments)
    arguments.push_back(print(argument, function, program, names));
  json entry = {{"entry", kernel.entry},
                {"threads", kernel.threads},
                {"shared_memory", {{"static", kernel.staticShared}, {"dynamic", kernel.dynamicShared}}},
                {"grid", grid},
                {"arguments", arguments}};
  if (kernel.steps.which != Manifest::Steps::Which::All)
    entry["steps"] = {
        {kernel.steps.which == Manifest::Steps::Which::Blocks ? "blocks_of" : "rest_of", kernel.steps.block}};
  return entry;
}

json print(const Manifest::Program &program, const Manifest::Function &function) {
  std::vector<std::string> names = dimNames(function);
  json code = json::array(), counts = json::array(), buffers = json::array(), kernels = json::array();
  json alignments = json::array(), multiples = json::array();
  for (const Manifest::Code &entry : program.code)
    code.push_back({{"kind", entry.kind}, {"file", entry.file}});
  for (const Manifest::Count &count : program.counts) {
    json entry = print(count.tiles, names);
    entry["name"] = count.name;
    counts.push_back(entry);
    names.push_back(count.name);
  }
  for (const Manifest::Alignment &alignment : program.alignments) {
    alignments.push_back(printName(function.tensors[alignment.tensor]));
    alignments.back()["bytes"] = alignment.bytes;
  }
  for (const Manifest::Tiles &multiple : program.multiples)
    multiples.push_back(print(multiple, names));
  for (const Manifest::Buffer &buffer : program.buffers) {
    buffers.push_back({{"name", buffer.name},
                       {"dtype", std::string(dtypeName(buffer.dtype))},
                       {"layout", print(buffer.layout, names)}});
    if (buffer.depth > 1)
      buffers.back()["depth"] = buffer.depth;
  }
  for (const Manifest::Kernel &kernel : program.kernels)
    kernels.push_back(print(kernel, function, program, names));
  json entry = {{"target", program.target}};
  if (!program.features.empty())
    entry["features"] = program.features;
  entry.update({{"schedule", program.schedule},
                {"bound", program.bound},
                {"unit_strides", program.unitStrides},
                {"alignments", alignments},
                {"multiples", multiples},
                {"code", code},
                {"counts", counts},
                {"buffers", buffers},
                {"kernels", kernels}});
  return entry;
}

json print(const Manifest::Function &function) {
  std::vector<std::string> names = dimNames(function);
  json dims = json::array(), tensors = json::array(), parameters = json::array(), programs = json::array();
  for (size_t number = 0; number < function.dims.size(); ++number) {
    const Manifest::Dim &dim = function.dims[number];
    dims.push_back({{"name", dim.name}});
    if (dim.extent != number)
      dims.back()["like"] = names[dim.extent];
    else if (dim.size)
      dims.back()["size"] = *dim.size;
  }
  for (const Manifest::Tensor &tensor : function.tensors) {
    tensors.push_back({{"name", tensor.name},
                       {"role", std::string(roleName(tensor.role))},
                       {"dtype", std::string(dtypeName(tensor.dtype))},
                       {"layout", print(tensor.layout, names)}});
    if (tensor.depth > 1)
      tensors.back()["depth"] = tensor.depth;
    if (tensor.more)
      tensors.back()["more"] = tensor.more;
    if (tensor.optional)
      tensors.back()["optional"] = true;
    if (tensor.role == Role::FinalState)
      tensors.back()["in_place"] = tensor.inPlace;
  }
  for (const Manifest::Parameter &parameter : function.parameters)
    parameters.push_back({{"name", parameter.name}, {"default", parameter.byDefault}});
  for (const Manifest::Program &program : function.programs)
    programs.push_back(print(program, function));
  json entry = {{"mode", function.mode},
                {"dtype", function.dtype},
                {"dims", dims},
                {"scan", names[function.scan]},
                {"reverse", function.reverse}};
  if (function.rows)
    entry["rows"] = names[*function.rows];
  entry["tensors"] = tensors;
  entry["parameters"] = parameters;
  entry["programs"] = programs;
  return entry;
}
} // namespace

std::string ssm::printManifest(const Manifest &manifest) {
  json files = json::array(), functions = json::array();
  for (const Manifest::File &file : manifest.files)
    files.push_back({{"name", file.name}, {"bytes", file.bytes}, {"crc32", file.crc32}});
  for (const Manifest::Function &function : manifest.functions)
    functions.push_back(print(function));
  json content = {{"format", "ssm-bundle"},
                  {"version", {{"major", Manifest::majorVersion}, {"minor", Manifest::minorVersion}}},
                  {"state_version", Manifest::stateVersion},
                  {"compiler", manifest.compiler},
                  {"model", manifest.model},
                  {"description", {{"sha256", manifest.sha256}, {"text", manifest.description}}},
                  {"files", files},
                  {"functions", functions}};
  return content.dump(1) + "\n";
}
