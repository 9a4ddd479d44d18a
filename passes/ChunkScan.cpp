// A scan in chunks that run side by side, as recurrences. Passes.td has the contract.
//
// Components of states are taken in levels: one that reads another's states is a level above it. Each level needs the
// right states of the levels below at every chunk's start, so each has its own total and join.

#include "passes/ChunkScan.h"
#include "dialect/AffineAnalysis.h"
#include "dialect/RowPlan.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Complex/IR/Complex.h"
#include "passes/ChunkAlgebra.h"
#include "passes/ComputeType.h"
#include "passes/ExpressionBuilder.h"
#include "passes/Passes.h"
#include "schedule/Placement.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/ADT/TypeSwitch.h"

namespace ssm {
#define GEN_PASS_DEF_CHUNKSCAN
#include "passes/Passes.h.inc"
} // namespace ssm

using namespace mlir;
using namespace ssm;
using llvm::Error;

namespace {
/// Smaller logs are this one, so that sums of them stay finite; exp of it is 0 in f32.
constexpr double smallestLog = -104;

/// Which components must be known before which: those without the previous values of others are level 0.
class Levels {
public:
  explicit Levels(RecurrenceOp recurrence, const AffineAnalysis &analysis) : recurrence(recurrence) {
    for (const Component &component : analysis.components()) {
      unsigned level = 0;
      llvm::StringSet<> own;
      for (const ComponentState &state : component.states)
        own.insert(state.state.name);
      for (StringRef name : statesReadBy(own))
        if (!own.contains(name))
          level = std::max(level, of.lookup(name) + 1);
      for (StringRef name : own.keys())
        of[name] = level;
      count = std::max(count, level + 1);
    }
  }

  unsigned operator[](StringRef state) const { return of.lookup(state); }
  unsigned operator[](const Component &component) const { return of.lookup(component.states.front().state.name); }
  unsigned size() const { return count; }

private:
  /// States whose previous values the next ones of `own` are computed from.
  SmallVector<StringRef> statesReadBy(const llvm::StringSet<> &own) {
    llvm::SetVector<Operation *> slice;
    SmallVector<StringRef> read;
    for (Operation &op : recurrence.getBody().front())
      if (auto next = dyn_cast<NextOp>(op); next && own.contains(next.getName()))
        slice.insert(&op);
      else if (auto delay = dyn_cast<DelayOp>(op); delay && own.contains(delay.getName()))
        slice.insert(&op);
    for (unsigned i = 0; i < slice.size(); ++i) {
      if (auto previous = dyn_cast<PreviousOp>(slice[i]))
        read.push_back(previous.getName());
      else if (auto delay = dyn_cast<DelayOp>(slice[i]))
        read.push_back(delay.getName());
      for (Value operand : slice[i]->getOperands())
        slice.insert(operand.getDefiningOp());
    }
    return read;
  }

  RecurrenceOp recurrence;
  llvm::StringMap<unsigned> of;
  unsigned count = 0;
};

std::string decayName(const Component &component, unsigned entry) {
  std::string name = component.states.front().state.name.str() + ".decay";
  return component.structure == Structure::Coupled ? name + "." + std::to_string(entry) : name;
}

/// A dimension like `dim` for the columns of a product.
std::string columnName(StringRef dim) { return (dim + ".column").str(); }

LayoutAttr layoutOver(MLIRContext *context, ArrayRef<StringRef> names) {
  return LayoutAttr::get(context,
                         llvm::map_to_vector(names, [](StringRef name) { return SmallVector<StringRef>{name}; }));
}

/// The layout of one array a chunk: the scanned dimension, which counts chunks in a join, in front.
LayoutAttr perChunk(RecurrenceOp recurrence, LayoutAttr layout) {
  SmallVector<SmallVector<StringRef>> axes = {{recurrence.getScan()}};
  for (unsigned axis = 0; axis < layout.getRank(); ++axis)
    axes.push_back(layout.getAxis(axis));
  return LayoutAttr::get(recurrence.getContext(), axes);
}

Type storedAs(Type value, FloatType compute) {
  return isa<ComplexType>(value) ? Type(ComplexType::get(compute)) : Type(compute);
}

/// Declares a dimension like each of `dims`, under the name of its columns.
void addColumns(RecurrenceOp recurrence, ArrayRef<StringRef> names) {
  MLIRContext *context = recurrence.getContext();
  SmallVector<Attribute> all(recurrence.getDims().getValue());
  for (StringRef name : names) {
    std::string column = columnName(name);
    if (!recurrence.lookupDim(column))
      all.push_back(DimAttr::get(context, StringAttr::get(context, column), std::nullopt,
                                 StringAttr::get(context, recurrence.extentOf(name))));
  }
  recurrence.setDimsAttr(ArrayAttr::get(context, all));
}

/// The attribute that ChunkRole reads; `steps` of 0 are left out.
void setPlan(RecurrenceOp recurrence, int64_t steps, bool inTicketOrder, SmallVector<NamedAttribute> entries = {}) {
  Builder builder(recurrence.getContext());
  if (steps)
    entries.push_back(builder.getNamedAttr("steps", builder.getI64IntegerAttr(steps)));
  if (inTicketOrder)
    entries.push_back(builder.getNamedAttr("in_ticket_order", builder.getUnitAttr()));
  recurrence->setAttr("ssm.chunk", builder.getDictionaryAttr(entries));
}

//===----------------------------------------------------------------------===//
// What a chunk does to the states of a level
//===----------------------------------------------------------------------===//

/// Makes a copy of the recurrence into the one that runs each chunk for the states of one level.
class TotalBuilder {
public:
  TotalBuilder(RecurrenceOp total, unsigned level)
      : total(total), level(level), analysis(total), levels(total, analysis),
        builder(total.getLoc(), OpBuilder::atBlockEnd(&total.getBody().front())), compute(computeType(total)) {}

  void build(int64_t steps, bool inTicketOrder) {
    for (const Component &component : analysis.components()) {
      if (levels[component] > level)
        continue;
      for (const ComponentState &state : component.states)
        kept.insert(state.state.name);
      if (levels[component] == level)
        addTotals(component);
    }
    prune();
    setPlan(total, steps, inTicketOrder,
            {builder.getNamedAttr("starts", builder.getDictionaryAttr(starts)),
             builder.getNamedAttr("hands_on", builder.getDictionaryAttr(handsOn))});
  }

private:
  void handOn(StringRef state, StringRef workspace, Attribute start) {
    handsOn.push_back(builder.getNamedAttr(state, builder.getStringAttr((workspace + "." + state).str())));
    starts.push_back(builder.getNamedAttr(state, start));
  }

  void addTotals(const Component &component) {
    const ChunkAlgebra algebra(builder, component);
    for (const ComponentState &state : component.states) {
      if (!handed.insert(state.state.name).second)
        continue;
      // A chunk fills all that a delay remembers.
      if (component.structure == Structure::Delay)
        handOn(state.state.name, "after", builder.getF64FloatAttr(0));
      else
        handOn(state.state.name, "total", builder.getF64FloatAttr(algebra.zero()));
    }
    if (component.structure == Structure::Delay || component.transition.empty())
      return;
    if (component.structure == Structure::Dense)
      addMatrixProduct(component, algebra);
    else if (component.structure == Structure::Coupled)
      addCoupledProduct(component, algebra);
    else
      addDecayProduct(component, algebra);
  }

  PreviousOp declare(StringRef name, LayoutAttr layout, Type type) {
    kept.insert(builder.getStringAttr(name).getValue());
    return PreviousOp::create(builder, type, builder.getStringAttr(name), layout,
                              TypeAttr::get(storedAs(type, compute)), builder.getI64IntegerAttr(1), StringAttr());
  }

  Value emit(Expr expression) {
    return ExpressionBuilder(analysis.dimensions(), total.getLoc(), builder, builder.getF64Type()).build(expression);
  }

  LayoutAttr decayLayout(const Component &component) {
    return layoutOver(total.getContext(), analysis.dimensions().list(component.decayDims));
  }

  void addDecayProduct(const Component &component, const ChunkAlgebra &algebra) {
    std::string name = decayName(component, 0);
    bool isLog = component.logDecay != nullptr;
    Value factor = emit(isLog ? component.logDecay : component.transition.front());
    Value before = declare(name, decayLayout(component), factor.getType());
    if (isLog)
      factor = arith::MaximumFOp::create(builder, factor, builder.constant(factor.getType(), smallestLog));
    NextOp::create(builder, builder.getStringAttr(name),
                   isLog ? builder.add(before, factor) : algebra.mul(factor, before));
    handOn(name, "total", builder.getF64FloatAttr(isLog ? 0 : algebra.one()));
  }

  void addCoupledProduct(const Component &component, const ChunkAlgebra &algebra) {
    unsigned n = component.states.size();
    SmallVector<Value> matrix, before;
    bool isComplex = llvm::any_of(component.transition, [](Expr entry) { return entry && !entry->isReal; });
    Type type = builder.getF64Type();
    if (isComplex)
      type = ComplexType::get(type);
    for (unsigned entry = 0; entry < n * n; ++entry) {
      Expr expression = component.transition[entry];
      Value value = expression ? emit(expression) : Value();
      if (value && isComplex && !isa<ComplexType>(value.getType()))
        value = builder.complex(value, {});
      matrix.push_back(value);
      before.push_back(declare(decayName(component, entry), decayLayout(component), type));
    }
    for (unsigned row = 0; row < n; ++row)
      for (unsigned column = 0; column < n; ++column) {
        Value sum;
        for (unsigned k = 0; k < n; ++k)
          sum = algebra.add(sum, algebra.mul(matrix[row * n + k], before[k * n + column]));
        std::string name = decayName(component, row * n + column);
        NextOp::create(builder, builder.getStringAttr(name), sum ? sum : builder.constant(type, algebra.zero()));
        handOn(name, "total", builder.getF64FloatAttr(row == column ? algebra.one() : algebra.zero()));
      }
  }

  /// The product of matrices over dimensions [over], columns named by new dimensions; it begins as the identity.
  void addMatrixProduct(const Component &component, const ChunkAlgebra &algebra) {
    const DimensionAnalysis &dims = analysis.dimensions();
    SmallVector<StringRef> over = dims.list(component.over), from = dims.list(component.from);
    Value matrix = emit(component.transition.front());
    addColumns(total, over);
    SmallVector<StringRef> names = dims.list(component.decayDims - component.from);
    SmallVector<std::string> columns = llvm::map_to_vector(over, columnName);
    llvm::append_range(names, columns);
    std::string name = decayName(component, 0);
    Value before = declare(name, layoutOver(total.getContext(), names), matrix.getType());
    Value moved = before, isSame;
    for (auto [row, column, fresh] : llvm::zip_equal(over, from, columns)) {
      moved = RenameOp::create(builder, moved, row, column);
      Value a = IndexOp::create(builder, builder.getF64Type(), row),
            b = IndexOp::create(builder, builder.getF64Type(), fresh);
      Value same = arith::CmpFOp::create(builder, arith::CmpFPredicate::OEQ, a, b);
      isSame = isSame ? arith::AndIOp::create(builder, isSame, same) : same;
    }
    NextOp::create(builder, builder.getStringAttr(name), algebra.reduce(algebra.mul(matrix, moved), from));
    Value identity = builder.select(isSame, builder.constant(matrix.getType(), algebra.one()),
                                    builder.constant(matrix.getType(), algebra.zero()));
    InitialOp::create(builder, builder.getStringAttr(name), identity);
    handOn(name, "total", builder.getUnitAttr());
  }

  /// Leaves what the kept states need.
  void prune() {
    llvm::SetVector<Operation *> needed;
    for (Operation &op : total.getBody().front()) {
      StringRef name = llvm::TypeSwitch<Operation *, StringRef>(&op)
                           .Case<PreviousOp, NextOp, InitialOp, DelayOp>([](auto state) { return state.getName(); })
                           .Default(StringRef());
      if (kept.contains(name))
        needed.insert(&op);
    }
    for (unsigned i = 0; i < needed.size(); ++i)
      for (Value operand : needed[i]->getOperands())
        needed.insert(operand.getDefiningOp());
    for (Operation &op : llvm::make_early_inc_range(llvm::reverse(total.getBody().front())))
      if (!needed.contains(&op))
        op.erase();
  }

  RecurrenceOp total;
  unsigned level;
  AffineAnalysis analysis;
  Levels levels;
  NumberBuilder builder;
  FloatType compute;
  llvm::StringSet<> kept, handed;
  SmallVector<NamedAttribute> starts, handsOn;
};

//===----------------------------------------------------------------------===//
// From chunk to chunk
//===----------------------------------------------------------------------===//

/// Builds the recurrence over chunks that combines what each does to the states of one level.
class JoinBuilder {
public:
  JoinBuilder(RecurrenceOp join, RecurrenceOp original, const AffineAnalysis &analysis)
      : join(join), analysis(analysis), builder(join.getLoc(), OpBuilder::atBlockEnd(&join.getBody().front())),
        compute(computeType(original)) {}

  void add(const Component &component) {
    SmallVector<Value> before, totals;
    for (const ComponentState &state : component.states) {
      before.push_back(partOf(state, previousOf(state)));
      totals.push_back(partOf(state, read(state.state.name, state.state.layout, state.state.type)));
    }
    SmallVector<Value> after;
    for (unsigned row = 0; row < component.states.size(); ++row)
      after.push_back(combine(component, row, before, totals[row]));
    store(component, after);
  }

private:
  Value partOf(const ComponentState &state, Value whole) {
    using Part = ComponentState::Part;
    return state.part == Part::Re ? builder.re(whole) : state.part == Part::Im ? builder.im(whole) : whole;
  }

  Value previousOf(const ComponentState &state) {
    Value &value = previous[state.state.name];
    if (!value)
      value = PreviousOp::create(builder, state.state.type, afterOf(state.state.name), state.state.layout,
                                 TypeAttr::get(storedAs(state.state.type, compute)), builder.getI64IntegerAttr(1),
                                 StringAttr());
    return value;
  }

  StringAttr afterOf(StringRef state) { return builder.getStringAttr("after." + state); }

  Value read(StringRef name, LayoutAttr layout, Type type) {
    Value &value = inputs[name];
    if (!value)
      value = InputOp::create(builder, type, builder.getStringAttr("total." + name), perChunk(join, layout),
                              TypeAttr::get(storedAs(type, compute)), UnitAttr());
    return value;
  }

  Value readProduct(const Component &component, unsigned entry, bool isComplex) {
    SmallVector<StringRef> names = analysis.dimensions().list(component.decayDims - component.from);
    SmallVector<std::string> columns;
    if (component.structure == Structure::Dense)
      columns = llvm::map_to_vector(analysis.dimensions().list(component.over), columnName);
    llvm::append_range(names, columns);
    Type type = builder.getF64Type();
    return read(decayName(component, entry), layoutOver(join.getContext(), names),
                isComplex ? Type(ComplexType::get(type)) : type);
  }

  Value combine(const Component &component, unsigned row, ArrayRef<Value> before, Value total) {
    unsigned n = component.states.size();
    const ChunkAlgebra algebra(builder, component);
    if (component.structure == Structure::Dense)
      return algebra.add(multiplyMatrix(component, algebra, before[0]), total);
    if (component.structure == Structure::Coupled) {
      bool isComplex = llvm::any_of(component.transition, [](Expr entry) { return entry && !entry->isReal; });
      Value sum = total;
      for (unsigned column = 0; column < n; ++column)
        sum = algebra.add(algebra.mul(readProduct(component, row * n + column, isComplex), before[column]), sum);
      return sum;
    }
    Value moved = before[0];
    if (!component.transition.empty()) {
      bool isLog = component.logDecay != nullptr;
      Value product = readProduct(component, 0, !isLog && !component.transition.front()->isReal);
      moved = algebra.mul(isLog ? builder.exp(product) : product, moved);
    }
    return algebra.add(moved, total);
  }

  Value multiplyMatrix(const Component &component, const ChunkAlgebra &algebra, Value before) {
    SmallVector<StringRef> over = analysis.dimensions().list(component.over);
    addColumns(join, over);
    Value matrix = readProduct(component, 0, !component.transition.front()->isReal);
    SmallVector<std::string> columns = llvm::map_to_vector(over, columnName);
    for (auto [row, column] : llvm::zip_equal(over, columns))
      before = RenameOp::create(builder, before, row, column);
    return algebra.reduce(algebra.mul(matrix, before), SmallVector<StringRef>(columns.begin(), columns.end()));
  }

  /// The two parts of a complex state that was taken apart are one array again.
  void store(const Component &component, ArrayRef<Value> after) {
    for (auto [number, state] : llvm::enumerate(component.states)) {
      using Part = ComponentState::Part;
      Value value = after[number];
      if (state.part == Part::Im)
        continue;
      if (state.part == Part::Re)
        for (auto [other, mate] : llvm::enumerate(component.states))
          if (mate.part == Part::Im && mate.state.name == state.state.name)
            value = builder.complex(value, after[other]);
      StringAttr name = afterOf(state.state.name);
      NextOp::create(builder, name, value);
      OutputOp::create(builder, name, value, perChunk(join, state.state.layout),
                       TypeAttr::get(storedAs(state.state.type, compute)));
      if (component.algebra == Algebra::Max)
        InitialOp::create(builder, name, builder.constant(value.getType(), -std::numeric_limits<double>::infinity()));
    }
  }

  RecurrenceOp join;
  const AffineAnalysis &analysis;
  NumberBuilder builder;
  FloatType compute;
  llvm::StringMap<Value> previous, inputs;
};

/// An empty recurrence over chunks: the dimensions of `original`, the scanned one of open size.
RecurrenceOp makeJoin(OpBuilder &builder, RecurrenceOp original, const std::string &name) {
  SmallVector<Attribute> dims;
  for (auto dim : original.getDims().getAsRange<DimAttr>())
    dims.push_back(dim.getName() == original.getScan()
                       ? DimAttr::get(builder.getContext(), dim.getName(), std::nullopt, StringAttr())
                       : dim);
  auto join = RecurrenceOp::create(builder, original.getLoc(), builder.getStringAttr(name), builder.getArrayAttr(dims),
                                   DictionaryAttr(), original.getScanAttr(), UnitAttr(), StringAttr(), StringAttr());
  join.getBody().emplaceBlock();
  return join;
}

struct ChunkScan : ssm::impl::ChunkScanBase<ChunkScan> {
  using ChunkScanBase::ChunkScanBase;

  void runOnOperation() override {
    for (auto recurrence : llvm::make_early_inc_range(getOperation().getOps<RecurrenceOp>())) {
      if (Error error = checkChunks(recurrence, steps)) {
        recurrence.emitError(llvm::toString(std::move(error)));
        return signalPassFailure();
      }
      cut(recurrence);
    }
  }

  void cut(RecurrenceOp recurrence) {
    OpBuilder builder(recurrence);
    AffineAnalysis analysis(recurrence);
    Levels levels(recurrence, analysis);
    std::string name = recurrence.getSymName().str();
    for (unsigned level = 0; level < levels.size(); ++level) {
      auto total = cast<RecurrenceOp>(builder.clone(*recurrence));
      total.setSymName(name + "_total" + std::to_string(level));
      TotalBuilder(total, level).build(steps, inTicketOrder);
      auto isJoined = [&](const Component &component) {
        return levels[component] == level && component.structure != Structure::Delay;
      };
      if (llvm::none_of(analysis.components(), isJoined))
        continue;
      RecurrenceOp join = makeJoin(builder, recurrence, name + "_join" + std::to_string(level));
      setPlan(join, inTicketOrder ? steps : 0, inTicketOrder, {builder.getNamedAttr("join", builder.getUnitAttr())});
      JoinBuilder joiner(join, recurrence, analysis);
      for (const Component &component : llvm::make_filter_range(analysis.components(), isJoined))
        joiner.add(component);
    }
    setPlan(recurrence, steps, inTicketOrder);
  }
};
} // namespace

Error ssm::checkChunks(RecurrenceOp recurrence, int64_t steps) {
  if (RowPlan(recurrence))
    return llvm::createStringError("'" + recurrence.getScan() +
                                   "' cannot be on grid: rows have their own steps, and run beside each other anyway; "
                                   "place it on loop");
  AffineAnalysis analysis(recurrence);
  for (const Component &component : analysis.components()) {
    auto refuse = [&](const llvm::Twine &why) {
      return llvm::createStringError("'" + recurrence.getScan() + "' cannot be on grid: " + why);
    };
    StringRef name = component.states.front().state.name;
    int64_t depth = component.states.front().state.depth;
    if (component.structure == Structure::Delay) {
      if (depth < 0 || depth > steps)
        return refuse("a chunk of " + llvm::Twine(steps) + " steps is shorter than what '" + name + "' remembers" +
                      (depth < 0 ? ", whose size must be known"
                                 : ", " + llvm::Twine(depth) + " steps; use '" + recurrence.getScan() +
                                       "=grid:" + llvm::Twine(depth) + "' or more"));
      continue;
    }
    if (!component.isClosed())
      return refuse(explainNotClosed(analysis, component) +
                    (component.isScan() ? ", so chunks cannot be combined" : "") + "; " + adviseLoop(recurrence));
    if (llvm::any_of(component.states, [](const ComponentState &state) { return state.state.depth > 1; }))
      return refuse("the state '" + name +
                    "' takes part with several past steps, which no pass combines over chunks; " +
                    adviseLoop(recurrence));
  }
  return Error::success();
}
