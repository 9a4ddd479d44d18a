#ifndef SSM_TEST_UNIT_LOOPADDRESSES_H
#define SSM_TEST_UNIT_LOOPADDRESSES_H

#include "llvm/Analysis/LoopInfo.h"
#include "llvm/Analysis/ScalarEvolution.h"
#include "llvm/Analysis/ScalarEvolutionExpressions.h"
#include "llvm/AsmParser/Parser.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/Instructions.h"
#include "llvm/IR/IntrinsicInst.h"
#include "llvm/IR/IntrinsicsNVPTX.h"
#include "llvm/IR/Module.h"
#include "llvm/IR/Verifier.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Support/SourceMgr.h"

#include <gtest/gtest.h>

/// Loops as LLVM's own text, and what a pass over addresses must not change of them.
namespace ssm::test {
using namespace llvm;

/// What passes ask for; each time anew, so that nothing is remembered from before a pass.
struct Analyses {
  Analyses() {
    builder.registerModuleAnalyses(modules);
    builder.registerCGSCCAnalyses(callGraph);
    builder.registerFunctionAnalyses(functions);
    builder.registerLoopAnalyses(loops);
    builder.crossRegisterProxies(loops, functions, callGraph, modules);
  }

  PassBuilder builder;
  LoopAnalysisManager loops;
  FunctionAnalysisManager functions;
  CGSCCAnalysisManager callGraph;
  ModuleAnalysisManager modules;
};

template <typename Pass> void runPass(Function &function, Pass pass) {
  Analyses analyses;
  FunctionPassManager passes;
  passes.addPass(std::move(pass));
  passes.run(function, analyses.functions);
  std::string errors;
  raw_string_ostream stream(errors);
  EXPECT_FALSE(verifyFunction(function, &stream)) << errors;
}

/// Counts of 32 bits that are extended, as if they counted in 64: shared memory has no 2^31 bytes, but where the turns
/// of a loop are not known LLVM has to think of it.
struct Unwrapped : SCEVRewriteVisitor<Unwrapped> {
  using SCEVRewriteVisitor::SCEVRewriteVisitor;

  const SCEV *visitSignExtendExpr(const SCEVSignExtendExpr *extended) {
    auto *count = dyn_cast<SCEVAddRecExpr>(extended->getOperand());
    if (!count || !count->isAffine())
      return extended;
    return SE.getAddRecExpr(SE.getSignExtendExpr(count->getStart(), extended->getType()),
                            SE.getSignExtendExpr(count->getStepRecurrence(SE), extended->getType()), count->getLoop(),
                            SCEV::FlagAnyWrap);
  }
};

/// How often a loop goes back: the number itself, since counters of different widths say it, or the formula.
inline std::string turnsOf(const Loop &loop, ScalarEvolution &evolution) {
  const SCEV *turns = evolution.getBackedgeTakenCount(&loop);
  if (auto *known = dyn_cast<SCEVConstant>(turns))
    return toString(known->getAPInt(), 10, /*Signed=*/false);
  std::string text;
  raw_string_ostream(text) << *turns;
  return text;
}

/// The turns of all loops, by the blocks that they begin with.
inline std::map<std::string, std::string> turnsOf(Function &function) {
  Analyses analyses;
  auto &evolution = analyses.functions.getResult<ScalarEvolutionAnalysis>(function);
  std::map<std::string, std::string> turns;
  for (Loop *loop : analyses.functions.getResult<LoopAnalysis>(function).getLoopsInPreorder())
    turns[loop->getHeader()->getName().str()] = turnsOf(*loop, evolution);
  return turns;
}

/// Instructions that are calls of what hides counts from LLVM.
inline SmallVector<IntrinsicInst *> movesIn(Function &function) {
  SmallVector<IntrinsicInst *> moves;
  for (Instruction &instruction : instructions(function))
    if (auto *call = dyn_cast<IntrinsicInst>(&instruction); call && call->getIntrinsicID() == Intrinsic::nvvm_move_i32)
      moves.push_back(call);
  return moves;
}

/// A function's addresses and trip counts, to be compared with what becomes of them. The pointers of before are not
/// removed by the pass: that both are in one function is what lets LLVM subtract them.
class Kept {
public:
  explicit Kept(Function &function) : function(function) {
    // Formulas name values: numbers would be others afterwards.
    for (BasicBlock &block : function) {
      if (!block.hasName())
        block.setName("block");
      for (Instruction &instruction : block)
        if (!instruction.getType()->isVoidTy() && !instruction.hasName())
          instruction.setName("value");
    }
    turns = turnsOf(function);
    for (Instruction &instruction : instructions(function))
      if (Value *pointer = getLoadStorePointerOperand(&instruction))
        accesses.emplace_back(&instruction, pointer);
  }

  /// Looks through the moves, which are gone afterwards.
  void expectSame() {
    for (IntrinsicInst *move : movesIn(function)) {
      move->replaceAllUsesWith(move->getArgOperand(0));
      move->eraseFromParent();
    }
    EXPECT_EQ(turns, turnsOf(function));
    Analyses analyses;
    auto &evolution = analyses.functions.getResult<ScalarEvolutionAnalysis>(function);
    size_t count = 0;
    for (Instruction &instruction : instructions(function))
      count += getLoadStorePointerOperand(&instruction) != nullptr;
    EXPECT_EQ(count, accesses.size());
    for (auto &[access, before] : accesses) {
      Value *after = getLoadStorePointerOperand(access);
      ASSERT_TRUE(before && after);
      const SCEV *expected = evolution.getSCEV(before), *found = evolution.getSCEV(after);
      const SCEV *difference = evolution.getMinusSCEV(found, expected);
      if (!isa<SCEVCouldNotCompute>(difference))
        difference = Unwrapped(evolution).visit(difference);
      EXPECT_TRUE(difference->isZero()) << print(*access) << ": " << print(*expected) << " became " << print(*found);
    }
  }

  /// Accesses whose address is computed another way.
  int64_t changed() const {
    return llvm::count_if(accesses,
                          [](const auto &access) { return getLoadStorePointerOperand(access.first) != access.second; });
  }

private:
  template <typename T> static std::string print(const T &what) {
    std::string text;
    raw_string_ostream(text) << what;
    return text;
  }

  Function &function;
  std::map<std::string, std::string> turns;
  std::vector<std::pair<Instruction *, WeakVH>> accesses;
};

//===----------------------------------------------------------------------===//
// Loops as text
//===----------------------------------------------------------------------===//

/// A function f, from the text of it.
struct Text {
  explicit Text(const std::string &text) {
    SMDiagnostic error;
    module = parseAssemblyString("target triple = \"nvptx64-nvidia-cuda\"\n" + text, error, context);
    EXPECT_TRUE(module) << error.getMessage().str() << "\n" << text;
  }
  Function &function() { return *module->getFunction("f"); }
  /// The block that all loops here have.
  BasicBlock &loop() {
    return *llvm::find_if(function(), [](const BasicBlock &block) { return block.getName() == "loop"; });
  }
  Instruction &named(StringRef name) {
    return *llvm::find_if(instructions(function()), [&](Instruction &found) { return found.getName() == name; });
  }
  /// Counters of so many bits.
  int64_t counters(unsigned bits) {
    return llvm::count_if(loop().phis(), [&](const PHINode &phi) { return phi.getType()->isIntegerTy(bits); });
  }
  /// What decides whether the loop goes on.
  Value *condition() { return cast<BranchInst>(loop().getTerminator())->getCondition(); }

  LLVMContext context;
  std::unique_ptr<Module> module;
};

inline const std::string head = "define void @f(ptr addrspace(3) %p, ptr addrspace(3) %q, ptr addrspace(3) %r, "
                                "ptr addrspace(1) %g, i64 %n, i64 %s, i1 %b) {\nentry:\n  br label %loop\nloop:\n";

/// A loop of one block over %i.
inline std::string loopOf(const std::string &body, const std::string &goesOn = "icmp ult i64 %next, 5",
                          const std::string &from = "0", const std::string &by = "1", const std::string &type = "i64") {
  return head + "  %i = phi " + type + " [ " + from + ", %entry ], [ %next, %loop ]\n" + body + "  %next = add " +
         type + " %i, " + by + "\n  %go = " + goesOn + "\n  br i1 %go, label %loop, label %exit\n" +
         "exit:\n  ret void\n}\n";
}
} // namespace ssm::test

#endif
