#ifndef SSM_DIALECT_AFFINEANALYSIS_H
#define SSM_DIALECT_AFFINEANALYSIS_H

#include "dialect/Expression.h"

#include <string>

namespace ssm {

/// How a component's states after a step follow from those before it.
enum class Structure {
  /// Not at all: what the states hold is known without them.
  Delay,
  /// h + b
  Identity,
  /// a·h + b, where a does not vary along any dimension that a readout sums over.
  Scalar,
  /// a·h + b, coordinate by coordinate.
  Diagonal,
  /// a·h + p·sum[over](q·h) + b
  DiagonalPlusRankOne,
  /// sum[from](A·rename(h, over: from)) + b
  Dense,
  /// A square matrix of values times the states, coordinate by coordinate, + b.
  Coupled,
  /// Affine, but of none of these forms.
  AffineOnly,
  /// Not affine, or not known to be.
  Nonlinear,
};

/// What sums and products are: + and ×, or max and +.
enum class Algebra { Sum, Max };

/// A state that a component computes: `back` is 1 for the state itself, k for what it was k-1 steps before; a coupled
/// pair of reals stands for a complex state where the step takes it apart.
struct ComponentState {
  enum class Part { Whole, Re, Im };
  State state;
  int64_t back = 1;
  Part part = Part::Whole;
  /// Of this part, in the recurrence.
  mlir::Type type() const;
};

/// States that need each other's previous values, and what the step makes of them.
struct Component {
  llvm::SmallVector<ComponentState> states;
  Structure structure = Structure::Nonlinear;
  Algebra algebra = Algebra::Sum;
  /// Whether the transition varies in time, and whether it has an imaginary part.
  bool variesInTime = false, isComplex = false;
  /// What the decay (or the matrix) varies along, time apart.
  DimSet decayDims;
  /// Dimensions of a rank-one or a dense transition; of a dense one those that its columns are named by.
  DimSet over, from;
  /// For Scalar, Diagonal and DiagonalPlusRankOne the decay, absent for an identity; for Dense the matrix; for
  /// Coupled the entries, row by row.
  llvm::SmallVector<Expr> transition;
  /// The log of the decay, where the step has it.
  Expr logDecay = nullptr;
  Expr left = nullptr, right = nullptr;
  /// One a state.
  llvm::SmallVector<Expr> drive;
  /// Of Nonlinear and AffineOnly: the operation that breaks the form, and why, in the user's words.
  mlir::Operation *breaks = nullptr;
  std::string reason;

  /// Whether `ssm.scan` can say it.
  bool isScan() const { return structure >= Structure::Identity && structure <= Structure::Coupled; }
  /// Whether two steps make one of the same structure: what can be scanned in parallel.
  bool isClosed() const { return isScan() && structure != Structure::DiagonalPlusRankOne; }
};

/// Proves which states of a specialized and discretized recurrence are affine in their previous values, by symbolic
/// differentiation of the step, and finds the structure of each one's transition. The recurrence is only read.
///
/// Every value that the next states need carries terms: a coefficient times a previous value, as it is or read through
/// sums, renames and flips. Sums and differences join terms; products with and quotients by what no term depends on
/// scale them, as do selections on such conditions; sums over dimensions become readings. Over (max, +) a maximum joins
/// and a sum scales. Anything else that is applied to a term is where linearity breaks.
class AffineAnalysis {
public:
  explicit AffineAnalysis(RecurrenceOp recurrence);

  /// In order of dependence: what a component reads of another's states comes after it.
  llvm::ArrayRef<Component> components() const { return all; }
  /// The component that holds the state `name`, or null.
  const Component *lookup(llvm::StringRef name) const;
  const DimensionAnalysis &dimensions() const { return expressions.dimensions(); }
  /// What has been proved: `diagonal, time-varying, real, decay over [batch, channel]`.
  std::string describe(const Component &component) const;

private:
  Expressions expressions;
  std::vector<Component> all;
};

/// Why a component cannot be scanned, for its user: one sentence, without the place.
std::string explainSequential(const Component &component);
/// Why steps of a component that is neither closed nor a delay cannot be composed: what its first state is, and the
/// reason.
std::string explainNotClosed(const AffineAnalysis &analysis, const Component &component);

} // namespace ssm

#endif
