// Turns a description into the program that one user asked for; Passes.td has the contract.
// Everything is checked before anything is changed, so that one run reports every mistake.

#include "passes/Specialize.h"
#include "dialect/DimensionAnalysis.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Complex/IR/Complex.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/Dominance.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/Transforms/CSE.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "passes/ComputeType.h"
#include "passes/Passes.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/DebugLog.h"

#define DEBUG_TYPE "ssm-specialize"

namespace ssm {
#define GEN_PASS_DEF_SPECIALIZE
#include "passes/Passes.h.inc"
} // namespace ssm

using namespace mlir;
using namespace ssm;

//===----------------------------------------------------------------------===//
// Checking: parameters to what they mean for this recurrence
//===----------------------------------------------------------------------===//

namespace {
using Names = llvm::SetVector<StringRef>;

/// An error in words for whoever chose the parameters, who may never have seen an operation.
InFlightDiagnostic report(RecurrenceOp recurrence) {
  return recurrence.emitError() << "recurrence '" << recurrence.getSymName() << "': ";
}

/// The parameters, resolved against the declarations of one recurrence.
struct Plan {
  llvm::StringMap<int64_t> sizes; // by the dimension whose extent it is
  llvm::StringMap<Attribute> options;
  llvm::StringSet<> absent;
  Type dtype;
  llvm::StringMap<Type> tensorTypes, stateTypes;
};

class Planner {
public:
  explicit Planner(RecurrenceOp recurrence) : recurrence(recurrence) {
    for (auto dim : recurrence.getDims().getAsRange<DimAttr>())
      dims.insert(dim.getName());
    for (Operation &op : recurrence.getBody().front()) {
      if (auto input = dyn_cast<InputOp>(op)) {
        inputs.insert(input.getName());
        tensors[input.getName()] = input.getType();
        if (input.getOptional())
          optionals.insert(input.getName());
      } else if (auto output = dyn_cast<OutputOp>(op)) {
        tensors[output.getName()] = output.getValue().getType();
      }
    }
    for (const State &state : getStates(recurrence))
      states[state.name] = state.type;
  }

  FailureOr<Plan> plan(const SpecializeParameters &parameters) {
    planSizes(parameters);
    planOptions(parameters);
    planAbsent(parameters);
    planTypes(parameters);
    return failed ? FailureOr<Plan>(failure()) : FailureOr<Plan>(std::move(result));
  }

private:
  InFlightDiagnostic error() {
    failed = true;
    return report(recurrence);
  }

  template <typename Range> void unknown(StringRef what, StringRef whats, StringRef name, const Range &known) {
    InFlightDiagnostic diagnostic = error();
    diagnostic << "no " << what << " is named '" << name << "'; ";
    if (known.empty())
      diagnostic << "there are no " << whats;
    else
      diagnostic << "the " << whats << " are " << llvm::join(known, ", ");
  }

  void planSizes(const SpecializeParameters &parameters) {
    llvm::StringMap<StringRef> namedAs;
    for (const auto &[name, size] : parameters.dims) {
      if (!dims.contains(name)) {
        unknown("dimension", "dimensions", name, dims);
        continue;
      }
      if (size < 0)
        error() << "dimension '" << name << "' cannot have the negative size " << size;
      StringRef extent = recurrence.extentOf(name);
      auto [known, isNew] = result.sizes.try_emplace(extent, size);
      if (isNew)
        namedAs[extent] = name;
      else if (known->second != size)
        error() << "dimension '" << name << "' cannot have size " << size << ": it has the extent of '"
                << namedAs[extent] << "', which has size " << known->second;
    }
  }

  void planOptions(const SpecializeParameters &parameters) {
    SmallVector<StringRef> known;
    for (NamedAttribute option :
         recurrence.getOptionsAttr() ? recurrence.getOptionsAttr().getValue() : ArrayRef<NamedAttribute>()) {
      known.push_back(option.getName());
      result.options[option.getName()] = option.getValue();
    }
    for (const auto &[name, text] : parameters.options) {
      if (llvm::is_contained(known, name))
        planOption(result.options[name], name, text);
      else
        unknown("option", "options", name, known);
    }
  }

  /// Reads `text` as a value of the kind that `value`, the option's default, is of.
  void planOption(Attribute &value, StringRef name, StringRef text) {
    Builder builder(recurrence.getContext());
    if (isa<BoolAttr>(value)) {
      if (text != "true" && text != "false")
        error() << "option '" << name << "' is true or false, not '" << text << "'";
      value = builder.getBoolAttr(text == "true");
    } else if (isa<FloatAttr>(value)) {
      double number = 0;
      if (text.getAsDouble(number))
        error() << "option '" << name << "' is a number, not '" << text << "'";
      value = builder.getF64FloatAttr(number);
    } else {
      value = builder.getStringAttr(text);
    }
  }

  void planAbsent(const SpecializeParameters &parameters) {
    for (const std::string &name : parameters.without) {
      if (optionals.contains(name))
        result.absent.insert(name);
      else
        unknown("optional input", "optional inputs", name, optionals);
    }
    if (!parameters.given)
      return;
    for (const std::string &name : *parameters.given) {
      if (!inputs.contains(name))
        unknown("input", "inputs", name, inputs);
      if (result.absent.contains(name))
        error() << "input '" << name << "' cannot be both given and left out";
    }
    for (StringRef name : optionals)
      if (!llvm::is_contained(*parameters.given, name))
        result.absent.insert(name);
  }

  Type parseType(StringRef text) {
    MLIRContext *context = recurrence.getContext();
    Type f32 = Float32Type::get(context), f64 = Float64Type::get(context);
    return llvm::StringSwitch<Type>(text)
        .Case("f32", f32)
        .Case("f64", f64)
        .Case("bf16", BFloat16Type::get(context))
        .Case("f16", Float16Type::get(context))
        .Case("complex<f32>", ComplexType::get(f32))
        .Case("complex<f64>", ComplexType::get(f64))
        .Default(Type());
  }

  void planTypes(const SpecializeParameters &parameters) {
    result.dtype = parseType(parameters.dtype);
    if (!result.dtype || isa<ComplexType>(result.dtype))
      error() << "cannot store tensors as '" << parameters.dtype << "'; expected f32, f64, bf16 or f16";
    SmallVector<StringRef> known = llvm::to_vector(llvm::make_first_range(tensors));
    for (const auto &state : states)
      if (!tensors.contains(state.first))
        known.push_back(state.first);
    for (const auto &[key, text] : parameters.dtypes) {
      StringRef name = key;
      bool isState = name.consume_front("state.") || !tensors.contains(name);
      auto declared = isState ? states.find(name) : tensors.find(name);
      if (declared == (isState ? states.end() : tensors.end()))
        unknown("input, output or state", "inputs, outputs and states", key, known);
      else
        (isState ? result.stateTypes : result.tensorTypes)[name] = fitType(name, text, declared->second);
    }
  }

  /// `text` as a type in which a tensor of `value`s can be stored: f64 means complex<f64> where they are complex.
  Type fitType(StringRef name, StringRef text, Type value) {
    Type type = parseType(text);
    if (isa<ComplexType>(value) && type && (type.isF32() || type.isF64()))
      type = ComplexType::get(type);
    if (!type || isa<ComplexType>(type) != isa<ComplexType>(value))
      error() << "cannot store '" << name << "' as '" << text << "'; expected "
              << (isa<ComplexType>(value) ? "complex<f32> or complex<f64>" : "f32, f64, bf16 or f16");
    return type;
  }

  RecurrenceOp recurrence;
  Names dims, inputs, optionals;
  llvm::MapVector<StringRef, Type> tensors, states;
  Plan result;
  bool failed = false;
};
} // namespace

//===----------------------------------------------------------------------===//
// Applying a plan
//===----------------------------------------------------------------------===//

static void bindSizes(RecurrenceOp recurrence, const Plan &plan) {
  auto bound = llvm::map_to_vector(recurrence.getDims().getAsRange<DimAttr>(), [&](DimAttr dim) -> Attribute {
    auto size = plan.sizes.find(dim.getName());
    return size == plan.sizes.end() ? dim : DimAttr::get(dim.getContext(), dim.getName(), size->second, dim.getLike());
  });
  recurrence.setDimsAttr(ArrayAttr::get(recurrence.getContext(), bound));
}

/// The constant that an `option`, `given` or `size` stands for, or null while it is not known.
static TypedAttr valueOf(Operation &op, RecurrenceOp recurrence, const Plan &plan) {
  Builder builder(op.getContext());
  if (auto given = dyn_cast<GivenOp>(op))
    return builder.getBoolAttr(!plan.absent.contains(given.getName()));
  if (auto option = dyn_cast<OptionOp>(op)) {
    Attribute value = plan.options.lookup(option.getName());
    if (std::optional<StringRef> word = option.getIs())
      return builder.getBoolAttr(cast<StringAttr>(value) == *word);
    if (auto number = dyn_cast<FloatAttr>(value))
      return builder.getFloatAttr(option.getType(), number.getValueAsDouble());
    return cast<TypedAttr>(value);
  }
  if (auto size = dyn_cast<SizeOp>(op))
    if (std::optional<int64_t> extent = recurrence.sizeOf(size.getDim()))
      return builder.getFloatAttr(size.getType(), static_cast<double>(*extent));
  return {};
}

static void foldDeclarations(RecurrenceOp recurrence, const Plan &plan) {
  for (Operation &op : llvm::make_early_inc_range(recurrence.getBody().front())) {
    if (TypedAttr value = valueOf(op, recurrence, plan)) {
      OpBuilder builder(&op);
      op.replaceAllUsesWith(arith::ConstantOp::create(builder, op.getLoc(), value)->getResults());
      op.erase();
    }
  }
  if (std::optional<StringRef> option = recurrence.getReverseIf())
    if (cast<BoolAttr>(plan.options.lookup(*option)).getValue())
      recurrence.setReverse(true);
  recurrence.removeReverseIfAttr();
  recurrence.removeOptionsAttr();
}

static void simplify(RecurrenceOp recurrence) {
  MLIRContext *context = recurrence.getContext();
  RewritePatternSet patterns(context);
  for (RegisteredOperationName name : context->getRegisteredOperations())
    if (llvm::is_contained({"arith", "complex", "math", "ssm"}, name.getDialectNamespace()))
      name.getCanonicalizationPatterns(patterns, context);
  // Not converging within the driver's limit leaves valid, if less simple, code.
  (void)applyPatternsGreedily(recurrence.getBody(), std::move(patterns));
  IRRewriter rewriter(context);
  DominanceInfo dominance(recurrence);
  eliminateCommonSubExpressions(rewriter, dominance, recurrence);
}

/// Sums, maxima and means over dimensions that are known to be empty become what those of nothing are.
static bool foldEmptyReductions(RecurrenceOp recurrence) {
  DimensionAnalysis dims(recurrence);
  bool folded = false;
  for (Operation &op : llvm::make_early_inc_range(recurrence.getBody().front())) {
    if (!isa<SumOp, MaxOp, MeanOp>(op))
      continue;
    DimSet over = dims.of(op.getAttrOfType<ArrayAttr>("over")) & dims.of(op.getOperand(0));
    if (llvm::none_of(dims.list(over), [&](StringRef dim) { return recurrence.sizeOf(dim) == 0; }))
      continue;
    OpBuilder builder(&op);
    Type type = op.getResult(0).getType();
    auto complexType = dyn_cast<ComplexType>(type);
    Attribute number = builder.getFloatAttr(complexType ? complexType.getElementType() : type,
                                            isa<SumOp>(op)   ? 0
                                            : isa<MaxOp>(op) ? -std::numeric_limits<double>::infinity()
                                                             : std::numeric_limits<double>::quiet_NaN());
    Value value =
        complexType
            ? Value(complex::ConstantOp::create(builder, op.getLoc(), type, builder.getArrayAttr({number, number})))
            : Value(arith::ConstantOp::create(builder, op.getLoc(), cast<TypedAttr>(number)));
    op.getResult(0).replaceAllUsesWith(value);
    op.erase();
    folded = true;
  }
  return folded;
}

/// Erases hidden states that nothing reads any more: windows, and those named as an input or seeded by another state.
/// A state that the user declared stays, read or not, since its final value is a result.
static bool pruneHiddenStates(RecurrenceOp recurrence, const llvm::StringSet<> &inputs) {
  Block &body = recurrence.getBody().front();
  llvm::StringSet<> hidden, read;
  for (auto previous : body.getOps<PreviousOp>()) {
    if (inputs.contains(previous.getName()) || previous.getSeededBy())
      hidden.insert(previous.getName());
    if (!previous->use_empty())
      read.insert(previous.getName());
    if (std::optional<StringRef> seed = previous.getSeededBy())
      read.insert(*seed);
  }
  bool pruned = false;
  for (Operation &op : llvm::make_early_inc_range(body)) {
    auto isDead = [&](StringRef state) { return hidden.contains(state) && !read.contains(state); };
    bool dead = llvm::TypeSwitch<Operation *, bool>(&op)
                    .Case([&](DelayOp delay) { return delay->use_empty(); })
                    .Case<PreviousOp, NextOp, InitialOp>([&](auto part) { return isDead(part.getName()); })
                    .Default(false);
    if (dead)
      op.erase();
    pruned |= dead;
  }
  return pruned;
}

/// recurrence_c6 promises that what an absent input reaches was folded away with its `given`.
static void settleOptionalInputs(RecurrenceOp recurrence, const Plan &plan) {
  for (auto input : llvm::make_early_inc_range(recurrence.getBody().front().getOps<InputOp>())) {
    input.setOptional(false);
    if (!plan.absent.contains(input.getName()))
      continue;
    assert(input->use_empty() && "an input that is left out is still read");
    LDBG() << "left out " << input.getName();
    input.erase();
  }
}

static Type defaultFor(Type value, Type real) {
  if (!isa<ComplexType>(value))
    return real;
  return ComplexType::get(real.isF64() ? real : Float32Type::get(real.getContext()));
}

static void fillStoredTypes(RecurrenceOp recurrence, const Plan &plan) {
  Block &body = recurrence.getBody().front();
  auto settle = [](auto op, const llvm::StringMap<Type> &named, Type fallback) {
    if (Type type = named.lookup(op.getName()))
      op.setStored(type);
    else if (!op.getStored() && fallback)
      op.setStored(fallback);
  };
  for (Operation &op : body) {
    if (auto input = dyn_cast<InputOp>(op))
      settle(input, plan.tensorTypes, defaultFor(input.getType(), plan.dtype));
    else if (auto output = dyn_cast<OutputOp>(op))
      settle(output, plan.tensorTypes, defaultFor(output.getValue().getType(), plan.dtype));
    else if (auto previous = dyn_cast<PreviousOp>(op))
      settle(previous, plan.stateTypes, Type());
    else if (auto delay = dyn_cast<DelayOp>(op))
      settle(delay, plan.stateTypes, Type());
  }
  // States without a type follow the arithmetic, which those with one decide.
  Type compute = computeType(recurrence);
  for (Operation &op : body) {
    if (auto previous = dyn_cast<PreviousOp>(op))
      settle(previous, {}, defaultFor(previous.getType(), compute));
    else if (auto delay = dyn_cast<DelayOp>(op))
      settle(delay, {}, defaultFor(delay.getType(), compute));
  }
}

LogicalResult ssm::specialize(RecurrenceOp recurrence, const SpecializeParameters &parameters) {
  FailureOr<Plan> plan = Planner(recurrence).plan(parameters);
  if (failed(plan))
    return failure();
  llvm::StringSet<> inputs;
  for (auto input : recurrence.getBody().front().getOps<InputOp>())
    inputs.insert(input.getName());
  bindSizes(recurrence, *plan);
  foldDeclarations(recurrence, *plan);
  for (bool changes = true; changes;) {
    simplify(recurrence);
    bool pruned = pruneHiddenStates(recurrence, inputs), folded = foldEmptyReductions(recurrence);
    changes = pruned || folded;
  }
  settleOptionalInputs(recurrence, *plan);
  fillStoredTypes(recurrence, *plan);
  return success();
}

//===----------------------------------------------------------------------===//
// The pass: parameters as lists of NAME=VALUE
//===----------------------------------------------------------------------===//

/// Splits `name=value`, reporting at the recurrence what is neither.
static FailureOr<std::pair<std::string, std::string>> splitPair(RecurrenceOp recurrence, StringRef what,
                                                                StringRef text) {
  auto [name, value] = text.split('=');
  if (name.empty() || value.empty())
    return report(recurrence) << "expected " << what << "=value, found '" << text << "'";
  return std::pair(name.str(), value.str());
}

template <typename Value>
static LogicalResult insertOnce(RecurrenceOp recurrence, std::map<std::string, Value> &map, const std::string &name,
                                const Value &value) {
  auto [it, isNew] = map.try_emplace(name, value);
  if (!isNew && it->second != value)
    return report(recurrence) << "two values are given for '" << name << "'";
  return success();
}

namespace {
struct Specialize : ssm::impl::SpecializeBase<Specialize> {
  using SpecializeBase::SpecializeBase;

  void runOnOperation() override {
    SpecializeParameters parameters;
    if (failed(read(parameters)) || failed(specialize(getOperation(), parameters)))
      signalPassFailure();
  }

private:
  LogicalResult read(SpecializeParameters &parameters) {
    RecurrenceOp recurrence = getOperation();
    bool ok = true;
    for (const std::string &text : dims) {
      auto pair = splitPair(recurrence, "dimension", text);
      int64_t size = 0;
      if (succeeded(pair) && StringRef(pair->second).getAsInteger(10, size))
        pair = report(recurrence) << "expected an integer as size of '" << pair->first << "', found '" << pair->second
                                  << "'";
      ok &= succeeded(pair) && succeeded(insertOnce(recurrence, parameters.dims, pair->first, size));
    }
    for (const std::string &text : optionValues) {
      auto pair = splitPair(recurrence, "option", text);
      ok &= succeeded(pair) && succeeded(insertOnce(recurrence, parameters.options, pair->first, pair->second));
    }
    for (const std::string &text : dtype) {
      if (!StringRef(text).contains('=')) {
        parameters.dtype = text;
        continue;
      }
      auto pair = splitPair(recurrence, "tensor", text);
      ok &= succeeded(pair) && succeeded(insertOnce(recurrence, parameters.dtypes, pair->first, pair->second));
    }
    parameters.without.assign(without.begin(), without.end());
    if (!given.empty()) {
      parameters.given.emplace();
      llvm::copy_if(given, std::back_inserter(*parameters.given), [](StringRef name) { return name != "none"; });
    }
    return success(ok);
  }
};
} // namespace

std::unique_ptr<Pass> ssm::createSpecialize(const SpecializeParameters &parameters) {
  SpecializeOptions options;
  for (const auto &[name, size] : parameters.dims)
    options.dims.push_back(name + "=" + std::to_string(size));
  for (const auto &[name, value] : parameters.options)
    options.optionValues.push_back(name + "=" + value);
  options.without.assign(parameters.without.begin(), parameters.without.end());
  if (parameters.given)
    options.given.assign(parameters.given->begin(), parameters.given->end());
  if (parameters.given && parameters.given->empty())
    options.given.push_back("none");
  options.dtype.push_back(parameters.dtype);
  for (const auto &[name, type] : parameters.dtypes)
    options.dtype.push_back(name + "=" + type);
  return createSpecialize(options);
}
