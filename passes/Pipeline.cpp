// The compiler's plot: every pass in order, and why it stands where it stands.

#include "passes/Pipeline.h"
#include "mlir/Conversion/ArithToLLVM/ArithToLLVM.h"
#include "mlir/Conversion/ControlFlowToLLVM/ControlFlowToLLVM.h"
#include "mlir/Conversion/FuncToLLVM/ConvertFuncToLLVMPass.h"
#include "mlir/Conversion/GPUToNVVM/GPUToNVVMPass.h"
#include "mlir/Conversion/MathToLLVM/MathToLLVM.h"
#include "mlir/Conversion/ReconcileUnrealizedCasts/ReconcileUnrealizedCasts.h"
#include "mlir/Conversion/SCFToControlFlow/SCFToControlFlow.h"
#include "mlir/Conversion/UBToLLVM/UBToLLVM.h"
#include "mlir/Conversion/VectorToLLVM/ConvertVectorToLLVMPass.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Transforms/Passes.h"
#include "passes/Passes.h"
#include "schedule/Machine.h"

using namespace mlir;
using namespace ssm;

void ssm::addPrepare(OpPassManager &passes) {
  OpPassManager &recurrence = passes.nest<RecurrenceOp>();
  recurrence.addPass(createNarrow());
  // After narrowing, so that upstream's formulas are made of the final type's constants.
  recurrence.addPass(createSplitComplex());
  recurrence.addPass(createCanonicalizerPass());
  recurrence.addPass(createCSEPass());
  // Last at level 0: others look for exp, and for the products that were written.
  recurrence.addPass(createRegroupProducts());
}

void ssm::addFold(OpPassManager &passes) {
  OpPassManager &recurrence = passes.nest<RecurrenceOp>();
  recurrence.addPass(createCanonicalizerPass());
  recurrence.addPass(createCSEPass());
}

void ssm::addLinearize(OpPassManager &passes) {
  OpPassManager &recurrence = passes.nest<RecurrenceOp>();
  recurrence.addPass(createLinearize());
  recurrence.addPass(createCSEPass());
}

void ssm::addTile(OpPassManager &passes, const PipelineOptions &options) {
  TileOptions tile;
  tile.schedule = options.schedule;
  tile.gpu = options.target.gpu;
  tile.packed = options.packed;
  tile.vectorBytes = options.target.vectorBytes;
  tile.vectorRegisters = options.target.vectorRegisters;
  passes.addPass(createTile(tile));
  // The full and the masked body share addresses.
  passes.addPass(createCSEPass());
}

bool ssm::addsPairs(StringRef chip) {
  unsigned capability = 0;
  return chip.consume_front("sm_") && !chip.consumeInteger(10, capability) && addsPairs(capability);
}

void ssm::addLowerTiles(OpPassManager &passes, const PipelineOptions &options) {
  OpPassManager &kernel = passes.nest<func::FuncOp>();
  // While a sum's loads and what it makes of them are one tile each.
  if (!options.target.gpu)
    kernel.addPass(createVectorizeSums({/*vectorBytes=*/options.target.vectorBytes}));
  ExpandMathOptions math;
  // Registers of 64 bytes are AVX-512's, with F, DQ and VL in every processor that LLVM prefers them on.
  math.target = options.target.gpu ? "nvptx" : options.target.vectorBytes == 64 ? "avx512" : "cpu";
  // Before functions are expanded: it makes exponentials of logs of decays.
  kernel.addPass(createParallelizeScan());
  if (options.target.gpu)
    kernel.addPass(createCombineThreads());
  // On whole tiles, each function is expanded once and not once a row. A GPU's special functions take scalars and those
  // of AVX-512 registers: there the rows come first.
  bool rowsFirst = math.target != "cpu";
  if (!rowsFirst)
    kernel.addPass(createExpandMath(math));
  kernel.addPass(createUnrollTiles({/*partialSums=*/options.target.gpu && !addsPairs(options.chip) ? 1 : 2}));
  if (rowsFirst)
    kernel.addPass(createExpandMath(math));
  // Functions bound their arguments, and here loads still are rows of memory.
  if (options.target.gpu)
    kernel.addPass(createNarrowBounds());
  // It counts the operations that functions take, and a GPU has other warps to fill the time.
  if (!options.target.gpu)
    kernel.addPass(createSplitSteps());
  // It looks at rows, before copies make vectors of their own.
  if (!options.target.gpu)
    kernel.addPass(createPrefetch());
  // All that rows are made of is there; what later passes add, transposes and sums over lanes, overlaps by itself.
  if (!options.target.gpu)
    kernel.addPass(createOverlapRows({/*registers=*/options.target.vectorRegisters}));
  // Its vectors are no tiles, so it comes after the rows are cut.
  kernel.addPass(createStage());
  kernel.addPass(createLowerReductions());
  kernel.addPass(createLowerMoves({/*gpu=*/options.target.gpu}));
  // Of scalars: a GPU's rows are that.
  if (options.target.gpu)
    kernel.addPass(createLowerExchanges());
  // Rows of values that do not vary along a register axis are the same operations again.
  kernel.addPass(createCSEPass());
  // Where all loads are as they are in memory: what is on its way takes as few registers as that.
  if (options.target.gpu) {
    kernel.addPass(createLoadAhead());
    kernel.addPass(createSinkStores());
  }
  // Last, when all loops over steps are there.
  if (!options.target.gpu)
    kernel.addPass(createParkStates());
}

void ssm::addLowerToCpu(OpPassManager &passes) {
  passes.addPass(createLowerToCpu());
  passes.addPass(createSCFToControlFlowPass());
  passes.addPass(createConvertVectorToLLVMPass());
  passes.addPass(createConvertMathToLLVMPass());
  passes.addPass(createArithToLLVMConversionPass());
  passes.addPass(createConvertFuncToLLVMPass());
  passes.addPass(createConvertControlFlowToLLVMPass());
  passes.addPass(createUBToLLVMConversionPass());
  passes.addPass(createReconcileUnrealizedCastsPass());
}

void ssm::addLowerToGpu(OpPassManager &passes) {
  // Kernels of their own until now, so that no pass took the parts' memory for one task's.
  passes.addPass(createTicketOrder());
  passes.addPass(createLowerToGpu());
}

void ssm::addLowerToNvvm(OpPassManager &passes, const PipelineOptions &) {
  passes.addPass(createSCFToControlFlowPass());
  OpPassManager &kernels = passes.nest<gpu::GPUModuleOp>();
  kernels.addPass(createConvertVectorToLLVMPass());
  kernels.addPass(createConvertGpuOpsToNVVMOps());
  kernels.addPass(createConvertMathToLLVMPass());
  kernels.addPass(createArithToLLVMConversionPass());
  // These two refuse to be nested in a gpu.module.
  passes.addPass(createConvertControlFlowToLLVMPass());
  passes.addPass(createUBToLLVMConversionPass());
  passes.addPass(createReconcileUnrealizedCastsPass());
}
