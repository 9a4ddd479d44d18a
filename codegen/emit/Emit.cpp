// One recurrence, stopped at the level asked for.

#include "codegen/emit/Emit.h"
#include "codegen/binding/Binding.h"
#include "codegen/lowering/Machine.h"
#include "dialect/AffineAnalysis.h"
#include "mlir/Pass/PassManager.h"
#include "passes/Pipeline.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/Module.h"

#include <chrono>

using namespace mlir;
using namespace ssm;
using llvm::Error;
using llvm::Expected;

namespace {
Error fail(const llvm::Twine &message) { return llvm::createStringError(llvm::inconvertibleErrorCode(), message); }

/// A line for each component of states: what has been proved of it.
std::string describeStates(RecurrenceOp recurrence) {
  AffineAnalysis analysis(recurrence);
  std::string text;
  for (const Component &component : analysis.components()) {
    llvm::SmallSetVector<StringRef, 4> names;
    for (const ComponentState &state : component.states)
      names.insert(state.state.name);
    text += "// " + llvm::join(names, ", ") + ": " + analysis.describe(component) + "\n";
  }
  return text;
}

/// What is between chunks of one kernel.
std::string describeWorkspace(const KernelTensor &tensor) {
  std::string text;
  llvm::raw_string_ostream stream(text);
  stream << "//   " << tensor.workspace << ": ";
  const char *what =
      !tensor.isOrder() ? "between chunks"
      : tensor.role == KernelTensor::Role::Order
          ? "what blocks agree by; zero before the first launch, and no one else's from then on; launches "
            "that share it run one after another"
          : "what blocks wait for; zero before the first launch";
  stream << what << "; pointer to " << tensor.stored << ", then " << tensor.getRank()
         << " strides in elements (i64) of ";
  if (!tensor.perTile.empty())
    stream << "tiles of [" << llvm::join(tensor.perTile, ", ") << "], ";
  if (tensor.perChunk)
    stream << "chunks, ";
  if (tensor.isOrder())
    stream << tensor.depth << " words\n";
  else
    stream << layoutText(tensor.layout) << (tensor.depth > 1 ? " and past steps" : "") << "\n";
  return text;
}

/// What an array of rows says.
const char *describeArray(StringRef name) {
  return llvm::StringSwitch<const char *>(name)
      .Case("cu_seqlens", "the step at which each row begins, and at which the last ends")
      .Case("slots_in",
            "each row's place in the pool before its first step, negative for a row that is left out (may be "
            "null: the row's number)")
      .Case("slots_out",
            "each row's place in the pool after its last step (may be null: where it came from in steps, else "
            "the row's number)")
      .Case("has_state", "0 for each row that begins with the initial value instead (may be null)")
      .Default("the place in the pool of the state after each step, negative for none");
}

/// How a GPU kernel is called, as comments: what a manifest says, for those who load the PTX themselves.
std::string describeCall(RecurrenceOp recurrence, const Lowered &lowered, bool packed) {
  using Role = KernelTensor::Role;
  std::string text;
  llvm::raw_string_ostream stream(text);
  stream << "// " << lowered.main().name << ", schedule " << lowered.schedule
         << "\n// Block: " << lowered.main().placement.threads()
         << " threads. Grid: any number of blocks, best as many as there are tasks. tasks = 1";
  for (auto [dim, place] : llvm::zip_equal(recurrence.getDims().getAsRange<DimAttr>(), lowered.main().placement.places))
    if (place.grid)
      stream << " * " << (place.runsEmpty ? "max(1, " : "") << "ceil(" << recurrence.extentOf(dim.getName().getValue())
             << " / " << place.span() << (place.runsEmpty ? "))" : ")");
  if (int64_t chunk = lowered.main().placement.chunk)
    stream << " * max(1, ceil(" << recurrence.getScan() << " / " << chunk << "))";
  stream << "\n// Arguments, in order" << (packed ? "; the last stride of every tensor is taken to be 1" : "") << ":\n";
  for (const KernelTensor &tensor : lowered.main().interface.tensors) {
    if (!tensor.workspace.empty()) {
      stream << describeWorkspace(tensor);
      continue;
    }
    const char *role = tensor.role == Role::Rows           ? describeArray(tensor.name)
                       : tensor.role == Role::Input        ? "input"
                       : tensor.role == Role::Output       ? "output"
                       : tensor.role == Role::InitialState ? "initial state (may be null)"
                                                           : "final state (may be null)";
    stream << "//   " << tensor.name << ": " << role << ", pointer to " << tensor.stored << ", then "
           << tensor.getRank() << " strides in elements (i64) of " << layoutText(tensor.inMemory())
           << (tensor.depth > 1 ? " and past steps" : "") << (tensor.more ? ", with one entry more" : "");
    if (packed && tensor.alignment > 1)
      stream << "; address and strides but the last are multiples of " << tensor.alignment << " bytes";
    stream << "\n";
  }
  for (auto &[name, value] : lowered.main().interface.parameters)
    stream << "//   " << name << ": parameter (f64), by default " << value << "\n";
  for (const std::string &name : lowered.main().interface.sizes)
    stream << "//   " << name << ": size (i64)" << (name == RowPlan::slots ? " of the pool of states" : "") << "\n";
  stream << "//   tasks (i64)\n";
  return text;
}

class Emitter {
  template <typename Work> auto measure(const char *phase, Work work) {
    auto start = std::chrono::steady_clock::now();
    struct Stop {
      Emitted &result;
      const char *phase;
      std::chrono::steady_clock::time_point start;
      ~Stop() {
        result.times.emplace_back(phase,
                                  std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
      }
    } stop{result, phase, start};
    return work();
  }

public:
  Emitter(RecurrenceOp recurrence, const LoweringOptions &options) : recurrence(recurrence), options(options) {}

  Expected<Emitted> emitModule(LoweringLevel level) {
    Expected<Lowered> lowered = lowerTo(level);
    if (!lowered)
      return lowered.takeError();
    llvm::raw_string_ostream stream(result.content);
    lowered->module->print(stream);
    stream << '\n';
    return result;
  }

  /// `finish` turns the optimized LLVM module into the content.
  Expected<Emitted>
  emitMachine(llvm::function_ref<Error(const Lowered &, llvm::Module &, llvm::TargetMachine &)> finish) {
    Expected<Lowered> lowered = lowerTo(LoweringLevel::Llvm);
    if (!lowered)
      return lowered.takeError();
    llvm::LLVMContext context;
    Expected<std::unique_ptr<llvm::Module>> module =
        measure("translate", [&] { return translate(*lowered, options.target, context); });
    if (!module)
      return module.takeError();
    Expected<std::unique_ptr<llvm::TargetMachine>> machine = createMachine(options.target);
    if (!machine)
      return machine.takeError();
    measure("optimize", [&] { optimize(**module, **machine); });
    if (Error error = finish(*lowered, **module, **machine))
      return std::move(error);
    result.kernels = reportKernels(recurrence, *lowered, options.target, resources);
    if (isPtx)
      result.content = describeCall(recurrence, *lowered, options.packed) + result.content;
    return result;
  }

  Error takeCode(llvm::Module &module, llvm::TargetMachine &machine, llvm::CodeGenFileType type) {
    Expected<std::string> code = measure("codegen", [&] { return emitCode(module, machine, type); });
    if (!code)
      return code.takeError();
    result.content = std::move(*code);
    result.isBinary = type == llvm::CodeGenFileType::ObjectFile;
    return Error::success();
  }

  Error takeCubin(const Lowered &lowered) {
    Expected<Assembled> assembled =
        measure("ptxas", [&] { return assembleKernels(result.content, recurrence, lowered, options.target); });
    if (!assembled)
      return assembled.takeError();
    result.content = std::move(assembled->cubin);
    resources = std::move(assembled->kernels);
    result.isBinary = true;
    return Error::success();
  }

  Emitted result;
  /// Whether the content is PTX, which begins with how the kernel is called.
  bool isPtx = false;

private:
  Expected<Lowered> lowerTo(LoweringLevel level) {
    Expected<Lowered> lowered = measure("passes", [&] { return lower(recurrence, options, level); });
    if (lowered)
      result.schedule = lowered->schedule;
    return lowered;
  }

  RecurrenceOp recurrence;
  const LoweringOptions &options;
  /// What ptxas reports.
  std::vector<KernelResources> resources;
};
} // namespace

/// Level 1, and before it each state's structure as comments.
static Expected<Emitted> emitScan(RecurrenceOp recurrence) {
  OwningOpRef<ModuleOp> module = ModuleOp::create(recurrence.getLoc());
  OpBuilder builder(module->getBodyRegion());
  auto copy = cast<RecurrenceOp>(builder.clone(*recurrence));
  PassManager prepare(module->getContext());
  addFold(prepare);
  if (failed(prepare.run(*module)))
    return fail("the recurrence could not be simplified");
  Emitted result;
  llvm::raw_string_ostream stream(result.content);
  stream << describeStates(copy);
  PassManager passes(module->getContext());
  addLinearize(passes);
  if (failed(passes.run(*module)))
    return fail("the recurrence could not be linearized");
  module->print(stream);
  stream << '\n';
  return result;
}

Expected<Emitted> ssm::emit(RecurrenceOp recurrence, StringRef level, const LoweringOptions &options) {
  if (level == "scan")
    return emitScan(recurrence);
  bool isGpu = options.target.isGpu();
  bool isOfGpu = level == "gpu" || level == "nvvm" || level == "ptx" || level == "cubin";
  bool isOfCpu = level == "asm" || level == "obj";
  if ((isOfGpu && !isGpu) || (isOfCpu && isGpu))
    return fail("the target '" + options.target.name + "' has no level '" + level + "'; it has " +
                (isGpu ? "tiled, gpu, nvvm, llvm, ptx and cubin" : "tiled, llvm, asm and obj"));
  Emitter emitter(recurrence, options);
  if (level == "tiled")
    return emitter.emitModule(LoweringLevel::Tiled);
  if (level == "gpu")
    return emitter.emitModule(LoweringLevel::Kernels);
  if (level == "nvvm")
    return emitter.emitModule(LoweringLevel::Llvm);
  if (level == "llvm")
    return emitter.emitMachine([&](const Lowered &, llvm::Module &module, llvm::TargetMachine &) {
      llvm::raw_string_ostream stream(emitter.result.content);
      module.print(stream, nullptr);
      return Error::success();
    });
  bool isObject = level == "obj";
  emitter.isPtx = level == "ptx";
  if (level != "asm" && level != "obj" && level != "ptx" && level != "cubin")
    return fail("--emit " + level +
                ": no pass makes it; there are recurrence, scan, tiled, gpu, nvvm, llvm, ptx, cubin, asm and obj");
  return emitter.emitMachine([&](const Lowered &lowered, llvm::Module &module, llvm::TargetMachine &machine) -> Error {
    if (Error error = emitter.takeCode(
            module, machine, isObject ? llvm::CodeGenFileType::ObjectFile : llvm::CodeGenFileType::AssemblyFile))
      return error;
    return level == "cubin" ? emitter.takeCubin(lowered) : Error::success();
  });
}
