// Lines that stand for LLVM's instructions.

#include "codegen/sass/CodeLines.h"
#include "llvm/Analysis/LoopInfo.h"
#include "llvm/Analysis/ScalarEvolution.h"
#include "llvm/IR/DIBuilder.h"
#include "llvm/IR/IntrinsicInst.h"
#include "llvm/IR/Module.h"
#include "llvm/Passes/PassBuilder.h"

using namespace ssm;

const CodeLine *CodeLines::lookup(unsigned number) const {
  return number >= first && number - first < lines.size() ? &lines[number - first] : nullptr;
}

bool CodeLines::contains(int outer, int inner) const {
  while (inner != -1 && inner != outer)
    inner = loops[inner].parent;
  return inner == outer;
}

namespace {
bool isFloat(const llvm::Type *type) { return type->getScalarType()->isFloatTy(); }

/// Arithmetic of f32 becomes one instruction each; what is made of several, divisions and roots, does not count.
bool isArithmetic(const llvm::Instruction &instruction) {
  switch (instruction.getOpcode()) {
  case llvm::Instruction::FAdd:
  case llvm::Instruction::FSub:
  case llvm::Instruction::FMul:
    return isFloat(instruction.getType());
  default:
    break;
  }
  auto *call = llvm::dyn_cast<llvm::IntrinsicInst>(&instruction);
  if (!call || !isFloat(call->getType()))
    return false;
  llvm::StringRef name = call->getCalledFunction()->getName();
  return name.starts_with("llvm.fma") || name.starts_with("llvm.nvvm.ex2") || name.starts_with("llvm.nvvm.lg2") ||
         name.starts_with("llvm.nvvm.rcp");
}

/// Numbers one kernel's instructions from `first` on.
class Numberer {
public:
  Numberer(llvm::Function &function, llvm::LoopInfo &loops, llvm::ScalarEvolution &evolution, unsigned first)
      : function(function), loops(loops), evolution(evolution) {
    result.kernel = function.getName().str();
    result.first = first;
  }

  CodeLines run(llvm::DISubprogram *program) {
    for (llvm::Loop *loop : loops)
      addLoop(loop, -1);
    for (llvm::BasicBlock &block : function)
      for (llvm::Instruction &instruction : block) {
        unsigned number = result.first + result.lines.size();
        instruction.setDebugLoc(llvm::DILocation::get(function.getContext(), number, 0, program));
        llvm::Loop *loop = loops.getLoopFor(&block);
        bool isWork = isArithmetic(instruction);
        bool isSingle = isWork || llvm::isa<llvm::LoadInst, llvm::StoreInst>(instruction);
        result.lines.push_back({loop ? numbers.lookup(loop) : -1, isSingle, isWork});
      }
    return std::move(result);
  }

private:
  void addLoop(llvm::Loop *loop, int parent) {
    int number = result.loops.size();
    numbers[loop] = number;
    unsigned turns = evolution.getSmallConstantTripCount(loop);
    result.loops.push_back({parent, turns ? std::optional<int64_t>(turns) : std::nullopt});
    for (llvm::Loop *inner : *loop)
      addLoop(inner, number);
  }

  llvm::Function &function;
  llvm::LoopInfo &loops;
  llvm::ScalarEvolution &evolution;
  llvm::DenseMap<llvm::Loop *, int> numbers;
  CodeLines result;
};
} // namespace

std::vector<CodeLines> ssm::numberLines(llvm::Module &module, llvm::TargetMachine &machine) {
  llvm::PassBuilder builder(&machine);
  llvm::FunctionAnalysisManager analyses;
  builder.registerFunctionAnalyses(analyses);
  llvm::ModuleAnalysisManager modules;
  analyses.registerPass([&] { return llvm::ModuleAnalysisManagerFunctionProxy(modules); });

  llvm::DIBuilder debug(module);
  llvm::DIFile *file = debug.createFile("kernels", "");
  debug.createCompileUnit(llvm::DISourceLanguageName(llvm::dwarf::DW_LANG_C), file, "ssmc", /*isOptimized=*/true, "", 0,
                          "", llvm::DICompileUnit::DebugDirectivesOnly);
  module.addModuleFlag(llvm::Module::Warning, "Debug Info Version", llvm::DEBUG_METADATA_VERSION);
  llvm::DISubroutineType *type = debug.createSubroutineType(debug.getOrCreateTypeArray({}));
  std::vector<CodeLines> all;
  unsigned first = 1;
  for (llvm::Function &function : module) {
    if (function.isDeclaration())
      continue;
    llvm::DISubprogram *program =
        debug.createFunction(file, function.getName(), function.getName(), file, first, type, first,
                             llvm::DINode::FlagZero, llvm::DISubprogram::SPFlagDefinition);
    function.setSubprogram(program);
    all.push_back(Numberer(function, analyses.getResult<llvm::LoopAnalysis>(function),
                           analyses.getResult<llvm::ScalarEvolutionAnalysis>(function), first)
                      .run(program));
    first += all.back().lines.size();
  }
  debug.finalize();
  return all;
}
