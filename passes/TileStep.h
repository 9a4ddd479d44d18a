#ifndef SSM_PASSES_TILESTEP_H
#define SSM_PASSES_TILESTEP_H

#include "passes/StageBuffer.h"
#include "passes/TileLoops.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/SetVector.h"
#include <deque>

namespace ssm {

/// What steps take from memory that threads share, and what they leave there.
struct StageLinks {
  /// Values that are read, not computed; values that are stored.
  llvm::DenseMap<mlir::Value, const StageBuffer *> sources;
  llvm::MapVector<mlir::Value, const StageBuffer *> sinks;
  /// Outputs that a stage stores; outputs that others do.
  llvm::DenseSet<OutputOp> outputs, leftOut;
};

/// Turns the operations of one time step into operations on tiles, for one task.
class TileStep {
public:
  TileStep(RecurrenceOp recurrence, const Placement &placement, TileMemory &memory, const TileLoopsPlan &plan,
           const StageLinks *links = nullptr)
      : recurrence(recurrence), placement(placement), memory(memory), dims(memory.dimensions()), plan(plan),
        links(links), chunks(recurrence), states(getStates(recurrence)), loops(placement.loopSet(LoopPlace::Inside)),
        along(llvm::to_vector(llvm::reverse(placement.axesOf(placement.scan)))) {}

  /// Emits what does not vary in time; to be called before the loop.
  void emitInvariant(mlir::OpBuilder &builder);
  /// What is carried into the first step: the tiles of the states that stand in registers, newest past step first
  /// within a state; then, for those in buffers, the newest slot of the buffers of each number of slots.
  llvm::SmallVector<mlir::Value> emitInitial();
  /// Emits one step at time coordinate `time`, or a block of steps from there on, with what is carried into it;
  /// `scratchStep` is the step's number within its time tile. Returns what is carried on. Outputs are stored.
  llvm::SmallVector<mlir::Value> emitStep(mlir::OpBuilder &builder, mlir::Value time, mlir::Value scratchStep,
                                          mlir::ValueRange carried);
  /// Emits `count` steps one after another. What runs along time in memory is read and written for all of them at once.
  llvm::SmallVector<mlir::Value> emitSteps(mlir::OpBuilder &builder, mlir::Value time, mlir::Value number,
                                           int64_t count, mlir::ValueRange carried);
  /// As part of a stage: what does not vary in time of what it computes; and, for `count` steps from number `number` of
  /// the thread's on, everything that goes to shared memory or to outputs.
  void emitInvariantOfStage(mlir::OpBuilder &builder);
  void emitStage(mlir::OpBuilder &builder, mlir::Value time, mlir::Value number, int64_t count);
  /// Stores the final states where the caller wants them.
  void emitFinal(mlir::OpBuilder &builder, mlir::ValueRange carried);

  /// Whether an input's own tile is needed, rather than only renamed or flipped ones, which are loaded as such.
  static bool isReadPlainly(InputOp input);

private:
  /// Where tiles are emitted: before the first step, in a step, in a tile of a loop within the one before.
  struct Frame {
    mlir::OpBuilder builder;
    /// The loops that are entered so far.
    DimSet loops;
    bool inTime;
    llvm::DenseMap<mlir::Value, Tiles> tiles = llvm::DenseMap<mlir::Value, Tiles>();
  };
  /// What threads that share sums leave to the end of a group of steps, when each does it for its share of the steps.
  struct Shares {
    /// Sums and maxima, of which a step makes this thread's part alone, and what follows from them elementwise.
    llvm::SetVector<mlir::Operation *> sums;
    llvm::DenseSet<mlir::Operation *> late;
    llvm::SmallVector<OutputOp> outputs;
    llvm::SmallVector<mlir::Value> sinks;
    DimSet reduced;
    bool leaves(mlir::Operation *op) const { return late.contains(op); }
  };
  /// Steps that are emitted one after another.
  struct Group {
    mlir::OpBuilder builder;
    /// How many, and which of them now.
    int64_t count, step;
    /// The time coordinate of the first, and its number within the time tile.
    mlir::Value time, number;
    /// What has been read for all of them, in the order of memory along the last axis; and what is to be written so, a
    /// tile a step.
    llvm::DenseMap<mlir::Value, Tiles> read = llvm::DenseMap<mlir::Value, Tiles>();
    llvm::MapVector<unsigned, llvm::SmallVector<mlir::Value>> written =
        llvm::MapVector<unsigned, llvm::SmallVector<mlir::Value>>();
    llvm::MapVector<mlir::Value, llvm::SmallVector<mlir::Value>> staged =
        llvm::MapVector<mlir::Value, llvm::SmallVector<mlir::Value>>();
    Shares shares = Shares();
    /// This thread's parts of the shared sums, a tile a step.
    llvm::MapVector<mlir::Operation *, llvm::SmallVector<mlir::Value>> parts =
        llvm::MapVector<mlir::Operation *, llvm::SmallVector<mlir::Value>>();
  };
  /// A sum over loops while its phase runs.
  struct RunningSum {
    mlir::Operation *op;
    /// How many loops of the phase stand around its accumulator.
    size_t level;
    /// What the tiles so far have come to, element by element; none yet where empty.
    Tiles tiles;
  };

  /// The tiles of a value, emitted at the outermost frame that has its loops, if they are not there yet.
  Tiles get(mlir::Value value);
  Tiles emit(mlir::OpBuilder &builder, mlir::Operation &op);
  Tiles emitElementwise(mlir::OpBuilder &builder, mlir::Operation &op);
  Tiles emitConstant(mlir::OpBuilder &builder, mlir::Operation &op);
  Tiles emitReduction(mlir::OpBuilder &builder, mlir::Operation &op, const Tiles &values);
  Tiles emitMove(mlir::OpBuilder &builder, mlir::Value value, llvm::StringRef from, llvm::StringRef to, bool reversed);
  Tiles emitDelay(mlir::OpBuilder &builder, DelayOp delay);
  Tiles emitInput(mlir::OpBuilder &builder, mlir::Value value);
  Tiles emitView(mlir::OpBuilder &builder, mlir::Value value);
  mlir::Value coordinates(mlir::OpBuilder &builder, unsigned dim);
  mlir::Value offsets(mlir::OpBuilder &builder, unsigned dim, bool ascending);
  mlir::Value asTile(mlir::OpBuilder &builder, mlir::Value scalar);
  mlir::Value broadcast(mlir::OpBuilder &builder, mlir::Value tile, llvm::ArrayRef<int64_t> shape);
  Tiles stretch(mlir::OpBuilder &builder, const Tiles &tiles, DimSet set);
  mlir::Value zeros(mlir::OpBuilder &builder, mlir::VectorType type);

  // Steps together: TileCopies.cpp.
  Tiles readOfGroup(mlir::OpBuilder &builder, mlir::Value key, llvm::function_ref<Tiles(mlir::OpBuilder &)> read);
  mlir::Value partOfSteps(mlir::OpBuilder &builder, mlir::Value tile);
  bool readsTogether(mlir::Value value);
  bool writesTogether(unsigned output);
  mlir::Value joinSteps(mlir::OpBuilder &builder, llvm::ArrayRef<mlir::Value> tiles);
  void writeGroup(mlir::OpBuilder &builder);
  // Sums that threads share out: TileShares.cpp.
  struct LeftOut {
    llvm::DenseSet<mlir::Operation *> left, unneeded;
  };
  /// Levels of the threads that share sums; the steps of each one's share, and how many hold the same one.
  struct Sharers {
    llvm::SmallVector<PeerLevel> lanes, warps;
    int64_t share = 1, holders = 1;
  };
  Shares findShares(int64_t count);
  LeftOut mayLeave(DimSet reduced);
  void keepWhole(LeftOut &out);
  bool mayShare(mlir::Operation &op, DimSet reduced);
  DimSet sharedDims(mlir::Operation &op);
  void collectShares();
  Sharers sharersOf(DimSet reduced) const;
  llvm::MapVector<mlir::Operation *, mlir::Value> joinShares(mlir::OpBuilder &builder, const Sharers &sharers);
  void enterShare(mlir::OpBuilder &builder, const Sharers &sharers, DimSet reduced);
  void emitShares(mlir::OpBuilder &builder);
  // Stages: TileStaged.cpp.
  const StageBuffer *sourceOf(mlir::Value value) const { return links ? links->sources.lookup(value) : nullptr; }
  bool leavesParts(mlir::Value value) const;
  mlir::Value joinParts(mlir::OpBuilder &builder, mlir::Value value, const StageBuffer &buffer,
                        llvm::function_ref<mlir::Value(int64_t)> read);
  Tiles readStaged(mlir::OpBuilder &builder, mlir::Value value, const StageBuffer &buffer);
  void collectStaged(mlir::OpBuilder &builder);
  void writeStaged(mlir::OpBuilder &builder);
  bool moveAsStored(mlir::OpBuilder &builder, mlir::Value value, const StageBuffer &buffer);
  bool moveAsStored(mlir::OpBuilder &builder, OutputOp output);
  void needInvariant(mlir::Value value, llvm::DenseSet<mlir::Value> &seen);

  // States.
  Tiles choose(mlir::OpBuilder &builder, mlir::Value condition, llvm::function_ref<Tiles(mlir::OpBuilder &)> yes,
               llvm::function_ref<Tiles(mlir::OpBuilder &)> no);
  Tiles emitBeforeStart(mlir::OpBuilder &builder, const State &state, int64_t back, const Tiles &fallback);
  Tiles emitBeforeChunk(mlir::OpBuilder &builder, const State &state, int64_t back, const Tiles &fallback);
  llvm::SmallVector<Tiles> emitStart(mlir::OpBuilder &builder, const State &state, const PhaseRoot &root);
  void emitAt(mlir::OpBuilder &builder, mlir::ValueRange carried);
  mlir::Value storesFinal(mlir::OpBuilder &builder, unsigned tensor);
  void bindCarried(mlir::ValueRange carried);
  /// A state `back` steps ago.
  Tiles emitPast(mlir::OpBuilder &builder, llvm::StringRef state, int64_t back);

  // Streams and blocks of steps: TileBlocks.cpp.
  bool inBlocks() const { return placement.blockSteps() > 1; }
  llvm::SmallVector<int64_t> peersOf(unsigned dim) const;
  mlir::Value stepsLeftHere(mlir::OpBuilder &builder);
  mlir::Value fromThread(mlir::OpBuilder &builder, mlir::Value tile, int64_t place);
  DimSet overSteps(LayoutAttr layout) { return dims.of(layout).with(dims.scan()); }
  llvm::ArrayRef<Tiles> pastOf(llvm::StringRef state) { return past[state]; }
  void emitScan(mlir::OpBuilder &builder, ScanOp scan, llvm::DenseMap<mlir::Value, Tiles> &tiles);
  llvm::SmallVector<int64_t> axesOfNames(std::optional<mlir::ArrayAttr> names);
  Tiles emitPrevious(mlir::OpBuilder &builder, PreviousOp previous);
  Tiles emitBefore(mlir::OpBuilder &builder, BeforeOp before);
  Tiles emitEarlier(mlir::OpBuilder &builder, const Tiles &values, llvm::ArrayRef<Tiles> before, int64_t back);
  Tiles emitAfterBlock(mlir::OpBuilder &builder, const State &state, int64_t back);
  Tiles emitLast(mlir::OpBuilder &builder, const Tiles &values, llvm::ArrayRef<Tiles> before, int64_t back,
                 mlir::Value count);
  Tiles nextTiles(const State &state);

  // Phases: TileLoops.cpp.
  void emitAll(bool inTime);
  void emitPhase(const Phase &phase);
  void emitLevel(const Phase &phase, llvm::ArrayRef<unsigned> nest, size_t level,
                 llvm::MutableArrayRef<RunningSum> sums);
  void emitBody(const Phase &phase, llvm::MutableArrayRef<RunningSum> sums);
  void emitRoot(mlir::OpBuilder &builder, const PhaseRoot &root);
  void emitOutput(mlir::OpBuilder &builder, OutputOp output);
  size_t levelOf(mlir::Operation *sum, llvm::ArrayRef<unsigned> nest);
  void finish(RunningSum &sum, llvm::ArrayRef<unsigned> nest);
  Tiles neutral(mlir::OpBuilder &builder, mlir::Operation *sum);
  mlir::Value combine(mlir::OpBuilder &builder, mlir::Operation *sum, mlir::Value a, mlir::Value b);
  Tiles maskSummed(mlir::OpBuilder &builder, mlir::Operation *sum, const Tiles &tiles);
  void keep(const PhaseRoot &root);
  Tiles loadKept(mlir::OpBuilder &builder, const TileBuffer &buffer);
  Tiles loadMoved(mlir::OpBuilder &builder, mlir::Value value);
  mlir::Value slotOf(mlir::OpBuilder &builder, const TileBuffer &buffer, int64_t back);
  mlir::Value slotBefore(mlir::OpBuilder &builder, int64_t slots);

  RecurrenceOp recurrence;
  const Placement &placement;
  TileMemory &memory;
  const DimensionAnalysis &dims;
  const TileLoopsPlan &plan;
  const StageLinks *links;
  ChunkRole chunks;
  llvm::SmallVector<State> states;
  /// Dimensions on loops inside the one over time.
  DimSet loops;
  /// The axes of the steps of a block, the fastest last.
  llvm::SmallVector<int64_t> along;
  std::deque<Frame> frames;
  /// Tiles of the past steps of each state in registers, newest first.
  llvm::StringMap<llvm::SmallVector<Tiles>> past;
  /// The slot of the last step, and of the one that is being computed, by the number of slots.
  llvm::DenseMap<int64_t, mlir::Value> newest, fresh;
  struct Kept {
    const TileBuffer *buffer;
    /// Whether it is there for this step alone.
    bool inTime;
  };
  /// Values that a phase which is over has left in a buffer.
  llvm::MapVector<mlir::Value, Kept> kept;
  mlir::Value time, scratchStep;
  std::optional<Group> group;
};

} // namespace ssm

#endif
