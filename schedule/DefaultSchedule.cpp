// The default schedule, by rules. perf-notes' arithmetic in short: the state must stay in registers, SIMD lanes must be
// full, and a sum over lanes costs a tree a step.
//
// CPU: every candidate for the lanes gets a cost, which is the inverse of how full the lanes are, times a penalty where
// the states overflow the registers, plus the price of summing or moving across lanes. The cheapest wins; registers
// that are left take more coordinates of the lanes' dimension, or several of another one where lanes are summed over.
// Matrix states, which fit neither way, stand in a task's memory: rows along a parallel dimension, a loop over those
// that are summed over. So do those of elementwise steps along which memory runs, if a core's share of a step's row is
// half a page or more: a stream is read in order.
//
// GPU: blocks of 128 threads over the widest parallel dimension, so that a thread keeps its states in registers and
// sums alone. Where these are too many registers, or threads do not fill the device, the largest dimension that is
// summed over is spread over lanes of a warp, at a shuffle for each doubling; states that are too many registers even
// so stand in local memory. Where threads do not fill the device, time is cut into chunks over the grid, at twice the
// work.

#include "dialect/MatrixStates.h"
#include "dialect/RowPlan.h"
#include "schedule/DefaultReasons.h"
#include "schedule/Placement.h"
#include "schedule/ScannedTensors.h"

using namespace mlir;
using namespace ssm;
using llvm::Expected;

namespace {
/// Vector registers that states may not fill: one row's temporaries, and the constants of exp.
constexpr double otherRegisters = 14;
constexpr double spillPenalty = 0.5;
constexpr double lanePrice = 0.25;
/// Bytes of scratch that all staged tensors of a time tile may take: well inside an L1 cache.
constexpr int64_t scratchBytes = 16 << 10;
/// A state is a matrix if this many vectors, or more, are summed over.
constexpr int64_t manyElements = 4;
/// What a task should keep of matrix states, inside an L1 cache, and the most that it may, inside an L2 cache.
constexpr int64_t matrixBytes = 32 << 10, mostMatrixBytes = 512 << 10;
constexpr int64_t matrixSteps = 16;
/// Steps that run as one, at most: what they sum of each other grows with the square of their number. Rows of a tile
/// then, whose accumulators are independent enough to fill the time of a multiplication.
constexpr int64_t stepsTogether = 4, rowsTogether = 2;
/// Rows that share what is loaded.
constexpr int64_t maxRows = 4;
/// Elementwise steps want long pieces of memory at each.
constexpr int64_t maxRowsOfLanes = 8;
/// Pieces of memory that are worth reading in order: half a page, with which a processor sees the pattern in time.
constexpr int64_t streamBytes = 2 << 10;
/// Registers of a thread for what it keeps from step to step; a step's own values and addresses take as many.
constexpr int64_t keptRegisters = 96;
constexpr int64_t warpLanes = 32, blockThreads = 128;
/// Threads wanted on one core of a GPU, to hide latencies: about 8 warps. Lanes double their number, so that from 6 on
/// no more are taken.
constexpr int64_t threadsPerCore = 6 * warpLanes;
/// Where time tiles are staged, two lanes are better than one up to 16 warps on a core: the registers of a state are
/// half as many, so that there are twice the warps. More lanes take more of shared memory's time, and are taken up to 3
/// warps; beyond a few of them, chunks of time are better. Measured on an H100 (bench/results).
constexpr int64_t warpsStaged = 16, warpsSplit = 3, lanesBeforeChunks = 4;
/// Steps of a staged time tile, and of them those that a thread reads and writes at once.
constexpr int64_t stagedTile = 32, stagedCopies = 8;
/// Bytes of them that leave room for another block on a multiprocessor.
constexpr int64_t mostStagedBytes = 96 << 10;
/// Cutting time doubles the work, so it has to bring several times the threads; and chunks' own costs need steps.
constexpr int64_t fewestChunks = 4, fewestChunkSteps = 512;
/// Tiles of the lanes' dimension that a task of a row has.
constexpr int64_t tilesOfRow = 32;
/// Tiles of the lanes' dimension that should be left for the cores.
constexpr int64_t fewestTasks = 4;

class DefaultScheduler {
public:
  DefaultScheduler(RecurrenceOp recurrence, const Target &target, const SizeHints &hints)
      : recurrence(recurrence), target(target), hints(hints), dims(recurrence), held(dimsHeldWhole(recurrence, dims)),
        rows(recurrence), states(getStates(recurrence)) {
    if (rows)
      rowDim = dims.number(rows.dim());
    for (auto delay : recurrence.getBody().front().getOps<DelayOp>())
      taps = taps | dims.of(delay.getTap());
    // What does not vary in time is computed before the loop, in f64; the loop decides.
    for (Operation &op : recurrence.getBody().front())
      for (Value value : op.getResults())
        if (auto complex = dyn_cast<ComplexType>(value.getType());
            dims.variesInTime(value) && (value.getType().isF64() || (complex && complex.getElementType().isF64())))
          elementBytes = 8;
  }

  Expected<Schedule> build() {
    for (unsigned dim = 0; dim < dims.count(); ++dim)
      if (held.contains(dim)) {
        Expected<int64_t> size = requireSize(recurrence, dims.name(dim), "it is summed over or moved along on chip");
        if (!size)
          return size.takeError();
      }
    return target.gpu ? buildGpu(stagesOnGpu()) : buildCpu();
  }

  /// Why a GPU's schedule is what it is.
  GpuReasons reasons;

private:
  /// Whether nothing of a dimension may be beside the rest in a tile: steps, and rows, of which a task has one at a
  /// time.
  bool isAlone(unsigned dim) { return dim == dims.scan() || dim == rowDim; }

  std::optional<int64_t> sizeOf(unsigned dim) {
    if (std::optional<int64_t> size = recurrence.sizeOf(dims.name(dim)))
      return size;
    auto it = hints.find(recurrence.extentOf(dims.name(dim)));
    return it == hints.end() ? std::nullopt : std::optional(it->second);
  }

  /// How much of the lanes a dimension fills.
  double fullness(unsigned dim, int64_t lanes) {
    std::optional<int64_t> size = sizeOf(dim);
    if (!size)
      return 1;
    int64_t padded = llvm::divideCeil(std::max<int64_t>(*size, 1), lanes) * lanes;
    return std::max<double>(*size, 1) / padded;
  }

  /// Vector registers that all states of one tile take, with `laneDim` on the lanes.
  double stateRegisters(std::optional<unsigned> laneDim, int64_t lanes) {
    double sum = 0;
    for (const State &state : states) {
      double count = (isa<ComplexType>(state.type) ? 2 : 1) * std::max<int64_t>(state.depth, 0);
      DimSet set = dims.of(state.layout) & held;
      for (unsigned dim = 0; dim < dims.count(); ++dim)
        if (set.contains(dim))
          count *= dim == laneDim ? llvm::divideCeil(*sizeOf(dim), lanes) : std::max<int64_t>(*sizeOf(dim), 1);
      sum += count;
    }
    return sum;
  }

  bool isMovedAlong(unsigned dim) {
    for (Operation &op : recurrence.getBody().front()) {
      if (auto rename = dyn_cast<RenameOp>(op);
          rename && (rename.getFrom() == dims.name(dim) || rename.getTo() == dims.name(dim)))
        return true;
      if (auto flip = dyn_cast<FlipOp>(op); flip && flip.getDim() == dims.name(dim))
        return true;
      if (auto delay = dyn_cast<DelayOp>(op); delay && delay.getTap() == dims.name(dim))
        return true;
    }
    return false;
  }

  /// How good a parallel dimension is to run along, sizes aside: it should be one of every state, contiguous in what is
  /// read and written at each step, and not the slow part of a composite axis, which tends to be small.
  double weight(unsigned dim) {
    double ofStates = 0, contiguous = 0, tensors = 0, slowPart = 0;
    for (const State &state : states)
      ofStates += dims.of(state.layout).contains(dim);
    for (Operation &op : recurrence.getBody().front()) {
      LayoutAttr layout;
      if (auto input = dyn_cast<InputOp>(op))
        layout = input.getLayout();
      else if (auto output = dyn_cast<OutputOp>(op))
        layout = output.getLayout();
      if (!layout || !layout.getRank() || !dims.of(layout).contains(dims.scan()))
        continue;
      ++tensors;
      contiguous += layout.getDims().back() == dims.name(dim);
      for (unsigned axis = 0; axis < layout.getRank(); ++axis)
        if (llvm::is_contained(ArrayRef(layout.getAxis(axis)).drop_back(), dims.name(dim)))
          slowPart = 1;
    }
    return ofStates / std::max<double>(1, states.size()) + 0.5 * contiguous / std::max(1.0, tensors) - slowPart;
  }

  double cost(unsigned dim, int64_t lanes) {
    double spill = stateRegisters(dim, lanes) > target.vectorRegisters - otherRegisters ? 1 + spillPenalty : 1;
    double price = held.contains(dim) ? lanePrice : 0;
    if (isMovedAlong(dim))
      price += 1;
    return spill * (1 + price) / fullness(dim, lanes) - 0.1 * weight(dim);
  }

  std::optional<unsigned> chooseLanes(int64_t lanes) {
    std::optional<unsigned> best;
    for (unsigned dim = 0; dim < dims.count(); ++dim)
      if (!isAlone(dim) && !taps.contains(dim) && (!best || cost(dim, lanes) <= cost(*best, lanes)))
        best = dim;
    return best;
  }

  /// Elements of the dimensions held whole that one state has, of the largest state.
  int64_t heldElements() {
    int64_t most = 0;
    for (const State &state : states) {
      int64_t count = state.depth > 0;
      for (unsigned dim = 0; dim < dims.count(); ++dim)
        if ((dims.of(state.layout) & held).contains(dim))
          count *= std::max<int64_t>(*sizeOf(dim), 1);
      most = std::max(most, count);
    }
    return most;
  }

  /// The parallel dimension along which matrix states are best cut into rows: one of each state with held dimensions.
  std::optional<unsigned> chooseRows(int64_t lanes) {
    std::optional<unsigned> best;
    for (unsigned dim = 0; dim < dims.count(); ++dim) {
      if (isAlone(dim) || held.contains(dim) || sizeOf(dim).value_or(lanes) < lanes)
        continue;
      bool isOfAll = llvm::all_of(states, [&](const State &state) {
        DimSet set = dims.of(state.layout);
        return (set & held).empty() || set.contains(dim);
      });
      if (isOfAll && (!best || weight(dim) * fullness(dim, lanes) >= weight(*best) * fullness(*best, lanes)))
        best = dim;
    }
    return best;
  }

  /// Whether every matrix is read in sums and updated by products, so that a row is loaded and stored once for several
  /// steps, and what a step reads of those before it in the block are a few numbers.
  bool readsInBlocks(unsigned rows) {
    std::vector<MatrixState> found = findMatrixStates(recurrence, dims);
    return llvm::all_of(states, [&](const State &state) {
      if (state.depth != 1)
        return false;
      DimSet set = dims.of(state.layout);
      if (!set.contains(rows) || (set & held).empty())
        return true;
      return llvm::any_of(
          found, [&](const MatrixState &matrix) { return matrix.name == state.name && matrix.rows.contains(rows); });
    });
  }

  /// The rest of a schedule of a few steps: most of their time is the states' way from memory and back, which goes in
  /// whole pieces where registers run along it.
  Schedule addMatrixOfStep(Schedule schedule, int64_t lanes) {
    schedule.dims.push_back({dims.name(dims.scan()).str(), {{Level::Loop, std::nullopt}}});
    for (unsigned dim = 0; dim < dims.count(); ++dim)
      if (held.contains(dim)) {
        bool isContiguous =
            llvm::any_of(states, [&](const State &state) { return state.layout.getDims().back() == dims.name(dim); });
        int64_t regs = isContiguous && sizeOf(dim).value_or(lanes) % lanes == 0 ? lanes : 1;
        schedule.dims.push_back({dims.name(dim).str(), {{Level::Loop, std::nullopt}, {Level::Reg, regs}}});
      }
    return schedule;
  }

  /// With many elements a row, a sum over lanes costs more than the rest, and states of few rows overflow the
  /// registers: a loop over the summed dimensions, with a few rows at each turn, loads and stores each element once a
  /// step.
  std::optional<Schedule> buildForMatrices(int64_t lanes) {
    int64_t elements = heldElements();
    for (unsigned dim = 0; dim < dims.count(); ++dim)
      if (held.contains(dim) && isMovedAlong(dim))
        return std::nullopt;
    std::optional<unsigned> along = chooseRows(lanes);
    if (elements < manyElements * lanes || !along)
      return std::nullopt;
    int64_t regs = rows.isInPlace() ? 1 : maxRows;
    while (regs > 1 && (sizeOf(*along).value_or(regs * lanes) < regs * lanes ||
                        elements * regs * lanes * elementBytes > matrixBytes))
      regs /= 2;
    if (elements * regs * lanes * elementBytes > mostMatrixBytes)
      return std::nullopt;
    bool isBlocked = !rows.isInPlace() && !rowDim && readsInBlocks(*along);
    // Steps at once share sums over the held dimensions: tiles of a short row follow inside a block of steps.
    int64_t tile = std::min(regs, rowsTogether) * lanes, size = sizeOf(*along).value_or(0);
    bool isInside = isBlocked && recurrence.sizeOf(dims.name(*along)) && size > tile && size <= tile * maxRows &&
                    elements * size * elementBytes <= matrixBytes;
    if (isInside)
      regs = std::min(regs, rowsTogether);
    int64_t steps = isBlocked ? stepsAtOnce(regs) : 1;
    DimPlacement row{dims.name(*along).str(),
                     {{isInside ? Level::Loop : Level::Grid, std::nullopt}, {Level::Lane, lanes}}};
    if (regs > 1)
      row.levels.push_back({Level::Reg, regs});
    Schedule schedule;
    for (unsigned dim = 0; dim < dims.count(); ++dim)
      if (dim == *along && !isInside)
        schedule.dims.push_back(row);
      else if (dim != *along && dim != dims.scan() && !held.contains(dim))
        schedule.dims.push_back({dims.name(dim).str(), {{Level::Grid, std::nullopt}}});
    if (rows.isInPlace())
      return addMatrixOfStep(schedule, lanes);
    schedule.dims.push_back({dims.name(dims.scan()).str(), {{Level::Loop, llvm::alignTo(matrixSteps, steps)}}});
    if (steps > 1)
      schedule.dims.back().levels.push_back({Level::Reg, steps});
    if (isInside)
      schedule.dims.push_back(row);
    for (unsigned dim = 0; dim < dims.count(); ++dim)
      if (held.contains(dim))
        schedule.dims.push_back({dims.name(dim).str(), {{Level::Loop, std::nullopt}, {Level::Reg, 1}}});
    schedule.knobs = {{"load", {}, "staged"}, {"store", {}, "staged"}};
    return schedule;
  }

  /// A row of each step's sum and product, and of the state, are in registers together. Each task adds up the sums
  /// of its steps anew, so tasks of many rows take few.
  int64_t stepsAtOnce(int64_t regs) {
    int64_t steps = regs > rowsTogether ? stepsTogether / 2 : stepsTogether;
    while (steps > 1 && regs * (2 * steps + 1) > target.vectorRegisters)
      --steps;
    return steps;
  }

  /// Rows of the lanes' dimension at once: as many as registers take, as long as some tasks are left.
  int64_t rowsOfLanes(unsigned dim, int64_t lanes, int64_t left) {
    int64_t rows = 1;
    while (rows * 2 <= std::min(left, maxRowsOfLanes) &&
           sizeOf(dim).value_or(lanes * fewestTasks * maxRows) >= rows * 2 * lanes * fewestTasks)
      rows *= 2;
    return rows;
  }

  /// Whether all that varies in time has its memory along `dim`, and nothing is remembered for longer than a step.
  bool streamsAlong(unsigned dim) {
    for (Operation &op : recurrence.getBody().front()) {
      LayoutAttr layout;
      if (auto input = dyn_cast<InputOp>(op))
        layout = input.getLayout();
      else if (auto output = dyn_cast<OutputOp>(op))
        layout = output.getLayout();
      if (layout && dims.of(layout).contains(dims.scan()) && dims.of(layout).contains(dim) &&
          layout.getDims().back() != dims.name(dim))
        return false;
    }
    return llvm::all_of(states, [](const State &state) { return state.depth == 1; });
  }

  /// Elementwise steps wait for memory, which is fastest in long pieces one after another: a core's share of all
  /// coordinates at each step, its states in an L1 cache, rather than all steps for a few lines of each row.
  std::optional<Schedule> buildForStreams(int64_t lanes) {
    std::optional<unsigned> along;
    int64_t others = 1;
    for (unsigned dim = 0; dim < dims.count(); ++dim)
      if (!isAlone(dim) && streamsAlong(dim) && (!along || weight(dim) >= weight(*along)))
        along = dim;
    if (!held.empty() || target.cores == 0 || !along || !sizeOf(*along))
      return std::nullopt;
    for (unsigned dim = 0; dim < dims.count(); ++dim)
      if (dim != dims.scan() && dim != along)
        others *= std::max<int64_t>(sizeOf(dim).value_or(1), 1);
    int64_t tile = lanes * maxRows, parts = 1;
    auto share = [&]() -> int64_t { return llvm::divideCeil(llvm::divideCeil(*sizeOf(*along), parts), tile) * tile; };
    auto bytes = [&] { return share() * elementBytes * static_cast<int64_t>(states.size()); };
    while (share() > tile && (others * parts < target.cores || bytes() > matrixBytes))
      ++parts;
    if (share() * elementBytes < streamBytes)
      return std::nullopt;
    Schedule schedule;
    for (unsigned dim = 0; dim < dims.count(); ++dim)
      if (dim != dims.scan() && dim != along)
        schedule.dims.push_back({dims.name(dim).str(), {{Level::Grid, std::nullopt}}});
    schedule.dims.push_back({dims.name(dims.scan()).str(), {{Level::Loop, std::nullopt}}});
    schedule.dims.push_back(
        {dims.name(*along).str(),
         {{Level::Grid, share()}, {Level::Loop, std::nullopt}, {Level::Lane, lanes}, {Level::Reg, maxRows}}});
    return schedule;
  }

  /// A task of rows takes many tiles of the lanes' dimension: what it looks up of its row is for all of them. A few
  /// steps are read where they stand.
  Schedule shareRow(Schedule schedule, std::optional<unsigned> laneDim, int64_t tile) {
    for (DimPlacement &placement : schedule.dims)
      if (laneDim && placement.dim == dims.name(*laneDim) && placement.isOn(Level::Grid)) {
        placement.levels.front().count = tile * tilesOfRow;
        placement.levels.insert(placement.levels.begin() + 1, {Level::Loop, std::nullopt});
      }
    bool isShort = rows.isInPlace();
    schedule.dims.push_back(
        {dims.name(dims.scan()).str(), {{Level::Loop, isShort ? std::nullopt : std::optional<int64_t>(16)}}});
    if (!isShort)
      schedule.knobs = {{"load", {}, "staged"}, {"store", {}, "staged"}};
    return schedule;
  }

  Schedule buildCpu() {
    int64_t lanes = target.vectorBytes / elementBytes;
    if (std::optional<Schedule> schedule = buildForMatrices(lanes))
      return *schedule;
    if (std::optional<Schedule> schedule = buildForStreams(lanes))
      return *schedule;
    std::optional<unsigned> laneDim = chooseLanes(lanes);
    int64_t left = (target.vectorRegisters - otherRegisters) / std::max(1.0, stateRegisters(laneDim, lanes));
    // With a sum over lanes, several coordinates of a parallel dimension share what is loaded and overlap their trees.
    std::optional<unsigned> regDim;
    if (laneDim && held.contains(*laneDim))
      for (unsigned dim = 0; dim < dims.count(); ++dim)
        if (!isAlone(dim) && !held.contains(dim) && (!regDim || weight(dim) >= weight(*regDim)))
          regDim = dim;
    int64_t regs = 1;
    while (regs < maxRows && regs * 2 <= left && regDim && sizeOf(*regDim).value_or(regs * 2) >= regs * 2)
      regs *= 2;
    if (laneDim && !held.contains(*laneDim)) {
      regDim = laneDim;
      regs = rowsOfLanes(*laneDim, lanes, left);
    }

    Schedule schedule;
    int64_t rowElements = 0;
    for (unsigned dim = 0; dim < dims.count(); ++dim) {
      DimPlacement placement{dims.name(dim).str(), {}};
      if (dim == dims.scan())
        continue;
      if (!held.contains(dim))
        placement.levels.push_back({Level::Grid, std::nullopt});
      if (dim == laneDim)
        placement.levels.push_back({Level::Lane, lanes});
      int64_t count = held.contains(dim) ? llvm::divideCeil(*sizeOf(dim), dim == laneDim ? lanes : 1)
                      : dim == regDim    ? regs
                                         : 1;
      if (count > 1 || placement.levels.empty())
        placement.levels.push_back({Level::Reg, std::max<int64_t>(count, 1)});
      rowElements = std::max<int64_t>(rowElements, std::max<int64_t>(count, 1) * (dim == laneDim ? lanes : 1));
      schedule.dims.push_back(placement);
    }
    if (rowDim)
      return shareRow(schedule, laneDim, regs * lanes);
    int64_t timeTile = 64;
    while (timeTile > 16 && timeTile * rowElements * elementBytes * 6 > scratchBytes)
      timeTile /= 2;
    schedule.dims.push_back({dims.name(dims.scan()).str(), {{Level::Loop, timeTile}}});
    schedule.knobs = {{"load", {}, "staged"}, {"store", {}, "staged"}};
    return schedule;
  }

  /// Registers of a thread for states, and for what does not vary in time and is used where it does, with a summed
  /// dimension over lanes.
  int64_t keptBy(std::optional<unsigned> laneDim, int64_t lanes) {
    auto elements = [&](DimSet set, Type type) {
      int64_t count = isa<ComplexType>(type) ? 2 : 1;
      for (unsigned dim = 0; dim < dims.count(); ++dim)
        if ((set & held).contains(dim))
          count *= llvm::divideCeil(std::max<int64_t>(*sizeOf(dim), 1), dim == laneDim ? lanes : 1);
      return count;
    };
    int64_t sum = 0;
    for (const State &state : states)
      sum += elements(dims.of(state.layout), state.type) * std::max<int64_t>(state.depth, 0);
    for (Operation &op : recurrence.getBody().front())
      for (Value value : op.getResults())
        if (!dims.variesInTime(value) && !(dims.of(value) & held).empty() &&
            llvm::any_of(value.getUsers(), [&](Operation *user) { return isInLoop(user); }))
          sum += elements(dims.of(value), value.getType());
    return sum;
  }

  bool isInLoop(Operation *op) {
    return llvm::any_of(op->getOperands(), [&](Value operand) { return dims.variesInTime(operand); });
  }

  /// Coordinates of all parallel dimensions; nothing where one is not known.
  std::optional<int64_t> parallelSize() {
    int64_t product = 1;
    for (unsigned dim = 0; dim < dims.count(); ++dim)
      if (dim != dims.scan() && !held.contains(dim)) {
        std::optional<int64_t> size = sizeOf(dim);
        if (!size)
          return std::nullopt;
        product = llvm::SaturatingMultiply<uint64_t>(product, *size);
      }
    return product;
  }

  /// Whether memory runs along time, so that time tiles go through shared memory: blocks read and write it in runs. A
  /// few steps are not worth it.
  bool stagesOnGpu() {
    return !rowDim && sizeOf(dims.scan()).value_or(stagedTile) >= stagedTile &&
           llvm::any_of(tensorsAlongScan(recurrence), [](const ScannedTensor &tensor) { return tensor.isInput; });
  }

  /// What is said of time tiles in shared memory, where so many lanes share a summed dimension: what lanes would
  /// compute each for itself is computed once, before the steps and after them.
  void addStages(Schedule &schedule, int64_t lanes) {
    if (lanes == 1) {
      schedule.knobs = {{"load", {}, "staged"}, {"store", {}, "staged"}};
      return;
    }
    schedule.knobs = {{"at", {"free"}, "stage"}};
    for (const ScannedTensor &tensor : tensorsAlongScan(recurrence))
      if (!tensor.isInput)
        schedule.knobs.push_back({"at", {tensor.name.str()}, "store"});
  }

  /// What a thread may keep: the copies of a staged step have values of their own.
  static int64_t keptMost(bool isStaged) { return isStaged ? keptRegisters / 2 : keptRegisters; }

  /// Threads below which the number of lanes doubles once more.
  int64_t threadsBefore(int64_t lanes, bool isStaged) {
    int64_t warps = !isStaged ? threadsPerCore / warpLanes : lanes == 1 ? warpsStaged : warpsSplit;
    return target.cores * warps * warpLanes;
  }

  /// The summed dimension that goes over lanes, and over how many.
  std::pair<std::optional<unsigned>, int64_t> chooseWarpLanes(std::optional<int64_t> threads, bool isStaged) {
    std::optional<unsigned> laneDim;
    for (unsigned dim = 0; dim < dims.count(); ++dim)
      if (held.contains(dim) && !taps.contains(dim) && !isMovedAlong(dim) &&
          (!laneDim || *sizeOf(dim) > *sizeOf(*laneDim)))
        laneDim = dim;
    int64_t lanes = 1;
    while (
        laneDim && lanes < warpLanes && 2 * lanes <= *sizeOf(*laneDim) &&
        (keptBy(laneDim, lanes) > keptMost(isStaged) || (threads && *threads * lanes < threadsBefore(lanes, isStaged))))
      lanes *= 2;
    return {lanes > 1 ? laneDim : std::nullopt, lanes};
  }

  /// Steps of a chunk, where time has to be cut to fill the device.
  std::optional<int64_t> chooseChunk(std::optional<int64_t> threads, int64_t wanted) {
    std::optional<int64_t> steps = sizeOf(dims.scan());
    if (!target.cutsTime || rowDim || !threads || !steps || *threads == 0)
      return std::nullopt;
    int64_t chunks = std::min<int64_t>(llvm::divideCeil(wanted, *threads), *steps / fewestChunkSteps);
    if (chunks < fewestChunks)
      return std::nullopt;
    return llvm::divideCeil(*steps, chunks);
  }

  void recordReasons(std::optional<int64_t> parallel, int64_t wanted, std::optional<unsigned> laneDim, int64_t lanes,
                     bool onLoops, bool isStaged) {
    for (unsigned dim = 0; dim < dims.count(); ++dim)
      if (dim != dims.scan() && !held.contains(dim))
        reasons.parallelDims.push_back(dims.name(dim).str());
    reasons.parallel = parallel;
    reasons.wanted = wanted;
    reasons.cores = target.cores;
    reasons.warps = target.cores ? wanted / target.cores / warpLanes : 0;
    reasons.keptAlone = keptBy(std::nullopt, 1);
    reasons.kept = keptBy(laneDim, lanes);
    reasons.keptMost = keptMost(isStaged);
    reasons.laneDim = laneDim ? dims.name(*laneDim).str() : "";
    reasons.lanes = lanes;
    reasons.onLoops = onLoops;
    reasons.scanned = dims.name(dims.scan()).str();
    reasons.steps = sizeOf(dims.scan());
    reasons.fewestChunks = fewestChunks;
    reasons.fewestChunkSteps = fewestChunkSteps;
  }

  /// Bytes of shared memory that time tiles take, about: each tensor's coordinates of a block.
  int64_t stagedBytes(std::optional<unsigned> threadDim, int64_t threads, int64_t tile) {
    int64_t rows = 0;
    for (const ScannedTensor &tensor : tensorsAlongScan(recurrence)) {
      int64_t own = 1;
      for (unsigned dim = 0; dim < dims.count(); ++dim)
        if (dims.of(tensor.layout).contains(dim) && dim != dims.scan())
          own = llvm::SaturatingMultiply<uint64_t>(own, dim == threadDim     ? threads
                                                        : held.contains(dim) ? std::max<int64_t>(1, *sizeOf(dim))
                                                                             : 1);
      rows += own;
    }
    return llvm::SaturatingMultiply<uint64_t>(rows, tile * elementBytes);
  }

  Schedule buildGpu(bool isStaged) {
    std::optional<unsigned> threadDim;
    // A dimension that fills a warp is large enough; among those, the one along which memory is contiguous coalesces.
    auto score = [&](unsigned dim) { return std::min<double>(sizeOf(dim).value_or(32), 32) * (1 + weight(dim)); };
    for (unsigned dim = 0; dim < dims.count(); ++dim)
      if (!isAlone(dim) && !held.contains(dim) && (!threadDim || score(dim) >= score(*threadDim)))
        threadDim = dim;
    std::optional<int64_t> parallel = parallelSize();
    std::optional<unsigned> laneDim;
    int64_t lanes = 1;
    std::tie(laneDim, lanes) = chooseWarpLanes(parallel, isStaged);
    int64_t wanted = threadsBefore(lanes, isStaged);
    // More than a few lanes cost more than chunks of time do.
    if (isStaged && lanes > lanesBeforeChunks && parallel && keptBy(laneDim, 2) <= keptMost(isStaged) &&
        chooseChunk(2 * *parallel, threadsBefore(1, isStaged))) {
      lanes = 2;
      wanted = threadsBefore(1, isStaged);
    }
    bool isTooMuch = keptBy(laneDim, lanes) > 2 * keptRegisters;
    if (isTooMuch) {
      laneDim = std::nullopt;
      lanes = 1;
      isStaged = false;
      wanted = threadsBefore(lanes, isStaged);
    }
    recordReasons(parallel, isStaged && lanes == 2 ? threadsBefore(1, isStaged) : wanted, laneDim, lanes, isTooMuch,
                  isStaged);
    if (parallel)
      parallel = llvm::SaturatingMultiply<uint64_t>(*parallel, lanes);
    int64_t threads = blockThreads / lanes;
    while (threadDim && threads > warpLanes / lanes && sizeOf(*threadDim).value_or(threads) <= threads / 2)
      threads /= 2;
    // Threads that share little of what they read leave no room for it.
    if (int64_t tile = lanes > 2 ? 2 * stagedTile : stagedTile;
        isStaged && stagedBytes(threadDim, threads, tile) > mostStagedBytes) {
      reasons = {};
      return buildGpu(false);
    }
    Schedule schedule;
    SmallVector<DimPlacement> inside;
    for (unsigned dim = 0; dim < dims.count(); ++dim) {
      DimPlacement placement{dims.name(dim).str(), {}};
      if (isTooMuch && held.contains(dim) && !taps.contains(dim)) {
        inside.push_back({dims.name(dim).str(), {{Level::Loop, std::nullopt}}});
        continue;
      }
      if (dim == dims.scan()) {
        int64_t tile = lanes > 2 ? 2 * stagedTile : stagedTile;
        reasons.chunkSteps = chooseChunk(parallel, wanted);
        if (isStaged && reasons.chunkSteps)
          reasons.chunkSteps = llvm::alignTo(*reasons.chunkSteps, tile);
        if (reasons.chunkSteps)
          placement.levels.push_back({Level::Grid, reasons.chunkSteps});
        if (isStaged)
          llvm::append_range(placement.levels,
                             std::initializer_list<LevelCount>{{Level::Loop, tile}, {Level::Reg, stagedCopies}});
        else if (!reasons.chunkSteps)
          placement.levels.push_back({Level::Loop, std::nullopt});
      } else if (held.contains(dim)) {
        if (dim == laneDim)
          placement.levels.push_back({Level::Lane, lanes});
        placement.levels.push_back(
            {Level::Reg, llvm::divideCeil(std::max<int64_t>(1, *sizeOf(dim)), dim == laneDim ? lanes : 1)});
      } else {
        placement.levels.push_back({Level::Grid, std::nullopt});
      }
      if (dim == threadDim && threads > 1)
        placement.levels.push_back({Level::Thread, threads});
      schedule.dims.push_back(placement);
    }
    if (!inside.empty())
      inside.back().levels.push_back({Level::Reg, 4});
    // Loops named after the scanned dimension are inside its loop.
    if (auto scanned = llvm::find_if(
            schedule.dims, [&](const DimPlacement &placement) { return placement.dim == dims.name(dims.scan()); });
        !inside.empty())
      std::rotate(scanned, scanned + 1, schedule.dims.end());
    llvm::append_range(schedule.dims, inside);
    if (isStaged)
      addStages(schedule, lanes);
    // One kernel in ticket order took 1.2 times as long, where there was time to cut (bench/results).
    if (reasons.chunkSteps)
      schedule.knobs.push_back({"scan", {}, "passes"});
    return schedule;
  }

  RecurrenceOp recurrence;
  const Target &target;
  const SizeHints &hints;
  DimensionAnalysis dims;
  /// Dimensions held whole; of those, the taps of delays, which can be on registers alone.
  DimSet held, taps;
  RowPlan rows;
  std::optional<unsigned> rowDim;
  SmallVector<State> states;
  int64_t elementBytes = 4;
};
} // namespace

Expected<Schedule> ssm::defaultSchedule(RecurrenceOp recurrence, const Target &target, const SizeHints &hints) {
  std::vector<std::string> reasons;
  return defaultSchedule(recurrence, target, hints, reasons);
}

Expected<Schedule> ssm::defaultSchedule(RecurrenceOp recurrence, const Target &target, const SizeHints &hints,
                                        std::vector<std::string> &reasons) {
  DefaultScheduler scheduler(recurrence, target, hints);
  Expected<Schedule> schedule = scheduler.build();
  if (schedule && target.gpu)
    reasons = reasonTexts(scheduler.reasons);
  return schedule;
}
