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

using namespace mlir;
using namespace ssm;

void ssm::addPrepare(OpPassManager &passes) {
  OpPassManager &recurrence = passes.nest<RecurrenceOp>();
  recurrence.addPass(createNarrow());
  // After narrowing, so that upstream's formulas are made of the final type's constants.
  recurrence.addPass(createSplitComplex());
  recurrence.addPass(createCanonicalizerPass());
  recurrence.addPass(createCSEPass());
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

void ssm::addLowerTiles(OpPassManager &passes, const PipelineOptions &options) {
  OpPassManager &kernel = passes.nest<func::FuncOp>();
  ExpandMathOptions math;
  math.target = options.target.gpu ? "nvptx" : "cpu";
  // On whole tiles, each function is expanded once and not once a row. A GPU's special functions take scalars: there
  // the rows come first.
  if (!options.target.gpu)
    kernel.addPass(createExpandMath(math));
  kernel.addPass(createUnrollTiles());
  if (options.target.gpu)
    kernel.addPass(createExpandMath(math));
  // Its vectors are no tiles, so it comes after the rows are cut.
  kernel.addPass(createStage());
  kernel.addPass(createLowerReductions());
  kernel.addPass(createLowerMoves());
  // Rows of values that do not vary along a register axis are the same operations again.
  kernel.addPass(createCSEPass());
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

void ssm::addLowerToGpu(OpPassManager &passes) { passes.addPass(createLowerToGpu()); }

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
