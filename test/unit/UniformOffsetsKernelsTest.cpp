// Addresses and trip counts of kernels of the library are what they were when what is left to do before PTX is done.

#include "codegen/lowering/JoinShared.h"
#include "codegen/lowering/Lowering.h"
#include "codegen/lowering/Machine.h"
#include "codegen/lowering/NarrowCompares.h"
#include "codegen/lowering/UniformOffsets.h"
#include "mlir/Pass/PassManager.h"
#include "passes/Passes.h"
#include "passes/Specialize.h"
#include "test/support/Description.h"
#include "test/unit/LoopAddresses.h"
#include "llvm/Transforms/Utils/LoopSimplify.h"

using namespace llvm;
using namespace ssm::test;
using ssm::NarrowComparesPass;
using ssm::UniformOffsetsPass;

namespace {
using Sizes = std::map<std::string, int64_t>;

/// A model's code for sm_90 before addresses are finished, at sizes that are known.
struct Kernels {
  void compile(const std::string &model, const Sizes &sizes, const std::string &schedule, bool reverse) {
    ssm::test::Description description = ssm::test::parseFile(SSM_SOURCE_DIR "/models/" + model + ".ssm");
    ASSERT_TRUE(description) << description.errors;
    ssm::SpecializeParameters parameters;
    parameters.dims = sizes;
    parameters.dtype = "bf16";
    if (reverse)
      parameters.options["reverse"] = "true";
    ASSERT_TRUE(succeeded(ssm::specialize(description.recurrence(), parameters)));
    mlir::PassManager passes(description.context.get());
    passes.addNestedPass<ssm::RecurrenceOp>(ssm::createDiscretize());
    ASSERT_TRUE(succeeded(passes.run(*description.module)));
    ssm::CompileTarget target = cantFail(ssm::parseTarget("sm_90"));
    auto lowered =
        ssm::lower(description.recurrence(), {target, schedule, /*packed=*/true, {}}, ssm::LoweringLevel::Llvm);
    ASSERT_TRUE(static_cast<bool>(lowered)) << toString(lowered.takeError());
    auto translated = ssm::translate(*lowered, target, context);
    ASSERT_TRUE(static_cast<bool>(translated)) << toString(translated.takeError());
    module = std::move(*translated);
    auto machine = cantFail(ssm::createMachine(target));
    ssm::optimize(*module, *machine);
    ssm::joinSharedArrays(*module);
  }

  LLVMContext context;
  std::unique_ptr<Module> module;
};

/// Innermost loops that count bytes afterwards.
int64_t finish(Function &function) {
  runPass(function, LoopSimplifyPass());
  Kept kept(function);
  runPass(function, UniformOffsetsPass());
  SmallPtrSet<BasicBlock *, 4> loops;
  for (IntrinsicInst *move : movesIn(function))
    loops.insert(move->getParent());
  EXPECT_EQ(loops.empty(), kept.changed() == 0);
  // Both together, as they run.
  runPass(function, NarrowComparesPass());
  kept.expectSame();
  return loops.size();
}
} // namespace

TEST(UniformOffsetsKernels, KeepAddressesAndTurns) {
  const Sizes channels = {{"batch", 8}, {"group", 1}, {"member", 4096}, {"time", 2048}};
  const Sizes anySteps = {{"batch", 8}, {"group", 1}, {"member", 4096}};
  const Sizes heads = {{"batch", 8}, {"head", 16}, {"key", 64}, {"value", 64}, {"time", 2048}};
  const std::string stages =
      "member=grid,thread:64,reg:2; state=lane:2,reg:8; time=loop:32,reg:8; at(free)=stage; at(y)=store; stages=2";
  const struct {
    std::string model;
    Sizes sizes;
    std::string schedule;
    bool reverse = false;
    /// Loops that share a count, at least. In some kernels every address goes on in its own way.
    int64_t loops = 0;
  } cases[] = {
      {.model = "mamba1", .sizes = channels, .schedule = stages, .loops = 1},
      {.model = "mamba1", .sizes = channels, .schedule = stages, .reverse = true, .loops = 1},
      // The rest of a tile takes turns that only the call knows.
      {.model = "mamba1", .sizes = anySteps, .schedule = stages, .loops = 2},
      {.model = "mamba1",
       .sizes = channels,
       .schedule = "member=grid,thread:64; state=lane:4,reg; time=loop:64,reg:4; at(free)=stage; at(y)=store",
       .loops = 1},
      {.model = "mamba1",
       .sizes = channels,
       .schedule = "member=grid,thread:128; state=reg; time=loop:32,reg:8; load=staged; store=staged"},
      {.model = "gla",
       .sizes = heads,
       .schedule = "key=lane:16,reg; value=grid,thread:8,reg:4; time=loop:16,reg:4; at(free)=stage",
       .loops = 1},
      {.model = "gla", .sizes = heads, .schedule = "auto"},
      {.model = "retnet", .sizes = heads, .schedule = "auto"},
  };
  for (const auto &kernel : cases) {
    SCOPED_TRACE(kernel.model + ", " + kernel.schedule + (kernel.reverse ? ", in reverse" : ""));
    Kernels kernels;
    kernels.compile(kernel.model, kernel.sizes, kernel.schedule, kernel.reverse);
    if (HasFatalFailure())
      return;
    int64_t loops = 0;
    for (Function &function : *kernels.module)
      if (!function.isDeclaration())
        loops += finish(function);
    EXPECT_GE(loops, kernel.loops);
  }
}
