// Descriptions: parse, verify, specialize, discretize, interpret; now and then compile and compare.

#include "codegen/binding/Binding.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Pass/PassManager.h"
#include "passes/Passes.h"
#include "test/fuzz/Fuzz.h"
#include "test/fuzz/KernelFuzz.h"
#include "test/fuzz/Mutation.h"
#include "test/support/Description.h"
#include "test/support/RandomRecurrence.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"

#include <cmath>

using namespace mlir;
using namespace ssm;
using namespace ssm::fuzz;
using ssm::test::Description;
using ssm::test::Random;

namespace {
/// Enough for what these sizes give, little enough for ten thousand of them under a sanitizer.
constexpr int64_t maxWork = 100'000, maxElements = 20'000;

const std::vector<std::string> &languageWords() {
  static const std::vector<std::string> words = {
      "dim",       "scan",   "reverse",  "if",       "option", "input", "state", "output",     "param",
      "const",     "fn",     "like",     "optional", "f32",    "f64",   "bf16",  "f16",        "complex",
      "given",     "prev",   "der",      "step",     "by",     "zoh",   "euler", "bilinear",   "exp",
      "exp_euler", "log",    "log1p",    "sqrt",     "rsqrt",  "abs",   "sign",  "floor",      "sin",
      "cos",       "tanh",   "sigmoid",  "silu",     "relu",   "gelu",  "erf",   "min",        "max",
      "pow",       "re",     "im",       "conj",     "sum",    "mean",  "index", "size",       "rename",
      "flip",      "delay",  "softplus", "true",     "false",  "0",     "1",     "2",          "0.5",
      "(",         ")",      "[",        "]",        "{",      "}",     ",",     ":",          "?",
      "=",         "==",     "!=",       "<",        ">",      "<=",    "&&",    "||",         "!",
      "+",         "-",      "*",        "/",        "\"",     "//",    "\n",    "prev(h, 3)", "time",
      "prev(u)",   "[time]", "expm1",    "u",        "h",      "y",     "state", "channel",    "prev(prev(h))"};
  return words;
}

/// Library models and random recurrences, half each.
class Sources {
public:
  Sources() {
    std::error_code error;
    for (llvm::sys::fs::directory_iterator entry(SSM_SOURCE_DIR "/models", error), end; entry != end && !error;
         entry.increment(error))
      if (llvm::StringRef(entry->path()).ends_with(".ssm"))
        paths.push_back(entry->path());
    llvm::sort(paths);
    for (const std::string &path : paths)
      if (auto buffer = llvm::MemoryBuffer::getFile(path))
        models.push_back((*buffer)->getBuffer().str());
  }

  std::string pick(Random &random) const {
    if (random.chance(40) && !models.empty())
      return random.pick(models);
    test::RandomRecurrenceOptions options;
    options.mixedTypes = random.chance(20);
    options.maxStates = 1 + random.below(3);
    options.depth = 1 + random.below(3);
    return test::randomRecurrence(random.below(1 << 20), options);
  }

  bool empty() const { return models.empty(); }

private:
  std::vector<std::string> paths, models;
};

/// What to make of one recurrence.
struct Plan {
  SpecializeParameters parameters;
  /// Options in place of those declared, for the interpreter.
  NamedAttrList options;
  std::map<std::string, int64_t> sizes;
  uint64_t seed;
};

/// How far the inputs got.
struct Counts {
  int64_t refused = 0, specialized = 0, interpreted = 0, kernelsRefused = 0, kernels = 0, compared = 0, coarse = 0;
};

std::optional<int64_t> elements(const std::optional<Shape> &shape) {
  return shape ? countElements(*shape) : std::nullopt;
}

Plan makePlan(RecurrenceOp recurrence, Random &random) {
  Plan plan;
  const bool isLarge = recurrence.getDims().size() > 6;
  for (auto dim : recurrence.getDims().getAsRange<DimAttr>()) {
    if (dim.getLike())
      continue;
    const std::string name = dim.getName().getValue().str();
    const bool isScan = name == recurrence.getScan();
    plan.sizes[name] = isScan && random.chance(5) ? 0 : 1 + random.below(isLarge ? 2 : 5);
    // Half of the kernels learn the number of steps when they are called.
    if (!isScan || random.chance(50))
      plan.parameters.dims[name] = plan.sizes[name];
  }
  if (DictionaryAttr options = recurrence.getOptionsAttr())
    for (NamedAttribute option : options)
      if (auto truth = dyn_cast<BoolAttr>(option.getValue()); truth && random.chance(30)) {
        plan.parameters.options[option.getName().str()] = truth.getValue() ? "false" : "true";
        plan.options.set(option.getName(), BoolAttr::get(recurrence.getContext(), !truth.getValue()));
      }
  for (auto input : recurrence.getBody().front().getOps<InputOp>())
    if (input.getOptional() && random.chance(50))
      plan.parameters.without.push_back(input.getName().str());
  plan.parameters.dtype = random.chance(30) ? "f64" : "f32";
  plan.seed = random.below(1 << 30);
  return plan;
}

/// Numbers in [-1, 1] that float32 holds, rounded to the stored type; nothing if it would be large.
std::optional<Tensor> randomTensor(Type stored, const std::optional<Shape> &shape, Random &random) {
  if (elements(shape).value_or(maxElements + 1) > maxElements)
    return std::nullopt;
  Tensor tensor = Tensor::zeros(dtypeOf(stored), *shape);
  forEachOffset(tensor, [&](int64_t offset) {
    const double real = random.symmetric();
    tensor.setComplex(offset, {real, isComplex(tensor.dtype()) ? random.symmetric() : 0});
  });
  return tensor;
}

/// Arguments for a specialized recurrence; nothing if they would be large.
std::optional<InterpreterArguments> makeArguments(RecurrenceOp recurrence, const Plan &plan) {
  Random random(plan.seed);
  InterpreterArguments arguments;
  arguments.maxWork = maxWork;
  arguments.sizes = plan.sizes;
  for (auto input : recurrence.getBody().front().getOps<InputOp>()) {
    auto tensor = randomTensor(*input.getStored(), shapeOf(recurrence, input.getLayout(), plan.sizes), random);
    if (!tensor)
      return std::nullopt;
    arguments.inputs.emplace(input.getName().str(), *tensor);
  }
  for (auto output : recurrence.getBody().front().getOps<OutputOp>())
    if (elements(shapeOf(recurrence, output.getLayout(), plan.sizes)).value_or(maxElements + 1) > maxElements)
      return std::nullopt;
  for (const State &state : getStates(recurrence)) {
    if (state.depth < 1)
      continue;
    auto tensor = randomTensor(state.stored, shapeOf(recurrence, state, plan.sizes), random);
    if (!tensor)
      return std::nullopt;
    if (random.chance(50))
      arguments.states.emplace(state.name.str(), *tensor);
  }
  return arguments;
}

/// What is missing in results that are to be complete.
std::string checkShapes(RecurrenceOp recurrence, const Plan &plan, const InterpreterResults &results) {
  for (auto output : recurrence.getBody().front().getOps<OutputOp>()) {
    auto found = results.outputs.find(output.getName().str());
    if (found == results.outputs.end() ||
        found->second.shape() != shapeOf(recurrence, output.getLayout(), plan.sizes).value_or(Shape{-1}))
      return "the output '" + output.getName().str() + "' is missing or of another shape";
  }
  for (const State &state : getStates(recurrence))
    if (state.depth > 0 && !results.states.count(state.name.str()))
      return "the state '" + state.name.str() + "' is missing";
  return "";
}

/// Specializes and discretizes. False after an error, which has to have been reported.
bool prepare(RecurrenceOp recurrence, const Plan &plan, std::string &failure) {
  std::string errors;
  ScopedDiagnosticHandler handler(recurrence.getContext(), [&](Diagnostic &diagnostic) {
    if (diagnostic.getSeverity() == DiagnosticSeverity::Error)
      errors += diagnostic.str() + "\n";
    return success();
  });
  PassManager manager(recurrence.getContext(), RecurrenceOp::getOperationName());
  manager.enableVerifier();
  manager.addPass(createSpecialize(plan.parameters));
  manager.addPass(createDiscretize());
  const bool done = succeeded(manager.run(recurrence));
  if (!done && errors.empty())
    failure = "specialize or discretize fails without a reason";
  if (!done && llvm::StringRef(errors).contains("' op ") && llvm::StringRef(errors).contains("dominate"))
    failure = "a pass breaks the recurrence: " + errors;
  return done;
}

class DescriptionTarget : public Target {
public:
  const char *name() const override { return "description"; }

  std::string run(uint64_t seed, int64_t index) override {
    if (sources.empty())
      return "there are no models in " SSM_SOURCE_DIR "/models";
    Random random = randomOf(seed, index);
    std::string text = sources.pick(random);
    MutationSources from = {sources.pick(random),
                            languageWords(),
                            {{"(", ")"}, {"-", ""}, {"exp(", ")"}, {"prev(", ")"}, {"u > 0 ? 1 : ", ""}, {"[", "]"}}};
    text = mutate(std::move(text), from, random);
    // Which ones are compiled depends on the index alone, as everything here does.
    std::string failure = feed(text, random, /*compile=*/index % kernelEvery == 0);
    return failure.empty() ? "" : failure + "\n--- the description\n" + text + "\n---";
  }

  std::string summary() const override {
    return std::to_string(counts.refused) +
           " refused by the front end; recurrences: " + std::to_string(counts.specialized) + " specialized, " +
           std::to_string(counts.interpreted) + " interpreted; kernels: " + std::to_string(counts.kernels) +
           " compiled and run, of which " + std::to_string(counts.compared) + " compared and " +
           std::to_string(counts.coarse) + " right in float64 only; " + std::to_string(counts.kernelsRefused) +
           " refused";
  }

  std::string judge(int64_t count) const override {
    if (counts.interpreted * 6 < count)
      return "fewer than a sixth of the inputs were interpreted: " + summary();
    if (count >= 1000 && counts.compared * 50 < count)
      return "fewer than a fiftieth of the inputs were compared as kernels: " + summary();
    if (count >= 1000 && (counts.kernelsRefused + counts.coarse) * 10 > counts.kernels)
      return "too few kernels could be judged: " + summary();
    return "";
  }

private:
  static constexpr int64_t kernelEvery = 5;

  std::string feed(const std::string &text, Random &random, bool compile) {
    Description description = test::parseLanguage(text);
    if (!description) {
      ++counts.refused;
      return llvm::StringRef(description.errors).contains("error:") ? "" : "refused without an error";
    }
    if (failed(verify(*description.module)))
      return "the front end gave a module that does not verify";
    SmallVector<RecurrenceOp> recurrences(description.module->getOps<RecurrenceOp>());
    if (recurrences.empty())
      return "the front end gave a module without a recurrence";
    for (RecurrenceOp recurrence : llvm::ArrayRef(recurrences).take_front(2))
      if (std::string failure = feed(recurrence, makePlan(recurrence, random), compile); !failure.empty())
        return failure;
    return "";
  }

  std::string feed(RecurrenceOp recurrence, const Plan &plan, bool compile) {
    OwningOpRef<Operation *> original = recurrence->clone();
    std::string failure;
    if (!prepare(recurrence, plan, failure))
      return failure;
    ++counts.specialized;
    std::optional<InterpreterArguments> arguments = makeArguments(recurrence, plan);
    if (!arguments)
      return "";
    llvm::Expected<InterpreterResults> results = interpret(recurrence, *arguments);
    if (!results)
      return llvm::toString(results.takeError()).empty() ? "the interpreter refuses without a reason" : "";
    ++counts.interpreted;
    failure = checkShapes(recurrence, plan, *results);
    if (failure.empty())
      failure = compareOriginal(cast<RecurrenceOp>(original.get()), plan, *arguments, *results);
    if (failure.empty() && compile)
      failure = compareCompiled(cast<RecurrenceOp>(original.get()), recurrence, plan, *arguments, *results);
    return failure;
  }

  /// Specializing keeps the meaning: the recurrence as it was written gives the same numbers.
  std::string compareOriginal(RecurrenceOp original, const Plan &plan, const InterpreterArguments &arguments,
                              const InterpreterResults &results) {
    if (!original.getBody().front().getOps<DerivativeOp>().empty() || magnitude(results) > 1e6)
      return "";
    InterpreterArguments all = arguments;
    all.options = plan.options.getDictionary(original.getContext());
    llvm::Expected<InterpreterResults> expected = interpret(original, all);
    if (!expected) // more work than allowed, as nothing has been folded
      return llvm::toString(expected.takeError()).empty() ? "the interpreter refuses without a reason" : "";
    if (magnitude(*expected) > 1e6)
      return "";
    const std::string off = difference(results, *expected, [](llvm::StringRef, bool) { return 1e-9; });
    return off.empty() ? "" : "specialize changes the result: " + off;
  }

  std::string compareCompiled(RecurrenceOp original, RecurrenceOp recurrence, const Plan &plan,
                              const InterpreterArguments &arguments, const InterpreterResults &results) {
    KernelOutcome outcome = compareReported(recurrence, arguments, results);
    switch (outcome.end) {
    case KernelEnd::Refused:
      ++counts.kernelsRefused;
      return "";
    case KernelEnd::Compared:
      ++counts.compared;
      [[fallthrough]];
    case KernelEnd::Wild:
      ++counts.kernels;
      return "";
    case KernelEnd::Failed:
      return outcome.why;
    case KernelEnd::Disagrees:
      break;
    }
    ++counts.kernels;
    ++counts.coarse;
    return isRightInDouble(original, plan) ? "" : outcome.why;
  }

  /// Whether the disagreement is float32's: stored as float64 throughout, the same recurrence agrees.
  bool isRightInDouble(RecurrenceOp recurrence, Plan plan) {
    for (auto input : recurrence.getBody().front().getOps<InputOp>())
      if (!isa<ComplexType>(input.getType()))
        plan.parameters.dtypes[input.getName().str()] = "f64";
    std::string failure;
    if (!prepare(recurrence, plan, failure))
      return false;
    std::optional<InterpreterArguments> arguments = makeArguments(recurrence, plan);
    if (!arguments)
      return false;
    llvm::Expected<InterpreterResults> results = interpret(recurrence, *arguments);
    if (!results) {
      llvm::consumeError(results.takeError());
      return false;
    }
    return compareReported(recurrence, *arguments, *results).end == KernelEnd::Compared;
  }

  /// Passes report what they refuse as diagnostics, which belong to the reason.
  static KernelOutcome compareReported(RecurrenceOp recurrence, const InterpreterArguments &arguments,
                                       const InterpreterResults &results) {
    std::string errors;
    ScopedDiagnosticHandler handler(recurrence.getContext(), [&](Diagnostic &diagnostic) {
      errors += diagnostic.str() + "\n";
      return success();
    });
    KernelOutcome outcome = compareKernel(recurrence, arguments, results);
    outcome.why += errors;
    return outcome;
  }

  Sources sources;
  Counts counts;
};
} // namespace

std::unique_ptr<Target> ssm::fuzz::makeDescriptionTarget() { return std::make_unique<DescriptionTarget>(); }
