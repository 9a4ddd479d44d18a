#ifndef SSM_PASSES_TILESTEP_H
#define SSM_PASSES_TILESTEP_H

#include "passes/TileMemory.h"

namespace ssm {

/// Turns the operations of one time step into operations on tiles, for one task.
class TileStep {
public:
  TileStep(RecurrenceOp recurrence, const Placement &placement, const TileMemory &memory)
      : recurrence(recurrence), placement(placement), memory(memory), dims(memory.dimensions()) {}

  /// Emits what does not vary in time; to be called before the loop.
  void emitInvariant(mlir::OpBuilder &builder);
  /// The carried tiles of all states before the first step, newest past step first within a state.
  llvm::SmallVector<mlir::Value> emitInitial(mlir::OpBuilder &builder);
  /// Emits one step at time coordinate `time`, with the carried tiles as they are before it; `scratchStep` is the
  /// step's number within its time tile. Returns the tiles carried on. Outputs are stored.
  llvm::SmallVector<mlir::Value> emitStep(mlir::OpBuilder &builder, mlir::Value time, mlir::Value scratchStep,
                                          mlir::ValueRange carried);
  /// Stores the carried tiles as final states where the caller wants them.
  void emitFinal(mlir::OpBuilder &builder, mlir::ValueRange carried);

  /// Whether an input's own tile is needed, rather than only renamed or flipped ones, which are loaded as such.
  static bool isReadPlainly(InputOp input);

private:
  void emit(mlir::OpBuilder &builder, mlir::Operation &op);
  void emitElementwise(mlir::OpBuilder &builder, mlir::Operation &op);
  void emitConstant(mlir::OpBuilder &builder, mlir::Operation &op);
  Tiles emitReduction(mlir::OpBuilder &builder, mlir::Operation &op, mlir::ArrayAttr over);
  Tiles emitMove(mlir::OpBuilder &builder, mlir::Value value, llvm::StringRef from, llvm::StringRef to, bool reversed);
  Tiles emitDelay(mlir::OpBuilder &builder, DelayOp delay);
  Tiles emitIndex(mlir::OpBuilder &builder, IndexOp index);
  Tiles emitInput(mlir::OpBuilder &builder, mlir::Value value);
  mlir::Value asTile(mlir::OpBuilder &builder, mlir::Value scalar);
  mlir::Value broadcast(mlir::OpBuilder &builder, mlir::Value tile, llvm::ArrayRef<int64_t> shape);
  Tiles stretch(mlir::OpBuilder &builder, const Tiles &tiles, DimSet set);
  mlir::Value zeros(mlir::OpBuilder &builder, mlir::VectorType type);

  RecurrenceOp recurrence;
  const Placement &placement;
  const TileMemory &memory;
  const DimensionAnalysis &dims;
  llvm::DenseMap<mlir::Value, Tiles> tiles;
  /// Tiles of each state's past steps, newest first.
  llvm::StringMap<llvm::SmallVector<Tiles>> past;
  mlir::Value time, scratchStep;
};

} // namespace ssm

#endif
