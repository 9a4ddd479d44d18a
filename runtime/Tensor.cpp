#include "runtime/Tensor.h"

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <limits>

using namespace ssm;

namespace {

struct TypeInfo {
  std::string_view name;
  size_t size;
};

// In the order of DType.
constexpr TypeInfo typeInfos[] = {{"bool", 1}, {"i8", 1},  {"u8", 1},  {"i16", 2},          {"u16", 2},
                                  {"i32", 4},  {"u32", 4}, {"i64", 8}, {"u64", 8},          {"f16", 2},
                                  {"bf16", 2}, {"f32", 4}, {"f64", 8}, {"complex<f32>", 8}, {"complex<f64>", 16}};

constexpr size_t alignment = 64;

/// Rounds to a format with `mantissa` stored bits and `exponent` bits, 16 with the sign. One rounding only: going by
/// way of float would round twice.
uint16_t toNarrow(double value, int mantissa, int exponent) {
  uint64_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  const uint16_t sign = static_cast<uint16_t>(bits >> 63 << 15);
  const uint16_t infinity = static_cast<uint16_t>(((1 << exponent) - 1) << mantissa);
  const int biased = static_cast<int>(bits >> 52 & 0x7ff);
  const uint64_t fraction = bits & ((uint64_t(1) << 52) - 1);
  if (biased == 0x7ff && fraction != 0) {
    const uint16_t quiet = static_cast<uint16_t>(1 << (mantissa - 1));
    return static_cast<uint16_t>(sign | infinity | quiet | (fraction >> (52 - mantissa)));
  }
  if (biased == 0x7ff)
    return sign | infinity;
  const int narrow = biased - 1023 + (1 << (exponent - 1)) - 1;
  if (narrow >= (1 << exponent) - 1)
    return sign | infinity;
  // A subnormal result loses one more bit for each step below the smallest exponent.
  const int shift = 52 - mantissa + (narrow <= 0 ? 1 - narrow : 0);
  if (shift > 54 || biased == 0)
    return sign;
  const uint64_t full = fraction | uint64_t(1) << 52;
  const uint64_t half = uint64_t(1) << (shift - 1);
  uint64_t rounded = full >> shift;
  const uint64_t rest = full & ((uint64_t(1) << shift) - 1);
  if (rest > half || (rest == half && (rounded & 1)))
    ++rounded;
  // The leading bit of a normal result is implied; a carry out of the fraction moves to the next exponent, or to
  // infinity.
  if (narrow > 0)
    rounded += static_cast<uint64_t>(narrow - 1) << mantissa;
  return static_cast<uint16_t>(sign | rounded);
}

template <typename T> T load(const void *base, int64_t index) {
  T value;
  std::memcpy(&value, static_cast<const char *>(base) + index * static_cast<int64_t>(sizeof(T)), sizeof(T));
  return value;
}

template <typename T> void store(void *base, int64_t index, T value) {
  std::memcpy(static_cast<char *>(base) + index * static_cast<int64_t>(sizeof(T)), &value, sizeof(T));
}

template <typename T> T saturate(double value) {
  if (std::isnan(value))
    return 0;
  value = std::nearbyint(value);
  // The largest value of a 64-bit type is not a double: 2^63 is, and is the first that does not fit.
  const double above = std::ldexp(1.0, std::numeric_limits<T>::digits);
  if (value >= above)
    return std::numeric_limits<T>::max();
  if (value < static_cast<double>(std::numeric_limits<T>::min()))
    return std::numeric_limits<T>::min();
  return static_cast<T>(value);
}

template <typename T> T saturate(int64_t value) {
  if constexpr (std::is_unsigned_v<T>) {
    if (value < 0)
      return 0;
    return static_cast<uint64_t>(value) > std::numeric_limits<T>::max() ? std::numeric_limits<T>::max()
                                                                        : static_cast<T>(value);
  } else {
    if (value > std::numeric_limits<T>::max())
      return std::numeric_limits<T>::max();
    return value < std::numeric_limits<T>::min() ? std::numeric_limits<T>::min() : static_cast<T>(value);
  }
}

[[noreturn]] void fail(const std::string &message) {
  std::fprintf(stderr, "error: %s\n", message.c_str());
  std::exit(1);
}

} // namespace

size_t ssm::itemSize(DType type) { return typeInfos[static_cast<size_t>(type)].size; }

std::string_view ssm::dtypeName(DType type) { return typeInfos[static_cast<size_t>(type)].name; }

std::optional<DType> ssm::parseDType(std::string_view name) {
  for (size_t i = 0; i < std::size(typeInfos); ++i)
    if (typeInfos[i].name == name)
      return static_cast<DType>(i);
  return std::nullopt;
}

bool ssm::isComplex(DType type) { return type == DType::C64 || type == DType::C128; }

bool ssm::isFloat(DType type) {
  return type == DType::F16 || type == DType::BF16 || type == DType::F32 || type == DType::F64;
}

bool ssm::isInteger(DType type) { return !isComplex(type) && !isFloat(type) && type != DType::Bool; }

DType ssm::realType(DType type) { return type == DType::C64 ? DType::F32 : type == DType::C128 ? DType::F64 : type; }

uint16_t ssm::toF16(double value) { return toNarrow(value, 10, 5); }

uint16_t ssm::toBF16(double value) { return toNarrow(value, 7, 8); }

double ssm::fromF16(uint16_t bits) {
  const double sign = bits & 0x8000 ? -1.0 : 1.0;
  const int exponent = bits >> 10 & 0x1f;
  const int fraction = bits & 0x3ff;
  if (exponent == 0x1f)
    return fraction ? std::copysign(std::numeric_limits<double>::quiet_NaN(), sign)
                    : sign * std::numeric_limits<double>::infinity();
  if (exponent == 0)
    return sign * std::ldexp(fraction, -24);
  return sign * std::ldexp(fraction + 0x400, exponent - 25);
}

double ssm::fromBF16(uint16_t bits) {
  const uint32_t wide = static_cast<uint32_t>(bits) << 16;
  float value;
  std::memcpy(&value, &wide, sizeof value);
  return value;
}

std::optional<int64_t> ssm::countElements(const Shape &shape) {
  int64_t count = 1;
  bool tooMany = false;
  for (int64_t size : shape) {
    if (size < 0)
      return std::nullopt;
    if (size == 0)
      count = 0;
    else if (count > std::numeric_limits<int64_t>::max() / size)
      tooMany = true;
    else
      count *= size;
  }
  if (tooMany && count != 0)
    return std::nullopt;
  return count;
}

Shape ssm::contiguousStrides(const Shape &shape) {
  Shape strides(shape.size());
  // Sizes of 0 count as 1, so that an empty array of a huge shape has strides too; they are never used to reach an
  // element.
  uint64_t stride = 1;
  for (size_t axis = shape.size(); axis-- > 0;) {
    strides[axis] = static_cast<int64_t>(stride);
    stride *= static_cast<uint64_t>(shape[axis] > 0 ? shape[axis] : 1);
  }
  return strides;
}

std::string ssm::shapeText(const Shape &shape) {
  std::string text = "[";
  for (size_t axis = 0; axis < shape.size(); ++axis)
    text += (axis ? ", " : "") + std::to_string(shape[axis]);
  return text + "]";
}

Tensor::Tensor() : Tensor(zeros(DType::F32, {})) {}

Result<Tensor> Tensor::allocate(DType type, Shape shape) {
  std::optional<int64_t> count = countElements(shape);
  const auto limit = static_cast<uint64_t>(std::numeric_limits<int64_t>::max()) - alignment;
  if (!count || static_cast<uint64_t>(*count) > limit / itemSize(type))
    return Problem{"an array of shape " + shapeText(shape) + " is too large"};
  const size_t bytes = static_cast<size_t>(*count) * itemSize(type) + alignment;
  // calloc takes large blocks as zero pages from the system, which costs nothing until they are written.
  void *block = std::calloc(bytes, 1);
  if (!block)
    return Problem{"no memory for an array of shape " + shapeText(shape)};
  std::shared_ptr<const void> owner(block, [](void *pointer) { std::free(pointer); });
  const auto address = reinterpret_cast<uintptr_t>(block);
  void *data = static_cast<char *>(block) + (alignment - address % alignment) % alignment;
  Shape strides = contiguousStrides(shape);
  return wrap(type, std::move(shape), std::move(strides), std::move(owner), data);
}

Tensor Tensor::zeros(DType type, Shape shape) {
  Result<Tensor> tensor = allocate(type, std::move(shape));
  if (!tensor)
    fail(tensor.error());
  return std::move(*tensor);
}

Tensor Tensor::fromData(DType type, Shape shape, const std::vector<double> &values) {
  Tensor tensor = zeros(type, std::move(shape));
  assert(static_cast<size_t>(tensor.numElements()) == values.size() && "one value an element");
  for (size_t i = 0; i < values.size(); ++i)
    tensor.setReal(static_cast<int64_t>(i), values[i]);
  return tensor;
}

Tensor Tensor::fromData(DType type, Shape shape, const std::vector<std::complex<double>> &values) {
  Tensor tensor = zeros(type, std::move(shape));
  assert(static_cast<size_t>(tensor.numElements()) == values.size() && "one value an element");
  for (size_t i = 0; i < values.size(); ++i)
    tensor.setComplex(static_cast<int64_t>(i), values[i]);
  return tensor;
}

Tensor Tensor::wrap(DType type, Shape shape, Shape strides, std::shared_ptr<const void> owner, void *data) {
  assert(shape.size() == strides.size() && "a stride an axis");
  Tensor tensor(type, std::move(shape), std::move(strides), std::move(owner), data);
  return tensor;
}

Tensor::Tensor(DType type, Shape shape, Shape strides, std::shared_ptr<const void> owner, void *data)
    : type(type), sizes(std::move(shape)), steps(std::move(strides)), owner(std::move(owner)), first(data) {}

int64_t Tensor::numElements() const { return countElements(sizes).value_or(0); }

bool Tensor::isContiguous() const {
  int64_t expected = 1;
  for (int64_t axis = rank() - 1; axis >= 0; --axis) {
    if (sizes[axis] == 0)
      return true;
    if (sizes[axis] != 1 && steps[axis] != expected)
      return false;
    expected *= sizes[axis];
  }
  return true;
}

int64_t Tensor::offsetOf(const Shape &index) const {
  assert(index.size() == sizes.size() && "a coordinate an axis");
  int64_t offset = 0;
  for (size_t axis = 0; axis < index.size(); ++axis)
    offset += index[axis] * steps[axis];
  return offset;
}

double Tensor::real(int64_t offset) const {
  switch (type) {
  case DType::Bool:
    return load<uint8_t>(first, offset) != 0;
  case DType::I8:
    return load<int8_t>(first, offset);
  case DType::U8:
    return load<uint8_t>(first, offset);
  case DType::I16:
    return load<int16_t>(first, offset);
  case DType::U16:
    return load<uint16_t>(first, offset);
  case DType::I32:
    return load<int32_t>(first, offset);
  case DType::U32:
    return load<uint32_t>(first, offset);
  case DType::I64:
    return static_cast<double>(load<int64_t>(first, offset));
  case DType::U64:
    return static_cast<double>(load<uint64_t>(first, offset));
  case DType::F16:
    return fromF16(load<uint16_t>(first, offset));
  case DType::BF16:
    return fromBF16(load<uint16_t>(first, offset));
  case DType::F32:
    return load<float>(first, offset);
  case DType::F64:
    return load<double>(first, offset);
  case DType::C64:
    return load<float>(first, 2 * offset);
  case DType::C128:
    return load<double>(first, 2 * offset);
  }
  return 0;
}

std::complex<double> Tensor::complex(int64_t offset) const {
  if (type == DType::C64)
    return {load<float>(first, 2 * offset), load<float>(first, 2 * offset + 1)};
  if (type == DType::C128)
    return {load<double>(first, 2 * offset), load<double>(first, 2 * offset + 1)};
  return real(offset);
}

int64_t Tensor::integer(int64_t offset) const {
  if (type == DType::I64)
    return load<int64_t>(first, offset);
  if (type == DType::U64) {
    const uint64_t value = load<uint64_t>(first, offset);
    const auto most = static_cast<uint64_t>(std::numeric_limits<int64_t>::max());
    return static_cast<int64_t>(value > most ? most : value);
  }
  return saturate<int64_t>(real(offset));
}

void Tensor::setReal(int64_t offset, double value) {
  switch (type) {
  case DType::Bool:
    return store<uint8_t>(first, offset, value != 0);
  case DType::I8:
    return store(first, offset, saturate<int8_t>(value));
  case DType::U8:
    return store(first, offset, saturate<uint8_t>(value));
  case DType::I16:
    return store(first, offset, saturate<int16_t>(value));
  case DType::U16:
    return store(first, offset, saturate<uint16_t>(value));
  case DType::I32:
    return store(first, offset, saturate<int32_t>(value));
  case DType::U32:
    return store(first, offset, saturate<uint32_t>(value));
  case DType::I64:
    return store(first, offset, saturate<int64_t>(value));
  case DType::U64:
    return store(first, offset, saturate<uint64_t>(value));
  case DType::F16:
    return store(first, offset, toF16(value));
  case DType::BF16:
    return store(first, offset, toBF16(value));
  case DType::F32:
    return store(first, offset, static_cast<float>(value));
  case DType::F64:
    return store(first, offset, value);
  case DType::C64:
  case DType::C128:
    return setComplex(offset, value);
  }
}

void Tensor::setComplex(int64_t offset, std::complex<double> value) {
  if (type == DType::C64) {
    store(first, 2 * offset, static_cast<float>(value.real()));
    store(first, 2 * offset + 1, static_cast<float>(value.imag()));
  } else if (type == DType::C128) {
    store(first, 2 * offset, value.real());
    store(first, 2 * offset + 1, value.imag());
  } else {
    setReal(offset, value.real());
  }
}

void Tensor::setInteger(int64_t offset, int64_t value) {
  if (type == DType::I64)
    store(first, offset, value);
  else if (type == DType::U64)
    store(first, offset, saturate<uint64_t>(value));
  else
    setReal(offset, static_cast<double>(value));
}

Tensor Tensor::convert(DType to) const {
  if (to == type)
    return *this;
  Tensor result = zeros(to, sizes);
  result.copyFrom(*this);
  return result;
}

Tensor Tensor::contiguous() const { return isContiguous() ? *this : clone(); }

Tensor Tensor::clone() const {
  Tensor result = zeros(type, sizes);
  result.copyFrom(*this);
  return result;
}

void Tensor::copyFrom(const Tensor &from) {
  assert(sizes == from.sizes && "arrays of one shape");
  if (type == from.type && isContiguous() && from.isContiguous()) {
    if (numElements())
      std::memcpy(first, from.first, numBytes());
    return;
  }
  std::vector<int64_t> targets;
  targets.reserve(static_cast<size_t>(numElements()));
  forEachOffset(*this, [&](int64_t offset) { targets.push_back(offset); });
  size_t next = 0;
  const size_t bytes = itemSize(type);
  forEachOffset(from, [&](int64_t offset) {
    const int64_t target = targets[next++];
    if (type == from.type)
      std::memcpy(static_cast<char *>(first) + target * static_cast<int64_t>(bytes),
                  static_cast<const char *>(from.first) + offset * static_cast<int64_t>(bytes), bytes);
    else if (ssm::isComplex(from.type))
      setComplex(target, from.complex(offset));
    else if (ssm::isInteger(from.type) && ssm::isInteger(type))
      setInteger(target, from.integer(offset));
    else
      setReal(target, from.real(offset));
  });
}

Result<Tensor> Tensor::asComplex() const {
  if (type != DType::F32 && type != DType::F64)
    return Problem{"a complex array is stored as f32 or f64 pairs, not as " + std::string(dtypeName(type))};
  if (sizes.empty() || sizes.back() != 2)
    return Problem{"a complex array has a last axis of size 2 (real and imaginary part); the shape is " +
                   shapeText(sizes)};
  bool pairs = steps.back() == 1;
  for (size_t axis = 0; axis + 1 < steps.size(); ++axis)
    pairs = pairs && steps[axis] % 2 == 0;
  const Tensor source = pairs ? *this : clone();
  Shape shape(source.sizes.begin(), source.sizes.end() - 1);
  Shape strides(source.steps.begin(), source.steps.end() - 1);
  for (int64_t &stride : strides)
    stride /= 2;
  return wrap(type == DType::F32 ? DType::C64 : DType::C128, std::move(shape), std::move(strides), source.owner,
              source.first);
}

Tensor Tensor::asReal() const {
  if (!ssm::isComplex(type))
    return *this;
  Shape shape = sizes, strides = steps;
  for (int64_t &stride : strides)
    stride *= 2;
  shape.push_back(2);
  strides.push_back(1);
  return wrap(realType(type), std::move(shape), std::move(strides), owner, first);
}

Tensor Tensor::slice(int64_t axis, int64_t begin, int64_t count) const {
  assert(begin >= 0 && count >= 0 && begin + count <= sizes[axis] && "a slice inside the array");
  Tensor result = *this;
  result.sizes[axis] = count;
  if (result.numElements() != 0)
    result.first = static_cast<char *>(first) + begin * steps[axis] * static_cast<int64_t>(itemSize(type));
  return result;
}
