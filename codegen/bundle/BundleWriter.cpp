// Compiles what a bundle holds.

#include "codegen/bundle/BundleWriter.h"
#include "codegen/bundle/Describe.h"
#include "codegen/bundle/Header.h"
#include "codegen/bundle/SharedCode.h"
#include "codegen/lowering/Machine.h"
#include "codegen/lowering/ScheduleChoice.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/IR/Constants.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/Module.h"
#include "llvm/Support/SHA256.h"

using namespace mlir;
using namespace ssm;
using llvm::Error;
using llvm::Expected;

namespace {
/// As `ssmc check` has it: f32's own rounding, and twice over.
constexpr double errorBound = 2e-5;
/// NVPTX's number for what a block shares.
constexpr unsigned sharedSpace = 3;

class BundleCompiler {
public:
  BundleCompiler(ArrayRef<BundleFunction> functions, const BundleOptions &options)
      : functions(functions), options(options) {}

  Expected<WrittenBundle> compile() {
    RecurrenceOp first = functions.front().recurrence;
    manifest.compiler = options.compiler;
    manifest.model = first.getSymName().str();
    manifest.description = options.description;
    manifest.sha256 = llvm::toHex(llvm::SHA256::hash(llvm::arrayRefFromStringRef(options.description)), true);
    for (const BundleFunction &function : functions)
      if (Error error = addFunction(function))
        return std::move(error);
    code[manifest.model + ".h"] = makeHeader(manifest);
    written.files = bundleFiles(manifest, code);
    return std::move(written);
  }

private:
  Error addFunction(const BundleFunction &added) {
    recurrence = added.recurrence;
    isDescribed = false;
    for (const CompileTarget &target : options.targets) {
      Expected<ScheduleChoice> choice = chooseSchedule(recurrence, target, target.machine.cores, options.schedule);
      if (!choice)
        return choice.takeError();
      // Both variants follow one schedule.
      std::string schedule = choice->schedule;
      for (bool unit : {true, false})
        if (unit ? options.unitStrides : options.anyStrides)
          if (Error error = add(target, added.dtype, unit, schedule))
            return error;
      written.schedule = schedule;
    }
    return Error::success();
  }

  Error add(CompileTarget target, const std::string &dtype, bool unit, std::string &schedule) {
    std::vector<std::string> features;
    if (!target.isGpu()) {
      Expected<std::vector<std::string>> required = requireFeatures(target);
      if (!required)
        return required.takeError();
      features = std::move(*required);
    }
    Expected<Lowered> lowered = lower(recurrence, {target, schedule, unit, options.hints}, LoweringLevel::Llvm);
    if (!lowered)
      return lowered.takeError();
    schedule = lowered->schedule;
    Manifest::Function own = describeFunction(recurrence, *lowered);
    if (!isDescribed)
      manifest.functions.push_back(own);
    isDescribed = true;
    Manifest::Function &function = manifest.functions.back();
    function.dtype = dtype;
    // A caller has to be right whichever program is chosen.
    for (auto [tensor, here] : llvm::zip_equal(function.tensors, own.tensors))
      tensor.inPlace &= here.inPlace;
    Expected<Manifest::Program> program = describeProgram(recurrence, *lowered, target, function);
    if (!program)
      return program.takeError();
    program->features = std::move(features);
    program->unitStrides = unit;
    if (!unit) {
      program->alignments.clear();
      program->multiples.clear();
    }
    program->bound = errorBound;
    if (Error error = addCode(*lowered, target, *program))
      return error;
    function.programs.push_back(std::move(*program));
    return Error::success();
  }

  Error addCode(const Lowered &lowered, const CompileTarget &target, Manifest::Program &program) {
    llvm::LLVMContext context;
    Expected<std::unique_ptr<llvm::Module>> module = translate(lowered, target, context);
    if (!module)
      return module.takeError();
    Expected<std::unique_ptr<llvm::TargetMachine>> machine = createMachine(target);
    if (!machine)
      return machine.takeError();
    optimize(**module, **machine);
    const std::string name = codeName(target, program);
    if (!target.isGpu())
      return addShared(**module, **machine, name + "so", target, program);
    for (Manifest::Kernel &kernel : program.kernels)
      kernel.staticShared = sharedBytes(**module, kernel.entry);
    Expected<std::string> ptx = emitCode(**module, **machine, llvm::CodeGenFileType::AssemblyFile);
    if (!ptx)
      return ptx.takeError();
    if (Error error = addCubin(*ptx, name + "cubin", lowered, target, program))
      return error;
    code[name + "ptx"] = std::move(*ptx);
    program.code.push_back({"ptx", name + "ptx"});
    return Error::success();
  }

  /// Names of files have neither colons nor commas.
  std::string codeName(const CompileTarget &target, const Manifest::Program &program) const {
    const Manifest::Function &function = manifest.functions.back();
    std::string name = function.mode + "." + (functions.size() > 1 ? function.dtype + "." : "") + target.name +
                       (program.unitStrides ? ".unit." : ".any.");
    for (char &c : name)
      c = c == ':' ? '.' : llvm::isAlnum(c) || c == '.' || c == '_' ? c : '-';
    return name;
  }

  Error addShared(llvm::Module &module, llvm::TargetMachine &machine, const std::string &name,
                  const CompileTarget &target, Manifest::Program &program) {
    // What a GPU's driver says of code has to stand in a processor's: how many words each kernel reads.
    for (const Manifest::Kernel &kernel : program.kernels) {
      uint64_t words = 0;
      for (const Manifest::Argument &argument : kernel.arguments)
        words += wordsOf(manifest.functions.back(), program, argument);
      llvm::Type *word = llvm::Type::getInt64Ty(module.getContext());
      new llvm::GlobalVariable(module, word, /*isConstant=*/true, llvm::GlobalValue::ExternalLinkage,
                               llvm::ConstantInt::get(word, words), kernel.entry + "_words");
    }
    Expected<std::string> object = emitCode(module, machine, llvm::CodeGenFileType::ObjectFile);
    if (!object)
      return object.takeError();
    Expected<std::string> linked = linkShared(*object, target);
    if (!linked)
      return linked.takeError();
    code[name] = std::move(*linked);
    program.code.push_back({"shared_object", name});
    return Error::success();
  }

  Error addCubin(const std::string &ptx, const std::string &name, const Lowered &lowered, const CompileTarget &target,
                 Manifest::Program &program) {
    if (Expected<std::string> found = findPtxas(); !found) {
      written.withoutCubins = llvm::toString(found.takeError());
      return Error::success();
    }
    Expected<Assembled> assembled = assembleKernels(ptx, recurrence, lowered, target);
    if (!assembled)
      return assembled.takeError();
    code[name] = std::move(assembled->cubin);
    program.code.push_back({"cubin", name});
    llvm::append_range(written.kernels, reportKernels(recurrence, lowered, target, assembled->kernels));
    return Error::success();
  }

  /// What the code itself has of the block's shared memory.
  static int64_t sharedBytes(const llvm::Module &module, StringRef kernel) {
    int64_t bytes = 0;
    for (const llvm::GlobalVariable &global : module.globals())
      if (global.getAddressSpace() == sharedSpace && global.getName().starts_with((kernel + "_shared").str()))
        bytes += module.getDataLayout().getTypeAllocSize(global.getValueType());
    return bytes;
  }

  ArrayRef<BundleFunction> functions;
  const BundleOptions &options;
  /// Of the function that is being added, and whether the manifest has it already.
  RecurrenceOp recurrence;
  bool isDescribed = false;
  Manifest manifest;
  ArchiveFiles code;
  WrittenBundle written;
};
} // namespace

Expected<std::vector<CompileTarget>> ssm::parseBundleTargets(ArrayRef<std::string> names) {
  // A program takes the first of a processor's that it can: those with more bytes of registers come first. Equal ones
  // keep their order.
  std::multimap<int64_t, CompileTarget> ordered;
  auto add = [&](StringRef name) -> Error {
    if (llvm::any_of(ordered, [&](const auto &known) { return known.second.name == name; }))
      return Error::success();
    Expected<CompileTarget> target = parseTarget(name);
    if (!target)
      return target.takeError();
    // A bundle says by which name its code goes.
    if (!target->isGpu())
      target->name = name.str();
    const Target &machine = target->machine;
    ordered.emplace(target->isGpu() ? std::numeric_limits<int64_t>::min()
                                    : -machine.vectorBytes * machine.vectorRegisters,
                    std::move(*target));
    return Error::success();
  };
  for (StringRef name : names) {
    llvm::SmallVector<StringRef> meant{name};
    if (name == "cpu")
      meant = {"cpu:x86-64-v4", "cpu:x86-64-v3"};
    for (StringRef each : meant)
      if (Error error = add(each))
        return std::move(error);
  }
  std::vector<CompileTarget> targets;
  for (auto &[key, target] : ordered)
    targets.push_back(std::move(target));
  return targets;
}

Expected<WrittenBundle> ssm::compileBundle(ArrayRef<BundleFunction> functions, const BundleOptions &options) {
  return BundleCompiler(functions, options).compile();
}
