// Finds states that several steps at once read and update by sums. Only arithmetic counts: nothing is known of models.

#include "dialect/MatrixStates.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace ssm;

namespace {
/// Looks at one state.
class Finder {
public:
  Finder(RecurrenceOp recurrence, const DimensionAnalysis &dims, const State &state)
      : recurrence(recurrence), dims(dims), layout(dims.of(state.layout)) {
    result.name = state.name;
  }

  std::optional<MatrixState> find() {
    for (auto previous : recurrence.getBody().front().getOps<PreviousOp>())
      if (previous.getName() == result.name) {
        if (result.previous || !isa<FloatType>(previous.getType()))
          return std::nullopt;
        result.previous = previous.getResult();
      }
    auto next = dyn_cast_or_null<NextOp>(lookupNext(recurrence, result.name));
    if (!result.previous || !next || !findInside(next))
      return std::nullopt;
    result.next = next.getValue();
    if (!result.inside.contains(result.next.getDefiningOp()) || !readNext() || !readSums() || !chooseRows())
      return std::nullopt;
    return result;
  }

private:
  bool isInside(Value value) {
    return value == result.previous || (value.getDefiningOp() && result.inside.contains(value.getDefiningOp()));
  }

  /// Follows the state to its next value and its sums; false if it goes anywhere else.
  bool findInside(NextOp next) {
    for (Operation &op : recurrence.getBody().front()) {
      if (llvm::none_of(op.getOperands(), [&](Value operand) { return isInside(operand); }))
        continue;
      if (auto sum = dyn_cast<SumOp>(op); sum && !(dims.of(sum.getOver()) & layout).empty())
        result.readings.insert({&op, {}});
      else if (isa<arith::AddFOp, arith::SubFOp, arith::MulFOp, arith::NegFOp>(op))
        result.inside.insert(&op);
      else if (&op != next)
        return false;
    }
    return !result.readings.empty();
  }

  /// Writes `value` as a sum of products; false if it is none.
  bool expand(Value value, StateTerm term, bool isRoot, SmallVectorImpl<StateTerm> &terms) {
    using Of = StateTerm::Of;
    bool isNext = value == result.next && !isRoot;
    if (value == result.previous || isNext || !isInside(value)) {
      if (isInside(value))
        term.of = isNext ? Of::Next : Of::Previous;
      else
        term.factors.push_back(value);
      terms.push_back(term);
      return true;
    }
    Operation *op = value.getDefiningOp();
    StateTerm negated = term;
    negated.isNegative = !term.isNegative;
    if (isa<arith::NegFOp>(op))
      return expand(op->getOperand(0), negated, false, terms);
    Value a = op->getOperand(0), b = op->getOperand(1);
    if (isa<arith::AddFOp, arith::SubFOp>(op))
      return expand(a, term, false, terms) && expand(b, isa<arith::SubFOp>(op) ? negated : term, false, terms);
    if (isInside(a) && isInside(b))
      return false;
    term.factors.push_back(isInside(a) ? b : a);
    return expand(isInside(a) ? a : b, term, false, terms);
  }

  bool readNext() {
    SmallVector<StateTerm> terms;
    if (!expand(result.next, {}, /*isRoot=*/true, terms))
      return false;
    for (StateTerm &term : terms)
      (term.of == StateTerm::Of::Previous ? result.decay : added).push_back(term);
    return !result.decay.empty();
  }

  bool readSums() {
    for (auto &[op, terms] : result.readings) {
      auto sum = cast<SumOp>(op);
      DimSet over = dims.of(sum.getOver()) & layout;
      if (!expand(sum.getValue(), {}, /*isRoot=*/false, terms) || (!result.over.empty() && result.over != over))
        return false;
      result.over = over;
    }
    return true;
  }

  /// Rows are what no coefficient varies along; whatever is added has to fall apart into factors along rows and others.
  bool chooseRows() {
    auto varyingAlong = [&](ArrayRef<StateTerm> terms) {
      DimSet set;
      for (const StateTerm &term : terms)
        for (Value factor : term.factors)
          if (term.of != StateTerm::Of::Nothing)
            set = set | dims.of(factor);
      return set;
    };
    result.decayDims = varyingAlong(result.decay);
    result.rows = layout - result.over - result.decayDims;
    for (auto &[sum, terms] : result.readings)
      result.rows = result.rows - varyingAlong(terms);
    // A factor along both takes its dimensions from the rows.
    for (bool isStable = false; !isStable && !result.rows.empty();) {
      isStable = true;
      result.updates.clear();
      for (const StateTerm &term : added) {
        RankOneUpdate update;
        update.isNegative = term.isNegative;
        for (Value factor : term.factors)
          isStable &= sort(factor, update);
        result.updates.push_back(update);
      }
    }
    return !result.rows.empty();
  }

  bool sort(Value factor, RankOneUpdate &update) {
    DimSet set = dims.of(factor);
    bool alongRows = !(set & result.rows).empty(), alongOver = !(set & result.over).empty();
    if (alongRows && alongOver) {
      if (auto product = factor.getDefiningOp<arith::MulFOp>()) {
        bool isSorted = sort(product.getLhs(), update);
        return sort(product.getRhs(), update) && isSorted;
      }
      result.rows = result.rows - set;
      return false;
    }
    // A product of factors of both kinds may hide in one: what varies along neither is cheaper on its own.
    if (auto product = factor.getDefiningOp<arith::MulFOp>(); product && set.size() > 1) {
      DimSet a = dims.of(product.getLhs()), b = dims.of(product.getRhs());
      DimSet own = set & (result.rows | result.over);
      if (!own.empty() && ((a & own).empty() || (b & own).empty())) {
        bool isSorted = sort(product.getLhs(), update);
        return sort(product.getRhs(), update) && isSorted;
      }
    }
    (alongRows ? update.right : alongOver ? update.left : update.scalars).push_back(factor);
    return true;
  }

  RecurrenceOp recurrence;
  const DimensionAnalysis &dims;
  DimSet layout;
  SmallVector<StateTerm> added;
  MatrixState result;
};
} // namespace

std::vector<MatrixState> ssm::findMatrixStates(RecurrenceOp recurrence, const DimensionAnalysis &dims) {
  std::vector<MatrixState> found;
  for (const State &state : getStates(recurrence))
    if (state.depth == 1)
      if (std::optional<MatrixState> matrix = Finder(recurrence, dims, state).find())
        found.push_back(std::move(*matrix));
  return found;
}
