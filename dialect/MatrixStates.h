#ifndef SSM_DIALECT_MATRIXSTATES_H
#define SSM_DIALECT_MATRIXSTATES_H

#include "dialect/DimensionAnalysis.h"
#include "llvm/ADT/MapVector.h"
#include <vector>

namespace ssm {

/// A product, as a term of a sum: of values without the state alone, or of such values and the state.
struct StateTerm {
  enum class Of { Nothing, Previous, Next };
  bool isNegative = false;
  Of of = Of::Nothing;
  llvm::SmallVector<mlir::Value> factors;
};

/// A product that a step adds to a state: what varies along rows alone, what along the summed dimensions alone, and
/// what along neither.
struct RankOneUpdate {
  bool isNegative = false;
  llvm::SmallVector<mlir::Value> scalars, left, right;
};

/// A real state S that each step scales by what does not vary along its rows, and adds products to, and that is read in
/// sums over its other dimensions alone, with coefficients that do not vary along its rows either:
///
///   S = a·prev(S) + Σ left·right        y = sum[over](c·S), sum[over](c·prev(S))
///
/// Several such steps are one: what they read of S is made of what they read of the S before the first of them, and of
/// sums over left·c.
struct MatrixState {
  llvm::StringRef name;
  mlir::Value previous, next;
  /// Dimensions of the state that all its sums run over, and those along which neither a, nor c, nor left varies.
  DimSet over, rows;
  /// The terms whose sum is a.
  llvm::SmallVector<StateTerm> decay;
  DimSet decayDims;
  llvm::SmallVector<RankOneUpdate> updates;
  /// The terms under each sum that reads the state.
  llvm::MapVector<mlir::Operation *, llvm::SmallVector<StateTerm>> readings;
  /// Operations that compute with the state itself: those between it and its next value or its sums.
  llvm::DenseSet<mlir::Operation *> inside;
};

/// All states of a specialized and discretized recurrence that are so.
std::vector<MatrixState> findMatrixStates(RecurrenceOp recurrence, const DimensionAnalysis &dims);

} // namespace ssm

#endif
