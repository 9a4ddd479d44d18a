// Tiles of matrix states on a GPU. A step multiplies and adds up each element of the state a few times; what else an
// element takes depends on the tile: numbers read from shared memory, four an access, and sums over lanes. Tiles are
// compared by the issue slots of a call; machine code (docs/gpu.md, ssmc explain --sass) stands behind the weights.

#include "schedule/MatrixTiles.h"

using namespace mlir;
using namespace ssm;

namespace {
constexpr int64_t warpLanes = 32, blockThreads = 128, schedulers = 4;
/// Of a block that has all of a state.
constexpr int64_t mostThreads = 256;
/// Summed dimensions that are shorter are one thread's.
constexpr int64_t shortestSummed = 8;
/// Registers of states, and of all that a step has.
constexpr int64_t mostKept = 64, mostRegisters = 160, ownRegisters = 40;
constexpr int64_t mostRows = 8;
/// Time tiles: the steps that are wanted, and the fewest that barriers pay for; bytes of shared memory that leave room
/// for other blocks.
constexpr int64_t wantedSteps = 32, fewestSteps = 8, stepCopies = 4, mostBytes = 40 << 10;
/// Multiplications and additions of an element in a step, about.
constexpr double arithmetic = 3;
/// Issue slots of a step whatever its tile; of a sum over lanes that a group of steps shares out; of one that a step
/// waits for, for each doubling.
constexpr double ofStep = 12, ofShare = 2.5, ofDoubling = 2;
/// And of a sum over threads, which all copies of a step exchange at once, of each number of it, and of what all
/// threads make of a number that is one of many.
constexpr double ofExchange = 10, ofExchanged = 3, ofFinish = 8;
/// Warps of a scheduler below which it waits as long as if they were there.
constexpr double fewestWarps = 1.5;
/// What tiles with a ragged edge take longer.
constexpr double raggedFactor = 1.5;
} // namespace

std::optional<unsigned> MatrixTiles::summedDim(unsigned parallel) {
  std::optional<unsigned> summed;
  for (unsigned dim = 0; dim < dims.count(); ++dim)
    if (dim != parallel && held.contains(dim) && !moved.contains(dim) && *sizeOf(dim) >= shortestSummed &&
        llvm::any_of(states,
                     [&](const State &state) {
                       return dims.of(state.layout).contains(dim) && dims.of(state.layout).contains(parallel);
                     }) &&
        (!summed || *sizeOf(dim) > *sizeOf(*summed)))
      summed = dim;
  return summed;
}

MatrixTiles::Readings MatrixTiles::readings(unsigned summed, unsigned parallel) {
  Readings read;
  for (auto input : recurrence.getBody().front().getOps<InputOp>()) {
    DimSet set = dims.of(input.getResult());
    if (!set.contains(dims.scan()))
      continue;
    bool isSummed = set.contains(summed), isParallel = set.contains(parallel);
    if (isSummed && !isParallel)
      ++read.summed;
    else if (isParallel && !isSummed)
      ++read.parallel;
    else if (!isSummed)
      ++read.neither;
  }
  DenseSet<Operation *> ofStates, fromStates;
  SmallVector<Operation *> open(recurrence.getBody().front().getOps<NextOp>());
  while (!open.empty()) {
    Operation *op = open.pop_back_val();
    for (Value operand : op->getOperands())
      if (Operation *def = operand.getDefiningOp(); def && ofStates.insert(def).second)
        open.push_back(def);
  }
  for (Operation &op : recurrence.getBody().front()) {
    if (isa<PreviousOp>(op) ||
        llvm::any_of(op.getOperands(), [&](Value value) { return fromStates.contains(value.getDefiningOp()); }))
      fromStates.insert(&op);
    if (!isa<SumOp, MaxOp, MeanOp>(op) || !dims.variesInTime(op.getResult(0)))
      continue;
    DimSet result = dims.of(op.getResult(0)), over = dims.of(op.getOperand(0)) - result;
    if (over.contains(summed) && result.contains(parallel))
      ++(ofStates.contains(&op) ? read.ofStates : read.ofOutputs);
    else if (over.contains(summed))
      read.shared += fromStates.contains(&op);
    if (over.contains(parallel)) {
      ++(result.contains(summed) ? read.eachOverThreads : read.overThreads);
      read.awaitsThreads |= ofStates.contains(&op);
    }
  }
  return read;
}

int64_t MatrixTiles::kept(const MatrixTile &tile) {
  return registersKept([&](unsigned dim) {
    return dim == tile.summed     ? tile.regs
           : dim == tile.parallel ? tile.rows
           : held.contains(dim)   ? std::max<int64_t>(1, *sizeOf(dim))
                                  : 1;
  });
}

/// As many steps as shared memory has room for.
bool MatrixTiles::setSteps(MatrixTile &tile, const Readings &read) {
  int64_t rows = read.summed * tile.lanes * tile.regs + read.parallel * tile.threads * tile.rows +
                 std::max<int64_t>(read.neither, 1);
  tile.steps = wantedSteps;
  while (tile.steps > fewestSteps && rows * tile.steps * elementBytes > mostBytes)
    tile.steps /= 2;
  tile.copies = stepCopies;
  return rows * tile.steps * elementBytes <= mostBytes && sizeOf(dims.scan()).value_or(tile.steps) >= tile.steps;
}

/// Issue slots of a thread for a step.
double MatrixTiles::slots(const MatrixTile &tile, const Readings &read) {
  auto accesses = [&](int64_t numbers) { return double(llvm::divideCeil(numbers * elementBytes, widestAccess)); };
  double loads = read.summed * accesses(tile.regs) + read.parallel * accesses(tile.rows) + read.neither;
  double sums = 0;
  if (tile.lanes > 1)
    sums = tile.rows * (ofShare * read.ofOutputs + ofDoubling * llvm::Log2_64(tile.lanes) * read.ofStates) +
           ofShare * read.shared;
  double exchanges = ofExchange * (read.overThreads + read.eachOverThreads) + ofExchanged * read.overThreads +
                     (ofExchanged + ofFinish) * read.eachOverThreads * tile.regs;
  return arithmetic * tile.kept + loads + sums + exchanges + ofStep;
}

bool MatrixTiles::fits(MatrixTile &tile, const Readings &read) {
  int64_t size = *sizeOf(tile.summed);
  std::optional<int64_t> width = sizeOf(tile.parallel);
  tile.regs = llvm::divideCeilSigned(size, tile.lanes);
  tile.threads = blockThreads / tile.lanes;
  if (width && tile.rows > *width)
    return false;
  if (held.contains(tile.parallel))
    tile.threads = llvm::PowerOf2Ceil(llvm::divideCeilSigned(*width, tile.rows));
  while (tile.threads > 1 && width && llvm::divideCeilSigned(*width, tile.rows) <= tile.threads / 2)
    tile.threads /= 2;
  tile.kept = kept(tile);
  int64_t registers = tile.kept + read.summed * tile.regs + read.parallel * tile.rows +
                      stepCopies * tile.rows * read.ofOutputs + ownRegisters;
  int64_t threads = tile.lanes * tile.threads;
  return tile.lanes <= size && tile.kept <= mostKept && registers <= mostRegisters && threads >= warpLanes &&
         threads <= mostThreads && setSteps(tile, read);
}

double MatrixTiles::costOf(MatrixTile &tile, const Readings &read) {
  double cost = slots(tile, read);
  std::optional<int64_t> width = sizeOf(tile.parallel), beside = parallelCoordinates(tile.parallel);
  bool isRagged = *sizeOf(tile.summed) % tile.lanes != 0 || (width && *width % (tile.rows * tile.threads) != 0);
  if (width && beside) {
    int64_t threads = tile.lanes * tile.threads;
    uint64_t blocks = llvm::SaturatingMultiply<uint64_t>(*beside, llvm::divideCeil(*width, tile.rows * tile.threads));
    tile.threadsOfCall = llvm::SaturatingMultiply<uint64_t>(blocks, threads);
    double onOne = llvm::divideCeil(blocks, std::max<int64_t>(target.cores, 1));
    cost *= std::max(onOne * threads / warpLanes / schedulers, fewestWarps);
  } else {
    cost /= tile.regs * tile.rows;
  }
  return cost * (isRagged ? raggedFactor : 1);
}

std::optional<MatrixTile> MatrixTiles::chooseAlong(unsigned parallel) {
  std::optional<unsigned> summed = summedDim(parallel);
  if (!summed)
    return std::nullopt;
  Readings read = readings(*summed, parallel);
  if (!read.summed || read.awaitsThreads)
    return std::nullopt;
  std::optional<MatrixTile> best;
  for (int64_t lanes = 1; lanes <= warpLanes; lanes *= 2)
    for (int64_t rows = 1; rows <= mostRows; rows *= 2) {
      MatrixTile tile{.summed = *summed, .parallel = parallel, .lanes = lanes, .rows = rows};
      if (!fits(tile, read))
        continue;
      tile.cost = costOf(tile, read);
      if (!best || tile.cost < best->cost)
        best = tile;
    }
  return best;
}

std::optional<MatrixTile> MatrixTiles::choose(std::optional<unsigned> widest) {
  // Few steps, and rows with steps of their own, are not worth time tiles.
  if (rowDim)
    return std::nullopt;
  std::optional<MatrixTile> best = widest ? chooseAlong(*widest) : std::nullopt;
  for (unsigned dim = 0; dim < dims.count() && !(best && !held.contains(best->parallel)); ++dim)
    if (held.contains(dim) && !moved.contains(dim) && *sizeOf(dim) >= shortestSummed)
      if (std::optional<MatrixTile> tile = chooseAlong(dim); tile && (!best || tile->cost < best->cost))
        best = tile;
  return best;
}
