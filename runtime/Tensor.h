#ifndef SSM_RUNTIME_TENSOR_H
#define SSM_RUNTIME_TENSOR_H

#include "runtime/Result.h"

#include <complex>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ssm {

/// Element types in memory. C64 and C128 are complex<f32> and complex<f64>, named by their size as in numpy.
enum class DType : uint8_t { Bool, I8, U8, I16, U16, I32, U32, I64, U64, F16, BF16, F32, F64, C64, C128 };

/// Bytes of one element.
size_t itemSize(DType type);
/// The name in a description: `f32`, `bf16`, `complex<f32>`, `i64`.
std::string_view dtypeName(DType type);
/// The element type of that name, if there is one.
std::optional<DType> parseDType(std::string_view name);
bool isComplex(DType type);
/// Whether the type is one of f16, bf16, f32, f64.
bool isFloat(DType type);
bool isInteger(DType type);
/// The type of the parts of a complex type; any other type is itself.
DType realType(DType type);

/// `value` rounded to the nearest f16 or bf16, ties to even; overflow gives infinity, NaN stays NaN with its sign.
uint16_t toF16(double value);
uint16_t toBF16(double value);
/// The exact value.
double fromF16(uint16_t bits);
double fromBF16(uint16_t bits);

using Shape = std::vector<int64_t>;

/// The product of the sizes; nothing if one is negative or the product passes 2^63-1.
/// (0 if some size is 0, however large the others are.)
std::optional<int64_t> countElements(const Shape &shape);
/// Strides of a row-major array without gaps, in elements.
Shape contiguousStrides(const Shape &shape);
/// `[2, 3]`.
std::string shapeText(const Shape &shape);

/// An array in memory: element type, shape, strides in elements (any sign) and shared storage, which is owned or part
/// of a mapped file. Copying a Tensor shares the elements. The element at an index has the offset sum(index[i] *
/// stride[i]) from data(), in elements.
class Tensor {
public:
  /// An f32 scalar of value 0.
  Tensor();

  /// Zeros, contiguous, aligned to 64 bytes. A problem if the size is not representable or memory does not suffice.
  static Result<Tensor> allocate(DType type, Shape shape);
  /// As `allocate`, for sizes known to be sound: ends the program where memory does not suffice.
  static Tensor zeros(DType type, Shape shape);
  static Tensor empty(DType type, Shape shape) { return zeros(type, std::move(shape)); }
  /// The values in row-major order, rounded to `type`. There must be as many as the shape has elements.
  static Tensor fromData(DType type, Shape shape, const std::vector<double> &values);
  static Tensor fromData(DType type, Shape shape, const std::vector<std::complex<double>> &values);
  /// Elements that `owner` keeps alive. They must be aligned to the item size (of the parts, where complex).
  static Tensor wrap(DType type, Shape shape, Shape strides, std::shared_ptr<const void> owner, void *data);

  DType dtype() const { return type; }
  const Shape &shape() const { return sizes; }
  const Shape &strides() const { return steps; }
  int64_t rank() const { return static_cast<int64_t>(sizes.size()); }
  int64_t size(int64_t axis) const { return sizes[axis]; }
  int64_t stride(int64_t axis) const { return steps[axis]; }
  int64_t numElements() const;
  size_t numBytes() const { return numElements() * itemSize(type); }
  bool isContiguous() const;
  /// The element at index (0, …, 0).
  void *data() { return first; }
  const void *data() const { return first; }
  template <typename T> T *dataAs() { return static_cast<T *>(first); }
  template <typename T> const T *dataAs() const { return static_cast<const T *>(first); }

  /// Offset of an index from data(), in elements.
  int64_t offsetOf(const Shape &index) const;

  /// The element at an offset, widened exactly (but i64 and u64 beyond 2^53 to the nearest double). `real` reads the
  /// real part.
  double real(int64_t offset = 0) const;
  std::complex<double> complex(int64_t offset = 0) const;
  int64_t integer(int64_t offset = 0) const;
  /// Writes the element at an offset, rounded once to the nearest, ties to even. Integers saturate and take 0 for NaN;
  /// a real element takes the real part.
  void setReal(int64_t offset, double value);
  void setComplex(int64_t offset, std::complex<double> value);
  void setInteger(int64_t offset, int64_t value);

  /// Same elements at another type: contiguous and newly made unless the type is the same, when it is this tensor
  /// itself. Complex to real drops the imaginary part.
  Tensor convert(DType to) const;
  /// This tensor if it is contiguous, else a contiguous copy.
  Tensor contiguous() const;
  /// A contiguous copy that shares nothing.
  Tensor clone() const;
  /// Copies every element of `from`, which has the same shape, with conversion.
  void copyFrom(const Tensor &from);
  /// F32 or F64 [.., 2] as C64 or C128 [..]. Shares the elements wherever the last axis is contiguous and the other
  /// strides are even. A problem if the type or the last size is another.
  Result<Tensor> asComplex() const;
  /// C64 or C128 [..] as F32 or F64 [.., 2], sharing the elements; any other tensor is itself.
  Tensor asReal() const;
  /// `count` elements from `begin` along `axis`, sharing the elements; they must lie inside.
  Tensor slice(int64_t axis, int64_t begin, int64_t count) const;

private:
  Tensor(DType type, Shape shape, Shape strides, std::shared_ptr<const void> owner, void *data);

  DType type = DType::F32;
  Shape sizes, steps;
  std::shared_ptr<const void> owner;
  void *first = nullptr;
};

/// Calls `visit(offset)` for every element of a tensor in row-major order of its indices.
template <typename Visit> void forEachOffset(const Tensor &tensor, Visit visit) {
  int64_t rank = tensor.rank();
  for (int64_t size : tensor.shape())
    if (size == 0)
      return;
  Shape index(rank, 0);
  int64_t offset = 0;
  while (true) {
    visit(offset);
    int64_t axis = rank - 1;
    for (; axis >= 0; --axis) {
      offset += tensor.stride(axis);
      if (++index[axis] < tensor.size(axis))
        break;
      offset -= tensor.stride(axis) * tensor.size(axis);
      index[axis] = 0;
    }
    if (axis < 0)
      return;
  }
}

} // namespace ssm

#endif
