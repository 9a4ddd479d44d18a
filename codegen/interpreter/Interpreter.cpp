// Runs level 0 as it is written. Each value is a column: its numbers at all coordinates of its own dimensions, time
// left out. Each operation becomes one action that fills its column at one time step; what does not vary in time is
// filled once.

#include "codegen/interpreter/Interpreter.h"
#include "codegen/interpreter/Histories.h"
#include "codegen/interpreter/ScalarFunction.h"
#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/MathExtras.h"

#include <limits>

using namespace mlir;
using namespace ssm;
using llvm::Error;
using llvm::Expected;
using llvm::Twine;

namespace {

class Interpretation {
public:
  Interpretation(RecurrenceOp recurrence, const InterpreterArguments &arguments, ArrayRef<int64_t> sizes,
                 DictionaryAttr options)
      : recurrence(recurrence), arguments(arguments), sizes(sizes), options(options) {}

  Expected<InterpreterResults> run();

private:
  Error checkWork();

  Error prepare(Operation &op);
  Error checkTypes(Operation &op);
  Error prepareInput(InputOp op);
  Error prepareOption(OptionOp op);
  Error prepareOutput(OutputOp op);
  void prepareReduction(Operation &op, ArrayAttr over);
  void preparePrevious(PreviousOp op);
  void prepareDelay(DelayOp op);
  void prepareMove(Operation &op, unsigned changed, llvm::function_ref<void(MutableArrayRef<int64_t>)> look);
  Error prepareElementwise(Operation &op);

  Error refuseAt(Operation &op, const Twine &why);
  /// An action of every step where the value varies in time, else one before the first step.
  void act(Value value, std::function<void(int64_t)> action);
  void setConstant(Value value, Number number);

  RecurrenceOp recurrence;
  const InterpreterArguments &arguments;
  ArrayRef<int64_t> sizes;
  DictionaryAttr options;
  DimensionAnalysis dims{recurrence};
  InterpreterResults results;

  Columns columns{dims, sizes};
  Histories histories{recurrence, dims, sizes, columns};
  /// Called with the time coordinate.
  std::vector<std::function<void(int64_t)>> once, everyStep;
};

//===----------------------------------------------------------------------===//
// Running
//===----------------------------------------------------------------------===//

Expected<InterpreterResults> Interpretation::run() {
  if (Error error = checkWork())
    return error;
  if (Error error = histories.declare())
    return error;
  for (Operation &op : recurrence.getBody().front())
    if (Error error = prepare(op))
      return error;

  for (auto &action : once)
    action(0);
  if (Error error = histories.start(arguments.states))
    return error;
  bool reversed = recurrence.getReverse();
  if (std::optional<StringRef> option = recurrence.getReverseIf())
    reversed |= cast<BoolAttr>(options.get(*option)).getValue();
  int64_t steps = sizes[dims.scan()];
  for (int64_t step = 0; step < steps; ++step) {
    int64_t coordinate = reversed ? steps - 1 - step : step;
    for (auto &action : everyStep)
      action(coordinate);
    histories.advance();
    if (!llvm::is_contained(arguments.statesAt, coordinate))
      continue;
    Expected<std::map<std::string, Tensor>> states = histories.handBack();
    if (!states)
      return states.takeError();
    results.statesAt[coordinate] = std::move(*states);
  }
  Expected<std::map<std::string, Tensor>> states = histories.handBack();
  if (!states)
    return states.takeError();
  results.states = std::move(*states);
  return std::move(results);
}

/// How many coordinates a set of dimensions has, or the largest number where it cannot be represented.
uint64_t countOf(DimSet set, ArrayRef<int64_t> sizes) {
  uint64_t count = 1;
  for (unsigned dim = 0; dim < sizes.size(); ++dim)
    if (set.contains(dim) && sizes[dim] == 0)
      return 0;
  for (unsigned dim = 0; dim < sizes.size(); ++dim)
    if (set.contains(dim))
      count = llvm::SaturatingMultiply<uint64_t>(count, sizes[dim]);
  return count;
}

/// Refuses what could not be held or would take longer than asked for, before anything is allocated.
Error Interpretation::checkWork() {
  constexpr uint64_t largestColumn = uint64_t(1) << 28;
  uint64_t work = 0;
  auto add = [&](DimSet set, uint64_t copies) {
    uint64_t column = llvm::SaturatingMultiply(countOf(set.without(dims.scan()), sizes), copies);
    uint64_t steps = set.contains(dims.scan()) ? sizes[dims.scan()] : 1;
    work = llvm::SaturatingAdd(work, llvm::SaturatingMultiply(column, steps));
    return column <= largestColumn;
  };
  bool fits = true;
  for (Operation &op : recurrence.getBody().front()) {
    DimSet set;
    for (Value value : op.getOperands())
      set = set | dims.of(value);
    for (Value value : op.getResults()) {
      set = set | dims.of(value);
      // On its own: a sum over an empty dimension takes no work, but has a result.
      fits &= countOf(dims.of(value).without(dims.scan()), sizes) <= largestColumn;
    }
    if (auto output = dyn_cast<OutputOp>(op))
      set = set | dims.of(output.getLayout());
    fits &= add(set, 1);
  }
  for (const State &state : getStates(recurrence))
    fits &= add(dims.of(state.layout), state.isWindow() ? sizes[*dims.number(state.tap)] : state.depth);
  if (!fits)
    return refuse(recurrence,
                  "a value has more than 2^28 elements at one time step, which the interpreter cannot hold");
  if (arguments.maxWork > 0 && work > uint64_t(arguments.maxWork))
    return refuse(recurrence,
                  "it would take " + Twine(work) + " scalar operations; the limit is " + Twine(arguments.maxWork));
  return Error::success();
}

//===----------------------------------------------------------------------===//
// Operations
//===----------------------------------------------------------------------===//

Error Interpretation::refuseAt(Operation &op, const Twine &why) {
  return refuse(recurrence, "'" + op.getName().getStringRef() + "' " + why);
}

void Interpretation::act(Value value, std::function<void(int64_t)> action) {
  (dims.variesInTime(value) ? everyStep : once).push_back(std::move(action));
}

void Interpretation::setConstant(Value value, Number number) { llvm::fill(columns.define(value), number); }

Error Interpretation::prepare(Operation &op) {
  if (Error error = checkTypes(op))
    return error;
  return llvm::TypeSwitch<Operation *, Error>(&op)
      .Case([&](InputOp op) { return prepareInput(op); })
      .Case([&](OptionOp op) { return prepareOption(op); })
      .Case([&](GivenOp op) {
        setConstant(op.getResult(), arguments.inputs.count(op.getName().str()));
        return Error::success();
      })
      .Case([&](ParamOp op) {
        auto passed = arguments.params.find(op.getName().str());
        setConstant(op.getResult(),
                    passed != arguments.params.end() ? passed->second : op.getDefaultValue().convertToDouble());
        return Error::success();
      })
      .Case([&](SizeOp op) {
        setConstant(op.getResult(), sizes[*dims.number(op.getDim())]);
        return Error::success();
      })
      .Case([&](IndexOp op) {
        Column &column = columns.define(op.getResult());
        bool ofTime = *dims.number(op.getDim()) == dims.scan();
        act(op.getResult(), [&column, ofTime](int64_t time) {
          for (size_t i = 0; i < column.size(); ++i)
            column[i] = double(ofTime ? time : i);
        });
        return Error::success();
      })
      .Case([&](PreviousOp op) {
        preparePrevious(op);
        return Error::success();
      })
      .Case([&](NextOp op) {
        History &history = histories.of(op.getName());
        history.next = columns.read(op.getValue(), dims.of(history.state.layout));
        return Error::success();
      })
      .Case([&](InitialOp) { return Error::success(); }) // read when the states start
      .Case([&](OutputOp op) { return prepareOutput(op); })
      .Case<SumOp, MaxOp, MeanOp>([&](auto op) {
        prepareReduction(*op, op.getOver());
        return Error::success();
      })
      .Case([&](RenameOp op) {
        unsigned from = *dims.number(op.getFrom()), to = *dims.number(op.getTo());
        prepareMove(*op, from, [=](MutableArrayRef<int64_t> coordinate) { coordinate[from] = coordinate[to]; });
        return Error::success();
      })
      .Case([&](FlipOp op) {
        unsigned dim = *dims.number(op.getDim());
        prepareMove(*op, dim, [&](MutableArrayRef<int64_t> c) { c[dim] = sizes[dim] - 1 - c[dim]; });
        return Error::success();
      })
      .Case([&](DelayOp op) {
        prepareDelay(op);
        return Error::success();
      })
      .Case([&](DerivativeOp op) {
        return refuseAt(*op, "of state '" + op.getName() + "' is continuous time; run discretize first");
      })
      .Default([&](Operation *op) { return prepareElementwise(*op); });
}

Error Interpretation::checkTypes(Operation &op) {
  auto check = [&](Type type) {
    if (auto complex = dyn_cast<ComplexType>(type))
      type = complex.getElementType();
    return type.isF64() || isa<IntegerType>(type);
  };
  for (Type type : llvm::concat<const Type>(op.getOperandTypes(), op.getResultTypes()))
    if (!check(type)) {
      std::string text;
      llvm::raw_string_ostream(text) << type;
      return refuseAt(op, "computes in " + text + "; the interpreter takes a recurrence before narrow, in f64");
    }
  return Error::success();
}

Error Interpretation::prepareInput(InputOp op) {
  Column &column = columns.define(op.getResult());
  std::string name = op.getName().str();
  auto passed = arguments.inputs.find(name);
  if (passed == arguments.inputs.end()) {
    if (!op.getOptional())
      return refuse(recurrence, "input '" + name + "' is missing");
    // No taken side of a select reads it; were one to, the NaN would show.
    llvm::fill(column, Number(std::numeric_limits<double>::quiet_NaN()));
    return Error::success();
  }
  const Tensor &tensor = passed->second;
  Addressing addressing(op.getLayout(), dims, sizes);
  std::optional<Shape> shape = addressing.shape();
  if (!shape)
    return refuse(recurrence, "input '" + name + "' is too large");
  if (Error error = checkTensor(recurrence, "input '" + name + "'", tensor, *shape, op.getType()))
    return error;
  Offsets offsets =
      columns.gridOf(op.getResult()).tabulate([&](Coordinate c) { return addressing.offsetOf(c, tensor.strides()); });
  int64_t timeStride = addressing.strideOf(dims.scan(), tensor.strides());
  act(op.getResult(), [&column, tensor, offsets, timeStride](int64_t time) {
    for (size_t i = 0; i < column.size(); ++i)
      column[i] = tensor.complex(offsets[i] + time * timeStride);
  });
  return Error::success();
}

Error Interpretation::prepareOption(OptionOp op) {
  Attribute value = options.get(op.getName());
  std::optional<StringRef> is = op.getIs();
  if (auto truth = dyn_cast_if_present<BoolAttr>(value); truth && !is)
    setConstant(op.getResult(), truth.getValue());
  else if (auto word = dyn_cast_if_present<StringAttr>(value); word && is)
    setConstant(op.getResult(), word.getValue() == *is);
  else if (auto real = dyn_cast_if_present<FloatAttr>(value); real && !is)
    setConstant(op.getResult(), real.getValueAsDouble());
  else if (auto integer = dyn_cast_if_present<IntegerAttr>(value); integer && !is)
    setConstant(op.getResult(), integer.getValue().getSExtValue());
  else
    return refuseAt(*op, "reads '" + op.getName() + "', which is not an option of that kind");
  return Error::success();
}

Error Interpretation::prepareOutput(OutputOp op) {
  Addressing addressing(op.getLayout(), dims, sizes);
  std::optional<Shape> shape = addressing.shape();
  if (!shape)
    return refuse(recurrence, "output '" + op.getName() + "' is too large");
  Result<Tensor> allocated = Tensor::allocate(resultType(op.getValue().getType()), *shape);
  if (!allocated)
    return refuse(recurrence, "output '" + op.getName() + "': " + allocated.error());
  Tensor tensor = *allocated;
  results.outputs.emplace(op.getName().str(), tensor);
  DimSet layout = dims.of(op.getLayout());
  Operand value = columns.read(op.getValue(), layout);
  Offsets offsets =
      columns.gridOf(layout).tabulate([&](Coordinate c) { return addressing.offsetOf(c, tensor.strides()); });
  int64_t timeStride = addressing.strideOf(dims.scan(), tensor.strides());
  everyStep.push_back([value, tensor, offsets, timeStride](int64_t time) mutable {
    for (size_t i = 0; i < offsets.size(); ++i)
      write(tensor, offsets[i] + time * timeStride, value.at(i));
  });
  return Error::success();
}

void Interpretation::preparePrevious(PreviousOp op) {
  Column &column = columns.define(op.getResult());
  History &history = histories.of(op.getName());
  everyStep.push_back([&column, &history, back = op.getBack()](int64_t) { column = history.past[back - 1]; });
}

void Interpretation::prepareDelay(DelayOp op) {
  Column &column = columns.define(op.getResult());
  History &history = histories.of(op.getName());
  history.next = columns.read(op.getValue(), dims.of(history.state.layout));
  DimSet set = dims.of(op.getResult());
  unsigned tapDim = *dims.number(op.getTap());
  Operand now = columns.read(op.getValue(), set);
  Offsets taps = columns.gridOf(set).tabulate([&](Coordinate c) { return c[tapDim]; });
  Offsets places = columns.gridOf(set).tabulate([&](Coordinate c) { return history.grid.positionOf(c); });
  everyStep.push_back([&column, &history, now, taps, places](int64_t) {
    for (size_t i = 0; i < column.size(); ++i)
      column[i] = taps[i] == 0 ? now.at(i) : history.past[taps[i] - 1][places[i]];
  });
}

/// The result at a coordinate is the operand where `look` moves it to; the operand itself if it lacks the dimension
/// `changed`.
void Interpretation::prepareMove(Operation &op, unsigned changed,
                                 llvm::function_ref<void(MutableArrayRef<int64_t>)> look) {
  Value value = op.getOperand(0), result = op.getResult(0);
  Column &column = columns.define(result);
  bool moves = dims.of(value).contains(changed);
  Grid from = columns.gridOf(value);
  Offsets offsets = columns.gridOf(result).tabulate([&](MutableArrayRef<int64_t> coordinate) {
    if (moves)
      look(coordinate);
    return from.positionOf(coordinate);
  });
  act(result, [&column, offsets, operand = &columns.of(value)](int64_t) {
    for (size_t i = 0; i < column.size(); ++i)
      column[i] = (*operand)[offsets[i]];
  });
}

void Interpretation::prepareReduction(Operation &op, ArrayAttr over) {
  Value value = op.getOperand(0), result = op.getResult(0);
  Column &column = columns.define(result);
  Grid to = columns.gridOf(result);
  Offsets offsets = columns.gridOf(value).tabulate([&](Coordinate c) { return to.positionOf(c); });
  DimSet summed = dims.of(over) & dims.of(value), absent = dims.of(over) - dims.of(value);
  bool isMax = isa<MaxOp>(op);
  Number start = isMax ? -std::numeric_limits<double>::infinity() : 0.0;
  double scale = isa<SumOp>(op) ? double(countOf(absent, sizes)) : 1;
  double divisor = isa<MeanOp>(op) ? double(countOf(summed, sizes)) : 1;
  act(result, [&column, offsets, start, scale, divisor, isMax, operand = &columns.of(value)](int64_t) {
    llvm::fill(column, start);
    for (size_t i = 0; i < offsets.size(); ++i) {
      Number &total = column[offsets[i]], term = (*operand)[i];
      if (!isMax)
        total += term;
      else if (std::isnan(term.real()) || term.real() > total.real())
        total = term;
    }
    for (Number &total : column)
      total = total * scale / divisor;
  });
}

Error Interpretation::prepareElementwise(Operation &op) {
  constexpr unsigned mostOperands = 3;
  ScalarFunction function = lookupScalarFunction(op);
  if (!function || op.getNumResults() != 1 || op.getNumOperands() > mostOperands)
    return refuseAt(op, "is not an operation that the interpreter knows");
  Value result = op.getResult(0);
  Column &column = columns.define(result);
  SmallVector<Operand> operands;
  for (Value operand : op.getOperands())
    operands.push_back(columns.read(operand, dims.of(result)));
  act(result, [&column, function, operands](int64_t) {
    Number scalars[mostOperands];
    for (size_t i = 0; i < column.size(); ++i) {
      for (size_t k = 0; k < operands.size(); ++k)
        scalars[k] = operands[k].at(i);
      column[i] = function(scalars);
    }
  });
  return Error::success();
}

} // namespace

Expected<InterpreterResults> ssm::interpret(RecurrenceOp recurrence, const InterpreterArguments &arguments) {
  if (Error error = checkNames(recurrence, arguments))
    return error;
  Expected<SmallVector<int64_t>> sizes = bindSizes(recurrence, arguments);
  if (!sizes)
    return sizes.takeError();
  Expected<DictionaryAttr> options = bindOptions(recurrence, arguments);
  if (!options)
    return options.takeError();
  return Interpretation(recurrence, arguments, *sizes, *options).run();
}
