#ifndef SSM_PASSES_TILEMEMORY_H
#define SSM_PASSES_TILEMEMORY_H

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Builders.h"
#include "passes/KernelInterface.h"

namespace ssm {

/// A value of level 0 as tiles: one, or two for the real and imaginary part of a complex value.
using Tiles = llvm::SmallVector<mlir::Value, 2>;

/// The dimension that stands at each dimension of an input's layout, after renames and flips that its loads absorb.
struct SeenAs {
  unsigned dim;
  bool flipped = false;
};

/// Turns accesses to a kernel's tensors into tile operations: addresses, limits, scratch. One task's coordinates at a
/// time.
class TileMemory {
public:
  /// `packed`: the last axis of every tensor has stride 1. `whole` is the interface of the kernel where the recurrence
  /// is a part of one, in ticket order.
  TileMemory(RecurrenceOp recurrence, const Placement &placement, const KernelInterface &interface, bool packed,
             const KernelInterface *whole = nullptr);

  /// The types of the kernel's arguments.
  llvm::SmallVector<mlir::Type> argumentTypes() const;
  /// Binds the arguments of the function that is being built; `builder` stands where addresses may be computed.
  void bindArguments(mlir::OpBuilder &builder, mlir::Block &entry);
  /// Coordinates of this task's tile: number the tasks and threads, last dimension fastest.
  void bindCoordinates(mlir::OpBuilder &builder);
  /// True where this thread has coordinates inside every dimension; null where that always holds.
  mlir::Value insideThreads(mlir::OpBuilder &builder);
  /// True where this thread has coordinates of each of those dimensions; null where that always holds. Others run
  /// beside it all the same, for those that they hand values to, and may not read what it updates in place.
  mlir::Value holdsSome(mlir::OpBuilder &builder, DimSet set);
  /// True where the task's tile is full; null where that always holds.
  mlir::Value isFull(mlir::OpBuilder &builder);
  /// Along which dimensions accesses from now on may pass the end.
  void setMasked(DimSet value) { masked = value; }
  DimSet maskedDims() const { return masked; }
  /// How many steps of a block of several are in the sequence; null where all are.
  void setStepsLeft(mlir::Value steps) { stepsLeft = steps; }
  mlir::Value getStepsLeft() const { return stepsLeft; }
  /// Whether accesses may pass the end of `dim` now.
  bool isMasked(unsigned dim) const;

  /// From where to where a task loops over a dimension.
  std::pair<mlir::Value, mlir::Value> loopBounds(mlir::OpBuilder &builder, unsigned dim) const;
  /// Whether some tile of a dimension on the grid or a loop may pass its end.
  bool mayPassEnd(unsigned dim) const;
  /// Tiles of a dimension on a loop that a task runs over at most; its size has to be known, or its grid's tile.
  int64_t tileCount(unsigned dim) const;
  /// Moves to the tile of a dimension on a loop that begins at `start`; and back to where no tile is entered.
  void enterTile(mlir::OpBuilder &builder, unsigned dim, mlir::Value start);
  void leaveTile(mlir::OpBuilder &builder, unsigned dim);

  /// The dimension of rows, if there is one.
  std::optional<unsigned> rowDim() const { return rows ? dims.number(rows.dim()) : std::nullopt; }
  /// Looks up where the row that is entered has its steps and states.
  void bindRow(mlir::OpBuilder &builder);
  /// True where the row runs, and is not left out; null where all do.
  mlir::Value rowRuns() const { return runs; }
  /// Whether the row begins with the state in memory; null where all do.
  mlir::Value rowHasState() const { return hasState; }
  /// Whether states are written in the middle of a row; and the place in the pool of the one after the step at time
  /// coordinate `time`, with whether there is one.
  bool writesStatesAt() const { return rows.has("slots_at"); }
  std::pair<mlir::Value, mlir::Value> slotAt(mlir::OpBuilder &builder, mlir::Value time) const;
  /// Final states go there from now on; where the row's go if it is null.
  void setSlot(mlir::Value slot) { slotOfStep = slot; }

  mlir::VectorType tileType(DimSet set, mlir::Type element) const;
  const DimensionAnalysis &dimensions() const { return dims; }
  mlir::Value sizeOf(mlir::OpBuilder &builder, unsigned dim) const;
  /// This task's first step of the scanned dimension, and the one after its last.
  mlir::Value firstStep(mlir::OpBuilder &builder) const;
  mlir::Value endStep(mlir::OpBuilder &builder) const;
  /// This task's chunk; null where all steps are one task's.
  mlir::Value chunkNumber() const { return chunk; }
  mlir::Value coordinate(unsigned dim) const { return bases[dim]; }
  /// This thread's distance from the block's first coordinate.
  mlir::Value threadOffset(unsigned dim) const { return threadOffsets[dim]; }
  /// The type of the arithmetic.
  mlir::Type elementType() const { return computeType; }
  llvm::ArrayRef<TileAxis> axes() const { return placement.axes; }
  bool isReverse() const { return recurrence.getReverse(); }
  /// The time coordinate of this thread's first step of a block of which the first thread begins at `time`.
  mlir::Value timeOfThread(mlir::OpBuilder &builder, mlir::Value time) const;
  /// How many steps this thread's first one is after the block's.
  mlir::Value stepsBefore() const { return threadOffsets[dims.scan()]; }
  /// Coordinates from one element of a tile to the next along an axis of `dim`: against the axis where steps descend.
  int64_t stepAlong(const TileAxis &axis) const;
  /// Where the tile of a dimension on a loop begins, counted from the task's first coordinate.
  mlir::Value startInTask(unsigned dim) const { return starts[dim]; }
  /// A parameter, in f64.
  mlir::Value parameter(llvm::StringRef name) const;
  mlir::Value pointerOf(unsigned tensor) const { return pointers[tensor]; }
  const KernelTensor &tensor(unsigned number) const { return interface.tensors[number]; }
  unsigned tensorCount() const { return interface.tensors.size(); }
  unsigned lookup(KernelTensor::Role role, llvm::StringRef name) const;
  /// Whether the kernel has that tensor: the parts of a scan in chunks do not have every final state.
  bool has(KernelTensor::Role role, llvm::StringRef name) const;

  /// Whether this thread is the one that stores what threads along the dimensions outside `own` share, and what blocks
  /// along them; null where all do.
  mlir::Value storesShared(mlir::OpBuilder &builder, DimSet own) const;
  /// Which of the threads along `dims` that is, where it is not the first: null for all of them.
  void setStoring(DimSet dims, mlir::Value condition) {
    shared = dims;
    storing = condition;
  }

  /// Loads a tile at time coordinate `time` (null for a tensor that does not vary in time) as `element`s. `past` is the
  /// index along the last axis of a state with depth.
  Tiles load(mlir::OpBuilder &builder, unsigned tensor, llvm::ArrayRef<SeenAs> seen, mlir::Value time,
             mlir::Type element, int64_t past = 0) const;
  /// Stores tiles that have the tensor's dimensions. Tasks that repeat others' coordinates store nothing.
  void store(mlir::OpBuilder &builder, unsigned tensor, const Tiles &tiles, mlir::Value time, int64_t past = 0) const;

  /// Whether several steps of an input or output are one access: they are consecutive memory.
  bool isWide(unsigned tensor) const {
    return packed && interface.tensors[tensor].alignment > 1 && runsAlongSteps(recurrence, interface.tensors[tensor]);
  }
  /// The tile of an input, or of an output, for `count` steps from time coordinate `time` on, in the order of memory
  /// along the last axis.
  mlir::Value loadSteps(mlir::OpBuilder &builder, unsigned tensor, llvm::ArrayRef<SeenAs> seen, mlir::Value time,
                        int64_t count, mlir::Type element) const;
  void storeSteps(mlir::OpBuilder &builder, unsigned tensor, mlir::Value tile, mlir::Value time, int64_t count) const;
  /// Begins to copy such a tile of an input to `target` + (`place` + Σ places[k]·ik) in shared memory, consecutive
  /// along the last axis. The first `left` of its steps exist (null: all do); others become 0.
  void copySteps(mlir::OpBuilder &builder, unsigned tensor, mlir::Value time, int64_t count, mlir::Value left,
                 mlir::Value target, mlir::Value place, llvm::ArrayRef<mlir::Value> places) const;

  /// Limits for a reduction or access over the dimensions of `set`: coefficients a limit beside the limits.
  void limitsOf(mlir::OpBuilder &builder, DimSet set, llvm::SmallVectorImpl<mlir::Value> &limits,
                llvm::SmallVectorImpl<mlir::Attribute> &coefficients) const;

  /// Dimensions of a tensor as they stand in its layout.
  llvm::SmallVector<SeenAs> plainView(unsigned tensor) const;
  /// Dimensions of `seen`, which stand for `value`'s at the bottom of a chain of renames and flips, as the chain shows
  /// them.
  void applyMoves(mlir::Value value, llvm::MutableArrayRef<SeenAs> seen) const;

  /// Whether a tensor is copied through scratch, a time tile at a time: its memory runs along time while lanes or
  /// registers run along other dimensions.
  bool isStaged(unsigned tensor) const;
  /// Bytes of scratch that a staged tensor takes.
  int64_t scratchBytes(unsigned tensor) const;
  /// Allocates scratch at the function's entry for every staged tensor.
  void allocateScratch(mlir::OpBuilder &builder);
  /// Copies `steps` steps from the one at time coordinate `time` on into, or from, scratch, for the tiles that are
  /// entered. Coordinates descend in reverse.
  void stage(mlir::OpBuilder &builder, unsigned tensor, mlir::Value time, mlir::Value steps) const;
  Tiles loadScratch(mlir::OpBuilder &builder, unsigned tensor, mlir::Value step) const;
  void storeScratch(mlir::OpBuilder &builder, unsigned tensor, const Tiles &tiles, mlir::Value step) const;

private:
  const KernelInterface &kernelInterface() const { return whole ? *whole : interface; }
  void bindTensors(mlir::OpBuilder &builder, llvm::ArrayRef<mlir::Value> arguments);
  mlir::Value offsetBetween(mlir::OpBuilder &builder, unsigned tensor) const;
  mlir::Value orOne(mlir::OpBuilder &builder, unsigned dim) const;
  bool mayHoldNone(unsigned dim) const;
  mlir::Value loadRowEntry(mlir::OpBuilder &builder, llvm::StringRef array, mlir::Value index) const;
  mlir::Value slotOfRow(mlir::OpBuilder &builder, llvm::StringRef array, mlir::Value otherwise) const;
  mlir::Value isInPool(mlir::OpBuilder &builder, mlir::Value slot) const;
  void bindSteps(mlir::OpBuilder &builder);
  mlir::Value lanesAreConsecutive(mlir::OpBuilder &builder, unsigned tensor, mlir::ValueRange strides,
                                  DimSet set) const;
  int64_t alignmentOfRun(unsigned tensor, llvm::ArrayRef<SeenAs> seen) const;
  std::optional<unsigned> strideOfAxis(const KernelTensor &tensor, unsigned axis) const;
  mlir::Value coordinateInMemory(mlir::OpBuilder &builder, const KernelTensor &tensor, SeenAs at,
                                 mlir::Value time) const;
  bool mayBeOutside(unsigned dim) const;
  mlir::Value firstCoordinate(mlir::OpBuilder &builder, unsigned dim, mlir::Value time) const;
  struct Address {
    mlir::Value offset;
    llvm::SmallVector<mlir::Value> strides;
    DimSet set;
  };
  Address addressOf(mlir::OpBuilder &builder, unsigned tensor, llvm::ArrayRef<SeenAs> seen, mlir::Value time,
                    int64_t past) const;
  /// How tasks that repeat others' coordinates, or hold none of a tensor's, leave its store out: where to build it.
  mlir::OpBuilder storingOnce(mlir::OpBuilder &builder, unsigned tensor) const;
  Address addressOfSteps(mlir::OpBuilder &builder, unsigned tensor, llvm::ArrayRef<SeenAs> seen, mlir::Value time,
                         int64_t count) const;
  int64_t alignmentOf(unsigned tensor, int64_t steps) const;
  /// Where the description speaks of a tensor.
  mlir::Location locOf(unsigned tensor) const;
  mlir::Value avoidEmpty(mlir::OpBuilder &builder, unsigned tensor, Address &address) const;
  mlir::Value strideOfTime(mlir::OpBuilder &builder, unsigned tensor) const;
  mlir::VectorType scratchType(unsigned tensor) const;
  bool runsAlongTime(unsigned tensor) const;
  mlir::Value scratchOffset(mlir::OpBuilder &builder, unsigned tensor, mlir::Value step) const;
  llvm::SmallVector<mlir::Value> scratchStrides(mlir::OpBuilder &builder, unsigned tensor) const;
  mlir::Value scratchBlock(mlir::OpBuilder &builder, unsigned tensor) const;

  // An operation is a handle whose accessors are not const.
  mutable RecurrenceOp recurrence;
  const Placement &placement;
  const KernelInterface &interface;
  const KernelInterface *whole;
  bool packed;
  RowPlan rows;
  /// Of the row that is entered: its first step and how many there are, where it is packed; the places of its states in
  /// the pool; whether it has one.
  mlir::Value rowStart, rowSteps, slotIn, slotOut, hasState, runs;
  mlir::Value slotOfStep;
  DimSet masked;
  mlir::Value stepsLeft;
  DimensionAnalysis dims;
  mlir::Type computeType;
  mlir::Value chunk;
  /// As setStoring says.
  DimSet shared;
  mlir::Value storing;
  /// Memory that may be read in place of a tensor without elements, if any may be that.
  mlir::Value elsewhere;
  llvm::SmallVector<mlir::Value> pointers;
  /// By dimension: the tile's first coordinate; the task's; this thread's distance from the block's; `startInTask`.
  llvm::SmallVector<mlir::Value> bases, taskBases, threadOffsets, starts;
  /// By dimension on the grid: which of its tiles the task has, and how many there are.
  llvm::SmallVector<mlir::Value> gridTiles, gridCounts;
  llvm::SmallVector<llvm::SmallVector<mlir::Value>> strides;
  llvm::StringMap<mlir::Value> parameters, sizes;
  llvm::DenseMap<unsigned, mlir::Value> scratch;
};

/// a·b, a+b, a-b on i64 values, folded where constant.
mlir::Value mulI64(mlir::OpBuilder &builder, mlir::Value a, mlir::Value b);
mlir::Value addI64(mlir::OpBuilder &builder, mlir::Value a, mlir::Value b);
mlir::Value subI64(mlir::OpBuilder &builder, mlir::Value a, mlir::Value b);
mlir::Value constantI64(mlir::OpBuilder &builder, int64_t value);
/// `a` and `b`; `a` is null where it always holds.
mlir::Value andI1(mlir::OpBuilder &builder, mlir::Value a, mlir::Value b);
/// How many chunks cover `steps` steps, at least one.
mlir::Value chunkCount(mlir::OpBuilder &builder, mlir::Value steps, int64_t chunk);

} // namespace ssm

#endif
