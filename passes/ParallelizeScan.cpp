// Blocks of steps of an affine recurrence on tiles. Passes.td has the contract.
//
// Each lane holds consecutive steps, one a register: it runs through them alone from nothing, lanes combine what their
// steps did (Kogge-Stone), and each runs again from the state that it begins with. What a step does is a transition and
// a drive; two steps compose to one of the same kind, and the block's first state is applied to the composed steps
// last, so that blocks wait for each other for one product alone.

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "passes/Passes.h"

namespace ssm {
#define GEN_PASS_DEF_PARALLELIZESCAN
#include "passes/Passes.h.inc"
} // namespace ssm

using namespace mlir;
using namespace ssm;

namespace {
/// A tile of real numbers, or two of complex ones.
struct Number {
  Value re, im = {};
  explicit operator bool() const { return bool(re); }
};
/// Row by row, or the one of every coordinate; empty for the identity. In the log domain it is the log.
using Transition = SmallVector<Number>;
using States = SmallVector<Number>;

VectorType typeOf(Value tile) { return cast<VectorType>(tile.getType()); }

/// The algebra of one scan's numbers. Tiles of other extents are stretched.
class Numbers : public ImplicitLocOpBuilder {
public:
  explicit Numbers(TileScanOp scan)
      : ImplicitLocOpBuilder(scan.getLoc(), scan), isMax(scan.getMax()),
        element(cast<FloatType>(typeOf(scan.getDrive().front()).getElementType())) {}

  Value stretch(Value tile, ArrayRef<int64_t> shape) {
    VectorType type = typeOf(tile);
    return type.getShape() == shape
               ? tile
               : createOrFold<vector::BroadcastOp>(VectorType::get(shape, type.getElementType()), tile);
  }
  /// Both at the larger extent along each axis.
  void fit(Value &a, Value &b) {
    SmallVector<int64_t> shape =
        llvm::map_to_vector(llvm::zip_equal(typeOf(a).getShape(), typeOf(b).getShape()),
                            [](auto pair) { return std::max(std::get<0>(pair), std::get<1>(pair)); });
    a = stretch(a, shape);
    b = stretch(b, shape);
  }

  Number add(Number a, Number b) {
    if (!a || !b)
      return a ? a : b;
    return {plus(a.re, b.re), a.im && b.im ? plus(a.im, b.im) : a.im ? a.im : b.im};
  }
  Number mul(Number a, Number b) {
    if (!a.im)
      return {times(a.re, b.re), b.im ? times(a.re, b.im) : Value()};
    if (!b.im)
      return mul(b, a);
    Value re = createOrFold<arith::SubFOp>(times(a.re, b.re), times(a.im, b.im));
    return {re, plus(times(a.re, b.im), times(a.im, b.re))};
  }
  Value plus(Value a, Value b) {
    fit(a, b);
    return isMax ? createOrFold<arith::MaximumFOp>(a, b) : createOrFold<arith::AddFOp>(a, b);
  }
  Value sum(Value a, Value b) {
    fit(a, b);
    return createOrFold<arith::AddFOp>(a, b);
  }

  APFloat zero() const {
    return isMax ? APFloat::getInf(element.getFloatSemantics(), /*Negative=*/true)
                 : APFloat::getZero(element.getFloatSemantics());
  }
  APFloat one() const {
    return isMax ? APFloat::getZero(element.getFloatSemantics()) : APFloat::getOne(element.getFloatSemantics());
  }
  /// A tile of one number, of extent 1 along each of `rank` axes.
  Value constant(const APFloat &number, int64_t rank) {
    auto type = VectorType::get(SmallVector<int64_t>(rank, 1), element);
    return arith::ConstantOp::create(*this, DenseElementsAttr::get(type, number));
  }

private:
  Value times(Value a, Value b) {
    fit(a, b);
    return isMax ? createOrFold<arith::AddFOp>(a, b) : createOrFold<arith::MulFOp>(a, b);
  }

  bool isMax;

public:
  FloatType element;
};

/// Lowers one block of steps.
class BlockScan {
public:
  explicit BlockScan(TileScanOp scan)
      : scan(scan), make(scan), shape(typeOf(scan.getDrive().front()).getShape()), along(scan.getAlong()) {}

  void run() {
    Transition transition;
    size_t count = scan.getStateCount(), parts = scan.getComplex() ? 2 : 1;
    bool isMatrixComplex = scan.getTransition().size() == 2 * count * count;
    for (size_t i = 0; i < scan.getTransition().size(); i += 1 + isMatrixComplex)
      transition.push_back(
          {overSteps(scan.getTransition()[i]), isMatrixComplex ? overSteps(scan.getTransition()[i + 1]) : Value()});
    auto numbers = [&](OperandRange tiles) {
      States result;
      for (size_t i = 0; i < tiles.size(); i += parts)
        result.push_back({tiles[i], parts == 2 ? tiles[i + 1] : Value()});
      return result;
    };
    if (scan.getLog())
      transition[0].re = limitLog(transition[0].re);
    States drive = numbers(scan.getDrive());
    if (scan.getBelow())
      maskSteps(transition, drive);
    SmallVector<Value> results;
    for (Number stream : scanSteps(transition, drive, numbers(scan.getCarry()))) {
      results.push_back(make.stretch(stream.re, shape));
      if (stream.im)
        results.push_back(make.stretch(stream.im, shape));
    }
    scan.replaceAllUsesWith(results);
    scan.erase();
  }

private:
  //===--------------------------------------------------------------------===//
  // One step
  //===--------------------------------------------------------------------===//

  bool isDense() { return !scan.getOver().empty(); }

  /// Rows and columns of a dense transition.
  int64_t columns() { return llvm::product_of(scan.getSizes()); }

  /// The part of a tile at the j-th coordinates of the dimensions at `axes`.
  Value slice(Value tile, ArrayRef<int64_t> axes, int64_t j) {
    SmallVector<int64_t> offsets(shape.size(), 0), extents(typeOf(tile).getShape()), strides(shape.size(), 1);
    ArrayRef<int64_t> sizes = scan.getSizes();
    for (size_t k = axes.size(); k-- > 0; j /= sizes[k])
      if (axes[k] >= 0 && extents[axes[k]] > 1) {
        offsets[axes[k]] = j % sizes[k];
        extents[axes[k]] = 1;
      }
    if (ArrayRef(extents) == typeOf(tile).getShape())
      return tile;
    return vector::ExtractStridedSliceOp::create(make, tile, offsets, extents, strides);
  }
  Number slice(Number number, ArrayRef<int64_t> axes, int64_t j) {
    return {slice(number.re, axes, j), number.im ? slice(number.im, axes, j) : Value()};
  }

  /// A·h + b
  States apply(const Transition &transition, const States &before, const States &drive) {
    States after;
    for (size_t row = 0; row < drive.size(); ++row) {
      Number sum = drive[row];
      if (transition.empty())
        sum = make.add(before[row], sum);
      else if (isDense())
        for (int64_t j = 0; j < columns(); ++j)
          sum = make.add(make.mul(slice(transition[0], scan.getFrom(), j), slice(before[0], scan.getOver(), j)), sum);
      else if (transition.size() == 1)
        sum = make.add(make.mul(decay(transition[0]), before[row]), sum);
      else
        for (size_t column = 0; column < before.size(); ++column)
          sum = make.add(make.mul(transition[row * before.size() + column], before[column]), sum);
      after.push_back(sum);
    }
    return after;
  }

  /// What `first` and then `second` are together.
  Transition compose(const Transition &second, const Transition &first) {
    if (second.empty())
      return {};
    if (scan.getLog())
      return {{make.sum(second[0].re, first[0].re)}};
    Transition both;
    size_t count = scan.getStateCount();
    for (size_t entry = 0; entry < second.size(); ++entry) {
      if (isDense()) {
        Number sum = {};
        for (int64_t j = 0; j < columns(); ++j)
          sum = make.add(sum, make.mul(slice(second[0], scan.getFrom(), j), slice(first[0], scan.getOver(), j)));
        both.push_back(sum);
        continue;
      }
      Number sum = {};
      for (size_t k = 0; k < count; ++k)
        sum = make.add(sum, make.mul(second[entry / count * count + k], first[k * count + entry % count]));
      both.push_back(sum);
    }
    return both;
  }

  Number decay(Number transition) {
    if (!scan.getLog())
      return transition;
    Value &exponential = exponentials[transition.re];
    if (!exponential)
      exponential = math::ExpOp::create(make, transition.re);
    return {exponential};
  }

  /// Sums of logs stay finite; exp of the smallest is 0.
  Value limitLog(Value log) {
    APFloat smallest(make.element.isF64() ? -750.0 : -104.0);
    bool exact;
    smallest.convert(make.element.getFloatSemantics(), APFloat::rmNearestTiesToEven, &exact);
    Value limit = make.constant(smallest, shape.size());
    make.fit(log, limit);
    return arith::MaximumFOp::create(make, log, limit);
  }

  //===--------------------------------------------------------------------===//
  // Identity steps
  //===--------------------------------------------------------------------===//

  /// The transition that leaves states as they are.
  Transition identity(const Transition &like) {
    Transition result;
    size_t count = scan.getStateCount();
    int64_t rank = shape.size();
    auto number = [&](Value real, bool isComplex) {
      return Number{real,
                    isComplex ? make.constant(APFloat::getZero(make.element.getFloatSemantics()), rank) : Value()};
    };
    for (size_t entry = 0; entry < like.size(); ++entry) {
      bool isOne = isDense() || like.size() == 1 || entry / count == entry % count;
      Value real =
          isDense() ? identityMatrix() : make.constant(scan.getLog() || !isOne ? make.zero() : make.one(), rank);
      result.push_back(number(real, bool(like[entry].im)));
    }
    return result;
  }

  Value identityMatrix() {
    ArrayRef<int64_t> over = scan.getOver(), from = scan.getFrom();
    SmallVector<int64_t> extents(shape.size(), 1);
    for (auto [row, column] : llvm::zip_equal(over, from))
      for (int64_t axis : {row, column})
        if (axis >= 0)
          extents[axis] = shapeOfMatrix[axis];
    auto type = VectorType::get(extents, make.element);
    SmallVector<APFloat> elements;
    for (int64_t element = 0; element < type.getNumElements(); ++element) {
      SmallVector<int64_t> index(extents.size());
      int64_t rest = element;
      for (size_t axis = extents.size(); axis-- > 0; rest /= extents[axis])
        index[axis] = rest % extents[axis];
      bool isSame = llvm::all_of(llvm::zip_equal(over, from), [&](auto pair) {
        auto [row, column] = pair;
        return row < 0 || column < 0 || index[row] == index[column];
      });
      elements.push_back(isSame ? make.one() : make.zero());
    }
    return arith::ConstantOp::create(make, DenseElementsAttr::get(type, elements));
  }

  /// Steps from `below` on become the identity.
  void maskSteps(Transition &transition, States &drive) {
    SmallVector<int64_t> extents(shape.size(), 1);
    for (int64_t axis : along)
      extents[axis] = shape[axis];
    auto type = VectorType::get(extents, make.getI64Type());
    SmallVector<int64_t> numbers(type.getNumElements());
    for (auto [element, number] : llvm::enumerate(numbers)) {
      SmallVector<int64_t> index(extents.size());
      int64_t rest = element;
      for (size_t axis = extents.size(); axis-- > 0; rest /= extents[axis])
        index[axis] = rest % extents[axis];
      for (int64_t axis : along)
        number = number * extents[axis] + index[axis];
    }
    Value step = arith::ConstantOp::create(make, DenseElementsAttr::get(type, ArrayRef<int64_t>(numbers)));
    Value end = vector::BroadcastOp::create(make, type, scan.getBelow());
    Value isStep = arith::CmpIOp::create(make, arith::CmpIPredicate::slt, step, end);
    auto choose = [&](Value tile, Value outside) {
      make.fit(tile, outside);
      Value condition = isStep;
      return Value(arith::SelectOp::create(make, make.stretch(condition, typeOf(tile).getShape()), tile, outside));
    };
    auto chooseNumber = [&](Number &number, Number outside) {
      number = {choose(number.re, outside.re), number.im ? choose(number.im, outside.im) : Value()};
    };
    for (auto [entry, outside] : llvm::zip_equal(transition, identity(transition)))
      chooseNumber(entry, outside);
    Value zero = make.constant(make.zero(), shape.size());
    for (Number &number : drive)
      chooseNumber(number, {zero, zero});
  }

  /// A transition's tile with every step; and what a matrix's axes hold.
  Value overSteps(Value tile) {
    SmallVector<int64_t> extents(typeOf(tile).getShape());
    for (int64_t axis : along)
      extents[axis] = shape[axis];
    // Where a matrix does not vary along its rows or columns, products of it do.
    shapeOfMatrix.resize(extents.size(), 1);
    ArrayRef<int64_t> sizes = scan.getSizes();
    for (auto [k, pair] : llvm::enumerate(llvm::zip_equal(scan.getOver(), scan.getFrom()))) {
      auto [row, column] = pair;
      if (row >= 0)
        extents[row] = shape[row];
      if (column >= 0)
        extents[column] = std::max(extents[column], sizes[k]);
      for (int64_t axis : {row, column})
        if (axis >= 0)
          shapeOfMatrix[axis] = extents[axis];
    }
    return make.stretch(tile, extents);
  }

  //===--------------------------------------------------------------------===//
  // The block
  //===--------------------------------------------------------------------===//

  /// The states of a block after each step.
  States scanSteps(const Transition &transition, const States &drive, const States &carry) {
    int64_t registers = along.size() > 1 ? shape[along.back()] : 1, lanes = along.empty() ? 1 : shape[along.front()];
    if (along.size() == 1 && along.front() + 1 != static_cast<int64_t>(shape.size()))
      std::swap(registers, lanes);
    SmallVector<Transition> transitions;
    SmallVector<States> drives;
    for (int64_t step = 0; step < registers; ++step) {
      transitions.push_back(at(transition, step, registers));
      drives.push_back(at(drive, step, registers));
    }
    States state = carry;
    if (lanes > 1 || registers == 1) {
      // Each lane alone.
      Transition all = transitions[0];
      States after = drives[0];
      for (int64_t step = 1; step < registers; ++step) {
        after = apply(transitions[step], after, drives[step]);
        all = compose(transitions[step], all);
      }
      // Lanes together.
      for (int64_t distance = 1; distance < lanes; distance *= 2) {
        after = apply(all, shift(after, distance, zeros(after)), after);
        all = compose(all, shift(all, distance, identity(all)));
      }
      after = apply(all, carry, after);
      if (registers == 1)
        return after;
      state = shift(after, 1, carry);
    }
    // Each lane again, from the state that it begins with.
    SmallVector<States> steps;
    for (int64_t step = 0; step < registers; ++step)
      steps.push_back(state = apply(transitions[step], state, drives[step]));
    return stack(steps);
  }

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
      auto type = VectorType::get(shape, make.element);
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
      return TileShiftOp::create(make, make.stretch(tile, extents), distance, along.front(), outside);
    };
    SmallVector<Number> result;
    for (auto [number, outside] : llvm::zip_equal(numbers, fill))
      result.push_back({move(number.re, outside.re), number.im ? move(number.im, outside.im) : Value()});
    return result;
  }

  States zeros(const States &like) {
    Value zero = make.constant(make.zero(), shape.size());
    return llvm::map_to_vector(like, [&](Number number) { return Number{zero, number.im ? zero : Value()}; });
  }

  TileScanOp scan;
  Numbers make;
  SmallVector<int64_t> shape, along;
  /// Extents of a dense transition along its rows and columns, by axis.
  SmallVector<int64_t> shapeOfMatrix;
  /// Of logs of decays.
  llvm::DenseMap<Value, Value> exponentials;
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
