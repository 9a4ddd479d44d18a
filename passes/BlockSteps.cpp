// Several steps of a recurrence as one step of another. Passes.td has the contract.
//
// A large state does not fit in registers: a step loads and stores all of it, and stores are what a processor does
// least of. A step that is several steps moves it once. Where steps add products of vectors to the state and read sums
// of it, what a later step reads is what it reads of the state before the first, and a small sum for each product that
// was added since: the state itself takes all products at once.

#include "passes/BlockSteps.h"
#include "dialect/MatrixStates.h"
#include "dialect/RowPlan.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/IRMapping.h"
#include "passes/ComputeType.h"
#include "passes/NumberBuilder.h"
#include "passes/Passes.h"

namespace ssm {
#define GEN_PASS_DEF_BLOCKSTEPS
#include "passes/Passes.h.inc"
} // namespace ssm

using namespace mlir;
using namespace ssm;
using llvm::Error;

namespace {
/// A matrix state at some step of the block: scale·S + Σ left·(scalar·right), of the S before the block. A null value
/// is 1.
struct Sum {
  struct Product {
    Value left, scalar, right;
    bool isNegative;
  };
  Value scale;
  SmallVector<Product> products;
};

struct Blocked {
  MatrixState state;
  Value start;
  /// Before and after the step that is being written.
  Sum before, after;
  /// The state after the block, once it is written.
  Value last = {};
};

class BlockBuilder {
public:
  BlockBuilder(RecurrenceOp from, RecurrenceOp to, int64_t steps)
      : from(from), dims(from), builder(from.getLoc(), OpBuilder::atBlockEnd(&to.getBody().front())), steps(steps) {
    for (MatrixState &state : findMatrixStates(from, dims))
      blocked.push_back({std::move(state), {}, {}, {}});
  }

  /// The arrays that inputs and outputs of single steps stand for: name and step.
  DictionaryAttr build() {
    for (step = 0; step < steps; ++step) {
      beginStep();
      for (Operation &op : from.getBody().front())
        addOperation(op);
    }
    finish();
    return builder.getDictionaryAttr(arrays);
  }

private:
  void addOperation(Operation &op) {
    if (auto previous = dyn_cast<PreviousOp>(op))
      return addPrevious(previous);
    if (auto next = dyn_cast<NextOp>(op)) {
      nexts[next.getName()] = next;
      return;
    }
    for (Blocked &matrix : blocked) {
      if (auto it = matrix.state.readings.find(&op); it != matrix.state.readings.end()) {
        values.map(op.getResult(0), readSum(cast<SumOp>(op), matrix, it->second));
        return;
      }
      if (!matrix.state.inside.contains(&op))
        continue;
      if (&op == matrix.state.next.getDefiningOp())
        addStep(matrix);
      return;
    }
    bool varies = op.getNumResults() ? dims.variesInTime(op.getResult(0)) : isa<OutputOp>(op);
    if (!varies && step > 0)
      return;
    Operation *copy = builder.clone(op, values);
    if (auto input = dyn_cast<InputOp>(copy); input && varies)
      input.setName(nameOfStep(input.getName()));
    else if (auto output = dyn_cast<OutputOp>(copy))
      output.setName(nameOfStep(output.getName()));
  }

  /// Before the first step a state is what it was before the block; later what the step before made of it.
  void beginStep() {
    for (Blocked &matrix : blocked)
      matrix.before = matrix.after;
    SmallVector<std::pair<Value, Value>> moved;
    for (auto previous : from.getBody().front().getOps<PreviousOp>())
      if (step > 0 && !isMatrix(previous.getName()))
        moved.emplace_back(previous.getResult(), values.lookup(nexts.lookup(previous.getName()).getValue()));
    for (auto [previous, value] : moved)
      values.map(previous, value);
  }

  void addPrevious(PreviousOp op) {
    if (step > 0)
      return;
    Operation *copy = builder.clone(*op, values);
    for (Blocked &matrix : blocked)
      if (matrix.state.name == op.getName())
        matrix.start = copy->getResult(0);
  }

  bool isMatrix(StringRef name) {
    return llvm::any_of(blocked, [&](const Blocked &matrix) { return matrix.state.name == name; });
  }

  StringRef nameOfStep(StringRef name) {
    StringAttr fresh = builder.getStringAttr(name + "." + llvm::Twine(step));
    arrays.push_back(builder.getNamedAttr(
        fresh, builder.getArrayAttr({builder.getStringAttr(name), builder.getI64IntegerAttr(step)})));
    return fresh;
  }

  Value times(Value a, Value b) { return a && b ? builder.mul(a, b) : a ? a : b; }
  Value orOne(Value a) { return a ? a : builder.constant(type(), 1); }
  Type type() { return builder.getF64Type(); }
  Value addTo(Value sum, Value term, bool isNegative) {
    return isNegative ? builder.sub(sum, term) : builder.add(sum, term);
  }

  Value product(ArrayRef<Value> factors) {
    Value result;
    for (Value factor : factors)
      result = times(result, values.lookup(factor));
    return result;
  }

  /// What the state is multiplied by in this step; null for 1.
  Value decayOf(const MatrixState &state) {
    if (state.decay.size() == 1 && !state.decay.front().isNegative)
      return product(state.decay.front().factors);
    Value sum;
    for (const StateTerm &term : state.decay)
      sum = addTo(sum, orOne(product(term.factors)), term.isNegative);
    return sum;
  }

  void addStep(Blocked &matrix) {
    const MatrixState &state = matrix.state;
    matrix.before = matrix.after;
    Sum &sum = matrix.after;
    if (Value decay = decayOf(state)) {
      bool isAlong = !(state.decayDims & state.over).empty();
      for (Sum::Product &product : sum.products)
        (isAlong ? product.left : product.scalar) = times(isAlong ? product.left : product.scalar, decay);
      sum.scale = times(sum.scale, decay);
    }
    for (const RankOneUpdate &update : state.updates)
      sum.products.push_back({product(update.left), product(update.scalars), product(update.right), update.isNegative});
  }

  Value sumOver(SumOp op, Value value) { return SumOp::create(builder, value.getType(), orOne(value), op.getOver()); }

  Value readSum(SumOp op, Blocked &matrix, ArrayRef<StateTerm> terms) {
    Value result;
    bool isAlong = !(matrix.state.decayDims & matrix.state.over).empty();
    for (const StateTerm &term : terms) {
      Value factor = product(term.factors);
      if (term.of == StateTerm::Of::Nothing) {
        result = addTo(result, sumOver(op, orOne(factor)), term.isNegative);
        continue;
      }
      bool isNext = term.of == StateTerm::Of::Next;
      // The state that the block leaves is there as it is.
      if (isNext && step == steps - 1) {
        result = addTo(result, sumOver(op, times(factor, lastOf(matrix))), term.isNegative);
        continue;
      }
      const Sum &sum = isNext ? matrix.after : matrix.before;
      Value start = isAlong ? sumOver(op, times(times(factor, sum.scale), matrix.start))
                            : times(sum.scale, sumOver(op, times(factor, matrix.start)));
      result = addTo(result, start, term.isNegative);
      for (const Sum::Product &product : sum.products) {
        Value score = sumOver(op, orOne(times(factor, product.left)));
        Value part = times(times(product.scalar, score), product.right);
        result = addTo(result, part, term.isNegative != product.isNegative);
      }
    }
    return result;
  }

  Value lastOf(Blocked &matrix) {
    if (matrix.last)
      return matrix.last;
    const Sum &sum = matrix.after;
    matrix.last = times(sum.scale, matrix.start);
    for (const Sum::Product &product : sum.products)
      matrix.last =
          addTo(matrix.last, orOne(times(product.left, times(product.scalar, product.right))), product.isNegative);
    return matrix.last;
  }

  void finish() {
    for (auto &[name, next] : nexts) {
      auto it = llvm::find_if(blocked, [&](const Blocked &matrix) { return matrix.state.name == name; });
      Value value = it == blocked.end() ? values.lookup(next.getValue()) : lastOf(*it);
      NextOp::create(builder, builder.getStringAttr(name), value);
    }
    // Products with the state that no step forms any more.
    for (Operation &op : llvm::make_early_inc_range(llvm::reverse(*builder.getBlock())))
      if (isOpTriviallyDead(&op))
        op.erase();
  }

  RecurrenceOp from;
  DimensionAnalysis dims;
  NumberBuilder builder;
  int64_t steps, step = 0;
  IRMapping values;
  std::vector<Blocked> blocked;
  llvm::MapVector<StringRef, NextOp> nexts;
  SmallVector<NamedAttribute> arrays;
};

/// Gives the scanned dimension the size that `change` makes of its own, if that is known.
void resizeScan(RecurrenceOp recurrence, llvm::function_ref<int64_t(int64_t)> change) {
  SmallVector<Attribute> dims;
  for (auto dim : recurrence.getDims().getAsRange<DimAttr>())
    dims.push_back(dim.getName() == recurrence.getScan() && dim.getSize()
                       ? DimAttr::get(recurrence.getContext(), dim.getName(), change(*dim.getSize()), dim.getLike())
                       : dim);
  recurrence.setDimsAttr(ArrayAttr::get(recurrence.getContext(), dims));
}

struct BlockSteps : ssm::impl::BlockStepsBase<BlockSteps> {
  using BlockStepsBase::BlockStepsBase;

  void runOnOperation() override {
    for (auto recurrence : llvm::make_early_inc_range(getOperation().getOps<RecurrenceOp>())) {
      if (Error error = checkBlocks(recurrence)) {
        recurrence.emitError(llvm::toString(std::move(error)));
        return signalPassFailure();
      }
      block(recurrence);
    }
  }

  void block(RecurrenceOp rest) {
    OpBuilder builder(rest);
    auto blocks = cast<RecurrenceOp>(builder.cloneWithoutRegions(*rest));
    blocks.getBody().emplaceBlock();
    blocks.setSymName((rest.getSymName() + "_blocks").str());
    DictionaryAttr arrays = BlockBuilder(rest, blocks, steps).build();
    IntegerAttr count = builder.getI64IntegerAttr(steps);
    blocks->setAttr("ssm.block", builder.getDictionaryAttr(
                                     {builder.getNamedAttr("steps", count), builder.getNamedAttr("arrays", arrays)}));
    rest->setAttr("ssm.block", builder.getDictionaryAttr({builder.getNamedAttr("rest_of", count)}));
    resizeScan(blocks, [&](int64_t size) { return size / steps; });
    resizeScan(rest, [&](int64_t size) { return size % steps; });
  }
};
} // namespace

static unsigned bitsOf(Type type) {
  auto complex = dyn_cast<ComplexType>(type);
  return (complex ? complex.getElementType() : type).getIntOrFloatBitWidth();
}

Error ssm::checkBlocks(RecurrenceOp recurrence) {
  StringRef scanned = recurrence.getScan();
  auto refuse = [&](const llvm::Twine &why) {
    return llvm::createStringError("'" + scanned + "' cannot be on reg beside a loop inside its own: " + why);
  };
  if (RowPlan(recurrence))
    return refuse("rows have their own numbers of steps, which no pass runs in blocks");
  for (const State &state : getStates(recurrence))
    if (state.depth != 1)
      return refuse("'" + state.name + "' is remembered for other than one step, which no pass runs in blocks");
    else if (bitsOf(state.stored ? state.stored : state.type) < computeType(recurrence).getWidth())
      return refuse("the state '" + state.name + "' is stored in fewer bits than it is computed in");
  for (auto dim : recurrence.getDims().getAsRange<DimAttr>())
    if (dim.getLike() && recurrence.extentOf(dim.getName()) == scanned)
      return refuse("'" + dim.getName().getValue() + "' is like it");
  for (Operation &op : recurrence.getBody().front()) {
    if (auto index = dyn_cast<IndexOp>(op); index && index.getDim() == scanned)
      return refuse("a step computes with its coordinate");
    LayoutAttr layout;
    if (auto input = dyn_cast<InputOp>(op))
      layout = input.getLayout();
    else if (auto output = dyn_cast<OutputOp>(op))
      layout = output.getLayout();
    for (unsigned axis = 0; layout && axis < layout.getRank(); ++axis)
      if (layout.getAxis(axis).size() > 1 && llvm::is_contained(layout.getAxis(axis), scanned))
        return refuse("it is a part of an axis in memory");
    if (layout && layout.getRank() && layout.getAxis(layout.getRank() - 1) == ArrayRef<StringRef>{scanned})
      return refuse("memory runs along it, where blocks of steps would be no rows");
  }
  return Error::success();
}
