// The only place that talks to LLVM's back ends.

#include "codegen/lowering/Machine.h"
#include "codegen/lowering/JoinShared.h"
#include "codegen/lowering/NarrowCompares.h"
#include "codegen/lowering/UniformOffsets.h"
#include "passes/Pipeline.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Module.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Transforms/Scalar/ADCE.h"
#include "llvm/Transforms/Scalar/EarlyCSE.h"
#include "llvm/Transforms/Utils/LoopSimplify.h"

using namespace ssm;
using llvm::Expected;

/// Sets an option of LLVM's that only its command line has, unless it was given there.
static void setOption(const char *name, const char *value) {
  auto &options = llvm::cl::getRegisteredOptions();
  if (auto option = options.find(name); option != options.end() && !option->second->getNumOccurrences())
    option->second->addOccurrence(0, option->first, value);
}

/// Instructions in a row among which pairs are looked for: in longer ones, such as the product of two dense
/// transitions, they join what is far apart, and all of it would have to be in registers at once.
static constexpr size_t mostToPair = 4096;

static void setOptions() {
  // Leaves constants where they are used. LLVM would hoist those of every loop in a kernel out of the outermost one,
  // where they take the registers that the states of the innermost one need: these would be spilled at every step.
  setOption("disable-machine-licm", "true");
  // What puts two scalars into a pair of registers, and takes them out, has a price in LLVM's model. ptxas gives them
  // neighbours' registers from the start.
  setOption("slp-threshold", "-1000");
  // Wider trees join what all steps of a turn do, whose values would have to be there at once; and some of them LLVM's
  // NVPTX back end cannot select. Narrower ones, of pairs alone, leave most products of matrix states single.
  setOption("slp-max-vf", "16");
  // Passes have put operations into an order in which they fit into the registers; LLVM's scheduler for x86 puts a
  // row's chain back in one piece, with what has been loaded for others before it.
  setOption("enable-misched", "false");
}

Expected<std::unique_ptr<llvm::TargetMachine>> ssm::createMachine(const CompileTarget &target) {
  static const bool initialized = [] {
    llvm::InitializeNativeTarget();
    llvm::InitializeNativeTargetAsmPrinter();
    LLVMInitializeNVPTXTargetInfo();
    LLVMInitializeNVPTXTarget();
    LLVMInitializeNVPTXTargetMC();
    LLVMInitializeNVPTXAsmPrinter();
    setOptions();
    return true;
  }();
  (void)initialized;
  std::string message;
  llvm::Triple triple(target.triple);
  const llvm::Target *backend = llvm::TargetRegistry::lookupTarget(triple, message);
  if (!backend)
    return llvm::createStringError(llvm::inconvertibleErrorCode(), message);
  std::unique_ptr<llvm::TargetMachine> machine(
      backend->createTargetMachine(triple, target.cpu, target.features, llvm::TargetOptions(), llvm::Reloc::PIC_,
                                   std::nullopt, llvm::CodeGenOptLevel::Default));
  if (!machine)
    return llvm::createStringError(llvm::inconvertibleErrorCode(),
                                   "LLVM has no back end for the target '" + target.name + "'");
  return machine;
}

namespace {
/// What LLVM's passes ask for.
struct Analyses {
  explicit Analyses(llvm::PassBuilder &builder) {
    builder.registerModuleAnalyses(modules);
    builder.registerCGSCCAnalyses(callGraph);
    builder.registerFunctionAnalyses(functions);
    builder.registerLoopAnalyses(loops);
    builder.crossRegisterProxies(loops, functions, callGraph, modules);
  }

  llvm::LoopAnalysisManager loops;
  llvm::FunctionAnalysisManager functions;
  llvm::CGSCCAnalysisManager callGraph;
  llvm::ModuleAnalysisManager modules;
};
} // namespace

void ssm::optimize(llvm::Module &module, llvm::TargetMachine &machine) {
  module.setDataLayout(machine.createDataLayout());
  llvm::PipelineTuningOptions tuning;
  // Kernels are cut by the schedule; unrolling or vectorizing them again only costs registers.
  tuning.LoopUnrolling = false;
  tuning.LoopVectorization = false;
  tuning.SLPVectorization = false;
  llvm::PassBuilder builder(&machine, tuning);
  Analyses analyses(builder);
  llvm::ModulePassManager passes;
  if (machine.getTargetTriple().isNVPTX())
    passes = builder.buildPerModuleDefaultPipeline(llvm::OptimizationLevel::O3);
  else
    // Long straight lines of vectors in a few loops: these give the code that -O3 gives, in a fraction of the time.
    // What -O1 adds looks at pairs of accesses in a loop, of which there can be thousands.
    llvm::cantFail(
        builder.parsePassPipeline(passes, "function(sroa,early-cse<memssa>,instcombine<no-verify-fixpoint>,simplifycfg,"
                                          "loop-mssa(licm),early-cse<memssa>,instcombine<no-verify-fixpoint>,"
                                          "simplifycfg,adce)"));
  passes.run(module, analyses.modules);
  // Rows of a GPU's tiles are scalars; where the machine takes two at a time they become pairs.
  if (!machine.getTargetTriple().isNVPTX() || !addsPairs(machine.getTargetCPU()))
    return;
  llvm::ModulePassManager pairs;
  llvm::cantFail(builder.parsePassPipeline(pairs, "function(slp-vectorizer,instcombine<no-verify-fixpoint>,dce)"));
  // The attribute is how that pass is told to leave a function alone.
  std::vector<llvm::Function *> left;
  for (llvm::Function &function : module)
    if (llvm::any_of(function, [](const llvm::BasicBlock &block) { return block.size() > mostToPair; }))
      left.push_back(&function);
  for (llvm::Function *function : left)
    function->addFnAttr(llvm::Attribute::NoImplicitFloat);
  pairs.run(module, analyses.modules);
  for (llvm::Function *function : left)
    function->removeFnAttr(llvm::Attribute::NoImplicitFloat);
}

/// What is left for a GPU's code when all arrays of a kernel are one.
static void finishAddresses(llvm::Module &module, llvm::TargetMachine &machine) {
  llvm::PassBuilder builder(&machine);
  Analyses analyses(builder);
  llvm::FunctionPassManager passes;
  passes.addPass(llvm::LoopSimplifyPass());
  passes.addPass(UniformOffsetsPass());
  passes.addPass(NarrowComparesPass());
  passes.addPass(llvm::EarlyCSEPass());
  passes.addPass(llvm::ADCEPass());
  llvm::ModulePassManager all;
  all.addPass(llvm::createModuleToFunctionPassAdaptor(std::move(passes)));
  all.run(module, analyses.modules);
}

Expected<std::string> ssm::emitCode(llvm::Module &module, llvm::TargetMachine &machine, llvm::CodeGenFileType type) {
  if (machine.getTargetTriple().isNVPTX()) {
    joinSharedArrays(module);
    finishAddresses(module, machine);
  }
  llvm::SmallString<0> text;
  llvm::raw_svector_ostream stream(text);
  llvm::legacy::PassManager passes;
  if (machine.addPassesToEmitFile(passes, stream, nullptr, type))
    return llvm::createStringError(llvm::inconvertibleErrorCode(), "LLVM cannot emit this kind of file");
  passes.run(module);
  return std::string(text);
}
