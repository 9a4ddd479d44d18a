#ifndef SSM_DIALECT_DIMENSIONANALYSIS_H
#define SSM_DIALECT_DIMENSIONANALYSIS_H

#include "dialect/Ssm.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringMap.h"

namespace ssm {

/// A set of a recurrence's dimensions, by their position in its `dims` (64 at most; recurrence_c1 checks).
class DimSet {
public:
  DimSet() = default;
  explicit DimSet(uint64_t bits) : bits(bits) {}
  bool contains(unsigned dim) const { return bits >> dim & 1; }
  bool containsAll(DimSet other) const { return (other.bits & ~bits) == 0; }
  bool empty() const { return bits == 0; }
  unsigned size() const { return llvm::popcount(bits); }
  DimSet with(unsigned dim) const { return DimSet(bits | uint64_t(1) << dim); }
  DimSet without(unsigned dim) const { return DimSet(bits & ~(uint64_t(1) << dim)); }
  DimSet operator|(DimSet other) const { return DimSet(bits | other.bits); }
  DimSet operator&(DimSet other) const { return DimSet(bits & other.bits); }
  DimSet operator-(DimSet other) const { return DimSet(bits & ~other.bits); }
  bool operator==(const DimSet &) const = default;
  /// Bit i is the i-th dimension.
  uint64_t raw() const { return bits; }

private:
  uint64_t bits = 0;
};

/// Infers which dimensions each value of a recurrence varies along (design, level 0: "Dimensions").
/// Sets only ever shrink under folding, so an analysis is made anew after each rewrite.
class DimensionAnalysis {
public:
  explicit DimensionAnalysis(RecurrenceOp recurrence);

  /// Dimensions of a value of the recurrence.
  DimSet of(mlir::Value value) const { return sets.lookup(value); }
  /// Dimensions named by a layout, a list of names or one name. Undeclared names are left out.
  DimSet of(LayoutAttr layout) const;
  DimSet of(mlir::ArrayAttr names) const;
  DimSet of(llvm::StringRef name) const;

  /// Position of the dimension `name` in the recurrence's `dims`; nothing if it is not declared.
  std::optional<unsigned> number(llvm::StringRef name) const;
  llvm::StringRef name(unsigned dim) const { return names[dim]; }
  unsigned count() const { return names.size(); }
  /// Position of the scanned dimension.
  unsigned scan() const { return scanDim; }
  bool variesInTime(mlir::Value value) const { return of(value).contains(scanDim); }
  /// The set's names in order of declaration.
  llvm::SmallVector<llvm::StringRef> list(DimSet set) const;

private:
  DimSet infer(mlir::Operation &op) const;

  llvm::SmallVector<llvm::StringRef> names;
  llvm::StringMap<unsigned> numbers;
  unsigned scanDim = 0;
  llvm::DenseMap<mlir::Value, DimSet> sets;
};

} // namespace ssm

#endif
