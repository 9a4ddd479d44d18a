#ifndef SSM_CODEGEN_INTERPRETER_COLUMNS_H
#define SSM_CODEGEN_INTERPRETER_COLUMNS_H

#include "codegen/interpreter/Grid.h"

#include <complex>
#include <map>
#include <memory>

namespace ssm {

/// Every value of the interpreter: a real has no imaginary part, a truth value is 0 or 1, an integer is exact to 2^53.
using Number = std::complex<double>;

/// A value at one time step: a number for each coordinate of its own dimensions other than time.
using Column = std::vector<Number>;

/// A value read at the coordinates of another grid.
struct Operand {
  const Column *column;
  std::shared_ptr<const Offsets> offsets;
  const Number &at(int64_t position) const { return (*column)[(*offsets)[position]]; }
};

/// The columns of all values of a recurrence.
class Columns {
public:
  Columns(const DimensionAnalysis &dims, llvm::ArrayRef<int64_t> sizes) : dims(dims), sizes(sizes) {}

  /// The coordinates of a set of dimensions or of a value's, without time.
  Grid gridOf(DimSet set) const { return Grid(set.without(dims.scan()), sizes); }
  Grid gridOf(mlir::Value value) const { return gridOf(dims.of(value)); }

  /// Makes the column of a value, zeros. It stays where it is.
  Column &define(mlir::Value value);
  const Column &of(mlir::Value value) const { return *columns.at(value); }
  /// A defined value at the coordinates of the dimensions `at`, broadcast along those that it lacks.
  Operand read(mlir::Value value, DimSet at);

private:
  std::vector<unsigned> numbersOf(DimSet set) const;

  const DimensionAnalysis &dims;
  llvm::ArrayRef<int64_t> sizes;
  llvm::DenseMap<mlir::Value, std::unique_ptr<Column>> columns;
  /// Many operations broadcast from and to the same dimensions.
  std::map<std::pair<std::vector<unsigned>, std::vector<unsigned>>, std::shared_ptr<const Offsets>> broadcasts;
};

/// Writes a number to a tensor, or its real part where the tensor is real.
void write(Tensor &tensor, int64_t offset, Number number);

/// The type of results: f64, or complex<f64> where the value is complex.
DType resultType(mlir::Type type);

} // namespace ssm

#endif
