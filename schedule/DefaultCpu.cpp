// The default schedule for a CPU.
//
// Every candidate for the lanes gets a cost, which is the inverse of how full the lanes are, times a penalty where
// the states overflow the registers, plus the price of summing or moving across lanes. The cheapest wins; registers
// that are left take more coordinates of the lanes' dimension, or several of another one where lanes are summed over.
// A dense transition too large for that with a matrix a lane has one matrix at a time, with the state on the lanes.
// Matrix states, which fit neither way, stand in a task's memory: rows along a parallel dimension, a loop over those
// that are summed over. Where no parallel dimension is long enough for that, or outputs have one that no state has, the
// rows are along what is summed over the least, and such outputs are a loop inside the step: tasks of them would each
// compute the states anew. States of elementwise steps along which memory runs stand in a task's memory too, if a
// core's share of a step's row is half a page or more: a stream is read in order. What would be a tile of very many
// rows all the same is put on loops.

#include "dialect/MatrixStates.h"
#include "schedule/DefaultRules.h"

using namespace mlir;
using namespace ssm;

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
/// What a core reads at each step without waiting: an L1 cache.
constexpr int64_t nearBytes = 48 << 10;
/// Rows of a matrix times a vector that are added up side by side, and vectors of the matrix at each turn of the loop.
constexpr int64_t sumsAside = 4, vectorsOfTurn = 16;
/// Rows of a tile, at most: each is an operation of its own in the code, and more take seconds to compile. Rows of a
/// dimension at each turn of a loop then.
constexpr int64_t mostTileRows = 512, rowsOfTurn = 4;
/// Outputs of an open number that a task computes from the same states, and the most whose time tile fits beside them.
constexpr int64_t likelyOutputs = 256, mostOutputs = 4096;
/// How much of the lanes a dimension should fill that is taken for want of a better one.
constexpr double enoughOfLanes = 0.75;
/// Tiles of the lanes' dimension that a task of a row has.
constexpr int64_t tilesOfRow = 32;
/// Tiles of the lanes' dimension that should be left for the cores.
constexpr int64_t fewestTasks = 4;

class CpuRules : public DefaultRules {
public:
  using DefaultRules::DefaultRules;

  Schedule build() {
    int64_t lanes = target.vectorBytes / elementBytes;
    if (std::optional<Schedule> schedule = buildForSummedRows(lanes))
      return *schedule;
    if (std::optional<Schedule> schedule = buildForMatrices(lanes))
      return *schedule;
    if (std::optional<Schedule> schedule = buildForTransitions(lanes))
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
      return limitRows(shareRow(schedule, laneDim, regs * lanes));
    int64_t timeTile = 64;
    while (timeTile > 16 && timeTile * rowElements * elementBytes * 6 > scratchBytes)
      timeTile /= 2;
    schedule.dims.push_back({dims.name(dims.scan()).str(), {{Level::Loop, timeTile}}});
    schedule.knobs = {{"load", {}, "staged"}, {"store", {}, "staged"}};
    return limitRows(schedule);
  }

private:
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
  /// A batch of which nobody knows the size is often 1, and lanes along it would be empty.
  std::optional<unsigned> chooseRows(int64_t lanes) {
    std::optional<unsigned> best;
    for (unsigned dim = 0; dim < dims.count(); ++dim) {
      if (isAlone(dim) || held.contains(dim) || (isBatch(dim) && !sizeOf(dim)) || sizeOf(dim).value_or(lanes) < lanes)
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

  /// The dimension held whole along which all states are best cut into rows: the one whose sums over lanes are fewest.
  std::optional<unsigned> chooseSummedRows(int64_t lanes) {
    std::optional<unsigned> best;
    for (unsigned dim = 0; dim < dims.count(); ++dim)
      if (held.contains(dim) && !taps.contains(dim) && fullness(dim, lanes) >= enoughOfLanes &&
          llvm::all_of(states, [&](const State &state) { return dims.of(state.layout).contains(dim); }) &&
          (!best || sumsOver(dim) <= sumsOver(*best)))
        best = dim;
    return best;
  }

  /// Rows along a dimension that is summed over, where there is none better, or as many as there are lanes overflow a
  /// cache; or where outputs have dimensions that no state has: those are a loop of the step, and the states are
  /// computed once for all of it.
  std::optional<Schedule> buildForSummedRows(int64_t lanes) {
    SmallVector<unsigned> readouts = findReadouts();
    std::optional<unsigned> along = states.empty() ? std::nullopt : chooseSummedRows(lanes);
    std::optional<unsigned> beside = chooseRows(lanes);
    auto isMoved = [&](unsigned dim) { return held.contains(dim) && isMovedAlong(dim); };
    if (!along)
      return std::nullopt;
    int64_t elements = heldElements();
    // A row's elements are added up at each step, rows' sums at a few.
    bool overflows = elements * lanes * elementBytes > nearBytes && elements >= manyElements * *sizeOf(*along);
    bool isLarge =
        elements >= manyElements * lanes && llvm::none_of(llvm::seq(dims.count()), isMoved) && (!beside || overflows);
    bool isRead = !readouts.empty() && (!beside || isBatch(*beside));
    if (!isRead && !isLarge)
      return std::nullopt;
    int64_t vectors = llvm::divideCeil(*sizeOf(*along), lanes);
    DimPlacement row{dims.name(*along).str(), {{Level::Lane, lanes}, {Level::Reg, vectors}}};
    if (vectors > target.vectorRegisters)
      row.levels = {{Level::Loop, std::nullopt}, {Level::Lane, lanes}, {Level::Reg, rowsOfTurn}};
    Schedule schedule;
    for (unsigned dim = 0; dim < dims.count(); ++dim)
      if (dim != dims.scan() && !held.contains(dim) && !llvm::is_contained(readouts, dim))
        schedule.dims.push_back({dims.name(dim).str(), {{Level::Grid, std::nullopt}}});
    auto steps = rows.isInPlace() ? std::nullopt : std::optional(matrixSteps);
    schedule.dims.push_back({dims.name(dims.scan()).str(), {{Level::Loop, steps}}});
    schedule.dims.push_back(row);
    for (unsigned dim = 0; dim < dims.count(); ++dim) {
      bool isReadout = llvm::is_contained(readouts, dim);
      if (dim == *along || !(isReadout || held.contains(dim)))
        continue;
      int64_t regs = std::min(rowsOfTurn, std::max<int64_t>(sizeOf(dim).value_or(rowsOfTurn), 1));
      DimPlacement placement{dims.name(dim).str(), {{Level::Loop, std::nullopt}, {Level::Reg, regs}}};
      if (taps.contains(dim))
        placement.levels = {{Level::Reg, std::max<int64_t>(*sizeOf(dim), 1)}};
      if (std::optional<int64_t> part = isReadout ? partOfTask(dim, readouts, regs) : std::nullopt)
        placement.levels.insert(placement.levels.begin(), {Level::Grid, part});
      schedule.dims.push_back(placement);
    }
    if (!rows.isInPlace())
      schedule.knobs = {{"load", {}, "staged"}, {"store", {}, "staged"}};
    return schedule;
  }

  /// What a task has of the outputs along `dim`, the last of `readouts` or another, if not all: less where there are
  /// fewer tasks than cores, and as much as may be likely where the size is open, as what a task keeps has to have one.
  std::optional<int64_t> partOfTask(unsigned dim, ArrayRef<unsigned> readouts, int64_t regs) {
    int64_t others = 1, size = sizeOf(dim).value_or(likelyOutputs), parts = 1;
    for (unsigned other = 0; other < dims.count(); ++other)
      if (other != dims.scan() && !held.contains(other) && !llvm::is_contained(readouts, other))
        others *= std::max<int64_t>(sizeOf(other).value_or(target.cores), 1);
    if (dim == readouts.back() && sizeOf(dim) && others < target.cores)
      parts = llvm::divideCeil(target.cores, others);
    auto most = static_cast<int64_t>(std::pow(mostOutputs, 1.0 / static_cast<double>(readouts.size())));
    int64_t part = std::max<int64_t>(llvm::alignTo(llvm::divideCeil(size, parts), regs), regs * rowsOfTurn);
    part = std::min(part, std::max(most / regs, int64_t(1)) * regs);
    std::optional<int64_t> known = recurrence.sizeOf(dims.name(dim));
    return known && part >= *known ? std::nullopt : std::optional(part);
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

  /// The dimensions of a dense transition that does not vary in time: of the state, and the one that it is renamed to
  /// for the sum.
  std::optional<std::pair<unsigned, unsigned>> findTransition() {
    for (auto rename : recurrence.getBody().front().getOps<RenameOp>()) {
      unsigned from = *dims.number(rename.getFrom()), to = *dims.number(rename.getTo());
      bool areHeld = held.contains(from) && held.contains(to);
      for (unsigned dim = 0; dim < dims.count(); ++dim)
        areHeld &= !held.contains(dim) || dim == from || dim == to;
      for (auto input : recurrence.getBody().front().getOps<InputOp>())
        if (DimSet set = dims.of(input.getLayout());
            areHeld && set.contains(from) && set.contains(to) && !set.contains(dims.scan()))
          return std::pair(from, to);
    }
    return std::nullopt;
  }

  /// With channels on the lanes, a step reads the matrices of as many channels. Where no cache near a core holds these,
  /// the lanes take the state: one channel's matrix is read at all steps before the next channel's.
  std::optional<Schedule> buildForTransitions(int64_t lanes) {
    std::optional<std::pair<unsigned, unsigned>> transition = findTransition();
    if (!transition || rowDim || rows.isInPlace())
      return std::nullopt;
    auto [state, along] = *transition;
    int64_t vectors = llvm::divideCeil(*sizeOf(state), lanes);
    if (*sizeOf(state) * *sizeOf(along) * lanes * elementBytes <= nearBytes || fullness(state, lanes) < 0.75 ||
        vectors * 2 > target.vectorRegisters)
      return std::nullopt;
    std::optional<unsigned> beside;
    for (unsigned dim = 0; dim < dims.count(); ++dim)
      if (!isAlone(dim) && !held.contains(dim) && (!beside || weight(dim) >= weight(*beside)))
        beside = dim;
    int64_t channels = 1, terms = 1;
    while (beside && channels * 2 * vectors <= sumsAside && sizeOf(*beside).value_or(channels * 2) >= channels * 2)
      channels *= 2;
    while (terms < maxRows && terms * 2 * vectors * channels <= vectorsOfTurn && terms * 2 <= *sizeOf(along))
      terms *= 2;
    Schedule schedule;
    for (unsigned dim = 0; dim < dims.count(); ++dim)
      if (dim != dims.scan() && !held.contains(dim)) {
        schedule.dims.push_back({dims.name(dim).str(), {{Level::Grid, std::nullopt}}});
        if (dim == beside && channels > 1)
          schedule.dims.back().levels.push_back({Level::Reg, channels});
      }
    schedule.dims.push_back({dims.name(dims.scan()).str(), {{Level::Loop, matrixSteps}}});
    schedule.dims.push_back({dims.name(state).str(), {{Level::Lane, lanes}, {Level::Reg, vectors}}});
    schedule.dims.push_back({dims.name(along).str(), {{Level::Loop, std::nullopt}, {Level::Reg, terms}}});
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
    for (LayoutAttr layout : inTime)
      if (dims.of(layout).contains(dim) && layout.getDims().back() != dims.name(dim))
        return false;
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

  /// Puts dimensions held whole on loops inside the one over time until a tile has few rows: first those of no state,
  /// and of these the one with most rows.
  Schedule limitRows(Schedule schedule) {
    auto rowsOf = [](const DimPlacement &placement) {
      int64_t count = 1;
      for (const LevelCount &level : placement.levels)
        if (level.level == Level::Reg)
          count = level.count.value_or(1);
      return count;
    };
    auto isOfState = [&](unsigned dim) {
      return llvm::any_of(states, [&](const State &state) { return dims.of(state.layout).contains(dim); });
    };
    while (true) {
      double tileRows = 1;
      std::optional<size_t> best;
      auto rank = [&](size_t at) {
        return std::pair(!isOfState(*dims.number(schedule.dims[at].dim)), rowsOf(schedule.dims[at]));
      };
      for (auto [at, placement] : llvm::enumerate(schedule.dims)) {
        unsigned dim = *dims.number(placement.dim);
        if (dim == dims.scan())
          continue;
        tileRows *= rowsOf(placement);
        bool canLoop = held.contains(dim) && !taps.contains(dim) && !placement.isOn(Level::Loop);
        if (canLoop && rowsOf(placement) > 1 && (!best || rank(at) > rank(*best)))
          best = at;
      }
      if (tileRows <= mostTileRows || !best)
        break;
      DimPlacement placement = schedule.dims[*best];
      schedule.dims.erase(schedule.dims.begin() + *best);
      int64_t regs = std::min(rowsOf(placement), rowsOfTurn);
      llvm::erase_if(placement.levels, [](const LevelCount &level) { return level.level == Level::Reg; });
      placement.levels.insert(placement.levels.begin(), {Level::Loop, std::nullopt});
      placement.levels.push_back({Level::Reg, regs});
      schedule.dims.push_back(placement);
    }
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
};
} // namespace

Schedule ssm::defaultForCpu(RecurrenceOp recurrence, const Target &target, const SizeHints &hints) {
  return CpuRules(recurrence, target, hints).build();
}
