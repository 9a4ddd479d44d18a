// What the passes prove of a recurrence, for the schedules that there are.

#include "codegen/lowering/SpaceSource.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/Passes.h"
#include "passes/BlockSteps.h"
#include "passes/ChunkScan.h"
#include "passes/Passes.h"
#include "passes/Pipeline.h"

using namespace mlir;
using namespace ssm;
using llvm::Expected;

static OwningOpRef<ModuleOp> copyOf(RecurrenceOp recurrence) {
  OwningOpRef<ModuleOp> module = ModuleOp::create(recurrence.getLoc());
  OpBuilder(module->getBodyRegion()).clone(*recurrence);
  return module;
}

static bool holds(llvm::Error error) {
  bool isTrue = !error;
  llvm::consumeError(std::move(error));
  return isTrue;
}

Expected<PreparedSource> ssm::prepareSource(RecurrenceOp recurrence) {
  PreparedSource prepared;
  auto run = [&](ModuleOp module, bool linearize) {
    PassManager passes(module.getContext());
    // What is compiled in the end is verified then; these copies decide.
    passes.enableVerifier(false);
    if (linearize) {
      passes.addNestedPass<RecurrenceOp>(createLinearize());
      passes.addNestedPass<RecurrenceOp>(createCSEPass());
    }
    addPrepare(passes);
    return succeeded(passes.run(module));
  };
  prepared.sequential = copyOf(recurrence);
  if (!run(*prepared.sequential, false))
    return llvm::createStringError("the recurrence could not be prepared");
  prepared.source.sequential = *prepared.sequential->getOps<RecurrenceOp>().begin();
  prepared.source.sequentialFacts = std::make_shared<PlacementFacts>(prepared.source.sequential);
  prepared.source.blocks = holds(checkBlocks(recurrence));
  // Any chunk that is longer than what hidden states remember.
  prepared.source.chunks = holds(checkChunks(recurrence, 1 << 20));
  if (holds(checkLanes(recurrence))) {
    prepared.composed = copyOf(recurrence);
    if (run(*prepared.composed, true)) {
      prepared.source.composed = *prepared.composed->getOps<RecurrenceOp>().begin();
      prepared.source.composedFacts = std::make_shared<PlacementFacts>(prepared.source.composed);
    }
  }
  return prepared;
}
