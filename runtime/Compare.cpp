#include "runtime/Compare.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>
#include <vector>

using namespace ssm;

Result<double> ssm::relativeError(const Tensor &value, const Tensor &reference) {
  const Tensor actual = value.asReal(), expected = reference.asReal();
  if (actual.shape() != expected.shape())
    return Problem{"it has the shape " + shapeText(actual.shape()) + " where the reference has " +
                   shapeText(expected.shape())};
  std::vector<double> values;
  values.reserve(static_cast<size_t>(actual.numElements()));
  forEachOffset(actual, [&](int64_t offset) { values.push_back(actual.real(offset)); });
  double largest = 0, difference = 0;
  bool isNaN = false;
  size_t next = 0;
  forEachOffset(expected, [&](int64_t offset) {
    const double one = values[next++], other = expected.real(offset);
    isNaN |= std::isnan(one) || std::isnan(other);
    // Infinity less itself is NaN, but the two agree; and it is no scale to measure others by.
    if (one != other)
      difference = std::max(difference, std::fabs(one - other));
    if (std::isfinite(other))
      largest = std::max(largest, std::fabs(other));
  });
  if (isNaN)
    return std::numeric_limits<double>::quiet_NaN();
  return largest > 0 ? difference / largest : difference;
}

std::string ssm::errorText(double error) {
  if (std::isnan(error))
    return "NaN";
  char text[32];
  std::snprintf(text, sizeof text, "%.1e", error);
  return text;
}
