#ifndef SSM_SCHEDULE_PLACEMENT_H
#define SSM_SCHEDULE_PLACEMENT_H

#include "dialect/DimensionAnalysis.h"
#include "schedule/Schedule.h"
#include "llvm/ADT/StringSet.h"

namespace ssm {

/// What a schedule needs to know of the machine.
struct Target {
  bool gpu = false;
  /// Bytes of a SIMD register, and how many there are (CPU).
  int64_t vectorBytes = 64;
  int64_t vectorRegisters = 32;
  /// Cores that tasks may run on; 0 where that is not known.
  int64_t cores = 0;
  /// The compute capability of a GPU (sm_80 is 80); 0 where that is not known.
  unsigned capability = 0;
  /// Whether a default schedule may cut time into chunks over the grid.
  bool cutsTime = true;
};

/// Sizes that are likely at launch; they steer defaults and never correctness. By dimension name.
using SizeHints = llvm::StringMap<int64_t>;

/// One axis of a register tile: index i along it adds i·step to the coordinate of `dim`.
struct TileAxis {
  /// Position of the dimension in the recurrence; nothing for a lane axis without lanes.
  std::optional<unsigned> dim;
  int64_t extent = 1;
  int64_t step = 1;
};

/// Whether a task runs over a dimension's tiles one after another, and on which side of the loop over the scanned
/// dimension.
enum class LoopPlace { None, Outside, Inside };

/// Where one dimension is.
struct DimPlace {
  bool grid = false;
  LoopPlace loop = LoopPlace::None;
  int64_t threads = 1, lanes = 1, regs = 1;
  /// Of the scanned dimension on a GPU: steps that a thread runs one after another in a turn of its loop, each with the
  /// code of its own; what runs along time in memory is read and written for all of them at once.
  int64_t copies = 1;
  /// Lanes of a warp, which are threads of their own with a tile each; `lanes` are elements of one.
  int64_t warpLanes = 1;
  /// With both grid and loop: coordinates that one task loops over.
  int64_t gridTile = 0;
  /// On the grid, on threads or on a loop outside the scanned dimension's, and some result lacks it: that result is
  /// computed even where the dimension is empty, by a task that holds nothing of it.
  bool runsEmpty = false;
  /// Coordinates that one task, or one thread, holds in its tile; of the scanned dimension, steps of a block or copies.
  int64_t tile() const { return lanes * regs * copies; }
  /// Threads of a block that a tile of the dimension is spread over.
  int64_t parts() const { return threads * warpLanes; }
  /// Coordinates of the tile of a task or block.
  int64_t extent() const { return parts() * tile(); }
  /// Coordinates that one task or block covers of a dimension on the grid.
  int64_t span() const { return gridTile ? gridTile : extent(); }
  /// Parts that the grid cuts a size into; 1 where the dimension is not on it.
  int64_t gridTiles(int64_t size) const;
};

/// Threads of a block that hold consecutive parts of a dimension: so many, this far apart in the block's numbering.
struct PeerLevel {
  static constexpr int64_t warpSize = 32;
  int64_t count, stride;
  /// Whether they are lanes of one warp; their count is a power of two then.
  bool inWarp() const { return warpSize % (count * stride) == 0; }
};

/// Names one element of a dimension's tile. On a GPU, `thread` counts lanes of warps as well.
struct TileElement {
  int64_t task = 0, thread = 0, lane = 0, reg = 0;
  /// Which tile of the dimension's loop.
  int64_t turn = 0;
};

/// Bytes of the widest access of a GPU's thread.
constexpr int64_t widestAccess = 16;

/// A schedule joined with a recurrence: every dimension has its place, and tiles have their axes.
struct Placement {
  /// By position of the dimension in the recurrence.
  llvm::SmallVector<DimPlace> places;
  /// Axes of every tile: register axes in order of declaration, then the lanes.
  llvm::SmallVector<TileAxis> axes;
  /// Steps of a time tile that staged tensors are copied for.
  int64_t timeTile = 1;
  /// Steps of a chunk of the scanned dimension that is a task of its own; 0 where one task runs all steps.
  int64_t chunk = 0;
  /// One kernel runs the chunks, each after its predecessor's states are there (GPU); else several kernels do, one
  /// after another.
  bool inTicketOrder = false;
  /// Position of the scanned dimension.
  unsigned scan = 0;
  bool stagedLoads = false, stagedStores = false;
  /// What `load(…)` and `store(…)` say of single tensors.
  llvm::StringMap<bool> stagedNames;
  /// What lacks a dimension that threads share is computed once for all of them, when a time tile is staged (GPU); and
  /// the outputs of which what follows the sums over threads is.
  bool stagesFree = false;
  llvm::StringSet<> storesApart;
  bool loadsStaged(llvm::StringRef input) const { return lookup(stagedNames, input, stagedLoads); }
  bool storesStaged(llvm::StringRef output) const { return lookup(stagedNames, output, stagedStores); }
  /// Whether a block's threads hand each other parts of time tiles through shared memory (GPU).
  bool stagesBlocks = false;
  /// Bytes of the widest access of several steps at once that a GPU's thread makes.
  int64_t accessBytes = widestAccess;
  /// Bytes between rows of staged values; nothing: so many that threads meet other banks.
  std::optional<int64_t> padding;
  /// With asynchronous copies of the staged inputs: time tiles that are there or on their way. 0 where threads load
  /// them.
  int64_t copyStages = 0;
  /// Threads load what they put into shared memory a time tile ahead, into registers.
  bool loadsAhead = false;
  /// Blocks that have to fit on a multiprocessor; 0 where the schedule does not say.
  int64_t residentBlocks = 0;
  /// Of each sixteen exponentials that stand together, how many are polynomials rather than special functions; nothing
  /// where the schedule does not say.
  std::optional<int64_t> polynomials;
  static constexpr int64_t allPolynomials = 16;
  /// Positions of the dimensions as the schedule names them; then the scanned one and the others, where not named.
  llvm::SmallVector<unsigned> order;
  /// Steps that a task runs at once, on lanes and registers; 1 where it runs one after another.
  int64_t blockSteps() const { return copies() > 1 ? 1 : places[scan].extent(); }
  /// Steps in a turn of the loop over steps, each with the code of its own.
  int64_t copies() const { return places[scan].copies; }
  /// Threads of a block; 1 on a CPU.
  int64_t threads() const;
  /// How the threads that share a dimension find each other, innermost first: its place among them is a number whose
  /// digits are the places on the levels.
  llvm::SmallVector<PeerLevel> peersOf(unsigned dim) const;
  /// Dimensions spread over threads that have to hand each other values: all threads run all steps then.
  DimSet exchanged;

  /// The axes of a dimension, registers before lanes.
  llvm::SmallVector<int64_t> axesOf(unsigned dim) const;
  /// The dimensions on a loop outside or inside the scanned one's, outermost first.
  llvm::SmallVector<unsigned> loops(LoopPlace place) const;
  DimSet loopSet(LoopPlace place) const;

  /// The coordinate along `dim`, not the scanned one, of an element: tasks and threads are numbered over all dimensions
  /// of `sizes` (by position), and the lane and the register are the dimension's own. It may lie past the end.
  int64_t coordinate(unsigned dim, llvm::ArrayRef<int64_t> sizes, const TileElement &element) const;

private:
  static bool lookup(const llvm::StringMap<bool> &of, llvm::StringRef name, bool otherwise) {
    auto it = of.find(name);
    return it == of.end() ? otherwise : it->second;
  }
};

/// Dimensions along which computed values are renamed or flipped, or delayed as taps.
DimSet dimsMovedAlong(RecurrenceOp recurrence, const DimensionAnalysis &dims);

/// Dimensions of which each task must hold all coordinates: those that a sum, maximum or mean runs over, that a rename
/// or flip of a computed value moves along, and the taps of delays.
DimSet dimsHeldWhole(RecurrenceOp recurrence, const DimensionAnalysis &dims);

/// Steps of a chunk where the scanned dimension is on the grid; nothing where it is not.
std::optional<int64_t> chunkSteps(const Schedule &schedule, llvm::StringRef scanned);

/// Whether chunks are one kernel's, in ticket order: on a GPU, unless the schedule says `scan=passes`.
bool runsInTicketOrder(const Schedule &schedule, llvm::StringRef scanned, const Target &target);

/// How many steps run as one of another recurrence, one after another: where the scanned dimension is on registers, and
/// a state's dimension on a loop inside its own. Nothing where it is not so.
std::optional<int64_t> blockedSteps(RecurrenceOp recurrence, const Schedule &schedule, const Target &target);
/// The schedule of the recurrence that runs `steps` steps as one, or with 1 of what is left of them.
Schedule scheduleOfBlocks(const Schedule &schedule, llvm::StringRef scanned, int64_t steps);

/// What to write in place of a schedule whose steps the states do not allow: a loop over them, which any state has, and
/// the dimensions that may be spread over tasks and lanes instead.
std::string adviseLoop(RecurrenceOp recurrence);

/// Whether the scanned dimension is on lanes or registers, so that states have to be scans. On a GPU, registers alone
/// are steps one after another.
bool runsStepsAtOnce(const Schedule &schedule, llvm::StringRef scanned, const Target &target);
/// Fails where steps of the (not yet linearized) recurrence cannot run at once, and says why.
llvm::Error checkLanes(RecurrenceOp recurrence);

/// Joins a schedule with a specialized recurrence, or says why it is not legal: an unknown dimension, a level that no
/// pass implements for this kind of dimension, a size that must be known when compiling, tiles or blocks that are too
/// large.
llvm::Expected<Placement> placeSchedule(RecurrenceOp recurrence, const Schedule &schedule, const Target &target);

/// The schedule taken without `--schedule`, by rules from structure, sizes and target (see DefaultSchedule.cpp). Fails
/// where a size that it needs is not known.
llvm::Expected<Schedule> defaultSchedule(RecurrenceOp recurrence, const Target &target, const SizeHints &hints);

/// Steps that a GPU's thread moves at once of tensors whose memory runs along time, where they are staged: as many as
/// the widest access has of the narrowest.
int64_t stagedSteps(RecurrenceOp recurrence, const Placement &placement);

/// The `dim` of name's whole extent, or an error that says that it has to be known and how to give it.
llvm::Expected<int64_t> requireSize(RecurrenceOp recurrence, llvm::StringRef dim, llvm::StringRef why);

} // namespace ssm

#endif
