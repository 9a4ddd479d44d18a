// Sums numbers over a loop a vector at a time. Passes.td has the contract.
//
// Lanes hold coordinates of one dimension, and what lacks it is a number. Several steps of a matrix state at once read
// sums of such numbers along the state's other dimension (a query times the keys before it): one after another they
// wait for each other, and take as many operations as whole rows.

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/Matchers.h"
#include "passes/Passes.h"
#include "passes/RowAccess.h"

namespace ssm {
#define GEN_PASS_DEF_VECTORIZESUMS
#include "passes/Passes.h.inc"
} // namespace ssm

using namespace mlir;
using namespace ssm;

namespace {
bool isNumber(Type type) {
  auto tile = dyn_cast<VectorType>(type);
  return tile && tile.getNumElements() == 1 && isa<FloatType>(tile.getElementType());
}

bool isElementwiseTile(Operation *op) {
  return op->getNumResults() == 1 && isa<VectorType>(op->getResult(0).getType()) && isMemoryEffectFree(op) &&
         (op->hasTrait<OpTrait::Elementwise>() || op->hasTrait<OpTrait::SameOperandsAndResultType>());
}

/// The sums of one loop that need no more than what a few vectors hold.
class SumVectorizer {
public:
  SumVectorizer(scf::ForOp loop, int64_t vectorBytes)
      : loop(loop), vectorBytes(vectorBytes), loc(loop.getLoc()), builder(loop) {
    loop.walk([&](TileStoreOp store) { written.insert(store.getPointer()); });
  }

  void run() {
    if (!matchPattern(loop.getStep(), m_One()))
      return;
    for (unsigned number = 0; number < loop.getNumResults(); ++number)
      if (isSum(number))
        sums.push_back(number);
    if (sums.empty())
      return;
    lanes = vectorBytes * 8 / elementType().getIntOrFloatBitWidth();
    std::optional<int64_t> from = getConstantIntValue(loop.getLowerBound()),
                           to = getConstantIntValue(loop.getUpperBound());
    if (from && to && *to - *from < lanes)
      return;
    SmallVector<Value> totals = sumVectors();
    if (!from || !to || (*to - *from) % lanes != 0)
      totals = sumRest(totals);
    replaceLoop(totals);
  }

private:
  //===--------------------------------------------------------------------===//
  // What can be summed so
  //===--------------------------------------------------------------------===//

  Type elementType() { return cast<VectorType>(loop.getResult(sums.front()).getType()).getElementType(); }
  Value termOf(unsigned number) {
    auto add = cast<arith::AddFOp>(loop.getYieldedValues()[number].getDefiningOp());
    return add.getLhs() == loop.getRegionIterArg(number) ? add.getRhs() : add.getLhs();
  }

  bool isSum(unsigned number) {
    Value argument = loop.getRegionIterArg(number), yielded = loop.getYieldedValues()[number];
    auto add = yielded.getDefiningOp<arith::AddFOp>();
    if (!isNumber(argument.getType()) || !add || add->getBlock() != loop.getBody() || !argument.hasOneUse() ||
        !yielded.hasOneUse() || *argument.user_begin() != add || add.getLhs() == add.getRhs())
      return false;
    if (!sums.empty() && argument.getType() != loop.getResult(sums.front()).getType())
      return false;
    return varies(termOf(number)) && isComputable(termOf(number));
  }

  /// Whether a value is another one at every turn of the loop.
  bool varies(Value value) {
    if (value.getParentBlock() != loop.getBody())
      return false;
    Operation *op = value.getDefiningOp();
    return !op || llvm::any_of(op->getOperands(), [&](Value operand) { return varies(operand); });
  }

  /// Whether several turns' numbers can be computed at once: of loads of consecutive elements, and of what is the same
  /// at every turn.
  bool isComputable(Value value) {
    if (auto it = computable.find(value); it != computable.end())
      return it->second;
    return computable[value] = decide(value);
  }

  bool decide(Value value) {
    if (value.getParentBlock() != loop.getBody())
      return !isa<VectorType>(value.getType()) || isNumber(value.getType());
    Operation *op = value.getDefiningOp();
    if (!op)
      return false;
    if (auto load = dyn_cast<TileLoadOp>(op))
      return isNumber(value.getType()) && load.getLimits().empty() &&
             load.getPointer().getParentBlock() != loop.getBody() &&
             !(load.getChanging() && written.contains(load.getPointer())) && timesCounted(load.getOffset(), loop) <= 1;
    if (!isNumber(value.getType()) && !isa<IntegerType>(getElementTypeOrSelf(value)))
      return false;
    return isElementwiseTile(op) && isOne(value.getType()) && llvm::all_of(op->getOperands(), [&](Value operand) {
             return isOne(operand.getType()) && isComputable(operand);
           });
  }

  bool isOne(Type type) {
    auto tile = dyn_cast<VectorType>(type);
    return tile && tile.getNumElements() == 1;
  }

  //===--------------------------------------------------------------------===//
  // Vectors
  //===--------------------------------------------------------------------===//

  VectorType widen(Type type) {
    auto tile = cast<VectorType>(type);
    SmallVector<int64_t> shape(tile.getShape());
    shape.back() = lanes;
    return VectorType::get(shape, tile.getElementType());
  }

  /// Offsets and what else is no tile, as at the turn that `scalars` maps the loop's number to.
  Value cloned(OpBuilder &at, Value value, IRMapping &scalars) {
    if (Value known = scalars.lookupOrNull(value))
      return known;
    if (value.getParentBlock() != loop.getBody())
      return value;
    Operation *op = value.getDefiningOp();
    for (Value operand : op->getOperands())
      cloned(at, operand, scalars);
    return at.clone(*op, scalars)->getResult(0);
  }

  /// The numbers of as many turns as there are lanes, from that one on.
  Value vectorOf(OpBuilder &at, Value value, IRMapping &scalars, IRMapping &vectors) {
    if (Value known = vectors.lookupOrNull(value))
      return known;
    Value result;
    if (!varies(value)) {
      result = vector::BroadcastOp::create(at, loc, widen(value.getType()), cloned(at, value, scalars));
    } else if (auto load = value.getDefiningOp<TileLoadOp>()) {
      SmallVector<Value> strides(load.getStrides());
      strides.back() = arith::ConstantOp::create(at, loc, at.getI64IntegerAttr(1));
      result = TileLoadOp::create(at, loc, widen(value.getType()), load.getStored(), load.getPointer(),
                                  cloned(at, load.getOffset(), scalars), strides, ValueRange(), at.getArrayAttr({}),
                                  load.getChanging());
    } else {
      Operation *op = value.getDefiningOp();
      OperationState state(loc, op->getName());
      for (Value operand : op->getOperands())
        state.operands.push_back(vectorOf(at, operand, scalars, vectors));
      state.types.push_back(widen(value.getType()));
      state.attributes = llvm::to_vector(op->getAttrs());
      state.propertiesAttr = op->getPropertiesAsAttribute();
      result = at.create(state)->getResult(0);
    }
    vectors.map(value, result);
    return result;
  }

  SmallVector<Value> sumVectors() {
    Value from = loop.getLowerBound();
    Value count = builder.createOrFold<arith::SubIOp>(loc, loop.getUpperBound(), from);
    Value step = arith::ConstantOp::create(builder, loc, builder.getIntegerAttr(from.getType(), lanes));
    Value whole =
        builder.createOrFold<arith::MulIOp>(loc, builder.createOrFold<arith::DivSIOp>(loc, count, step), step);
    end = builder.createOrFold<arith::AddIOp>(loc, from, whole);
    VectorType type = widen(loop.getResult(sums.front()).getType());
    Value zero = arith::ConstantOp::create(builder, loc, builder.getZeroAttr(type));
    auto vectors = scf::ForOp::create(
        builder, loc, from, end, step, SmallVector<Value>(sums.size(), zero),
        [&](OpBuilder &at, Location, Value number, ValueRange arguments) {
          IRMapping scalars, known;
          scalars.map(loop.getInductionVar(), number);
          SmallVector<Value> totals;
          for (auto [sum, argument] : llvm::zip_equal(sums, arguments))
            totals.push_back(arith::AddFOp::create(at, loc, argument, vectorOf(at, termOf(sum), scalars, known)));
          scf::YieldOp::create(at, loc, totals);
        });
    SmallVector<Value> totals;
    for (auto [sum, total] : llvm::zip_equal(sums, vectors.getResults())) {
      Value init = loop.getInitArgs()[sum];
      Value result = TileReduceOp::create(builder, loc, init.getType(), "add", total, ArrayRef(type.getRank() - 1),
                                          ValueRange(), builder.getArrayAttr({}));
      totals.push_back(matchPattern(init, m_AnyZeroFloat()) ? result
                                                            : arith::AddFOp::create(builder, loc, init, result));
    }
    return totals;
  }

  /// The turns that fill no vector, one after another.
  SmallVector<Value> sumRest(ValueRange totals) {
    auto rest = scf::ForOp::create(builder, loc, end, loop.getUpperBound(), loop.getStep(), totals,
                                   [&](OpBuilder &at, Location, Value number, ValueRange arguments) {
                                     IRMapping scalars;
                                     scalars.map(loop.getInductionVar(), number);
                                     SmallVector<Value> results;
                                     for (auto [sum, argument] : llvm::zip_equal(sums, arguments))
                                       results.push_back(
                                           arith::AddFOp::create(at, loc, argument, cloned(at, termOf(sum), scalars)));
                                     scf::YieldOp::create(at, loc, results);
                                   });
    return llvm::to_vector_of<Value>(rest.getResults());
  }

  /// The loop as it was without these sums; gone if nothing else is left of it.
  void replaceLoop(ValueRange totals) {
    SmallVector<unsigned> others;
    for (unsigned number = 0; number < loop.getNumResults(); ++number)
      if (!llvm::is_contained(sums, number))
        others.push_back(number);
    auto pick = [&](ValueRange values) {
      return llvm::map_to_vector(others, [&](unsigned number) { return values[number]; });
    };
    for (auto [sum, total] : llvm::zip_equal(sums, totals))
      loop.getResult(sum).replaceAllUsesWith(total);
    auto shorter = scf::ForOp::create(builder, loc, loop.getLowerBound(), loop.getUpperBound(), loop.getStep(),
                                      pick(loop.getInitArgs()));
    if (others.empty())
      shorter.getBody()->getTerminator()->erase();
    auto yield = cast<scf::YieldOp>(loop.getBody()->getTerminator());
    yield.getResultsMutable().assign(pick(yield.getResults()));
    loop.getInductionVar().replaceAllUsesWith(shorter.getInductionVar());
    for (auto [number, other] : llvm::enumerate(others)) {
      loop.getRegionIterArg(other).replaceAllUsesWith(shorter.getRegionIterArg(number));
      loop.getResult(other).replaceAllUsesWith(shorter.getResult(number));
    }
    shorter.getBody()->getOperations().splice(shorter.getBody()->end(), loop.getBody()->getOperations());
    // The sums' own operations come off from behind: their arguments are uses, so these go last.
    for (Operation &op : llvm::make_early_inc_range(llvm::reverse(*shorter.getBody())))
      if (isOpTriviallyDead(&op))
        op.erase();
    bool isEmpty = others.empty() && llvm::hasSingleElement(*shorter.getBody());
    loop.erase();
    if (isEmpty)
      shorter.erase();
  }

  scf::ForOp loop;
  int64_t vectorBytes, lanes = 0;
  Location loc;
  OpBuilder builder;
  SmallVector<unsigned> sums;
  /// Where the vectors' turns end.
  Value end;
  llvm::DenseSet<Value> written;
  llvm::DenseMap<Value, bool> computable;
};

struct VectorizeSums : ssm::impl::VectorizeSumsBase<VectorizeSums> {
  using VectorizeSumsBase::VectorizeSumsBase;

  void runOnOperation() override {
    SmallVector<scf::ForOp> loops;
    getOperation().walk([&](scf::ForOp loop) { loops.push_back(loop); });
    for (scf::ForOp loop : loops)
      SumVectorizer(loop, vectorBytes).run();
  }
};
} // namespace
