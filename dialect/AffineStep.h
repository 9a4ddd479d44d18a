#ifndef SSM_DIALECT_AFFINESTEP_H
#define SSM_DIALECT_AFFINESTEP_H

#include "dialect/AffineAnalysis.h"

#include <map>

namespace ssm {

/// How a previous value is read: as it is, a part of it, or through operations over dimensions. Equal readings of one
/// step are one.
struct Reading : llvm::FoldingSetNode {
  enum class Kind { State, Re, Im, Over, Rename, Flip } kind = Kind::State;
  /// Of State, Re and Im: which state of the component.
  unsigned state = 0;
  /// Of the others: what is read. Over is the sum (or maximum) of `factor` times (or plus) it over the dimensions
  /// `over`.
  const Reading *operand = nullptr;
  Expr factor = nullptr;
  DimSet over;
  unsigned from = 0, to = 0;

  unsigned id = 0;
  bool isReal = true;
  DimSet dims;

  bool isDirect() const { return kind == Kind::State || kind == Kind::Re || kind == Kind::Im; }
  /// The state, or part of one, that is read in the end.
  const Reading &root() const { return operand ? operand->root() : *this; }
  void Profile(llvm::FoldingSetNodeID &node) const;
};

/// A value as the sum (or maximum) of terms and a rest that depends on no state of the component; a null rest is zero
/// (or -infinity), as is the coefficient of a reading that is absent.
struct Affine {
  llvm::SmallVector<std::pair<const Reading *, Expr>> terms;
  Expr rest = nullptr;
};

/// The next values of a component's states in terms of its previous values, over one algebra.
class AffineStep {
public:
  /// `states` are whole ones.
  AffineStep(RecurrenceOp recurrence, Expressions &expressions, llvm::ArrayRef<ComponentState> states, Algebra algebra);

  /// Follows the operations of `slice`, in order, which the next values need. Fails where one breaks the form, and says
  /// which and why.
  mlir::LogicalResult follow(llvm::ArrayRef<mlir::Operation *> slice);
  /// The next value of a state; after follow().
  Affine next(unsigned state);

  mlir::Operation *breaks = nullptr;
  std::string reason;
  /// Whether what breaks is affine, but not followed.
  bool isOnlyTooLong = false;

  /// Real and imaginary part of a value.
  Affine re(const Affine &value);
  Affine im(const Affine &value);
  /// The value with a pair of terms in the parts of a state as one in the state, where the pair is complex-linear.
  Affine joinParts(const Affine &value);

private:
  Affine of(mlir::Value value);
  bool hasTerms(mlir::Value value) { return !of(value).terms.empty(); }
  mlir::LogicalResult refuse(mlir::Operation &op, const llvm::Twine &why);
  mlir::LogicalResult set(mlir::Operation &op, Affine value);
  mlir::LogicalResult derive(mlir::Operation &op);
  mlir::LogicalResult deriveInSum(mlir::Operation &op);
  mlir::LogicalResult deriveInMax(mlir::Operation &op);
  mlir::LogicalResult deriveProduct(mlir::Operation &op, mlir::Value a, mlir::Value b, Affine summand);
  mlir::LogicalResult deriveQuotient(mlir::Operation &op);
  mlir::LogicalResult deriveShift(mlir::Operation &op, bool subtract);
  mlir::LogicalResult deriveSelect(mlir::Operation &op);
  mlir::LogicalResult deriveDelay(DelayOp op);
  mlir::LogicalResult refuseDefault(mlir::Operation &op);

  // The algebra: null is its zero.
  Expr plus(Expr a, Expr b);
  Expr times(Expr a, Expr b);
  Expr one();
  Expr orZero(Expr a);
  Expr nullIfZero(Expr a);
  Expr reduce(Expr a, DimSet over);

  // Affine values.
  Affine join(const Affine &a, const Affine &b);
  Affine scale(const Affine &value, Expr factor);
  Affine choose(const Affine &a, const Affine &b, llvm::function_ref<Expr(Expr, Expr)> select);
  Affine reduce(const Affine &value, DimSet over);
  Affine mean(const Affine &value, DimSet over);
  Affine rename(const Affine &value, unsigned from, unsigned to);
  Affine flip(const Affine &value, unsigned dim);
  Affine conj(const Affine &value);
  Affine part(const Affine &value, bool imaginary);

  // Readings.
  const Reading *make(Reading &&reading);
  const Reading *direct(unsigned state, Reading::Kind kind);
  std::pair<Expr, const Reading *> readOver(Expr factor, const Reading *reading, DimSet over);
  const Reading *rename(const Reading *reading, unsigned from, unsigned to);
  const Reading *flip(const Reading *reading, unsigned dim);
  Affine partOf(const Reading *reading, bool imaginary);
  Affine makePart(const Reading *reading, bool imaginary);

  RecurrenceOp recurrence;
  Expressions &build;
  const DimensionAnalysis &dims;
  llvm::SmallVector<ComponentState> states;
  Algebra algebra;
  std::map<std::pair<llvm::StringRef, int64_t>, unsigned> numbers;
  llvm::DenseMap<mlir::Value, Affine> values;
  std::deque<Reading> owned;
  llvm::FoldingSet<Reading> known;
  /// Parts of complex readings that have been made.
  std::map<std::pair<const Reading *, bool>, Affine> parts;
};

/// Names the structure of a component whose step has been followed, and fills in its transition and drive. `readout`:
/// the dimensions that sums of what depends on it run over.
void classify(Component &component, AffineStep &step, Expressions &expressions, DimSet readout);

} // namespace ssm

#endif
