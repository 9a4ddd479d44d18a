// Blocks of steps of an affine recurrence on tiles. Passes.td has the contract.
//
// Each lane holds consecutive steps, one a register: it runs through them alone from nothing, lanes combine what their
// steps did (Kogge-Stone), and each runs again from the state that it begins with. The same goes for threads that share
// a block's steps: those of a warp combine theirs by shuffles, and what warps did is read by all and run through in
// order. What a step does is a transition and a drive; two steps compose to one of the same kind, and the block's first
// state is applied to the composed steps last, so that blocks wait for each other for one product alone.

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "passes/Passes.h"
#include "passes/PeerValues.h"
#include "passes/StepAlgebra.h"

namespace ssm {
#define GEN_PASS_DEF_PARALLELIZESCAN
#include "passes/Passes.h.inc"
} // namespace ssm

using namespace mlir;
using namespace ssm;

namespace {
VectorType typeOf(Value tile) { return cast<VectorType>(tile.getType()); }

/// Each tile of some steps, transitions first.
template <typename StepsLike, typename Function> void forTiles(StepsLike &steps, Function &&each) {
  for (auto *numbers : {&steps.transition, &steps.drive})
    for (auto &number : *numbers) {
      each(number.re);
      if (number.im)
        each(number.im);
    }
}

/// Lowers one block of steps.
class BlockScan {
public:
  explicit BlockScan(TileScanOp scan)
      : scan(scan), algebra(scan), make(algebra.make), shape(typeOf(scan.getDrive().front()).getShape()),
        along(scan.getAlong()) {}

  void run() {
    SmallVector<Value> results;
    Steps steps = algebra.steps();
    for (Number stream : scanSteps(steps, algebra.carry())) {
      results.push_back(make.stretch(stream.re, shape));
      if (stream.im)
        results.push_back(make.stretch(stream.im, shape));
    }
    scan.replaceAllUsesWith(results);
    scan.erase();
  }

private:
  /// The states of a block after each step.
  States scanSteps(const Steps &block, const States &carry) {
    int64_t registers = along.size() > 1 ? shape[along.back()] : 1, lanes = along.empty() ? 1 : shape[along.front()];
    if (along.size() == 1 && along.front() + 1 != static_cast<int64_t>(shape.size()))
      std::swap(registers, lanes);
    SmallVector<Steps> steps;
    for (int64_t step = 0; step < registers; ++step)
      steps.push_back({at(block.transition, step, registers), at(block.drive, step, registers)});
    States state = carry;
    if (!scan.getPeers().empty()) {
      // Peers have registers alone.
      state = algebra.apply(beforeThread(peerLevels(scan.getPeers()), together(steps)), carry);
      if (registers == 1)
        return algebra.apply(steps[0], state);
    } else if (lanes > 1 || registers == 1) {
      Steps all = together(steps);
      for (int64_t distance = 1; distance < lanes; distance *= 2) {
        Steps none = algebra.nothing(all);
        all = algebra.compose(
            all, {shift(all.transition, distance, none.transition), shift(all.drive, distance, none.drive)});
      }
      States after = algebra.apply(all, carry);
      if (registers == 1)
        return after;
      state = shift(after, 1, carry);
    }
    // Each lane again, from the state that it begins with.
    SmallVector<States> states;
    for (const Steps &step : steps)
      states.push_back(state = algebra.apply(step, state));
    return stack(states);
  }

  /// The registers' steps of each lane alone.
  Steps together(ArrayRef<Steps> steps) {
    Steps all = steps[0];
    for (const Steps &next : steps.drop_front())
      all = algebra.compose(next, all);
    return all;
  }

  //===--------------------------------------------------------------------===//
  // Threads
  //===--------------------------------------------------------------------===//

  /// What the steps of all threads before this one are together; `own` are this thread's.
  Steps beforeThread(ArrayRef<PeerLevel> levels, const Steps &own) {
    PeerValues peers(make, levels.front());
    return levels.front().inWarp() ? beforeLane(peers, levels, own) : beforeWarp(peers, levels, own);
  }

  /// Kogge and Stone, A parallel algorithm for the efficient solution of a general class of recurrence equations
  /// (1973).
  Steps beforeLane(PeerValues &peers, ArrayRef<PeerLevel> levels, const Steps &own) {
    Steps all = own;
    int64_t count = levels.front().count;
    for (int64_t distance = 1; distance < count; distance *= 2) {
      Steps both = algebra.compose(all, fromPlaces(peers, all, {peers.before(distance)})[0]);
      all = algebra.choose(peers.isFrom(distance), both, all);
    }
    Steps before = fromPlaces(peers, all, {peers.before(1)})[0];
    before = algebra.choose(peers.isFrom(1), before, algebra.nothing(before));
    if (levels.size() == 1)
      return before;
    Steps group = fromPlaces(peers, all, {peers.at(count - 1)})[0];
    return algebra.compose(before, beforeThread(levels.drop_front(), group));
  }

  /// Every thread runs through what the others did.
  Steps beforeWarp(PeerValues &peers, ArrayRef<PeerLevel> levels, const Steps &own) {
    int64_t count = levels.front().count;
    SmallVector<Value> places;
    for (int64_t place = 0; place < count; ++place)
      places.push_back(peers.at(place));
    SmallVector<Steps> others = fromPlaces(peers, own, places);
    Steps before = algebra.choose(peers.isFrom(1), others[0], algebra.nothing(others[0])), all = others[0];
    for (int64_t place = 1; place < count; ++place) {
      all = algebra.compose(others[place], all);
      if (place + 1 < count)
        before = algebra.choose(peers.isFrom(place + 1), all, before);
    }
    return levels.size() == 1 ? before : algebra.compose(before, beforeThread(levels.drop_front(), all));
  }

  /// Other threads' steps, a thread after another.
  SmallVector<Steps> fromPlaces(PeerValues &peers, const Steps &own, ArrayRef<Value> sources) {
    SmallVector<Value> tiles;
    forTiles(own, [&](Value tile) { tiles.push_back(tile); });
    ValueRange results = peers.from(sources, tiles);
    SmallVector<Steps> others;
    for (size_t number = 0; number < sources.size(); ++number) {
      others.push_back(own);
      forTiles(others.back(), [&](Value &tile) {
        tile = results.front();
        results = results.drop_front();
      });
    }
    return others;
  }

  //===--------------------------------------------------------------------===//
  // Registers and lanes
  //===--------------------------------------------------------------------===//

  /// Along the registers, one step of every lane.
  SmallVector<Number> at(ArrayRef<Number> numbers, int64_t step, int64_t registers) {
    if (registers == 1)
      return SmallVector<Number>(numbers);
    auto take = [&](Value tile) -> Value {
      SmallVector<int64_t> offsets(shape.size(), 0), extents(typeOf(tile).getShape()), strides(shape.size(), 1);
      offsets[along.back()] = step;
      extents[along.back()] = 1;
      return vector::ExtractStridedSliceOp::create(make, tile, offsets, extents, strides);
    };
    return llvm::map_to_vector(
        numbers, [&](Number number) { return Number{take(number.re), number.im ? take(number.im) : Value()}; });
  }

  States stack(ArrayRef<States> steps) {
    States result;
    auto join = [&](size_t state, Value Number::*part) -> Value {
      if (!(steps[0][state].*part))
        return {};
      SmallVector<int64_t> extents = shape;
      extents[along.back()] = 1;
      SmallVector<Value> tiles =
          llvm::map_to_vector(steps, [&](const States &step) { return make.stretch(step[state].*part, extents); });
      auto type = VectorType::get(shape, make.getElement());
      return TileDelayOp::create(make, type, tiles, along.back());
    };
    for (size_t state = 0; state < steps[0].size(); ++state)
      result.push_back({join(state, &Number::re), join(state, &Number::im)});
    return result;
  }

  /// Numbers `distance` lanes before.
  SmallVector<Number> shift(ArrayRef<Number> numbers, int64_t distance, ArrayRef<Number> fill) {
    auto move = [&](Value tile, Value outside) -> Value {
      // A fill may vary along more than what it fills.
      SmallVector<int64_t> extents(typeOf(outside).getShape());
      for (auto [extent, own] : llvm::zip_equal(extents, typeOf(tile).getShape()))
        extent = std::max(extent, own);
      return TileShiftOp::create(make, make.stretch(tile, extents), distance, along.front(), ArrayRef<int64_t>(),
                                 outside);
    };
    SmallVector<Number> result;
    for (auto [number, outside] : llvm::zip_equal(numbers, fill))
      result.push_back({move(number.re, outside.re), number.im ? move(number.im, outside.im) : Value()});
    return result;
  }

  TileScanOp scan;
  StepAlgebra algebra;
  Numbers &make;
  SmallVector<int64_t> shape, along;
};

struct ParallelizeScan : ssm::impl::ParallelizeScanBase<ParallelizeScan> {
  void runOnOperation() override {
    SmallVector<TileScanOp> scans;
    getOperation().walk([&](TileScanOp scan) { scans.push_back(scan); });
    for (TileScanOp scan : scans)
      BlockScan(scan).run();
  }
};
} // namespace
