// Takes out of the loop over time what many rows of a step wait for. Passes.td has the contract.
//
// Softplus and exp are chains of some forty dependent operations. Inside a step, whose rows all wait for the end of the
// chain, a processor cannot look far enough ahead to fill the time; several steps' chains side by side fill it.

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/Matchers.h"
#include "passes/Passes.h"
#include "passes/RowAccess.h"
#include "llvm/ADT/SetVector.h"

namespace ssm {
#define GEN_PASS_DEF_SPLITSTEPS
#include "passes/Passes.h.inc"
} // namespace ssm

using namespace mlir;
using namespace ssm;

namespace {
/// A row that this many operations of a step wait for is worth a place in memory, if it takes as many to compute; so is
/// a scalar that takes as many, of which a vector holds several steps.
constexpr size_t manyWaiting = 4, manyOperations = 4;
/// So are a few rows that take long, though little waits for them.
constexpr size_t longChain = 16, fewRows = 4;
/// Steps that memory is set aside for, where the loop does not say how many it has.
constexpr int64_t chunkSteps = 32;
/// Steps of a scalar that are computed as one vector, and of a row side by side.
constexpr int64_t timeLanes = 16, rowsAside = 8;

/// The intrinsics that ssm-expand-math calls are arithmetic.
bool isPure(Operation &op) { return isMemoryEffectFree(&op) || isa<LLVM::CallIntrinsicOp>(op); }
bool isNumber(Type type) { return isa<FloatType>(getElementTypeOrSelf(type)); }
int64_t lanesOf(Type type) {
  auto row = dyn_cast<VectorType>(type);
  return row ? row.getNumElements() : 1;
}

bool isScalar(Operation *op) { return lanesOf(op->getResult(0).getType()) == 1; }

/// Whether a value is a number or, as the results of comparisons are, made of numbers; addresses are i64 made of i64.
bool isMadeOfNumbers(Value value) {
  if (isNumber(value.getType()))
    return true;
  Operation *op = value.getDefiningOp();
  return op && !isa<arith::ConstantOp>(op) && llvm::any_of(op->getOperands(), isMadeOfNumbers);
}

/// What of one loop's body can run ahead of it.
class Analysis {
public:
  explicit Analysis(scf::ForOp loop) : loop(loop) {
    for (Operation &op : loop.getBody()->without_terminator())
      if (isFree(op))
        free.insert(&op);
    for (Operation *op : llvm::reverse(free.getArrayRef()))
      findWaiting(*op);
    for (Operation *op : free)
      if (isNumber(op->getResult(0).getType()) && (isScalar(op) || waiting[op].size() >= manyWaiting))
        early.insert(op);
    for (Operation *op : early)
      if (isLeaving(*op) && (countOperations(*op) >= manyOperations || isOfConsecutive(*op)))
        chosen.insert(op);
    addLongChains();
  }

  /// Values that get a place in memory, in the order of the body.
  llvm::SetVector<Operation *> chosen;

  /// What it takes to compute `values`, other chosen values given, in the order of the body.
  SmallVector<Operation *> operationsFor(ArrayRef<Operation *> values) {
    llvm::SetVector<Operation *> needed(values.begin(), values.end());
    for (size_t next = 0; next < needed.size(); ++next)
      for (Value operand : needed[next]->getOperands())
        if (Operation *from = operand.getDefiningOp();
            free.contains(from) && (!chosen.contains(from) || llvm::is_contained(values, from)))
          needed.insert(from);
    SmallVector<Operation *> result = needed.takeVector();
    llvm::sort(result, [](Operation *a, Operation *b) { return a->isBeforeInBlock(b); });
    return result;
  }

private:
  /// Whether the operation depends neither on the states nor on what the loop writes.
  bool isFree(Operation &op) {
    if (op.getNumResults() != 1 || op.getNumRegions() || !isPure(op))
      return false;
    // Numbers made of the step's number would take vectors of step numbers.
    if (isNumber(op.getResult(0).getType()) && !isa<TileLoadOp>(op) && llvm::any_of(op.getOperands(), [&](Value value) {
          return isa<IntegerType>(value.getType()) && value.getParentBlock() == loop.getBody() &&
                 !value.getDefiningOp<arith::ConstantOp>() && !isMadeOfNumbers(value);
        }))
      return false;
    return llvm::all_of(op.getOperands(), [&](Value value) {
      return value.getParentBlock() != loop.getBody() || value == loop.getInductionVar() ||
             free.contains(value.getDefiningOp());
    });
  }

  /// The first few operations outside `free` that wait for this one.
  void findWaiting(Operation &op) {
    auto &own = waiting[&op];
    for (Operation *user : op.getUsers()) {
      user = loop.getBody()->findAncestorOpInBlock(*user);
      if (!free.contains(user))
        own.insert(user);
      else
        own.insert_range(waiting[user]);
      while (own.size() > manyWaiting)
        own.pop_back();
    }
  }

  /// Whether something else than early work of its own kind reads the value: rows read scalars as they leave.
  bool isLeaving(Operation &op) {
    return llvm::any_of(op.getUsers(),
                        [&](Operation *user) { return !early.contains(user) || isScalar(user) != isScalar(&op); });
  }

  void addLongChains() {
    SmallVector<Operation *> found;
    for (Operation *op : free)
      if (isNumber(op->getResult(0).getType()) && !early.contains(op) &&
          llvm::any_of(op->getUsers(), [&](Operation *user) { return !free.contains(user); }) &&
          countOperations(*op) >= longChain)
        found.push_back(op);
    if (found.size() <= fewRows)
      chosen.insert_range(found);
  }

  /// Whether a scalar takes any work, and vectors of it take no more than loads of vectors.
  bool isOfConsecutive(Operation &op) {
    return isScalar(&op) && turnsOf(loop).value_or(0) >= timeLanes && countOperations(op) > 0 &&
           llvm::all_of(operationsFor(&op), [&](Operation *needed) {
             auto load = dyn_cast<TileLoadOp>(needed);
             return !load || timesCounted(load.getOffset(), loop) <= 1;
           });
  }

  size_t countOperations(Operation &op) {
    size_t count = 0;
    for (Operation *needed : operationsFor(&op))
      count +=
          isNumber(needed->getResult(0).getType()) && !isa<TileLoadOp, arith::ConstantOp, vector::BroadcastOp>(needed);
    return count;
  }

  scf::ForOp loop;
  llvm::SetVector<Operation *> free, early;
  llvm::DenseMap<Operation *, llvm::SmallSetVector<Operation *, 8>> waiting;
};

class Splitter {
public:
  Splitter(scf::ForOp loop, func::FuncOp kernel)
      : loop(loop), kernel(kernel), loc(loop.getLoc()), analysis(loop), builder(loop) {}

  void run() {
    for (Operation *op : analysis.chosen)
      (isScalar(op) && canBeVector(op) ? scalars : rows).push_back(op);
    if (scalars.empty() && rows.empty())
      return;
    int64_t steps = knownSteps().value_or(0);
    if (!steps)
      steps = inChunks();
    for (Operation *op : analysis.chosen)
      allocate(op, steps);
    builder.setInsertionPoint(loop);
    if (rows.empty())
      leaveLoops();
    if (!scalars.empty())
      computeScalars();
    if (!rows.empty())
      computeRows();
    readBack();
  }

private:
  Value constant(int64_t value) { return arith::ConstantOp::create(builder, loc, builder.getI64IntegerAttr(value)); }
  Value add(Value a, Value b) { return builder.createOrFold<arith::AddIOp>(loc, a, b); }
  Value sub(Value a, Value b) { return builder.createOrFold<arith::SubIOp>(loc, a, b); }

  /// Whether all that it takes is elementwise on scalars that are vectors as well.
  bool canBeVector(Operation *op) {
    return llvm::all_of(analysis.operationsFor(op), [&](Operation *needed) {
      for (Value operand : needed->getOperands())
        if (Operation *from = operand.getDefiningOp();
            from != op && analysis.chosen.contains(from) && !llvm::is_contained(scalars, from))
          return false;
      return isa<TileLoadOp, arith::ConstantOp>(needed) || !isNumber(needed->getResult(0).getType()) ||
             OpTrait::hasElementwiseMappableTraits(needed);
    });
  }

  /// The largest number of steps, where the loop begins at 0 and says it.
  std::optional<int64_t> knownSteps() {
    APInt number;
    if (!matchPattern(loop.getLowerBound(), m_Zero()))
      return std::nullopt;
    if (matchPattern(loop.getUpperBound(), m_ConstantInt(&number)) && number.sle(256))
      return number.getSExtValue();
    if (auto least = loop.getUpperBound().getDefiningOp<arith::MinSIOp>())
      for (Value operand : least->getOperands())
        if (matchPattern(operand, m_ConstantInt(&number)) && number.sle(256))
          return number.getSExtValue();
    return std::nullopt;
  }

  /// Puts the loop into another one, over chunks of steps.
  int64_t inChunks() {
    builder.setInsertionPoint(loop);
    Value first = loop.getLowerBound(), end = loop.getUpperBound();
    auto chunks = scf::ForOp::create(builder, loc, first, end, constant(chunkSteps), loop.getInitArgs());
    loop.replaceAllUsesWith(chunks.getResults());
    if (loop.getNumResults() == 0)
      chunks.getBody()->getTerminator()->erase();
    builder.setInsertionPointToEnd(chunks.getBody());
    Value count = arith::MinSIOp::create(builder, loc, constant(chunkSteps), sub(end, chunks.getInductionVar()));
    Value zero = constant(0);
    loop->moveBefore(chunks.getBody(), chunks.getBody()->end());
    scf::YieldOp::create(builder, loc, loop.getResults());
    loop.setLowerBound(zero);
    loop.setUpperBound(count);
    loop.getInitArgsMutable().assign(chunks.getRegionIterArgs());
    builder.setInsertionPointToStart(loop.getBody());
    Value number = arith::AddIOp::create(builder, loc, chunks.getInductionVar(), loop.getInductionVar());
    loop.getInductionVar().replaceAllUsesExcept(number, number.getDefiningOp());
    // The number is of the loop's body now, and so is all that reads it. What leaves was chosen by all of the steps.
    auto chosen = std::move(analysis.chosen);
    analysis = Analysis(loop);
    analysis.chosen = std::move(chosen);
    return chunkSteps;
  }

  /// Goes out of the loops in which scalars are the same at every turn.
  void leaveLoops() {
    Operation *at = loop;
    auto isOutside = [&](scf::ForOp around, Value value) {
      return !around->isProperAncestor(value.getParentBlock()->getParentOp()) &&
             value.getParentBlock() != around.getBody();
    };
    while (auto around = dyn_cast<scf::ForOp>(at->getParentOp())) {
      SmallVector<Operation *> constants;
      auto canLeave = [&](Value value) {
        Operation *op = value.getDefiningOp();
        if (isOutside(around, value) || value == loop.getInductionVar() || (op && op->getBlock() == loop.getBody()))
          return true;
        if (!isa_and_nonnull<arith::ConstantOp>(op))
          return false;
        constants.push_back(op);
        return true;
      };
      bool leaves = canLeave(loop.getLowerBound()) && canLeave(loop.getUpperBound());
      for (Operation *op : analysis.operationsFor(scalars))
        leaves &= llvm::all_of(op->getOperands(), canLeave);
      if (!leaves)
        break;
      for (Operation *op : constants)
        op->moveBefore(around);
      at = around;
    }
    builder.setInsertionPoint(at);
  }

  void allocate(Operation *op, int64_t steps) {
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToStart(&kernel.getBody().front());
    Type type = op->getResult(0).getType();
    int64_t padded = llvm::alignTo(steps, timeLanes) * lanesOf(type);
    places[op] = LLVM::AllocaOp::create(builder, loc, LLVM::LLVMPointerType::get(builder.getContext()),
                                        getElementTypeOrSelf(type), constant(padded), /*alignment=*/64);
  }

  /// Runs `body` for numbers from `from`, below `to`.
  void repeat(Value from, Value to, int64_t step, llvm::function_ref<void(Value)> body) {
    auto counted = scf::ForOp::create(builder, loc, from, to, constant(step));
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPoint(counted.getBody()->getTerminator());
    body(counted.getInductionVar());
  }

  Value load(Operation *op, Value step) {
    Type type = op->getResult(0).getType();
    SmallVector<Value> strides;
    if (lanesOf(type) > 1)
      strides.push_back(constant(1));
    Value offset = builder.createOrFold<arith::MulIOp>(loc, step, constant(lanesOf(type)));
    return TileLoadOp::create(builder, loc, type, getElementTypeOrSelf(type), places.lookup(op), offset, strides,
                              ValueRange(), builder.getArrayAttr({}));
  }

  void store(Operation *op, Value value, Value step) {
    int64_t lanes = lanesOf(op->getResult(0).getType());
    SmallVector<Value> strides;
    if (lanesOf(value.getType()) > 1)
      strides.push_back(constant(1));
    Value offset = builder.createOrFold<arith::MulIOp>(loc, step, constant(lanes));
    TileStoreOp::create(builder, loc, value, getElementTypeOrSelf(value.getType()), places.lookup(op), offset, strides,
                        ValueRange(), builder.getArrayAttr({}));
  }

  //===--------------------------------------------------------------------===//
  // Scalars: steps along the lanes of a vector
  //===--------------------------------------------------------------------===//

  static Type alongTime(Type scalar) { return VectorType::get({timeLanes}, scalar); }

  void computeScalars() {
    repeat(loop.getLowerBound(), loop.getUpperBound(), timeLanes, [&](Value first) {
      // Integers for the first step and the one behind it: what an address differs by is its stride.
      IRMapping here, next;
      here.map(loop.getInductionVar(), first);
      next.map(loop.getInductionVar(), add(first, constant(1)));
      llvm::DenseMap<Value, Value> vectors;
      for (Operation *op : analysis.operationsFor(scalars))
        if (isa<arith::ConstantOp>(op) || !isMadeOfNumbers(op->getResult(0))) {
          builder.clone(*op, here);
          builder.clone(*op, next);
        } else {
          vectors[op->getResult(0)] = isa<TileLoadOp>(op) ? loadAlongTime(cast<TileLoadOp>(op), first, here, next)
                                                          : computeAlongTime(*op, vectors, here);
        }
      for (Operation *op : scalars)
        store(op, vectors[op->getResult(0)], first);
    });
  }

  Value loadAlongTime(TileLoadOp load, Value first, IRMapping &here, IRMapping &next) {
    Value offset = here.lookupOrDefault(load.getOffset());
    Value stride = sub(next.lookupOrDefault(load.getOffset()), offset);
    SmallVector<Value> limits;
    SmallVector<Attribute> coefficients;
    for (Value limit : load.getLimits()) {
      limits.push_back(here.lookupOrDefault(limit));
      coefficients.push_back(builder.getDenseI64ArrayAttr({0}));
    }
    limits.push_back(sub(loop.getUpperBound(), first));
    coefficients.push_back(builder.getDenseI64ArrayAttr({1}));
    return TileLoadOp::create(builder, loc, alongTime(load.getType()), load.getStored(),
                              here.lookupOrDefault(load.getPointer()), offset, stride, limits,
                              builder.getArrayAttr(coefficients));
  }

  Value computeAlongTime(Operation &op, llvm::DenseMap<Value, Value> &vectors, IRMapping &here) {
    IRMapping mapping;
    for (Value operand : op.getOperands()) {
      Value &vector = vectors[operand];
      if (!vector)
        vector = vector::BroadcastOp::create(builder, loc, alongTime(operand.getType()), here.lookupOrDefault(operand));
      mapping.map(operand, vector);
    }
    Operation *clone = builder.clone(op, mapping);
    clone->getResult(0).setType(alongTime(op.getResult(0).getType()));
    return clone->getResult(0);
  }

  //===--------------------------------------------------------------------===//
  // Rows: several steps side by side, an operation of each after another
  //===--------------------------------------------------------------------===//

  void computeRows() {
    Value zero = loop.getLowerBound(), count = loop.getUpperBound(), aside = constant(rowsAside);
    Value whole = arith::MulIOp::create(builder, loc, arith::DivUIOp::create(builder, loc, count, aside), aside);
    repeat(zero, whole, rowsAside, [&](Value first) { computeRowsOf(first, rowsAside); });
    repeat(whole, count, 1, [&](Value first) { computeRowsOf(first, 1); });
  }

  void computeRowsOf(Value first, int64_t copies) {
    SmallVector<IRMapping> steps(copies);
    for (auto [number, step] : llvm::enumerate(steps)) {
      step.map(loop.getInductionVar(), add(first, constant(number)));
      for (Operation *op : scalars)
        step.map(op->getResult(0), load(op, step.lookup(loop.getInductionVar())));
    }
    for (Operation *op : analysis.operationsFor(rows))
      for (IRMapping &step : steps)
        builder.clone(*op, step);
    for (Operation *op : rows)
      for (IRMapping &step : steps)
        store(op, step.lookup(op->getResult(0)), step.lookup(loop.getInductionVar()));
  }

  void readBack() {
    builder.setInsertionPointToStart(loop.getBody());
    for (Operation *op : analysis.chosen)
      op->getResult(0).replaceAllUsesWith(load(op, loop.getInductionVar()));
    SmallVector<Operation *> body = llvm::to_vector(llvm::make_pointer_range(loop.getBody()->without_terminator()));
    for (Operation *op : llvm::reverse(body))
      if (op->use_empty() && isPure(*op))
        op->erase();
  }

  scf::ForOp loop;
  func::FuncOp kernel;
  Location loc;
  Analysis analysis;
  OpBuilder builder;
  SmallVector<Operation *> scalars, rows;
  llvm::DenseMap<Operation *, Value> places;
};

struct SplitSteps : ssm::impl::SplitStepsBase<SplitSteps> {
  void runOnOperation() override {
    SmallVector<scf::ForOp> loops;
    getOperation().walk([&](scf::ForOp loop) {
      bool isInnermost = loop.getBody()->getOps<scf::ForOp>().empty();
      bool isOutermost = !loop->getParentOfType<scf::ForOp>();
      if ((isInnermost ? loop.getNumResults() > 0 : isOutermost) && loop.getInductionVar().getType().isInteger(64) &&
          matchPattern(loop.getStep(), m_One()))
        loops.push_back(loop);
    });
    for (scf::ForOp loop : loops)
      Splitter(loop, getOperation()).run();
  }
};
} // namespace
