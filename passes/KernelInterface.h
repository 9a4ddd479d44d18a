#ifndef SSM_PASSES_KERNELINTERFACE_H
#define SSM_PASSES_KERNELINTERFACE_H

#include "dialect/RowPlan.h"
#include "schedule/Placement.h"

namespace ssm {

/// Words (i64) of an Order: a line of memory, since every block writes to it.
constexpr int64_t wordsOfOrder = 16;

/// One array that a kernel takes.
struct KernelTensor {
  /// CarriedState is the state before a chunk of a scan that runs in chunks, the first chunk aside. Between is an array
  /// of which the parts of a kernel have different roles. Order and Flags are what the blocks of a kernel in ticket
  /// order agree by (ssm-ticket-order has their words): zero before the first launch. Between launches, nothing else
  /// may write to the Order. Rows is one of the arrays of a RowPlan.
  enum class Role { Input, Output, InitialState, FinalState, CarriedState, Between, Order, Flags, Rows };
  Role role;
  std::string name;
  LayoutAttr layout;
  /// Element type in memory.
  mlir::Type stored;
  /// Past steps that a state carries: a last axis of that extent where it is more than 1.
  int64_t depth = 1;
  /// One of them a chunk, along an axis in front.
  bool perChunk = false;
  /// Of these dimensions, one of them a tile of the grid, along an axis in front of that.
  std::vector<std::string> perTile = {};
  /// Name of the buffer between kernels that it stands in; empty for a caller's array.
  std::string workspace = {};
  /// Of a kernel that runs several steps as one: the array of which this is one step in each block of them, and which
  /// step; empty for an array taken whole.
  std::string array = {};
  int64_t step = 0;
  /// Bytes that the packed variant takes the array's address, and the distance between its elements along every axis
  /// but the last, to be a multiple of.
  int64_t alignment = 1;
  /// The axes in memory, where they are not those of `layout`: rows that stand elsewhere than along an axis of their
  /// own. Null elsewhere.
  LayoutAttr memory = {};
  /// Entries that the only axis has beyond the layout's.
  int64_t more = 0;

  /// The name by which a caller gives it.
  const std::string &given() const { return array.empty() ? name : array; }
  /// Axes in memory, all of them, and those of dimensions.
  unsigned getRank() const { return !perTile.empty() + perChunk + inMemory().getRank() + (depth > 1); }
  LayoutAttr inMemory() const { return memory ? memory : layout; }
  /// Whether it is zero before the first launch.
  bool isOrder() const { return role == Role::Order || role == Role::Flags; }
  /// Initial and final states may be left out at launch, as null pointers.
  bool isState() const { return role == Role::InitialState || role == Role::FinalState; }
  /// Whether it may be left out at launch.
  bool isOptional() const { return isState() || (role == Role::Rows && RowPlan::isOptional(name)); }
};

/// The arguments of a kernel, in order: for each tensor its pointer and a stride an axis (in elements); the parameters
/// (f64); the sizes (i64) of all dimensions that are not `like` another, in order of declaration.
struct KernelInterface {
  std::vector<KernelTensor> tensors;
  std::vector<std::pair<std::string, double>> parameters;
  std::vector<std::string> sizes;
  /// What the packed variant takes the scanned dimension's size to be a multiple of.
  int64_t stepsMultiple = 1;
};

/// What a recurrence is to a scan in chunks (ssm-chunk-scan has the plan); kept on it as the attribute `ssm.chunk`.
class ChunkRole {
public:
  explicit ChunkRole(RecurrenceOp recurrence);
  /// A chunk's steps; 0 for a recurrence that is not run in chunks. In ticket order, a join knows them too.
  int64_t steps() const;
  /// Whether the recurrence runs over chunks and combines what they do to the states.
  bool isJoin() const;
  /// Whether one kernel runs all parts of the scan, for a chunk at a time.
  bool inTicketOrder() const;
  /// Whether the recurrence is there for the scan alone, and has none of the description's outputs.
  bool isPart() const;
  /// The buffer that takes each chunk's last value of a state; empty where none does.
  llvm::StringRef handsOn(llvm::StringRef state) const;
  enum class Start { Carried, Constant, Own };
  /// How a state begins in chunks after the first: from what was carried to it, a constant, or as in the first.
  Start start(llvm::StringRef state) const;
  double constant(llvm::StringRef state) const;

private:
  mlir::DictionaryAttr plan;
};

/// What a recurrence is to steps that run as one (ssm-block-steps has the plan); kept on it as the attribute
/// `ssm.block`.
class BlockRole {
public:
  explicit BlockRole(RecurrenceOp recurrence);
  /// How many of the description's steps are one of the recurrence's; 0 where each is its own.
  int64_t steps() const;
  /// How many steps the blocks have that the recurrence runs what is left of; 0 where there are none.
  int64_t restOf() const;
  /// The array, and the step of a block, that an input or output stands for; no name where it is whole.
  std::pair<std::string, int64_t> arrayOf(llvm::StringRef name) const;

private:
  mlir::DictionaryAttr plan;
};

/// The mode that a recurrence's kernel is of: `step` where rows' states are updated in place, else `forward`.
llvm::StringRef modeName(RecurrenceOp recurrence);

/// Name of a recurrence's kernel.
std::string kernelName(RecurrenceOp recurrence, bool packed);

/// How many chunks cover `steps` steps: at least one, which hands the initial state on where there is no step.
int64_t countChunks(const Placement &placement, int64_t steps);

/// Whether several threads of a block have the same coordinates of a value with these dimensions.
bool isHeldTwice(const Placement &placement, const DimensionAnalysis &dims, DimSet set);

/// Whether the threads of a block load an input together, a time tile at a time, and hand it to each other through
/// shared memory (GPU).
bool isStagedInput(const Placement &placement, const DimensionAnalysis &dims, InputOp input);

/// Coordinates that a thread loads at once of such an input, whose memory runs along `dim`.
int64_t stagedRun(const Placement &placement, unsigned dim);

/// The interface of a specialized recurrence's forward kernel: inputs, outputs, initial states, final states.
KernelInterface getKernelInterface(RecurrenceOp recurrence);

/// Whether an input or output has its last axis, and no other, along the scanned dimension alone, so that several
/// steps of it are consecutive memory where that axis has stride 1.
bool runsAlongSteps(RecurrenceOp recurrence, const KernelTensor &tensor);

/// The dimension that stands innermost in tiles over `set`, on registers or lanes, if any does.
std::optional<unsigned> innermostInTile(const Placement &placement, DimSet set);

/// What the packed variant of a kernel with this placement asks of the arrays that it reads and writes several steps at
/// once of and, on a GPU, of states and of what does not vary in time where a thread's registers are consecutive
/// memory.
void setAlignments(KernelInterface &interface, RecurrenceOp recurrence, const Placement &placement, bool gpu);

/// The interface of one part of a kernel in ticket order. What tasks share in a kernel of its own (a decay that does
/// not vary along a dimension of the grid) is each task's own between chunks: it waits for its predecessor alone.
KernelInterface getPartInterface(RecurrenceOp part, const Placement &placement, bool gpu);

/// What a kernel takes that runs these parts, the last of which has all that callers give: that, what is between
/// chunks, and the Order. Columns of matrices between chunks, which the last part does not have, are named as their
/// rows.
KernelInterface joinInterfaces(llvm::ArrayRef<RecurrenceOp> parts, llvm::ArrayRef<KernelInterface> interfaces,
                               const Placement &placement);

/// Whether two tensors, of parts of one kernel, are one array.
bool isSameArray(const KernelTensor &a, const KernelTensor &b);

/// How many tasks (CPU) or blocks (GPU) cover all grid dimensions, given each dimension's size by its position.
int64_t countTasks(const Placement &placement, llvm::ArrayRef<int64_t> sizes);

} // namespace ssm

#endif
