#ifndef SSM_PASSES_STEPALGEBRA_H
#define SSM_PASSES_STEPALGEBRA_H

#include "dialect/Ssm.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "llvm/ADT/DenseMap.h"

namespace ssm {

/// A tile of real numbers, or two of complex ones.
struct Number {
  mlir::Value re, im = {};
  explicit operator bool() const { return bool(re); }
};
/// Row by row, or the one of every coordinate; empty for the identity. In the log domain it is the log.
using Transition = llvm::SmallVector<Number>;
using States = llvm::SmallVector<Number>;

/// Some steps as one: h becomes A·h + b.
struct Steps {
  Transition transition;
  States drive;
};

/// The algebra of one scan's numbers: sums and products, or maxima and sums. Tiles of other extents are stretched.
class Numbers : public mlir::ImplicitLocOpBuilder {
public:
  explicit Numbers(TileScanOp scan);

  mlir::Value stretch(mlir::Value tile, llvm::ArrayRef<int64_t> shape);
  /// Both at the larger extent along each axis.
  void fit(mlir::Value &a, mlir::Value &b);

  Number add(Number a, Number b);
  Number mul(Number a, Number b);
  /// A sum, also where `add` is a maximum.
  mlir::Value sum(mlir::Value a, mlir::Value b);

  llvm::APFloat zero() const;
  llvm::APFloat one() const;
  /// A tile of one number, of extent 1 along each of `rank` axes.
  mlir::Value constant(const llvm::APFloat &number, int64_t rank);

  mlir::FloatType getElement() const { return element; }

private:
  mlir::Value plus(mlir::Value a, mlir::Value b);
  mlir::Value times(mlir::Value a, mlir::Value b);

  bool isMax;
  mlir::FloatType element;
};

/// Steps of a scan and how two of them are one of the same kind.
class StepAlgebra {
public:
  explicit StepAlgebra(TileScanOp scan);

  /// What the scan does, step by step; from `below` on nothing.
  Steps steps();
  States carry() { return numbers(scan.getCarry()); }

  /// A·h + b
  States apply(const Steps &steps, const States &before);
  /// What `first` and then `second` are together.
  Steps compose(const Steps &second, const Steps &first);
  /// Steps that leave states as they are.
  Steps nothing(const Steps &like);
  Steps choose(mlir::Value condition, const Steps &a, const Steps &b);

  Numbers make;

private:
  bool isDense() { return !scan.getOver().empty(); }
  int64_t columns();
  mlir::Value slice(mlir::Value tile, llvm::ArrayRef<int64_t> axes, int64_t j);
  Number slice(Number number, llvm::ArrayRef<int64_t> axes, int64_t j);
  States numbers(mlir::OperandRange tiles);
  Transition compose(const Transition &second, const Transition &first);
  Number decay(Number transition);
  mlir::Value limitLog(mlir::Value log);
  Transition identity(const Transition &like);
  mlir::Value identityMatrix();
  mlir::Value stepNumbers();
  void maskSteps(Steps &steps);
  mlir::Value overSteps(mlir::Value tile);

  TileScanOp scan;
  llvm::SmallVector<int64_t> shape, along;
  /// Extents of a dense transition along its rows and columns, by axis.
  llvm::SmallVector<int64_t> shapeOfMatrix;
  /// Of logs of decays.
  llvm::DenseMap<mlir::Value, mlir::Value> exponentials;
};

} // namespace ssm

#endif
