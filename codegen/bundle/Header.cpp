// A bundle's functions for C: names in place of numbers.

#include "codegen/bundle/Header.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/raw_ostream.h"

using namespace ssm;
using Role = Manifest::Role;

namespace {
/// A name of a description in C and C++; what these reserve gets an underscore.
std::string identifier(llvm::StringRef name) {
  static constexpr llvm::StringRef reserved[] = {
      "alignas", "alignof", "and",      "asm",      "auto",     "bool",      "break",   "case",      "catch",
      "char",    "class",   "compl",    "const",    "continue", "decltype",  "default", "delete",    "do",
      "double",  "else",    "enum",     "explicit", "export",   "extern",    "false",   "float",     "for",
      "friend",  "goto",    "if",       "inline",   "int",      "long",      "mutable", "namespace", "new",
      "not",     "nullptr", "operator", "or",       "private",  "protected", "public",  "register",  "restrict",
      "return",  "short",   "signed",   "sizeof",   "static",   "struct",    "switch",  "template",  "this",
      "throw",   "true",    "try",      "typedef",  "typeid",   "typename",  "union",   "unsigned",  "using",
      "virtual", "void",    "volatile", "wchar_t",  "while",    "xor"};
  std::string text;
  for (char c : name)
    text += llvm::isAlnum(c) || c == '_' ? c : '_';
  return llvm::is_contained(reserved, text) ? text + "_" : text;
}

struct Group {
  Role role;
  const char *field, *meaning;
};
constexpr Group groups[] = {
    {Role::Rows, "rows", "where rows have their steps and states"},
    {Role::Input, "in", "inputs"},
    {Role::Output, "out", "outputs"},
    {Role::InitialState, "initial", "states before the first step; without data, their initial values"},
    {Role::FinalState, "final", "states after the last step; without data, not asked for"}};

class HeaderWriter {
public:
  HeaderWriter(const Manifest &manifest, llvm::raw_ostream &out) : manifest(manifest), out(out) {}

  void write() {
    const std::string guard = llvm::StringRef(identifier(manifest.model)).upper() + "_H";
    out << "/* " << manifest.model << ", as " << manifest.compiler
        << " compiled it: calls of its bundle's functions, for C and C++.\n"
        << " * Open the bundle with ssm_open, and prepare it for a device with ssm_prepare (ssm.h). */\n"
        << "#ifndef " << guard << "\n#define " << guard << "\n\n#include \"ssm.h\"\n\n#include <string.h>\n";
    for (const Manifest::Function &function : manifest.functions)
      writeFunction(function);
    out << "\n#endif\n";
  }

private:
  void writeFunction(const Manifest::Function &function) {
    const std::string name = nameOf(function);
    out << "\n/* Arguments of " << name << "; begin with what " << name << "_defaults gives. */\ntypedef struct "
        << name << "_call {\n";
    writeSizes(function);
    for (const Group &group : groups)
      writeTensors(function, group);
    if (!function.parameters.empty()) {
      out << "  struct {\n";
      for (const Manifest::Parameter &parameter : function.parameters)
        out << "    double " << identifier(parameter.name) << ";\n";
      out << "  } parameters;\n";
    }
    out << "  void *workspace; /* on the device, zeroed before its first use */\n"
        << "  size_t workspace_size;\n"
        << "  int device; /* a GPU's number, or SSM_CPU */\n"
        << "  void *stream; /* CUstream, or cudaStream_t */\n"
        << "} " << name << "_call;\n\n";
    writeDefaults(function, name);
    writeCalls(function, name);
  }

  /// With the choice of types where the mode has several.
  std::string nameOf(const Manifest::Function &function) const {
    const auto ofMode = [&](const Manifest::Function &other) { return other.mode == function.mode; };
    const std::string name = identifier(manifest.model) + "_" + identifier(function.mode);
    return llvm::count_if(manifest.functions, ofMode) == 1 ? name : name + "_" + identifier(function.dtype);
  }

  /// The call that finds a function.
  static std::string found(const Manifest::Function &function) {
    return "ssm_find_dtype(bundle, \"" + function.mode + "\", \"" + function.dtype + "\")";
  }

  void writeDefaults(const Manifest::Function &function, const std::string &name) {
    out << "/* Sizes that are known, parameters' defaults, and no tensors. */\n"
        << "static inline " << name << "_call " << name << "_defaults(void) {\n  " << name << "_call call;\n"
        << "  memset(&call, 0, sizeof call);\n";
    for (const Manifest::Dim &dim : function.dims)
      if (std::optional<int64_t> size = function.dims[dim.extent].size)
        out << "  call.sizes." << identifier(dim.name) << " = " << *size << ";\n";
    for (const Manifest::Parameter &parameter : function.parameters)
      out << "  call.parameters." << identifier(parameter.name) << " = " << llvm::format("%.17g", parameter.byDefault)
          << ";\n";
    out << "  return call;\n}\n\n";
  }

  void writeSizes(const Manifest::Function &function) {
    out << "  struct {\n";
    for (auto [number, dim] : llvm::enumerate(function.dims)) {
      out << "    int64_t " << identifier(dim.name) << ";";
      if (dim.extent != number)
        out << " /* that of " << function.dims[dim.extent].name << " */";
      else if (dim.size)
        out << " /* " << *dim.size << " */";
      out << "\n";
    }
    out << "  } sizes;\n";
  }

  void writeTensors(const Manifest::Function &function, const Group &group) {
    auto isOfGroup = [&](const Manifest::Tensor &tensor) { return tensor.role == group.role; };
    if (llvm::none_of(function.tensors, isOfGroup))
      return;
    out << "  struct { /* " << group.meaning << " */\n";
    for (const Manifest::Tensor &tensor : llvm::make_filter_range(function.tensors, isOfGroup))
      out << "    ssm_tensor " << identifier(tensor.name) << "; /* " << dtypeName(tensor.dtype) << " "
          << layoutText(function, tensor) << (tensor.inPlace ? "; may be the initial one's array" : "")
          << (tensor.optional ? "; may be left out" : "") << " */\n";
    out << "  } " << group.field << ";\n";
  }

  static std::string layoutText(const Manifest::Function &function, const Manifest::Tensor &tensor) {
    std::vector<std::string> axes;
    for (const std::vector<size_t> &axis : tensor.layout) {
      std::vector<std::string> parts;
      for (size_t part : axis)
        parts.push_back(function.dims[part].name);
      axes.push_back(parts.empty() ? "1" : parts.size() == 1 ? parts.front() : "(" + llvm::join(parts, " ") + ")");
    }
    if (tensor.more)
      axes.front() += " + " + std::to_string(tensor.more);
    if (tensor.depth > 1)
      axes.push_back(std::to_string(tensor.depth));
    return "[" + llvm::join(axes, ", ") + "]";
  }

  void writeCalls(const Manifest::Function &function, const std::string &name) {
    std::vector<std::string> sizes, tensors, parameters;
    for (const Manifest::Dim &dim : function.dims)
      sizes.push_back("call->sizes." + identifier(dim.name));
    for (const Manifest::Tensor &tensor : function.tensors)
      for (const Group &group : groups)
        if (group.role == tensor.role)
          tensors.push_back(std::string("call->") + group.field + "." + identifier(tensor.name));
    for (const Manifest::Parameter &parameter : function.parameters)
      parameters.push_back("call->parameters." + identifier(parameter.name));
    const std::string sizesLine = "  const int64_t sizes[] = {" + llvm::join(sizes, ", ") + "};\n";
    out << "/* Bytes of workspace that the call needs, or one with any smaller sizes. */\n"
        << "static inline ssm_status " << name << "_workspace(const ssm_bundle *bundle, const " << name
        << "_call *call, size_t *bytes,\n    ssm_error *error) {\n"
        << sizesLine << "  return ssm_workspace(" << found(function) << ", sizes, bytes, error);\n}\n\n"
        << "/* Enqueues the call on a GPU, or runs it on the processor. */\n"
        << "static inline ssm_status " << name << "(const ssm_bundle *bundle, const " << name
        << "_call *call, ssm_error *error) {\n"
        << sizesLine << "  const ssm_tensor tensors[] = {" << llvm::join(tensors, ",\n    ") << "};\n";
    if (!parameters.empty())
      out << "  const double parameters[] = {" << llvm::join(parameters, ", ") << "};\n";
    out << "  const ssm_call whole = {sizes, tensors, " << (parameters.empty() ? "0" : "parameters")
        << ", call->workspace, call->workspace_size, call->device, call->stream};\n"
        << "  return ssm_launch(" << found(function) << ", &whole, error);\n}\n";
  }

  const Manifest &manifest;
  llvm::raw_ostream &out;
};
} // namespace

std::string ssm::makeHeader(const Manifest &manifest) {
  std::string text;
  llvm::raw_string_ostream out(text);
  HeaderWriter(manifest, out).write();
  return text;
}
