#ifndef SSM_RUNTIME_MANIFEST_H
#define SSM_RUNTIME_MANIFEST_H

#include "runtime/Tensor.h"

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ssm {

/// What a bundle says of itself (docs/bundles.md has the file's form). Sizes are named by their place among a
/// function's dimensions and a program's counts: first the dimensions, then the counts.
struct Manifest {
  /// Versions of the file's form. A newer major one is refused, a newer minor one may say more than is read.
  static constexpr int64_t majorVersion = 1, minorVersion = 2;
  /// Version of the layout and meaning of states, which outlive a bundle.
  static constexpr int64_t stateVersion = 1;

  struct File {
    std::string name;
    uint64_t bytes = 0;
    uint32_t crc32 = 0;
  };

  struct Dim {
    std::string name;
    /// Known when compiling: no other size is legal.
    std::optional<int64_t> size;
    /// The dimension whose extent it has; itself where it has its own.
    size_t extent = 0;
  };

  /// ceil(size / tile), at least `atLeast`.
  struct Tiles {
    size_t of = 0;
    int64_t tile = 1;
    int64_t atLeast = 0;
  };

  /// A size that follows from a dimension's: the chunks that a long scan is cut into.
  struct Count {
    std::string name;
    Tiles tiles;
  };

  /// Axes, each the product of sizes.
  using Layout = std::vector<std::vector<size_t>>;

  /// Rows: an array that says where each row has its steps and its states.
  enum class Role { Input, Output, InitialState, FinalState, Rows };

  struct Tensor {
    Role role = Role::Input;
    std::string name;
    DType dtype = DType::F32;
    Layout layout;
    /// Past steps that a state carries: a last axis of that extent where it is more than 1.
    int64_t depth = 1;
    /// Of a final state: whether it may be its initial state's array.
    bool inPlace = false;
    /// Entries of the only axis beyond the layout's.
    int64_t more = 0;
    /// Of an array of rows: whether it may be left out. States may be anyway.
    bool optional = false;

    size_t rank() const { return layout.size() + (depth > 1); }
    bool isState() const { return role == Role::InitialState || role == Role::FinalState; }
    bool isOptional() const { return isState() || optional; }
  };

  struct Parameter {
    std::string name;
    double byDefault = 0;
  };

  /// An array between kernels, in the caller's workspace, contiguous.
  struct Buffer {
    std::string name;
    DType dtype = DType::F32;
    Layout layout;
    int64_t depth = 1;

    size_t rank() const { return layout.size() + (depth > 1); }
  };

  /// A pointer and its strides, or one number of 64 bits.
  struct Argument {
    /// Absent: a state that no caller has, as a null pointer and strides of 0.
    enum class Kind { Tensor, Buffer, Absent, Parameter, Size, Tasks };
    Kind kind = Kind::Tasks;
    /// Place among the function's tensors or parameters, the program's buffers, or the sizes; axes of what is absent.
    size_t index = 0;
    /// Of a tensor, in a kernel that runs blocks of steps: which step of a block it is.
    int64_t step = 0;
    /// Of a state, in a kernel that does not run all steps: the buffer that stands for it where other kernels run the
    /// steps after, or before.
    std::optional<size_t> between = std::nullopt;
  };

  /// Steps of the scanned dimension that a kernel runs: all; as many whole blocks as there are, each as one step of its
  /// own; or what these leave, and all where there is no whole block.
  struct Steps {
    enum class Which { All, Blocks, Rest };
    Which which = Which::All;
    /// Steps of a block.
    int64_t block = 1;
  };

  struct Kernel {
    std::string entry;
    int64_t threads = 1;
    /// Bytes of shared memory: in the code, and given at launch.
    int64_t staticShared = 0, dynamicShared = 0;
    /// What one task each is for: the number of tasks is the product.
    std::vector<Tiles> grid;
    std::vector<Argument> arguments;
    Steps steps = {};
  };

  struct Code {
    std::string kind, file;
  };

  /// What a tensor's address, and all its strides but the last, have to be multiples of.
  struct Alignment {
    size_t tensor = 0;
    int64_t bytes = 1;
  };

  /// A function compiled for one target under one schedule.
  struct Program {
    std::string target, schedule;
    /// What the processor has to have, where it is one that the code is for.
    std::vector<std::string> features;
    /// The last stride of every tensor has to be 1.
    bool unitStrides = true;
    std::vector<Alignment> alignments;
    /// Sizes that have to be multiples of the tile.
    std::vector<Tiles> multiples;
    /// Largest error to be expected, of the largest value, before results are rounded to their type.
    double bound = 0;
    std::vector<Code> code;
    std::vector<Count> counts;
    std::vector<Buffer> buffers;
    std::vector<Kernel> kernels;
  };

  /// One mode at one choice of types.
  struct Function {
    std::string mode;
    /// The choice of types, as ssmc's --dtype has it.
    std::string dtype = "f32";
    std::vector<Dim> dims;
    size_t scan = 0;
    bool reverse = false;
    /// The dimension of rows, each with its own steps and states, if there is one.
    std::optional<size_t> rows;
    std::vector<Tensor> tensors;
    std::vector<Parameter> parameters;
    std::vector<Program> programs;
  };

  std::string compiler, model, sha256, description;
  std::vector<File> files;
  std::vector<Function> functions;
};

/// `input`, `output`, `initial_state`, `final_state`, `rows`.
std::string_view roleName(Manifest::Role role);
std::string_view kindName(Manifest::Argument::Kind kind);

/// Whether a program is for processors rather than GPUs: its target is `cpu:NAME`.
bool isForProcessor(const Manifest::Program &program);

/// 64-bit words that an argument is.
size_t wordsOf(const Manifest::Function &function, const Manifest::Program &program,
               const Manifest::Argument &argument);

/// Reads manifest.json. Everything is checked: names that refer to something, counts, ranges, sizes that overflow. A
/// problem says where it is, as in `functions[0].programs[1].kernels[0].grid[2].tile`.
Result<Manifest> parseManifest(std::string_view text);

/// The text of manifest.json.
std::string printManifest(const Manifest &manifest);

} // namespace ssm

#endif
